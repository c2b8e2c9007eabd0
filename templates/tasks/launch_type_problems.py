"""Problems of a task with its launch type: settings that only Fargate or only instances support.

Sources: Amazon ECS developer guide, "Amazon ECS task definition differences for Fargate" and "...
for Amazon ECS Managed Instances"; Amazon ECS API reference, PortMapping and ContainerDefinition.
"""

from __future__ import annotations

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from moorage.facts.host_ports import DYNAMIC_HOST_PORTS, RESERVED_HOST_PORTS
from moorage.findings.finding import Path, Problem
from moorage.findings.wording import shown

from .containers import Containers, suggest_container
from .launch_types import find_links
from .linux_parameters import fargate_container_problems
from .params import TaskParams
from .task import Task

_FARGATE_KEYS = ("capacity_providers", "ephemeral_storage", "platform_version")
_AWSVPC_KEYS = ("security_groups", "subnets")
_INSTANCE_KEYS = ("placement_strategies", "placement_constraints")


def launch_type_problems(task: Task) -> Iterator[Problem]:
    params, containers = task.params, task.container_params
    if params.launch == "fargate":
        yield from _fargate_problems(params, containers)
    else:
        yield from _instance_problems(task)
    yield from _capacity_problems(task)
    yield from _reference_problems(params, containers)
    yield from _link_cycle_problems(params, containers)
    yield from _host_port_problems(params, containers)


def _fargate_problems(params: TaskParams, containers: Containers) -> Iterator[Problem]:
    because = [("launch",)]
    if params.network_mode != "awsvpc":
        message = f"Fargate does not support the network mode `{params.network_mode}`"
        hint = "Remove `network_mode`, or write `launch: ec2`."
        yield Problem("M2722", ("network_mode",), message, hint, because=because)
    for key in _INSTANCE_KEYS:
        if getattr(params, key):
            message = f"`{key}` has no effect on Fargate, which places each task on its own host "
            message += "and spreads tasks over Availability Zones"
            hint = f"Remove `{key}`, or write `launch: ec2`."
            yield Problem("M2722", (key,), message, hint, because=because)
    for name, container in containers.items():
        path: Path = ("containers", name)
        if container.privileged:
            message = "Fargate does not support privileged containers"
            hint = "Remove `privileged`, or write `launch: ec2`. Fargate supports "
            hint += "`add_capabilities: [SYS_PTRACE]`."
            yield Problem("M2722", (*path, "privileged"), message, hint, because=because)
        if container.gpus:
            hint = "Write `launch: ec2`, with `gpu: true` in the `capacity` of the cluster."
            yield Problem("M2722", (*path, "gpus"), "Fargate has no GPUs", hint, because=because)
        yield from fargate_container_problems(path, container)


def _instance_problems(task: Task) -> Iterator[Problem]:
    params, used = task.params, task.placement.cluster
    for name, container in task.container_params.items():
        if container.privileged:
            message = "A privileged container has all permissions of root on its instance, and so "
            message += "controls the other tasks there"
            hint = "Remove `privileged`, and write only what the container needs in "
            hint += "`add_capabilities` and `devices`."
            path: Path = ("containers", name, "privileged")
            yield Problem("M2712", path, message, hint, level="warning")
    yield from _swappiness_problems(task)
    if used and task.placement.instances is None:
        message = f"The cluster `{used.name}` has no instances for `launch: {params.launch}`"
        hint = f"Write `capacity: {{{params.launch}: true}}` in `{used.name}`, or "
        hint += f"`existing: {{{params.launch}: ...}}` if the cluster has them already."
        yield Problem("M2723", ("launch",), message, hint, because=[("cluster",)])
    if params.launch == "managed_instances" and params.network_mode == "bridge":
        message = "Managed instances do not support the network mode `bridge`"
        hint = "Write `network_mode: awsvpc` or `host`, or `launch: ec2`."
        yield Problem("M2724", ("network_mode",), message, hint, because=[("launch",)])
    for key in _FARGATE_KEYS:
        if key in params.model_fields_set:
            message = f"`{key}` has no effect on instances: it is for Fargate only"
            hint = f"Remove `{key}`, or move it to the params of an environment that uses Fargate."
            yield Problem("M2721", (key,), message, hint, because=[("launch",)])
    if task.placement.shares_instance:
        for key in _AWSVPC_KEYS:
            if key in params.model_fields_set:
                message = f"`{key}` has no effect with `network_mode: {params.network_mode}`: the "
                message += "task uses the IP address of its instance"
                hint = f"Write `{key}` in the `capacity` of the cluster, or `network_mode: awsvpc`."
                yield Problem("M2725", (key,), message, hint, because=[("network_mode",)])


