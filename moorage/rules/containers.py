"""Container definitions: names, dependencies, sizes and health checks."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs, task_size
from moorage.cfn.nodes import Node
from moorage.cfn.stack import Resource
from moorage.cfn.values import Text
from moorage.cfn.view import View
from moorage.rules.message_parts import join_or, name_container, quote
from moorage.rules.rule import Problem, problem, rule


def containers_of_all_tasks(view: View) -> Iterator[tuple[Resource, Node]]:
    """Every container definition, with its task definition."""
    for task in ecs.task_definitions(view):
        for container in ecs.containers(task):
            yield task, container


# Names ---------------------------------------------------------------------------------------


@rule(
    "E9100",
    "Two containers of a task, or two variables of a container, have the same name.",
    error_messages=(
        "The secret name must be unique and not shared with any new or existing environment "
        "variables set on the container, such as 'DB_PASSWORD'.",
        "Duplicate secret names found: DB_PASSWORD. Each secret name must be unique.",
    ),
    fix="Give each container its own name. Define each variable once: in Environment or in "
    "Secrets.",
    sources=(
        "compose-x/ecs_composex#707",
        "dagster-io/dagster#11622",
        "CircleCI-Public/aws-ecs-orb#190",
    ),
    failure_ids=("td-duplicate-container-name", "td-env-and-secret-same-name"),
)
def duplicate_names(view: View) -> Iterator[Problem]:
    """ECS identifies the containers of a task by name, and sets both Environment and Secrets as
    environment variables. RegisterTaskDefinition rejects two containers with the same name, a
    secret with the name of a variable, and two secrets with the same name."""
    for task in ecs.task_definitions(view):
        for name in _repeated_names([container["Name"] for container in ecs.containers(task)]):
            yield problem(
                name,
                f"Task definition `{task.id}` has two containers with the name `{name.text}`",
                "Give each container its own name.",
            )
        for container in ecs.containers(task):
            secrets = [secret["Name"] for secret in container["Secrets"].items]
            variables = {entry["Name"].text for entry in container["Environment"].items} - {None}
            repeated = {id(name) for name in _repeated_names(secrets)}
            for name in secrets:
                if name.text in variables:
                    namesake = "an entry of Environment"
                elif id(name) in repeated:
                    namesake = "another secret"
                else:
                    continue
                yield problem(
                    name,
                    f"In task definition `{task.id}`, a secret of {name_container(container)} has "
                    f"the name `{name.text}`, like {namesake}, and ECS rejects that",
                    "Remove one of the two, or rename it.",
                )


def _repeated_names(names: list[Node]) -> list[Node]:
    """The names that are equal to an earlier one."""
    seen: set[str] = set()
    repeated = []
    for name in names:
        text = name.text
        if text in seen:
            repeated.append(name)
        elif text is not None:
            seen.add(text)
    return repeated


@rule(
    "E9103",
    "Links are used in network mode awsvpc.",
    error_messages=("Links are not supported when networkMode=awsvpc.",),
    fix="Remove Links. The containers of a task reach each other at 127.0.0.1.",
    sources=("aws-observability/aws-otel-collector#1359",),
    failure_ids=("td-links",),
)
def links_with_awsvpc(view: View) -> Iterator[Problem]:
    """Links are for the network mode bridge. In awsvpc, and so on Fargate, the containers of a task
    share one network interface, and RegisterTaskDefinition rejects Links."""
    for task, container in containers_of_all_tasks(view):
        if container["Links"].items and ecs.network_mode(task) == "awsvpc":
            yield problem(
                container["Links"],
                f"Task definition `{task.id}` has network mode awsvpc, in which ECS rejects Links",
                "Remove Links. The containers of a task reach each other at 127.0.0.1.",
            )


# Dependencies --------------------------------------------------------------------------------


@rule(
    "E9106",
    "A container depends on a condition that is never met.",
    error_messages=(
        "A dependency container with SUCCESS or COMPLETE condition cannot be an essential "
        "container",
    ),
    fix="Write `Essential: false` for a container whose end others wait for, and add a HealthCheck "
    "to one whose health others wait for. Remove dependencies that form a cycle.",
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
def impossible_dependency(view: View) -> Iterator[Problem]:
    """With DependsOn a container starts after another one has started, finished or become healthy.
    When an essential container finishes, the task stops, so no container can wait for that. A
    container without HealthCheck never becomes healthy, even if its image has a HEALTHCHECK.
    RegisterTaskDefinition rejects containers that depend on each other and on containers that do
    not exist."""
    for task in ecs.task_definitions(view):
        containers = {container["Name"].text: container for container in ecs.containers(task)}
        names_known = task["ContainerDefinitions"].all_known and None not in containers
        for container in ecs.containers(task):
            for entry in container["DependsOn"].items:
                name = entry["ContainerName"]
                dependency = containers.get(name.text) if name.text is not None else None
                if dependency is not None:
                    yield from _unmet_condition(task, container, dependency, entry["Condition"])
                elif names_known and name.text is not None:
                    own_name = container["Name"].text
                    others = quote(key for key in containers if key and key != own_name)
                    yield problem(
                        name,
                        f"Task definition `{task.id}` has no container `{name.text}`, on which "
                        f"{name_container(container)} depends",
                        f"Write {join_or(others)}." if others else "Remove DependsOn.",
                    )
        for name, cycle in _dependency_cycles(ecs.containers(task)):
            itself = len(set(cycle)) == 1
            yield problem(
                name,
                f"In task definition `{task.id}`, container `{cycle[0]}` depends on itself"
                if itself
                else f"Containers of task definition `{task.id}` depend on each other: "
                f"{' -> '.join(cycle)}",
                "Remove this entry of DependsOn."
                if itself
                else "Remove one of these entries of DependsOn.",
            )


def _unmet_condition(
    task: Resource, container: Node, dependency: Node, condition: Node
) -> Iterator[Problem]:
    subject = f"In task definition `{task.id}`, {name_container(container)}"
    name = name_container(dependency)
    essential = dependency["Essential"]
    if condition.text in ("COMPLETE", "SUCCESS") and (essential.absent or essential.flag):
        yield problem(
            essential,
            f"{subject} waits for {name} to finish, and ECS rejects that for an essential "
            f"container",
            f"Write `Essential: false` for {name}.",
        )
    if condition.text == "HEALTHY" and dependency["HealthCheck"].absent:
        yield problem(
            dependency["HealthCheck"],
            f"{subject} waits for {name} to be healthy, which it never is without a HealthCheck",
            f"Add a HealthCheck to {name}, or write `Condition: START`.",
        )


def _dependency_cycles(containers: tuple[Node, ...]) -> Iterator[tuple[Node, list[str]]]:
    """Each cycle of DependsOn once: the entry that closes it, and the names along it."""
    dependencies: dict[str, list[tuple[str, Node]]] = {}
    for container in containers:
        name = container["Name"].text
        if name is not None:
            nodes = [entry["ContainerName"] for entry in container["DependsOn"].items]
            dependencies[name] = [(node.text, node) for node in nodes if node.text is not None]
    done: set[str] = set()
    for start in dependencies:
        path: list[str] = [start]
        remaining = [iter(dependencies[start])] if start not in done else []
        while remaining:
            name, node = next(remaining[-1], (None, None))
            if name is None or node is None:
                remaining.pop()
                done.add(path.pop())
            elif name in path:
                yield node, [*path[path.index(name) :], name]
            elif name in dependencies and name not in done:
                path.append(name)
                remaining.append(iter(dependencies[name]))


# Sizes ---------------------------------------------------------------------------------------


@rule(
    "E9109",
    "Containers need more CPU or memory than their task has.",
    error_messages=(
        "The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'.",
        "The 'memory' setting for container 'app' is greater than for the task.",
    ),
    fix="Increase the Cpu or Memory of the task, or decrease that of its containers.",
    sources=(
        "aws/aws-cdk#1553",
        "terraform-aws-modules/terraform-aws-atlantis#168",
        "cn-terraform/terraform-aws-ecs-fargate-task-definition#63",
        "pulumi/pulumi-awsx#1220",
        "pulumi/pulumi-awsx#188",
    ),
    failure_ids=("td-container-cpu-sum", "td-container-memory-above-task"),
    compares_defaults=True,
)
def containers_larger_than_task(view: View) -> Iterator[Problem]:
    """The containers share the CPU and memory of their task. RegisterTaskDefinition rejects the
    task definition if the sum of their Cpu, the Memory of one container or the sum of their
    MemoryReservation is more than the task has."""
    for task in ecs.task_definitions(view):
        containers = ecs.containers(task)
        yield from _excess_problems(
            task, task["Cpu"], [container["Cpu"] for container in containers]
        )
        for container in containers:
            yield from _excess_problems(task, task["Memory"], [container["Memory"]])
        yield from _excess_problems(
            task, task["Memory"], [container["MemoryReservation"] for container in containers]
        )


def _excess_problems(task: Resource, limit: Node, sizes: list[Node]) -> Iterator[Problem]:
    excess = _find_excess(limit, sizes)
    if excess is None:
        return
    node, total, maximum = excess
    name, limit_name = str(node.path[-1]), str(limit.path[-1])
    subject = (
        f"A container has `Memory: {total}`"
        if name == "Memory"
        else f"The containers have a total {name} of {total}"
    )
    yield problem(
        node,
        f"{subject}, more than the `{limit_name}: {maximum}` of task definition `{task.id}`",
        f"Increase {limit_name} of the task, or decrease {name} of its containers.",
    )


def _find_excess(limit: Node, sizes: list[Node]) -> tuple[Node, int, int] | None:
    """The size with which the sum exceeds the limit, the sum, and the limit: with any of the
    allowed values of parameters, or with their default values."""
    allowed = [task_size.parse_size(choice) for choice in limit.choices]
    maximum = max((size for size in allowed if size is not None), default=None)
    if maximum is not None and None not in allowed:
        excess = _find_size_above(maximum, [(node, _minimum_size(node)) for node in sizes])
        if excess:
            return excess
    default = task_size.parse_size(limit.default)
    if default is not None:
        defaults = [(node, task_size.parse_size(node.default)) for node in sizes]
        return _find_size_above(default, defaults)
    return None


def _minimum_size(node: Node) -> int | None:
    sizes = [task_size.parse_size(choice) for choice in node.choices]
    known = [size for size in sizes if size is not None]
    return min(known) if known and len(known) == len(sizes) else None


def _find_size_above(
    limit: int, sizes: list[tuple[Node, int | None]]
) -> tuple[Node, int, int] | None:
    total = sum(size or 0 for _, size in sizes)
    so_far = 0
    for node, size in sizes:
        so_far += size or 0
        if so_far > limit:
            return node, total, limit
    return None


# Health checks -------------------------------------------------------------------------------


@rule(
    "E9115",
    "The command of a container health check has the wrong form.",
    error_messages=("Task failed container health checks",),
    fix="Write `[CMD-SHELL, <command line>]`, or `[CMD, <program>, <argument>, ...]`.",
    sources=(
        "hackoregon/openelections#562",
        "AWS docs: AWS::ECS::TaskDefinition HealthCheck",
        "moby/moby daemon/health.go",
    ),
    failure_ids=("td-health-check-without-cmd-prefix",),
)
def malformed_health_check_command(view: View) -> Iterator[Problem]:
    """The first item of Command says how Docker runs the rest: CMD-SHELL passes one string to the
    shell, CMD runs a program with arguments. Without either of them Docker looks for a program
    named like the whole command line. After CMD-SHELL it runs only the first string. The health
    check then always fails, and ECS keeps replacing the task."""
    for task, container in containers_of_all_tasks(view):
        command = container.at("HealthCheck", "Command")
        mistake = _command_mistake(command) if command.all_known else None
        if mistake:
            yield problem(
                command,
                f"In task definition `{task.id}`, the health check command of "
                f"{name_container(container)} {mistake}",
                "Write `[CMD-SHELL, <command line>]`, or `[CMD, <program>, <argument>, ...]`.",
            )


def _command_mistake(command: Node) -> str | None:
    if not command.items:
        return None
    first, *rest = command.items
    if _is_none_of(first, ("CMD", "CMD-SHELL", "NONE")):
        return "does not begin with CMD or CMD-SHELL, so its first item is run as a program"
    if first.text == "CMD-SHELL" and len(rest) != 1:
        return f"has {len(rest)} strings after CMD-SHELL, and only the first one is run"
    if first.text == "CMD" and len(rest) == 1 and " " in (rest[0].text or "").strip():
        return "has a command line after CMD, which is run as the name of a program"
    return None


def _is_none_of(node: Node, words: tuple[str, ...]) -> bool:
    """Whether a value is certainly none of the words, even if only its beginning is known."""
    if isinstance(node.value, Text):
        start = node.parts[0]
        return isinstance(start, str) and not any(word.startswith(start) for word in words)
    return node.is_none_of(*words)


RULES = (
    duplicate_names,
    links_with_awsvpc,
    impossible_dependency,
    containers_larger_than_task,
    malformed_health_check_command,
)
