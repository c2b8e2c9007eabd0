"""What a service exposes, through load balancers of both kinds: problems and resources."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from troposphere import GetAtt, ec2, ecs

from moorage.findings.finding import Path, Problem
from moorage.findings.wording import near, shown
from moorage.model import Environment

from .. import network
from ..common.stack_lookup import find_stack
from ..load_balancers import alb, nlb
from ..tasks.containers import Container, Containers
from ..tasks.launch_types import NetworkMode, uses_instance_address
from .alb import targets
from .health_sidecar.sidecar import sidecar_container, sidecar_name
from .nlb import listeners
from .nlb.listener_problems import listener_clash, shared_problems, stream_problems
from .nlb.security_group_quota import MAX_RULES, admission_problems
from .params import ROUTE_KEYS, STREAM_KEYS, Exposure

# Amazon ECS developer guide, "Registering multiple target groups with an Amazon ECS service".
MAX_TARGET_GROUPS = 5

Indexed = Sequence[tuple[int, Exposure]]
"""Ways to a service with their places below `expose:`."""


def through(kind: type[Any], expose: Sequence[Exposure], env: Environment) -> Indexed:
    """The ways that lead through load balancers of one kind."""
    return [
        (index, one) for index, one in enumerate(expose) if env.params_of(one.via, kind) is not None
    ]


def _handles(module: Any, expose: Sequence[Exposure], env: Environment) -> Mapping[str, Any]:
    names = sorted({one.via for _, one in through(module.Params, expose, env)})
    return {name: module.handle(name, env.stacks[name].params, env) for name in names}


# What can be wrong ---------------------------------------------------------------------------


def expose_problems(
    expose: Sequence[Exposure], containers: Containers, own_network: str | None, env: Environment
) -> Iterator[Problem]:
    """What is wrong with the ways to one service."""
    routes = through(alb.Params, expose, env)
    listened = through(nlb.Params, expose, env)
    known = {index for index, _ in (*routes, *listened)}
    for index, one in enumerate(expose):
        if index not in known:  # and nothing else can be said: a rule or a listener, who knows
            yield from _via_problems(one, ("expose", index), env)
    for index, one in (*routes, *listened):
        yield from _network_problems(one, ("expose", index), own_network, env)
    for index, one in listened:
        yield from _ipv6_problems(one, ("expose", index), own_network, env)
    for index, one in routes:
        yield from _kind_problems(one, ("expose", index), STREAM_KEYS, "an Application")
        yield from _check_problems(one, ("expose", index, "health_check"))
    for index, one in listened:
        yield from _kind_problems(one, ("expose", index), ROUTE_KEYS, "a Network")
    yield from targets.target_problems(routes, containers, _handles(alb, expose, env))
    yield from _stream_problems(listened, containers, _handles(nlb, expose, env), env)
    yield from _title_problems(routes, listened, containers, env)
    groups = len(targets.targets([one for _, one in routes], containers)) + len(
        listeners.flows([one for _, one in listened], containers)
    )
    if groups > MAX_TARGET_GROUPS:
        message = f"The routes need {groups} target groups"
        hint = f"ECS takes {MAX_TARGET_GROUPS} for a service. Lead more routes to the same port."
        yield Problem("M1216", ("expose",), message, hint)


def _via_problems(one: Exposure, path: Path, env: Environment) -> Iterator[Problem]:
    if one.via in env.broken:
        return
    balancers = [name for kind in (alb.Params, nlb.Params) for name, _ in env.of(kind)]
    meant = [found] if (found := near(one.via, balancers)) else sorted(balancers)
    hint = f"Write {' or '.join(f'`{name}`' for name in meant)}." if meant else ""
    hint = hint or "Add a stack with `template: alb` or `template: nlb`."
    spec = env.stacks.get(one.via)
    what = f"is a stack of template `{spec.template}`" if spec else "is not a stack"
    message = f"{shown(one.via)} {what}; a load balancer is wanted here"
    yield Problem("M1201", (*path, "via"), message, hint)


def _network_problems(
    one: Exposure, path: Path, own_network: str | None, env: Environment
) -> Iterator[Problem]:
    """A target group of addresses takes the addresses of its own VPC."""
    balancer: Any = env.stacks[one.via].params
    mine = find_stack(env, network.Params, own_network)
    its = find_stack(env, network.Params, balancer.network)
    apart = mine and its and _vpc(*mine) != _vpc(*its)
    if mine and its and apart and not balancer.existing:
        message = f"`{one.via}` is in network `{its[0]}`, and the service in `{mine[0]}`"
        hint = f"Write `network: {its[0]}` here, or use a load balancer of `{mine[0]}`."
        yield Problem("M1201", (*path, "via"), message, hint, because=[("network",)])


def _ipv6_problems(
    one: Exposure, path: Path, own_network: str | None, env: Environment
) -> Iterator[Problem]:
    """UDP through a dualstack load balancer comes to IPv6 addresses of the tasks.

    Where the load balancer is a stack of its own this is a finding there.
    """
    balancer = env.params_of(one.via, nlb.Params)
    picked = find_stack(env, network.Params, own_network)
    if balancer is None or not balancer.existing or picked is None or one.port is None:
        return
    home = network.handle(*picked, env)
    udp = "udp" in listeners.TRANSPORTS.get(one.port.protocol, ())
    if udp and balancer.existing.ip_address_type == "dualstack" and not home.ipv6:
        message = f"UDP comes over IPv6 through `{one.via}`, and tasks in `{picked[0]}` have none"
        hint = f"Write `ipv6: true` in `{picked[0]}`"
        hint += ", below `existing:`, if it is so." if picked[1].existing else "."
        yield Problem("M1108", (*path, "via"), message, hint, because=[("network",)])


def _vpc(name: str, params: network.Params) -> str:
    """What tells networks apart: two stacks may have taken over the same VPC."""
    return params.existing.vpc if params.existing else name


def _kind_problems(
    one: Exposure, path: Path, keys: Sequence[str], balancer: str
) -> Iterator[Problem]:
    for key in sorted(one.model_fields_set.intersection(keys)):
        hint = "Use `clients:`." if key == "source_ips" else "Remove it."
        message = f"`{key}` has no meaning behind {balancer} Load Balancer"
        yield Problem("M1220", (*path, key), message, hint)


def _check_problems(one: Exposure, path: Path) -> Iterator[Problem]:
    """Health checks that only a Network Load Balancer has (Elastic Load Balancing API reference,
    CreateTargetGroup, HealthCheckProtocol)."""
    if one.health_check and one.health_check.sidecar:
        message = "A sidecar answers for UDP services, which are behind Network Load Balancers"
        yield Problem("M1220", (*path, "sidecar"), message, "Remove it, or lead `via` an NLB.")
    if one.health_check and one.health_check.protocol == "TCP":
        message = "An Application Load Balancer cannot check health over TCP"
        hint = "Write `protocol: HTTP` or `HTTPS`, or remove it."
        yield Problem("M1220", (*path, "protocol"), message, hint)


def _stream_problems(
    listened: Indexed, containers: Containers, handles: Mapping[str, nlb.Handle], env: Environment
) -> Iterator[Problem]:
    for index, one in listened:
        path: Path = ("expose", index)
        yield from stream_problems(one, path, containers, handles[one.via], env)
    found = [(("expose", index), listeners.flow(one, containers)) for index, one in listened]
    yield from shared_problems([(path, one) for path, one in found if one], containers, handles)


def _title_problems(
    routes: Indexed, listened: Indexed, containers: Containers, env: Environment
) -> Iterator[Problem]:
    """Load balancers whose names come to the same logical IDs: an ALB `edge-tcp` and an NLB `edge`,
    or port 53 of `edge` and port 3 of `edge-5`."""
    behind = [one for _, one in routes]
    balancers = _handles(alb, behind, env)
    taken = {one.title for one in targets.security_group_rules(behind, containers, balancers)}
    ways = [one for _, one in listened]
    found = listeners.flows(ways, containers)
    rules = listeners.stream_rules(found, _handles(nlb, ways, env))
    if len(rules) > MAX_RULES:
        yield from _room_problems(rules)
    named = {(one.route.via, one.listener_title) for one in found}
    often = Counter(title for _, title in named)
    doubled = [title for title, many in often.items() if many > 1]
    if clash := sorted({*doubled, *taken.intersection(one.title for one in rules)}):
        message = f"Two load balancers lead to the logical ID {clash[0]}"
        hint = "Rename the stack of one of them."
        yield Problem("M1302", ("expose",), message, hint)


def _room_problems(rules: Sequence[Any]) -> Iterator[Problem]:
    """Rules of the tasks' own group, which names clients where the load balancer has no group."""
    mine = [one for one in rules if isinstance(one, ec2.SecurityGroupIngress)]
    tasks = [one for one in mine if one.to_dict()["Properties"]["GroupId"] == _TASKS]
    for key, kind in ("CidrIpv6", "IPv4"), ("CidrIp", "IPv6"):
        count = sum(key not in one.to_dict()["Properties"] for one in tasks)
        if count > MAX_RULES:
            message = f"The security group of the tasks gets {count} inbound {kind} rules"
            hint = f"EC2 takes {MAX_RULES} unless the quota is raised. Name larger blocks."
            yield Problem("M1105", ("expose",), message, hint, level="warning")