def _swappiness_problems(task: Task) -> Iterator[Problem]:
    """Amazon Linux 2023, which the default AMI runs, does not support swappiness (Amazon ECS API
    reference, LinuxParameters, swappiness)."""
    used = task.placement.cluster
    group = used.params.capacity.ec2 if used and used.params.capacity else None
    if task.params.launch != "ec2" or used is None or group is None or group.ami:
        return
    for name, container in task.container_params.items():
        if container.swappiness is not None and container.max_swap is not None:
            message = f"The instances of `{used.name}` run Amazon Linux 2023, which does not "
            message += "support `swappiness`"
            hint = "Remove it, or write the ID of an AMI with another system as `ami` in the "
            hint += f"`capacity` of `{used.name}`."
            path: Path = ("containers", name, "swappiness")
            yield Problem("M2732", path, message, hint, level="warning", because=[("launch",)])


def _capacity_problems(task: Task) -> Iterator[Problem]:
    """Requirements of the task that the instances of the cluster do not meet."""
    params, instances, used = task.params, task.placement.instances, task.placement.cluster
    if instances is None or used is None:
        return
    users = task.security_group_users if task.placement.shares_instance else ()
    if users and instances.security_group is None:
        message = f"The security group of the instances of `{used.name}` is unknown"
        hint = f"Write its ID as `security_group` below `existing:` of `{used.name}`."
        yield Problem("M2726", ("launch",), message, hint, because=[users[0]])
    if instances.architecture not in (None, params.cpu_architecture):
        message = (
            f"The instances of `{used.name}` are {instances.architecture}, but the images are "
        )
        message += f"{params.cpu_architecture}"
        hint = f"Write `cpu_architecture: {instances.architecture}`, or other `instance_types` in "
        hint += f"`{used.name}`."
        yield Problem("M2727", ("cpu_architecture",), message, hint)
    if instances.gpus is False:
        yield from _gpu_problems(task.container_params, used.name)
    network = task.placement.network
    if network and instances.network not in (None, network.name):
        message = f"The instances are in network `{instances.network}`, and the tasks in "
        message += f"`{network.name}`"
        yield Problem("M2729", ("network",), message, f"Write `network: {instances.network}`.")


def _gpu_problems(containers: Containers, cluster: str) -> Iterator[Problem]:
    for name, container in containers.items():
        if container.gpus:
            message = f"The instances of `{cluster}` have no GPUs for tasks, so no task could start"
            hint = f"Write `gpu: true` in the `capacity` of `{cluster}`, and `instance_types` with "
            hint += "GPUs, such as `g5.xlarge`."
            path: Path = ("containers", name, "gpus")
            yield Problem("M2728", path, message, hint, because=[("launch",)])


def _reference_problems(params: TaskParams, containers: Containers) -> Iterator[Problem]:
    """Names in `address_of` and `links` that are not names of other containers."""
    for name, container in containers.items():
        path: Path = ("containers", name)
        for variable, target in container.address_of.items():
            at = (*path, "address_of", variable)
            yield from _name_problems(name, target, at, containers)
            for key in ("environment", "secrets"):
                if variable in getattr(container, key):
                    message = f"`{variable}` is in both `address_of` and `{key}`"
                    yield Problem("M2605", at, message, "Remove one of them.")
        for index, target in enumerate(container.links):
            at = (*path, "links", index)
            yield from _name_problems(name, target, at, containers)
            if params.network_mode != "bridge" and target != name:
                message = f"Links do not work with `network_mode: {params.network_mode}`"
                hint = (
                    "Remove the link: the containers reach each other at 127.0.0.1. `address_of: "
                    f"{{{_variable(target)}: {target}}}` works in every network mode."
                )
                because = [("network_mode",), ("launch",)]
                yield Problem("M2743", at, message, hint, because=because)


def _variable(container: str) -> str:
    return container.upper().replace("-", "_") + "_HOST"


def _name_problems(name: str, target: str, path: Path, containers: Containers) -> Iterator[Problem]:
    if target == name:
        message = f"The container `{name}` refers to itself"
        hint = "Write the name of another container, or use `127.0.0.1` in the container."
        yield Problem("M2741", path, message, hint)
    elif target not in containers:
        message = f"There is no container {shown(target)}"
        hint = suggest_container(target, containers)
        yield Problem("M1204", path, message, hint, because=[("containers", target)])


