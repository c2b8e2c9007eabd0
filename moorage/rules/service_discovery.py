"""How services are found: Cloud Map registries and Service Connect."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.nodes import Node
from moorage.cfn.view import Resource, View
from moorage.rules.rule import Problem, problem, rule

MAP_SERVICE = "AWS::ServiceDiscovery::Service"


@rule(
    "E9383",
    "A service registry is given a port that it has no use for",
    error_messages=(
        "The values specified for serviceRegistries do not require a value for 'containerPort'. "
        "Remove the value and retry.",
        "Specify a value for either 'port' or the 'containerName' and 'containerPort' "
        "combination, but not both. Remove one and retry.",
    ),
    fix="For A and AAAA records write RegistryArn alone; for SRV records either Port, or "
    "ContainerName and ContainerPort.",
    sources=(
        "umotif-public/terraform-aws-ecs-fargate#25",
        "telia-oss/terraform-aws-ecs-fargate#36",
        "cloudposse/terraform-aws-ecs-web-app#208",
        "trussworks/terraform-aws-ecs-service#344",
    ),
    failure_ids=(
        "svc-registry-container-port-with-a-record",
        "svc-registry-port-and-container-port",
    ),
)
def registry_ports(view: View) -> Iterator[Problem]:
    """Ports are told by SRV records. A registry with A records of tasks that have addresses of
    their own takes no port, and an SRV record takes it in one way, not in both."""
    for service in ecs.services(view):
        for registry in service["ServiceRegistries"].items:
            port = registry["Port"]
            of_container = [registry["ContainerPort"], registry["ContainerName"]]
            given = [one for one in (*of_container, port) if one.certainly_present]
            if port.certainly_present and len(given) > 1:
                yield problem(
                    port,
                    f"{service.id} gives its service registry a Port and a container's port, and "
                    f"ECS takes only one of them",
                    "Remove Port, or ContainerName and ContainerPort.",
                )
            elif given and _has_no_srv(registry) and _is_awsvpc(service):
                yield problem(
                    given[0],
                    f"The service registry of {service.id} has no SRV record, and ECS refuses a "
                    f"port for it",
                    "Remove " + ", ".join(str(one.path[-1]) for one in given) + ".",
                )


def _has_no_srv(registry: Node) -> bool:
    """Whether a registry in sight certainly has records, and none that tells a port."""
    found = ecs.resource_of_type(registry["RegistryArn"], MAP_SERVICE)
    if found is None:
        return False
    types = [one["Type"] for one in found["DnsConfig"]["DnsRecords"].items]
    return bool(types) and all(one.is_none_of("SRV") for one in types)


def _is_awsvpc(service: Resource) -> bool:
    task = ecs.task_definition_of(service)
    mode = ecs.network_mode(task) if task else None
    return mode == "awsvpc" or bool(ecs.runs_on_fargate(service))


@rule(
    "E9384",
    "Service Connect names a port that the task definition does not name, or a name twice",
    error_messages=("The portName must refer to a named PortMapping in the task definition",),
    fix="Give the container's port mapping the Name that PortName says.",
    sources=(
        "cloudposse/terraform-aws-ecs-container-definition#162",
        "pulumi/pulumi-awsx#1168",
        "AWS docs: ServiceConnectService (discoveryName must be unique within the namespace)",
    ),
    failure_ids=("svc-connect-port-name-missing",),
)
def connect_names(view: View) -> Iterator[Problem]:
    """Service Connect finds a container's port by the Name of its port mapping, which is optional
    everywhere else. What it makes of it, a name in the namespace, may be there only once."""
    seen: list[tuple[Resource, Node, Node]] = []
    for service in ecs.services(view):
        connect = service["ServiceConnectConfiguration"]
        if not connect["Enabled"].flag:
            continue
        task = ecs.task_definition_of(service)
        names = _port_names(task) if task else None
        for entry in connect["Services"].items:
            port = entry["PortName"]
            if (
                port.certainly_present
                and names is not None
                and all(one.is_same_as(port) is False for one in names)
            ):
                has = ", ".join(one.text or "?" for one in names)
                yield problem(
                    port,
                    f"No port mapping of {task.id if task else 'the task'} has the name "
                    f"{port.text or 'that this says'}, and ECS refuses to create {service.id}",
                    f"Write {has}." if has else "Give the container's port mapping this Name.",
                )
            name = port if entry["DiscoveryName"].absent else entry["DiscoveryName"]
            if any(_clashes(one, service, connect["Namespace"], name) for one in seen):
                yield problem(
                    name,
                    f"Service Connect already has a service {name.text} in this namespace, and "
                    f"{service.id} makes a second one",
                    "Write another DiscoveryName.",
                )
            seen.append((service, connect["Namespace"], name))
        yield from _same_alias(service, connect)


def _port_names(task: Resource) -> list[Node] | None:
    """The names of a task's port mappings; None where they are not all in sight."""
    boxes = task["ContainerDefinitions"]
    mappings = [one["PortMappings"] for one in boxes.items]
    if not boxes.items or not all(one.all_known for one in (boxes, *mappings)):
        return None
    return [one["Name"] for ports in mappings for one in ports.items if one["Name"].present]


def _clashes(
    other: tuple[Resource, Node, Node], service: Resource, namespace: Node, name: Node
) -> bool:
    """Whether two names certainly are one and stand in one namespace."""
    if name.text is None or other[2].text != name.text:
        return False
    if other[0] is service:
        return True
    if other[1].present or namespace.present:
        return bool(other[1].is_same_as(namespace))
    return bool(other[0]["Cluster"].is_same_as(service["Cluster"]))


def _same_alias(service: Resource, connect: Node) -> Iterator[Problem]:
    """One name and port for two services of a Service Connect configuration."""
    seen: set[tuple[str, str]] = set()
    for entry in connect["Services"].items:
        for alias in entry["ClientAliases"].items:
            name, port = alias["DnsName"].text, alias["Port"].text
            if name is None or port is None:
                continue
            if (name, port) in seen:
                yield problem(
                    alias["DnsName"],
                    f"{service.id} has the client alias {name}:{port} twice",
                    "Write another DnsName or Port.",
                )
            seen.add((name, port))


RULES = (registry_ports, connect_names)
