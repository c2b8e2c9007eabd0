"""Problems of deployments that shift traffic, and of the routes whose traffic they shift."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from moorage.facts.deployment_timing import NLB_SHIFT_SECONDS
from moorage.findings.finding import Problem

from ..tasks.release import Release
from ..tasks.release_problems import PATH, count_steps
from ..tasks.traffic_shift import Shift
from .exposure import Exposure
from .test_traffic_problems import test_problems, unused_test_problems


def shift_problems(
    release: Release, exposure: Exposure | None, endpoints: bool
) -> Iterator[Problem]:
    """Problems of shifting traffic; `endpoints` is whether clients reach the service through
    Service Connect."""
    reached = exposure is not None and any(entry.forwards for entry in exposure.entries)
    if release.shift and not reached and not endpoints:
        message = f"`strategy: {release.strategy}` shifts traffic, and neither a load balancer nor "
        message += "Service Connect sends any to the service"
        hint = "Write `release: rolling`" + _or_add_a_route(exposure)
        yield Problem("M3210", PATH, message, hint, because=[("expose",), ("service_connect",)])
    if release.paired and not release.shift and not reached:
        message = "The service has no target groups: no load balancer forwards to it"
        hint = "Remove it" + _or_add_a_route(exposure)
        path = (*PATH, "alternate_target_groups")
        yield Problem("M3210", path, message, hint, because=[("expose",)])
    if release.paired and exposure:
        yield from _pair_problems(exposure)
        if release.shift:
            yield from _nlb_wait_problems(release.shift, exposure)
    test = release.shift.test if release.shift else None
    if test and exposure:
        yield from test_problems(test, exposure, endpoints)
    if test and (reached or endpoints):
        yield from unused_test_problems(test, exposure)


def _or_add_a_route(exposure: Exposure | None) -> str:
    """The end of a hint; a worker has no routes."""
    return ", or add a route to `expose:`." if exposure else "."


def shared_address_problems(exposure: Exposure) -> Iterator[Problem]:
    """Traffic cannot be shifted between tasks that share the IP address of their instance."""
    if exposure.through_instance and exposure.entries:
        mode = exposure.placement.params.network_mode
        message = "Traffic is shifted between tasks with their own IP addresses, but with "
        message += f"`network_mode: {mode}` they have those of their instances"
        hint = "Write `network_mode: awsvpc`, or `release: rolling`."
        yield Problem("M3228", PATH, message, hint, because=[("network_mode",)])


def _pair_problems(exposure: Exposure) -> Iterator[Problem]:
    yield from shared_address_problems(exposure)
    routes = Counter(rule.target.title for rule in exposure.rules if rule.target)
    seen: set[str] = set()
    for rule in exposure.rules:
        if rule.target is None:
            continue
        if rule.target.title in seen:
            message = "Another route forwards to the same port, and ECS shifts the traffic of one "
            message += "rule only"
            hint = "Write the conditions of both in one route, or let the container also listen on "
            hint += "another port."
            yield Problem("M3211", rule.path, message, hint, because=[PATH])
        elif rule.route.authenticate and routes[rule.target.title] == 1:
            message = "AWS does not document that ECS keeps the authentication of a rule when it "
            message += "shifts traffic"
            hint = "Try a release with test users first, or write `release: rolling`."
            path = (*rule.path, "authenticate")
            yield Problem("M3230", path, message, hint, level="warning", because=[PATH])
        seen.add(rule.target.title)


def _nlb_wait_problems(shift: Shift, exposure: Exposure) -> Iterator[Problem]:
    changes = count_steps(shift) + 1
    tests = 1 if exposure.nlb_test_targets else 0
    if exposure.nlb_targets and changes > 2:  # two are what `canary` needs
        wait = NLB_SHIFT_SECONDS // 60
        message = f"ECS waits {wait} minutes at each change of a Network Load "
        message += f"Balancer's weights: {(changes + tests) * wait} minutes in each "
        message += "deployment"
        hint = "Write a larger `step_percent`, or `strategy: canary`."
        yield Problem("M3222", PATH, message, hint, level="warning")