def _link_cycle_problems(params: TaskParams, containers: Containers) -> Iterator[Problem]:
    """Cycles of links and `depends_on`: in network mode `bridge`, a container starts after those
    that it links to."""
    if params.network_mode != "bridge" or params.launch != "ec2":
        return
    links = {name: find_links(name, container) for name, container in containers.items()}
    waits = {
        name: sorted({*container.depends_on, *links[name]} & containers.keys() - {name})
        for name, container in containers.items()
    }
    try:
        TopologicalSorter(waits).prepare()
    except CycleError as error:
        cycle = list(reversed(error.args[1]))
        if any(after in links[name] for name, after in pairwise(cycle)):
            message = f"The containers wait for each other: {' -> '.join(cycle)}"
            hint = "A container starts after those that it links to. Remove a link or a "
            hint += "`depends_on`, or write `network_mode: awsvpc`."
            path: Path = ("containers", cycle[0])
            yield Problem("M1207", path, message, hint)


def _host_port_problems(params: TaskParams, containers: Containers) -> Iterator[Problem]:
    """Ports of the instance that tasks cannot use, or that several containers use."""
    users: dict[tuple[int, str], str] = {}
    for name, container in containers.items():
        for index, port in enumerate(container.ports):
            path = ("containers", name, "ports", index)
            if params.network_mode == "host" and port.number in RESERVED_HOST_PORTS:
                message = f"Port {port.number} of the instance is reserved"
                hint = "Let the container listen on another port, or write `network_mode: awsvpc`."
                yield Problem("M2744", path, message, hint, because=[("network_mode",)])
                continue
            if port.host is None:
                continue
            if params.network_mode != "bridge":
                if port.host != port.number:
                    message = (
                        f"With `network_mode: {params.network_mode}` the port of the instance "
                    )
                    message += "is that of the container"
                    hint = f"Write only `{port}`, or `launch: ec2` with `network_mode: bridge`."
                    because = [("network_mode",), ("launch",)]
                    yield Problem("M2745", path, message, hint, because=because)
                continue
            if port.host in RESERVED_HOST_PORTS or DYNAMIC_HOST_PORTS[0] <= port.host:
                message = f"Port {port.host} of the instance is reserved"
                hint = f"Write only the port of the container, `{port}`: then Docker chooses a "
                hint += "free port of the instance. Or write a port below "
                hint += f"{DYNAMIC_HOST_PORTS[0]} that SSH, Docker and the ECS agent do not use."
                yield Problem("M2744", path, message, hint)
            first = users.setdefault((port.host, port.protocol), name)
            if first != name:
                message = f"The container `{first}` also uses port {port.host} of the instance"
                hint = f"Write another port, or `{port}`, so that Docker chooses a free one."
                yield Problem("M1206", path, message, hint)


# Deployments ---------------------------------------------------------------------------------


def spare_instance_problems(task: Task, left_running: int) -> Iterator[Problem]:
    """Reports if no instance is free for the first new task of a deployment, which keeps
    `left_running` tasks running. Tasks cannot share an instance if they use a port of it, or have
    the placement constraint `distinct_instance`."""
    params, instances = task.params, task.placement.instances
    if instances is None or instances.maximum is None or not 0 < instances.maximum <= left_running:
        return
    reasons: list[Path] = [
        container.origin.locate(("ports", index))
        for container in task.containers.values()
        for index, port in enumerate(container.params.ports)
        if params.network_mode == "host" or (params.network_mode == "bridge" and port.host)
    ]
    if "distinct_instance" in params.placement_constraints:
        reasons.append(("placement_constraints",))
    if reasons:
        tasks = f"{left_running} task{'s' if left_running > 1 else ''}"
        message = f"Each task needs its own instance, and a deployment keeps {tasks} running, but "
        message += f"the cluster has `max: {instances.maximum}`"
        hint = f"Write `max: {left_running + 1}` or more in the `capacity` of the cluster, or "
        hint += "`minimum_healthy_percent: 0`."
        yield Problem("M2730", reasons[0], message, hint, because=[("minimum_healthy_percent",)])


def rebalancing_problems(task: Task) -> Iterator[Problem]:
    """Placement with which ECS does not rebalance a service over Availability Zones (Amazon ECS
    developer guide, "Balancing an Amazon ECS service across Availability Zones"; aws/aws-cdk,
    Ec2Service)."""
    params = task.params
    if params.launch == "fargate":
        return
    hint = "write `availability_zone_rebalancing: false`."
    if params.placement_strategies and params.placement_strategies[0] != "spread:zone":
        message = "Availability Zone rebalancing needs `spread:zone` as the first strategy"
        path: Path = ("placement_strategies", 0)
        yield Problem("M2731", path, message, f"Write `spread:zone` before it, or {hint}")
    for index, constraint in enumerate(params.placement_constraints):
        if "attribute:ecs.availability-zone" in constraint:
            message = "Availability Zone rebalancing does not work with a constraint that selects "
            message += "Availability Zones"
            path = ("placement_constraints", index)
            yield Problem("M2731", path, message, f"Remove it, or {hint}")
