"""Services that other services of the environment find and reach: by Service Connect, and by names
in the DNS.

A service says what it offers, and the others whom they reach: their stacks open its security group
to themselves, so that nobody else gets in, and are deployed after it, for a task that is there
before an endpoint never sees it (Amazon ECS developer guide, "Amazon ECS Service Connect
components").
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field
from troposphere import GetAtt, Ref, Sub, ecs

from moorage.findings.finding import Path, Problem
from moorage.findings.wording import near, shown
from moorage.model import Base, Environment, logical_id

from .. import cluster, network
from ..common.fields import Duration, StackName, Switch, UniqueList, text
from ..common.iam import role
from ..common.regions import is_in_other_region, region_of
from ..common.stack_lookup import find_stack
from . import service_discovery
from .containers import ContainerName, Containers, Port, PortField
from .launch_types import LaunchParams, shares_instance
from .service_discovery import Discovery, DnsName, admission, discovery_problems

AuthorityArn = Annotated[
    str,
    text(
        r"arn:aws[a-z-]*:acm-pca:[a-z0-9-]+:\d{12}:certificate-authority/[0-9a-f-]+",
        "the ARN of a private certificate authority",
        "arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/"
        "1234abcd-12ab-34cd-56ef-1234567890ab",
    ),
]


class Tls(Base):
    """Encrypts what goes from client to service, with certificates that ECS renews."""

    authority: AuthorityArn = Field(
        description="ARN of the AWS Private Certificate Authority that issues them. It must have "
        "the tag `AmazonECSManaged: true`, or AWS's policy does not let ECS use it."
    )


class Endpoint(Base):
    """A port under a name that clients with `service_connect:` use."""

    port: PortField = Field(description="The container's port, TCP.")
    container: ContainerName | None = Field(
        None, description="Container of the port; the one that has it where only one has."
    )
    name: DnsName | None = Field(
        None, description="Name by which clients connect; the stack's where none is given."
    )
    client_port: int | None = Field(
        None, ge=1, le=65535, description="Port to which clients connect, if another one."
    )
    protocol: Literal["http", "http2", "grpc"] | None = Field(
        None, description="What is spoken, for metrics and retries; it cannot be changed later."
    )
    tls: Tls | None = Field(None, description="Encrypt the way from client to service.")
    idle_timeout: Duration | None = Field(
        None, description="Time without traffic after which a connection is closed; `0s` for never."
    )
    request_timeout: Duration | None = Field(
        None, description="Time that a request may take, with a `protocol`; `0s` for any."
    )


class ServiceConnect(Base):
    """A proxy beside the containers, through which they reach endpoints of other services by name.
    It takes some 256 CPU units and 64 MiB of the task's where there is much traffic."""

    services: list[Endpoint] = Field([], description="Ports that others reach through it.")


class DiscoverableParams(LaunchParams):
    """What a stack says of how other services find its own."""

    service_connect: Switch[ServiceConnect] = Field(
        None,
        description="Reach the endpoints of others by name (`true`), and offer some. Needs a "
        "`namespace` at the cluster.",
    )
    discovery: Switch[Discovery] = Field(
        None,
        description="A name in the DNS that leads to the tasks. Needs a `namespace` at the "
        "cluster.",
    )


class ReachesParams(LaunchParams):
    """What a stack says of the services that its tasks connect to."""

    reaches: UniqueList[StackName] = Field(
        [],
        description="Stacks of services whose endpoints the tasks connect to: those of "
        "`service_connect:`, and with `discovery:` all ports of the containers. Their security "
        "groups are opened, and they are deployed first.",
    )


def _endpoints(params: DiscoverableParams) -> list[Endpoint]:
    return params.service_connect.services if params.service_connect else []


def offered(params: DiscoverableParams) -> list[Port]:
    """The ports that others may connect to, in order."""
    ports = {one.port for one in _endpoints(params)}
    containers = params.fronted().containers
    if params.discovery and params.discovery.port:
        ports.add(params.discovery.port)
    elif params.discovery:
        ports |= {port for one in containers.values() for port in one.ports}
    return sorted(ports, key=lambda one: (one.number, one.protocol))


def _home(params: LaunchParams, env: Environment) -> service_discovery.Handle | None:
    """The namespace that a stack's services are found in."""
    found = find_stack(env, cluster.Params, params.cluster)
    return cluster.handle(*found, env).namespace if found else None


# What can be wrong ---------------------------------------------------------------------------


