"""Params of the tasks of a stack."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from moorage.facts.fargate import EPHEMERAL_STORAGE
from moorage.facts.quotas import MAX_MANAGED_POLICIES_PER_ROLE
from moorage.model import Base

from ..cluster import Provider, Share
from ..common.fields import KeyArn, PolicyArn, RoleArn, SecurityGroupId, StackName, UniqueList
from ..common.logs import LogGroupName, Logs
from ..common.policy_statements import UserStatement
from ..common.references import External
from .images import RepositoryPrefix
from .queues import QueueSenderParams
from .reachable_services import ReachesParams
from .sidecars import (
    SidecarParams,
)
from .uses import UsesParams
from .volumes import (
    VolumeParams,
)


class TaskLogs(Logs):
    """The log group of the containers: one that the stack creates, or an existing one."""

    existing: External[LogGroupName] | None = Field(
        None, description="Name of an existing log group to use instead."
    )


class ExecutionRole(Base):
    """The role that ECS uses to start tasks. It can read only the images, secrets and files that
    the containers refer to."""

    existing: External[RoleArn] | None = Field(
        None, description="ARN of an existing role to use instead."
    )


class TaskRole(Base):
    """The role of the containers."""

    statements: list[UserStatement] = Field(
        [], description="What the containers are allowed to do, as statements of an IAM policy."
    )
    managed_policies: UniqueList[External[PolicyArn]] = Field(
        [],
        max_length=MAX_MANAGED_POLICIES_PER_ROLE,
        description="ARNs of policies to attach. More than 10 need a higher quota of the account.",
    )
    existing: External[RoleArn] | None = Field(
        None, description="ARN of an existing role to use instead."
    )


class TaskParams(QueueSenderParams, VolumeParams, ReachesParams, UsesParams, SidecarParams):
    """The tasks of a stack."""

    after: UniqueList[StackName] = Field(
        [],
        description="Stacks that are deployed before this one, in addition to those that it "
        "imports from. The task of a `one_off` must also have succeeded.",
    )
    network: StackName | None = Field(
        None, description="Stack of the network; by default the only one."
    )
    cpu: int = Field(256, description="CPU units of the task; 1024 are one vCPU.")
    memory: int = Field(
        512,
        description="Memory of the task in MiB. Fargate supports only certain combinations of "
        "`cpu` and `memory`.",
    )
    cpu_architecture: Literal["X86_64", "ARM64"] = Field(
        "X86_64", description="CPU architecture of the images."
    )
    ephemeral_storage: int | None = Field(
        None,
        ge=EPHEMERAL_STORAGE[0],
        le=EPHEMERAL_STORAGE[1],
        description="Fargate: size of the ephemeral storage in GiB, if more than the default of "
        "20.",
    )
    platform_version: Literal["LATEST", "1.4.0"] = Field(
        "LATEST", description="Fargate: platform version."
    )
    enable_execute_command: bool = Field(
        False, description="Allow ECS Exec, which opens a shell in a container."
    )
    capacity_providers: dict[Provider, Share] = Field(
        {},
        examples=[{"FARGATE_SPOT": {"weight": 1}}],
        description="Fargate: strategy of FARGATE and FARGATE_SPOT; by default that of the "
        "cluster.",
    )
    subnets: Literal["public", "private"] | None = Field(
        None,
        description="Subnets of the tasks, with `network_mode: awsvpc`. On Fargate, tasks in "
        "public subnets get public IP addresses. By default private, or public if the network has "
        "`egress: public` or no private subnets.",
    )
    security_groups: UniqueList[External[SecurityGroupId]] = Field(
        [],
        max_length=4,
        description="Security groups of the tasks in addition to that of the stack, with "
        "`network_mode: awsvpc`.",
    )
    execution_role: ExecutionRole = Field(
        ExecutionRole.unvalidated(), description="Role that ECS uses to start tasks."
    )
    pull_through_cache: UniqueList[RepositoryPrefix] = Field(
        [],
        description="Prefixes of repositories, such as `docker-hub`, for which ECR has pull "
        "through cache rules. The execution role may then import the containers' images.",
    )
    runtime_monitoring: bool | None = Field(
        None,
        description="Fargate: whether GuardDuty adds its agent to the tasks. If so, the execution "
        "role may also pull the agent's image. Default: `runtime_monitoring` at the top of the "
        "file.",
    )
    task_role: TaskRole = Field(TaskRole.unvalidated(), description="Role of the containers.")
    permissions_boundary: External[PolicyArn] | None = Field(
        None, description="ARN of the permissions boundary of the roles of the stack."
    )
    kms_keys: list[External[KeyArn]] = Field(
        [],
        description="ARNs of customer managed KMS keys that encrypt the secrets of the containers.",
    )
    logs: TaskLogs = Field(
        TaskLogs.unvalidated(),
        examples=[{"retention": "14d"}],
        description="Log group of the containers.",
    )
