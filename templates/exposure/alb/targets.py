"""Container ports behind Application Load Balancers, with all that this takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from troposphere import GetAtt, Ref, ec2, ecs
from troposphere import elasticloadbalancingv2 as elb

from moorage.findings.finding import Path, Problem
from moorage.model import Environment, logical_id

from ...load_balancers import alb
from ...tasks.containers import Containers, choose_container, container_choice_problems
from ...tasks.ports import Port
from .listener_rules import actions, conditions
from .priorities import resolve_priority
from .route_conflicts import can_conflict, find_conflict, shadows
from .route_problems import route_problems
from .routes import TARGET_GROUP_KEYS, Route
from .target_groups import find_health_check_port, target_group

Indexed = Sequence[tuple[int, Route]]
"""Routes with their places below `expose:`."""


@dataclass(frozen=True)
class Target:
    """A container's port behind one load balancer, with all the routes that lead there."""

    via: str
    container: str
    port: Port
    routes: tuple[Route, ...] = ()

    @property
    def title(self) -> str:
        """Logical ID of its target group."""
        return logical_id(self.via, self.container, str(self.port.number), "TargetGroup")

    @property
    def settings(self) -> Route:
        """The one route that says how the target group is set, or the first."""
        return next((one for one in self.routes if _settings(one)), self.routes[0])

    @property
    def ports(self) -> set[Port]:
        """The ports that the load balancer sends to and asks."""
        return {self.port, find_health_check_port(self.settings, self.port)}


def _settings(route: Route) -> set[str]:
    return route.model_fields_set.intersection(TARGET_GROUP_KEYS)


def destination(route: Route, containers: Containers) -> Target | None:
    """Where a route leads; None where it leads nowhere, or that cannot be told."""
    name = choose_container(route.container, containers)
    if not route.forwards or name not in containers:
        return None
    ports = [port for port in containers[name].ports if port.protocol == "tcp"]
    if route.port is None:
        return Target(route.via, name, ports[0]) if len(ports) == 1 else None
    return Target(route.via, name, route.port) if route.port in ports else None


def targets(expose: Sequence[Route], containers: Containers) -> tuple[Target, ...]:
    """Every container port that is exposed, once for each load balancer."""
    found: dict[Target, list[Route]] = {}
    for route in expose:
        if target := destination(route, containers):
            found.setdefault(target, []).append(route)
    return tuple(replace(target, routes=tuple(routes)) for target, routes in found.items())


def rule_title(route: Route, containers: Containers) -> str:
    """Logical ID of a route's listener rule: by its name, or else by where it leads."""
    target = destination(route, containers)
    if route.name or not target:
        return logical_id(route.via, route.name or "", "ListenerRule")
    return logical_id(route.via, target.container, str(target.port.number), "ListenerRule")


# What can be wrong ---------------------------------------------------------------------------


def target_problems(
    routes: Indexed, containers: Containers, handles: Mapping[str, alb.Handle]
) -> Iterator[Problem]:
    """What is wrong with the routes of one service."""
    for index, route in routes:
        path: Path = ("expose", index)
        balancer = handles.get(route.via)
        yield from route_problems(route, path, https=balancer.https if balancer else None)
        if route.authenticate and balancer and not balancer.authentication:
            message = f"`{route.via}` cannot reach an identity provider"
            hint = f"Write `authentication: true` at `{route.via}`."
            yield Problem("M1214", (*path, "authenticate"), message, hint)
        if route.forwards:
            yield from _destination_problems(route, path, containers)
            yield from _health_port_problems(route, path, containers)
    yield from _title_problems(routes, containers)
    yield from _target_problems(routes, containers)


def _destination_problems(route: Route, path: Path, containers: Containers) -> Iterator[Problem]:
    name = choose_container(route.container, containers)
    if name not in containers:
        yield from container_choice_problems(route.container, path, containers)
        return
    because = [("containers", name, "ports"), (*path, "container")]
    target = destination(route, containers)
    if target is None:
        message, hint = _no_port(name, route.port, containers[name].ports)
        yield Problem("M1205", (*path, "port"), message, hint, because=because)
    elif Port(target.port.number, "udp") in containers[name].ports:
        # Amazon ECS refuses such a service: "Container port ... is used in more than one port
        # mapping" (aws/amazon-ecs-agent issue 3428).
        message = f"Container `{name}` has port {target.port} as TCP and as UDP"
        hint = "ECS cannot put it behind a load balancer: let one of them listen elsewhere."
        yield Problem("M1220", (*path, "port"), message, hint, because=because)


