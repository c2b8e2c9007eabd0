"""Params of a cluster's instances."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from moorage.findings.wording import shown
from moorage.model import Base, wrong

from ...common.fields import SecurityGroupId, StackName, Switch, UniqueList, duration, text
from ...tasks.launch_types import LaunchType

InstanceType = Annotated[
    str, text(r"[a-z][a-z0-9-]*\d[a-z0-9-]*\.[a-z0-9-]+", "an instance type", "t3.medium")
]
InstancePattern = Annotated[
    str, text(r"[a-zA-Z0-9.*]{1,30}", "an instance type, or a family with `*`", "m7g.*")
]
AmiId = Annotated[str, text(r"ami-[0-9a-f]{8,17}", "the id of an AMI", "ami-0123456789abcdef0")]
ProviderName = Annotated[
    str,
    text(r"(?!aws|ecs|fargate)[A-Za-z0-9_-]{1,255}", "the name of a capacity provider", "shop-ec2"),
]


def _check_agent_key(value: str) -> str:
    if value in _SETTINGS_OF_TEMPLATE:
        hint = "Leave it out: the template writes it."
        raise wrong("M1107", f"{shown(value)} is the template's own", hint)
    if not re.fullmatch(r"ECS_[A-Z0-9_]+", value):
        hint = "Write one like `ECS_IMAGE_PULL_BEHAVIOR`."
        raise wrong("M1107", f"{shown(value)} is no setting of the ECS agent", hint)
    return value


def _check_agent_value(value: str) -> str:
    if not re.fullmatch(r"[^\n\r]*", value):
        raise wrong("M1107", f"{shown(value)} has more than one line", "Write it in one line.")
    return value


_SETTINGS_OF_TEMPLATE = (
    "ECS_CLUSTER",
    "ECS_AWSVPC_BLOCK_IMDS",
    "ECS_ENABLE_AWSLOGS_EXECUTIONROLE_OVERRIDE",
    "ECS_ENABLE_SPOT_INSTANCE_DRAINING",
)

AgentKey = Annotated[str, AfterValidator(_check_agent_key)]
AgentValue = Annotated[str, AfterValidator(_check_agent_value)]


class Spot(Base):
    """Spot instances, which cost less and which EC2 takes back two minutes after it says so. ECS
    stops their tasks in time and starts them elsewhere."""

    on_demand_base: int = Field(
        0, ge=0, le=5000, description="Instances that are not Spot, before any is."
    )
    on_demand_percent: int = Field(
        0, ge=0, le=100, description="Share of the instances above the base that are not Spot."
    )


class Instances(Base):
    """What both kinds of capacity say."""

    network: StackName | None = Field(
        None, description="Stack of the network; the only one where there is one."
    )
    subnets: Literal["public", "private"] | None = Field(
        None,
        description="Where the instances are. Public ones get public addresses. Private, unless "
        "the network has `egress: public` or no private subnets.",
    )
    security_groups: UniqueList[SecurityGroupId] = Field(
        [], max_length=4, description="Security groups of the instances beside the stack's own."
    )


class Ec2(Instances):
    """An Auto Scaling group that grows and shrinks with the tasks."""

    instance_types: UniqueList[InstanceType] = Field(
        ["t3.medium"],
        min_length=1,
        max_length=40,
        description="Types of instances, of x86 or of Graviton, not both: they decide the AMI. "
        "Several make it likelier that EC2 has one, above all with `spot`.",
    )
    min: int = Field(0, ge=0, le=5000, description="Instances that there always are.")
    max: int = Field(4, ge=1, le=5000, description="Instances that there can be.")
    target_capacity: int = Field(
        100, ge=1, le=100, description="Percent of the instances' capacity that tasks should fill."
    )
    spot: Switch[Spot] = Field(None, description="Spot instances; `true` for nothing else.")
    gpu: bool = Field(False, description="The AMI with drivers for GPUs, for types that have one.")
    ami: AmiId | None = Field(
        None,
        description="Id of an AMI with the ECS agent. Without one it is the newest ECS-optimised "
        "Amazon Linux 2023 at the time of a deployment that changes the stack; instances that run "
        "stay as they are.",
    )
    disk_size: int = Field(30, ge=30, le=16384, description="GiB of the encrypted root disk.")
    max_instance_lifetime: Annotated[int, duration(86400, 31536000)] | None = Field(
        None,
        description="Age at which an instance is replaced, by one of the newest AMI and settings. "
        "ECS moves its tasks first. It needs `termination_protection: false`.",
    )
    termination_protection: bool = Field(
        True,
        description="Protects instances with tasks from scaling in. CloudFormation cannot delete "
        "protected instances: before you delete the cluster's stack, delete the services, and wait "
        "until ECS has ended their instances (with `min: 0`).",
    )
    session_manager: bool = Field(
        True, description="Lets people open a shell on the instances by Session Manager."
    )
    instance_metadata: bool = Field(
        False,
        description="Lets containers ask the instance's metadata service, and with it take the "
        "instance's role, by which ECS gives out the credentials of all tasks of the instance. "
        "Tasks in network mode `host` can in any case.",
    )
    agent: dict[AgentKey, AgentValue] = Field(
        {},
        description="More settings of the ECS agent: `{ECS_IMAGE_PULL_BEHAVIOR: prefer-cached}`.",
    )


class Range(Base):
    """A least, and perhaps a most."""

    min: int = Field(ge=1, le=1_000_000, description="The least.")
    max: int | None = Field(None, ge=1, le=1_000_000, description="The most.")


class ManagedInstances(Instances):
    """Instances that ECS chooses, starts, patches and replaces by itself."""

    instance_types: UniqueList[InstancePattern] = Field(
        [], max_length=400, description="Types that ECS may choose, such as `m7g.*`; any if empty."
    )
    vcpus: Range = Field(Range(min=1), description="Virtual CPUs that an instance has.")
    memory: Range = Field(Range(min=1024), description="MiB of memory that an instance has.")
    spot: bool = Field(False, description="Spot instances, which EC2 can take back.")
    disk_size: int | None = Field(
        None, ge=1, le=16384, description="GiB of disk for the tasks; ECS's own choice if not said."
    )
    scale_in_after: Annotated[int, duration(0, 3600)] | None = Field(
        None, description="How long an instance may be idle; ECS's own choice if not said."
    )
    detailed_monitoring: bool = Field(False, description="Metrics each minute; they cost.")


class Capacity(Base):
    """Instances for tasks, beside Fargate, which every cluster has."""

    ec2: Switch[Ec2] = Field(None, description="An Auto Scaling group, for `launch: ec2`.")
    managed_instances: Switch[ManagedInstances] = Field(
        None, description="Instances that ECS manages, for `launch: managed_instances`."
    )

    def by_launch_type(self) -> dict[LaunchType, Instances]:
        """Each kind that there is, by what a service calls it."""
        every: dict[LaunchType, Instances | None] = {
            "ec2": self.ec2,
            "managed_instances": self.managed_instances,
        }
        return {kind: one for kind, one in every.items() if one is not None}


class ExistingInstances(Base):
    """Instances of a cluster that is there already."""

    capacity_provider: ProviderName = Field(description="Name of their capacity provider.")
    security_group: SecurityGroupId | None = Field(
        None,
        description="Id of their security group. It gets rules for the load balancers that lead "
        "to tasks in network mode `bridge` or `host`, which need it.",
    )
