"""Port mappings of containers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.nodes import Node
from moorage.cfn.view import View
from moorage.records import entity
from moorage.rules.message_parts import name_container
from moorage.rules.rule import Problem, problem, rule


@rule(
    "E9112",
    "The container port of a load balancer is in two port mappings.",
    error_messages=("Container port 514 is used in more than one port mapping for container app",),
    fix="Map the port once. Use another port, or another service, for the other protocol.",
    sources=(
        "aws/amazon-ecs-agent#3428",
        "terraform-aws-modules/terraform-aws-ecs#89",
        "aws/containers-roadmap#850",
    ),
    failure_ids=("td-same-port-tcp-and-udp-behind-load-balancer",),
)
def load_balancer_port_mapped_twice(view: View) -> Iterator[Problem]:
    """LoadBalancers of a service names a container and a port, but no protocol. A task definition
    can map one port for TCP and for UDP, but ECS refuses to create a service whose load balancer
    uses that port, as it cannot choose between the two mappings."""
    for attachment in ecs.target_group_attachments(view):
        task = ecs.task_definition_of(attachment.service)
        name, port = attachment.container_name, attachment.container_port
        container = ecs.find_container(task, name) if task and name is not None else None
        if container is None or port is None:
            continue
        mappings = container["PortMappings"]
        if sum(mapping["ContainerPort"].number == port for mapping in mappings.items) > 1:
            yield problem(
                mappings,
                f"Container `{name}` maps port {port} more than once, and ECS refuses to create "
                f"service `{attachment.service.id}`, whose load balancer uses that port",
                "Map the port once. Use another port, or another service, for the other protocol.",
            )


@rule(
    "E9118",
    "Two containers of a task with network mode awsvpc map the same port.",
    error_messages=(
        "Create TaskDefinition: TCP container port '9901' is used multiple times in task when "
        "networkMode=awsvpc.",
    ),
    fix="Let one of the containers listen on another port.",
    sources=("aws/copilot-cli#3768",),
)
def port_of_two_containers(view: View) -> Iterator[Problem]:
    """With the network mode awsvpc, the containers of a task share one network interface, so only
    one of them can listen on a port. ECS refuses the task definition."""
    for task in ecs.task_definitions(view):
        if ecs.network_mode(task) != "awsvpc":
            continue
        owners: dict[tuple[int, str], str] = {}
        for container in ecs.containers(task):
            name = name_container(container)
            for number, protocol, mapping in ecs.port_mappings(container):
                first = owners.setdefault((number, protocol), name)
                if first != name:
                    yield problem(
                        mapping["ContainerPort"],
                        f"In task definition `{task.id}`, {first} and {name} both map {protocol} "
                        f"port {number}, and the containers of a task share one network interface",
                        "Let one of them listen on another port.",
                    )


_RANGE = re.compile(r"([0-9]{1,5})-([0-9]{1,5})")


@rule(
    "E9137",
    "A range of container ports is reversed, out of range, or overlaps another.",
    error_messages=(
        "Invalid 'containerPortRange' setting",
        "container port is used multiple times in task",
    ),
    fix="Write `<first>-<last>` with the smaller port first, from 1 to 65535, and each port once.",
    sources=(
        "Amazon ECS API reference: PortMapping, containerPortRange",
        "AWS's error message, reproduced by cdk-preflight",
    ),
)
def wrong_port_range(view: View) -> Iterator[Problem]:
    """ContainerPortRange has a first and a last port, of which the first is smaller. A port can be
    in one port mapping of a container only, and with the network mode awsvpc in one of the task."""
    for task in ecs.task_definitions(view):
        earlier: list[_Ports] = []
        for container in ecs.containers(task):
            if ecs.network_mode(task) != "awsvpc":
                earlier = []
            where = f"{name_container(container)} of task definition `{task.id}`"
            for mapping in container["PortMappings"].items:
                ports = _find_ports(mapping)
                if ports is None:
                    continue
                if ports.is_range and not 1 <= ports.first < ports.last <= 65535:
                    yield problem(
                        ports.node,
                        f"The port range `{ports.node.text}` of {where} does not go from a port to "
                        f"a higher one",
                        "Write `<first>-<last>`, from 1 to 65535.",
                    )
                elif any(map(ports.overlaps, earlier)):
                    yield problem(
                        ports.node,
                        f"A port mapping of {where} has ports that another one has",
                        "Write each port once.",
                    )
                earlier.append(ports)


@entity
class _Ports:
    """The ports of a mapping."""

    node: Node
    first: int
    last: int
    protocol: str | None
    is_range: bool

    def overlaps(self, other: _Ports) -> bool:
        """Whether both have a port in common, and one of them is a range."""
        return (
            (self.is_range or other.is_range)
            and self.protocol == other.protocol is not None
            and self.first <= other.last
            and other.first <= self.last
        )


def _find_ports(mapping: Node) -> _Ports | None:
    """The ports of a mapping; None if they are not known."""
    protocol = "tcp" if mapping["Protocol"].absent else mapping["Protocol"].text
    ports, port = mapping["ContainerPortRange"], mapping["ContainerPort"]
    match = _RANGE.fullmatch(ports.text or "")
    if match:
        return _Ports(ports, int(match[1]), int(match[2]), protocol, True)
    if port.number is None or ports.present:
        return None
    return _Ports(port, port.number, port.number, protocol, False)


RULES = (load_balancer_port_mapped_twice, port_of_two_containers, wrong_port_range)
