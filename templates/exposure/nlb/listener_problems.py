"""Problems of listeners of a Network Load Balancer, and conflicts between them.

Sources: Network Load Balancers user guide ("Listeners", "Target groups", "Health checks").
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from moorage.findings.finding import Path, Problem
from moorage.model import Environment

from ...load_balancers.certificates import certificate_problems, security_policy_problems
from ...tasks.containers import Containers, choose_container, container_choice_problems
from ...tasks.ports import Port
from ..alb.target_groups import HealthCheck, accepted
from ..health_sidecar.sidecar import (
    MAX_DRAIN,
    Sidecar,
    resolve_drain,
    sidecar_name,
    sidecar_problems,
)
from ..params import ExposeEntry
from .listener_clients import listener_client_problems
from .listeners import (
    TRANSPORTS,
    NlbListener,
    NlbTarget,
    checks_over_http,
    detection_time,
)

MAX_CONTAINERS = 10
MAX_SIDECARS = 4
"""Health sidecars of a task; with more of them its template is too large, as YAML."""


def listener_problems(
    listener: NlbListener, containers: Containers, env: Environment
) -> Iterator[Problem]:
    """The problems of one listener of a service with these containers."""
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
            "A target of a QUIC listener needs a server id, and ECS registers tasks without one",
            f"Write `{port.number}/udp`: QUIC then passes through, but a client whose IP address "
            "changes may reach another task.",
        )
        return
    if balancer.shifts_across_zones and "udp" in TRANSPORTS[port.protocol]:
        message = (
            f"`{entry.via}` has `cross_zone` and `zonal_shift`, so it cannot have UDP listeners"
        )
        hint = f"Remove one of them from `{entry.via}`, or use another load balancer."
        yield Problem("M2502", (*path, "port"), message, hint)
    yield from _container_problems(listener, port, containers)
    yield from _protocol_problems(entry, port, path, env)
    yield from listener_client_problems(entry, port, path, balancer)
    yield from _health_problems(listener, port, containers)


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
    because = [("containers", name, "ports"), (*path, "container")]
    both = {Port(number, "tcp"), Port(number, "udp")} <= set(containers[name].ports)
    if both:
        yield Problem(
            "M2556",
            (*path, key),
            f"Port {number} of container `{name}` is written for TCP and for UDP, which ECS "
            "refuses behind a load balancer",
            f"Remove {number}/udp from its `ports`: on Fargate the container can be reached at it "
            "nevertheless. Or let a second container listen on it.",
            because=because,
        )
    elif listener.target is None:
        needed = " or ".join(str(Port(number, kind)) for kind in TRANSPORTS[port.protocol])
        message = f"Container `{name}` has no port {needed}"
        hint = "Add it to its `ports`, or write `target_port:` if it listens on another port."
        # At most one of the two exists, since the listener needs the other one.
        for transport in ("tcp", "udp"):
            if Port(number, transport) in containers[name].ports:
                key = "port"
                message = (
                    f"Container `{name}` has port {number}/{transport}, and the listener does not "
                )
                message += f"forward {transport.upper()}"
                hint = f"Write `port: {port.number}/{transport}`, or add {needed} to its `ports`."
        yield Problem("M1205", (*path, key), message, hint, because=because)


def _protocol_problems(
    entry: ExposeEntry, port: Port, path: Path, env: Environment
) -> Iterator[Problem]:
    protocol = port.protocol
    given = entry.model_fields_set
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
        if protocol != "tls" and key in given:
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
        hint = "Write the port with `/tcp` and let the container speak TLS, or remove it."
        yield Problem("M2507", (*path, "source_ip_stickiness"), message, hint)
    if protocol != "tcp" and entry.tcp_idle_timeout is not None:
        message = "The idle timeout can be set for TCP listeners only"
        yield Problem("M2508", (*path, "tcp_idle_timeout"), message, "Remove it.")


def _proxy_protocol_problems(entry: ExposeEntry, protocol: str, path: Path) -> Iterator[Problem]:
    """The load balancer "prepends a proxy protocol header to the TCP data" (Network Load Balancers
    user guide, "Proxy protocol"). A service that expects it does not answer the probe of a health
    sidecar."""
    at = (*path, "proxy_protocol_v2")
    if protocol == "udp":
        message = "Proxy protocol is for TCP only"
        hint = "Remove it: UDP packets keep the IP address of the client."
        yield Problem("M2505", at, message, hint)
    elif protocol == "tcp_udp" and entry.health_check and entry.health_check.sidecar:
        message = (
            "The probe of the health sidecar has no proxy protocol header, which the container "
        )
        message += "expects"
        hint = "Remove it, since packets keep the IP address of the client, or check health by "
        hint += "`port:`."
        yield Problem("M2506", at, message, hint)


def _health_problems(
    listener: NlbListener, port: Port, containers: Containers
) -> Iterator[Problem]:
    entry = listener.entry
    check = entry.health_check
    at = (*listener.path, "health_check")
    checked = check is not None and (check.port is not None or check.sidecar is not None)
    if port.protocol == "udp" and not checked:
        yield Problem(
            "M2531",
            at,
            "A load balancer cannot check health over UDP, so the listener needs a `health_check`",
            "Write `health_check: {sidecar: {probe: ...}}` with dns, ntp, echo, send or none, or "
            + _port_hint(check),
        )
    if port.protocol == "tcp_udp" and not checked:
        yield from _unanswered_problems(listener, port, containers)
    if check is None or (port.protocol == "udp" and not checked):
        return  # the rest depends on what is checked
    if check.sidecar:
        yield from _sidecar_problems(entry, port, at, check, containers)
    elif check.port is not None:
        listened = any(check.port in container.ports for container in containers.values())
        if not listened or check.port.protocol != "tcp":
            message = f"No container of the task has TCP port {check.port.number} in its `ports`"
            hint = "Add it to the `ports` of the container that answers."
            yield Problem("M1205", (*at, "port"), message, hint, because=[("containers",)])
    yield from _check_problems(check, at)


def _port_hint(check: HealthCheck | None) -> str:
    if check is not None and check.path is not None:
        keys = f"port: ..., protocol: HTTP, path: {check.path}"
        return f"`health_check: {{{keys}}}` with a port of the task that speaks HTTP."
    return "`health_check: {port: ...}` with a TCP port of the task."


def _unanswered_problems(
    listener: NlbListener, port: Port, containers: Containers
) -> Iterator[Problem]:
    """A TCP_UDP target group is checked over TCP. The container of the entry has the port for UDP,
    and no container has it for TCP."""
    number = listener.entry.target_port or port.number
    if listener.target and not any(
        Port(number) in container.ports for container in containers.values()
    ):
        message = (
            f"Health is checked over TCP on port {number}, which no container has in its `ports`"
        )
        hint = (
            "Add a `health_check:` with a `sidecar:`, which probes over UDP, or with a `port:`; or "
            f"add {number} to the `ports` of another container if it listens on it."
        )
        yield Problem("M2532", (*listener.path, "health_check"), message, hint, level="warning")


def _check_problems(check: HealthCheck, at: Path) -> Iterator[Problem]:
    """The timeout is below the interval, or over TCP as long as it; status codes are 200 to 599
    (Elastic Load Balancing API reference, CreateTargetGroup and Matcher; aws/aws-cdk#26031)."""
    http = checks_over_http(check)
    if check.timeout > check.interval or (http and check.timeout == check.interval):
        hint = f"Raise `interval` above {check.timeout}s, or lower `timeout`."
        message = f"The timeout of {check.timeout}s is not below the interval of {check.interval}s"
        yield Problem("M2420", at, message, hint)
    for code in re.findall(r"\d+", check.matcher or ""):
        if not 200 <= int(code) <= 599:
            message = f"A Network Load Balancer cannot treat the status {code} as healthy"
            yield Problem("M2421", (*at, "matcher"), message, "Write codes from 200 to 599.")
    if any(code >= 500 for code in accepted(check.matcher or "200")):
        message = f"A task that answers with an error is healthy: {check.matcher} includes 5XX"
        hint = 'Write `matcher: "200-399"`, or the codes that the service answers when it works.'
        yield Problem("M2424", (*at, "matcher"), message, hint, level="warning")
    if http or check.sidecar:
        return
    for key in ("path", "matcher"):
        if getattr(check, key) is not None:
            message = f"`{key}` has no effect on a health check over TCP"
            hint = "Add `protocol: HTTP` to the health check, or remove it."
            yield Problem("M2535", (*at, key), message, hint)


def _sidecar_problems(
    entry: ExposeEntry, port: Port, at: Path, check: HealthCheck, containers: Containers
) -> Iterator[Problem]:
    sidecar = check.sidecar
    assert sidecar is not None
    if "udp" not in TRANSPORTS[port.protocol]:
        message = "Health sidecars are for UDP only"
        hint = "Remove it: the load balancer checks the TCP port itself."
        yield Problem("M2536", (*at, "sidecar"), message, hint)
    for key in ("port", "protocol", "path", "matcher"):
        if getattr(check, key) is not None:
            hint = "Remove it: `sidecar:` has a `port` and a `mode`."
            message = f"`{key}` has no effect with `sidecar`"
            yield Problem("M2537", (*at, key), message, hint)
    number = sidecar.port.number
    for name, container in containers.items():
        if sidecar.port in container.ports:
            message = f"Container `{name}` of the task listens on port {number} as well"
            hint = "Write another `port:` below `sidecar:`."
            yield Problem("M1206", (*at, "sidecar", "port"), message, hint)
    if number == (entry.target_port or port.number) and "tcp" in TRANSPORTS[port.protocol]:
        message = f"The service listens on port {number} as well: `{port}` includes TCP"
        hint = "Write another `port:` below `sidecar:`."
        yield Problem("M1206", (*at, "sidecar", "port"), message, hint)
    if sidecar_name(entry.target_port or port.number) in containers:
        name = sidecar_name(entry.target_port or port.number)
        message = f"The health sidecar and a container of the task have the name `{name}`"
        hint = "Rename the container."
        yield Problem("M2746", (*at, "sidecar"), message, hint)
    yield from sidecar_problems(sidecar, (*at, "sidecar"))
    yield from _drain_problems(sidecar, check, at)


def _drain_problems(sidecar: Sidecar, check: HealthCheck, at: Path) -> Iterator[Problem]:
    """A service that stops while packets still arrive.

    ECS deregisters a task from its target groups before it stops it, but on FARGATE_SPOT it may do
    so after the task has stopped (AWS re:Post, "How do I handle Spot termination notices in AWS
    Fargate Spot tasks?"). Hence a warning, and none for `drain: 0s`.
    """
    needed = detection_time(check)
    seconds = resolve_drain(sidecar, needed)
    if not 0 < seconds < needed:
        return
    hint = f"Remove it, or write `{needed}s`."
    if needed > MAX_DRAIN:
        hint = f"Lower `interval` x `unhealthy_threshold` to {MAX_DRAIN}s at most, and remove "
        hint += "`drain`."
    message = (
        f"The drain ends after {seconds}s, and the load balancer takes {needed}s to detect the "
    )
    message += "closed port"
    path = at if sidecar.drain is None else (*at, "sidecar", "drain")
    because = [(*at, "interval"), (*at, "unhealthy_threshold")]
    yield Problem("M2539", path, message, hint, level="warning", because=because)


def shared_task_problems(targets: Sequence[NlbTarget], containers: Containers) -> Iterator[Problem]:
    """Health sidecars of one task that conflict with each other, or are too many.

    A task has 10 containers at most (Amazon ECS developer guide, "Amazon ECS service quotas").
    """
    by_port: dict[int, NlbTarget] = {}
    by_service: dict[int, NlbTarget] = {}
    for target in targets:
        if target.sidecar is None:
            continue
        at: Path = ("expose", target.index, "health_check", "sidecar")
        other = by_port.setdefault(target.health_port, target)
        if other.number != target.number:
            message = f"The health sidecar of port {other.number} listens on port "
            message += f"{target.health_port} as well"
            yield Problem("M1206", (*at, "port"), message, "Write another `port:`.")
        first = by_service.setdefault(target.number, target)
        if first.sidecar != target.sidecar:
            message = f"`expose[{first.index}]` has a different `sidecar` for port {target.number}"
            hint = "Write the same in both entries: a port has one health sidecar."
            yield Problem("M2540", at, message, hint)
        if target.uses_ipv6 != first.uses_ipv6:
            versions = ("IPv6", "IPv4") if target.uses_ipv6 else ("IPv4", "IPv6")
            message = (
                f"Packets arrive over {versions[0]}, and over {versions[1]} from "
                f"`expose[{first.index}]`, and the health sidecar probes port {target.number} over "
                "one of them only"
            )
            hint = "Use load balancers with the same `ip_address_type`, or check one by `port:`."
            yield Problem("M2541", at, message, hint)
    if not by_service:
        return
    last: Path = ("expose", list(by_service.values())[-1].index, "health_check", "sidecar")
    if len(by_service) > MAX_SIDECARS:
        message = (
            f"The {len(by_service)} health sidecars take about 11 kB of the template each, and "
        )
        message += "CloudFormation accepts 51,200 bytes"
        hint = f"Keep {MAX_SIDECARS} at most: move ports to another service, or check their health "
        hint += "by a TCP `port:`."
        yield Problem("M2542", last, message, hint, level="warning")
    if len(containers) + len(by_service) > MAX_CONTAINERS:
        message = (
            f"The task has {len(containers)} containers and {len(by_service)} health sidecars, "
        )
        message += f"and ECS allows {MAX_CONTAINERS}"
        hint = "Move a container to another service, or check health by `port:`."
        yield Problem("M2747", last, message, hint)


def listener_conflicts(
    listeners: Sequence[NlbListener], all_listeners: Sequence[NlbListener]
) -> Iterator[Problem]:
    """Listeners of all services on the same port of a load balancer, which has one listener for
    each port, whatever the protocol. The problem is reported at the later listener."""
    for listener in listeners:
        for other in all_listeners:
            if (other.stack, other.index) < (listener.stack, listener.index) and _same_port(
                listener, other
            ):
                message = f"`{other.place}` uses port {_port(listener)} of "
                message += f"`{listener.entry.via}` as well"
                hint = "Write another port. For TCP and UDP on one port write one entry with "
                hint += "`/tcp_udp`."
                yield Problem("M2509", (*listener.path, "port"), message, hint)


def _same_port(listener: NlbListener, other: NlbListener) -> bool:
    same = listener.load_balancer.load_balancer_id == other.load_balancer.load_balancer_id
    return same and _port(listener) is not None and _port(listener) == _port(other)


def _port(listener: NlbListener) -> int | None:
    return listener.entry.port.number if listener.entry.port else None
