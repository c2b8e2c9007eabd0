"""Conflicts between the entries below `expose:` of several services."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from moorage.findings.finding import Problem
from moorage.model import KnownPriorities
from moorage.records import record

from .alb.assigned_priorities import assign_priorities
from .alb.rule_conflicts import RulesByListener, group_by_listener, rule_conflicts
from .alb.targets import Priorities
from .exposure import Exposure
from .nlb.listener_conflicts import (
    ListenersByPort,
    RuleOwners,
    find_rule_owners,
    group_by_port,
    listener_conflicts,
    security_group_conflicts,
)
from .test_traffic_problems import TestPorts, group_test_ports, test_port_conflicts


@record
class AllExposures:
    """The entries of all services, indexed by what can conflict."""

    rules: RulesByListener
    priorities: Priorities
    listeners: ListenersByPort
    rule_owners: RuleOwners
    test_ports: TestPorts


def gather_exposures(exposures: Sequence[Exposure], known: KnownPriorities) -> AllExposures:
    """The entries of all services of an environment, for `exposure_conflicts`, and the priorities
    of their rules."""
    listeners = [listener for exposure in exposures for listener in exposure.nlb_listeners]
    rules = [rule for exposure in exposures for rule in exposure.all_rules]
    priorities = assign_priorities(rules, known)
    return AllExposures(
        group_by_listener(rules, priorities),
        priorities,
        group_by_port(listeners),
        find_rule_owners(listeners),
        group_test_ports(exposures),
    )


def exposure_conflicts(exposure: Exposure, all_exposures: AllExposures) -> Iterator[Problem]:
    """Conflicts with the entries of all services. A conflict is reported in the stack that comes
    later by name."""
    yield from rule_conflicts(exposure.all_rules, all_exposures.rules)
    listeners = exposure.nlb_listeners
    yield from security_group_conflicts(exposure.stack, listeners, all_exposures.rule_owners)
    yield from listener_conflicts(listeners, all_exposures.listeners)
    yield from test_port_conflicts(exposure, all_exposures.test_ports, all_exposures.listeners)
