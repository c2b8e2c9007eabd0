"""Problems of deployments that shift traffic, and of the load balancers that they shift it in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from moorage.facts.deployment_timing import NLB_SHIFT_SECONDS
from moorage.findings.finding import Path, Problem

from ..tasks.release import Release
from ..tasks.release_problems import PATH, count_steps
from ..tasks.traffic_shift import Shift, TestTraffic
from .exposure import Exposure
from .test_traffic import has_better_priority, uses_own_listener

_TEST: Path = (*PATH, "test")
_LISTENER_PORTS = (80, 443)


def shift_problems(
    release: Release, exposure: Exposure | None, endpoints: bool
) -> Iterator[Problem]:
    """`endpoints` says whether clients reach the service through Service Connect."""
    reached = exposure is not None and bool(exposure.entries)
    if release.pairs and not reached and not (release.shift and endpoints):
        what = (
            f"`strategy: {release.strategy}` shifts" if release.shift else "They are for shifting"
        )
        message = f"{what} traffic, and the service has neither a load balancer nor an endpoint of "
        message += "Service Connect"
        hint = "Write `release: rolling`, or add the service to `expose:`."
        path = PATH if release.shift else (*PATH, "alternate_target_groups")
        yield Problem("M3210", path, message, hint, because=[("expose",), ("service_connect",)])
    if release.pairs and exposure:
        yield from _pair_problems(exposure)
        if release.shift:
            yield from _nlb_waits(release.shift, exposure)
    if release.shift and release.shift.test and exposure:
        yield from test_problems(release.shift.test, exposure, endpoints)


def shared_address_problems(exposure: Exposure) -> Iterator[Problem]:
    """Traffic that is shifted between tasks which share the IP address of their instance."""
    if exposure.through_instance and exposure.entries:
        mode = exposure.placement.params.network_mode
        message = "Traffic is shifted between tasks with their own IP addresses, and with "
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
            hint = "Write the conditions of both in one route, or let the container listen on "
            hint += "another port as well."
            yield Problem("M3211", rule.path, message, hint, because=[PATH])
        elif rule.route.authenticate and routes[rule.target.title] == 1:
            message = "AWS does not document that ECS keeps the authentication of a rule when it "
            message += "shifts traffic"
            hint = "Try a release with test users first, or write `release: rolling`."
            path = (*rule.path, "authenticate")
            yield Problem("M3230", path, message, hint, level="warning", because=[PATH])
        seen.add(rule.target.title)


def _nlb_waits(shift: Shift, exposure: Exposure) -> Iterator[Problem]:
    changes = count_steps(shift) + 1
    tests = 1 if exposure.nlb_test_targets else 0
    if exposure.nlb_targets and changes > 2:  # two are what `canary` needs
        wait = NLB_SHIFT_SECONDS // 60
        message = f"ECS waits {wait} minutes at each change of a Network Load "
        message += f"Balancer's weights: {(changes + tests) * wait} minutes in each "
        message += "deployment, and again in a rollback"
        hint = "Write a larger `step_percent`, or `strategy: canary`."
        yield Problem("M3222", PATH, message, hint, level="warning")


def test_problems(test: TestTraffic, exposure: Exposure, endpoints: bool) -> Iterator[Problem]:
    if not (test.headers or test.hosts or test.port):
        message = "`test` has no condition by which test traffic is recognized"
        hint = "Write `headers:`, `hosts:` or `port:`."
        yield Problem("M3219", _TEST, message, hint)
    if not exposure.targets and exposure.nlb_targets:
        for key in ("headers", "hosts"):
            if getattr(test, key) and not (key == "headers" and endpoints):
                message = f"A Network Load Balancer does not see `{key}`"
                hint = "Write `port:`, of a listener for test traffic."
                yield Problem("M3219", (*_TEST, key), message, hint)
    yield from _port_problems(test, exposure)
    if not uses_own_listener(test):
        yield from _priority_problems(exposure)


def _port_problems(test: TestTraffic, exposure: Exposure) -> Iterator[Problem]:
    if test.port is None:
        return
    path = (*_TEST, "port")
    used = [(target.entry.via, target.listener.number) for target in exposure.nlb_targets]
    vias = Counter(via for via, _ in used)
    albs = [rule.load_balancer.name for rule in exposure.test_rules if uses_own_listener(test)]
    vias.update(albs)
    taken = [via for via, number in used if number == test.port]
    taken += [via for via in albs if test.port in _LISTENER_PORTS]
    for via in taken[:1]:
        message = f"`{via}` has a listener at port {test.port} already"
        yield Problem("M3219", path, message, "Write another port.")
    for via in [via for via, count in vias.items() if count > 1][:1]:
        message = f"Two targets of `{via}` cannot have test traffic at the same port"
        hint = "Write `headers:` or `hosts:`, or split the service."
        yield Problem("M3219", path, message, hint)
    if albs and not test.clients:
        message = f"No client may connect to port {test.port}"
        hint = "Write `clients:`, with the CIDR blocks from which you test."
        yield Problem("M3219", path, message, hint)


def _priority_problems(exposure: Exposure) -> Iterator[Problem]:
    rules = {rule.index: rule for rule in exposure.rules}
    for test_rule in exposure.test_rules:
        rule = rules[test_rule.index]
        same = test_rule.route.effective_conditions == rule.route.effective_conditions
        if same or not has_better_priority(test_rule, rule):
            reason = "has the same conditions" if same else "is evaluated after it"
            message = f"The route gets all test traffic: the rule for test traffic {reason}"
            hint = f"Write a `priority` below {rule.priority}."
            if same:
                hint = "Write conditions that the route does not have."
            path = _TEST if same else (*_TEST, "priority")
            yield Problem("M3219", path, message, hint, because=[rule.path])


def test_header_problems(
    test: TestTraffic | None, protocols: Sequence[str | None]
) -> Iterator[Problem]:
    """Test traffic of Service Connect, to endpoints with these protocols (ECS developer guide,
    "Service Connect for Amazon ECS blue/green deployments")."""
    if test is None or not test.headers or not protocols:
        return
    path = (*_TEST, "headers")
    if len(test.headers) > 1 or any(len(values) > 1 for values in test.headers.values()):
        message = "Service Connect recognizes test traffic by one header with one value"
        yield Problem("M3220", path, message, "Write one header with one value.")
    if None in protocols:
        message = "Service Connect sees headers of endpoints with a `protocol` only"
        hint = "Write `protocol: http` in the endpoints, or remove `headers`."
        yield Problem("M3220", path, message, hint, because=[("service_connect",)])
