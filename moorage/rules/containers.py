"""The containers of a task among themselves, and within the task's size."""

from __future__ import annotations

import re
from collections.abc import Iterator

from moorage.cfn import ecs, fargate
from moorage.cfn.nodes import Node
from moorage.cfn.values import Text
from moorage.cfn.view import Resource, View
from moorage.rules.rule import Problem, problem, rule


def _each(view: View) -> Iterator[tuple[Resource, Node]]:
    for task in ecs.task_definitions(view):
        for container in ecs.containers(task):
            yield task, container


def _label(container: Node) -> str:
    return container["Name"].text or "a container"


@rule(
    "E9358",
    "Links between containers that share one network interface",
    error_messages=("Links are not supported when networkMode=awsvpc.",),
    fix="Leave Links out: the containers of a task reach each other at 127.0.0.1.",
    sources=("aws-observability/aws-otel-collector#1359",),
    failure_ids=("td-links",),
)
def links(view: View) -> Iterator[Problem]:
    """Links belong to Docker's bridge. With awsvpc, and so on Fargate, all containers of a task
    have one network interface in common, and RegisterTaskDefinition refuses Links."""
    for task, container in _each(view):
        if container["Links"].items and ecs.network_mode(task) == "awsvpc":
            yield problem(
                container["Links"],
                f"{task.id} has network mode awsvpc, in which ECS refuses Links",
                "Leave Links out; the containers of a task reach each other at 127.0.0.1.",
            )


@rule(
    "E9361",
    "A name is used twice within a task definition",
    error_messages=(
        "The secret name must be unique and not shared with any new or existing environment "
        "variables set on the container, such as 'DB_PASSWORD'.",
        "Duplicate secret names found: DB_PASSWORD. Each secret name must be unique.",
    ),
    fix="Give each container a name of its own, and each variable either in Environment or in "
    "Secrets.",
    sources=(
        "compose-x/ecs_composex#707",
        "dagster-io/dagster#11622",
        "CircleCI-Public/aws-ecs-orb#190",
    ),
    failure_ids=("td-duplicate-container-name", "td-env-and-secret-same-name"),
)
def names_twice(view: View) -> Iterator[Problem]:
    """Containers of a task are told apart by their names, and a container's variables come from
    Environment and from Secrets alike. RegisterTaskDefinition refuses two containers of one name,
    a secret under the name of a variable, and two secrets under one name."""
    for task in ecs.task_definitions(view):
        for name in _repeated([one["Name"] for one in ecs.containers(task)]):
            yield problem(
                name,
                f"{task.id} has two containers of the name {name.text}",
                "Give each container a name of its own.",
            )
        for container in ecs.containers(task):
            secrets = [one["Name"] for one in container["Secrets"].items]
            variables = {one["Name"].text for one in container["Environment"].items} - {None}
            again = {id(one) for one in _repeated(secrets)}
            for name in secrets:
                if name.text in variables or id(name) in again:
                    yield problem(
                        name,
                        f"{_label(container)} in {task.id} gets {name.text} twice, and ECS refuses "
                        f"a secret whose name another secret or variable has",
                        "Keep one of the two.",
                    )


def _repeated(names: list[Node]) -> list[Node]:
    """Those whose text another had before."""
    seen: set[str] = set()
    found = []
    for name in names:
        text = name.text
        if text in seen:
            found.append(name)
        elif text is not None:
            seen.add(text)
    return found


