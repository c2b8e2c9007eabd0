"""Availability Zones of tasks, and those of the load balancers that send to them."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.findings.finding import Level, Path, Problem

from ..load_balancers.shared import find_subnets
from .exposure import Exposure
from .used_load_balancers import UsedNlb


def zone_problems(exposure: Exposure, count: int, count_path: Path) -> Iterator[Problem]:
    """Availability Zones of a load balancer without a task of the service. The service has `count`
    tasks, set at `count_path`.

    Without cross-zone load balancing the address in a zone sends to the tasks of that zone only,
    and is in the DNS name only while the zone has "at least one healthy target in each target
    group", including those of other services (AWS re:Post, knowledge center,
    "elb-dns-cross-zone-balance-configuration"). Clients with fixed addresses do not use the DNS
    name: an error.
    """
    if exposure.placement.network is None:
        return
    task_subnets = len(exposure.placement.subnets)
    zones_with_tasks = min(count, task_subnets)
    balancers = {item.load_balancer.name: item.load_balancer for item in exposure.nlb_listeners}
    for via, balancer in sorted(balancers.items()):
        handle, zones = balancer.handle, balancer.handle.zones
        if zones is None or handle.cross_zone or not 0 < zones_with_tasks < zones:
            continue
        tasks = f"{zones_with_tasks} task{'s' if zones_with_tasks > 1 else ''}"
        message = (
            f"`{via}` has addresses in {zones} Availability Zones, each of which sends to tasks "
        )
        message += f"in its own zone only, and {tasks} cannot be in all of them"
        more = f"`{count_path[-1]}: {zones}`" if task_subnets >= zones else ""
        hint = f"Write {' or '.join(filter(None, (more, f'`cross_zone: true` in `{via}`')))}."
        level: Level = "error" if handle.fixed else "warning"
        yield Problem("M2560", count_path, message, hint, level=level)


def subnet_problems(exposure: Exposure) -> Iterator[Problem]:
    """Tasks in Availability Zones that their load balancer is not in, which get no traffic.

    "Target is in an Availability Zone that is not enabled for the load balancer" (Amazon ECS
    developer guide, "Troubleshooting service load balancers"). With cross-zone load balancing a
    Network Load Balancer reaches them nevertheless (its user guide, "Update the Availability
    Zones"). An existing network lists one subnet of each zone, and only there the number of private
    and of public subnets can differ.
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
        cross_zone = isinstance(balancer, UsedNlb) and balancer.params.cross_zone
        if 0 < count < task_subnets and not cross_zone:
            subnet = "subnet" if count == 1 else "subnets"
            message = f"`{balancer.name}` is in {count} {subnet}, and the tasks are in "
            message += f"{task_subnets}: tasks in other Availability Zones get no traffic"
            hint = (
                f"List one public and one private subnet of each Availability Zone in `{net.name}`"
            )
            hint += f", or write `cross_zone: true` in `{balancer.name}`." if nlb else "."
            yield Problem("M2561", (*used.path, "via"), message, hint)
