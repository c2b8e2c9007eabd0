"""How a service is reached: the load balancers, listeners and targets of `expose:`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

from moorage.model import Environment
from moorage.records import record

from ..tasks.containers import Containers
from ..tasks.launch_types import InstanceOpening, instance_port_range
from ..tasks.placement import Placement
from ..tasks.ports import Port
from ..tasks.task_container import Origin, TaskContainer
from ..tasks.traffic_shift import TestTraffic
from .alb.targets import ListenerRule, Priorities, Target, find_targets, resolve_rules
from .health_sidecar.sidecar import Sidecar, sidecar_container, sidecar_name
from .nlb.listeners import NlbListener, NlbTarget, resolve_listener
from .params import ExposeEntry
from .target_pairs import TargetPair
from .test_traffic import (
    nlb_test_listener_title,
    nlb_test_target,
    resolve_test_rule,
    uses_own_listener,
)
from .used_load_balancers import UsedAlb, UsedNlb, resolve_load_balancer


@record
class Exposure:
    """How the tasks of a service are reached."""

    stack: str
    env: Environment
    placement: Placement
    entries: Sequence[ExposeEntry]
    """The entries below `expose:`; an entry for the proxy names its container."""
    containers: Containers
    """The containers that entries can forward to: those below `containers:`, and the proxy."""
    rules: tuple[ListenerRule, ...]
    find_priorities: Callable[[], Priorities]
    """Returns the priorities of the rules of all services of the environment."""
    nlb_listeners: tuple[NlbListener, ...]
    paired: bool = False
    """Whether each target has a second target group, for deployments that shift traffic."""
    by_code_deploy: bool = False
    """Whether CodeDeploy shifts the traffic, and not ECS."""
    test: TestTraffic | None = None
    """Requests that reach the new tasks of such a deployment first."""

    @cached_property
    def test_rules(self) -> tuple[ListenerRule, ...]:
        """The rules for test traffic through Application Load Balancers."""
        test = self.test if self.paired else None
        rules = [resolve_test_rule(rule, test) for rule in self.rules] if test else []
        return tuple(rule for rule in rules if rule)

    @property
    def priorities(self) -> Priorities:
        """The priorities of the rules, and of those of other services."""
        return self.find_priorities()

    @property
    def all_rules(self) -> tuple[ListenerRule, ...]:
        """The rules of the load balancers' own listeners: production, then test traffic."""
        on_listener = not (self.test and uses_own_listener(self.test))
        return (*self.rules, *(self.test_rules if on_listener else ()))

    @cached_property
    def nlb_test_targets(self) -> tuple[NlbTarget, ...]:
        """The targets with the ports of the listeners for test traffic."""
        test = self.test if self.paired else None
        targets = [nlb_test_target(target, test) for target in self.nlb_targets] if test else []
        return tuple(target for target in targets if target)

    @cached_property
    def test_ports(self) -> frozenset[tuple[str, int]]:
        """The load balancers and ports of the listeners for test traffic."""
        port = self.test.port if self.test else None
        if not self.test or port is None:
            return frozenset()
        balancers = {target.load_balancer.load_balancer_id for target in self.nlb_test_targets}
        if uses_own_listener(self.test):
            balancers |= {rule.load_balancer.load_balancer_id for rule in self.test_rules}
        return frozenset((balancer, port) for balancer in balancers)

    @cached_property
    def pairs(self) -> dict[str, TargetPair]:
        """The pairs of target groups by the logical IDs of the primary groups."""
        if not self.paired:
            return {}
        tests = {rule.index: rule.title for rule in self.test_rules}
        tests |= {target.index: nlb_test_listener_title(target) for target in self.nlb_test_targets}
        candidates = [
            TargetPair(rule.target.title, rule.title, tests.get(rule.index), on_listener=False)
            for rule in self.rules
            if rule.target
        ]
        candidates += [
            TargetPair(
                target.target_group_title,
                target.listener_title,
                tests.get(target.index),
                on_listener=True,
            )
            for target in self.nlb_targets
        ]
        pairs: dict[str, TargetPair] = {}
        # It is a problem if several rules forward to one target; then the first one counts.
        for pair in candidates:
            pairs.setdefault(pair.group, pair)
        return pairs

    @property
    def ecs_pairs(self) -> dict[str, TargetPair]:
        """The pairs between which ECS shifts traffic."""
        return {} if self.by_code_deploy else self.pairs

    @property
    def reachable(self) -> Sequence[ListenerRule | NlbListener]:
        """The rules and listeners of the entries with a load balancer that exists."""
        return (*self.rules, *self.nlb_listeners)

    @cached_property
    def targets(self) -> tuple[Target, ...]:
        """The targets of Application Load Balancers."""
        return find_targets(self.rules)

    @cached_property
    def nlb_targets(self) -> tuple[NlbTarget, ...]:
        """The targets of Network Load Balancers."""
        return tuple(
            listener.target for listener in self.nlb_listeners if listener.target is not None
        )

    @property
    def through_instance(self) -> bool:
        """Whether load balancers reach the tasks through ports of their instance."""
        return self.placement.shares_instance


