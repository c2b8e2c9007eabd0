"""Service Connect: port names, discovery names and client aliases."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.nodes import Node
from moorage.cfn.stack import Resource
from moorage.cfn.view import View
from moorage.rules.message_parts import join_or, quote
from moorage.rules.rule import Problem, problem, rule

_CLOUD_MAP = "AWS::ServiceDiscovery::"
_DNS_NAMESPACES = (f"{_CLOUD_MAP}PrivateDnsNamespace", f"{_CLOUD_MAP}PublicDnsNamespace")
_HTTP_NAMESPACE = f"{_CLOUD_MAP}HttpNamespace"


@rule(
    "E9365",
    "Service Connect has a port name that does not exist, or a name that is already used.",
    error_messages=("The portName must refer to a named PortMapping in the task definition",),
    fix="Write the Name of a port mapping as PortName, and give each Service Connect service its "
    "own DiscoveryName.",
    sources=(
        "cloudposse/terraform-aws-ecs-container-definition#162",
        "pulumi/pulumi-awsx#1168",
        "AWS docs: ServiceConnectService (discoveryName must be unique within the namespace)",
    ),
    failure_ids=("svc-connect-port-name-missing",),
)
def wrong_service_connect_name(view: View) -> Iterator[Problem]:
    """Service Connect finds the port of a container by the Name of its port mapping, which is
    otherwise optional. The discovery name, by default the port name, must be unique in the
    namespace."""
    earlier_names: dict[str, list[tuple[Resource, Node]]] = {}
    for service in ecs.services(view):
        connect = service["ServiceConnectConfiguration"]
        if not connect["Enabled"].flag:
            continue
        namespace = connect["Namespace"]
        for entry in connect["Services"].items:
            port_name = entry["PortName"]
            yield from _unknown_port_name(service, port_name)
            discovery_name = entry["DiscoveryName"]
            name = port_name if discovery_name.absent else discovery_name
            if name.text is None:
                continue
            earlier_users = earlier_names.setdefault(name.text, [])
            if any(_clashes(*earlier, service, namespace) for earlier in earlier_users):
                yield problem(
                    name,
                    f"Service `{service.id}` has the discovery name `{name.text}`, which another "
                    f"Service Connect service of the namespace already has",
                    "Write another DiscoveryName.",
                )
            earlier_users.append((service, namespace))
        yield from _repeated_alias(service, connect)


def _unknown_port_name(service: Resource, port_name: Node) -> Iterator[Problem]:
    task = ecs.task_definition_of(service)
    names = _port_names(task) if task else None
    if task is None or names is None or not port_name.certainly_present:
        return
    if any(name.is_same_as(port_name) is not False for name in names):
        return
    known = quote(name.text for name in names if name.text)
    name = f"the name `{port_name.text}`" if port_name.text else "this name"
    add = f"add `Name: {port_name.text or '<port name>'}` to the port mapping of the container."
    yield problem(
        port_name,
        f"No port mapping of task definition `{task.id}` has {name}, and ECS refuses to create "
        f"service `{service.id}`",
        f"Write {join_or(known)}, or {add}" if known else f"A{add[1:]}",
    )


def _port_names(task: Resource) -> list[Node] | None:
    """The names of a task's port mappings; None if there may be others."""
    containers = task["ContainerDefinitions"]
    mappings = [container["PortMappings"] for container in containers.items]
    if not containers.items or not all(node.all_known for node in (containers, *mappings)):
        return None
    return [
        mapping["Name"] for ports in mappings for mapping in ports.items if mapping["Name"].present
    ]


def _clashes(
    earlier_service: Resource, earlier_namespace: Node, service: Resource, namespace: Node
) -> bool:
    """Whether two services are certainly in the same namespace."""
    if earlier_service is service:
        return True
    if earlier_namespace.present or namespace.present:
        return bool(earlier_namespace.is_same_as(namespace))
    return bool(earlier_service["Cluster"].is_same_as(service["Cluster"]))


def _repeated_alias(service: Resource, connect: Node) -> Iterator[Problem]:
    """Two client aliases of a service with the same name and port."""
    seen: set[tuple[str, str]] = set()
    for entry in connect["Services"].items:
        for alias in entry["ClientAliases"].items:
            name, port = alias["DnsName"].text, alias["Port"].text
            if name is None or port is None:
                continue
            if (name, port) in seen:
                yield problem(
                    alias["DnsName"],
                    f"Service `{service.id}` has two client aliases `{name}:{port}`",
                    "Write another DnsName or Port.",
                )
            seen.add((name, port))


