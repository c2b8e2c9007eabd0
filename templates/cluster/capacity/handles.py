"""What other stacks use to refer to a cluster's instances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moorage.model import Environment

from ... import network
from ...common.exports import import_value
from ...common.stack_lookup import find_stack
from ...tasks.launch_types import LaunchType
from .instance_types import find_architecture, find_common_architecture
from .params import Capacity, Ec2, ExistingInstances, Instances, ManagedInstances


@dataclass(frozen=True)
class CapacityHandle:
    """What other stacks refer to."""

    capacity_provider: Any
    """Its name."""
    security_group: Any | None
    """Id of the instances' group; None where they exist and nobody tells."""
    network: str | None
    """Stack of the network that they stand in; None where nobody tells."""
    architecture: str | None
    """X86_64 or ARM64; None where ECS chooses by the task, or nobody tells."""
    most: int | None = None
    """How many there can be; None where ECS takes as many as it needs, or nobody tells."""
    gpus: bool | None = None
    """Whether tasks are given GPUs; None where ECS chooses by the task, or nobody tells."""


LOGICAL_ID_PREFIXES: Mapping[LaunchType, str] = {
    "ec2": "Ec2",
    "managed_instances": "ManagedInstances",
}
"""What logical IDs and outputs of each kind begin with."""


def capacity_handles(
    name: str, capacity: Capacity | None, env: Environment
) -> dict[LaunchType, CapacityHandle]:
    """How to refer to a cluster's instances from another stack, by kind."""
    return {
        kind: CapacityHandle(
            capacity_provider=import_value(
                env, name, f"{LOGICAL_ID_PREFIXES[kind]}CapacityProvider"
            ),
            security_group=import_value(env, name, f"{LOGICAL_ID_PREFIXES[kind]}SecurityGroupId"),
            network=picked[0] if (picked := find_stack(env, network.Params, its.network)) else None,
            **_known_properties(its),
        )
        for kind, its in (capacity.by_launch_type() if capacity else {}).items()
    }


def _known_properties(its: Instances) -> dict[str, Any]:
    """What the params tell of instances; an AMI of the user's may have drivers for GPUs."""
    if isinstance(its, ManagedInstances):
        return {"architecture": find_common_architecture(its.instance_types)}
    assert isinstance(its, Ec2)
    return {
        "architecture": find_architecture(its.instance_types),
        "most": its.max,
        "gpus": its.gpu or (None if its.ami else False),
    }


def existing_capacity_handles(
    existing: Mapping[LaunchType, ExistingInstances | None],
) -> dict[LaunchType, CapacityHandle]:
    """The same for instances that are there already."""
    return {
        kind: CapacityHandle(its.capacity_provider, its.security_group, None, None)
        for kind, its in existing.items()
        if its is not None
    }
