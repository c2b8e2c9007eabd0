"""Tasks: what services have in common with everything else that runs as a task.

Params, what can be wrong with them, and what comes out: log group, roles, task definition, and
where the tasks are placed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, TypeVar

from awacs import logs as log_actions
from awacs import ssmmessages
from awacs.aws import Statement
from troposphere import GetAtt, Ref, Sub, ec2, ecs

from moorage.model import Environment

from .. import cluster, ecr, network
from ..common.iam import allow, role
from ..common.logs import log_group
from ..common.policy_statements import statement
from ..common.stack_lookup import find_stack
from . import firelens
from .container_definitions import container_definition, execution_statements
from .containers import in_order
from .launch_types import constraints, settled, shares_instance, strategies
from .params import TaskParams
from .queues import queue_statements
from .service_connect import reach_resources
from .sidecars import (
    joined,
    secret_references,
    sidecar_statements,
)
from .volumes import (
    task_volumes,
    volume_resources,
    volume_statements,
    volume_waits,
)

P = TypeVar("P", bound=TaskParams)


def placed(params: TaskParams, net: network.Handle) -> Literal["public", "private"]:
    """Where the tasks are: where the params say, or else where they can reach out."""
    if params.subnets:
        return params.subnets
    return "public" if net.egress == "public" or not net.private_subnets else "private"


def _whole(params: P, env: Environment) -> P:
    """The task with its sidecars among its containers."""
    return params.model_copy(update={"containers": joined(params, env)})


def network_of(params: TaskParams, env: Environment) -> network.Handle:
    """The network that the tasks run in; `task_problems` has asked for it."""
    found = find_stack(env, network.Params, params.network)
    assert found is not None
    return network.handle(*found, env)


def cluster_of(params: TaskParams, env: Environment) -> cluster.Handle:
    """The cluster that the tasks run in; `task_problems` has asked for it."""
    found = find_stack(env, cluster.Params, params.cluster)
    assert found is not None
    return cluster.handle(*found, env)


def task_resources(name: str, params: TaskParams, env: Environment) -> Iterator[Any]:
    """Log group, file systems, roles and task definition of a stack."""
    params = _whole(params, env)
    if params.logs.existing is None:
        yield log_group("LogGroup", params.logs)
    if params.volumes:
        vpc_id, subnets = network_of(params, env).vpc_id, _mount_target_subnets(params, env)
        tasks = security_group_of(params, env)
        yield from volume_resources(params.volumes, vpc_id, subnets, tasks, env)
    yield from reach_resources(params, env)
    yield from _roles(name, params, env)
    yield _task_definition(name, params, env)


def task_waits(params: TaskParams, env: Environment) -> list[str]:
    """Logical IDs of what a service must wait for, or its first tasks could not start, or not
    reach what they connect to."""
    reached = [one.title for one in reach_resources(params, env)]
    return [*volume_waits(params.volumes, _mount_target_subnets(params, env)), *reached]


def _mount_target_subnets(params: TaskParams, env: Environment) -> Sequence[Any]:
    """One subnet of each zone that tasks are in. In a network of our own always the private ones:
    a zone has one mount target, which could not be made anew where the tasks move to."""
    net = network_of(params, env)
    return task_subnets(params, net) if net.private_cidrs is None else net.private_subnets


def task_subnets(params: TaskParams, net: network.Handle) -> Sequence[Any]:
    """The subnets that the tasks are in."""
    return net.public_subnets if placed(params, net) == "public" else net.private_subnets


def security_groups(name: str, params: TaskParams, env: Environment) -> list[ec2.SecurityGroup]:
    """The stack's `SecurityGroup` for tasks that have addresses of their own."""
    if shares_instance(params.network_mode):
        return []
    return [
        ec2.SecurityGroup(
            "SecurityGroup",
            GroupDescription=f"Tasks of {env.stack_name(name)}",
            VpcId=network_of(params, env).vpc_id,
        )
    ]


