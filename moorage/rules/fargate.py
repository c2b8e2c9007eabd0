"""What Fargate wants of a task definition, and what it does not take."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from moorage.cfn import ecs, fargate
from moorage.cfn.nodes import Node
from moorage.cfn.values import Attr
from moorage.cfn.view import Resource, View
from moorage.facts.fargate import SIZES
from moorage.rules.rule import Problem, problem, rule

_DIFFERENCES = "AWS docs: Amazon ECS task definition differences for Fargate"
_PARAMETERS = "AWS docs: Amazon ECS task definition parameters for Fargate"
_LONGEST_STOP = 120
_STORAGE = range(21, 201)


def fargate_task_definitions(view: View) -> Iterator[Resource]:
    return (one for one in ecs.task_definitions(view) if ecs.is_for_fargate(one))


def _is_on(node: Node) -> bool:
    return node.flag is True


def _has_some(node: Node) -> bool:
    return any(one.present and not one.unknown for one in node.items)


def _is_given(node: Node) -> bool:
    return node.text not in (None, "")


def _is_more_than_none(node: Node) -> bool:
    return (node.number or 0) > 0


def _adds_more(node: Node) -> bool:
    return any(one.is_none_of("SYS_PTRACE", "CAP_SYS_PTRACE") for one in node.items)


def _is_too_long(node: Node) -> bool:
    return (node.number or 0) > _LONGEST_STOP


def _has_gpu(node: Node) -> bool:
    return any(one["Type"].text == "GPU" for one in node.items)


Test = Callable[[Node], bool]

_TASK: dict[str, tuple[Test, str]] = {
    "IpcMode": (_is_given, "Leave IpcMode out."),
}
_LINUX = (
    "Leave it out; of LinuxParameters Fargate takes InitProcessEnabled, Tmpfs and Capabilities."
)
_CONTAINER: dict[str, tuple[Test, str]] = {
    "Privileged": (_is_on, "Leave Privileged out, or run the task on instances of your own."),
    "DisableNetworking": (_is_on, "Leave DisableNetworking out."),
    "DnsServers": (_has_some, "Leave DnsServers out; tasks ask the VPC's resolver."),
    "DnsSearchDomains": (_has_some, "Leave DnsSearchDomains out; write whole names."),
    "DockerSecurityOptions": (_has_some, "Leave DockerSecurityOptions out."),
    "ExtraHosts": (_has_some, "Leave ExtraHosts out; put names in a private hosted zone."),
    "ResourceRequirements": (_has_gpu, "Run what needs a GPU on instances of your own."),
    "LinuxParameters.Devices": (_has_some, _LINUX),
    "LinuxParameters.SharedMemorySize": (_is_more_than_none, _LINUX),
    "LinuxParameters.MaxSwap": (_is_more_than_none, _LINUX),
    "LinuxParameters.Swappiness": (_is_more_than_none, _LINUX),
    "LinuxParameters.Capabilities.Add": (_adds_more, "Add no capability but SYS_PTRACE."),
    "StopTimeout": (_is_too_long, f"Write {_LONGEST_STOP} or less."),
}


@rule(
    "E9355",
    "Fargate does not take a parameter of the task or of a container",
    error_messages=(
        "Tasks using the Fargate launch type do not support ipcMode.",
        "Fargate compatible task definitions do not support privileged containers",
    ),
    fix="Leave the parameter out, or run the task on container instances.",
    sources=(
        "cn-terraform/terraform-aws-ecs-fargate#2",
        "josmo/drone-ecs#65",
        "aws/containers-roadmap#736 (tmpfs is taken since January 2026)",
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
def not_on_fargate(view: View) -> Iterator[Problem]:
    """On Fargate there is no host to share, so RegisterTaskDefinition refuses what would reach
    into it: IPC, devices, shared memory and swap, privileges and capabilities other than
    SYS_PTRACE, name servers and hosts of one's own. A container gets at most 120 seconds to
    stop. The stack fails when the task definition is created."""
    for task in fargate_task_definitions(view):
        yield from _refused(task.props, _TASK, task.id)
        for container in ecs.containers(task):
            name = container["Name"].text
            yield from _refused(container, _CONTAINER, f"{name} in {task.id}" if name else task.id)


def _refused(place: Node, tests: Mapping[str, tuple[Test, str]], whose: str) -> Iterator[Problem]:
    for path, (is_refused, hint) in tests.items():
        node = place.at(*path.split("."))
        if is_refused(node):
            value = f" of {node.text}" if node.text not in (None, "true") else ""
            yield problem(node, f"Fargate refuses {path}{value} of {whose}", hint)


@rule(
    "E9356",
    "A volume that Fargate can't mount",
    error_messages=("Fargate compatible task definitions do not support sourcePath",),
    fix="Write the volume's name alone for storage that lives with the task, or use EFS or EBS.",
    sources=(
        "cloudposse/terraform-aws-ecs-alb-service-task#174",
        "chanzuckerberg/cztack#348",
        _DIFFERENCES,
    ),
    failure_ids=("td-volume-source-path", "td-docker-volume"),
)
def volume_on_host(view: View) -> Iterator[Problem]:
    """A path of the host, or a volume of a Docker driver, needs a host, and on Fargate there is
    none to be seen. RegisterTaskDefinition refuses the task definition."""
    hint = "Write the volume's Name alone for storage that lives with the task, or use EFS or EBS."
    for task in fargate_task_definitions(view):
        for volume in task["Volumes"].items:
            path, docker = volume.at("Host", "SourcePath"), volume["DockerVolumeConfiguration"]
            if _is_given(path):
                yield problem(path, f"Fargate has no host whose {path.text} {task.id} mounts", hint)
            elif docker.present and not docker.unknown:
                yield problem(docker, f"Fargate refuses the Docker volume of {task.id}", hint)


@rule(
    "E9357",
    "Ephemeral storage that Fargate does not have",
    fix="Write 21 to 200 GiB, or leave EphemeralStorage out for the 20 GiB that each task has.",
    sources=(
        "AWS docs: AWS::ECS::TaskDefinition EphemeralStorage",
        "anomalyco/sst#3542",
        "aws/aws-cdk#31291",
    ),
    failure_ids=("td-ephemeral-storage-range",),
)
def ephemeral_storage(view: View) -> Iterator[Problem]:
    """Each task has 20 GiB of disk. The property that asks for more starts at 21 and ends at 200,
    and RegisterTaskDefinition refuses any other number."""
    for task in ecs.task_definitions(view):
        node = task.props.at("EphemeralStorage", "SizeInGiB")
        if node.number is not None and node.number not in _STORAGE:
            yield problem(
                node,
                f"{task.id} asks for {node.number} GiB of ephemeral storage, and ECS takes 21 to "
                f"200",
                "Write 21 to 200, or leave EphemeralStorage out for the 20 GiB of each task.",
            )


@rule(
    "E9359",
    "A Fargate task without execution role that needs one",
    error_messages=(
        "Fargate requires task definition to have execution role ARN to support log driver "
        "awslogs.",
        "Fargate requires task definition to have execution role ARN to support ECR images.",
    ),
    fix="Give ExecutionRoleArn a role that trusts ecs-tasks.amazonaws.com and has "
    "AmazonECSTaskExecutionRolePolicy.",
    sources=(
        "nathanpeck/aws-cloudformation-fargate#1",
        "aws/aws-cdk#1279",
        "hashicorp/terraform-provider-aws#3051",
        "virtual-kubelet/virtual-kubelet#193",
    ),
    failure_ids=("td-no-execution-role",),
)
def no_execution_role(view: View) -> Iterator[Problem]:
    """Before a container starts, Fargate itself pulls its image, opens its log and reads its
    secrets, and it does so with the execution role; the task's own role does not count. Without
    one, RegisterTaskDefinition refuses whatever needs it."""
    for task in fargate_task_definitions(view):
        role = task["ExecutionRoleArn"]
        needs = next(filter(None, map(_needs_role, ecs.containers(task))), None)
        if role.absent and needs:
            yield problem(
                role,
                f"{task.id} has no execution role, and Fargate needs one for {needs}",
                "Give ExecutionRoleArn a role with AmazonECSTaskExecutionRolePolicy.",
            )


def _needs_role(container: Node) -> str | None:
    """What Fargate needs the execution role for."""
    log = container["LogConfiguration"]
    if log["LogDriver"].text == "awslogs":
        return "the log driver awslogs"
    if container["Secrets"].items or log["SecretOptions"].items:
        return "secrets"
    if container.at("RepositoryCredentials", "CredentialsParameter").present:
        return "the credentials of a registry"
    if any(_is_of_ecr(part) for part in container["Image"].parts):
        return "an image in ECR"
    return "environment files" if container["EnvironmentFiles"].items else None


def _is_of_ecr(part: object) -> bool:
    if isinstance(part, Attr):
        return part.resource.type == "AWS::ECR::Repository"
    return isinstance(part, str) and ".dkr.ecr." in part


@rule(
    "E9365",
    "Fargate has no task of the size that the parameters make",
    error_messages=(
        "No Fargate configuration exists for given values: 1024 CPU, 512 memory. See the Amazon "
        "ECS documentation for the valid values.",
    ),
    fix="Let the defaults and the allowed values of both parameters make a pair that Fargate has, "
    "or take both from one mapping.",
    sources=(
        "hackoregon/civic-devops#246",
        "doctorray117/minecraft-ondemand#34",
        "cfn-lint's schema extension fargate_cpu_memory",
    ),
    failure_ids=("td-cpu-memory-pair-from-parameters",),
)
def size_from_parameters(view: View) -> Iterator[Problem]:
    """Fargate has fixed pairs of CPU and memory. Where they come from parameters, each may be
    right by itself and the pair not: then the stack fails at its task definition. It is a fault
    if the defaults do not go together, or if no choice of allowed values does."""
    for task in fargate_task_definitions(view):
        cpu, memory = task["Cpu"], task["Memory"]
        if _is_written(cpu) and _is_written(memory):
            continue  # cfn-lint's E3047 sees that
        pairs = _usual(cpu, memory) or _possible(cpu, memory)
        if pairs and not any(fargate.fits(*pair) for pair in pairs):
            units, mebibytes = pairs[0]
            near = SIZES.get(units)
            yield problem(
                memory if near else cpu,
                f"Fargate has no task of {units} CPU units and {mebibytes} MiB, which the "
                f"parameters of {task.id} make",
                f"With {units} CPU units give {_listed(near)} MiB."
                if near
                else f"Give {_listed(tuple(SIZES))} CPU units.",
            )


def _is_written(node: Node) -> bool:
    return not isinstance(node.raw, Mapping)


def _usual(cpu: Node, memory: Node) -> list[tuple[int, int]]:
    """The pair that is deployed where no parameter is given."""
    pair = fargate.size(cpu.default), fargate.size(memory.default)
    return [(pair[0], pair[1])] if pair[0] is not None and pair[1] is not None else []


def _possible(cpu: Node, memory: Node) -> list[tuple[int, int]]:
    """Every pair that can be chosen; none where that is not known."""
    pairs = [
        (fargate.size(one), fargate.size(other)) for one in cpu.choices for other in memory.choices
    ]
    known = [(one, other) for one, other in pairs if one is not None and other is not None]
    return known if len(known) == len(pairs) else []


def _listed(numbers: tuple[int, ...]) -> str:
    if len(numbers) > 5:
        return f"{numbers[0]}, {numbers[1]}, ... or {numbers[-1]}"
    return f"{', '.join(map(str, numbers[:-1]))} or {numbers[-1]}"


@rule(
    "E9370",
    "awslogs on Fargate without a prefix for its streams",
    error_messages=("Log driver awslogs requires options: awslogs-stream-prefix",),
    fix="Give the log driver's Options an `awslogs-stream-prefix`, such as the container's name.",
    sources=(
        "aws-cloudformation/cfn-lint#1787",
        "AWS docs: Send Amazon ECS logs to CloudWatch",
    ),
    failure_ids=("td-awslogs-without-stream-prefix",),
)
def no_stream_prefix(view: View) -> Iterator[Problem]:
    """On container instances a log stream may be named after the container's id alone. On Fargate
    the prefix is required, and RegisterTaskDefinition refuses the container without it."""
    for task in fargate_task_definitions(view):
        for container in ecs.containers(task):
            log = container["LogConfiguration"]
            options = log["Options"]
            prefix = options["awslogs-stream-prefix"]
            if log["LogDriver"].text == "awslogs" and options.entries and prefix.absent:
                yield problem(
                    prefix,
                    f"The log of {container['Name'].text or 'a container'} in {task.id} has no "
                    f"awslogs-stream-prefix, which Fargate requires",
                    f"Write `awslogs-stream-prefix: {container['Name'].text or 'app'}`.",
                )


RULES = (
    not_on_fargate,
    volume_on_host,
    ephemeral_storage,
    no_execution_role,
    size_from_parameters,
    no_stream_prefix,
)
