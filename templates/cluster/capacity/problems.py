"""What can be wrong with a cluster's instances."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.facts.endpoint_services import AGENT_SERVICES
from moorage.findings.finding import Path, Problem
from moorage.model import Environment

from ... import network
from ...common.stack_lookup import find_stack, find_stack_problems
from .instance_types import is_graviton
from .params import Capacity, Ec2, Instances, ManagedInstances
from .placement import choose_subnet_type, select_subnets


def capacity_problems(capacity: Capacity | None, env: Environment) -> Iterator[Problem]:
    """What is wrong with a cluster's instances."""
    for kind, its in (capacity.by_launch_type() if capacity else {}).items():
        path: Path = ("capacity", kind)
        at = (*path, "network")
        yield from find_stack_problems(env, network.Params, its.network, at, "network")
        yield from _subnet_problems(its, path, env)
    if capacity and capacity.ec2:
        yield from _auto_scaling_group_problems(capacity.ec2, ("capacity", "ec2"))
    if capacity and capacity.managed_instances:
        yield from _managed_instances_problems(
            capacity.managed_instances, ("capacity", "managed_instances")
        )


def _auto_scaling_group_problems(params: Ec2, path: Path) -> Iterator[Problem]:
    if params.min > params.max:
        message = f"There are always {params.min} instances, and there can be {params.max}"
        hint = "Raise `max`, or lower `min`."
        yield Problem("M1105", (*path, "min"), message, hint, because=[(*path, "max")])
    first = params.instance_types[0]
    for index, other in enumerate(params.instance_types):
        if is_graviton(other) != is_graviton(first):
            kinds = {True: "Graviton", False: "x86"}
            message = f"`{other}` is {kinds[is_graviton(other)]}, and `{first}` is not"
            hint = "Keep types of one kind: one AMI and one image run on all of them."
            yield Problem("M1220", (*path, "instance_types", index), message, hint)
    if params.max_instance_lifetime and params.termination_protection:
        # Amazon EC2 Auto Scaling user guide, "Replace Auto Scaling instances based on maximum
        # instance lifetime": scale-in protection keeps an instance from it.
        message = "An instance with tasks is protected, and so is never too old"
        hint = "Write `termination_protection: false`: ECS moves the tasks before it ends one."
        because = [(*path, "termination_protection")]
        yield Problem("M1108", (*path, "max_instance_lifetime"), message, hint, because=because)
    if params.gpu and is_graviton(first) and not params.ami:
        message = "There is no ECS-optimised AMI with GPU drivers for Graviton"
        hint = "Use types such as `g5.xlarge`, or name an `ami` of your own."
        yield Problem("M1220", (*path, "gpu"), message, hint)


def _managed_instances_problems(params: ManagedInstances, path: Path) -> Iterator[Problem]:
    for key, one in (("vcpus", params.vcpus), ("memory", params.memory)):
        if one.max is not None and one.max < one.min:
            message = f"The most, {one.max}, is below the least, {one.min}"
            yield Problem("M1105", (*path, key), message, "Swap the two numbers.")


def _subnet_problems(params: Instances, path: Path, env: Environment) -> Iterator[Problem]:
    """Whether the instances can reach ECS and join the cluster."""
    found = find_stack(env, network.Params, params.network)
    if not found:
        return
    name, its = found
    net = network.handle(name, its, env)
    where = choose_subnet_type(params, net)
    if not select_subnets(params, net):
        other = "private" if where == "public" else "public"
        message = f"The network `{name}` has no {where} subnets"
        hint = f"Write `subnets: {other}` here, or name `{where}_subnets` at `{name}`."
        yield Problem("M1211", (*path, "subnets"), message, hint)
    elif where == "private" and net.egress == "public":
        message = f"From a private subnet of `{name}` instances cannot reach ECS"
        hint = f"Write `subnets: public` here, or `egress: nat` at `{name}`."
        yield Problem("M1211", (*path, "subnets"), message, hint)
    elif where == "private" and net.egress == "endpoints":
        lacking = [one for one in AGENT_SERVICES if one not in its.endpoints]
        if lacking:
            message = f"Instances in `{name}` cannot reach ECS: no endpoint for {lacking[0]}"
            hint = f"Write `endpoints: [{', '.join(AGENT_SERVICES)}]` at `{name}`."
            yield Problem("M1211", (*path, "network"), message, hint)