def security_group_of(params: TaskParams, env: Environment) -> Any:
    """Id of the group that tells the tasks from others: their own, or that of their instances."""
    home = cluster_of(params, env).instances.get(params.launch)
    if shares_instance(params.network_mode) and home:
        return home.security_group
    return GetAtt("SecurityGroup", "GroupId")


def run_on(params: TaskParams, env: Environment, *, default: bool = True) -> dict[str, Any]:
    """What tells ECS on what a service or a task runs, and where: properties of AWS::ECS::Service,
    and of RunTask. `default` is for the cluster's mix of Fargate where the params name none."""
    home = cluster_of(params, env)
    where = network_configuration(params, network_of(params, env))
    net = {} if shares_instance(params.network_mode) else {"NetworkConfiguration": where}
    if params.launch == "fargate":
        strategy = params.capacity_providers or (home.default_strategy if default else {})
        on = {"CapacityProviderStrategy": cluster.strategy_items(strategy)}
        version = {"PlatformVersion": params.platform_version}
        return (on if strategy else {"LaunchType": "FARGATE"}) | version | net
    provider = home.instances[params.launch].capacity_provider
    item = ecs.CapacityProviderStrategyItem(CapacityProvider=provider, Base=0, Weight=1)
    placement = {
        "PlacementStrategies": strategies(params),
        "PlacementConstraints": constraints(params),
    }
    chosen_by = {key: value for key, value in placement.items() if value}
    return {"CapacityProviderStrategy": [item], **chosen_by, **net}


def network_configuration(params: TaskParams, net: network.Handle) -> ecs.NetworkConfiguration:
    """Where the tasks are: in the network's subnets, with the stack's `SecurityGroup`."""
    public = placed(params, net) == "public" and params.launch == "fargate"
    return ecs.NetworkConfiguration(
        AwsvpcConfiguration=ecs.AwsvpcConfiguration(
            AssignPublicIp="ENABLED" if public else "DISABLED",
            Subnets=list(task_subnets(params, net)),
            SecurityGroups=[GetAtt("SecurityGroup", "GroupId"), *params.security_groups],
        )
    )


def log_group_name(params: TaskParams) -> Any:
    """Name of the log group that the containers write to."""
    return params.logs.existing or Ref("LogGroup")


def _log_group_arn(params: TaskParams) -> Any:
    """ARN of the group's streams, which is what writing to them is granted on."""
    if params.logs.existing is None:
        return GetAtt("LogGroup", "Arn")
    group = f"log-group:{params.logs.existing}:*"
    return Sub(f"arn:${{AWS::Partition}}:logs:${{AWS::Region}}:${{AWS::AccountId}}:{group}")


def _roles(name: str, params: TaskParams, env: Environment) -> Iterator[Any]:
    """The execution role and the task role, where they do not exist already."""
    boundary = params.permissions_boundary
    if params.execution_role.existing is None:
        write = allow(
            "WriteLogs",
            [log_actions.CreateLogStream, log_actions.PutLogEvents],
            [_log_group_arn(params)],
        )
        more = secret_references(params.sidecars)
        start = [*execution_statements(params.containers, params.kms_keys, more), write]
        yield role(
            "ExecutionRole",
            "ecs-tasks.amazonaws.com",
            {"StartTask": start},
            env,
            permissions_boundary=boundary,
        )
    if params.task_role.existing is None:
        yield role(
            "TaskRole",
            "ecs-tasks.amazonaws.com",
            {
                "EcsExec": _exec_statements(params, env),
                "Queues": queue_statements(name, params, env),
                "Volumes": volume_statements(params.volumes, params.containers),
                "Sidecars": sidecar_statements(
                    params.sidecars, cluster_of(params, env).name, _log_group_arn(params)
                ),
                "Task": [statement(one) for one in params.task_role.statements],
            },
            env,
            managed=params.task_role.managed_policies,
            permissions_boundary=boundary,
        )