def offering_problems(
    stack: str, params: DiscoverableParams, env: Environment
) -> Iterator[Problem]:
    """What is wrong with how a service is found."""
    found = find_stack(env, cluster.Params, params.cluster)
    home = _home(params, env)
    for key in ("service_connect", "discovery"):
        if getattr(params, key) is None:
            continue
        if shares_instance(params.network_mode):
            message = "The tasks have no addresses of their own, under which they could be found"
            hint = "Write `network_mode: awsvpc`."
            yield Problem("M1220", (key,), message, hint, because=[("network_mode",)])
        if found and home is None:
            name, its = found
            message = f"The cluster `{name}` has no namespace in which to find anything"
            hint = "existing: {namespace: {arn: ...}}" if its.existing else "namespace: true"
            yield Problem("M1108", (key,), message, f"Write `{hint}` at `{name}`.")
    if params.discovery:
        if found and home and not home.dns:
            message = f"The names in the namespace of `{found[0]}` are in no DNS"
            hint = f"Remove its `dns: false` at `{found[0]}`, or use `service_connect:`."
            yield Problem("M1108", ("discovery",), message, hint)
        yield from discovery_problems(params.discovery, params.containers)
    yield from _endpoint_problems(params, env)
    yield from _clash_problems(stack, params, env)
    if isinstance(params, ReachesParams) and stack in params.reaches:
        path = ("reaches", params.reaches.index(stack))
        yield Problem("M1220", path, "The tasks would reach themselves", "Remove it.")


def _endpoint_problems(params: DiscoverableParams, env: Environment) -> Iterator[Problem]:
    ports: set[Port] = set()
    for at, one in enumerate(_endpoints(params)):
        path: Path = ("service_connect", "services", at)
        if one.port.protocol != "tcp":
            message = f"Service Connect carries TCP, and not {one.port}"
            hint = "Use `discovery:`, or a Network Load Balancer."
            yield Problem("M1107", (*path, "port"), message, hint)
        elif one.port in ports:
            message = f"Port {one.port} is offered already"
            yield Problem("M1108", (*path, "port"), message, "Keep one of the two.")
        else:
            yield from service_discovery.port_problems(
                one.container, one.port, path, params.containers
            )
        ports.add(one.port)
        if one.request_timeout is not None and one.protocol is None:
            message = "Only with a `protocol` does the proxy know a request"
            hint = "Add `protocol: http`, or use `idle_timeout`."
            yield Problem("M1108", (*path, "request_timeout"), message, hint)
        if one.tls and is_in_other_region(one.tls.authority, env):
            place = region_of(one.tls.authority)
            message = f"The authority is in {place}, and the service in {env.region}"
            hint = f"Name one in {env.region}."
            yield Problem("M1220", (*path, "tls", "authority"), message, hint)


def _names(stack: str, params: DiscoverableParams) -> Iterator[tuple[Path, str]]:
    """What a service takes in its namespace, with the place that asks for it."""
    endpoints = _endpoints(params)
    for at, one in enumerate(endpoints):
        if one.port not in [other.port for other in endpoints[:at]]:  # which is told as such
            path: Path = ("service_connect", "services", at)
            yield path, f"{one.name or stack}:{one.client_port or one.port.number}"
    if params.discovery:
        yield ("discovery",), params.discovery.name or stack


def _clash_problems(stack: str, params: DiscoverableParams, env: Environment) -> Iterator[Problem]:
    home = _home(params, env)
    if home is None:
        return
    taken: dict[str, str] = {}
    for other, its in env.of(DiscoverableParams):
        place = _home(its, env)
        if other < stack and place and place.key == home.key:
            taken |= {name: f"`stacks.{other}`" for _, name in _names(other, its)}
    for path, name in _names(stack, params):
        if name in taken:
            message = f"{taken[name]} is found as `{name}` already"
            yield Problem("M1209", path, message, "Give one of them another `name`.")
        taken.setdefault(name, f"`stacks.{stack}`")


def reaching_problems(params: ReachesParams, env: Environment) -> Iterator[Problem]:
    """What is wrong with whom the tasks connect to."""
    if params.reaches and shares_instance(params.network_mode):
        message = "The tasks have no security group by which they could be let in"
        hint = "Write `network_mode: awsvpc`."
        yield Problem("M1220", ("reaches",), message, hint, because=[("network_mode",)])
    for at, name in enumerate(params.reaches):
        path: Path = ("reaches", at)
        server = env.params_of(name, DiscoverableParams)
        if name in env.broken:
            continue
        if server is None:
            known = [other for other, its in env.of(DiscoverableParams) if offered(its)]
            meant = near(name, known)
            hint = f"Did you mean `{meant}`?" if meant else "Name a stack of template `service`."
            yield Problem("M1201", path, f"{shown(name)} is no service of this environment", hint)
        else:
            yield from _server_problems(name, server, params, path, env)


