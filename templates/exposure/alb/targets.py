"""Routes through Application Load Balancers, and the ports of containers that they forward to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeAlias

from troposphere import GetAtt, Ref, ec2, ecs
from troposphere import elasticloadbalancingv2 as elb

from moorage.findings.finding import Path
from moorage.model import RulePriority, logical_id
from moorage.records import record

from ...tasks.containers import Containers, choose_container
from ...tasks.ports import Port
from ..target_pairs import Pairs, forward_action, group_titles, shift_settings
from ..used_load_balancers import UsedAlb
from .listener_rules import actions, conditions
from .routes import TARGET_GROUP_KEYS, Route
from .target_groups import find_health_check_port, target_group


@record
class Target:
    """A port of a container behind an Application Load Balancer: one target group."""

    load_balancer: UsedAlb
    container: str
    port: Port
    routes: tuple[Route, ...]
    """The routes that forward to it."""

    @property
    def key(self) -> tuple[str, str, Port]:
        """Identifies it among the targets of a service."""
        return self.load_balancer.name, self.container, self.port

    @property
    def title(self) -> str:
        """Logical ID of its target group."""
        return logical_id(
            self.load_balancer.name, self.container, str(self.port.number), "TargetGroup"
        )

    @property
    def settings(self) -> Route:
        """The route that sets the attributes of the target group: the one with settings, or the
        first."""
        return next((route for route in self.routes if target_settings(route)), self.routes[0])

    @property
    def ports(self) -> set[Port]:
        """The ports that the load balancer sends requests and health checks to."""
        return {self.port, find_health_check_port(self.settings, self.port)}


RuleKey: TypeAlias = tuple[str, str, int]
"""A listener rule: its stack, its logical ID, and its index below `expose:`."""


Priorities: TypeAlias = Mapping[RuleKey, RulePriority]
"""The priorities of listener rules."""


@record
class ListenerRule:
    """A route, which becomes a rule of the load balancer's listener."""

    stack: str
    """The stack of the service."""
    index: int
    """Its index below `expose:`."""
    route: Route
    load_balancer: UsedAlb
    target: Target | None
    """None if the route forwards nothing, or to a container or port that does not exist."""

    @property
    def path(self) -> Path:
        return ("expose", self.index)

    @property
    def place(self) -> str:
        """Its place in the params, for messages of other stacks."""
        return f"stacks.{self.stack}.expose[{self.index}]"

    @cached_property
    def title(self) -> str:
        """Logical ID, from the name of the route, or without one from its target."""
        via = self.load_balancer.name
        if self.route.name or not self.target:
            return logical_id(via, self.route.name or "", "ListenerRule")
        return logical_id(via, self.target.container, str(self.target.port.number), "ListenerRule")

    @property
    def name(self) -> str:
        """Its name among the rules of an environment."""
        return f"{self.stack}.{self.title}"

    @property
    def key(self) -> RuleKey:
        """Identifies it, even if by mistake another rule has the same name."""
        return self.stack, self.title, self.index

    def find_priority(self, priorities: Priorities) -> int | None:
        """The number in the params, or the assigned one; None if no number is left."""
        if self.route.priority is not None or self.key not in priorities:
            return self.route.priority
        return priorities[self.key].number


def target_settings(route: Route) -> set[str]:
    """The keys of the target group's settings that a route sets."""
    return route.model_fields_set.intersection(TARGET_GROUP_KEYS)


def resolve_rules(
    stack: str, routes: Sequence[tuple[int, Route, UsedAlb]], containers: Containers
) -> tuple[ListenerRule, ...]:
    """The rules of a service's routes. Each route comes with its index below `expose:`."""
    by_port: dict[tuple[str, str, Port], list[Route]] = {}
    ports = [_find_port(route, containers) for _, route, _ in routes]
    for port, (_, route, _) in zip(ports, routes, strict=True):
        if port:
            by_port.setdefault((route.via, *port), []).append(route)
    return tuple(
        ListenerRule(
            stack,
            index,
            route,
            load_balancer,
            Target(load_balancer, *port, tuple(by_port[(route.via, *port)])) if port else None,
        )
        for port, (index, route, load_balancer) in zip(ports, routes, strict=True)
    )


