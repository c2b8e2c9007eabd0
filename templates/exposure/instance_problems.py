"""Problems of services that load balancers reach through ports of the tasks' instances."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.findings.finding import Path, Problem

from .exposure import Exposure


def instance_problems(exposure: Exposure) -> Iterator[Problem]:
    if not exposure.through_instance:
        return
    mode = exposure.placement.params.network_mode
    because = [("network_mode",)]
    for index, entry in enumerate(exposure.entries):
        path: Path = ("expose", index)
        check = entry.health_check
        if check and check.sidecar:
            message = f"Health sidecars do not work with `network_mode: {mode}`"
            hint = "Write `network_mode: awsvpc`."
            at = (*path, "health_check", "sidecar")
            yield Problem("M2562", at, message, hint, because=because)
        elif check and check.port and mode == "bridge":
            message = "A health check on another port does not work with `network_mode: bridge`: "
            message += "the load balancer does not know the port of the instance"
            hint = "Remove `port`, so that the port of the requests is checked, or write "
            hint += "`network_mode: awsvpc`."
            at = (*path, "health_check", "port")
            yield Problem("M2562", at, message, hint, because=because)
        if mode == "bridge" and entry.port and "udp" in entry.port.protocol:
            message = "The health of a UDP port cannot be checked with `network_mode: bridge`"
            hint = "Write `network_mode: awsvpc` or `host`."
            yield Problem("M2562", (*path, "port"), message, hint, because=because)
    for listener in exposure.nlb_listeners:
        if listener.load_balancer.handle.security_group is None:
            via = listener.load_balancer.name
            message = f"`{via}` has no security group, so that of the instances cannot allow it"
            hint = "Use a load balancer with a security group, or write `network_mode: awsvpc`."
            yield Problem("M2563", (*listener.path, "via"), message, hint, because=because)
