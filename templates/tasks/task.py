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
from pydantic import Field
from troposphere import GetAtt, Ref, Sub, ec2, ecs

from moorage.facts.fargate import EPHEMERAL_STORAGE
from moorage.facts.quotas import MANAGED_POLICIES_PER_ROLE, MAX_MANAGED_POLICIES_PER_ROLE
from moorage.findings.finding import Path, Problem
from moorage.findings.wording import near, shown
from moorage.model import Base, Environment

from .. import cluster, ecr, network
from ..cluster import Provider, Share
from ..common.fields import KeyArn, PolicyArn, RoleArn, SecurityGroupId, StackName, UniqueList
from ..common.iam import allow, role
from ..common.logs import LogGroupName, Logs, log_group
from ..common.policy_statements import UserStatement, policy_statement, statement_problems
from ..common.regions import is_in_other_region, key_region_problems, region_of
from ..common.stack_lookup import find_stack, find_stack_problems
from . import fargate_sizes, firelens, images, secrets
from .container_definitions import container_definition, execution_role_statements
from .container_problems import container_problems
from .containers import Container, apply_init
from .launch_type_problems import launch_problems
from .launch_types import (
    apply_network_mode,
    placement_constraints,
    placement_strategies,
    uses_instance_address,
)
from .linux_parameters import system_control_problems
from .queue_problems import queue_endpoint_problems, queue_sender_problems
from .queue_resources import queue_statements
from .queues import QueueSenderParams
from .reachable_services import ReachesParams, reaches_problems, reaches_resources
from .sidecars import (
    SidecarParams,
    asked_at,
    joined,
    reach_problems,
    secret_references,
    sidecar_problems,
    sidecar_statements,
)
from .volume_problems import volume_problems
from .volume_resources import (
    has_nfs_rules,
    task_volumes,
    volume_dependencies,
    volume_resources,
    volume_statements,
)
from .volumes import VolumeParams

P = TypeVar("P", bound="TaskParams")


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
        None,
        ge=EPHEMERAL_STORAGE[0],
        le=EPHEMERAL_STORAGE[1],
        description="Fargate: GiB of disk, if more than its 20.",
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


# What can be wrong ---------------------------------------------------------------------------


def task_problems(params: TaskParams, env: Environment) -> Iterator[Problem]:
    """What is wrong with a task by itself, and with where it is to run."""
    for problem in _task_problems(_whole(params, env), env):
        yield asked_at(problem, params, env)
    yield from sidecar_problems(params, env)


def _whole(params: P, env: Environment) -> P:
    """The task with its sidecars among its containers."""
    return params.model_copy(update={"containers": joined(params, env)})


def _task_problems(params: TaskParams, env: Environment) -> Iterator[Problem]:
    yield from find_stack_problems(env, network.Params, params.network, ("network",), "network")
    yield from find_stack_problems(env, cluster.Params, params.cluster, ("cluster",), "cluster")
    yield from _after_problems(params, env)
    yield from queue_sender_problems(params, env)
    yield from _size_problems(params)
    shared = params.network_mode != "bridge"
    yield from container_problems(params.containers, params.cpu, params.memory, shared=shared)
    yield from _launch_problems(params, env)
    yield from reaches_problems(params, env)
    yield from volume_problems(params.volumes, params.containers, env)
    controls = {name: one.system_controls for name, one in params.containers.items()}
    yield from system_control_problems(controls, params.network_mode)
    yield from statement_problems(params.task_role.statements, ("task_role", "statements"))
    yield from _existing_problems(params)
    yield from _managed_problems(params.task_role.managed_policies)
    yield from _key_problems(params, env)
    yield from _capacity_problems(params, env)
    yield from _subnet_problems(params, env)


def _after_problems(params: TaskParams, env: Environment) -> Iterator[Problem]:
    for index, name in enumerate(params.after):
        if name not in env.stacks and name not in env.broken:
            meant = near(name, env.stacks)
            hint = f"Did you mean `{meant}`?" if meant else "Name a stack of this environment."
            yield Problem("M1201", ("after", index), f"{shown(name)} is not a stack", hint)


def _size_problems(params: TaskParams) -> Iterator[Problem]:
    """Amazon ECS API reference, RegisterTaskDefinition, cpu: 0.125 to 192 vCPUs on instances."""
    if params.launch == "fargate":
        yield from fargate_sizes.fargate_size_problems(params.cpu, params.memory)
    elif not 128 <= params.cpu <= 196_608:
        hint = "Write 128 to 196608: 1024 are one vCPU."
        yield Problem("M1203", ("cpu",), f"{params.cpu} CPU units are no size of a task", hint)
    elif params.memory < 6:
        yield Problem("M1203", ("memory",), f"{params.memory} MiB are too few", "Write 6 or more.")


