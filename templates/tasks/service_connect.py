"""Services that other services of the environment can discover, by Service Connect or by DNS.

The params of a service list its endpoints, and its clients list the service in `reaches` (see
`reachable_services`).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field
from troposphere import GetAtt, Ref, ecs

from moorage.facts.arn_patterns import arn_pattern
from moorage.findings.finding import Path, Problem
from moorage.model import Base, Environment

from .. import cluster
from ..common.fields import Duration, Switch, text
from ..common.iam import aws_managed_policy_arn, role
from ..common.references import External
from ..common.regions import region_problems
from ..common.stack_lookup import find_stack
from . import service_discovery
from .containers import ContainerName, Containers
from .launch_types import LaunchParams, uses_instance_address
from .ports import Port, PortField
from .service_discovery import Discovery, DnsName, discovery_problems
from .traffic_shift import Shift

AuthorityArn = Annotated[
    str,
    text(
        arn_pattern("acm-pca", r"certificate-authority/[0-9a-f-]+"),
        "the ARN of a private certificate authority",
        "arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/"
        "1234abcd-12ab-34cd-56ef-1234567890ab",
    ),
]


class Tls(Base):
    """Encrypts the traffic between clients and the service, with certificates that ECS renews."""

    authority: External[AuthorityArn] = Field(
        description="ARN of the AWS Private Certificate Authority that issues the certificates. It "
        "must have the tag `AmazonECSManaged: true`, which AWS's managed policy for ECS requires."
    )


class Endpoint(Base):
    """A port of a container, and the name by which clients with `service_connect:` reach it."""

    port: PortField = Field(description="TCP port of the container.")
    container: ContainerName | None = Field(
        None,
        description="Container with the port; required only if several containers have the port.",
    )
    name: DnsName | None = Field(
        None, description="Name to which clients connect; the name of the stack by default."
    )
    client_port: int | None = Field(
        None,
        ge=1,
        le=65535,
        description="Port to which clients connect, if it differs from `port`.",
    )
    protocol: Literal["http", "http2", "grpc"] | None = Field(
        None,
        description="Protocol of the requests, for metrics and retries. It cannot be changed "
        "later.",
    )
    tls: Tls | None = Field(
        None, description="Encrypt the traffic between clients and the service."
    )
    idle_timeout: Duration | None = Field(
        None,
        description="Time without traffic after which a connection is closed; `0s` for never.",
    )
    request_timeout: Duration | None = Field(
        None,
        description="With a `protocol`: time after which a request fails; `0s` for no limit.",
    )


class ServiceConnect(Base):
    """A proxy in each task, which ECS adds and through which the containers reach endpoints of
    other services by name. With much traffic it needs about 256 CPU units and 64 MiB of the
    task."""

    services: list[Endpoint] = Field(
        [], description="Endpoints: ports that clients reach through Service Connect."
    )


class DiscoverableParams(LaunchParams):
    """How other services discover the service of a stack."""

    service_connect: Switch[ServiceConnect] = Field(
        None,
        description="Service Connect: reach endpoints of other services by name (`true`), and "
        "declare endpoints (`services`). The cluster needs a `namespace`.",
    )
    discovery: Switch[Discovery] = Field(
        None,
        description="A DNS name that resolves to the addresses of the tasks. The cluster needs a "
        "`namespace`.",
    )


def _endpoints(params: DiscoverableParams) -> list[Endpoint]:
    return params.service_connect.services if params.service_connect else []


def connectable_ports(params: DiscoverableParams) -> list[Port]:
    """The ports to which clients connect: those of the endpoints, and with `discovery` its port or
    all ports of the containers."""
    ports = {endpoint.port for endpoint in _endpoints(params)}
    if params.discovery and params.discovery.port:
        ports.add(params.discovery.port)
    elif params.discovery:
        ports |= params.listened_ports
    return sorted(ports, key=lambda port: (port.number, port.protocol))


def _find_namespace(
    params: LaunchParams, env: Environment
) -> service_discovery.NamespaceHandle | None:
    """The namespace of the stack's cluster."""
    stack = find_stack(env, cluster.Params, params.cluster)
    return cluster.handle(*stack, env).namespace if stack else None


# Problems ------------------------------------------------------------------------------------


