"""What can be wrong with listeners of a Network Load Balancer, and of several beside each other.

Facts: Network Load Balancers user guide ("Listeners", "Target groups", "Health checks").
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from moorage.findings.finding import Path, Problem
from moorage.model import Environment

from ...load_balancers import nlb
from ...load_balancers.certificates import certificate_problems, security_policy_problems
from ...load_balancers.clients import client_problems
from ...tasks.containers import Containers, choose_container, container_choice_problems
from ...tasks.ports import Port
from ..alb.target_groups import HealthCheck
from ..health_sidecar.sidecar import (
    MAX_DRAIN,
    Sidecar,
    resolve_drain,
    sidecar_name,
    sidecar_problems,
)
from ..params import Exposure
from .listeners import TRANSPORTS, Flow, asks_by_http, flow, noticed, preserves_client_ip

MAX_CONTAINERS = 10
MAX_SIDECARS = 4
"""Of one task: with more, its template is too large for sure, as YAML."""


def stream_problems(
    route: Exposure, path: Path, containers: Containers, balancer: nlb.Handle, env: Environment
) -> Iterator[Problem]:
    """What is wrong with one listener."""
    port = route.port
    if port is None:
        hint = "Write the listener's port with its protocol: `443/tls`, `1234/udp`."
        yield Problem("M1102", (*path, "port"), "`port` is missing", hint)
        return
    if port.protocol not in TRANSPORTS:
        yield Problem(
            "M1214",
            (*path, "port"),
            "A target of a QUIC listener needs a server id, and ECS registers tasks without one",
            f"Write `{port.number}/udp`: QUIC passes through, but a client that changes its "
            "address may reach another task.",
        )
        return
    if balancer.shifts_across_zones and "udp" in TRANSPORTS[port.protocol]:
        message = f"`{route.via}` has `cross_zone` and `zonal_shift`, which exclude UDP together"
        hint = f"Remove one of them at `{route.via}`, or use another load balancer."
        yield Problem("M1214", (*path, "port"), message, hint)
    yield from _place_problems(route, port, path, containers)
    yield from _protocol_problems(route, port, path, env)
    yield from _client_problems(route, port, path, balancer)
    yield from _health_problems(route, port, path, containers)


def _place_problems(
    route: Exposure, port: Port, path: Path, containers: Containers
) -> Iterator[Problem]:
    name = choose_container(route.container, containers)
    if name not in containers:
        yield from container_choice_problems(route.container, path, containers)
        return
    number = route.target_port or port.number
    key = "target_port" if route.target_port else "port"
    because = [("containers", name, "ports"), (*path, "container")]
    both = {Port(number, "tcp"), Port(number, "udp")} <= set(containers[name].ports)
    if both:
        yield Problem(
            "M1220",
            (*path, key),
            f"Container `{name}` has port {number} as TCP and as UDP",
            f"ECS cannot put it behind a load balancer. Remove {number}/udp from its `ports`: on "
            "Fargate that list only names what is registered, and it is reached all the same. "
            "Or give it to a second container.",
            because=because,
        )
    elif flow(route, containers) is None:
        wanted = " or ".join(str(Port(number, one)) for one in TRANSPORTS[port.protocol])
        message = f"Container `{name}` has no port {wanted}"
        hint = "Add it to its `ports`, or say `target_port:` here if it listens elsewhere."
        # Only one of the two can be there, as neither is what the listener asks for.
        for other in {"tcp", "udp"} & {one.protocol for one in containers[name].ports}:
            if Port(number, other) in containers[name].ports:
                key = "port"
                message = f"Container `{name}` has {number}/{other}, and this is not for {other}"
                hint = f"Write `port: {port.number}/{other}`, or add {wanted} to its `ports`."
        yield Problem("M1205", (*path, key), message, hint, because=because)


def _protocol_problems(
    route: Exposure, port: Port, path: Path, env: Environment
) -> Iterator[Problem]:
    protocol = port.protocol
    given = route.model_fields_set
    if protocol == "tls":
        if route.certificate is None:
            hint = "Write the ARN of a certificate in ACM, or use `/tcp` to pass TLS through."
            message = "`certificate` is missing, and a TLS listener needs one"
            yield Problem("M1102", (*path, "certificate"), message, hint)
        else:
            yield from certificate_problems([route.certificate], (*path, "certificate"), env)
        yield from security_policy_problems(route.ssl_policy, (*path, "ssl_policy"))
    for key in ("certificate", "ssl_policy", "alpn_policy", "target_tls"):
        if protocol != "tls" and key in given:
            hint = f"Write `port: {port.number}/tls`, or remove it."
            yield Problem("M1220", (*path, key), f"`{key}` is for TLS listeners", hint)
    if "udp" in TRANSPORTS[protocol] and route.preserve_client_ip is False:
        message = "The client's address cannot be taken out of UDP packets"
        hint = "Remove it: for UDP it is always preserved."
        yield Problem("M1220", (*path, "preserve_client_ip"), message, hint)
    if route.proxy_protocol_v2:
        yield from _proxy_problems(route, protocol, path)
    if protocol == "tls" and route.source_ip_stickiness:
        message = "TLS listeners cannot keep clients on a task"
        hint = "Use `/tcp` and let the container speak TLS, or remove it."
        yield Problem("M1220", (*path, "source_ip_stickiness"), message, hint)
    if protocol != "tcp" and route.tcp_idle_timeout is not None:
        message = "Only the idle timeout of TCP listeners can be set"
        yield Problem("M1220", (*path, "tcp_idle_timeout"), message, "Remove it.")


def _proxy_problems(route: Exposure, protocol: str, path: Path) -> Iterator[Problem]:
    """The load balancer "prepends a proxy protocol header to the TCP data" (Network Load Balancers
    user guide, "Proxy protocol"); a service that expects one would not answer a sidecar."""
    here = (*path, "proxy_protocol_v2")
    if protocol == "udp":
        message = "Proxy protocol is for TCP"
        yield Problem("M1220", here, message, "Remove it: for UDP the client's address is kept.")
    elif protocol == "tcp_udp" and route.health_check and route.health_check.sidecar:
        message = "The sidecar's probe has no proxy protocol header, which the service would expect"
        hint = "Remove it, as the client's address is kept, or check health by `port:`."
        yield Problem("M1220", here, message, hint)


def _client_problems(
    route: Exposure, port: Port, path: Path, balancer: nlb.Handle
) -> Iterator[Problem]:
    if balancer.security_group is None and not preserves_client_ip(route, port):
        yield from _open_problems(route, path)
        return
    if balancer.security_group is None and balancer.dualstack:
        yield from _far_problems(route, port, path)
    if route.clients is None and balancer.clients_default is None:
        hint = "Name who may connect, such as `clients: [10.0.0.0/16]`"
        own = balancer.security_group is not None
        hint += ", or write `[]` if its security group admits them." if own else "."
        message = "`clients` is missing: nothing tells who may connect by default"
        yield Problem("M1102", (*path, "clients"), message, hint)
    adopted = balancer.security_group is not None and balancer.scheme is None
    if route.clients == [] and not adopted:
        hint = "Name who may connect, or remove it."
        yield Problem("M1105", (*path, "clients"), "Nobody could connect", hint)
    if route.clients is None and balancer.dualstack and balancer.scheme == "internal":
        # Nobody reaches those addresses by an internet gateway (ELB API reference,
        # LoadBalancerAttribute, ipv6.deny_all_igw_traffic).
        message = f"`{route.via}` has IPv6 addresses, and by default only IPv4 clients may connect"
        (block,) = balancer.clients_default or ("10.0.0.0/16",)
        hint = f'Write `clients: [{block}, "::/0"]` for all who reach it, or who else may.'
        yield Problem("M1220", (*path, "clients"), message, hint, level="warning")
    clients = route.clients or []
    yield from client_problems(clients, (*path, "clients"))
    for index, client in enumerate(clients):
        if client.startswith("sg-") and balancer.security_group is None:
            message = f"`{route.via}` has no security group that could admit `{client}`"
            hint = "Name the clients' addresses."
            yield Problem("M1214", (*path, "clients", index), message, hint)
        elif client.startswith("sg-") and balancer.scheme == "internet-facing":
            message = f"`{route.via}` is reached by public addresses, and `{client}` admits none"
            hint = "Name the clients' public addresses, or use an internal load balancer."
            where = (*path, "clients", index)
            yield Problem("M1220", where, message, hint, level="warning")
        if ":" in client and not balancer.dualstack:
            message = f"`{client}` can never connect: `{route.via}` has IPv4 addresses only"
            hint = f"Remove it, or write `ip_address_type: dualstack` at `{route.via}`."
            yield Problem("M1220", (*path, "clients", index), message, hint)


def _open_problems(route: Exposure, path: Path) -> Iterator[Problem]:
    """Clients that nobody could tell apart: the tasks see the load balancer's address only."""
    if route.clients is not None:
        message = (
            f"`{route.via}` has no security group, and tasks see its address, not the client's"
        )
        hint = "Write `preserve_client_ip: true`, so that tasks judge by it, or remove `clients`."
        because = [(*path, "preserve_client_ip")]
        yield Problem("M1214", (*path, "clients"), message, hint, because=because)


