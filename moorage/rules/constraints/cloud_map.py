"""Constraints of Cloud Map, Service Connect and VPC Lattice."""

from __future__ import annotations

from moorage.rules.constraints.combinations import (
    All,
    Either,
    IsReference,
    Not,
    Refers,
    Some,
)
from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.predicates import (
    Absent,
    Count,
    Is,
    IsTrue,
    Matches,
    NotEmpty,
    Predicate,
    Present,
)
from moorage.rules.constraints.relations import NoOther

_MAP = "AWS::ServiceDiscovery"
_MAP_SERVICE = f"{_MAP}::Service"
_SERVICE = "AWS::ECS::Service"
_TASK = "AWS::ECS::TaskDefinition"
_CLUSTER = "AWS::ECS::Cluster"
_CONNECT = f"{_SERVICE} ServiceConnectConfiguration"
_API = "Amazon ECS API reference"
_MAP_API = "AWS Cloud Map API reference"
_GUIDE = "Amazon ECS developer guide"
_PREFLIGHT = "AWS's error message, reproduced by cdk-preflight"
_CONNECT_GUIDE = f"{_GUIDE}: Use Service Connect to connect Amazon ECS services with short names"
_ENABLED = IsTrue("Enabled")
_RECORDS = "DnsConfig.DnsRecords"
_ALIAS = "AWS_ALIAS_DNS_NAME"


def _in_namespace(kind: str) -> Predicate:
    """The Cloud Map service is in a namespace of a type that the template creates."""
    return Either(
        *(IsReference(path, f"{_MAP}::{kind}") for path in ("NamespaceId", "DnsConfig.NamespaceId"))
    )


def _with_record(record_type: str, *attributes: str) -> Predicate:
    """The instance has one of these attributes, or its service has no record of the type."""
    return Either(
        *map(Present, attributes),
        Not(Refers("/ServiceId", _MAP_SERVICE, Some(_RECORDS, Is("Type", record_type)))),
    )