@rule(
    "E9362",
    "A container waits for what never comes",
    error_messages=(
        "A dependency container with SUCCESS or COMPLETE condition cannot be an essential "
        "container",
    ),
    fix="A container that is waited for to end is `Essential: false`; one that is waited for to be "
    "healthy has a HealthCheck; none waits for itself, however many lie between.",
    sources=(
        "boto/boto3#2436",
        "aws/copilot-cli#2421",
        "aws/copilot-cli#2723",
        "AWS docs: Amazon ECS task definition parameters, Container dependency",
    ),
    failure_ids=(
        "td-depends-on-success-of-essential",
        "td-depends-on-healthy-without-health-check",
        "td-depends-on-cycle",
    ),
)
def waits_in_vain(view: View) -> Iterator[Problem]:
    """DependsOn lets a container wait for another. When an essential container ends, so does the
    task, so nothing can wait for its end. A container without HealthCheck is never reported as
    healthy, whatever HEALTHCHECK its image has. And containers that wait for each other, or for
    one that is not there, are refused when the task definition is registered."""
    for task in ecs.task_definitions(view):
        names = {one["Name"].text: one for one in ecs.containers(task)}
        complete = task["ContainerDefinitions"].all_known and None not in names
        for container in ecs.containers(task):
            for entry in container["DependsOn"].items:
                name, condition = entry["ContainerName"], entry["Condition"].text
                other = names.get(name.text) if name.text is not None else None
                if other is not None:
                    yield from _vain(task, container, other, condition)
                elif complete and name.text is not None:
                    yield problem(
                        name,
                        f"{_label(container)} waits for {name.text}, and {task.id} has no such "
                        f"container",
                        f"Name one of {', '.join(filter(None, names))}.",
                    )
        for name, circle in _circles(ecs.containers(task)):
            yield problem(
                name,
                f"Containers of {task.id} wait for each other: {' -> '.join(circle)}",
                "Leave one of them out of the other's DependsOn.",
            )


def _vain(task: Resource, waiting: Node, awaited: Node, condition: str | None) -> Iterator[Problem]:
    waits = f"{_label(waiting)} in {task.id} waits for {_label(awaited)}"
    essential = awaited["Essential"]
    if condition in ("COMPLETE", "SUCCESS") and (essential.absent or essential.flag):
        yield problem(
            essential,
            f"{waits} to end, which is essential, and ECS refuses that",
            f"Write `Essential: false` for {_label(awaited)}.",
        )
    if condition == "HEALTHY" and awaited["HealthCheck"].absent:
        yield problem(
            awaited["HealthCheck"],
            f"{waits} to be healthy, and without HealthCheck it never is",
            f"Give {_label(awaited)} a HealthCheck, or wait for START.",
        )


def _circles(containers: tuple[Node, ...]) -> Iterator[tuple[Node, list[str]]]:
    """Each circle of DependsOn once: the entry that closes it, and the names along it."""
    waits: dict[str, list[tuple[str, Node]]] = {}
    for one in containers:
        if one["Name"].text is not None:
            named = [entry["ContainerName"] for entry in one["DependsOn"].items]
            waits[one["Name"].text] = [(node.text, node) for node in named if node.text is not None]
    done: set[str] = set()
    for start in waits:
        way: list[str] = [start]
        left = [iter(waits[start])] if start not in done else []
        while left:
            name, node = next(left[-1], (None, None))
            if name is None or node is None:
                left.pop()
                done.add(way.pop())
            elif name in way:
                yield node, [*way[way.index(name) :], name]
            elif name in waits and name not in done:
                way.append(name)
                left.append(iter(waits[name]))


@rule(
    "E9364",
    "Containers take more than their task has",
    error_messages=(
        "The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'.",
        "The 'memory' setting for container 'app' is greater than for the task.",
    ),
    fix="Raise the task's Cpu or Memory, or lower the containers'.",
    sources=(
        "aws/aws-cdk#1553",
        "terraform-aws-modules/terraform-aws-atlantis#168",
        "cn-terraform/terraform-aws-ecs-fargate-task-definition#63",
        "pulumi/pulumi-awsx#1220",
        "pulumi/pulumi-awsx#188",
    ),
    failure_ids=("td-container-cpu-sum", "td-container-memory-above-task"),
)
def larger_than_task(view: View) -> Iterator[Problem]:
    """What a task has is shared by its containers: their Cpu may not add up to more, no
    container's Memory may be more, and their MemoryReservations may not add up to more.
    RegisterTaskDefinition refuses the task definition else."""
    for task in ecs.task_definitions(view):
        found = [
            _over(task["Cpu"], [one["Cpu"] for one in ecs.containers(task)]),
            *(_over(task["Memory"], [one["Memory"]]) for one in ecs.containers(task)),
            _over(task["Memory"], [one["MemoryReservation"] for one in ecs.containers(task)]),
        ]
        for node, taken, has in filter(None, found):
            what = str(node.path[-1])
            whose = "of a container" if what == "Memory" else "of the containers"
            yield problem(
                node,
                f"The {what} {whose}, {taken}, is more than the {has} of {task.id}",
                "Raise the task's size, or lower what its containers take.",
            )


