"""Where a task runs, and how its containers reach each other and are reached there.

On Fargate, and in the network mode `awsvpc`, a task has an address of its own and its containers
share it. On instances a task can be behind Docker's bridge instead, where each container has an
address of its own that others know by a link, and is reached through ports of the instance; or it
can use the instance's network as it is (`host`). Amazon ECS developer guide, "Amazon ECS task
networking options for EC2".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field
from troposphere import ecs

from moorage.model import Base

from ..common.fields import StackName, UniqueList, text
from .containers import Container, ContainerName, Containers, Port

Launch = Literal["fargate", "ec2", "managed_instances"]
NetworkMode = Literal["awsvpc", "bridge", "host"]

LOOPBACK = "127.0.0.1"
"""Where containers find each other that share an address; not localhost, which may be ::1."""

DYNAMIC_PORTS = (32768, 65535)
"""The ports of an instance of which Docker takes one for each port of a container. Linux has 32768
to 60999 for it (`ip_local_port_range`), and where that cannot be read Docker takes 49153 to 65535
(Amazon ECS API reference, PortMapping, hostPort)."""


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


class LaunchParams(Base):
    """What a stack says of where its tasks run."""

    cluster: StackName | None = Field(
        None, description="Stack of the cluster; the only one where there is one."
    )
    launch: Launch = Field(
        "fargate",
        description="What the tasks run on: `fargate`, or the cluster's `capacity`: `ec2` for its "
        "Auto Scaling group, `managed_instances` for instances that ECS manages.",
    )
    network_mode: NetworkMode = Field(
        "awsvpc",
        description="`awsvpc`: the task has an address of its own, which its containers share; "
        "everywhere. `bridge`, on `ec2`: each container has one behind the instance, reaches "
        "those that it names in `links` or `address_of`, and is reached through a port of the "
        "instance. `host`, on instances: the containers use the instance's own network.",
    )
    placement_strategies: list[PlacementStrategy] = Field(
        [],
        max_length=5,
        description="On instances: by what ECS chooses one, in this order: `spread:zone`, "
        "`spread:instance`, `spread:attribute:<name>`, `binpack:cpu`, `binpack:memory`, `random`.",
    )
    placement_constraints: UniqueList[PlacementConstraint] = Field(
        [],
        max_length=10,
        description="On instances: `distinct_instance` for tasks that share none, or an expression "
        "such as `attribute:ecs.instance-type =~ t3.*`.",
    )
    containers: dict[ContainerName, Container] = Field(
        min_length=1, max_length=10, description="The containers of the task by name."
    )

    def fronted(self) -> LaunchParams:
        """The stack as load balancers see it."""
        return self


def shares_instance(mode: NetworkMode) -> bool:
    """Whether a task is reached by the address of its instance, and has no security group."""
    return mode != "awsvpc"


def address(container: str, mode: NetworkMode) -> str:
    """What another container of the task reaches a container by; on a bridge it needs a link."""
    return container if mode == "bridge" else LOOPBACK


def linked(name: str, container: Container) -> list[str]:
    """The containers that one reaches by link on a bridge."""
    named = [*container.links, *container.address_of.values()]
    return list(dict.fromkeys(one for one in named if one != name))


def settled(containers: Mapping[str, Container], mode: NetworkMode) -> Containers:
    """The containers as they run in a network mode: addresses filled in, and on a bridge the links
    and the ports of the instance that they need."""
    return {name: _settled(name, one, mode) for name, one in containers.items()}


def _settled(name: str, container: Container, mode: NetworkMode) -> Container:
    addresses = {key: address(other, mode) for key, other in container.address_of.items()}
    bridged = mode == "bridge"
    ports = [replace(one, host=(one.host or 0) if bridged else None) for one in container.ports]
    return container.model_copy(
        update={
            "environment": {**container.environment, **addresses},
            "address_of": {},
            "links": linked(name, container) if bridged else [],
            "ports": ports,
        }
    )


def instance_ports(port: Port | None, mode: NetworkMode) -> tuple[int, int]:
    """The ports of an instance among which a container's port is found, first and last: one of all
    that Docker takes, where none is said."""
    if port is None:
        return DYNAMIC_PORTS
    fixed = port.number if mode == "host" else port.host
    return (fixed, fixed) if fixed else DYNAMIC_PORTS


_FIELDS = {"zone": "attribute:ecs.availability-zone", "instance": "instanceId"}


def strategies(params: LaunchParams) -> list[ecs.PlacementStrategy]:
    """By what ECS chooses an instance."""
    parts = [one.partition(":")[::2] for one in params.placement_strategies]
    return [
        ecs.PlacementStrategy(Type=kind, **({"Field": _FIELDS.get(by, by)} if by else {}))
        for kind, by in parts
    ]


def constraints(params: LaunchParams) -> list[ecs.PlacementConstraint]:
    """Which instances ECS may choose."""
    return [
        ecs.PlacementConstraint(Type="distinctInstance")
        if one == "distinct_instance"
        else ecs.PlacementConstraint(Type="memberOf", Expression=one)
        for one in params.placement_constraints
    ]