def resolve_exposure(
    stack: str,
    entries: Sequence[ExposeEntry],
    containers: Containers,
    placement: Placement,
    env: Environment,
    find_priorities: Callable[[], Priorities],
    *,
    paired: bool = False,
    by_code_deploy: bool = False,
    test: TestTraffic | None = None,
) -> Exposure:
    """How a service is reached, without the entries whose load balancer does not exist, which
    `exposure_problems` reports."""
    balancers = [resolve_load_balancer(entry.via, env) for entry in entries]
    indexed = list(enumerate(zip(entries, balancers, strict=True)))
    routes = [(index, entry, alb) for index, (entry, alb) in indexed if isinstance(alb, UsedAlb)]
    return Exposure(
        stack=stack,
        env=env,
        placement=placement,
        entries=entries,
        containers=containers,
        rules=resolve_rules(stack, routes, containers),
        find_priorities=find_priorities,
        nlb_listeners=tuple(
            resolve_listener(stack, index, entry, nlb, containers)
            for index, (entry, nlb) in indexed
            if isinstance(nlb, UsedNlb)
        ),
        paired=paired,
        by_code_deploy=by_code_deploy,
        test=test,
    )


def health_sidecars(exposure: Exposure) -> dict[str, TaskContainer]:
    """The containers that answer health checks for UDP services, by name.

    If several load balancers check the same sidecar, it keeps its port closed until the slowest of
    them has detected it.
    """
    checked = [(target, target.sidecar) for target in exposure.nlb_targets]
    slowest: dict[int, int] = {}
    for target, sidecar in checked:
        if sidecar:
            slowest[target.number] = max(target.detection_time, slowest.get(target.number, 0))
    return {
        sidecar_name(target.number): TaskContainer(
            sidecar_container(
                sidecar,
                target.container,
                target.number,
                slowest[target.number],
                ipv6=target.uses_ipv6,
            ),
            Origin(
                ("expose", target.index, "health_check", "sidecar"),
                frozenset(Sidecar.model_fields),
                {"ports": "port"},
                feature="health sidecars",
            ),
        )
        for target, sidecar in checked
        if sidecar
    }


def instance_openings(exposure: Exposure) -> set[InstanceOpening]:
    """The ports of instances that load balancers send packets and health checks to."""
    if not exposure.through_instance:
        return set()
    ports: list[tuple[UsedAlb | UsedNlb, str, Port]] = [
        (target.load_balancer, target.container, port)
        for target in exposure.targets
        for port in target.ports
    ]
    ports += [
        (target.load_balancer, target.container, Port(number, transport))
        for target in exposure.nlb_targets
        for transport, number in target.task_ports
    ]
    return {
        _opening(exposure, load_balancer, container, port)
        for load_balancer, container, port in ports
    }


def _opening(
    exposure: Exposure, load_balancer: UsedAlb | UsedNlb, container: str, port: Port
) -> InstanceOpening:
    params = exposure.placement.params
    # The port below the container's `ports` has the port of the instance that is mapped to it.
    mappings = exposure.containers[container].ports
    mapping = next((candidate for candidate in mappings if candidate == port), port)
    first, last = instance_port_range(mapping, params.network_mode)
    return InstanceOpening(
        launch=params.launch,
        load_balancer=load_balancer.name,
        security_group=load_balancer.handle.security_group,
        protocol=port.protocol,
        first_port=first,
        last_port=last,
    )