def _over(whole: Node, parts: list[Node]) -> tuple[Node, int, int] | None:
    """The part with which the sum exceeds the whole, the sum and the whole: with the defaults of
    parameters, or with any of their allowed values."""
    usual = fargate.size(whole.default)
    possible = [fargate.size(one) for one in whole.choices]
    most = max((one for one in possible if one is not None), default=None)
    if most is not None and None not in possible:
        found = _exceeding(most, [(node, _least(node)) for node in parts])
        if found:
            return found
    if usual is not None:
        return _exceeding(usual, [(node, fargate.size(node.default)) for node in parts])
    return None


def _least(node: Node) -> int | None:
    sizes = [fargate.size(one) for one in node.choices]
    known = [one for one in sizes if one is not None]
    return min(known) if known and len(known) == len(sizes) else None


def _exceeding(whole: int, parts: list[tuple[Node, int | None]]) -> tuple[Node, int, int] | None:
    total = sum(size or 0 for _, size in parts)
    so_far = 0
    for node, size in parts:
        so_far += size or 0
        if so_far > whole:
            return node, total, whole
    return None


@rule(
    "E9368",
    "A load balancer's port that a container maps twice",
    error_messages=("Container port 514 is used in more than one port mapping for container app",),
    fix="Map the port once, and serve the other protocol on another port or in another service.",
    sources=(
        "aws/amazon-ecs-agent#3428",
        "terraform-aws-modules/terraform-aws-ecs#89",
        "aws/containers-roadmap#850",
    ),
    failure_ids=("td-same-port-tcp-and-udp-behind-load-balancer",),
)
def port_mapped_twice(view: View) -> Iterator[Problem]:
    """A service names the container and the port that a load balancer sends to, and no protocol.
    A task definition may map one port for TCP and for UDP, but ECS refuses to create a service
    whose load balancer uses it, as it can't tell which is meant."""
    for attachment in ecs.target_group_attachments(view):
        task = ecs.task_definition_of(attachment.service)
        name, port = attachment.container_name, attachment.container_port
        container = ecs.find_container(task, name) if task and name is not None else None
        if container is None or port is None:
            continue
        mappings = container["PortMappings"]
        if sum(one["ContainerPort"].number == port for one in mappings.items) > 1:
            yield problem(
                mappings,
                f"{name} maps port {port} more than once, and ECS then refuses "
                f"{attachment.service.id}, whose load balancer sends to it",
                "Map it once; serve the other protocol on another port or in another service.",
            )


@rule(
    "E9369",
    "A container's health check that is no command",
    error_messages=("Task failed container health checks",),
    fix="Begin Command with CMD-SHELL and one string for the shell, or with CMD and the program "
    "and its arguments one by one.",
    sources=(
        "hackoregon/openelections#562",
        "AWS docs: AWS::ECS::TaskDefinition HealthCheck",
        "moby/moby daemon/health.go",
    ),
    failure_ids=("td-health-check-without-cmd-prefix",),
)
def health_check_command(view: View) -> Iterator[Problem]:
    """The first string of Command says how the rest is run: CMD-SHELL hands one string to the
    shell, CMD runs a program with arguments. Without either, a whole line is looked up as the name
    of a program, and of several strings after CMD-SHELL only the first is the command. The check
    then fails always, and ECS replaces the task for ever."""
    for task, container in _each(view):
        command = container.at("HealthCheck", "Command")
        wrong = _wrong_command(command) if command.all_known else None
        if wrong:
            yield problem(
                command,
                f"The health check of {_label(container)} in {task.id} {wrong}",
                "Write [CMD-SHELL, the whole line], or [CMD, program, argument, ...].",
            )


