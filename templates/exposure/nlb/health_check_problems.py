"""Problems of health checks of a Network Load Balancer, and of the health sidecars of a task.

Source: Network Load Balancers user guide ("Health checks").
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from moorage.facts.load_balancing import NLB_MATCHER_CODES
from moorage.facts.quotas import MAX_CONTAINERS_PER_TASK, MAX_TEMPLATE_BYTES
from moorage.findings.finding import Path, Problem

from ...tasks.containers import Containers
from ...tasks.ports import Port
from ..alb.target_groups import HealthCheck, parse_matcher
from ..health_sidecar.sidecar import (
    MAX_DRAIN,
    Sidecar,
    resolve_drain,
    sidecar_name,
    sidecar_problems,
)
from ..params import ExposeEntry
from .listeners import TRANSPORTS, NlbListener, NlbTarget, checks_over_http, detection_time

MAX_SIDECARS = 4
"""Maximum number of health sidecars of a task. With more, the template is too large as YAML."""


def health_check_problems(
    listener: NlbListener, port: Port, containers: Containers
) -> Iterator[Problem]:
    """Problems of the health check of a listener with this port."""
    entry = listener.entry
    check = entry.health_check
    at = (*listener.path, "health_check")
    has_tcp_port = check is not None and (check.port is not None or check.sidecar is not None)
    if port.protocol == "udp" and not has_tcp_port:
        yield Problem(
            "M2531",
            at,
            "A load balancer cannot check health over UDP, so the listener needs a `health_check`",
            "Write `health_check: {sidecar: {probe: ...}}` with dns, ntp, echo, send or none, or "
            + _port_hint(check),
        )
    if port.protocol == "tcp_udp" and not has_tcp_port:
        yield from _unanswered_problems(listener, port, containers)
    if check is None or (port.protocol == "udp" and not has_tcp_port):
        return
    if check.sidecar:
        yield from _sidecar_problems(entry, port, at, check, containers)
    elif check.port is not None:
        has_port = any(check.port in container.ports for container in containers.values())
        if not has_port or check.port.protocol != "tcp":
            message = f"No container of the task has TCP port {check.port.number} in its `ports`"
            hint = "Add it to the `ports` of the container that answers health checks."
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
    """A TCP_UDP target group is checked over TCP, so a port that containers have for UDP only does
    not answer."""
    number = listener.entry.target_port or port.number
    if listener.target and not any(
        Port(number) in container.ports for container in containers.values()
    ):
        message = (
            f"Health is checked over TCP on port {number}, which no container has in its `ports`"
        )
        hint = (
            "Add a `health_check:` with a `sidecar:`, which probes over UDP, or with a `port:`. If "
            f"another container listens on TCP port {number}, add it to the `ports` there."
        )
        yield Problem("M2532", (*listener.path, "health_check"), message, hint, level="warning")


def _check_problems(check: HealthCheck, at: Path) -> Iterator[Problem]:
    """The timeout must be below the interval, or over TCP at most as long (Elastic Load Balancing
    API reference, CreateTargetGroup; aws/aws-cdk#26031)."""
    http = checks_over_http(check)
    if check.timeout > check.interval or (http and check.timeout == check.interval):
        hint = f"Raise `interval` above {check.timeout}s, or lower `timeout`."
        message = f"The timeout of {check.timeout}s is not below the interval of {check.interval}s"
        yield Problem("M2420", at, message, hint)
    for code in re.findall(r"[0-9]+", check.matcher or ""):
        if not NLB_MATCHER_CODES[0] <= int(code) <= NLB_MATCHER_CODES[1]:
            hint = f"Write codes from {NLB_MATCHER_CODES[0]} to {NLB_MATCHER_CODES[1]}."
            message = f"A Network Load Balancer cannot treat the status {code} as healthy"
            yield Problem("M2421", (*at, "matcher"), message, hint)
    if any(code >= 500 for code in parse_matcher(check.matcher or "200")):
        message = f"A task that answers with an error is healthy: {check.matcher} includes 5XX"
        hint = 'Write `matcher: "200-399"`, or the codes that the service answers when it works.'
        yield Problem("M2424", (*at, "matcher"), message, hint, level="warning")
    if http or check.sidecar:
        return
    for key in ("path", "matcher"):
        if getattr(check, key) is not None:
            message = f"`{key}` has no effect on a health check over TCP"
            hint = f"Add `protocol: HTTP` to the health check, or remove `{key}`."
            because = [(*at, "protocol")]
            yield Problem("M2535", (*at, key), message, hint, because=because)


def _sidecar_problems(
    entry: ExposeEntry, port: Port, at: Path, check: HealthCheck, containers: Containers
) -> Iterator[Problem]:
    sidecar = check.sidecar
    assert sidecar is not None
    if "udp" not in TRANSPORTS[port.protocol]:
        message = "Health sidecars are for UDP only"
        hint = "Remove `sidecar`: the load balancer checks the TCP port itself."
        yield Problem("M2536", (*at, "sidecar"), message, hint)
    for key in ("port", "protocol", "path", "matcher"):
        if getattr(check, key) is not None:
            hint = f"Remove `{key}`: the load balancer checks `port` and `mode` of `sidecar:`."
            message = f"`{key}` has no effect with `sidecar`"
            yield Problem("M2537", (*at, key), message, hint)
    number = sidecar.port.number
    for name, container in containers.items():
        if sidecar.port in container.ports:
            message = f"Container `{name}` of the task also listens on port {number}"
            hint = "Write another `port:` below `sidecar:`."
            yield Problem("M1206", (*at, "sidecar", "port"), message, hint)
    if number == (entry.target_port or port.number) and "tcp" in TRANSPORTS[port.protocol]:
        message = f"The service also listens on port {number}: `{port}` includes TCP"
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

    This is only a warning, because ECS usually deregisters a task from its target groups before it
    stops it. On FARGATE_SPOT it may do so after the task has stopped (AWS re:Post, "How do I handle
    Spot termination notices in AWS Fargate Spot tasks?"). `drain: 0s` turns the warning off.
    """
    detection = detection_time(check)
    seconds = resolve_drain(sidecar, detection)
    if not 0 < seconds < detection:
        return
    hint = f"Remove `drain`, or write `drain: {detection}s`."
    if detection > MAX_DRAIN:
        hint = f"Lower `interval` x `unhealthy_threshold` to {MAX_DRAIN}s at most, and remove "
        hint += "`drain`."
    message = f"The drain ends after {seconds}s, but the load balancer takes {detection}s to "
    message += "detect the closed port"
    path = at if sidecar.drain is None else (*at, "sidecar", "drain")
    because = [(*at, "interval"), (*at, "unhealthy_threshold")]
    yield Problem("M2539", path, message, hint, level="warning", because=because)


def shared_task_problems(targets: Sequence[NlbTarget], containers: Containers) -> Iterator[Problem]:
    """Health sidecars of one task that conflict with each other, or are too many."""
    by_health_port: dict[int, NlbTarget] = {}
    by_udp_port: dict[int, NlbTarget] = {}
    for target in targets:
        if target.sidecar is None:
            continue
        at: Path = ("expose", target.index, "health_check", "sidecar")
        listening = by_health_port.setdefault(target.health_port, target)
        if listening.number != target.number:
            message = f"The health sidecar of port {listening.number} also listens on port "
            message += f"{target.health_port}"
            yield Problem("M1206", (*at, "port"), message, "Write another `port:`.")
        first = by_udp_port.setdefault(target.number, target)
        if first.sidecar != target.sidecar:
            message = f"`expose[{first.index}]` has a different `sidecar` for port {target.number}"
            hint = "Write the same `sidecar` in both entries: a port has one health sidecar."
            yield Problem("M2540", at, message, hint)
        if target.uses_ipv6 != first.uses_ipv6:
            versions = ("IPv6", "IPv4") if target.uses_ipv6 else ("IPv4", "IPv6")
            message = (
                f"Packets arrive over {versions[0]}, and those of `expose[{first.index}]` over "
                f"{versions[1]}, but the health sidecar probes port {target.number} over one of "
                "them only"
            )
            hint = "Use load balancers with the same `ip_address_type`, or check the health of one "
            hint += "entry by `port:`."
            yield Problem("M2541", at, message, hint)
    if not by_udp_port:
        return
    count = len(by_udp_port)
    last: Path = ("expose", list(by_udp_port.values())[-1].index, "health_check", "sidecar")
    if count > MAX_SIDECARS:
        message = f"The {count} health sidecars take about 11 kB of the template each, and "
        message += f"CloudFormation accepts {MAX_TEMPLATE_BYTES:,} bytes"
        hint = f"Keep {MAX_SIDECARS} at most: move ports to another service, or check their health "
        hint += "by a TCP `port:`."
        yield Problem("M2542", last, message, hint, level="warning")
    if len(containers) + count > MAX_CONTAINERS_PER_TASK:
        message = f"The task has {len(containers)} containers and {count} health sidecars, but "
        message += f"ECS allows {MAX_CONTAINERS_PER_TASK} containers"
        hint = "Move a container to another service, or check health by `port:`."
        yield Problem("M2747", last, message, hint)
