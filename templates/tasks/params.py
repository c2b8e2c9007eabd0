"""What a stack says of the tasks that it runs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from moorage.facts.quotas import MAX_MANAGED_POLICIES_PER_ROLE
from moorage.model import Base

from ..cluster import Provider, Share
from ..common.fields import KeyArn, PolicyArn, RoleArn, SecurityGroupId, StackName, UniqueList
from ..common.logs import LogGroupName, Logs
from ..common.policy_statements import UserStatement
from .queues import QueueSenderParams
from .reachable_services import ReachesParams
from .sidecars import (
    SidecarParams,
)
from .volumes import (
    VolumeParams,
)


class TaskLogs(Logs):
    """Where the containers' output goes: a log group of the stack's own, or one that exists."""

    existing: LogGroupName | None = Field(
        None, description="Name of a log group that is there already."
    )


class ExecutionRole(Base):
    """The role by which ECS starts the task. It reads exactly what the containers name."""

    existing: RoleArn | None = Field(None, description="ARN of a role to use instead.")


class TaskRole(Base):
    """The role that the containers themselves have."""

    statements: list[UserStatement] = Field(
        [], description="What they may do, as statements of an IAM policy."
    )
    managed_policies: UniqueList[PolicyArn] = Field(
        [],
        max_length=MAX_MANAGED_POLICIES_PER_ROLE,
        description="ARNs of policies to attach. Above 10 the account's quota must be raised.",
    )
    existing: RoleArn | None = Field(None, description="ARN of a role to use instead.")


class TaskParams(QueueSenderParams, VolumeParams, ReachesParams, SidecarParams):
    """What a stack says of the tasks that it runs."""

    after: UniqueList[StackName] = Field(
        [],
        description="Stacks that are deployed before this one, beside those whose values it takes. "
        "A `one_off` must also have run, and succeeded.",
    )
    network: StackName | None = Field(
        None, description="Stack of the network; the only one where there is one."
    )
    cpu: int = Field(256, description="CPU units of the task: 1024 are one vCPU.")
    memory: int = Field(
        512, description="MiB of the task. Fargate takes certain pairs, instances what they have."
    )
    cpu_architecture: Literal["X86_64", "ARM64"] = Field(
        "X86_64", description="What the images are built for."
    )
    ephemeral_storage: int | None = Field(
        None, ge=21, le=200, description="Fargate: GiB of disk, if more than its 20."
    )
    platform_version: Literal["LATEST", "1.4.0"] = Field(
        "LATEST", description="Fargate: version of its platform."
    )
    enable_execute_command: bool = Field(
        False, description="Let people open a shell in a container with ECS Exec."
    )
    capacity_providers: dict[Provider, Share] = Field(
        {},
        description="Fargate: mix of FARGATE and FARGATE_SPOT; the cluster's own where none is "
        "given.",
    )
    subnets: Literal["public", "private"] | None = Field(
        None,
        description="Where tasks with addresses of their own are. Public ones get public "
        "addresses, on Fargate. Private, unless the network has `egress: public` or no private "
        "subnets.",
    )
    security_groups: UniqueList[SecurityGroupId] = Field(
        [],
        max_length=4,
        description="Security groups of tasks with addresses of their own, beside the stack's.",
    )
    execution_role: ExecutionRole = Field(ExecutionRole(), description="Role that starts the task.")
    task_role: TaskRole = Field(TaskRole(), description="Role of the containers themselves.")
    permissions_boundary: PolicyArn | None = Field(
        None, description="ARN of a policy that bounds the stack's roles."
    )
    kms_keys: list[KeyArn] = Field(
        [], description="KMS keys of the account's own that encrypt the secrets named below."
    )
    logs: TaskLogs = Field(TaskLogs(), description="Where output goes.")
