"""The resources of a task: log group, roles, file systems, security group, and task definition."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from awacs import logs as log_actions
from awacs import ssmmessages
from awacs.aws import Statement
from troposphere import GetAtt, Output, Ref, Sub, ec2, ecs

from .. import ecr
from ..common.exports import export_output
from ..common.iam import allow, from_source, role
from ..common.logs import log_group
from ..common.policy_statements import policy_statement
from . import firelens, images
from .container_definitions import container_definition, execution_role_statements
from .containers import Containers, apply_init
from .egress import egress_property
from .launch_types import apply_network_mode
from .queue_resources import queue_statements
from .sidecars import sidecar_statements
from .task import Task
from .uses import environment_of, secret_statements, secrets_of, use_policies
from .volume_resources import task_volumes, volume_resources, volume_statements


def task_resources(task: Task) -> Iterator[Any]:
    """The log group, file systems, rules for security groups of other services, roles and the task
    definition."""
    params, placement = task.params, task.placement
    if params.logs.existing is None:
        yield log_group("LogGroup", params.logs)
    if params.volumes:
        yield from volume_resources(
            params.volumes,
            placement.vpc_id,
            placement.mount_target_subnets,
            placement.security_group,
            task.env,
        )
    yield from task.reach_rules
    yield from task.connection_rules
    yield from task.egress_rules
    yield from _roles(task)
    yield _task_definition(task)


def security_groups(task: Task) -> list[ec2.SecurityGroup]:
    """The stack's `SecurityGroup`; none for tasks that use the IP address of their instance."""
    if task.placement.shares_instance:
        return []
    network = task.placement.network
    return [
        ec2.SecurityGroup(
            "SecurityGroup",
            GroupDescription=f"Tasks of {task.env.stack_name(task.name)}",
            VpcId=task.placement.vpc_id,
            **egress_property(task.params, dualstack=bool(network and network.handle.ipv6)),
        )
    ]


def task_outputs(task: Task, description: str) -> Iterator[Output]:
    """Security group and role of the tasks, for other stacks; `description` is that of the
    group."""
    if not task.placement.shares_instance:
        group = GetAtt("SecurityGroup", "GroupId")
        yield export_output(task.env, task.name, "SecurityGroupId", group, description)
    if task.params.task_role.existing is None:
        arn = GetAtt("TaskRole", "Arn")
        yield export_output(task.env, task.name, "TaskRoleArn", arn, "ARN of the task role")


def log_group_output(task: Task) -> Output:
    return Output("LogGroupName", Description="Name of the log group", Value=task.log_group_name)


# Roles ---------------------------------------------------------------------------------------


def _roles(task: Task) -> Iterator[Any]:
    """The execution role and the task role, unless they exist.

    The trust policy of the task role has the condition of the Amazon ECS developer guide, "Amazon
    ECS task IAM role". It cannot be limited to a cluster. It is the same for every launch type and
    for every way to start a task, because ECS itself assumes the role.

    The trust policy of the execution role has no condition: the page "Amazon ECS task execution IAM
    role" has none, and does not say that ECS sends the two keys when it assumes that role. If it
    did not, no task would start.
    """
    params, boundary = task.params, task.params.permissions_boundary
    if params.execution_role.existing is None:
        yield role(
            "ExecutionRole",
            "ecs-tasks.amazonaws.com",
            {"StartTask": _start_statements(task)},
            task.env,
            permissions_boundary=boundary,
        )
    if params.task_role.existing is None:
        yield role(
            "TaskRole",
            "ecs-tasks.amazonaws.com",
            {
                "EcsExec": _exec_statements(task),
                "Queues": queue_statements(task.queues),
                **use_policies(task.uses),
                "Volumes": volume_statements(params.volumes, task.container_params),
                "Sidecars": sidecar_statements(
                    params.sidecars, task.placement.cluster_name, task.log_group_arn
                ),
                "Task": [policy_statement(item) for item in params.task_role.statements],
            },
            task.env,
            managed=params.task_role.managed_policies,
            permissions_boundary=boundary,
            Condition=from_source("ecs:${AWS::Region}:${AWS::AccountId}:*"),
        )


def _start_statements(task: Task) -> Iterator[Statement]:
    """The permissions that ECS needs to start the task: pull images, read secrets, write logs."""
    yield from images.pull_statements(
        (container.image for container in task.container_params.values()),
        task.params.pull_through_cache,
        [images.agent_repository(task.env.region)] if _has_agent(task) else [],
    )
    yield from execution_role_statements(
        task.container_params, task.params.kms_keys, task.sidecar_secrets
    )
    yield from secret_statements(task.uses)
    yield allow(
        "WriteLogs",
        [log_actions.CreateLogStream, log_actions.PutLogEvents],
        [task.log_group_arn],
    )


def _has_agent(task: Task) -> bool:
    """Whether GuardDuty adds its agent to the task, which it does on Fargate only."""
    enabled = task.params.runtime_monitoring
    enabled = task.env.runtime_monitoring if enabled is None else enabled
    return enabled and task.params.launch == "fargate"


