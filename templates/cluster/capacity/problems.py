"""Problems of a cluster's instances."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.facts.endpoint_services import AGENT_SERVICES
from moorage.findings.finding import Path, Problem
from moorage.model import Environment

from ... import network
from ...common.stack_lookup import find_stack, find_stack_problems
from .instance_network import choose_subnet_type, select_subnets
from .instance_types import is_graviton
from .params import Capacity, Ec2, Instances, ManagedInstances


def capacity_problems(capacity: Capacity | None, env: Environment) -> Iterator[Problem]:
    """Problems of a cluster's instances."""
    for launch_type, instances in (capacity.by_launch_type() if capacity else {}).items():
        path: Path = ("capacity", launch_type)
        network_path = (*path, "network")
        yield from find_stack_problems(
            env, network.Params, instances.network, network_path, "network"
        )
        yield from _subnet_problems(instances, path, env)
    if capacity and capacity.ec2:
        yield from _auto_scaling_group_problems(capacity.ec2, ("capacity", "ec2"))
    if capacity and capacity.managed_instances:
        yield from _managed_instances_problems(
            capacity.managed_instances, ("capacity", "managed_instances")
        )


def _auto_scaling_group_problems(params: Ec2, path: Path) -> Iterator[Problem]:
    if params.min > params.max:
        message = f"The minimum of {params.min} instances is above the maximum of {params.max}"
        hint = "Raise `max`, or lower `min`."
        yield Problem("M2103", (*path, "min"), message, hint, because=[(*path, "max")])
    first = params.instance_types[0]
    for index, instance_type in enumerate(params.instance_types):
        if is_graviton(instance_type) != is_graviton(first):
            kinds = {True: "Graviton", False: "x86"}
            message = f"`{instance_type}` has {kinds[is_graviton(instance_type)]} processors, but "
            message += f"`{first}` has {kinds[is_graviton(first)]} processors"
            hint = "Keep the types with one kind of processor: all instances have the same AMI."
            yield Problem("M2104", (*path, "instance_types", index), message, hint)
    if params.max_instance_lifetime and params.termination_protection:
        # Amazon EC2 Auto Scaling user guide, "Replace Auto Scaling instances based on maximum
        # instance lifetime": scale-in protection keeps an instance from it.
        message = "Instances with tasks are not replaced at this age: they are protected from "
        message += "termination"
        hint = "Write `termination_protection: false`. ECS moves the tasks of an instance before "
        hint += "it is terminated."
        because = [(*path, "termination_protection")]
        yield Problem("M2105", (*path, "max_instance_lifetime"), message, hint, because=because)
    if params.gpu and is_graviton(first) and not params.ami:
        message = "There is no ECS-optimized AMI with GPU drivers for Graviton"
        hint = "Write x86 types with GPUs, such as `g5.xlarge`, or the ID of another AMI in `ami`."
        yield Problem("M2106", (*path, "gpu"), message, hint, because=[(*path, "ami")])


def _managed_instances_problems(params: ManagedInstances, path: Path) -> Iterator[Problem]:
    for key, limits in (("vcpus", params.vcpus), ("memory", params.memory)):
        if limits.max is not None and limits.max < limits.min:
            message = f"The minimum of {limits.min} is above the maximum of {limits.max}"
            yield Problem("M2103", (*path, key), message, "Raise `max`, or lower `min`.")


def _subnet_problems(params: Instances, path: Path, env: Environment) -> Iterator[Problem]:
    """Missing subnets for the instances, and subnets from which they cannot reach ECS."""
    network_stack = find_stack(env, network.Params, params.network)
    if not network_stack:
        return
    name, network_params = network_stack
    net = network.handle(name, network_params, env)
    subnet_type = choose_subnet_type(params, net)
    if not select_subnets(params, net):
        other_type = "private" if subnet_type == "public" else "public"
        message = f"The network `{name}` has no {subnet_type} subnets for the instances"
        hint = f"Write `subnets: {other_type}`, or add `{subnet_type}_subnets` to `stacks.{name}`."
        yield Problem("M2110", (*path, "subnets"), message, hint)
    elif subnet_type == "private" and net.egress == "public":
        message = f"Instances in private subnets of `{name}` cannot reach ECS"
        hint = f"Write `subnets: public`, or `egress: nat` in `stacks.{name}`."
        yield Problem("M2111", (*path, "subnets"), message, hint)
    elif subnet_type == "private" and net.egress == "endpoints":
        listed = network_params.endpoints
        missing = [service for service in AGENT_SERVICES if service not in listed]
        if missing:
            message = f"Instances in private subnets of `{name}` cannot reach ECS: the network has "
            message += f"no endpoints for {', '.join(missing)}"
            endpoints = ", ".join([*listed, *missing])
            hint = f"Write `endpoints: [{endpoints}]` in `stacks.{name}`."
            yield Problem("M2112", (*path, "network"), message, hint)