def _no_port(name: str, asked: Port | None, ports: Sequence[Port]) -> tuple[str, str]:
    """Message and hint where a route finds no port, or several."""
    usable = [str(port) for port in ports if port.protocol == "tcp"]
    add = f"the port that it listens on to the `ports` of `{name}`"
    if not usable:
        return f"Container `{name}` has no TCP port", f"Add {add}."
    say = f"Say `port:` with {' or '.join(usable)}"
    if asked is None:
        return f"Container `{name}` has more than one TCP port", f"{say}."
    if asked.protocol != "tcp":
        return "An Application Load Balancer takes TCP ports only", f"{say}, or add {add}."
    return f"Container `{name}` has no TCP port {asked}", f"{say}, or add {add}."


def _health_port_problems(route: Route, path: Path, containers: Containers) -> Iterator[Problem]:
    check = route.health_check
    if check is None or check.port is None:
        return
    listened = any(check.port in one.ports for one in containers.values())
    if not listened or check.port.protocol != "tcp":
        message = f"No container of the task listens on TCP port {check.port.number}"
        hint = "Add it to the `ports` of the container that answers, or remove this key."
        at = (*path, "health_check", "port")
        yield Problem("M1205", at, message, hint, because=[("containers",)])


def _title_problems(routes: Indexed, containers: Containers) -> Iterator[Problem]:
    """Each rule needs a logical ID of its own, and each target group one route that sets it."""
    titles: dict[str, int] = {}
    setters: dict[Target, int] = {}
    for index, route in routes:
        path: Path = ("expose", index)
        target = destination(route, containers)
        title = rule_title(route, containers)
        if (target or route.name) and title in titles:
            message = f"It would have the logical ID of `expose[{titles[title]}]`, {title}"
            hint = "Give it a `name:` of its own, which should not change later."
            yield Problem("M1302", path, message, hint)
        titles.setdefault(title, index)
        if target and _settings(route):
            if target in setters:
                keys = ", ".join(sorted(_settings(route)))
                message = f"`expose[{setters[target]}]` sets the same target group already"
                hint = f"Say {keys} there; both routes share one target group."
                yield Problem("M1108", path, message, hint)
            setters.setdefault(target, index)


def _target_problems(routes: Indexed, containers: Containers) -> Iterator[Problem]:
    """Different ports may come to the same words in a logical ID."""
    makers: dict[str, str] = {}
    for index, route in routes:
        for title, maker in _titles(route, containers):
            other = makers.setdefault(title, maker)
            if other != maker:
                message = f"`{maker}` and `{other}` would share the logical ID {title}"
                hint = "Rename the container, or the load balancer's stack."
                yield Problem("M1302", ("expose", index), message, hint)
                break


def _titles(route: Route, containers: Containers) -> Iterator[tuple[str, str]]:
    """Logical IDs that a route's ports lead to, and what each is made of."""
    if target := destination(route, containers):
        yield target.title, f"{target.via} {target.container} {target.port}"
        for port in sorted({target.port, find_health_check_port(route, target.port)}, key=str):
            yield f"{_opening(target.via, port)}Ingress", f"{target.via} {port}"


def _opening(via: str, port: Port) -> str:
    """What the logical IDs of the rules that open a port begin with."""
    return logical_id(via, str(port.number))


def clash_problems(
    stack: str, services: Mapping[str, tuple[Indexed, Containers]], env: Environment
) -> Iterator[Problem]:
    """Routes of one listener that cannot both stand; told at the one that comes later by name.

    `services` holds the routes and the containers of every service.
    """
    every = [
        (name, at, route, f"{name}.{rule_title(route, containers)}", _listener(route.via, env))
        for name, (routes, containers) in services.items()
        for at, route in routes
    ]
    for _, index, route, owner, listener in (one for one in every if one[0] == stack):
        beside = [one for one in every if one[4] == listener]
        if route.priority is not None:
            numbered = [
                (name, at, one, resolve_priority(one, its)) for name, at, one, its, _ in beside
            ]
            yield from _hidden_problems(stack, index, route, numbered)
        for name, at, rival, its_owner, _ in beside:
            if (name, at) >= (stack, index) or not can_conflict(route, rival):
                continue
            numbers = resolve_priority(route, owner), resolve_priority(rival, its_owner)
            same = numbers[0] == numbers[1]
            taken = {resolve_priority(one[2], one[3]) for one in beside} if same else ()
            if found := find_conflict(route, rival, numbers, taken):
                reason, hint = found
                message = f"The route {reason} as `stacks.{name}.expose[{at}]`"
                yield Problem("M1209", ("expose", index), message, hint)


