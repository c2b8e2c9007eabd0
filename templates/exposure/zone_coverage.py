"""Problems of the Availability Zones of tasks and of the load balancers in front of them."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.findings.finding import Level, Path, Problem

from ..load_balancers.shared import find_subnets
from .exposure import Exposure
from .used_load_balancers import UsedNlb


def zone_problems(exposure: Exposure, count: int, count_path: Path) -> Iterator[Problem]:
    """Availability Zones of a load balancer without a task of the service, which has `count` tasks,
    set at `count_path`.

    Without cross-zone load balancing, the address of a zone sends only to the tasks of that zone.
    It is in the DNS name only while the zone has "at least one healthy target in each target
    group", including those of other services (AWS re:Post, knowledge center,
    "elb-dns-cross-zone-balance-configuration"). It is an error if the load balancer has fixed
    addresses, because clients may use these without the DNS name.
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
        message = f"`{via}` has an address in each of {zones} Availability Zones, which sends only "
        message += f"to tasks in its zone, but {tasks} cannot be in all of them"
        more = f"`{count_path[-1]}: {zones}`" if task_subnets >= zones else ""
        hint = f"Write {' or '.join(filter(None, (more, f'`cross_zone: true` in `{via}`')))}."
        level: Level = "error" if handle.fixed else "warning"
        yield Problem("M2560", count_path, message, hint, level=level)


def subnet_problems(exposure: Exposure) -> Iterator[Problem]:
    """Tasks in Availability Zones that their load balancer is not in. They get no traffic.

    "Target is in an Availability Zone that is not enabled for the load balancer" (Amazon ECS
    developer guide, "Troubleshooting service load balancers"). Only with cross-zone load balancing
    does a Network Load Balancer reach them (its user guide, "Update the Availability Zones").
    Zones are counted by subnets: a network has one public and one private subnet in each zone,
    except an existing one, which may list more of one type.
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