def _launch_problems(params: TaskParams, env: Environment) -> Iterator[Problem]:
    found = find_stack(env, cluster.Params, params.cluster)
    name = found[0] if found else None
    home = cluster.handle(*found, env).instances.get(params.launch) if found else None
    yield from launch_problems(params, name, home)
    if home is None:
        return
    reached = uses_instance_address(params.network_mode) and getattr(params, "expose", None)
    admitted = uses_instance_address(params.network_mode) and has_nfs_rules(params.volumes)
    if (reached or admitted) and home.security_group is None:
        message = f"Nobody tells the security group of the instances of `{name}`"
        hint = "Write its `security_group` there, below `existing:`."
        because: list[Path] = [("expose",) if reached else ("volumes",)]
        yield Problem("M1220", ("launch",), message, hint, because=because)
    if home.architecture not in (None, params.cpu_architecture):
        message = f"The instances of `{name}` are {home.architecture}"
        hint = f"Write `cpu_architecture: {home.architecture}`, or other `instance_types` there."
        yield Problem("M1220", ("cpu_architecture",), message, hint)
    if home.gpus is False:
        yield from _gpu_problems(params, name)
    mine = find_stack(env, network.Params, params.network)
    if mine and home.network not in (None, mine[0]):
        message = f"The instances are in network `{home.network}`, and the tasks in `{mine[0]}`"
        yield Problem("M1201", ("network",), message, f"Write `network: {home.network}`.")


def _gpu_problems(params: TaskParams, cluster_name: str | None) -> Iterator[Problem]:
    for key, container in params.containers.items():
        if container.gpus:
            message = f"The instances of `{cluster_name}` give tasks no GPUs, and none would start"
            hint = "Write `gpu: true` there, and `instance_types` that have one, as `g5.xlarge`."
            path: Path = ("containers", key, "gpus")
            yield Problem("M1220", path, message, hint, because=[("launch",)])


def _existing_problems(params: TaskParams) -> Iterator[Problem]:
    mine = params.task_role
    if mine.existing and (mine.statements or mine.managed_policies):
        message = "A role that exists is not changed"
        hint = "Remove the statements and policies, or remove `existing:`."
        yield Problem("M1108", ("task_role",), message, hint)
    if params.logs.existing and params.logs.model_fields_set != {"existing"}:
        hint = "Remove the other keys, or remove `existing:`."
        yield Problem("M1108", ("logs",), "A log group that exists is not changed", hint)


def _managed_problems(arns: Sequence[str]) -> Iterator[Problem]:
    if len(arns) > MANAGED_POLICIES_PER_ROLE:
        message = f"IAM attaches {MANAGED_POLICIES_PER_ROLE} policies to a role "
        message += "unless the quota is raised"
        hint = "Ask for a higher quota before you deploy, or write `statements:`."
        path = ("task_role", "managed_policies")
        yield Problem("M1105", path, message, hint, level="warning")


def _key_problems(params: TaskParams, env: Environment) -> Iterator[Problem]:
    """Keys where nothing is that they could have encrypted."""
    yield from key_region_problems(params.logs.kms_key, ("logs", "kms_key"), env)
    named = [ref for one in params.containers.values() for ref in _references(one)]
    named += secret_references(params.sidecars)
    regions = {secrets.parse_secret(reference).region for reference in named}
    for index, arn in enumerate(params.kms_keys):
        if is_in_other_region(arn, env) and region_of(arn) not in regions:
            message = f"The key is in {region_of(arn)}, where none of the secrets is"
            hint = f"Name a key in {env.region}, or the secret by its whole ARN."
            path = ("kms_keys", index)
            yield Problem("M1220", path, message, hint, because=[("containers",)])


def _references(container: Container) -> list[str]:
    login = container.repository_credentials
    return [*container.secrets.values(), *([login] if login else [])]


def _capacity_problems(params: TaskParams, env: Environment) -> Iterator[Problem]:
    yield from cluster.strategy_problems(params.capacity_providers, ("capacity_providers",))
    found = find_stack(env, cluster.Params, params.cluster)
    if not found:
        return
    name, its = found
    known = cluster.handle(name, its, env).capacity_providers
    for provider in params.capacity_providers:
        if provider not in known:
            message = f"The cluster `{name}` is not said to have {provider}"
            hint = f"Add it: `existing: {{capacity_providers: [{provider}]}}` at `{name}`."
            yield Problem("M1220", ("capacity_providers", provider), message, hint)


def placed(params: TaskParams, net: network.Handle) -> Literal["public", "private"]:
    """Where the tasks are: where the params say, or else where they can reach out."""
    if params.subnets:
        return params.subnets
    return "public" if net.egress == "public" or not net.private_subnets else "private"