def _wrong_command(command: Node) -> str | None:
    if not command.items:
        return None
    first, *rest = command.items
    if _cannot_be(first, ("CMD", "CMD-SHELL", "NONE")):
        return "begins with neither CMD nor CMD-SHELL, so the line is looked up as a program"
    if first.text == "CMD-SHELL" and len(rest) != 1:
        return f"has {len(rest)} strings after CMD-SHELL, of which the shell runs the first"
    if first.text == "CMD" and len(rest) == 1 and " " in (rest[0].text or "").strip():
        return "has a whole line after CMD, which is looked up as a program"
    return None


def _cannot_be(node: Node, words: tuple[str, ...]) -> bool:
    if isinstance(node.value, Text):
        start = node.parts[0]
        return isinstance(start, str) and not any(one.startswith(start) for one in words)
    return node.is_none_of(*words)


_SMALL = re.compile(r"(?:^|[-_./:])(?:alpine|slim|distroless|busybox|scratch|chiseled)")
_WITH_WGET = re.compile(r"alpine|busybox")
_ARM = re.compile(r"arm64|aarch64")
_INTEL = re.compile(r"amd64|x86[-_]64")
_CURL, _WGET = re.compile(r"\bcurl\b"), re.compile(r"\bwget\b")


@rule(
    "W9372",
    "An image that does not fit what is asked of it",
    error_messages=(
        "Task failed container health checks",
        "exec /docker-entrypoint.sh: exec format error",
        "CannotPullContainerError: image Manifest does not contain descriptor matching platform "
        "'linux/amd64'",
    ),
    fix="Check health with a program that the image has, and let CpuArchitecture be what it was "
    "built for.",
    sources=(
        "navapbc/template-infra#212",
        "parse-community/parse-server#5780",
        "aws/copilot-cli#6095",
        "terraform-aws-modules/terraform-aws-ecs#155",
    ),
    failure_ids=("td-health-check-tool-not-in-image", "td-cpu-architecture-mismatch"),
)
def image_does_not_fit(view: View) -> Iterator[Problem]:
    """A container's health check runs within the container, and images made small have no curl,
    and some no wget or shell either. An image for one architecture does not start on the other,
    and Fargate takes X86_64 where nothing is said. What an image holds can't be seen in a
    template: this goes by its name and tag alone."""
    for task, container in _each(view):
        image = _image(container)
        tool = _missing_tool(image, container.at("HealthCheck", "Command"))
        if tool:
            yield problem(
                container.at("HealthCheck", "Command"),
                f"{_label(container)} in {task.id} checks its health with {tool}, which an image "
                f"like {image} seldom has, and then it is replaced for ever",
                f"Make sure that the image has {tool}, or call a program that it does have.",
            )
        runtime = task["RuntimePlatform"]["CpuArchitecture"]
        runs_on = "X86_64" if runtime.absent and ecs.is_for_fargate(task) else runtime.text
        other = _ARM if runs_on == "X86_64" else _INTEL if runs_on == "ARM64" else None
        if other and other.search(image) and not (_ARM.search(image) and _INTEL.search(image)):
            yield problem(
                container["Image"],
                f"{image} is not built for {runs_on}, on which {task.id} runs it",
                "Set RuntimePlatform.CpuArchitecture to what the image is built for.",
            )


def _image(container: Node) -> str:
    """The image as far as it is known, defaults of parameters included."""
    node = container["Image"]
    whole = node.default
    return (whole or "".join(one for one in node.parts if isinstance(one, str))).lower()


def _missing_tool(image: str, command: Node) -> str | None:
    """What a health check calls and an image of that name is unlikely to have."""
    line = " ".join(part for one in command.items for part in one.parts if isinstance(part, str))
    if not _SMALL.search(image) or "curl" in image:
        return None
    if _WGET.search(line):
        return None if _WITH_WGET.search(image) else "wget"
    return "curl" if _CURL.search(line) else None


RULES = (
    links,
    names_twice,
    waits_in_vain,
    larger_than_task,
    port_mapped_twice,
    health_check_command,
    image_does_not_fit,
)
