"""How tasks find each other: namespaces, names in the DNS, and who may connect to whom."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field
from troposphere import GetAtt, Output, ec2, ecs, servicediscovery

from moorage.findings.finding import Path, Problem
from moorage.model import Base, Environment

from .. import network
from ..common.exports import export_output, import_value
from ..common.fields import StackName, duration, text
from ..common.regions import is_in_other_region, region_of
from ..common.stack_lookup import find_stack, find_stack_problems
from .containers import (
    ContainerName,
    Containers,
    Port,
    PortField,
    find_target,
    target_container_problems,
)

# Cloud Map API reference, CreatePrivateDnsNamespace and CreateService, Name.
_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
NamespaceName = Annotated[
    str, text(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*", "the name of a namespace", "shop.internal")
]
DnsName = Annotated[str, text(rf"(?=.{{1,127}}$){_LABEL}(\.{_LABEL})*", "a name in the DNS", "api")]
NamespaceArn = Annotated[
    str,
    text(
        r"arn:aws[a-z-]*:servicediscovery:[a-z0-9-]+:\d{12}:namespace/ns-[a-z0-9]+",
        "the ARN of a Cloud Map namespace",
        "arn:aws:servicediscovery:eu-central-1:123456789012:namespace/ns-abcdefghijklmnop",
    ),
]


class ExistingNamespace(Base):
    """A Cloud Map namespace that is there already."""

    arn: NamespaceArn = Field(description="Its ARN.")
    dns: bool = Field(True, description="Whether its names are in the VPC's DNS.")


class Namespace(Base):
    """A Cloud Map namespace: where services are found by name."""

    name: NamespaceName | None = Field(
        None, description="Its name; `<env>.<app>.internal` where none is given."
    )
    dns: bool = Field(
        True,
        description="Put names into the VPC's DNS, for `discovery:`; for Service Connect alone "
        "`false` will do.",
    )
    network: StackName | None = Field(
        None, description="Stack of the network whose DNS it is; the only one where there is one."
    )
    existing: ExistingNamespace | None = Field(
        None, description="Use a namespace that is there already."
    )


class Discovery(Base):
    """A name in the namespace's DNS that leads to the addresses of the tasks."""

    name: DnsName | None = Field(
        None, description="The name below the namespace's; the stack's where none is given."
    )
    ttl: Annotated[int, duration(1, 3600)] = Field(
        10, description="How long clients may keep an answer."
    )
    port: PortField | None = Field(
        None, description="A port to tell by an SRV record as well, which few clients ask for."
    )
    container: ContainerName | None = Field(
        None, description="Container of that port; the one that has it where only one has."
    )


@dataclass(frozen=True)
class Handle:
    """What services refer to. Its values are literals or imports; no user can tell."""

    arn: Any
    identity: Any
    dns: bool
    key: str
    """What tells namespaces apart: two clusters may use the same one."""


def handle(stack: str, params: Namespace | None, env: Environment) -> Handle | None:
    """How to refer to the namespace of a cluster's stack."""
    if params is None or params.existing:
        return existing_handle(params.existing if params else None)
    return Handle(
        arn=import_value(env, stack, "NamespaceArn"),
        identity=import_value(env, stack, "NamespaceId"),
        dns=params.dns,
        key=stack,
    )


def existing_handle(existing: ExistingNamespace | None) -> Handle | None:
    """How to refer to a namespace that exists."""
    if existing is None:
        return None
    identity = existing.arn.rsplit("/", 1)[-1]
    return Handle(arn=existing.arn, identity=identity, dns=existing.dns, key=existing.arn)


# What can be wrong ---------------------------------------------------------------------------


def region_problems(
    existing: ExistingNamespace | None, path: Path, env: Environment
) -> Iterator[Problem]:
    """A namespace that is not where the services are which it should hold."""
    if existing and is_in_other_region(existing.arn, env):
        message = f"The namespace is in {region_of(existing.arn)}, and the services in {env.region}"
        yield Problem("M1220", (*path, "arn"), message, f"Name one in {env.region}.")


def namespace_problems(params: Namespace | None, env: Environment) -> Iterator[Problem]:
    """What is wrong with a cluster's namespace."""
    if params is None:
        return
    yield from region_problems(params.existing, ("namespace", "existing"), env)
    if params.existing and params.model_fields_set != {"existing"}:
        others = sorted(params.model_fields_set - {"existing"})
        hint = "Remove what stands beside it, or remove `existing:`."
        message = f"`existing` stands beside {', '.join(others)}, which would change nothing"
        yield Problem("M1108", ("namespace", "existing"), message, hint)
    elif params.dns and not params.existing:
        path = ("namespace", "network")
        yield from find_stack_problems(env, network.Params, params.network, path, "network")
    elif params.network and not params.existing:
        message = "A namespace outside the DNS belongs to no network"
        yield Problem("M1220", ("namespace", "network"), message, "Remove it, or `dns: false`.")


