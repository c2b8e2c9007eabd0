"""The target groups of a service, as its alarms and its dashboard refer to them."""

from __future__ import annotations

from ..tasks.alarms import AlarmTarget
from .exposure import Exposure
from .target_pairs import group_titles


def alarm_targets(exposure: Exposure) -> tuple[AlarmTarget, ...]:
    """The targets behind Application Load Balancers, then those behind Network Load Balancers."""
    routes = [
        AlarmTarget(
            kind="alb",
            place=f"{target.load_balancer.name}, port {target.port.number} of {target.container}",
            groups=group_titles(target.title, exposure.pairs),
            load_balancer=target.load_balancer.handle.full_name,
        )
        for target in exposure.targets
    ]
    listeners = [
        AlarmTarget(
            kind="nlb",
            place=f"{target.load_balancer.name}, port {target.listener.number}",
            groups=group_titles(target.target_group_title, exposure.pairs),
            load_balancer=target.load_balancer.handle.full_name,
        )
        for target in exposure.nlb_targets
    ]
    return (*routes, *listeners)
