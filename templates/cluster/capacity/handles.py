"""What other stacks use to refer to a cluster's instances."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moorage.model import Environment
from moorage.records import record

from ... import network
from ...common.exports import import_value
from ...common.stack_lookup import find_stack
from ...tasks.launch_types import LaunchType
from .instance_types import find_architecture, find_common_architecture
from .params import Capacity, Ec2, ExistingInstances, Instances, ManagedInstances


@record
class CapacityHandle:
    """What other stacks use to refer to the instances of one launch type."""

    capacity_provider: Any
    """The name of the capacity provider."""
    security_group: Any | None
    """ID of the instances' security group; None if the params of existing instances lack it."""
    network: str | None
    """Name of the stack of the instances' network; None if it is unknown."""
    architecture: str | None
    """X86_64 or ARM64; None if ECS chooses it for each task, or if it is unknown."""
    maximum: int | None = None
    """The maximum number of instances; None if there is none, or if it is unknown."""
    gpus: bool | None = None
    """Whether the instances have GPUs for tasks; None if ECS chooses them, or if it is unknown."""


LOGICAL_ID_PREFIXES: Mapping[LaunchType, str] = {
    "ec2": "Ec2",
    "managed_instances": "ManagedInstances",
}
"""The prefix of logical IDs and outputs, by launch type."""


def capacity_handles(
    name: str, capacity: Capacity | None, env: Environment
) -> dict[LaunchType, CapacityHandle]:
    """What other stacks use to refer to the instances that the cluster's stack creates."""
    return {
        launch_type: _capacity_handle(name, LOGICAL_ID_PREFIXES[launch_type], instances, env)
        for launch_type, instances in (capacity.by_launch_type() if capacity else {}).items()
    }


def _capacity_handle(
    name: str, prefix: str, instances: Instances, env: Environment
) -> CapacityHandle:
    network_stack = find_stack(env, network.Params, instances.network)
    return CapacityHandle(
        capacity_provider=import_value(env, name, f"{prefix}CapacityProvider"),
        security_group=import_value(env, name, f"{prefix}SecurityGroupId"),
        network=network_stack[0] if network_stack else None,
        **_known_properties(instances),
    )


def _known_properties(instances: Instances) -> dict[str, Any]:
    """The properties that follow from the params. Another AMI than the default one can have GPU
    drivers."""
    if isinstance(instances, ManagedInstances):
        return {"architecture": find_common_architecture(instances.instance_types)}
    assert isinstance(instances, Ec2)
    return {
        "architecture": find_architecture(instances.instance_types),
        "maximum": instances.max,
        "gpus": instances.gpu or (None if instances.ami else False),
    }


def existing_capacity_handles(
    existing: Mapping[LaunchType, ExistingInstances | None],
) -> dict[LaunchType, CapacityHandle]:
    """What other stacks use to refer to the instances of an existing cluster."""
    return {
        launch_type: CapacityHandle(
            instances.capacity_provider, instances.security_group, None, None
        )
        for launch_type, instances in existing.items()
        if instances is not None
    }
