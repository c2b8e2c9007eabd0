"""Problems of what tasks use (`uses:`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from moorage.findings.finding import Path, Problem
from moorage.findings.wording import join_or, near, offer, shown
from moorage.model import Environment

from ..common.duplicates import logical_id_problems
from ..common.usable import Usable
from .containers import Container, Containers, suggest_container
from .launch_types import uses_instance_address
from .params import TaskParams
from .queues import QueueConsumerParams
from .service_connect import DiscoverableParams, connectable_ports
from .task import Task
from .uses import ResolvedUse, Use


def use_problems(task: Task) -> Iterator[Problem]:
    """Problems of `uses:` of a task."""
    for name, use in task.params.uses.items():
        used = task.env.params_of(name, Usable)
        if used is not None:
            yield from _access_problems(name, use, used, task)
            yield from _container_problems(name, use, task.params.containers)
        elif name not in task.env.broken:
            yield _unknown_stack(name, task.env)
    connected = [use.stack for use in task.uses if use.usage.connection]
    yield from logical_id_problems(connected, ("uses",))
    for resolved in task.uses:
        yield from _rename_problems(resolved)
        yield from _connection_problems(resolved, task)
    yield from _variable_problems(task)


def _path(stack: str) -> Path:
    return ("uses", stack)


# The stack that is used ----------------------------------------------------------------------


def _unknown_stack(name: str, env: Environment) -> Problem:
    spec = env.stacks.get(name)
    usable = env.names_of(Usable)
    closest = near(name, usable)
    hint = "Add a stack that tasks can use, such as `uploads: {template: bucket}`."
    if usable:
        hint = f"Write {offer([closest] if closest else usable)}."
    message = f"There is no stack {shown(name)}"
    if spec:
        message = f"{shown(name)} is a stack of template `{spec.template}`, which has nothing that "
        message += "tasks can use"
        if isinstance(spec.params, DiscoverableParams) and connectable_ports(spec.params):
            hint = f"To connect to its service, write `reaches: [{name}]`."
    return Problem("M1201", _path(name), message, hint)


def _access_problems(name: str, use: Use, used: Usable, task: Task) -> Iterator[Problem]:
    template = task.env.stacks[name].template
    for access in use.access:
        if access not in used.accesses:
            message = f"A stack of template `{template}` has no access {shown(access)}"
            closest = near(access, used.accesses)
            accesses = [closest] if closest else used.accesses
            hint = f"Write {join_or(f'`{item}`' for item in accesses)}."
            yield Problem("M3601", _path(name), message, hint)
    if name == task.name and "consume" in use.access and isinstance(used, QueueConsumerParams):
        message = "A worker receives the messages of its own queue without `uses`"
        hint = f"Remove `{name}`, or write `{name}: send` so that the tasks also send to the queue."
        yield Problem("M3603", _path(name), message, hint)


def _container_problems(name: str, use: Use, containers: Containers) -> Iterator[Problem]:
    for index, container in enumerate(use.containers or ()):
        if container not in containers:
            path = (*_path(name), "containers", index)
            message = f"The task has no container {shown(container)} below `containers`"
            yield Problem("M1204", path, message, suggest_container(container, containers))


def _connection_problems(use: ResolvedUse, task: Task) -> Iterator[Problem]:
    """What the tasks cannot connect to. Tasks that share their instance's security group are
    refused: EC2 does not add the rule that a second stack on the same instances would need."""
    connection, params = use.usage.connection, task.params
    if connection is None:
        return
    path = _path(use.stack)
    if uses_instance_address(params.network_mode):
        message = f"`{use.stack}` needs tasks with their own security group, but with "
        message += f"`network_mode: {params.network_mode}` they have that of their instances"
        hint = "Write `network_mode: awsvpc`."
        yield Problem("M2725", path, message, hint, because=[("network_mode",)])
    network = task.placement.network
    if network and connection.network not in (None, network.name):
        message = f"`{use.stack}` is in the network `{connection.network}`, but these tasks are in "
        message += f"`{network.name}`"
        yield Problem("M3604", path, message, f"Write `network: {connection.network}` here.")


def use_endpoint_problems(task: Task, endpoints: Sequence[str], network: str) -> Iterator[Problem]:
    """What the tasks cannot reach: the network has these VPC endpoints and no route to the
    internet."""
    existing = {service.rpartition(".")[2] for service in endpoints}
    for use in task.uses:
        used = task.env.params_of(use.stack, Usable)
        for service in used.endpoints if used else ():
            if service not in existing:
                message = f"The tasks cannot reach `{use.stack}`: the network `{network}` has no "
                message += f"VPC endpoint for `{service}`"
                hint = f"Write `endpoints: [{', '.join([*endpoints, service])}]` in `{network}`."
                yield Problem("M2711", _path(use.stack), message, hint)


# Variables -----------------------------------------------------------------------------------


def _rename_problems(use: ResolvedUse) -> Iterator[Problem]:
    known = [name.lower() for name in (*use.usage.variables, *use.usage.secrets)]
    for key in use.params.variables:
        if key not in known:
            message = f"`{use.stack}` has no value {shown(key)} for a variable"
            closest = near(key, known)
            names = [closest] if closest else known
            hint = f"Write {join_or(f'`{name}`' for name in names)}."
            yield Problem("M3602", (*_path(use.stack), "variables", key), message, hint)


def _variable_problems(task: Task) -> Iterator[Problem]:
    """Variables that a container has already."""
    reported: set[tuple[str, str]] = set()
    for name, container in task.params.containers.items():
        taken = _taken_variables(name, container, task.params)
        for use in task.uses:
            for suffix in (*use.usage.variables, *use.usage.secrets) if use.is_for(name) else ():
                variable, path = use.variable(suffix), _variable_path(use, suffix)
                if variable not in taken:
                    taken[variable] = path
                elif (use.stack, variable) not in reported:
                    reported.add((use.stack, variable))
                    yield _taken(name, use, suffix, taken[variable])


def _taken(container: str, use: ResolvedUse, suffix: str, other: Path) -> Problem:
    variable = use.variable(suffix)
    message = f"The container `{container}` already has a variable `{variable}`"
    hint = "Remove that one, or write another name here: `{access: "
    access = use.params.access
    hint += access[0] if len(access) == 1 else f"[{', '.join(access)}]"
    hint += f", variables: {{{suffix.lower()}: {variable}_2}}}}`."
    return Problem("M2605", _variable_path(use, suffix), message, hint, because=[other])


def _variable_path(use: ResolvedUse, suffix: str) -> Path:
    key = suffix.lower()
    return (*_path(use.stack), *(("variables", key) if key in use.params.variables else ()))


def _taken_variables(name: str, container: Container, params: TaskParams) -> dict[str, Path]:
    """The variables that a container has without `uses:`, with their paths."""
    taken: dict[str, Path] = {}
    if isinstance(params, QueueConsumerParams):
        taken[params.queue.variable] = ("queue",)
    taken |= {variable: ("queues", variable) for variable in params.queues}
    for key in ("environment", "secrets", "address_of"):
        variables: Mapping[str, object] = getattr(container, key)
        taken |= {variable: ("containers", name, key, variable) for variable in variables}
    return taken
