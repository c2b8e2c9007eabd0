"""Tasks, and the zones in which their load balancers have addresses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from moorage.findings.finding import Level, Problem
from moorage.model import Environment

from .. import network
from ..common.stack_lookup import find_stack
from ..load_balancers import alb, nlb
from ..load_balancers.shared import find_subnets
from .params import Exposure


def zone_problems(
    expose: Sequence[Exposure], desired_count: int, task_subnets: int, env: Environment
) -> Iterator[Problem]:
    """Zones of a load balancer in which there would be no task.

    Without cross-zone load balancing a zone's address leads to the tasks of that zone only, and
    stands in the DNS name only while the zone has "at least one healthy target in each target
    group", those of other services among them (AWS re:Post, knowledge center,
    "elb-dns-cross-zone-balance-configuration"). Who was told an address does not ask the DNS.
    """
    reached = min(desired_count, task_subnets)
    for via in sorted({one.via for one in expose}):
        params = env.params_of(via, nlb.Params)
        its = nlb.handle(via, params, env) if params else None
        if its is None or its.zones is None or its.cross_zone or not 0 < reached < its.zones:
            continue
        tasks = f"{reached} task{'s' if reached > 1 else ''}"
        zones = f"Each of the {its.zones} addresses of `{via}` leads to tasks of its own zone only"
        message = f"{zones}, and {tasks} cannot be in all of them"
        more = f"`desired_count: {its.zones}`" if task_subnets >= its.zones else ""
        hint = f"Write {' or '.join(filter(None, (more, f'`cross_zone: true` at `{via}`')))}."
        level: Level = "error" if its.fixed else "warning"
        yield Problem("M1108", ("desired_count",), message, hint, level=level)


def subnet_problems(
    expose: Sequence[Exposure], task_subnets: int, env: Environment
) -> Iterator[Problem]:
    """Tasks in zones that their load balancer is not in: such a target is not used.

    "Target is in an Availability Zone that is not enabled for the load balancer" (Amazon ECS
    developer guide, "Troubleshooting service load balancers"). With cross-zone load balancing a
    Network Load Balancer reaches them all the same (its user guide, "Update the Availability
    Zones"). An existing network lists one subnet for each zone, and is the only one that may list
    more private ones than public ones.
    """
    for index, one in enumerate(expose):
        params = env.params_of(one.via, alb.Params) or env.params_of(one.via, nlb.Params)
        picked = find_stack(env, network.Params, params.network) if params else None
        if params is None or params.existing or picked is None or not one.forwards:
            continue
        count = len(find_subnets(params.scheme, network.handle(*picked, env)))
        far = isinstance(params, nlb.Params) and params.cross_zone
        if 0 < count < task_subnets and not far:
            message = f"`{one.via}` stands in {count} subnets, and the tasks in {task_subnets}"
            message += ": a task in another zone gets nothing"
            hint = f"List one public and one private subnet of each zone at `{picked[0]}`"
            hint += "." if isinstance(params, alb.Params) else ", or write `cross_zone: true`."
            yield Problem("M1214", ("expose", index, "via"), message, hint)