def _hidden_problems(
    stack: str, index: int, route: Route, beside: Sequence[tuple[str, int, Route, int]]
) -> Iterator[Problem]:
    """What a chosen priority does to the routes of its listener, given with their numbers."""
    assert route.priority is not None
    path: Path = ("expose", index, "priority")
    others = [one for one in beside if one[:2] != (stack, index)]
    hidden = [
        (f"`stacks.{name}.expose[{at}]`", number)
        for name, at, rival, number in others
        if route.priority < number and shadows(route, rival)
    ]
    if hidden:
        names = ", ".join(name for name, _ in hidden[:3])
        more = f" and {len(hidden) - 3} more" if len(hidden) > 3 else ""
        message = f"All requests for {names}{more} come to this route, which is asked first"
        last = max(number for _, number in hidden)
        hint = f"Leave it out, or write more than {last}." if last < 50000 else "Leave it out."
        yield Problem("M1209", path, message, hint, level="warning")
    for name, at, rival, number in others:
        if rival.priority is None and number < route.priority and shadows(rival, route):
            message = f"All requests for it come to `stacks.{name}.expose[{at}]`, asked before it"
            hint = f"Leave it out, or write less than {number}."
            yield Problem("M1209", path, message, hint, level="warning")


def _listener(via: str, env: Environment) -> str:
    """What tells listeners apart: two stacks may have taken over the same one."""
    params = env.params_of(via, alb.Params)
    return str(params.existing.listener) if params and params.existing else via


# What comes out ------------------------------------------------------------------------------


def target_groups(
    expose: Sequence[Route], containers: Containers, vpc: Any, *, through_instance: bool = False
) -> list[Any]:
    """A target group for each target."""
    return [
        target_group(one.title, one.settings, one.port, vpc, through_instance=through_instance)
        for one in targets(expose, containers)
    ]


def attachments(expose: Sequence[Route], containers: Containers) -> list[ecs.LoadBalancer]:
    """What tells ECS to put the tasks into the target groups."""
    return [
        ecs.LoadBalancer(
            ContainerName=one.container,
            ContainerPort=one.port.number,
            TargetGroupArn=Ref(one.title),
        )
        for one in targets(expose, containers)
    ]


def security_group_rules(
    expose: Sequence[Route], containers: Containers, handles: Mapping[str, alb.Handle]
) -> list[Any]:
    """Each load balancer may reach the ports that it sends to and asks, and nothing else: one rule
    at the tasks, one at the load balancer."""
    ports = {(one.via, port.number) for one in targets(expose, containers) for port in one.ports}
    rules: list[Any] = []
    for via, port in _different(ports, handles):
        shared = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port}
        balancer, tasks = handles[via].security_group, GetAtt("SecurityGroup", "GroupId")
        rules += [
            ec2.SecurityGroupIngress(
                f"{_opening(via, Port(port))}Ingress",
                Description=f"From load balancer {via}",
                GroupId=tasks,
                SourceSecurityGroupId=balancer,
                **shared,
            ),
            ec2.SecurityGroupEgress(
                f"{_opening(via, Port(port))}Egress",
                Description="To the tasks of a service",
                GroupId=balancer,
                DestinationSecurityGroupId=tasks,
                **shared,
            ),
        ]
    return rules


def _different(
    ports: set[tuple[str, int]], handles: Mapping[str, alb.Handle]
) -> list[tuple[str, int]]:
    """Load balancer and port, in order. Load balancers that exist may share a security group, and
    EC2 refuses a second rule like the first."""
    found: dict[tuple[str, int], tuple[str, int]] = {}
    for via, port in sorted(ports):
        group = handles[via].security_group
        found.setdefault((group if isinstance(group, str) else via, port), (via, port))
    return list(found.values())


def listener_rules(
    stack: str,
    expose: Sequence[Route],
    containers: Containers,
    handles: Mapping[str, alb.Handle],
) -> list[elb.ListenerRule]:
    """A listener rule for each route."""
    return [
        elb.ListenerRule(
            title,
            ListenerArn=handles[route.via].listener,
            Priority=resolve_priority(route, f"{stack}.{title}"),
            Conditions=conditions(route),
            Actions=actions(route, Ref(target.title) if target else None),
        )
        for route in expose
        for target in [destination(route, containers)]
        for title in [rule_title(route, containers)]
    ]