_TASKS = GetAtt("SecurityGroup", "GroupId").to_dict()


def clash_problems(
    stack: str, services: Mapping[str, tuple[Sequence[Exposure], Containers]], env: Environment
) -> Iterator[Problem]:
    """Ways of all services that cannot stand beside each other; told at the later one by name."""
    routes = {
        name: (through(alb.Params, ways, env), containers)
        for name, (ways, containers) in services.items()
    }
    yield from targets.clash_problems(stack, routes, env)
    streaming = {
        name: (through(nlb.Params, ways, env), containers)
        for name, (ways, containers) in services.items()
    }
    yield from admission_problems(stack, streaming, env)
    listened = [(name, index, one) for name, (ways, _) in streaming.items() for index, one in ways]
    for name, index, one in listened:
        for other, at, rival in listened:
            same = nlb.is_same_load_balancer(one.via, rival.via, env)
            earlier = name == stack and same and (other, at) < (name, index)
            if earlier and one.port and listener_clash(one, rival):
                where = f"`stacks.{other}.expose[{at}]`"
                message = f"`{one.via}` listens on port {one.port.number} for {where} already"
                hint = "Take another port. For TCP and UDP on one port write `/tcp_udp` once."
                yield Problem("M1209", ("expose", index, "port"), message, hint)


