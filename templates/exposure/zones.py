"""Availability Zones of tasks, and those of the load balancers that send to them."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.findings.finding import Level, Path, Problem

from ..load_balancers.shared import find_subnets
from .exposure import Exposure
from .used_load_balancers import UsedNlb


def zone_problems(exposure: Exposure, count: int, count_path: Path) -> Iterator[Problem]:
    """Zones of a load balancer in which there would be no task of a service that has `count`, which
    the params say at `count_path`.

    Without cross-zone load balancing a zone's address leads to the tasks of that zone only, and
    is in the DNS name only while the zone has "at least one healthy target in each target group",
    those of other services among them (AWS re:Post, knowledge center,
    "elb-dns-cross-zone-balance-configuration"). Clients of fixed addresses do not use the DNS name.
    """
    if exposure.placement.network is None:
        return
    task_subnets = len(exposure.placement.subnets)
    reached = min(count, task_subnets)
    balancers = {item.load_balancer.name: item.load_balancer for item in exposure.nlb_listeners}
    for via, balancer in sorted(balancers.items()):
        its = balancer.handle
        if its.zones is None or its.cross_zone or not 0 < reached < its.zones:
            continue
        tasks = f"{reached} task{'s' if reached > 1 else ''}"
        zones = f"Each of the {its.zones} addresses of `{via}` leads to tasks of its own zone only"
        message = f"{zones}, and {tasks} cannot be in all of them"
        more = f"`{count_path[-1]}: {its.zones}`" if task_subnets >= its.zones else ""
        hint = f"Write {' or '.join(filter(None, (more, f'`cross_zone: true` at `{via}`')))}."
        level: Level = "error" if its.fixed else "warning"
        yield Problem("M1108", count_path, message, hint, level=level)


def subnet_problems(exposure: Exposure) -> Iterator[Problem]:
    """Tasks in zones that their load balancer is not in: such a target is not used.

    "Target is in an Availability Zone that is not enabled for the load balancer" (Amazon ECS
    developer guide, "Troubleshooting service load balancers"). With cross-zone load balancing a
    Network Load Balancer reaches them all the same (its user guide, "Update the Availability
    Zones"). An existing network lists one subnet for each zone, and is the only one that may list
    more private ones than public ones.
    """
    if exposure.placement.network is None:
        return
    task_subnets = len(exposure.placement.subnets)
    for used in exposure.reachable:
        balancer = used.load_balancer
        params, net = balancer.params, balancer.network
        forwards = exposure.entries[used.index].forwards
        if params.existing or net is None or not forwards:
            continue
        count = len(find_subnets(params.scheme, net.handle))
        nlb = isinstance(balancer, UsedNlb)
        far = isinstance(balancer, UsedNlb) and balancer.params.cross_zone
        if 0 < count < task_subnets and not far:
            message = f"`{balancer.name}` stands in {count} subnets, and the tasks in "
            message += f"{task_subnets}: a task in another zone gets nothing"
            hint = f"List one public and one private subnet of each zone at `{net.name}`"
            hint += ", or write `cross_zone: true`." if nlb else "."
            yield Problem("M1214", (*used.path, "via"), message, hint)
