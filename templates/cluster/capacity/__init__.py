"""Instances of a cluster: an Auto Scaling group, or ECS Managed Instances.

Sources: Amazon ECS developer guide ("Automatically manage Amazon ECS capacity with cluster auto
scaling", "Amazon ECS container instance IAM role", "Amazon ECS Managed Instances instance profile",
"Amazon ECS infrastructure IAM role", "Amazon ECS container agent configuration").
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from troposphere import GetAtt, Output, Ref

from moorage.model import Environment

from ...common.exports import export_output
from .handles import (
    LOGICAL_ID_PREFIXES,
    CapacityHandle,
    capacity_handles,
    existing_capacity_handles,
)
from .instance_types import is_graviton
from .params import Capacity, ExistingInstances
from .problems import capacity_problems

__all__ = [
    "LOGICAL_ID_PREFIXES",
    "Capacity",
    "CapacityHandle",
    "ExistingInstances",
    "associated_providers",
    "capacity_handles",
    "capacity_outputs",
    "capacity_problems",
    "capacity_resources",
    "existing_capacity_handles",
    "is_graviton",
]


def capacity_resources(capacity: Capacity | None, env: Environment, name: str) -> Iterator[Any]:
    """All resources of a cluster's instances except the association with the cluster."""
    if capacity and capacity.ec2:
        from .auto_scaling_group import auto_scaling_group_resources

        yield from auto_scaling_group_resources(capacity.ec2, env, name)
    if capacity and capacity.managed_instances:
        from .managed_instances import managed_instances_resources

        yield from managed_instances_resources(capacity.managed_instances, env, name)


def capacity_outputs(name: str, capacity: Capacity | None, env: Environment) -> Iterator[Output]:
    """The outputs that services import: capacity provider and security group of the instances."""
    for launch_type in capacity.by_launch_type() if capacity else {}:
        prefix = LOGICAL_ID_PREFIXES[launch_type]
        provider = Ref(f"{prefix}CapacityProvider")
        yield export_output(
            env, name, f"{prefix}CapacityProvider", provider, "Name of the capacity provider"
        )
        group = GetAtt(f"{prefix}SecurityGroup", "GroupId")
        yield export_output(
            env, name, f"{prefix}SecurityGroupId", group, "Security group of the instances"
        )


def associated_providers(capacity: Capacity | None) -> list[Any]:
    """The capacity providers that must be associated with the cluster.

    The capacity provider of managed instances is created in the cluster, and ECS refuses to
    associate it ("Cannot associate Managed Instances capacity provider to clusters using this API",
    aws/aws-cdk#35699, hashicorp/terraform-provider-aws#44783).
    """
    return [Ref("Ec2CapacityProvider")] if capacity and capacity.ec2 else []