def discoverability_problems(
    stack: str, params: DiscoverableParams, containers: Containers, env: Environment
) -> Iterator[Problem]:
    """Problems of `service_connect` and `discovery` of a stack."""
    cluster_stack = find_stack(env, cluster.Params, params.cluster)
    namespace = _find_namespace(params, env)
    for key in ("service_connect", "discovery"):
        if getattr(params, key) is None:
            continue
        if uses_instance_address(params.network_mode):
            message = f"`{key}` needs tasks with their own IP addresses, but with `network_mode: "
            message += f"{params.network_mode}` they have those of their instances"
            hint = f"Write `network_mode: awsvpc`, or remove `{key}`."
            yield Problem("M2725", (key,), message, hint, because=[("network_mode",)])
        if cluster_stack and namespace is None:
            name, cluster_params = cluster_stack
            message = f"The cluster `{name}` has no namespace"
            key_to_add = "namespace: true"
            if cluster_params.existing:
                key_to_add = "existing: {namespace: {arn: ...}}"
            yield Problem("M3101", (key,), message, f"Add `{key_to_add}` to `{name}`.")
    if params.discovery:
        if cluster_stack and namespace and not namespace.dns:
            message = f"The namespace of the cluster `{cluster_stack[0]}` has no DNS names"
            hint = (
                f"Remove `dns: false` from `{cluster_stack[0]}`, or use `service_connect` instead."
            )
            yield Problem("M3102", ("discovery",), message, hint)
        yield from discovery_problems(params.discovery, containers)
    yield from _endpoint_problems(params, containers, env)
    yield from _name_problems(stack, params, env)
    reaches: Sequence[str] = getattr(params, "reaches", ())
    if stack in reaches:
        path = ("reaches", reaches.index(stack))
        message = "The tasks do not need permission to reach their own service"
        yield Problem("M3110", path, message, f"Remove `{stack}`.")


def _endpoint_problems(
    params: DiscoverableParams, containers: Containers, env: Environment
) -> Iterator[Problem]:
    ports: set[Port] = set()
    for index, endpoint in enumerate(_endpoints(params)):
        path: Path = ("service_connect", "services", index)
        if endpoint.port.protocol != "tcp":
            message = f"Service Connect supports TCP only, not {endpoint.port}"
            hint = "Use `discovery:`, or a Network Load Balancer."
            yield Problem("M3107", (*path, "port"), message, hint)
        elif endpoint.port in ports:
            message = f"Another endpoint already has port {endpoint.port}"
            yield Problem("M3108", (*path, "port"), message, "Remove one of the two endpoints.")
        else:
            yield from service_discovery.container_port_problems(
                endpoint.container, endpoint.port, path, containers
            )
        ports.add(endpoint.port)
        if endpoint.request_timeout is not None and endpoint.protocol is None:
            message = (
                "`request_timeout` needs a `protocol`: without it the proxy forwards bytes and "
                "does not distinguish requests"
            )
            hint = "Add `protocol: http`, or use `idle_timeout`."
            because = [(*path, "protocol")]
            yield Problem("M3109", (*path, "request_timeout"), message, hint, because=because)
        if endpoint.tls:
            at = (*path, "tls", "authority")
            yield from region_problems(endpoint.tls.authority, at, env, "certificate authority")


def _names(stack: str, params: DiscoverableParams) -> Iterator[tuple[Path, str]]:
    """Names of a service in its namespace, with the paths of their entries."""
    endpoints = _endpoints(params)
    for index, endpoint in enumerate(endpoints):
        # A second endpoint with the same port is reported separately.
        if endpoint.port not in [earlier.port for earlier in endpoints[:index]]:
            path: Path = ("service_connect", "services", index)
            port = endpoint.client_port or endpoint.port.number
            yield path, f"{endpoint.name or stack}:{port}"
    if params.discovery:
        yield ("discovery",), params.discovery.name or stack


def _name_problems(stack: str, params: DiscoverableParams, env: Environment) -> Iterator[Problem]:
    """Names that the stack itself, or a stack before it in alphabetical order, already has in the
    namespace."""
    namespace = _find_namespace(params, env)
    if namespace is None:
        return
    stacks_by_name = env.resolve_all(_group_by_name)
    own_names: set[str] = set()
    for path, name in _names(stack, params):
        owners = (owner for owner in stacks_by_name[namespace.key, name] if owner < stack)
        owner = next(owners, stack if name in own_names else None)
        if owner is not None:
            message = f"The stack `{owner}` already has the name `{name}` in the namespace"
            yield Problem("M3114", path, message, "Write another `name` in one of the two.")
        own_names.add(name)


def _group_by_name(env: Environment) -> dict[tuple[Hashable, str], list[str]]:
    """The stacks that have a name in a namespace, by the namespace's key and the name. The last
    stack of the params comes first."""
    stacks: dict[tuple[Hashable, str], list[str]] = {}
    for stack, params in reversed(list(env.of(DiscoverableParams))):
        if namespace := _find_namespace(params, env):
            for _, name in _names(stack, params):
                stacks.setdefault((namespace.key, name), []).append(stack)
    return stacks


# Resources -----------------------------------------------------------------------------------


