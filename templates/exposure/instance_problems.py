"""What can be wrong where load balancers reach tasks through ports of their instance."""

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
            message = "A health sidecar asks the service at 127.0.0.1, and is asked on its own port"
            hint = "Write `network_mode: awsvpc`."
            at = (*path, "health_check", "sidecar")
            yield Problem("M1220", at, message, hint, because=because)
        elif check and check.port and mode == "bridge":
            message = "On a bridge nobody knows which port of the instance leads to it"
            hint = "Leave it out: the port that takes traffic is asked. Or `network_mode: awsvpc`."
            at = (*path, "health_check", "port")
            yield Problem("M1220", at, message, hint, because=because)
        if mode == "bridge" and entry.port and "udp" in entry.port.protocol:
            message = "On a bridge no TCP port beside it tells the health of a UDP port"
            hint = "Write `network_mode: awsvpc` or `host`."
            yield Problem("M1220", (*path, "port"), message, hint, because=because)
    for listener in exposure.nlb_listeners:
        if listener.load_balancer.handle.security_group is None:
            via = listener.load_balancer.name
            message = f"`{via}` has no security group that the instances could admit"
            hint = f"Give `{via}` one, or write `network_mode: awsvpc`."
            yield Problem("M1220", (*listener.path, "via"), message, hint, because=because)