def _exec_statements(task: Task) -> Iterator[Statement]:
    """The permissions for ECS Exec (Amazon ECS developer guide, "Monitor Amazon ECS containers with
    ECS Exec").

    The ssmmessages actions and logs:DescribeLogGroups do not support resources (Service
    Authorization Reference), so the resource is `*`.
    """
    if not task.params.enable_execute_command:
        return
    yield allow(
        "OpenShell",
        [
            ssmmessages.CreateControlChannel,
            ssmmessages.CreateDataChannel,
            ssmmessages.OpenControlChannel,
            ssmmessages.OpenDataChannel,
        ],
        ["*"],
    )
    cluster = task.placement.cluster
    session_log_group = cluster.handle.exec_log_group if cluster else None
    if session_log_group is not None:
        group = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:${Group}:*"
        yield allow("FindShellLogs", [log_actions.DescribeLogGroups], ["*"])
        yield allow(
            "WriteShellLogs",
            [
                log_actions.CreateLogStream,
                log_actions.DescribeLogStreams,
                log_actions.PutLogEvents,
            ],
            [Sub(group, Group=session_log_group)],
        )


# The task definition -------------------------------------------------------------------------


def _task_definition(task: Task) -> ecs.TaskDefinition:
    """The task definition. Old revisions stay registered, so that a service can be rolled back to
    them.

    It has a Family because otherwise each update would begin a new one (CloudFormation user guide,
    AWS::ECS::TaskDefinition, Family). The name of a family does not prevent a replacement.
    """
    params = task.params
    storage = params.ephemeral_storage
    containers = _final_containers(task)
    mounts = [mount for name in task.containers for mount in _shell_mounts(name, task)]
    shell_volumes = [ecs.Volume(Name=mount.SourceVolume) for mount in mounts]
    volumes = [*task_volumes(params.volumes), *shell_volumes]
    disk = {"EphemeralStorage": ecs.EphemeralStorage(SizeInGiB=storage)} if storage else {}
    return ecs.TaskDefinition(
        "TaskDefinition",
        DeletionPolicy="Retain",
        UpdateReplacePolicy="Retain",
        Family=task.family,
        RequiresCompatibilities=[params.launch.upper()],
        NetworkMode=params.network_mode,
        Cpu=str(params.cpu),
        Memory=str(params.memory),
        RuntimePlatform=ecs.RuntimePlatform(
            CpuArchitecture=params.cpu_architecture, OperatingSystemFamily="LINUX"
        ),
        ExecutionRoleArn=task.execution_role_arn,
        TaskRoleArn=task.task_role_arn,
        ContainerDefinitions=[
            container_definition(
                name,
                container,
                _log_configuration(name, task),
                _shell_mounts(name, task),
                task.env.resolve_all(ecr.repository_uris),
                _firelens_configuration(name, task),
                secrets_of(name, task.uses) if task.containers[name].is_declared else {},
            )
            for name, container in containers.items()
        ],
        **({"Volumes": volumes} if volumes else {}),
        **disk,
        **_metadata(task),
    )


def _metadata(task: Task) -> dict[str, Any]:
    """Turns off the rule that would report the values that `not_secret` of a container lists."""
    if not any(container.params.not_secret for container in task.containers.values()):
        return {}
    return {"Metadata": {"cfn-lint": {"config": {"ignore_checks": ["W9156"]}}}}


def _final_containers(task: Task) -> Containers:
    """The containers as ECS expects them: variables with the addresses of what the task uses and of
    other containers, and `init` replaced by `essential` and `depends_on`."""
    urls = {use.variable: use.queue.url for use in task.queues}
    with_addresses = {
        name: container.params.model_copy(
            update={
                "environment": {
                    **container.params.environment,
                    **urls,
                    **environment_of(name, task.uses),
                }
            }
        )
        if container.is_declared
        else container.params
        for name, container in task.containers.items()
    }
    return apply_init(apply_network_mode(with_addresses, task.params.network_mode))


# Where the agent of ECS Exec writes. The developer guide says that it needs a writable root file
# system; users report that these folders are enough (aws/containers-roadmap issue 1359).
_SHELL_FOLDERS = {
    "managed-agents": "/managed-agents",
    "ssm-state": "/var/lib/amazon/ssm",
    "ssm-logs": "/var/log/amazon/ssm",
}


def _shell_mounts(name: str, task: Task) -> list[ecs.MountPoint]:
    """The writable directories that ECS Exec needs in a container with a read-only root file
    system."""
    read_only = task.containers[name].params.readonly_root_filesystem
    if not (task.params.enable_execute_command and read_only):
        return []
    return [
        ecs.MountPoint(SourceVolume=f"{name}-{volume}", ContainerPath=folder, ReadOnly=False)
        for volume, folder in _SHELL_FOLDERS.items()
    ]


def _firelens_configuration(container: str, task: Task) -> ecs.FirelensConfiguration | None:
    """The configuration that makes a container the log router of the task; None for any other."""
    router = task.params.sidecars.firelens
    return (
        firelens.firelens_configuration(router)
        if router and container == firelens.CONTAINER_NAME
        else None
    )


def _log_configuration(container: str, task: Task) -> ecs.LogConfiguration:
    router = task.params.sidecars.firelens
    if router and container != firelens.CONTAINER_NAME:
        return firelens.log_configuration(router, container, task.log_group_name)
    return ecs.LogConfiguration(
        LogDriver="awslogs",
        Options={
            "awslogs-group": task.log_group_name,
            "awslogs-region": Ref("AWS::Region"),
            "awslogs-stream-prefix": container,
        },
    )