def add_port_names(stack: str, params: DiscoverableParams, containers: Containers) -> Containers:
    """The containers with names for the ports of the endpoints, to which Service Connect refers."""
    for endpoint in _endpoints(params):
        name = service_discovery.find_port_container(endpoint.container, endpoint.port, containers)
        if name in containers:
            named_port = replace(
                endpoint.port, name=_port_name(stack, endpoint), app_protocol=endpoint.protocol
            )
            containers = _replace_port(containers, name, named_port)
    return containers


def _replace_port(containers: Containers, name: str, named_port: Port) -> Containers:
    container = containers[name]
    ports = [
        replace(named_port, host=port.host) if port == named_port else port
        for port in container.ports
    ]
    return {**containers, name: container.model_copy(update={"ports": ports})}


def _port_name(stack: str, endpoint: Endpoint) -> str:
    """The name of a port mapping. ECS also gives it to the service that it creates in Cloud Map, so
    it must be unique in the namespace."""
    return f"{stack}-{endpoint.port.number}"


def discoverability_resources(
    stack: str,
    params: DiscoverableParams,
    namespace: service_discovery.NamespaceHandle | None,
    env: Environment,
) -> Iterator[Any]:
    """The Cloud Map service of `discovery`, and the role with which ECS gets certificates."""
    if params.discovery and namespace:
        yield service_discovery.discovery_service(stack, params.discovery, namespace)
    if any(endpoint.tls for endpoint in _endpoints(params)):
        yield role(
            "ServiceConnectTlsRole",
            "ecs.amazonaws.com",
            {},
            env,
            managed=[aws_managed_policy_arn(_TLS_POLICY)],
        )


# Amazon ECS developer guide, "Amazon ECS infrastructure IAM role".
_TLS_POLICY = (
    "service-role/AmazonECSInfrastructureRolePolicyForServiceConnectTransportLayerSecurity"
)


def discoverability_properties(
    stack: str,
    params: DiscoverableParams,
    containers: Containers,
    log_group: Any,
    namespace: service_discovery.NamespaceHandle | None,
    shift: Shift | None,
) -> dict[str, Any]:
    """Properties of the ECS service. The proxy of Service Connect writes its logs to
    `log_group`; `shift` is how deployments shift traffic."""
    properties: dict[str, Any] = {}
    if params.discovery:
        properties["ServiceRegistries"] = [
            service_discovery.service_registry(params.discovery, containers)
        ]
    if params.service_connect and namespace:
        properties["ServiceConnectConfiguration"] = ecs.ServiceConnectConfiguration(
            Enabled=True,
            Namespace=namespace.arn,
            LogConfiguration=ecs.LogConfiguration(
                LogDriver="awslogs",
                Options={
                    "awslogs-group": log_group,
                    "awslogs-region": Ref("AWS::Region"),
                    "awslogs-stream-prefix": "service-connect",
                },
            ),
            Services=[
                _service_connect_service(stack, endpoint, shift)
                for endpoint in params.service_connect.services
            ],
        )
    return properties


def _test_rules(shift: Shift | None) -> dict[str, ecs.ServiceConnectTestTrafficRules]:
    """The header of test traffic; without one ECS uses `x-amzn-ecs-blue-green-test`."""
    headers = shift.test.headers if shift and shift.test else {}
    for name, values in list(headers.items())[:1]:
        value = ecs.ServiceConnectTestTrafficHeaderMatchRules(Exact=values[0])
        header = ecs.ServiceConnectTestTrafficHeaderRules(Name=name, Value=value)
        return {"TestTrafficRules": ecs.ServiceConnectTestTrafficRules(Header=header)}
    return {}


def _service_connect_service(
    stack: str, endpoint: Endpoint, shift: Shift | None
) -> ecs.ServiceConnectService:
    timeouts = {
        key: value
        for key, value in (
            ("IdleTimeoutSeconds", endpoint.idle_timeout),
            ("PerRequestTimeoutSeconds", endpoint.request_timeout),
        )
        if value is not None
    }
    optional: dict[str, Any] = {"Timeout": ecs.TimeoutConfiguration(**timeouts)} if timeouts else {}
    if endpoint.tls:
        optional["Tls"] = ecs.ServiceConnectTlsConfiguration(
            IssuerCertificateAuthority=ecs.ServiceConnectTlsCertificateAuthority(
                AwsPcaAuthorityArn=endpoint.tls.authority
            ),
            RoleArn=GetAtt("ServiceConnectTlsRole", "Arn"),
        )
    return ecs.ServiceConnectService(
        PortName=_port_name(stack, endpoint),
        ClientAliases=[
            ecs.ServiceConnectClientAlias(
                DnsName=endpoint.name or stack,
                Port=endpoint.client_port or endpoint.port.number,
                **_test_rules(shift),
            )
        ],
        **optional,
    )
