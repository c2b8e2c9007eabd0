"""Tasks, and the zones in which their load balancers have addresses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from moorage.model import Environment, Level, Problem
from templates import nlb
from templates.parts.exposure import Exposure


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
