"""Service discovery by DNS: namespaces of Cloud Map, and names of services."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field
from troposphere import GetAtt, Output, Select, Split, ec2, ecs, servicediscovery

from moorage.facts.arn_patterns import arn_pattern
from moorage.findings.finding import Path, Problem
from moorage.findings.wording import join_and
from moorage.model import Base, Environment
from moorage.records import record
from moorage.references import Reference

from .. import network
from ..common.exports import export_output, import_value
from ..common.fields import StackName, duration, text
from ..common.references import Importable
from ..common.regions import region_problems
from ..common.stack_lookup import find_stack, find_stack_problems
from .containers import ContainerName, Containers, choose_container, container_choice_problems
from .ports import Port, PortField

# Cloud Map API reference, CreatePrivateDnsNamespace and CreateService, Name.
_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
NamespaceName = Annotated[
    str, text(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*", "the name of a namespace", "shop.internal")
]
DnsName = Annotated[str, text(rf"(?=.{{1,127}}$){_LABEL}(\.{_LABEL})*", "a DNS name", "api")]
NamespaceArn = Annotated[
    str,
    text(
        arn_pattern("servicediscovery", r"namespace/ns-[a-z0-9]+"),
        "the ARN of a Cloud Map namespace",
        "arn:aws:servicediscovery:eu-central-1:123456789012:namespace/ns-abcdefghijklmnop",
    ),
]


class ExistingNamespace(Base):
    """A Cloud Map namespace that already exists."""

    arn: Importable[NamespaceArn] = Field(description="ARN of the namespace.")
    dns: bool = Field(
        True, description="Whether it is a private DNS namespace, with names in the VPC's DNS."
    )


class Namespace(Base):
    """A Cloud Map namespace, in which services have names."""

    name: NamespaceName | None = Field(
        None, description="Name of the namespace; `<env>.<app>.internal` by default."
    )
    dns: bool = Field(
        True,
        description="Create DNS names in the VPC, which `discovery:` needs. Service Connect also "
        "works without them.",
    )
    network: StackName | None = Field(
        None,
        description="Stack of the network whose VPC gets the DNS names; by default the "
        "environment's only network.",
    )
    existing: ExistingNamespace | None = Field(
        None, description="Use a namespace that already exists."
    )


class Discovery(Base):
    """A DNS name in the namespace that resolves to the addresses of the tasks."""

    name: DnsName | None = Field(
        None, description="Name inside the namespace; the name of the stack by default."
    )
    ttl: Annotated[int, duration(1, 3600)] = Field(
        10, description="Time for which clients cache an answer (TTL)."
    )
    port: PortField | None = Field(
        None, description="A port for an additional SRV record, which few clients use."
    )
    container: ContainerName | None = Field(
        None,
        description="Container with the port; required only if several containers have the port.",
    )


@record
class NamespaceHandle:
    """References to a namespace, as literals or imports."""

    arn: Any
    namespace_id: Any
    dns: bool
    key: str
    """Identifies the namespace, which several clusters can use."""


def namespace_handle(
    stack: str, params: Namespace | None, env: Environment
) -> NamespaceHandle | None:
    """The namespace of the cluster stack `stack`."""
    if params is None or params.existing:
        return existing_namespace_handle(params.existing if params else None)
    return NamespaceHandle(
        arn=import_value(env, stack, "NamespaceArn"),
        namespace_id=import_value(env, stack, "NamespaceId"),
        dns=params.dns,
        key=stack,
    )


def existing_namespace_handle(existing: ExistingNamespace | None) -> NamespaceHandle | None:
    """A namespace that already exists."""
    if existing is None:
        return None
    return NamespaceHandle(
        arn=existing.arn,
        namespace_id=_namespace_id(existing.arn),
        dns=existing.dns,
        key=str(existing.arn),
    )


def _namespace_id(arn: str | Reference) -> Any:
    return arn.rsplit("/", 1)[-1] if isinstance(arn, str) else Select(1, Split("/", arn))


# Problems ------------------------------------------------------------------------------------


def namespace_region_problems(
    existing: ExistingNamespace | None, path: Path, env: Environment
) -> Iterator[Problem]:
    """Reports an existing namespace that is in another region than the environment."""
    if existing:
        yield from region_problems(existing.arn, (*path, "arn"), env, "namespace")


def namespace_problems(params: Namespace | None, env: Environment) -> Iterator[Problem]:
    """Problems of a cluster's `namespace`."""
    if params is None:
        return
    yield from namespace_region_problems(params.existing, ("namespace", "existing"), env)
    if params.existing and params.model_fields_set != {"existing"}:
        keys = join_and(f"`{key}`" for key in sorted(params.model_fields_set - {"existing"}))
        message = f"Moorage does not change an existing namespace: {keys} would have no effect"
        hint = f"Remove {keys}, or remove `existing` to create a namespace."
        yield Problem("M3103", ("namespace", "existing"), message, hint)
    elif params.dns and not params.existing:
        path = ("namespace", "network")
        yield from find_stack_problems(env, network.Params, params.network, path, "network")
    elif params.network and not params.existing:
        message = "A namespace without DNS names belongs to no network"
        hint = "Remove `network`, or remove `dns: false`."
        yield Problem("M3104", ("namespace", "network"), message, hint)