CONSTRAINTS = (
    Constraint(
        "E9358",
        _CONNECT,
        "Service Connect has no namespace.",
        when=All(_ENABLED, Is("/DeploymentController.Type", "ECS", default="ECS")),
        must=Either(
            Present("Namespace"), Refers("/Cluster", _CLUSTER, Present("ServiceConnectDefaults"))
        ),
        message="Service {id} uses Service Connect without a `Namespace`, and its cluster has no "
        "`ServiceConnectDefaults`",
        fix="Write `Namespace`, or `ServiceConnectDefaults` of the cluster.",
        error_messages=("Namespace is missing",),
        sources=(f"{_API}: ServiceConnectConfiguration, namespace", _PREFLIGHT),
    ),
    Constraint(
        "E9359",
        _CONNECT,
        "Service Connect is used for tasks that it does not support.",
        when=_ENABLED,
        must=All(
            Not(Is("/LaunchType", "EXTERNAL")),
            Either(
                Refers("/TaskDefinition", _TASK, Not(Is("NetworkMode", "host", "none"))),
                # Only what offers a port needs a port mapping with a name.
                Not(NotEmpty("Services")),
            ),
            Refers(
                "/TaskDefinition",
                _TASK,
                Not(Matches("RuntimePlatform.OperatingSystemFamily", "WINDOWS.*")),
            ),
        ),
        message="Service {id} uses Service Connect, but runs on external instances or Windows, or "
        "offers a port in the network mode `host` or `none`",
        fix="Use Linux tasks in the network mode `awsvpc` or `bridge`, or remove "
        "`ServiceConnectConfiguration`.",
        sources=(
            f"{_CONNECT_GUIDE}, considerations",
            "aws/aws-cdk, aws-ecs/lib/container-definition.ts, ServiceConnect",
            f"{_API}: ServiceConnectService, ingressPortOverride",
        ),
    ),
    Constraint(
        "E9360",
        _CONNECT,
        "Service Connect is used for tasks without a memory limit.",
        when=_ENABLED,
        must=Refers("/TaskDefinition", _TASK, Present("Memory")),
        message="Service {id} uses Service Connect, but its task definition has no `Memory`",
        fix="Write `Memory` of the task. The memory of its containers is not enough.",
        sources=(f"{_CONNECT_GUIDE}, considerations",),
    ),
    Constraint(
        "E9361",
        _CONNECT,
        "Service Connect has access logs, but no log configuration.",
        when=Present("AccessLogConfiguration"),
        must=Present("LogConfiguration"),
        message="Service Connect of service {id} has an `AccessLogConfiguration`, but no "
        "`LogConfiguration`",
        fix="Write `LogConfiguration`, which says where the proxy writes its logs.",
        sources=(f"{_API}: ServiceConnectConfiguration, accessLogConfiguration",),
    ),
    Constraint(
        "E9362",
        f"{_CONNECT}.Services[].ClientAliases[]",
        "The name of a client alias is not a DNS name.",
        must=Matches("DnsName", r"[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?"),
        message="A client alias of service {id} has the `DnsName` {DnsName}",
        fix="Write letters, digits, hyphens and dots: no `http://`, port or path.",
        error_messages=("The DNS name that you provided is invalid",),
        sources=(f"{_API}: ServiceConnectClientAlias, dnsName", _PREFLIGHT),
    ),
    Constraint(
        "E9363",
        f"{_CONNECT}.Services[].Tls",
        "Service Connect has TLS, but no certificate authority.",
        must=Present("IssuerCertificateAuthority.AwsPcaAuthorityArn"),
        message="Service Connect of service {id} has `Tls` without `AwsPcaAuthorityArn`",
        fix="Write the ARN of a certificate authority of AWS Private CA.",
        sources=(f"{_API}: ServiceConnectTlsConfiguration, issuerCertificateAuthority",),
    ),
    Constraint(
        "E9366",
        _MAP_SERVICE,
        "A Cloud Map service without DNS has DNS records.",
        when=Present("DnsConfig"),
        must=All(Not(Is("Type", "HTTP")), Not(_in_namespace("HttpNamespace"))),
        message="Service {id} of Cloud Map has a `DnsConfig`, but it is in an HTTP namespace, or "
        "has the type `HTTP`",
        fix="Remove `DnsConfig`, or use a `PrivateDnsNamespace`.",
        error_messages=(
            "When you specify an HTTP service, you can't include a DnsConfig element.",
        ),
        sources=("hashicorp/terraform-provider-aws#7016",),
    ),
    Constraint(
        "E9367",
        _MAP_SERVICE,
        "A Cloud Map service has no namespace.",
        must=Either(Present("NamespaceId"), Present("DnsConfig.NamespaceId")),
        message="Service {id} of Cloud Map has no `NamespaceId`",
        fix="Write `NamespaceId`.",
        sources=(f"{_MAP_API}: CreateService, NamespaceId",),
    ),
    Constraint(
        "E9369",
        _MAP_SERVICE,
        "A Cloud Map service in a private namespace has a Route 53 health check.",
        when=Present("HealthCheckConfig"),
        must=Not(_in_namespace("PrivateDnsNamespace")),
        message="Service {id} of Cloud Map is in a private namespace and has a `HealthCheckConfig`",
        fix="Write `HealthCheckCustomConfig: {}`. ECS reports the health of its tasks.",
        sources=(f"{_MAP_API}: CreateService, HealthCheckConfig",),
    ),
    Constraint(
        "E9370",
        f"{_MAP_SERVICE} HealthCheckConfig",
        "A TCP health check of Cloud Map has a path.",
        when=Is("Type", "TCP"),
        must=Absent("ResourcePath"),
        message="Service {id} of Cloud Map has a TCP health check with a `ResourcePath`",
        fix="Remove `ResourcePath`, or write `Type: HTTP`.",
        sources=(f"{_MAP_API}: HealthCheckConfig, ResourcePath",),
    ),
    Constraint(
        "E9372",
        f"{_MAP_SERVICE} DnsConfig",
        "A CNAME record of Cloud Map has the routing policy MULTIVALUE.",
        when=Some("DnsRecords", Is("Type", "CNAME")),
        must=Not(Is("RoutingPolicy", "MULTIVALUE")),
        message="Service {id} of Cloud Map has a `CNAME` record and the routing policy "
        "`MULTIVALUE`",
        fix="Write `RoutingPolicy: WEIGHTED`.",
        sources=(f"{_MAP_API}: DnsRecord, Type",),
    ),
    Constraint(
        "E9373",
        _MAP_SERVICE,
        "A Cloud Map service with a CNAME record has a health check.",
        when=Some(_RECORDS, Is("Type", "CNAME")),
        must=Absent("HealthCheckConfig"),
        message="Service {id} of Cloud Map has a `CNAME` record and a `HealthCheckConfig`",
        fix="Remove `HealthCheckConfig`, or write another record.",
        sources=(f"{_MAP_API}: HealthCheckConfig",),
    ),
    Constraint(
        "E9375",
        f"{_MAP}::Instance InstanceAttributes",
        "An instance of Cloud Map lacks the value of a record.",
        when=Count("", 1, 100),
        must=All(
            _with_record("A", "AWS_INSTANCE_IPV4", _ALIAS),
            _with_record("AAAA", "AWS_INSTANCE_IPV6", _ALIAS),
            _with_record("CNAME", "AWS_INSTANCE_CNAME"),
            _with_record("SRV", "AWS_INSTANCE_PORT"),
        ),
        message="Instance {id} of Cloud Map lacks an attribute for a record of its service",
        fix="Write `AWS_INSTANCE_IPV4` for an `A` record, `AWS_INSTANCE_IPV6` for `AAAA`, "
        "`AWS_INSTANCE_PORT` and an address for `SRV`, and `AWS_INSTANCE_CNAME` for `CNAME`.",
        sources=(f"{_MAP_API}: RegisterInstance, Attributes",),
    ),
    Constraint(
        "E9376",
        f"{_MAP}::Instance InstanceAttributes",
        "An alias of Cloud Map has an address, or a service without the policy WEIGHTED.",
        when=Present(_ALIAS),
        must=All(
            *(Absent(f"AWS_INSTANCE_{name}") for name in ("IPV4", "IPV6", "CNAME", "PORT")),
            Refers("/ServiceId", _MAP_SERVICE, Not(Is("DnsConfig.RoutingPolicy", "MULTIVALUE"))),
        ),
        message="Instance {id} of Cloud Map has `AWS_ALIAS_DNS_NAME` together with an "
        "`AWS_INSTANCE_` attribute, or its service has the routing policy `MULTIVALUE`",
        fix="Remove the `AWS_INSTANCE_` attributes, and write `RoutingPolicy: WEIGHTED`.",
        sources=(f"{_MAP_API}: RegisterInstance, Attributes",),
    ),
    Constraint(
        "E9377",
        (f"{_MAP}::HttpNamespace", f"{_MAP}::PrivateDnsNamespace"),
        "Two namespaces have the same name.",
        must=NoOther(("Vpc", "Name")),
        message="Namespace {id} has the name {Name} of another one",
        fix="Write another `Name`, or use the other one.",
        error_messages=("NamespaceAlreadyExists",),
        sources=(f"{_MAP_API}: CreateHttpNamespace, errors",),
    ),
    Constraint(
        "E9378",
        f"{_SERVICE} ServiceRegistries[]",
        "A service registry has records that ECS cannot write for the tasks.",
        must=All(
            Refers("RegistryArn", _MAP_SERVICE, Not(Some(_RECORDS, Is("Type", "CNAME")))),
            Either(
                Refers("RegistryArn", _MAP_SERVICE, Not(Some(_RECORDS, Is("Type", "A", "AAAA")))),
                Not(
                    Refers(
                        "/TaskDefinition",
                        _TASK,
                        Is("NetworkMode", "bridge", "host", default="bridge"),
                    )
                ),
            ),
        ),
        message="The service registry of service {id} has `CNAME` records, or has `A` records for "
        "tasks in the network mode `bridge` or `host`",
        fix="Write `SRV` records for `bridge` and `host`, and `A`, `AAAA` or `SRV` records for "
        "`awsvpc`.",
        sources=(f"{_GUIDE}: Use service discovery to connect Amazon ECS services with DNS names",),
    ),
    Constraint(
        "E9379",
        f"{_SERVICE} VpcLatticeConfigurations[]",
        "A target group of VPC Lattice does not take the tasks of a service.",
        must=Refers(
            "TargetGroupArn",
            "AWS::VpcLattice::TargetGroup",
            Not(Is("Type", "LAMBDA", "ALB")),
        ),
        message="Service {id} has a target group of VPC Lattice for functions or for Application "
        "Load Balancers",
        fix="Write `Type: IP` for tasks in the network mode `awsvpc`.",
        why="Its targets can only be functions, or load balancers, so ECS cannot register the "
        "tasks.",
        sources=("Amazon VPC Lattice API reference: Target, id",),
    ),
)
