"""The target groups and the listener between which CodeDeploy shifts the traffic of a service.

Limits: Amazon ECS developer guide, "Blue/green deployment with CodeDeploy".
"""

from __future__ import annotations

import copy
from collections.abc import Iterator

from troposphere import Ref
from troposphere import elasticloadbalancingv2 as elb

from moorage.findings.finding import Problem

from ..tasks.code_deploy import CodeDeploy
from ..tasks.code_deploy_resources import TrafficRoute
from .exposure import Exposure
from .exposure_resources import ExposureResources

_SUFFIX = "TargetGroup"


def traffic_route(exposure: Exposure) -> TrafficRoute | None:
    """How requests reach the service; None unless one load balancer forwards to one port."""
    routes = [
        TrafficRoute(
            listener=target.load_balancer.handle.listener,
            container=target.container,
            port=target.port.number,
            target_groups=(target.title, _alternate_title(target.title)),
        )
        for target in exposure.targets
    ]
    routes += [
        TrafficRoute(
            listener=Ref(target.listener_title),
            container=target.container,
            port=target.number,
            target_groups=(
                target.target_group_title,
                _alternate_title(target.target_group_title),
            ),
        )
        for target in exposure.nlb_targets
    ]
    return routes[0] if len(routes) == 1 else None


def _alternate_title(title: str) -> str:
    return f"{title.removesuffix(_SUFFIX)}Alternate{_SUFFIX}"


def alternate_target_group(exposure: ExposureResources, route: TrafficRoute) -> elb.TargetGroup:
    """The second target group, which is like the first one."""
    first, second = route.target_groups
    group = copy.copy(next(item for item in exposure.resources if item.title == first))
    group.title = second
    return group


# Problems ------------------------------------------------------------------------------------


def code_deploy_problems(params: CodeDeploy, exposure: Exposure | None) -> Iterator[Problem]:
    """What CodeDeploy cannot do with the routes of a service, which has none without `exposure`."""
    entries = exposure.entries if exposure else ()
    forwarding = [index for index, entry in enumerate(entries) if entry.forwards]
    if not forwarding:
        message = "CodeDeploy shifts the traffic of a load balancer, and none forwards to the "
        message += "service"
        hint = "Write another `strategy:`" + (", or add a route to `expose:`." if exposure else ".")
        yield Problem("M3225", ("release",), message, hint)
    elif len(forwarding) > 1:
        message = "CodeDeploy shifts the traffic of one route, and the service has "
        message += f"{len(forwarding)}"
        hint = "Keep one, which can have several `hosts` and `paths`, or write another `strategy:`."
        path = ("expose", forwarding[1])
        yield Problem("M3225", path, message, hint, because=[("release",)])
    if exposure and exposure.nlb_listeners and params.shifts_gradually:
        message = "CodeDeploy can shift the traffic of a Network Load Balancer only all at once"
        hint = "Write `configuration: all_at_once`."
        yield Problem("M3226", ("release", "configuration"), message, hint)