def discovery_problems(params: Discovery, containers: Containers) -> Iterator[Problem]:
    """Problems of a service's `discovery`."""
    if params.port is None:
        if params.container is not None:
            message = "`container` has no effect without `port`: the name resolves to the "
            message += "addresses of the tasks"
            hint = "Add `port:`, or remove `container`."
            yield Problem("M3106", ("discovery", "container"), message, hint)
        return
    yield from container_port_problems(params.container, params.port, ("discovery",), containers)


def find_port_container(container: str | None, port: Port, containers: Containers) -> str:
    """The container of a port: `container` if it is not None, else the only one that has the port,
    else the only one of the task. Empty if there are several."""
    owners = [name for name, candidate in containers.items() if port in candidate.ports]
    return container or (owners[0] if len(owners) == 1 else choose_container(None, containers))


def container_port_problems(
    container: str | None, port: Port, path: Path, containers: Containers
) -> Iterator[Problem]:
    """Why no container has the port. `path` is the entry with the keys `container` and `port`."""
    name = find_port_container(container, port, containers)
    yield from container_choice_problems(name or None, path, containers)
    if name in containers and port not in containers[name].ports:
        ports = ", ".join(map(str, containers[name].ports))
        message = f"Container `{name}` has no port {port}"
        hint = f"Write one of its ports: {ports}." if ports else f"Add {port} to its `ports`."
        because = [("containers", name, "ports")]
        yield Problem("M1205", (*path, "port"), message, hint, because=because)


# Resources -----------------------------------------------------------------------------------


def namespace_name(params: Namespace, env: Environment) -> str:
    """The name of the namespace that a cluster stack creates."""
    return params.name or f"{env.name}.{env.app}.internal"


def namespace_resource(params: Namespace, env: Environment) -> Any:
    """The namespace that a cluster stack creates."""
    name = namespace_name(params, env)
    if not params.dns:
        return servicediscovery.HttpNamespace("Namespace", Name=name)
    network_stack = find_stack(env, network.Params, params.network)
    assert network_stack is not None, "namespace_problems has found no problem"
    vpc_id = network.handle(*network_stack, env).vpc_id
    return servicediscovery.PrivateDnsNamespace("Namespace", Name=name, Vpc=vpc_id)


def namespace_outputs(stack: str, env: Environment) -> Iterator[Output]:
    """Outputs for the stacks of services."""
    for attribute in ("Arn", "Id"):
        name, value = f"Namespace{attribute}", GetAtt("Namespace", attribute)
        yield export_output(env, stack, name, value, f"{attribute.upper()} of the namespace")


def discovery_service(
    stack: str, params: Discovery, namespace: NamespaceHandle
) -> servicediscovery.Service:
    """The Cloud Map service in which ECS registers healthy tasks.

    Amazon ECS developer guide, "Use service discovery to connect Amazon ECS services with DNS
    names": A records for tasks in the network mode `awsvpc`, SRV records for ports in addition, and
    a custom health check, whose state ECS reports.
    """
    types = ["A", *(["SRV"] if params.port else [])]
    return servicediscovery.Service(
        "DiscoveryService",
        Name=params.name or stack,
        NamespaceId=namespace.namespace_id,
        DnsConfig=servicediscovery.DnsConfig(
            DnsRecords=[
                servicediscovery.DnsRecord(Type=kind, TTL=str(params.ttl)) for kind in types
            ],
            RoutingPolicy="MULTIVALUE",
        ),
        HealthCheckCustomConfig=servicediscovery.HealthCheckCustomConfig(FailureThreshold=1),
    )


def service_registry(params: Discovery, containers: Containers) -> ecs.ServiceRegistry:
    """An item of the ServiceRegistries property of an ECS service."""
    port = {}
    if params.port:
        name = find_port_container(params.container, params.port, containers)
        port = {"ContainerName": name, "ContainerPort": params.port.number}
    return ecs.ServiceRegistry(RegistryArn=GetAtt("DiscoveryService", "Arn"), **port)


def server_ingress_rule(
    title: str, server: str, protocol: str, port: int, env: Environment
) -> ec2.SecurityGroupIngress:
    """A rule that allows the stack's tasks to connect to a port of the service `server`."""
    return ec2.SecurityGroupIngress(
        title,
        Description=f"To {server}",
        GroupId=import_value(env, server, "SecurityGroupId"),
        IpProtocol=protocol,
        FromPort=port,
        ToPort=port,
        SourceSecurityGroupId=GetAtt("SecurityGroup", "GroupId"),
    )