def _subnet_problems(params: TaskParams, env: Environment) -> Iterator[Problem]:
    """Whether the tasks can reach what they need at start."""
    found = find_stack(env, network.Params, params.network)
    if not found:
        return
    name, its = found
    net = network.handle(name, its, env)
    where = placed(params, net)
    path: Path = ("subnets",)
    if uses_instance_address(params.network_mode):
        if net.egress == "endpoints":
            yield from _endpoint_problems(params, env.region, name)
            yield from reach_problems(params.sidecars, its, name)
            yield from queue_endpoint_problems(params, its.endpoints, name)
        return
    if where == "public" and params.launch != "fargate" and net.public_subnets:
        # Amazon ECS developer guide, "Allocate a network interface for an Amazon ECS task": on
        # instances the interface of a task gets no public address.
        message = "On instances a task with an address of its own gets no public one"
        hint = "Write `subnets: private`, where the network has a way out, or a `network_mode: "
        hint += "bridge`." if params.launch == "ec2" else "host`."
        yield Problem("M1211", path, message, hint, because=[("network_mode",)])
    if not (net.public_subnets if where == "public" else net.private_subnets):
        message = f"The network `{name}` has no {where} subnets"
        other = "private" if where == "public" else "public"
        hint = f"Write `subnets: {other}` here, or name `{where}_subnets` at `{name}`."
        yield Problem("M1211", path, message, hint)
    elif where == "private" and net.egress == "public":
        message = f"From a private subnet of `{name}` nothing can be reached, not even the image"
        hint = f"Write `subnets: public` here, or `egress: nat` at `{name}`."
        yield Problem("M1211", path, message, hint)
    elif where == "private" and net.egress == "endpoints":
        yield from _endpoint_problems(params, env.region, name)
        yield from reach_problems(params.sidecars, its, name)
        yield from queue_endpoint_problems(params, its.endpoints, name)


def _endpoint_problems(params: TaskParams, region: str, name: str) -> Iterator[Problem]:
    """Through endpoints only services of the same region are reached."""
    for key, container in params.containers.items():
        here = ("containers", key)
        repository = images.parse_repository(container.image)
        if repository is None:
            message = f"`{container.image}` cannot be pulled: `{name}` has no way to the internet"
            hint = "Copy it to ECR (a pull-through cache does) and write `ecr:...`."
            yield Problem("M1211", (*here, "image"), message, hint)
        elif repository.region not in (None, region):
            message = f"`{container.image}` cannot be pulled: endpoints lead to {region} only"
            hint = f"Replicate the repository to {region}."
            yield Problem("M1211", (*here, "image"), message, hint)
        for variable, reference in container.secrets.items():
            if secrets.parse_secret(reference).region not in (None, region):
                message = f"`{reference}` cannot be read: endpoints lead to {region} only"
                hint = f"Keep the secret in {region}."
                yield Problem("M1211", (*here, "secrets", variable), message, hint)


# What comes out ------------------------------------------------------------------------------


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
    yield from reaches_resources(params, env)
    yield from _roles(name, params, env)
    yield _task_definition(name, params, env)


def task_waits(params: TaskParams, env: Environment) -> list[str]:
    """Logical IDs of what a service must wait for, or its first tasks could not start, or not
    reach what they connect to."""
    reached = [one.title for one in reaches_resources(params, env)]
    return [*volume_dependencies(params.volumes, _mount_target_subnets(params, env)), *reached]


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
    if uses_instance_address(params.network_mode):
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
    if uses_instance_address(params.network_mode) and home:
        return home.security_group
    return GetAtt("SecurityGroup", "GroupId")


def run_on(params: TaskParams, env: Environment, *, default: bool = True) -> dict[str, Any]:
    """What tells ECS on what a service or a task runs, and where: properties of AWS::ECS::Service,
    and of RunTask. `default` is for the cluster's mix of Fargate where the params name none."""
    home = cluster_of(params, env)
    where = network_configuration(params, network_of(params, env))
    net = {} if uses_instance_address(params.network_mode) else {"NetworkConfiguration": where}
    if params.launch == "fargate":
        strategy = params.capacity_providers or (home.default_strategy if default else {})
        on = {"CapacityProviderStrategy": cluster.strategy_items(strategy)}
        version = {"PlatformVersion": params.platform_version}
        return (on if strategy else {"LaunchType": "FARGATE"}) | version | net
    provider = home.instances[params.launch].capacity_provider
    item = ecs.CapacityProviderStrategyItem(CapacityProvider=provider, Base=0, Weight=1)
    placement = {
        "PlacementStrategies": placement_strategies(params),
        "PlacementConstraints": placement_constraints(params),
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
        start = [*execution_role_statements(params.containers, params.kms_keys, more), write]
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
                "Task": [policy_statement(one) for one in params.task_role.statements],
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
    containers = apply_init(apply_network_mode(params.containers, params.network_mode))
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
    return (
        firelens.firelens_configuration(asked)
        if asked and container == firelens.CONTAINER_NAME
        else None
    )


def _log_configuration(container: str, params: TaskParams) -> ecs.LogConfiguration:
    asked = params.sidecars.firelens
    if asked and container != firelens.CONTAINER_NAME:
        return firelens.log_configuration(asked, container, log_group_name(params))
    return ecs.LogConfiguration(
        LogDriver="awslogs",
        Options={
            "awslogs-group": log_group_name(params),
            "awslogs-region": Ref("AWS::Region"),
            "awslogs-stream-prefix": container,
        },
    )