def find_targets(rules: Sequence[ListenerRule]) -> tuple[Target, ...]:
    """The targets of these rules, without duplicates."""
    targets = {rule.target.key: rule.target for rule in rules if rule.target}
    return tuple(targets.values())


def _find_port(route: Route, containers: Containers) -> tuple[str, Port] | None:
    """The container and the port that a route forwards to."""
    name = choose_container(route.container, containers)
    if not route.forwards or name not in containers:
        return None
    ports = [port for port in containers[name].ports if port.protocol == "tcp"]
    if route.port is None:
        return (name, ports[0]) if len(ports) == 1 else None
    return (name, route.port) if route.port in ports else None


# Resources -----------------------------------------------------------------------------------


def target_groups(
    targets: Sequence[Target], pairs: Pairs, vpc: Any, *, through_instance: bool
) -> list[elb.TargetGroup]:
    return [
        target_group(title, target.settings, target.port, vpc, through_instance=through_instance)
        for target in targets
        for title in group_titles(target.title, pairs)
    ]


def attachments(targets: Sequence[Target], pairs: Pairs) -> list[ecs.LoadBalancer]:
    """The `LoadBalancers` of the ECS service, which registers its tasks in the target groups."""
    return [
        ecs.LoadBalancer(
            ContainerName=target.container,
            ContainerPort=target.port.number,
            TargetGroupArn=Ref(target.title),
            **shift_settings(target.title, pairs),
        )
        for target in targets
    ]


def security_group_rules(targets: Sequence[Target]) -> list[Any]:
    """Rules that let each load balancer reach the ports that it sends requests and health checks
    to: one in the security group of the tasks, one in that of the load balancer."""
    rules: list[Any] = []
    for load_balancer, port in _distinct_ports(targets):
        shared = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port}
        name, group = load_balancer.name, load_balancer.handle.security_group
        tasks = GetAtt("SecurityGroup", "GroupId")
        title = rule_title_prefix(name, Port(port))
        rules += [
            ec2.SecurityGroupIngress(
                f"{title}Ingress",
                Description=f"From load balancer {name}",
                GroupId=tasks,
                SourceSecurityGroupId=group,
                **shared,
            ),
            ec2.SecurityGroupEgress(
                f"{title}Egress",
                Description="To the tasks of a service",
                GroupId=group,
                DestinationSecurityGroupId=tasks,
                **shared,
            ),
        ]
    return rules


def rule_title_prefix(via: str, port: Port) -> str:
    """The beginning of the logical IDs of the security group rules of a port."""
    return logical_id(via, str(port.number))


def _distinct_ports(targets: Sequence[Target]) -> list[tuple[UsedAlb, int]]:
    """Load balancers and ports, in order, without duplicates of the same security group: existing
    load balancers may share one, and EC2 refuses duplicate rules."""
    by_name = {target.load_balancer.name: target.load_balancer for target in targets}
    ports = {
        (target.load_balancer.name, port.number) for target in targets for port in target.ports
    }
    distinct: dict[tuple[str, int], tuple[UsedAlb, int]] = {}
    for name, number in sorted(ports):
        group = by_name[name].handle.security_group
        key = (group if isinstance(group, str) else name, number)
        distinct.setdefault(key, (by_name[name], number))
    return list(distinct.values())


def listener_rules(
    rules: Sequence[ListenerRule],
    priorities: Priorities,
    pairs: Pairs,
    listener: Any = None,
) -> Iterator[elb.ListenerRule]:
    """The rules, on their load balancers' listeners, or on `listener`, which has no others."""
    for rule in rules:
        forward = forward_action(rule.target.title, pairs) if rule.target else {}
        yield elb.ListenerRule(
            rule.title,
            ListenerArn=listener or rule.load_balancer.handle.listener,
            Priority=rule.find_priority(priorities),
            Conditions=conditions(rule.route),
            Actions=actions(rule.route, forward),
        )