def _server_problems(
    name: str, server: DiscoverableParams, params: ReachesParams, path: Path, env: Environment
) -> Iterator[Problem]:
    if not offered(server):
        message = f"`{name}` offers nothing by which it could be reached"
        offer = "service_connect: {services: [{port: 8080}]}"
        hint = f"Add `discovery: true`, or `{offer}`, at `{name}`."
        yield Problem("M1220", path, message, hint)
    elif not server.discovery and not getattr(params, "service_connect", None):
        message = f"`{name}` is found through Service Connect only"
        hint = f"Add `discovery: true` at `{name}`."
        if isinstance(params, DiscoverableParams):
            hint = f"Add `service_connect: true` here, or `discovery: true` at `{name}`."
        yield Problem("M1108", path, message, hint, because=[("service_connect",)])
    mine, its = (_network(one, env) for one in (params, server))
    if mine and its and mine != its:
        message = f"`{name}` is in network `{its}`, and these tasks in `{mine}`"
        yield Problem("M1201", path, message, f"Write `network: {its}` here.")


def _network(params: LaunchParams, env: Environment) -> str | None:
    found = find_stack(env, network.Params, getattr(params, "network", None))
    return found[0] if found else None


# What comes out ------------------------------------------------------------------------------

P = TypeVar("P", bound=DiscoverableParams)


def with_port_names(stack: str, params: P) -> P:
    """The stack with names for the ports that it offers through Service Connect."""
    for one in _endpoints(params):
        name = service_discovery.holder(one.container, one.port, params.containers)
        named = replace(one.port, name=_port_name(stack, one), app_protocol=one.protocol)
        params = params.model_copy(
            update={"containers": _renamed(params.containers, name, one.port, named)}
        )
    return params


def _renamed(containers: Containers, name: str, port: Port, named: Port) -> Containers:
    its = containers[name]
    ports = [replace(named, host=one.host) if one == port else one for one in its.ports]
    return {**containers, name: its.model_copy(update={"ports": ports})}


def _port_name(stack: str, one: Endpoint) -> str:
    """Also the name of what ECS makes in Cloud Map, unless that is told; alone in its namespace."""
    return f"{stack}-{one.port.number}"


def offering_resources(stack: str, params: DiscoverableParams, env: Environment) -> Iterator[Any]:
    """What stands beside a service that others find."""
    home = _home(params, env)
    if params.discovery and home:
        yield service_discovery.discovery_service(stack, params.discovery, home)
    if any(one.tls for one in _endpoints(params)):
        yield role(
            "ServiceConnectTlsRole",
            "ecs.amazonaws.com",
            {},
            env,
            managed=[Sub(f"arn:${{AWS::Partition}}:iam::aws:policy/{_TLS_POLICY}")],
        )


# Amazon ECS developer guide, "Amazon ECS infrastructure IAM role".
_TLS_POLICY = (
    "service-role/AmazonECSInfrastructureRolePolicyForServiceConnectTransportLayerSecurity"
)


def offering_properties(
    stack: str, params: DiscoverableParams, log_group: Any, env: Environment
) -> dict[str, Any]:
    """What the ECS service says of it; the proxy writes to the log group of the containers."""
    home = _home(params, env)
    found: dict[str, Any] = {}
    if params.discovery:
        found["ServiceRegistries"] = [
            service_discovery.registry(params.discovery, params.containers)
        ]
    if params.service_connect and home:
        found["ServiceConnectConfiguration"] = ecs.ServiceConnectConfiguration(
            Enabled=True,
            Namespace=home.arn,
            LogConfiguration=ecs.LogConfiguration(
                LogDriver="awslogs",
                Options={
                    "awslogs-group": log_group,
                    "awslogs-region": Ref("AWS::Region"),
                    "awslogs-stream-prefix": "service-connect",
                },
            ),
            Services=[_connected(stack, one) for one in params.service_connect.services],
        )
    return found


def _connected(stack: str, one: Endpoint) -> ecs.ServiceConnectService:
    times = {
        "IdleTimeoutSeconds": one.idle_timeout,
        "PerRequestTimeoutSeconds": one.request_timeout,
    }
    given = {key: value for key, value in times.items() if value is not None}
    optional: dict[str, Any] = {"Timeout": ecs.TimeoutConfiguration(**given)} if given else {}
    if one.tls:
        optional["Tls"] = ecs.ServiceConnectTlsConfiguration(
            IssuerCertificateAuthority=ecs.ServiceConnectTlsCertificateAuthority(
                AwsPcaAuthorityArn=one.tls.authority
            ),
            RoleArn=GetAtt("ServiceConnectTlsRole", "Arn"),
        )
    return ecs.ServiceConnectService(
        PortName=_port_name(stack, one),
        ClientAliases=[
            ecs.ServiceConnectClientAlias(
                DnsName=one.name or stack, Port=one.client_port or one.port.number
            )
        ],
        **optional,
    )


def reach_resources(params: ReachesParams, env: Environment) -> Iterator[Any]:
    """What lets the tasks in at the services that they reach."""
    for name in sorted(params.reaches):
        server = env.params_of(name, DiscoverableParams)
        for port in offered(server) if server else ():
            title = logical_id("to", name, port.protocol, str(port.number), "Ingress")
            yield admission(title, name, port.protocol, port.number, env)