def _far_problems(route: Exposure, port: Port, path: Path) -> Iterator[Problem]:
    """Where addresses are translated on the way, tasks see IPv6 addresses of the load balancer's
    (Network Load Balancers user guide, "Client IP preservation"), which the params do not tell."""
    if "udp" in TRANSPORTS[port.protocol]:
        message = f"Health checks come from IPv6 addresses of `{route.via}` that nothing tells"
        hint = "UDP needs `ip_address_type: ipv4` there, or a load balancer with a security group."
        yield Problem("M1214", (*path, "via"), message, hint)
    elif any(":" in client for client in route.clients or ()):
        message = f"Tasks see IPv6 clients with the IPv4 address of `{route.via}`"
        hint = "Use a load balancer with a security group, or name IPv4 clients only."
        yield Problem("M1214", (*path, "clients"), message, hint)


def _health_problems(
    route: Exposure, port: Port, path: Path, containers: Containers
) -> Iterator[Problem]:
    check = route.health_check
    here = (*path, "health_check")
    told = check is not None and (check.port is not None or check.sidecar is not None)
    if port.protocol == "udp" and not told:
        yield Problem(
            "M1214",
            here,
            "A load balancer cannot check health over UDP",
            "Write `health_check: {sidecar: {probe: ...}}` with dns, ntp, echo, send or none; "
            "or `health_check: {port: ...}` with a TCP port of the task.",
        )
    if port.protocol == "tcp_udp" and not told:
        yield from _silent_problems(route, port, path, containers)
    if check is None:
        return
    if check.sidecar:
        yield from _sidecar_problems(route, port, here, check, containers)
    elif check.port is not None:
        listened = any(check.port in one.ports for one in containers.values())
        if not listened or check.port.protocol != "tcp":
            message = f"No container of the task listens on TCP port {check.port.number}"
            hint = "Add it to the `ports` of the container that answers."
            yield Problem("M1205", (*here, "port"), message, hint, because=[("containers",)])
    yield from _check_problems(check, here)


