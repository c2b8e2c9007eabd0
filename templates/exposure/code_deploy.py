"""The target groups and the listener between which CodeDeploy shifts the traffic of a service.

Limits: Amazon ECS developer guide, "Blue/green deployment with CodeDeploy".
"""

from __future__ import annotations

from collections.abc import Iterator

from troposphere import Ref

from moorage.findings.finding import Problem

from ..tasks.code_deploy import CodeDeploy
from ..tasks.code_deploy_resources import TrafficRoute
from .exposure import Exposure
from .release_problems import shared_address_problems
from .test_traffic import alb_test_listener_title, nlb_test_listener_title
from .test_traffic_problems import test_problems, unused_test_problems


def traffic_route(exposure: Exposure) -> TrafficRoute | None:
    """How requests reach the service; None unless one load balancer forwards to one port."""
    rules = [rule for rule in exposure.rules if rule.target]
    if len(rules) + len(exposure.nlb_targets) != 1:
        return None
    for rule in rules:
        assert rule.target is not None
        titles = [alb_test_listener_title(test_rule) for test_rule in exposure.test_rules]
        return TrafficRoute(
            listener=rule.load_balancer.handle.listener,
            test_listener=Ref(titles[0]) if titles else None,
            container=rule.target.container,
            port=rule.target.port.number,
            target_groups=exposure.pairs[rule.target.title].titles,
        )
    (target,) = exposure.nlb_targets
    titles = [nlb_test_listener_title(test_target) for test_target in exposure.nlb_test_targets]
    return TrafficRoute(
        listener=Ref(target.listener_title),
        test_listener=Ref(titles[0]) if titles else None,
        container=target.container,
        port=target.number,
        target_groups=exposure.pairs[target.target_group_title].titles,
    )


# Problems ------------------------------------------------------------------------------------


def code_deploy_problems(params: CodeDeploy, exposure: Exposure | None) -> Iterator[Problem]:
    """What CodeDeploy cannot do with the routes of a service. A worker has no `exposure`."""
    entries = exposure.entries if exposure else ()
    forwarding = [index for index, entry in enumerate(entries) if entry.forwards]
    if not forwarding:
        message = "CodeDeploy shifts the traffic of a load balancer, and none forwards to the "
        message += "service"
        hint = "Write another `strategy:`" + (", or add a route to `expose:`." if exposure else ".")
        yield Problem("M3225", ("release",), message, hint, because=[("expose",)])
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
    if params.hooks.after_allow_test_traffic and not params.test:
        message = "There is no listener for test traffic that the hook could test"
        hint = "Write `test:` with its `port`, or use `before_allow_traffic`."
        hook = ("release", "hooks", "after_allow_test_traffic")
        yield Problem("M3224", hook, message, hint, because=[("release", "test")])
    if exposure:
        yield from shared_address_problems(exposure)
        yield from _test_problems(params, exposure)


def _test_problems(params: CodeDeploy, exposure: Exposure) -> Iterator[Problem]:
    if params.test is None:
        return
    for key in ("headers", "hosts"):
        if getattr(params.test, key):
            message = "CodeDeploy recognizes test traffic by the port of its listener, not by "
            message += f"`{key}`"
            hint = "Write `port:` with the port of a listener for test traffic."
            yield Problem("M3219", ("release", "test", key), message, hint)
            return
    yield from test_problems(params.test, exposure, endpoints=False)
    yield from unused_test_problems(params.test, exposure)
