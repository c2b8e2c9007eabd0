"""Problems of the clients of a listener of a Network Load Balancer."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.findings.finding import Path, Problem

from ...common.security_groups import kind_of_peer, source_property
from ...load_balancers import nlb
from ...load_balancers.clients import all_addresses, client_problems, private_client_problems
from ...tasks.ports import Port
from ..params import ExposeEntry
from .listeners import TRANSPORTS, preserves_client_ip


def listener_client_problems(
    entry: ExposeEntry, port: Port, path: Path, balancer: nlb.Handle
) -> Iterator[Problem]:
    """Problems of the `clients:` of a listener."""
    if balancer.security_group is None and not preserves_client_ip(entry, port):
        yield from _unrestricted_client_problems(entry, path)
        return
    if balancer.security_group is None and balancer.dualstack:
        yield from _translated_client_problems(entry, port, path)
    if entry.clients is None and balancer.default_clients is None:
        hint = "Write the clients that are allowed to connect, such as `clients: [10.0.0.0/16]`"
        has_group = balancer.security_group is not None
        hint += ", or `[]` if the security group allows them already." if has_group else "."
        message = "`clients` is missing, and the load balancer has no default for it"
        yield Problem("M1102", (*path, "clients"), message, hint)
    if entry.clients is None and balancer.scheme == "internet-facing" and port.protocol != "tls":
        everyone = ", ".join(f'"{block}"' for block in all_addresses(dualstack=balancer.dualstack))
        message = f"Every address on the internet can connect to port {port} of `{entry.via}`"
        hint = (
            f"Write the addresses of the clients, or `clients: [{everyone}]` if that is intended."
        )
        yield Problem("M2521", (*path, "clients"), message, hint, level="warning")
    has_existing_group = balancer.security_group is not None and balancer.scheme is None
    if entry.clients == [] and not has_existing_group:
        hint = "Write the clients that are allowed to connect."
        message = "No client is allowed to connect: the list is empty"
        yield Problem("M2511", (*path, "clients"), message, hint)
    if entry.clients is None and balancer.dualstack and balancer.scheme == "internal":
        # No client reaches these addresses through an internet gateway (ELB API reference,
        # LoadBalancerAttribute, ipv6.deny_all_igw_traffic).
        message = f"`{entry.via}` has IPv6 addresses, and by default only IPv4 clients can connect"
        (block,) = balancer.default_clients or ("10.0.0.0/16",)
        hint = f"Write `clients: [{block}]` for IPv4 clients only, or add the IPv6 blocks of other "
        hint += "clients."
        yield Problem("M2308", (*path, "clients"), message, hint, level="warning")
    yield from _listed_client_problems(entry, path, balancer)


def _listed_client_problems(
    entry: ExposeEntry, path: Path, balancer: nlb.Handle
) -> Iterator[Problem]:
    clients = entry.clients or []
    yield from client_problems(clients, (*path, "clients"))
    if balancer.scheme == "internet-facing":
        yield from private_client_problems(clients, (*path, "clients"))
    for index, client in enumerate(clients):
        is_group = kind_of_peer(client) == "security group"
        if is_group and balancer.security_group is None:
            message = f"`{entry.via}` has no security group that could allow `{client}`"
            hint = "Write the IP addresses of the clients."
            yield Problem("M2513", (*path, "clients", index), message, hint)
        elif is_group and balancer.scheme == "internet-facing":
            message = (
                f"Clients reach `{entry.via}` from public IP addresses, which `{client}` does "
            )
            message += "not allow"
            hint = "Write the public IP addresses of the clients, or use an internal load balancer."
            at = (*path, "clients", index)
            yield Problem("M2514", at, message, hint, level="warning")
        if source_property(client) == "CidrIpv6" and not balancer.dualstack:
            message = f"`{client}` cannot connect: `{entry.via}` has IPv4 addresses only"
            hint = f"Remove it, or write `ip_address_type: dualstack` in `{entry.via}`."
            yield Problem("M2307", (*path, "clients", index), message, hint)


def _unrestricted_client_problems(entry: ExposeEntry, path: Path) -> Iterator[Problem]:
    """Reports `clients` that no security group can restrict: the load balancer has none, and that
    of the tasks sees only the addresses of the load balancer."""
    if entry.clients is not None:
        message = (
            f"`clients` cannot be restricted: `{entry.via}` has no security group, and that of "
        )
        message += "the tasks sees the IP address of the load balancer"
        hint = (
            "Write `preserve_client_ip: true`, so that it sees those of the clients, or use a load "
        )
        hint += "balancer with a security group."
        because = [(*path, "preserve_client_ip")]
        yield Problem("M2516", (*path, "clients"), message, hint, because=because)


def _translated_client_problems(entry: ExposeEntry, port: Port, path: Path) -> Iterator[Problem]:
    """If client IP addresses are not preserved, tasks see those of the load balancer (Network Load
    Balancers user guide, "Client IP preservation"), of which the IPv6 ones are unknown."""
    if "udp" in TRANSPORTS[port.protocol]:
        message = f"Health checks come from IPv6 addresses of `{entry.via}`, which are unknown, so "
        message += "the security group of the tasks cannot allow them"
        hint = f"Write `ip_address_type: ipv4` in `{entry.via}`, or use a load balancer with a "
        hint += "security group."
        yield Problem("M2517", (*path, "via"), message, hint)
    elif any(source_property(client) == "CidrIpv6" for client in entry.clients or ()):
        message = f"Tasks see the IPv4 address of `{entry.via}` instead of IPv6 clients"
        hint = "Use a load balancer with a security group, or write IPv4 clients only."
        yield Problem("M2518", (*path, "clients"), message, hint)
