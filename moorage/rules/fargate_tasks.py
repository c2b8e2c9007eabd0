"""Task definitions for Fargate: what it requires and what it does not support."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from moorage.cfn import ecs, task_size
from moorage.cfn.nodes import Node
from moorage.cfn.stack import Resource
from moorage.cfn.task_startup import image_registry
from moorage.cfn.view import View
from moorage.facts.fargate import EPHEMERAL_STORAGE, MAX_START_TIMEOUT, MAX_STOP_TIMEOUT, SIZES
from moorage.rules.message_parts import join_or, name_container
from moorage.rules.rule import Problem, problem, rule

_DIFFERENCES = "AWS docs: Amazon ECS task definition differences for Fargate"
_PARAMETERS = "AWS docs: Amazon ECS task definition parameters for Fargate"


def fargate_task_definitions(view: View) -> Iterator[Resource]:
    """The task definitions that are certainly for Fargate."""
    return (task for task in ecs.task_definitions(view) if ecs.is_for_fargate(task))


# Unsupported parameters ----------------------------------------------------------------------


def _is_true(node: Node) -> bool:
    return node.flag is True


def _has_items(node: Node) -> bool:
    return any(item.present and not item.unknown for item in node.items)


def _has_text(node: Node) -> bool:
    return node.text not in (None, "")


def _is_positive(node: Node) -> bool:
    return (node.number or 0) > 0


def _adds_unsupported_capability(node: Node) -> bool:
    return any(item.is_none_of("SYS_PTRACE", "CAP_SYS_PTRACE") for item in node.items)


def _is_too_long(node: Node) -> bool:
    return (node.number or 0) > MAX_STOP_TIMEOUT


def _starts_too_late(node: Node) -> bool:
    return (node.number or 0) > MAX_START_TIMEOUT


def _has_gpu(node: Node) -> bool:
    return any(item["Type"].text == "GPU" for item in node.items)


Test = Callable[[Node], bool]
"""Whether Fargate rejects a value."""

_TASK: dict[str, tuple[Test, str]] = {
    "IpcMode": (_has_text, "Remove IpcMode."),
}
_LINUX_PARAMETERS = (
    "Remove it: of LinuxParameters, Fargate supports InitProcessEnabled, Tmpfs and Capabilities."
)
_CONTAINER: dict[str, tuple[Test, str]] = {
    "Privileged": (_is_true, "Remove Privileged, or run the task on container instances."),
    "DisableNetworking": (_is_true, "Remove DisableNetworking."),
    "DnsServers": (_has_items, "Remove DnsServers. Tasks use the DNS resolver of the VPC."),
    "DnsSearchDomains": (
        _has_items,
        "Remove DnsSearchDomains, and use fully qualified domain names.",
    ),
    "DockerSecurityOptions": (_has_items, "Remove DockerSecurityOptions."),
    "ExtraHosts": (
        _has_items,
        "Remove ExtraHosts, and create records in a private hosted zone instead.",
    ),
    "ResourceRequirements": (_has_gpu, "Run tasks that need a GPU on container instances."),
    "LinuxParameters.Devices": (_has_items, _LINUX_PARAMETERS),
    "LinuxParameters.SharedMemorySize": (_is_positive, _LINUX_PARAMETERS),
    "LinuxParameters.MaxSwap": (_is_positive, _LINUX_PARAMETERS),
    "LinuxParameters.Swappiness": (_is_positive, _LINUX_PARAMETERS),
    "LinuxParameters.Capabilities.Add": (
        _adds_unsupported_capability,
        "Remove all capabilities except SYS_PTRACE.",
    ),
    "StartTimeout": (_starts_too_late, f"Write {MAX_START_TIMEOUT} or less."),
    "StopTimeout": (_is_too_long, f"Write {MAX_STOP_TIMEOUT} or less."),
}


@rule(
    "E9180",
    "Fargate does not support a parameter of the task definition.",
    error_messages=(
        "Tasks using the Fargate launch type do not support ipcMode.",
        "Fargate compatible task definitions do not support privileged containers",
    ),
    fix="Remove the parameter, or run the task on container instances.",
    sources=(
        "cn-terraform/terraform-aws-ecs-fargate#2",
        "josmo/drone-ecs#65",
        "aws/containers-roadmap#736 (tmpfs is supported since January 2026)",
        _DIFFERENCES,
        _PARAMETERS,
    ),
    failure_ids=(
        "td-ipc-mode",
        "td-privileged",
        "td-linux-parameters",
        "td-stop-timeout-above-120",
    ),
)
def unsupported_parameter(view: View) -> Iterator[Problem]:
    """Fargate gives tasks no access to the host. RegisterTaskDefinition therefore rejects IPC
    modes, devices, shared memory, swap, privileged containers, capabilities other than SYS_PTRACE,
    and custom DNS servers and hosts. StartTimeout and StopTimeout are at most 120 seconds. The
    stack fails when it creates the task definition."""
    for task in fargate_task_definitions(view):
        owner = f"task definition `{task.id}`"
        yield from _unsupported_values(task.props, _TASK, owner)
        for container in ecs.containers(task):
            yield from _unsupported_values(
                container, _CONTAINER, f"{name_container(container)} of {owner}"
            )


def _unsupported_values(
    properties: Node, tests: Mapping[str, tuple[Test, str]], owner: str
) -> Iterator[Problem]:
    for path, (is_rejected, hint) in tests.items():
        node = properties.at(*path.split("."))
        if is_rejected(node):
            setting = f"`{path}: {node.text}`" if node.text is not None else path
            yield problem(node, f"Fargate does not support {setting} of {owner}", hint)


# Storage -------------------------------------------------------------------------------------


@rule(
    "E9183",
    "A Fargate task has a volume of the host or of a Docker driver.",
    error_messages=("Fargate compatible task definitions do not support sourcePath",),
    fix="Write only a Name in the volume for storage that the containers of the task share, or use "
    "EFS or EBS.",
    sources=(
        "cloudposse/terraform-aws-ecs-alb-service-task#174",
        "chanzuckerberg/cztack#348",
        _DIFFERENCES,
    ),
    failure_ids=("td-volume-source-path", "td-docker-volume"),
)
def host_volume(view: View) -> Iterator[Problem]:
    """Directories of the host and volumes of Docker drivers need access to the host, which Fargate
    does not give. RegisterTaskDefinition rejects the task definition."""
    hint = (
        "Write only a Name in the volume for storage that the containers of the task share, or use "
        "EFS or EBS."
    )
    for task in fargate_task_definitions(view):
        for volume in task["Volumes"].items:
            path, docker = volume.at("Host", "SourcePath"), volume["DockerVolumeConfiguration"]
            if _has_text(path):
                yield problem(
                    path,
                    f"Task definition `{task.id}` mounts `{path.text}` of the host, which Fargate "
                    f"does not support",
                    hint,
                )
            elif docker.present and not docker.unknown:
                yield problem(
                    docker,
                    f"Task definition `{task.id}` has a Docker volume, which Fargate does not "
                    f"support",
                    hint,
                )


@rule(
    "E9186",
    "The size of the ephemeral storage is out of range.",
    fix="Write 21 to 200 (GiB), or remove EphemeralStorage for the default of 20 GiB.",
    sources=(
        "AWS docs: AWS::ECS::TaskDefinition EphemeralStorage",
        "anomalyco/sst#3542",
        "aws/aws-cdk#31291",
    ),
    failure_ids=("td-ephemeral-storage-range",),
)
def ephemeral_storage_out_of_range(view: View) -> Iterator[Problem]:
    """Each Fargate task has 20 GiB of ephemeral storage. EphemeralStorage increases it to between
    21 and 200 GiB; RegisterTaskDefinition rejects any other size."""
    low, high = EPHEMERAL_STORAGE
    for task in ecs.task_definitions(view):
        size = task.props.at("EphemeralStorage", "SizeInGiB")
        if size.number is not None and not low <= size.number <= high:
            yield problem(
                size,
                f"Task definition `{task.id}` has {size.number} GiB of ephemeral storage, and ECS "
                f"accepts 21 to 200",
                "Write 21 to 200, or remove EphemeralStorage for the default of 20 GiB.",
            )


# Execution role ------------------------------------------------------------------------------


@rule(
    "E9189",
    "A Fargate task definition needs an execution role and has none.",
    error_messages=(
        "Fargate requires task definition to have execution role ARN to support log driver "
        "awslogs.",
        "Fargate requires task definition to have execution role ARN to support ECR images.",
    ),
    fix="Write an ExecutionRoleArn. The role must trust ecs-tasks.amazonaws.com and have "
    "AmazonECSTaskExecutionRolePolicy.",
    sources=(
        "nathanpeck/aws-cloudformation-fargate#1",
        "aws/aws-cdk#1279",
        "hashicorp/terraform-provider-aws#3051",
        "virtual-kubelet/virtual-kubelet#193",
    ),
    failure_ids=("td-no-execution-role",),
)
def missing_execution_role(view: View) -> Iterator[Problem]:
    """Before a container starts, Fargate pulls its image, creates its log stream and reads its
    secrets with the execution role, not with the task role. RegisterTaskDefinition rejects a task
    definition that needs the role and does not have one."""
    for task in fargate_task_definitions(view):
        role = task["ExecutionRoleArn"]
        reason = next(filter(None, map(_needs_execution_role, ecs.containers(task))), None)
        if role.absent and reason:
            yield problem(
                role,
                f"Task definition `{task.id}` has no execution role, and Fargate requires one for "
                f"{reason}",
                "Write an ExecutionRoleArn of a role with AmazonECSTaskExecutionRolePolicy.",
            )


def _needs_execution_role(container: Node) -> str | None:
    """What Fargate needs the execution role for."""
    log = container["LogConfiguration"]
    if log["LogDriver"].text == "awslogs":
        return "the log driver awslogs"
    if container["Secrets"].items or log["SecretOptions"].items:
        return "secrets"
    if container.at("RepositoryCredentials", "CredentialsParameter").present:
        return "the credentials of a registry"
    if image_registry(container["Image"]) == "ecr":
        return "an image in ECR"
    return "environment files" if container["EnvironmentFiles"].items else None


# Sizes ---------------------------------------------------------------------------------------


@rule(
    "E9192",
    "Parameters give a Fargate task a combination of CPU and memory that does not exist.",
    error_messages=(
        "No Fargate configuration exists for given values: 1024 CPU, 512 memory. See the Amazon "
        "ECS documentation for the valid values.",
    ),
    fix="Choose default and allowed values for both parameters that form a valid combination, or "
    "take both sizes from one mapping.",
    sources=(
        "hackoregon/civic-devops#246",
        "doctorray117/minecraft-ondemand#34",
        "cfn-lint's schema extension fargate_cpu_memory",
    ),
    failure_ids=("td-cpu-memory-pair-from-parameters",),
    compares_defaults=True,
)
def invalid_size_from_parameters(view: View) -> Iterator[Problem]:
    """Fargate has fixed combinations of CPU and memory. If both come from parameters, each value
    can be valid while the combination is not; then the stack fails at its task definition. This
    rule reports default values that do not go together, and allowed values of which no combination
    is valid."""
    for task in fargate_task_definitions(view):
        cpu, memory = task["Cpu"], task["Memory"]
        if _is_literal(cpu) and _is_literal(memory):
            continue  # cfn-lint reports it: E3047
        sizes = _default_size(cpu, memory) or _allowed_sizes(cpu, memory)
        if sizes and not any(task_size.is_fargate_size(*size) for size in sizes):
            units, mebibytes = sizes[0]
            memory_sizes = SIZES.get(units)
            yield problem(
                memory if memory_sizes else cpu,
                f"Fargate has no tasks with {units} CPU units and {mebibytes} MiB, which the "
                f"parameters give task definition `{task.id}`",
                f"For {units} CPU units, choose {_list_sizes(memory_sizes)} MiB."
                if memory_sizes
                else f"Choose {_list_sizes(tuple(SIZES))} CPU units.",
            )


def _is_literal(node: Node) -> bool:
    return not isinstance(node.raw, Mapping)


def _default_size(cpu: Node, memory: Node) -> list[tuple[int, int]]:
    """The CPU and memory of the default values, if both are known."""
    units, mebibytes = task_size.parse_size(cpu.default), task_size.parse_size(memory.default)
    return [(units, mebibytes)] if units is not None and mebibytes is not None else []


def _allowed_sizes(cpu: Node, memory: Node) -> list[tuple[int, int]]:
    """Every combination of allowed values; none if one of them is not known."""
    sizes = [
        (task_size.parse_size(units), task_size.parse_size(mebibytes))
        for units in cpu.choices
        for mebibytes in memory.choices
    ]
    known = [
        (units, mebibytes)
        for units, mebibytes in sizes
        if units is not None and mebibytes is not None
    ]
    return known if len(known) == len(sizes) else []


def _list_sizes(sizes: tuple[int, ...]) -> str:
    if len(sizes) > 5:
        return f"{sizes[0]}, {sizes[1]}, ... or {sizes[-1]}"
    return join_or(map(str, sizes))


RULES = (
    unsupported_parameter,
    host_volume,
    ephemeral_storage_out_of_range,
    missing_execution_role,
    invalid_size_from_parameters,
)
