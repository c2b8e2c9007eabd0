"""A stack that holds an Application Load Balancer, or the listener of one that exists.

public:
  template: alb
  certificate: arn:aws:acm:${region}:${account}:certificate/0a1b2c3d-0000-4000-8000-000000000000
  aliases: [{zone: Z0123456789ABCDEFGHIJ, name: www.example.com}]

It answers 404 until services add rules to its listener. Its security group lets clients in and
nothing out: each service opens the way to its own ports.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from awacs import s3 as s3_actions
from awacs.aws import Principal, Statement
from pydantic import Field
from troposphere import AWSObject, GetAtt, Output, Ref, Template, ec2, wafv2
from troposphere import elasticloadbalancingv2 as elb

from moorage.findings.finding import Path, Problem
from moorage.model import Base, Environment

from .. import network
from ..common.exports import export_output, import_value
from ..common.fields import BucketName, SecurityGroupId, Some, StackName, Switch, duration, text
from ..common.iam import allow
from ..common.regions import is_in_other_region, region_of
from ..common.stack_lookup import find_stack, find_stack_problems
from . import access_logs, shared
from .access_logs import (
    access_log_attributes,
    access_log_bucket,
    access_log_keys,
    access_log_order,
    access_log_problems,
)
from .alias_records import Alias, alias_problems, records, taken_problems
from .certificates import (
    CertificateArn,
    SslPolicy,
    certificate_id,
    certificate_problems,
    policy_problems,
)
from .clients import ANYWHERE, Client, address_property, client_problems
from .shared import (
    IpAddressType,
    Scheme,
    attributes,
    default_clients,
    existing_problems,
    ipv6_problems,
    security_group,
    subnets,
)

_LOG_DELIVERY = "logdelivery.elasticloadbalancing.amazonaws.com"

ListenerArn = Annotated[
    str,
    text(
        r"arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:\d{12}:listener/app/[\w-]+/\w+/\w+",
        "the ARN of a listener of an Application Load Balancer",
        "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/web/0a1b2c3d/4e5f6a7b",
    ),
]
WebAclArn = Annotated[
    str,
    text(
        r"arn:aws[a-z-]*:wafv2:[a-z0-9-]+:\d{12}:regional/webacl/[\w-]+/[\w-]+",
        "the ARN of a regional WAFv2 web ACL",
        "arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/name/0a1b2c3d-0000-4000-8000-000000",
    ),
]
IdleTimeout = Annotated[int, duration(1, 4000)]


class AccessLogs(access_logs.AccessLogs):
    """A log of all requests, in S3."""

    bucket: BucketName | None = Field(
        None,
        description="Name of a bucket that is there already, in the same region. It must be "
        "encrypted with SSE-S3 (KMS is not possible), and its policy must allow "
        "`logdelivery.elasticloadbalancing.amazonaws.com` the action `s3:PutObject` on "
        "`<bucket>/<prefix>/AWSLogs/<account>/*`. Without a name the stack has a bucket of its "
        "own, which is kept when the stack is deleted.",
    )


class Existing(Base):
    """A listener that is there already."""

    listener: ListenerArn = Field(description="ARN of the listener that services add rules to.")
    security_group: SecurityGroupId = Field(
        description="Id of the load balancer's security group. Services admit it on their ports "
        "and add rules to its egress."
    )
    protocol: Literal["HTTP", "HTTPS"] = Field("HTTPS", description="What the listener speaks.")


class Params(Base):
    """An Application Load Balancer with its listeners."""

    network: StackName | None = Field(
        None, description="Stack of the network it stands in. Needless where there is only one."
    )
    scheme: Scheme = Field(
        "internet-facing",
        description="Whether it has public addresses, in the public subnets, or private ones only. "
        "It cannot be changed while services use the load balancer: make a second one.",
    )
    certificate: Some[CertificateArn] = Field(
        [],
        description="ARN of a certificate in ACM, in the same region, or in IAM; or a list, of "
        "which the first is the default. With one, HTTPS is served on 443 and HTTP redirects to "
        "it. Without, HTTP is served on 80.",
    )
    ssl_policy: SslPolicy = Field(
        "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09",
        description="ELB's security policy for HTTPS: TLS versions and ciphers. The default is "
        "the one that AWS recommends, with TLS 1.3, 1.2 and post-quantum key exchange.",
    )
    clients: Annotated[list[Client], Field(min_length=1)] | None = Field(
        None,
        description="CIDR blocks and ids of prefix lists that may connect. Default: everybody for "
        "`internet-facing`, the network's own addresses for `internal`. EC2 takes 60 rules per "
        "group unless its quota is raised; a prefix list counts with its maximum size, once for "
        "each of the ports 80 and 443.",
    )
    idle_timeout: IdleTimeout = Field(
        60, description="How long a connection may be silent, `1s` to `4000s`."
    )
    deletion_protection: bool = Field(
        False, description="Refuse deletion, also that of the stack, until this is false again."
    )
    drop_invalid_headers: bool = Field(
        True, description="Remove headers with invalid names instead of passing them on."
    )
    access_logs: Switch[AccessLogs] = Field(
        None, description="A log of all requests in S3; `true` for a bucket of the stack's own."
    )
    web_acl: WebAclArn | None = Field(
        None, description="ARN of a regional WAFv2 web ACL that guards the load balancer."
    )
    aliases: list[Alias] = Field([], description="Route 53 alias records for the load balancer.")
    ip_address_type: IpAddressType = Field(
        "ipv4", description="`dualstack` also serves IPv6, and needs a network with `ipv6: true`."
    )
    authentication: bool = Field(
        False,
        description="Lets the load balancer call identity providers: 443 to anywhere. Needed by "
        "routes with `authenticate`.",
    )
    existing: Existing | None = Field(None, description="Use a listener that is there already.")


@dataclass(frozen=True)
class Handle:
    """What other stacks refer to. Its values are literals or imports; no user can tell."""

    listener: Any
    """ARN of the listener that takes rules: HTTPS where there is one."""
    https: bool
    security_group: Any
    authentication: bool
    """Whether the load balancer can reach identity providers. True where that is unknown."""


def handle(name: str, params: Params, env: Environment) -> Handle:
    """How to refer to the load balancer from another stack."""
    if params.existing:
        return Handle(
            listener=params.existing.listener,
            https=params.existing.protocol == "HTTPS",
            security_group=params.existing.security_group,
            authentication=True,
        )
    listener = "HttpsListenerArn" if params.certificate else "HttpListenerArn"
    return Handle(
        listener=import_value(env, name, listener),
        https=bool(params.certificate),
        security_group=import_value(env, name, "SecurityGroupId"),
        authentication=params.authentication,
    )


# Problems ------------------------------------------------------------------------------------


def problems(name: str, params: Params, env: Environment) -> Iterator[Problem]:
    """What only the whole can tell."""
    if params.existing:
        yield from existing_problems(params)
        yield from _listener_problems(params.existing, env)
        return
    yield from find_stack_problems(env, network.Params, params.network, ("network",), "network")
    yield from certificate_problems(params.certificate, ("certificate",), env)
    yield from policy_problems(params.ssl_policy, ("ssl_policy",))
    yield from _plain_http_problems(params)
    yield from _client_problems(params)
    yield from alias_problems(params.aliases)
    yield from taken_problems(name, params.aliases, env)
    if params.web_acl and is_in_other_region(params.web_acl, env):
        message = (
            f"The web ACL is in {region_of(params.web_acl)}, the load balancer in {env.region}"
        )
        yield Problem("M1220", ("web_acl",), message, f"Name a web ACL in {env.region}.")
    yield from access_log_problems(params.access_logs)
    picked = find_stack(env, network.Params, params.network)
    if picked:
        yield from _network_problems(params, picked[0], picked[1], env)


def _listener_problems(existing: Existing, env: Environment) -> Iterator[Problem]:
    if is_in_other_region(existing.listener, env):
        message = f"The listener is in {region_of(existing.listener)}, the services in {env.region}"
        yield Problem("M1220", ("existing", "listener"), message, f"Name one in {env.region}.")


def _plain_http_problems(params: Params) -> Iterator[Problem]:
    if params.certificate:
        return
    for key, wanted in (("ssl_policy", True), ("authentication", params.authentication)):
        if wanted and key in params.model_fields_set:
            hint = "Add `certificate:`, or remove this."
            message = f"`{key}` needs HTTPS, and so a certificate"
            yield Problem("M1108", (key,), message, hint, because=[("certificate",)])


def _client_problems(params: Params) -> Iterator[Problem]:
    clients = params.clients or []
    yield from client_problems(clients, ("clients",))
    for index, client in enumerate(clients):
        if params.ip_address_type == "ipv4" and address_property(client) == "CidrIpv6":
            yield Problem(
                "M1220",
                ("clients", index),
                f"`{client}` can never connect: the load balancer has IPv4 addresses only",
                "Remove it, or write `ip_address_type: dualstack`.",
                level="warning",
                because=[("ip_address_type",)],
            )


def _network_problems(
    params: Params, name: str, stack: network.Params, env: Environment
) -> Iterator[Problem]:
    home = network.handle(name, stack, env)
    facing = params.scheme == "internet-facing"
    count = len(subnets(params.scheme, home))
    if count < 2:
        kind = "public subnets" if facing else "private subnets, or else public ones,"
        message = (
            f"Two {kind} in two availability zones are needed; the network `{name}` has {count}"
        )
        hint = f"Give `{name}` another" + (", or use `scheme: internal`." if facing else ".")
        yield Problem("M1108", ("scheme",), message, hint, because=[("network",)])
    yield from ipv6_problems(params.ip_address_type, name, stack)
    if params.scheme == "internal":
        yield from _internal_problems(params, name, home)


def _internal_problems(params: Params, name: str, home: network.Handle) -> Iterator[Problem]:
    because: Sequence[Path] = [("network",), ("scheme",)]
    if not params.clients and home.cidr is None:
        message = f"`clients` is missing: the addresses of the network `{name}` are unknown"
        hint = "Name who may connect, such as `clients: [10.0.0.0/16]`, or add `cidr:` there."
        yield Problem("M1102", ("clients",), message, hint, because=because)
    elif not params.clients and params.ip_address_type == "dualstack":
        yield Problem(
            "M1220",
            ("clients",),
            "No client can connect over IPv6: only the network's IPv4 addresses are admitted",
            "Name both in `clients:`; AWS assigns the IPv6 block when the network is deployed.",
            level="warning",
            because=[*because, ("ip_address_type",)],
        )
    if params.authentication and home.egress in ("public", "endpoints"):
        # An internal load balancer has no public address, so it needs a NAT gateway on its way out
        # (AWS re:Post, "How do I resolve errors when I configure authentication in my ALB?").
        yield Problem(
            "M1220",
            ("authentication",),
            f"No identity provider could be reached: the network `{name}` has no NAT gateway",
            f"Write `egress: nat` in `{name}`, or use `scheme: internet-facing`.",
            level="warning",
            because=because,
        )


# The template --------------------------------------------------------------------------------


def compose(name: str, params: Params, env: Environment) -> Template | None:
    """The load balancer, its listeners and its security group; logs, records and WAF by choice."""
    if params.existing:
        return None
    picked = find_stack(env, network.Params, params.network)
    assert picked is not None, "`problems` has found this before"
    home = network.handle(*picked, env)
    template = Template(f"{env.app} {env.name}: the application load balancer `{name}`")
    template.set_version()
    template.add_resource(list(_resources(name, params, home, env)))
    template.add_output(list(_outputs(name, params, env)))
    return template


def _resources(
    name: str, params: Params, home: network.Handle, env: Environment
) -> Iterator[AWSObject]:
    if params.access_logs and not params.access_logs.bucket:
        yield from access_log_bucket(params.access_logs, [_log_delivery(params.access_logs)])
    yield _security_group(name, params, home, env)
    yield _load_balancer(params, home)
    yield _http_listener(params)
    if params.certificate:
        yield _https_listener(params)
    for arn in params.certificate[1:]:
        yield elb.ListenerCertificate(
            certificate_id(arn),
            ListenerArn=Ref("HttpsListener"),
            Certificates=[elb.Certificate(CertificateArn=arn)],
        )
    if params.web_acl:
        yield wafv2.WebACLAssociation(
            "WebAclAssociation", ResourceArn=Ref("LoadBalancer"), WebACLArn=params.web_acl
        )
    yield from records(params.aliases, dualstack=params.ip_address_type == "dualstack")


def _outputs(name: str, params: Params, env: Environment) -> Iterator[Output]:
    yield from shared.outputs(name, env, security_group=True)
    plain, secure = Ref("HttpListener"), Ref("HttpsListener")
    yield export_output(env, name, "HttpListenerArn", plain, "ARN of the listener on port 80")
    if params.certificate:
        yield export_output(
            env, name, "HttpsListenerArn", secure, "ARN of the listener on port 443"
        )


def _load_balancer(params: Params, home: network.Handle) -> elb.LoadBalancer:
    """Nameless, because a fixed name blocks replacement, which a change of scheme asks for."""
    return elb.LoadBalancer(
        "LoadBalancer",
        Type="application",
        Scheme=params.scheme,
        IpAddressType=params.ip_address_type,
        Subnets=list(subnets(params.scheme, home)),
        SecurityGroups=[GetAtt("SecurityGroup", "GroupId")],
        LoadBalancerAttributes=attributes(_attributes(params)),
        **access_log_order(params.access_logs),
    )


def _attributes(params: Params) -> dict[str, Any]:
    """Keys, ranges and defaults: ELB API reference 2015-12-01, LoadBalancerAttribute.

    All of them always, because "existing attributes that you do not modify retain their current
    values" (the same, ModifyLoadBalancerAttributes).
    """
    return {
        "deletion_protection.enabled": params.deletion_protection,
        "idle_timeout.timeout_seconds": str(params.idle_timeout),
        "routing.http.drop_invalid_header_fields.enabled": params.drop_invalid_headers,
        **access_log_attributes(params.access_logs),
    }


# Listeners -----------------------------------------------------------------------------------


def _http_listener(params: Params) -> elb.Listener:
    return elb.Listener(
        "HttpListener",
        LoadBalancerArn=Ref("LoadBalancer"),
        Port=80,
        Protocol="HTTP",
        DefaultActions=[_to_https() if params.certificate else _not_found()],
    )


def _https_listener(params: Params) -> elb.Listener:
    return elb.Listener(
        "HttpsListener",
        LoadBalancerArn=Ref("LoadBalancer"),
        Port=443,
        Protocol="HTTPS",
        SslPolicy=params.ssl_policy,
        Certificates=[elb.Certificate(CertificateArn=params.certificate[0])],
        DefaultActions=[_not_found()],
    )


def _to_https() -> elb.Action:
    """Host, path and query are kept when they are not mentioned."""
    return elb.Action(
        Type="redirect",
        RedirectConfig=elb.RedirectConfig(Protocol="HTTPS", Port="443", StatusCode="HTTP_301"),
    )


def _not_found() -> elb.Action:
    return elb.Action(
        Type="fixed-response",
        FixedResponseConfig=elb.FixedResponseConfig(
            StatusCode="404", ContentType="text/plain", MessageBody="Not found"
        ),
    )


# The security group --------------------------------------------------------------------------


def _security_group(
    name: str, params: Params, home: network.Handle, env: Environment
) -> ec2.SecurityGroup:
    ports = {"HTTP": 80, "HTTPS": 443} if params.certificate else {"HTTP": 80}
    clients = params.clients or default_clients(params.scheme, params.ip_address_type, home) or ()
    return security_group(
        name,
        home,
        env,
        ingress=[
            ec2.SecurityGroupRule(
                Description=f"{protocol} from clients",
                IpProtocol="tcp",
                FromPort=port,
                ToPort=port,
                **{address_property(client): client},
            )
            for protocol, port in ports.items()
            for client in clients
        ],
        egress=[_to_identity_providers()] if params.authentication else [],
    )


def _to_identity_providers() -> ec2.SecurityGroupRule:
    """IPv4 only, as ELB calls them (ELB API reference, CreateLoadBalancer, IpAddressType)."""
    return ec2.SecurityGroupRule(
        Description="Identity providers",
        IpProtocol="tcp",
        FromPort=443,
        ToPort=443,
        CidrIp=ANYWHERE,
    )


# Access logs ---------------------------------------------------------------------------------


def _log_delivery(logs: AccessLogs) -> Statement:
    """What lets ELB write: Application Load Balancers user guide, "Enable access logs", step 2.

    It documents no condition; the account's id in the path is what keeps the load balancers of
    others out.
    """
    return allow(
        "LogDelivery",
        [s3_actions.PutObject],
        [access_log_keys(logs)],
        Principal=Principal("Service", _LOG_DELIVERY),
    )