def _silent_problems(
    route: Exposure, port: Port, path: Path, containers: Containers
) -> Iterator[Problem]:
    """Both halves of a port are judged by TCP, where nothing may listen: the half for UDP names the
    container, and no `ports` the other one."""
    number = route.target_port or port.number
    if flow(route, containers) and not any(
        Port(number) in one.ports for one in containers.values()
    ):
        message = f"Health is checked over TCP on port {number}, which no container is said to have"
        hint = (
            "Add a `health_check:` with a `sidecar:`, which asks over UDP, or with a `port:`; or "
            f"{number} to the `ports` of another container, if that listens on it."
        )
        yield Problem("M1205", (*path, "health_check"), message, hint, level="warning")


def _check_problems(check: HealthCheck, here: Path) -> Iterator[Problem]:
    """Only a check over TCP may take as long as the interval; HTTP statuses are 200 to 599 (Elastic
    Load Balancing API reference, CreateTargetGroup and Matcher; aws/aws-cdk#26031)."""
    http = asks_by_http(check)
    if check.timeout > check.interval or (http and check.timeout == check.interval):
        hint = f"Raise the interval above {check.timeout}s, or lower the timeout."
        message = f"The timeout of {check.timeout}s is not below the interval of {check.interval}s"
        yield Problem("M1105", here, message, hint)
    for code in re.findall(r"\d+", check.matcher or ""):
        if not 200 <= int(code) <= 599:
            message = f"{code} is not a status that can mean healthy"
            yield Problem("M1105", (*here, "matcher"), message, "Write codes from 200 to 599.")
    if http or check.sidecar:
        return
    for key in ("path", "matcher"):
        if getattr(check, key) is not None:
            message = f"`{key}` has no meaning for a check over TCP"
            hint = "Write `protocol: HTTP` beside it, or remove it."
            yield Problem("M1220", (*here, key), message, hint)


