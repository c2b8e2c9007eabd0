"""Problems of the traffic that reaches the new tasks of a deployment first: `release.test`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from moorage.findings.finding import Path, Problem

from ..load_balancers.clients import private_client_problems
from ..tasks.release_problems import PATH
from ..tasks.traffic_shift import TestTraffic
from .exposure import Exposure
from .nlb.listener_conflicts import ListenersByPort
from .test_traffic import uses_own_listener

_TEST: Path = (*PATH, "test")
_CLIENTS: Path = (*_TEST, "clients")
_ALB_LISTENER_PORTS = (80, 443)
_ALB_LISTENER_KEYS = ("certificate", "ssl_policy", "clients")
"""Settings of the listener for test traffic of an Application Load Balancer."""


def unused_test_problems(test: TestTraffic, exposure: Exposure | None) -> Iterator[Problem]:
    """Settings that have no effect with the load balancers of the service. `test_problems` reports
    headers and hosts behind a Network Load Balancer."""
    rules = [rule for rule in exposure.rules if rule.target] if exposure else []
    nlb_targets = exposure.nlb_targets if exposure else ()
    forwarding = [entry for entry in exposure.entries if entry.forwards] if exposure else []
    if len(forwarding) > len(rules) + len(nlb_targets):
        return  # other problems report why an entry has no target
    conditions = " and ".join(f"`{key}`" for key in ("headers", "hosts") if getattr(test, key))
    unused: dict[str, str] = {}
    if not rules:
        keys: tuple[str, ...] = (*_ALB_LISTENER_KEYS, "priority")
        unused = dict.fromkeys(keys, "without an Application Load Balancer")
        if not nlb_targets:
            unused |= dict.fromkeys(("hosts", "port"), "without a load balancer")
    elif conditions:
        keys = _ALB_LISTENER_KEYS if nlb_targets else ("port", *_ALB_LISTENER_KEYS)
        unused = dict.fromkeys(keys, f"with {conditions}, for which no listener is created")
    elif test.port:
        unused = {"priority": "with `port`, because that listener has no other rule"}
    because = [("expose",)] if not rules or conditions else []
    for key, reason in unused.items():
        if key in test.model_fields_set:
            message = f"`{key}` has no effect {reason}"
            yield Problem("M3238", (*_TEST, key), message, "Remove it.", because=because)


TestPorts: TypeAlias = Mapping[tuple[str, int], Sequence[str]]
"""The stacks with a listener for test traffic, by load balancer and port."""


def group_test_ports(exposures: Sequence[Exposure]) -> TestPorts:
    """The listeners for test traffic of all services, for `test_port_conflicts`."""
    stacks: dict[tuple[str, int], list[str]] = {}
    for exposure in exposures:
        for port in exposure.test_ports:
            stacks.setdefault(port, []).append(exposure.stack)
    return stacks


def test_port_conflicts(
    exposure: Exposure, test_ports: TestPorts, listeners: ListenersByPort
) -> Iterator[Problem]:
    """Listeners for test traffic on a port that another service uses. If both are for test traffic,
    the problem is reported in the stack that comes later by name."""
    for port in sorted(exposure.test_ports):
        earlier = sorted(stack for stack in test_ports[port] if stack < exposure.stack)
        users = [f"stacks.{stack}.release.test" for stack in earlier]
        users += [
            listener.place
            for listener in listeners.get(port, ())
            if listener.stack != exposure.stack
        ]
        for user in users[:1]:
            message = f"`{user}` uses port {port[1]} of the same load balancer"
            yield Problem("M3219", (*_TEST, "port"), message, "Write another port.")


def test_problems(test: TestTraffic, exposure: Exposure, endpoints: bool) -> Iterator[Problem]:
    if not (test.headers or test.hosts or test.port):
        message = "`test` has no condition by which test traffic is recognized"
        hint = "Write `headers:`, `hosts:` or `port:`."
        yield Problem("M3219", _TEST, message, hint)
    if not exposure.targets and exposure.nlb_targets:
        for key in ("headers", "hosts"):
            if getattr(test, key) and not (key == "headers" and endpoints):
                message = f"A Network Load Balancer does not see `{key}`"
                hint = "Write `port:` with the port of a listener for test traffic."
                yield Problem("M3219", (*_TEST, key), message, hint)
    yield from _port_problems(test, exposure)
    if not uses_own_listener(test):
        yield from _priority_problems(exposure)
    elif exposure.test_rules:
        yield from _client_problems(test, exposure)


def _port_problems(test: TestTraffic, exposure: Exposure) -> Iterator[Problem]:
    if test.port is None:
        return
    path = (*_TEST, "port")
    used = [(target.entry.via, target.listener.number) for target in exposure.nlb_targets]
    vias = Counter(via for via, _ in used)
    albs = [rule.load_balancer.name for rule in exposure.test_rules if uses_own_listener(test)]
    vias.update(albs)
    conflicts = [via for via, number in used if number == test.port]
    conflicts += [via for via in albs if test.port in _ALB_LISTENER_PORTS]
    for via in conflicts[:1]:
        message = f"`{via}` has a listener on port {test.port} already"
        yield Problem("M3219", path, message, "Write another port.")
    for via in [via for via, count in vias.items() if count > 1][:1]:
        message = f"Two targets of `{via}` cannot have test traffic on the same port"
        hint = "Write `headers:` or `hosts:`, or split the service."
        yield Problem("M3219", path, message, hint)
    if albs and not test.clients:
        message = f"No client is allowed to connect to port {test.port}"
        hint = "Write `clients:`, with the CIDR blocks from which you test."
        yield Problem("M3219", path, message, hint, because=[_CLIENTS])


def _client_problems(test: TestTraffic, exposure: Exposure) -> Iterator[Problem]:
    balancers = [rule.load_balancer.params for rule in exposure.test_rules]
    if any(not alb.existing and alb.scheme == "internet-facing" for alb in balancers):
        yield from private_client_problems(test.clients, _CLIENTS)


def _priority_problems(exposure: Exposure) -> Iterator[Problem]:
    rules = {rule.index: rule for rule in exposure.rules}
    for test_rule in exposure.test_rules:
        rule = rules[test_rule.index]
        same = test_rule.route.effective_conditions == rule.route.effective_conditions
        first, second = (each.find_priority(exposure.priorities) for each in (test_rule, rule))
        if same or (first is not None and second is not None and first >= second):
            reason = "has the same conditions" if same else "is evaluated after it"
            message = f"The route gets all test traffic: the rule for test traffic {reason}"
            hint = f"Write a `priority` below {second}."
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
        message = "Service Connect recognizes test traffic by a single header with a single value"
        yield Problem("M3220", path, message, "Remove the other headers and values.")
    if None in protocols:
        message = "Service Connect reads headers only at endpoints with a `protocol`"
        hint = "Write `protocol: http` in the endpoints, or remove `headers`."
        yield Problem("M3220", path, message, hint, because=[("service_connect",)])
