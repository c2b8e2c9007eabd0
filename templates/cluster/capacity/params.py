"""Params of a cluster's instances."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from moorage.facts import capacity_providers, resource_ids
from moorage.facts.ebs_volumes import MAX_GP3_SIZE, MAX_SIZE
from moorage.findings.wording import shown
from moorage.model import Base, wrong

from ...common.fields import SecurityGroupId, StackName, Switch, UniqueList, duration, text
from ...common.references import External
from ...tasks.launch_types import LaunchType

InstanceType = Annotated[
    str, text(r"[a-z][a-z0-9-]*[0-9][a-z0-9-]*\.[a-z0-9-]+", "an instance type", "t3.medium")
]
InstancePattern = Annotated[
    str, text(r"[a-zA-Z0-9.*]{1,30}", "an instance type, or a family with `*`", "m7g.*")
]
AmiId = Annotated[str, text(resource_ids.AMI, "the ID of an AMI", "ami-0123456789abcdef0")]
ProviderName = Annotated[
    str,
    text(capacity_providers.NAME, "the name of a capacity provider", "shop-ec2"),
]


def _check_agent_key(value: str) -> str:
    if value in _RESERVED_SETTINGS:
        message = f"{shown(value)} is set by Moorage"
        raise wrong("M2107", message, f"Remove {shown(value)}.")
    if not re.fullmatch(r"ECS_[A-Z0-9_]+", value):
        hint = "Write for example `ECS_IMAGE_PULL_BEHAVIOR`."
        raise wrong("M2108", f"{shown(value)} is not a setting of the ECS agent", hint)
    return value


def _check_agent_value(value: str) -> str:
    if not re.fullmatch(r"[^\n\r]*", value):
        raise wrong("M2109", f"{shown(value)} has more than one line", "Write it on one line.")
    return value


_RESERVED_SETTINGS = (
    "ECS_CLUSTER",
    "ECS_AWSVPC_BLOCK_IMDS",
    "ECS_ENABLE_AWSLOGS_EXECUTIONROLE_OVERRIDE",
    "ECS_ENABLE_SPOT_INSTANCE_DRAINING",
)

AgentKey = Annotated[str, AfterValidator(_check_agent_key)]
AgentValue = Annotated[str, AfterValidator(_check_agent_value)]


class Spot(Base):
    """Spot Instances, which cost less, and which EC2 can interrupt with a notice of two minutes.
    ECS stops their tasks in time and starts them on other instances."""

    on_demand_base: int = Field(
        0,
        ge=0,
        le=5000,
        description="On-Demand Instances that are started before any Spot Instance.",
    )
    on_demand_percent: int = Field(
        0,
        ge=0,
        le=100,
        description="Percentage of On-Demand Instances among the instances above the base.",
    )


class Instances(Base):
    """Settings that both kinds of capacity have."""

    network: StackName | None = Field(
        None, description="Stack of the network. Default: the only network of the environment."
    )
    subnets: Literal["public", "private"] | None = Field(
        None,
        description="Subnets of the instances. In public subnets they get public addresses. "
        "Default: private, or public if the network has `egress: public` or no private subnets.",
    )
    security_groups: UniqueList[External[SecurityGroupId]] = Field(
        [], max_length=4, description="Additional security groups of the instances."
    )


class Ec2(Instances):
    """An Auto Scaling group that ECS scales with the tasks."""

    instance_types: UniqueList[InstanceType] = Field(
        ["t3.medium"],
        min_length=1,
        max_length=40,
        description="Instance types, all x86 or all Graviton, because the AMI depends on it. With "
        "several types it is more likely that EC2 has capacity, above all with `spot`.",
    )
    min: int = Field(0, ge=0, le=5000, description="Minimum number of instances.")
    max: int = Field(4, ge=1, le=5000, description="Maximum number of instances.")
    target_capacity: int = Field(
        100,
        ge=1,
        le=100,
        description="Target percentage of the instances' capacity that tasks use.",
    )
    spot: Switch[Spot] = Field(
        None, description="Use Spot Instances; `true` for Spot Instances only."
    )
    gpu: bool = Field(
        False, description="Use the AMI with GPU drivers, for instance types with GPUs."
    )
    ami: AmiId | None = Field(
        None,
        description="ID of an AMI with the ECS agent. Default: the newest ECS-optimized Amazon "
        "Linux 2023 AMI at the time of a deployment that changes the stack. Running instances keep "
        "their AMI.",
    )
    disk_size: int = Field(
        30, ge=30, le=MAX_GP3_SIZE, description="Size of the encrypted root volume in GiB."
    )
    max_instance_lifetime: Annotated[int, duration(86400, 31536000)] | None = Field(
        None,
        description="Age at which an instance is replaced by one with the current AMI and "
        "settings. ECS moves its tasks first. This needs `termination_protection: false`.",
    )
    termination_protection: bool = Field(
        True,
        description="Protect instances with tasks from scale-in. CloudFormation cannot delete "
        "protected instances: before you delete the cluster's stack, delete the services, and wait "
        "until ECS has terminated their instances (with `min: 0`).",
    )
    session_manager: bool = Field(
        True, description="Allow shells on the instances through Session Manager."
    )
    instance_metadata: bool = Field(
        False,
        description="Allow containers to reach the instance metadata service. Through it they can "
        "use the instance's role, and with that get the credentials of all tasks on the instance. "
        "Tasks in network mode `host` can reach it in any case.",
    )
    agent: dict[AgentKey, AgentValue] = Field(
        {},
        description="Additional settings of the ECS agent, such as "
        "`{ECS_IMAGE_PULL_BEHAVIOR: prefer-cached}`.",
    )


class Range(Base):
    """A minimum, and optionally a maximum."""

    min: int = Field(ge=1, le=1_000_000, description="The minimum.")
    max: int | None = Field(None, ge=1, le=1_000_000, description="The maximum.")


class ManagedInstances(Instances):
    """ECS Managed Instances, which ECS chooses, starts, patches and replaces."""

    instance_types: UniqueList[InstancePattern] = Field(
        [], max_length=400, description="Types that ECS can choose, such as `m7g.*`. Default: any."
    )
    vcpus: Range = Field(Range.unvalidated(min=1), description="Number of vCPUs of an instance.")
    memory: Range = Field(Range.unvalidated(min=1024), description="Memory of an instance in MiB.")
    spot: bool = Field(False, description="Use Spot Instances, which EC2 can interrupt.")
    disk_size: int | None = Field(
        None, ge=1, le=MAX_SIZE, description="Disk for the tasks in GiB. Default: chosen by ECS."
    )
    scale_in_after: Annotated[int, duration(0, 3600)] | None = Field(
        None, description="Time after which an idle instance is terminated. Default: chosen by ECS."
    )
    detailed_monitoring: bool = Field(
        False, description="Publish EC2 metrics every minute, which AWS charges for."
    )


class Capacity(Base):
    """Instances for tasks, in addition to Fargate, which every cluster has."""

    ec2: Switch[Ec2] = Field(None, description="An Auto Scaling group, for `launch: ec2`.")
    managed_instances: Switch[ManagedInstances] = Field(
        None, description="ECS Managed Instances, for `launch: managed_instances`."
    )

    def by_launch_type(self) -> dict[LaunchType, Instances]:
        """The kinds of instances that the cluster has, by launch type."""
        kinds: dict[LaunchType, Instances | None] = {
            "ec2": self.ec2,
            "managed_instances": self.managed_instances,
        }
        return {launch: kind for launch, kind in kinds.items() if kind is not None}


class ExistingInstances(Base):
    """Instances of an existing cluster."""

    capacity_provider: External[ProviderName] = Field(
        description="Name of their capacity provider."
    )
    security_group: External[SecurityGroupId] | None = Field(
        None,
        description="ID of their security group, required by services in network mode `bridge` or "
        "`host` behind a load balancer: the stack adds rules for the load balancer to it.",
    )