def discovery_problems(params: Discovery, containers: Containers) -> Iterator[Problem]:
    """What is wrong with a service's name in the DNS."""
    if params.port is None:
        if params.container is not None:
            message = "A container is named, and none of its ports"
            hint = "Add `port:`, or remove it: the name leads to the task as a whole."
            yield Problem("M1108", ("discovery", "container"), message, hint)
        return
    yield from port_problems(params.container, params.port, ("discovery",), containers)


def holder(container: str | None, port: Port, containers: Containers) -> str:
    """The container that a port is of: the one named, the only one that has it, or the only one."""
    having = [name for name, one in containers.items() if port in one.ports]
    return container or (having[0] if len(having) == 1 else find_target(None, containers))


def port_problems(
    container: str | None, port: Port, path: Path, containers: Containers
) -> Iterator[Problem]:
    """Whether a container of the task has a port; `path` is where both are asked for."""
    name = holder(container, port, containers)
    yield from target_container_problems(name or None, path, containers)
    if name in containers and port not in containers[name].ports:
        ports = ", ".join(map(str, containers[name].ports))
        message = f"Container `{name}` has no port {port}"
        hint = f"It has {ports}." if ports else "Add it to the container's `ports`."
        because = [("containers", name, "ports")]
        yield Problem("M1205", (*path, "port"), message, hint, because=because)


# What comes out ------------------------------------------------------------------------------


def namespace(params: Namespace, env: Environment) -> Any:
    """The namespace of a cluster's stack."""
    name = params.name or f"{env.name}.{env.app}.internal"
    if not params.dns:
        return servicediscovery.HttpNamespace("Namespace", Name=name)
    found = find_stack(env, network.Params, params.network)
    assert found is not None, "namespace_problems has asked for it"
    vpc_id = network.handle(*found, env).vpc_id
    return servicediscovery.PrivateDnsNamespace("Namespace", Name=name, Vpc=vpc_id)


def namespace_outputs(stack: str, env: Environment) -> Iterator[Output]:
    """What services take of it."""
    for name, attribute in (("NamespaceArn", "Arn"), ("NamespaceId", "Id")):
        value = GetAtt("Namespace", attribute)
        yield export_output(env, stack, name, value, f"{attribute} of the namespace")


def discovery_service(stack: str, params: Discovery, home: Handle) -> servicediscovery.Service:
    """The name, under which ECS enters healthy tasks.

    Amazon ECS developer guide, "Use service discovery to connect Amazon ECS services with DNS
    names": A records for tasks with addresses of their own, SRV records for ports beside them, and
    the health that ECS tells.
    """
    types = ["A", *(["SRV"] if params.port else [])]
    return servicediscovery.Service(
        "DiscoveryService",
        Name=params.name or stack,
        NamespaceId=home.identity,
        DnsConfig=servicediscovery.DnsConfig(
            DnsRecords=[
                servicediscovery.DnsRecord(Type=kind, TTL=str(params.ttl)) for kind in types
            ],
            RoutingPolicy="MULTIVALUE",
        ),
        HealthCheckCustomConfig=servicediscovery.HealthCheckCustomConfig(FailureThreshold=1),
    )


def registry(params: Discovery, containers: Containers) -> ecs.ServiceRegistry:
    """What the ECS service says of it."""
    port = {}
    if params.port:
        name = holder(params.container, params.port, containers)
        port = {"ContainerName": name, "ContainerPort": params.port.number}
    return ecs.ServiceRegistry(RegistryArn=GetAtt("DiscoveryService", "Arn"), **port)


def admission(
    title: str, server: str, protocol: str, port: int, env: Environment
) -> ec2.SecurityGroupIngress:
    """Lets the stack's tasks in at another service's port."""
    return ec2.SecurityGroupIngress(
        title,
        Description=f"To {server}",
        GroupId=import_value(env, server, "SecurityGroupId"),
        IpProtocol=protocol,
        FromPort=port,
        ToPort=port,
        SourceSecurityGroupId=GetAtt("SecurityGroup", "GroupId"),
    )