# What comes out ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Exposed:
    """What a service needs to be reached."""

    resources: tuple[Any, ...]
    attachments: tuple[ecs.LoadBalancer, ...]
    waits: tuple[str, ...]
    """Logical IDs of what must be there before the service: what attaches its target groups, or ECS
    refuses them; and what lets the load balancer in, or the first health checks are blocked."""


def exposed(
    stack: str,
    expose: Sequence[Exposure],
    containers: Containers,
    net: network.Handle,
    env: Environment,
    mode: NetworkMode = "awsvpc",
) -> Exposed:
    """Target groups, listener rules or listeners, and the security-group rules of both sides; for
    tasks that are reached through their instance these stand in the cluster's stack."""
    shared = uses_instance_address(mode)
    routes = [one for _, one in through(alb.Params, expose, env)]
    balancers, nlbs = _handles(alb, expose, env), _handles(nlb, expose, env)
    opened = [] if shared else targets.security_group_rules(routes, containers, balancers)
    rules = targets.listener_rules(stack, routes, containers, balancers)
    forwarding = [rule for rule, route in zip(rules, routes, strict=True) if route.forwards]
    flows = listeners.flows([one for _, one in through(nlb.Params, expose, env)], containers)
    opened += listeners.stream_rules(flows, nlbs, through_instance=shared)
    listening = [listeners.stream_listener(one, nlbs[one.route.via]) for one in flows]
    return Exposed(
        resources=(
            *opened,
            *targets.target_groups(routes, containers, net.vpc_id, through_instance=shared),
            *(
                listeners.stream_target_group(
                    one, net.vpc_id, nlbs[one.route.via], through_instance=shared
                )
                for one in flows
            ),
            *rules,
            *listening,
        ),
        attachments=(
            *targets.attachments(routes, containers),
            *(listeners.stream_attachment(one) for one in flows),
        ),
        waits=tuple(sorted(one.title for one in (*opened, *forwarding, *listening))),
    )


def sidecars(
    expose: Sequence[Exposure], containers: Containers, env: Environment
) -> dict[str, tuple[int, Container]]:
    """The sidecars that answer for UDP services by name, each with the place that asks for it.

    Of several load balancers that ask one, the slowest says how long it takes to be noticed.
    """
    found = [
        (index, flow, flow.sidecar)
        for index, one in through(nlb.Params, expose, env)
        if (flow := listeners.flow(one, containers)) is not None and flow.sidecar is not None
    ]
    handles = _handles(nlb, expose, env)
    slowest: dict[int, int] = {}
    for _, flow, _ in found:
        slowest[flow.number] = max(flow.noticed, slowest.get(flow.number, 0))
    return {
        sidecar_name(flow.number): (
            index,
            sidecar_container(
                sidecar,
                flow.container,
                flow.number,
                slowest[flow.number],
                ipv6=flow.by_ipv6(handles[flow.route.via]),
            ),
        )
        for index, flow, sidecar in found
    }