def _sidecar_problems(
    route: Exposure, port: Port, here: Path, check: HealthCheck, containers: Containers
) -> Iterator[Problem]:
    sidecar = check.sidecar
    assert sidecar is not None
    if "udp" not in TRANSPORTS[port.protocol]:
        message = "A sidecar answers for UDP services"
        hint = "Remove it: TCP is checked on the service's own port."
        yield Problem("M1220", (*here, "sidecar"), message, hint)
    for key in ("port", "protocol", "path", "matcher"):
        if getattr(check, key) is not None:
            hint = "Remove it: `sidecar:` has a `port` and a `mode`."
            message = f"`{key}` has no meaning beside `sidecar`"
            yield Problem("M1220", (*here, key), message, hint)
    number = sidecar.port.number
    for name, container in containers.items():
        if sidecar.port in container.ports:
            message = f"Port {number} is taken by container `{name}` of the same task"
            hint = "Write another `port:` below `sidecar:`."
            yield Problem("M1206", (*here, "sidecar", "port"), message, hint)
    if number == (route.target_port or port.number) and "tcp" in TRANSPORTS[port.protocol]:
        message = f"Port {number} is the service's own: `{port}` is also for TCP"
        hint = "Write another `port:` below `sidecar:`."
        yield Problem("M1206", (*here, "sidecar", "port"), message, hint)
    if sidecar_name(route.target_port or port.number) in containers:
        message = "A container of the task has the sidecar's name"
        hint = "Rename the container."
        yield Problem("M1302", (*here, "sidecar"), message, hint)
    yield from sidecar_problems(sidecar, (*here, "sidecar"))
    yield from _drain_problems(sidecar, check, here)


def _drain_problems(sidecar: Sidecar, check: HealthCheck, here: Path) -> Iterator[Problem]:
    """A service that ends while packets still come.

    ECS takes a task out of its target groups before it stops it, but for one: on FARGATE_SPOT it
    may do so after the task has stopped (AWS re:Post, "How do I handle Spot termination notices in
    AWS Fargate Spot tasks?"). Hence a warning, and none where somebody wants no drain at all.
    """
    needed, stays = noticed(check), resolve_drain(sidecar, noticed(check))
    if not 0 < stays < needed:
        return
    hint = f"Remove it, or write `{needed}s`."
    if needed > MAX_DRAIN:
        hint = f"Let `interval` x `unhealthy_threshold` be {MAX_DRAIN}s at most, and leave it out."
    message = f"The drain ends after {stays}s; the load balancer needs {needed}s to notice"
    path = here if sidecar.drain is None else (*here, "sidecar", "drain")
    because = [(*here, "interval"), (*here, "unhealthy_threshold")]
    yield Problem("M1105", path, message, hint, level="warning", because=because)


def shared_problems(
    found: Sequence[tuple[Path, Flow]], containers: Containers, handles: Mapping[str, nlb.Handle]
) -> Iterator[Problem]:
    """Sidecars of one task that want the same port, or to answer for the same one.

    A task has 10 containers at most (Amazon ECS developer guide, "Amazon ECS service quotas").
    """
    ports: dict[int, Flow] = {}
    services: dict[int, tuple[Path, Flow]] = {}
    for path, one in found:
        if one.sidecar is None:
            continue
        here = (*path, "health_check", "sidecar")
        other = ports.setdefault(one.health_port, one)
        if other.number != one.number:
            message = f"Port {one.health_port} is taken by the sidecar of port {other.number}"
            yield Problem("M1206", (*here, "port"), message, "Write another `port:` here.")
        first, same = services.setdefault(one.number, (path, one))
        if same.sidecar != one.sidecar:
            message = f"`expose[{first[1]}]` has another sidecar for port {one.number}"
            hint = "One sidecar answers for both: write the same at both."
            yield Problem("M1108", here, message, hint)
        kinds = [one.by_ipv6(handles[its.route.via]) for its in (one, same)]
        if kinds[0] != kinds[1]:
            ways = ("IPv6", "IPv4") if kinds[0] else ("IPv4", "IPv6")
            message = (
                f"Packets come over {ways[0]} here and over {ways[1]} at `expose[{first[1]}]`, and "
                f"the sidecar can ask port {one.number} by one of them only"
            )
            hint = "Use load balancers of one `ip_address_type`, or check one by `port:`."
            yield Problem("M1108", here, message, hint)
    if len(services) > MAX_SIDECARS:
        message = f"Each of the {len(services)} health sidecars is some 11 kB of the template"
        hint = (
            f"CloudFormation takes 51,200 bytes without a bucket, room for {MAX_SIDECARS} at most. "
            "Give some ports to another service, or check their health by a TCP `port:`."
        )
        path, _ = list(services.values())[-1]
        where = (*path, "health_check", "sidecar")
        yield Problem("M1303", where, message, hint, level="warning")
    if len(services) and len(containers) + len(services) > MAX_CONTAINERS:
        many = f"{len(containers)} and {len(services)}"
        message = f"With its health sidecars the task has more than 10 containers: {many}"
        path, _ = list(services.values())[-1]
        hint = "Move a container to another service, or check health by `port:`."
        yield Problem("M1212", (*path, "health_check", "sidecar"), message, hint)


def listener_clash(one: Exposure, other: Exposure) -> bool:
    """Whether two listeners of one load balancer cannot both stand: a port is taken once, also over
    protocols, and TCP_UDP is there for both on one port."""
    return one.port is not None and other.port is not None and one.port.number == other.port.number
