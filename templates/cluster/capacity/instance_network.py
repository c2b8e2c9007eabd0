"""The network, the subnets and the security group of a cluster's instances."""

from __future__ import annotations

from typing import Any, Literal

from troposphere import ec2

from moorage.model import Environment

from ... import network
from ...common.stack_lookup import find_stack
from .params import Instances


def choose_subnet_type(params: Instances, net: network.Handle) -> Literal["public", "private"]:
    """The type that the params name; by default that of the subnets from which instances reach
    ECS."""
    if params.subnets:
        return params.subnets
    return "public" if net.egress == "public" or not net.private_subnets else "private"


def select_subnets(params: Instances, net: network.Handle) -> tuple[Any, ...]:
    """IDs of the subnets of the instances; empty if the network has no subnets of the type."""
    return (
        net.public_subnets if choose_subnet_type(params, net) == "public" else net.private_subnets
    )


def find_network_handle(params: Instances, env: Environment) -> network.Handle:
    """The network of the instances; `capacity_problems` reports a missing network."""
    network_stack = find_stack(env, network.Params, params.network)
    assert network_stack is not None
    return network.handle(*network_stack, env)


def instances_security_group(
    title: str, network_handle: network.Handle, env: Environment, name: str
) -> Any:
    """A security group without rules. instance_rules adds those for load balancers, for tasks that
    use the instances' addresses."""
    return ec2.SecurityGroup(
        title,
        GroupDescription=f"Instances of {env.stack_name(name)}",
        VpcId=network_handle.vpc_id,
    )