def _exec_statements(params: TaskParams, env: Environment) -> Iterator[Statement]:
    """Amazon ECS developer guide, "Monitor Amazon ECS containers with ECS Exec".

    The ssmmessages actions and logs:DescribeLogGroups take no resource (Service Authorization
    Reference), hence the `*`.
    """
    if not params.enable_execute_command:
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
    log_group_of_shells = cluster_of(params, env).exec_log_group
    if log_group_of_shells is not None:
        group = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:${Group}:*"
        yield allow("FindShellLogs", [log_actions.DescribeLogGroups], ["*"])
        yield allow(
            "WriteShellLogs",
            [
                log_actions.CreateLogStream,
                log_actions.DescribeLogStreams,
                log_actions.PutLogEvents,
            ],
            [Sub(group, Group=log_group_of_shells)],
        )


def _task_definition(name: str, params: TaskParams, env: Environment) -> ecs.TaskDefinition:
    """Old revisions stay registered, so that what ran before can be run again.

    The family is named, or each update would begin a new one (CloudFormation user guide,
    AWS::ECS::TaskDefinition, Family); a family's name blocks nothing.
    """
    storage = params.ephemeral_storage
    containers = in_order(settled(params.containers, params.network_mode))
    mounts = [mount for name in params.containers for mount in _shell_mounts(name, params)]
    shells = [ecs.Volume(Name=mount.SourceVolume) for mount in mounts]
    volumes = [*task_volumes(params.volumes), *shells]
    disk = {"EphemeralStorage": ecs.EphemeralStorage(SizeInGiB=storage)} if storage else {}
    return ecs.TaskDefinition(
        "TaskDefinition",
        DeletionPolicy="Retain",
        UpdateReplacePolicy="Retain",
        Family=env.stack_name(name),
        RequiresCompatibilities=[params.launch.upper()],
        NetworkMode=params.network_mode,
        Cpu=str(params.cpu),
        Memory=str(params.memory),
        RuntimePlatform=ecs.RuntimePlatform(
            CpuArchitecture=params.cpu_architecture, OperatingSystemFamily="LINUX"
        ),
        ExecutionRoleArn=params.execution_role.existing or GetAtt("ExecutionRole", "Arn"),
        TaskRoleArn=params.task_role.existing or GetAtt("TaskRole", "Arn"),
        ContainerDefinitions=[
            container_definition(
                key,
                container,
                _log_configuration(key, params),
                _shell_mounts(key, params),
                ecr.repository_uris(env),
                _router(key, params),
            )
            for key, container in containers.items()
        ],
        **({"Volumes": volumes} if volumes else {}),
        **disk,
    )


# Where the agent of ECS Exec writes. The developer guide says that it needs a root file system that
# can be written to; people report that these folders do (aws/containers-roadmap issue 1359).
_SHELL_FOLDERS = {
    "managed-agents": "/managed-agents",
    "ssm-state": "/var/lib/amazon/ssm",
    "ssm-logs": "/var/log/amazon/ssm",
}


def _shell_mounts(name: str, params: TaskParams) -> list[ecs.MountPoint]:
    """What lets people open a shell in a container whose root is read-only."""
    if not (params.enable_execute_command and params.containers[name].readonly_root_filesystem):
        return []
    return [
        ecs.MountPoint(SourceVolume=f"{name}-{volume}", ContainerPath=folder, ReadOnly=False)
        for volume, folder in _SHELL_FOLDERS.items()
    ]


def _router(container: str, params: TaskParams) -> ecs.FirelensConfiguration | None:
    """What makes a container the log router of the task."""
    asked = params.sidecars.firelens
    return firelens.configuration(asked) if asked and container == firelens.NAME else None


def _log_configuration(container: str, params: TaskParams) -> ecs.LogConfiguration:
    asked = params.sidecars.firelens
    if asked and container != firelens.NAME:
        return firelens.log_configuration(asked, container, log_group_name(params))
    return ecs.LogConfiguration(
        LogDriver="awslogs",
        Options={
            "awslogs-group": log_group_name(params),
            "awslogs-region": Ref("AWS::Region"),
            "awslogs-stream-prefix": container,
        },
    )
