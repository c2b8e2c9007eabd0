"""Problems of a listener of a Network Load Balancer.

Sources: Network Load Balancers user guide ("Listeners", "Target groups").
"""

from __future__ import annotations

from collections.abc import Iterator

from moorage.findings.finding import Path, Problem
from moorage.model import Environment

from ...load_balancers.certificates import certificate_problems, security_policy_problems
from ...tasks.containers import Containers, choose_container, container_choice_problems
from ...tasks.ports import Port
from ..params import ExposeEntry
from .health_check_problems import health_check_problems
from .listener_clients import listener_client_problems
from .listeners import TRANSPORTS, NlbListener


def listener_problems(
    listener: NlbListener, containers: Containers, env: Environment
) -> Iterator[Problem]:
    """Problems of a listener of a service with these containers."""
    entry, path, balancer = listener.entry, listener.path, listener.load_balancer.handle
    port = entry.port
    if port is None:
        hint = "Write the port of the listener and its protocol: `443/tls`, `1234/udp`."
        yield Problem("M1102", (*path, "port"), "`port` is missing", hint)
        return
    if port.protocol not in TRANSPORTS:
        yield Problem(
            "M2501",
            (*path, "port"),
            "A target of a QUIC listener needs a server ID, and ECS registers tasks without one",
            f"Write `{port.number}/udp`: QUIC then passes through, but a client whose IP address "
            "changes can reach another task.",
        )
        return
    if balancer.shifts_across_zones and "udp" in TRANSPORTS[port.protocol]:
        message = (
            f"`{entry.via}` has both `cross_zone` and `zonal_shift`, so it cannot have UDP "
            "listeners"
        )
        hint = f"Remove one of the two from `{entry.via}`, or use another load balancer."
        yield Problem("M2502", (*path, "port"), message, hint)
    yield from _container_problems(listener, port, containers)
    yield from _protocol_problems(entry, port, path, env)
    yield from listener_client_problems(entry, port, path, balancer)
    yield from health_check_problems(listener, port, containers)


def _container_problems(
    listener: NlbListener, port: Port, containers: Containers
) -> Iterator[Problem]:
    entry, path = listener.entry, listener.path
    name = choose_container(entry.container, containers)
    if name not in containers:
        yield from container_choice_problems(entry.container, path, containers)
        return
    number = entry.target_port or port.number
    key = "target_port" if entry.target_port else "port"
    because = [("containers", name, "ports"), (*path, "container"), (*path, "target_port")]
    both = {Port(number, "tcp"), Port(number, "udp")} <= set(containers[name].ports)
    if both:
        yield Problem(
            "M2556",
            (*path, key),
            f"Container `{name}` has port {number} for TCP and for UDP, which ECS refuses behind a "
            "load balancer",
            f"Remove {number}/udp from its `ports`: on Fargate the port can be reached even so. Or "
            "let a second container listen on it.",
            because=because,
        )
    elif listener.target is None:
        needed = " or ".join(str(Port(number, kind)) for kind in TRANSPORTS[port.protocol])
        message = f"Container `{name}` has no port {needed}"
        hint = "Add it to its `ports`, or write `target_port:` if it listens on another port."
        # The container has at most one of the two: the listener needs the other one.
        for transport in ("tcp", "udp"):
            if Port(number, transport) in containers[name].ports:
                key = "port"
                message = f"Container `{name}` has port {number}/{transport}, but the listener "
                message += f"does not forward {transport.upper()}"
                hint = f"Write `port: {port.number}/{transport}`, or add {needed} to its `ports`."
        yield Problem("M1205", (*path, key), message, hint, because=because)


def _protocol_problems(
    entry: ExposeEntry, port: Port, path: Path, env: Environment
) -> Iterator[Problem]:
    protocol = port.protocol
    keys = entry.model_fields_set
    if protocol == "tls":
        if entry.certificate is None:
            hint = "Write the ARN of a certificate in ACM, or write the port with `/tcp`: TLS then "
            hint += "passes through."
            message = "`certificate` is missing, and a TLS listener needs one"
            yield Problem("M1102", (*path, "certificate"), message, hint)
        else:
            yield from certificate_problems([entry.certificate], (*path, "certificate"), env)
        yield from security_policy_problems(entry.ssl_policy, (*path, "ssl_policy"))
    for key in ("certificate", "ssl_policy", "alpn_policy", "target_tls"):
        if protocol != "tls" and key in keys:
            hint = f"Write `port: {port.number}/tls`, or remove it."
            yield Problem("M2503", (*path, key), f"`{key}` is for TLS listeners only", hint)
    if "udp" in TRANSPORTS[protocol] and entry.preserve_client_ip is False:
        message = "UDP packets always keep the IP address of the client"
        hint = "Remove `preserve_client_ip`."
        yield Problem("M2504", (*path, "preserve_client_ip"), message, hint)
    if entry.proxy_protocol_v2:
        yield from _proxy_protocol_problems(entry, protocol, path)
    if protocol == "tls" and entry.source_ip_stickiness:
        message = "TLS listeners have no stickiness"
        hint = "Write the port with `/tcp` and let the container speak TLS, or remove "
        hint += "`source_ip_stickiness`."
        yield Problem("M2507", (*path, "source_ip_stickiness"), message, hint)
    if protocol != "tcp" and entry.tcp_idle_timeout is not None:
        message = "The idle timeout can be set for TCP listeners only"
        yield Problem("M2508", (*path, "tcp_idle_timeout"), message, "Remove `tcp_idle_timeout`.")


def _proxy_protocol_problems(entry: ExposeEntry, protocol: str, path: Path) -> Iterator[Problem]:
    """The load balancer "prepends a proxy protocol header to the TCP data" (Network Load Balancers
    user guide, "Proxy protocol"). A service that expects it does not answer the probe of a health
    sidecar."""
    at = (*path, "proxy_protocol_v2")
    if protocol == "udp":
        message = "Proxy protocol is for TCP only"
        hint = "Remove `proxy_protocol_v2`: UDP packets keep the IP address of the client."
        yield Problem("M2505", at, message, hint)
    elif protocol == "tcp_udp" and entry.health_check and entry.health_check.sidecar:
        message = (
            "The probe of the health sidecar has no proxy protocol header, which the container "
        )
        message += "expects"
        hint = "Remove `proxy_protocol_v2`, since packets keep the IP address of the client, or "
        hint += "check health by `port:`."
        yield Problem("M2506", at, message, hint)
