"""Launch types and network modes of tasks, and placement on instances.

In the network mode `awsvpc`, the only one on Fargate, a task has an IP address that its containers
share. In the mode `bridge`, on EC2 instances only, each container has an address behind the
instance: containers reach each other through links, and are reached through ports of the instance.
In the mode `host` the containers use the network of the instance. Amazon ECS developer guide,
"Amazon ECS task networking options for EC2".
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal

from pydantic import Field
from troposphere import ecs

from moorage.facts.host_ports import DYNAMIC_HOST_PORTS
from moorage.facts.quotas import MAX_CONTAINERS_PER_TASK
from moorage.model import Base, Environment

from ..common.fields import StackName, UniqueList, text
from .containers import Container, ContainerName, Containers
from .ports import Port

LaunchType = Literal["fargate", "ec2", "managed_instances"]
NetworkMode = Literal["awsvpc", "bridge", "host"]

LOOPBACK = "127.0.0.1"
"""How containers that share an address reach each other. The name localhost can be ::1."""

# Amazon ECS API reference, PlacementStrategy and PlacementConstraint.
PlacementStrategy = Annotated[
    str,
    text(
        r"spread:(zone|instance|attribute:[A-Za-z0-9_./-]{1,128})|binpack:(cpu|memory)|random",
        "a placement strategy",
        "spread:zone",
    ),
]
PlacementConstraint = Annotated[
    str, text(r"distinct_instance|\S.{0,1999}", "a placement constraint", "distinct_instance")
]


@dataclass(frozen=True, order=True)
class InstanceOpening:
    """Ports of instances that a load balancer sends requests and health checks to."""

    launch: LaunchType
    load_balancer: str
    """Name of the load balancer's stack."""
    security_group: Any = field(compare=False)
    """ID of the load balancer's security group; None if it has none."""
    protocol: str
    first_port: int
    last_port: int


class LaunchParams(Base):
    """Where a stack's tasks run, and their containers."""

    cluster: StackName | None = Field(
        None, description="Stack of the cluster; by default the environment's only cluster."
    )
    launch: LaunchType = Field(
        "fargate",
        description="What the tasks run on: `fargate`, or capacity of the cluster: `ec2` for its "
        "Auto Scaling group, `managed_instances` for instances that ECS manages.",
    )
    network_mode: NetworkMode = Field(
        "awsvpc",
        description="`awsvpc`: the task has an IP address that its containers share; the only "
        "mode on Fargate. `bridge`, with `launch: ec2`: each container reaches those in its "
        "`links` and `address_of`, and is reached through a port of the instance. `host`, on "
        "instances: the containers use the network of the instance.",
    )
    placement_strategies: list[PlacementStrategy] = Field(
        [],
        max_length=5,
        description="On instances: how ECS chooses an instance, as strategies that it applies in "
        "this order: `spread:zone`, `spread:instance`, `spread:attribute:<name>`, `binpack:cpu`, "
        "`binpack:memory`, `random`.",
    )
    placement_constraints: UniqueList[PlacementConstraint] = Field(
        [],
        max_length=10,
        description="On instances: `distinct_instance` to run each task on its own instance, or an "
        "expression that the instance must match, such as `attribute:ecs.instance-type =~ t3.*`.",
    )
    containers: dict[ContainerName, Container] = Field(
        min_length=1,
        max_length=MAX_CONTAINERS_PER_TASK,
        description="The containers of the task by name.",
    )

    @property
    def listened_ports(self) -> set[Port]:
        """The ports that the containers of a task listen on."""
        return {port for container in self.containers.values() for port in container.ports}

    def instance_openings(self, name: str, env: Environment) -> Collection[InstanceOpening]:
        """The ports of the cluster's instances that must be open for this stack, called `name`."""
        return ()


def uses_instance_address(mode: NetworkMode) -> bool:
    """Whether a task has the IP address and the security groups of its instance."""
    return mode != "awsvpc"


def container_address(container: str, mode: NetworkMode) -> str:
    """The host name or IP address at which other containers of the task reach a container. In the
    mode `bridge` they need a link to it."""
    return container if mode == "bridge" else LOOPBACK


def find_links(name: str, container: Container) -> list[str]:
    """The containers that the container `name` has to be linked to in the mode `bridge`."""
    targets = [*container.links, *container.address_of.values()]
    return list(dict.fromkeys(target for target in targets if target != name))


def apply_network_mode(containers: Mapping[str, Container], mode: NetworkMode) -> Containers:
    """The containers with `address_of` as environment variables, and in the mode `bridge` with the
    links and the ports of the instance that they need."""
    return {
        name: _apply_network_mode(name, container, mode) for name, container in containers.items()
    }


def _apply_network_mode(name: str, container: Container, mode: NetworkMode) -> Container:
    addresses = {
        variable: container_address(target, mode)
        for variable, target in container.address_of.items()
    }
    is_bridge = mode == "bridge"
    ports = [
        replace(port, host=(port.host or 0) if is_bridge else None) for port in container.ports
    ]
    return container.model_copy(
        update={
            "environment": {**container.environment, **addresses},
            "address_of": {},
            "links": find_links(name, container) if is_bridge else [],
            "ports": ports,
        }
    )


def instance_port_range(port: Port | None, mode: NetworkMode) -> tuple[int, int]:
    """The first and the last port of the instance that can be mapped to a container's port: the
    port in the params, or without one the range from which Docker chooses."""
    if port is None:
        return DYNAMIC_HOST_PORTS
    fixed = port.number if mode == "host" else port.host
    return (fixed, fixed) if fixed else DYNAMIC_HOST_PORTS


_FIELDS = {"zone": "attribute:ecs.availability-zone", "instance": "instanceId"}


def placement_strategies(params: LaunchParams) -> list[ecs.PlacementStrategy]:
    """The PlacementStrategies property of an ECS service."""
    parts = [strategy.partition(":")[::2] for strategy in params.placement_strategies]
    return [
        ecs.PlacementStrategy(Type=kind, **({"Field": _FIELDS.get(field, field)} if field else {}))
        for kind, field in parts
    ]


def placement_constraints(params: LaunchParams) -> list[ecs.PlacementConstraint]:
    """The PlacementConstraints property of an ECS service."""
    return [
        ecs.PlacementConstraint(Type="distinctInstance")
        if constraint == "distinct_instance"
        else ecs.PlacementConstraint(Type="memberOf", Expression=constraint)
        for constraint in params.placement_constraints
    ]
