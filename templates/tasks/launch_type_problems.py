"""What is wrong with where a task is to run: what Fargate refuses and instances take, and the other
way round.

Sources: Amazon ECS developer guide, "Amazon ECS task definition differences for Fargate" and "...
for Amazon ECS Managed Instances"; Amazon ECS API reference, PortMapping and ContainerDefinition.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from moorage.findings.finding import Path, Problem
from moorage.findings.wording import shown
from moorage.model import Environment

from .. import cluster
from ..cluster.capacity import Handle
from ..common.stack_lookup import find_stack
from ..exposure.params import Exposure
from ..load_balancers import nlb
from .containers import Container, suggest_container
from .launch_types import DYNAMIC_PORTS, LaunchParams, find_links, uses_instance_address
from .linux_parameters import fargate_linux_problems

_OF_FARGATE = ("capacity_providers", "ephemeral_storage", "platform_version")
_OF_ADDRESSES = ("security_groups", "subnets")
_OF_INSTANCES = ("placement_strategies", "placement_constraints")

# Amazon ECS API reference, PortMapping, hostPort: SSH, Docker and the agent have these.
_RESERVED = (22, 2375, 2376, 51678, 51679, 51680)


def launch_problems(
    params: LaunchParams, cluster: str | None, home: Handle | None
) -> Iterator[Problem]:
    """What is wrong with a task on what it is launched on; `home` are the instances of that kind
    that the cluster has, and `cluster` is None where none can be chosen."""
    if params.launch == "fargate":
        yield from _fargate_problems(params)
    else:
        yield from _instance_problems(params, cluster, home)
    yield from _address_problems(params)
    yield from _link_problems(params)
    yield from _port_problems(params)


def _fargate_problems(params: LaunchParams) -> Iterator[Problem]:
    if params.network_mode != "awsvpc":
        message = f"`{params.network_mode}` is for instances: on Fargate a task has its own address"
        hint = "Leave `network_mode` out, or write `launch: ec2`."
        yield Problem("M1220", ("network_mode",), message, hint, because=[("launch",)])
    for key in _OF_INSTANCES:
        if getattr(params, key):
            message = "Fargate places tasks itself, each on a host of its own, over all zones"
            hint = "Leave it out, or write `launch: ec2`."
            yield Problem("M1220", (key,), message, hint, because=[("launch",)])
    for name, container in params.containers.items():
        here = ("containers", name)
        if container.privileged:
            message = "Fargate gives no container the rights of root on its host"
            hint = "Leave it out: `add_capabilities: [SYS_PTRACE]` is what Fargate has. Or write "
            hint += "`launch: ec2`."
            yield Problem("M1220", (*here, "privileged"), message, hint, because=[("launch",)])
        if container.gpus:
            hint = "Write `launch: ec2`, with `gpu: true` in the cluster's `capacity`."
            path = (*here, "gpus")
            yield Problem("M1220", path, "Fargate has no GPUs", hint, because=[("launch",)])
        yield from fargate_linux_problems(here, container)


def _instance_problems(
    params: LaunchParams, cluster: str | None, home: Handle | None
) -> Iterator[Problem]:
    if cluster is not None and home is None:
        message = f"The cluster `{cluster}` is not said to have such instances"
        hint = f"Write `capacity: {{{params.launch}: true}}` at `{cluster}`, or what is there "
        hint += f"already as `existing: {{{params.launch}: ...}}`."
        yield Problem("M1220", ("launch",), message, hint, because=[("cluster",)])
    if params.launch == "managed_instances" and params.network_mode == "bridge":
        message = "Managed instances have no `bridge`"
        hint = "Write `network_mode: awsvpc` or `host`, or `launch: ec2`."
        yield Problem("M1220", ("network_mode",), message, hint, because=[("launch",)])
    for key in _OF_FARGATE:
        if key in params.model_fields_set:
            message = f"`{key}` is Fargate's, and means nothing on instances"
            hint = "Move it to the params of the environment that runs on Fargate."
            yield Problem("M1220", (key,), message, hint, because=[("launch",)])
    if uses_instance_address(params.network_mode):
        for key in _OF_ADDRESSES:
            if key in params.model_fields_set:
                message = f"With `{params.network_mode}` a task has the address of its instance"
                hint = f"Write `{key}` in the `capacity` of the cluster, or `network_mode: awsvpc`."
                yield Problem("M1220", (key,), message, hint, because=[("network_mode",)])


def _address_problems(params: LaunchParams) -> Iterator[Problem]:
    """Names in `address_of` and `links`, which must be those of other containers."""
    for name, container in params.containers.items():
        here: Path = ("containers", name)
        for key, other in container.address_of.items():
            path = (*here, "address_of", key)
            yield from _name_problems(name, other, path, params.containers)
            for beside in ("environment", "secrets"):
                if key in getattr(container, beside):
                    message = f"`{key}` stands in `address_of` and in `{beside}`"
                    yield Problem("M1108", path, message, "Keep one of them.")
        for index, other in enumerate(container.links):
            path = (*here, "links", index)
            yield from _name_problems(name, other, path, params.containers)
            if params.network_mode != "bridge" and other != name:
                message = f"With `{params.network_mode}` all containers have one address, no links"
                hint = "Leave it out: they reach each other at 127.0.0.1, and `address_of: "
                hint += f"{{{_variable(other)}: {other}}}` is right with and without a bridge."
                because = [("network_mode",), ("launch",)]
                yield Problem("M1220", path, message, hint, because=because)


def _variable(container: str) -> str:
    return container.upper().replace("-", "_") + "_HOST"


def _name_problems(
    name: str, other: str, path: Path, containers: Mapping[str, Container]
) -> Iterator[Problem]:
    if other == name:
        message = f"`{name}` would be led to itself"
        yield Problem("M1204", path, message, "Name another container, or write `127.0.0.1`.")
    elif other not in containers:
        hint = suggest_container(other, dict(containers))
        message = f"There is no container {shown(other)}"
        yield Problem("M1204", path, message, hint, because=[("containers", other)])


def _link_problems(params: LaunchParams) -> Iterator[Problem]:
    """On a bridge a container starts after those that it links to: Docker must know them."""
    if params.network_mode != "bridge" or params.launch != "ec2":
        return
    links = {name: find_links(name, one) for name, one in params.containers.items()}
    waits = {
        name: sorted({*one.depends_on, *links[name]} & params.containers.keys() - {name})
        for name, one in params.containers.items()
    }
    try:
        TopologicalSorter(waits).prepare()
    except CycleError as error:
        circle = list(reversed(error.args[1]))
        if any(after in links[one] for one, after in pairwise(circle)):
            message = f"On a bridge these would wait for each other: {' -> '.join(circle)}"
            hint = "A container starts after those that it links to. Let one find the other in "
            hint += "another way, or write `network_mode: awsvpc`."
            path: Path = ("containers", circle[0])
            yield Problem("M1207", path, message, hint)


def _port_problems(params: LaunchParams) -> Iterator[Problem]:
    """Ports of the instance that are said."""
    taken: dict[tuple[int, str], str] = {}
    for name, container in params.containers.items():
        for at, port in enumerate(container.ports):
            path = ("containers", name, "ports", at)
            if params.network_mode == "host" and port.number in _RESERVED:
                message = f"Port {port.number} of the instance is not free for this"
                hint = "Let the container listen elsewhere, or write `network_mode: awsvpc`."
                yield Problem("M1220", path, message, hint, because=[("network_mode",)])
                continue
            if port.host is None:
                continue
            if params.network_mode != "bridge":
                if port.host != port.number:
                    message = f"With `{params.network_mode}` a port is the same outside and inside"
                    hint = f"Write `{port}`, or `launch: ec2` with `network_mode: bridge`."
                    because = [("network_mode",), ("launch",)]
                    yield Problem("M1220", path, message, hint, because=because)
                continue
            if port.host in _RESERVED or DYNAMIC_PORTS[0] <= port.host:
                message = f"Port {port.host} of the instance is not free for this"
                hint = f"Write `{port}`, and Docker takes one that is free, or a port below "
                hint += f"{DYNAMIC_PORTS[0]} that neither SSH nor the ECS agent has."
                yield Problem("M1220", path, message, hint)
            other = taken.setdefault((port.host, port.protocol), name)
            if other != name:
                message = f"Port {port.host} of the instance is taken by container `{other}`"
                yield Problem("M1206", path, message, "Write another one, or none.")


def spare_problems(params: LaunchParams, least: int, env: Environment) -> Iterator[Problem]:
    """Whether there is an instance for the first task of a deployment, which must leave `least`
    tasks running: those that take a port of their instance, or want it for themselves, share none.
    """
    found = find_stack(env, cluster.Params, params.cluster)
    home = cluster.handle(*found, env).instances.get(params.launch) if found else None
    if home is None or home.most is None or not 0 < home.most <= least:
        return
    reasons: list[Path] = [
        ("containers", name, "ports", at)
        for name, container in params.containers.items()
        for at, port in enumerate(container.ports)
        if params.network_mode == "host" or (params.network_mode == "bridge" and port.host)
    ]
    if "distinct_instance" in params.placement_constraints:
        reasons.append(("placement_constraints",))
    if reasons:
        message = f"Each task needs an instance of its own, a deployment leaves {least} running, "
        message += f"and the cluster has {home.most} at most"
        hint = f"Raise `max` in the `capacity` of the cluster to {least + 1}, or write "
        hint += "`minimum_healthy_percent: 0`."
        yield Problem("M1213", reasons[0], message, hint, because=[("minimum_healthy_percent",)])


def rebalancing_problems(params: LaunchParams, *, rebalanced: bool) -> Iterator[Problem]:
    """What ECS cannot even out over the zones (Amazon ECS developer guide, "Balancing an Amazon ECS
    service across Availability Zones"; aws/aws-cdk, Ec2Service)."""
    if not rebalanced or params.launch == "fargate":
        return
    hint = "write `availability_zone_rebalancing: false`."
    if params.placement_strategies and params.placement_strategies[0] != "spread:zone":
        message = "Zones are rebalanced only where tasks are spread over them before all else"
        path: Path = ("placement_strategies", 0)
        yield Problem("M1220", path, message, f"Put `spread:zone` before it, or {hint}")
    for index, one in enumerate(params.placement_constraints):
        if "attribute:ecs.availability-zone" in one:
            message = "Zones are not rebalanced where a constraint chooses them"
            path = ("placement_constraints", index)
            yield Problem("M1220", path, message, f"Leave it out, or {hint}")


# Tasks that are reached through their instance ------------------------------------------------


def instance_reach_problems(
    params: LaunchParams, expose: Sequence[Exposure], env: Environment
) -> Iterator[Problem]:
    """Ways that do not lead to a task which is reached by the address of its instance."""
    if not uses_instance_address(params.network_mode):
        return
    for index, way in enumerate(expose):
        path: Path = ("expose", index)
        check = way.health_check
        because = [("network_mode",)]
        if check and check.sidecar:
            message = "A health sidecar asks the service at 127.0.0.1, and is asked on its own port"
            hint = "Write `network_mode: awsvpc`."
            at = (*path, "health_check", "sidecar")
            yield Problem("M1220", at, message, hint, because=because)
        elif check and check.port and params.network_mode == "bridge":
            message = "On a bridge nobody knows which port of the instance leads to it"
            hint = "Leave it out: the port that takes traffic is asked. Or `network_mode: awsvpc`."
            at = (*path, "health_check", "port")
            yield Problem("M1220", at, message, hint, because=because)
        balancer = env.params_of(way.via, nlb.Params)
        if params.network_mode == "bridge" and way.port and "udp" in way.port.protocol:
            message = "On a bridge no TCP port beside it tells the health of a UDP port"
            hint = "Write `network_mode: awsvpc` or `host`."
            yield Problem("M1220", (*path, "port"), message, hint, because=because)
        if balancer is not None and nlb.handle(way.via, balancer, env).security_group is None:
            message = f"`{way.via}` has no security group that the instances could admit"
            hint = f"Give `{way.via}` one, or write `network_mode: awsvpc`."
            yield Problem("M1220", (*path, "via"), message, hint, because=because)