@rule(
    "E9352",
    "Service Connect is used for a port that is not for TCP.",
    fix="Remove the entry from Services, or map the port with `Protocol: tcp`.",
    sources=("AWS docs: Amazon ECS developer guide, Service Connect components",),
)
def port_without_tcp(view: View) -> Iterator[Problem]:
    """The proxy of Service Connect forwards TCP connections, and HTTP and gRPC inside them."""
    for service in ecs.services(view):
        task = ecs.task_definition_of(service)
        connect = service["ServiceConnectConfiguration"]
        if task is None or not connect["Enabled"].flag:
            continue
        for entry in connect["Services"].items:
            mappings = [
                mapping
                for container in task["ContainerDefinitions"].items
                for mapping in container["PortMappings"].items
                if mapping["Name"].text and mapping["Name"].text == entry["PortName"].text
            ]
            if any(mapping["Protocol"].text == "udp" for mapping in mappings):
                yield problem(
                    entry["PortName"],
                    f"Service `{service.id}` uses Service Connect for the UDP port "
                    f"`{entry['PortName'].text}`, and the proxy forwards TCP only",
                    "Remove the entry, or use DNS names of Cloud Map.",
                )


# Timeouts and namespaces ---------------------------------------------------------------------


@rule(
    "E9368",
    "Service Connect has a request timeout for a TCP port.",
    error_messages=(
        "(in substance) perRequestTimeout can only be set if Service Connect appProtocol isn't TCP",
    ),
    fix="Write the AppProtocol of the port mapping: http, http2 or grpc. For TCP, write only "
    "IdleTimeoutSeconds.",
    sources=("AWS docs: ECS API reference, TimeoutConfiguration (perRequestTimeoutSeconds)",),
    failure_ids=("svc-connect-request-timeout-on-tcp",),
)
def request_timeout_on_tcp(view: View) -> Iterator[Problem]:
    """For Service Connect a port mapping without AppProtocol is TCP: it has connections but no
    requests, and ECS refuses a request timeout."""
    for service in ecs.services(view):
        task = ecs.task_definition_of(service)
        if task is None:
            continue
        for entry in service["ServiceConnectConfiguration"]["Services"].items:
            timeout = entry["Timeout"]["PerRequestTimeoutSeconds"]
            mappings = [
                mapping
                for container in ecs.containers(task)
                for mapping in container["PortMappings"].items
                if mapping["Name"].present and mapping["Name"].is_same_as(entry["PortName"])
            ]
            if timeout.number and mappings and mappings[0]["AppProtocol"].absent:
                yield problem(
                    timeout,
                    f"Service `{service.id}` has PerRequestTimeoutSeconds for a port without "
                    f"AppProtocol, which is TCP and has no requests",
                    "Write `AppProtocol: http` in the port mapping, or IdleTimeoutSeconds here.",
                )


@rule(
    "E9371",
    "A VPC Lattice configuration has a port name that does not exist.",
    error_messages=("(in substance) the port name 'http' was not found in the task definition",),
    fix="Write the Name of a port mapping of the task definition as PortName.",
    sources=("AWS docs: ECS API reference, VpcLatticeConfiguration (portName)",),
    failure_ids=("svc-lattice-port-name-not-in-task",),
)
def wrong_lattice_port_name(view: View) -> Iterator[Problem]:
    """ECS finds the port that it registers in a VPC Lattice target group by the Name of the port
    mapping, which is otherwise optional."""
    for service in ecs.services(view):
        for entry in service["VpcLatticeConfigurations"].items:
            yield from _unknown_port_name(service, entry["PortName"])


@rule(
    "W9374",
    "Service Connect refers to a DNS namespace of the template by its name.",
    fix="Write `!GetAtt <namespace>.Arn`.",
    sources=("aws/aws-cdk#25616",),
    failure_ids=("connect-namespace-by-name",),
)
def namespace_by_name(view: View) -> Iterator[Problem]:
    """By its name ECS finds only an HTTP namespace, and a DNS namespace has another HTTP name. So
    ECS does not find it, and creates a second namespace with the name, which stays when the stack
    is deleted. Names in the first namespace do not work for Service Connect."""
    namespaces = {
        name: namespace
        for namespace in view.resources_of_type(*_DNS_NAMESPACES)
        for name in [namespace["Name"].text]
        if name is not None
    }
    http_names = [item["Name"] for item in view.resources_of_type(_HTTP_NAMESPACE)]
    services = [(item, item["ServiceConnectConfiguration"]) for item in ecs.services(view)]
    clusters = [
        (item, item["ServiceConnectDefaults"]) for item in view.resources_of_type(ecs.CLUSTER)
    ]
    for owner, settings in (*services, *clusters):
        name = settings["Namespace"]
        namespace = namespaces.get(name.text or "")
        if namespace is not None and all(item.is_same_as(name) is False for item in http_names):
            yield problem(
                name,
                f"`{owner.id}` refers to the DNS namespace `{namespace.id}` by its name, so ECS "
                f"does not find it and creates another namespace",
                f"Write `!GetAtt {namespace.id}.Arn`.",
            )


RULES = (
    port_without_tcp,
    wrong_service_connect_name,
    request_timeout_on_tcp,
    wrong_lattice_port_name,
    namespace_by_name,
)
