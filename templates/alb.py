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
from awacs.aws import Bool, Condition, Deny, Principal, SecureTransport, Statement
from pydantic import AfterValidator, Discriminator, Field, Tag
from troposphere import AWSObject, GetAtt, Output, Ref, Sub, Template, ec2, route53, s3, wafv2
from troposphere import elasticloadbalancingv2 as elb

from moorage.model import Base, Environment, Path, Problem, logical_id, wrong
from templates import network
from templates.parts.choice import choice_problems, chosen
from templates.parts.exports import exported, imported
from templates.parts.fields import (
    BucketName,
    Cidr,
    Duration,
    PrefixListId,
    SecurityGroupId,
    Some,
    StackName,
    Switch,
    duration,
    ip_version,
    text,
    written,
)
from templates.parts.iam import allow, policy

ANYWHERE = "0.0.0.0/0"
ANYWHERE_IPV6 = "::/0"
_DAY = 86_400
_LOG_DELIVERY = "logdelivery.elasticloadbalancing.amazonaws.com"

CertificateArn: Any = text(
    r"arn:aws[a-z-]*:(acm:[a-z0-9-]+:\d{12}:certificate/[\w-]+"
    r"|iam::\d{12}:server-certificate/[\w+=,.@/-]*[\w+=,.@-])",
    "the ARN of a certificate in ACM or IAM",
    "arn:aws:acm:eu-central-1:123456789012:certificate/0a1b2c3d-0000-4000-8000-000000000000",
)
ListenerArn: Any = text(
    r"arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:\d{12}:listener/app/[\w-]+/\w+/\w+",
    "the ARN of a listener of an Application Load Balancer",
    "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/web/0a1b2c3d/4e5f6a7b",
)
WebAclArn: Any = text(
    r"arn:aws[a-z-]*:wafv2:[a-z0-9-]+:\d{12}:regional/webacl/[\w-]+/[\w-]+",
    "the ARN of a regional WAFv2 web ACL",
    "arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/name/0a1b2c3d-0000-4000-8000-000000",
)
SslPolicy: Any = text(
    r"ELBSecurityPolicy-[A-Za-z0-9-]+",
    "the name of a security policy",
    "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09",
)
ZoneId: Any = text(r"Z[A-Z0-9]{1,31}", "the id of a hosted zone", "Z0123456789ABCDEFGHIJ")
HostName: Any = text(
    r"(?=.{1,253}$)(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}",
    "a host name in lower case",
    "www.example.com",
)
# "If you specify a prefix, it must not include the string AWSLogs": ELB adds that itself.
Prefix: Any = text(
    r"(?!.*AWSLogs)[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*",
    "a prefix of S3 keys without `AWSLogs`",
    "alb/public",
)
IdleTimeout: Any = duration(1, 4000)


def _whole_days(seconds: int) -> int:
    if not seconds or seconds % _DAY:
        message = f"S3 cannot keep objects for `{written(seconds)}`"
        raise wrong("M1107", message, "Write whole days, such as `90d`.")
    return seconds


Expiry = Annotated[Duration, AfterValidator(_whole_days)]
"""Seconds that make whole days, written as `90d`."""


def _kind_of_client(value: Any) -> str:
    return "prefix list" if isinstance(value, str) and value.startswith("pl-") else "network"


Client = Annotated[
    Annotated[PrefixListId, Tag("prefix list")] | Annotated[Cidr, Tag("network")],
    Discriminator(_kind_of_client),
]
"""A CIDR block or the id of a prefix list."""


class AccessLogs(Base):
    """A log of all requests, in S3."""

    bucket: BucketName | None = Field(
        None,
        description="Name of a bucket that is there already, in the same region. It must be "
        "encrypted with SSE-S3 (KMS is not possible), and its policy must allow "
        "`logdelivery.elasticloadbalancing.amazonaws.com` the action `s3:PutObject` on "
        "`<bucket>/<prefix>/AWSLogs/<account>/*`. Without a name the stack has a bucket of its "
        "own, which is kept when the stack is deleted.",
    )
    prefix: Prefix | None = Field(None, description="What the keys of the log files begin with.")
    expire_after: Expiry = Field(
        90 * _DAY, description="Age at which log files in the stack's own bucket are deleted."
    )


class Alias(Base):
    """A DNS name that leads to the load balancer."""

    zone: ZoneId = Field(description="Id of the Route 53 hosted zone.")
    name: HostName = Field(
        description="Host name within the zone, such as `www.example.com` or `*.example.com`."
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
    scheme: Literal["internet-facing", "internal"] = Field(
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
    ip_address_type: Literal["ipv4", "dualstack"] = Field(
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
        listener=imported(env, name, listener),
        https=bool(params.certificate),
        security_group=imported(env, name, "SecurityGroupId"),
        authentication=params.authentication,
    )


# Problems ------------------------------------------------------------------------------------


def problems(name: str, params: Params, env: Environment) -> Iterator[Problem]:
    """What only the whole can tell."""
    if params.existing:
        yield from _existing_problems(params, params.existing, env)
        return
    yield from choice_problems(env, network.Params, params.network, ("network",), "network")
    yield from _certificate_problems(params, env)
    yield from _client_problems(params)
    yield from _alias_problems(params)
    if params.web_acl and _elsewhere(params.web_acl, env):
        message = f"The web ACL is in {_region(params.web_acl)}, the load balancer in {env.region}"
        yield Problem("M1220", ("web_acl",), message, f"Name a web ACL in {env.region}.")
    if params.access_logs and {"bucket", "expire_after"} <= params.access_logs.model_fields_set:
        hint = "Remove it and give that bucket a lifecycle rule, or remove `bucket:`."
        message = "`expire_after` would change nothing in a bucket that is there already"
        yield Problem("M1108", ("access_logs", "expire_after"), message, hint)
    picked = chosen(env, network.Params, params.network)
    if picked:
        yield from _network_problems(params, picked[0], picked[1], env)


def _existing_problems(params: Params, existing: Existing, env: Environment) -> Iterator[Problem]:
    others = sorted(params.model_fields_set - {"existing"})
    if others:
        hint = "Remove what stands beside it, or remove `existing:` to have the load balancer made."
        message = f"`existing` stands beside {', '.join(others)}, which would change nothing"
        yield Problem("M1108", ("existing",), message, hint)
    if _elsewhere(existing.listener, env):
        message = f"The listener is in {_region(existing.listener)}, the services in {env.region}"
        yield Problem("M1220", ("existing", "listener"), message, f"Name one in {env.region}.")


def _certificate_problems(params: Params, env: Environment) -> Iterator[Problem]:
    for index, arn in enumerate(params.certificate):
        if _elsewhere(arn, env):
            message = f"The certificate is in {_region(arn)}, the load balancer in {env.region}"
            hint = f"Request or import one in {env.region}; only CloudFront uses us-east-1's."
            yield Problem("M1210", ("certificate", index), message, hint)
    for index, first in _repeats([_certificate_id(arn) for arn in params.certificate]):
        message = _clash(params.certificate[index], params.certificate[first])
        yield Problem("M1302", ("certificate", index), message, "Keep one of them.")
    if params.certificate:
        return
    for key, wanted in (("ssl_policy", True), ("authentication", params.authentication)):
        if wanted and key in params.model_fields_set:
            hint = "Add `certificate:`, or remove this."
            message = f"`{key}` needs HTTPS, and so a certificate"
            yield Problem("M1108", (key,), message, hint, because=[("certificate",)])


def _client_problems(params: Params) -> Iterator[Problem]:
    """Rules that do nothing, or that would take another one with them when they go.

    CloudFormation makes one rule of two equal ones and deletes it with either of them
    (aws-cloudformation/cloudformation-coverage-roadmap#612).
    """
    clients = params.clients or []
    for index, _ in _repeats(clients):
        hint = "Remove it now: removed later, CloudFormation would take the rule away for both."
        yield Problem("M1107", ("clients", index), f"`{clients[index]}` stands twice", hint)
    for index, client in enumerate(clients):
        if params.ip_address_type == "ipv4" and _address_property(client) == "CidrIpv6":
            yield Problem(
                "M1220",
                ("clients", index),
                f"`{client}` can never connect: the load balancer has IPv4 addresses only",
                "Remove it, or write `ip_address_type: dualstack`.",
                level="warning",
                because=[("ip_address_type",)],
            )


def _alias_problems(params: Params) -> Iterator[Problem]:
    names = [alias.name for alias in params.aliases]
    for index, first in _repeats([_record_id(name, "A") for name in names]):
        message = _clash(names[index], names[first])
        hint = "Keep one of them; a second record can stand in a stack of your own."
        yield Problem("M1302", ("aliases", index, "name"), message, hint)


def _clash(one: str, other: str) -> str:
    if one == other:
        return f"`{one}` stands twice"
    return f"`{one}` and `{other}` become the same logical ID"


def _network_problems(
    params: Params, name: str, stack: network.Params, env: Environment
) -> Iterator[Problem]:
    home = network.handle(name, stack, env)
    facing = params.scheme == "internet-facing"
    count = len(_subnets(params, home))
    if count < 2:
        kind = "public subnets" if facing else "private subnets, or else public ones,"
        message = (
            f"Two {kind} in two availability zones are needed; the network `{name}` has {count}"
        )
        hint = f"Give `{name}` another" + (", or use `scheme: internal`." if facing else ".")
        yield Problem("M1108", ("scheme",), message, hint, because=[("network",)])
    if params.ip_address_type == "dualstack" and not home.ipv6:
        message = f"`dualstack` needs IPv6 addresses, and the network `{name}` has none"
        where = f"below `existing:` of `{name}`, if it is so" if stack.existing else f"in `{name}`"
        hint = f"Write `ipv6: true` {where}, or `ip_address_type: ipv4` here."
        yield Problem("M1108", ("ip_address_type",), message, hint, because=[("network",)])
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


def _region(arn: str) -> str:
    """The region of an ARN; empty where the thing has none, such as a certificate in IAM."""
    return arn.split(":")[3]


def _elsewhere(arn: str, env: Environment) -> bool:
    return bool(env.region and _region(arn)) and _region(arn) != env.region


def _repeats(values: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Where a value stands that stood before, and where it stood first."""
    for index, value in enumerate(values):
        first = values.index(value)
        if first != index:
            yield index, first


# The template --------------------------------------------------------------------------------


def compose(name: str, params: Params, env: Environment) -> Template | None:
    """The load balancer, its listeners and its security group; logs, records and WAF by choice."""
    if params.existing:
        return None
    picked = chosen(env, network.Params, params.network)
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
        yield _bucket(params.access_logs)
        yield _bucket_policy(params.access_logs)
    yield _security_group(name, params, home, env)
    yield _load_balancer(params, home)
    yield _http_listener(params)
    if params.certificate:
        yield _https_listener(params)
    for arn in params.certificate[1:]:
        yield elb.ListenerCertificate(
            _certificate_id(arn),
            ListenerArn=Ref("HttpsListener"),
            Certificates=[elb.Certificate(CertificateArn=arn)],
        )
    if params.web_acl:
        yield wafv2.WebACLAssociation(
            "WebAclAssociation", ResourceArn=Ref("LoadBalancer"), WebACLArn=params.web_acl
        )
    for alias in params.aliases:
        for kind in ("A", "AAAA") if params.ip_address_type == "dualstack" else ("A",):
            yield _record(alias, kind)


def _outputs(name: str, params: Params, env: Environment) -> Iterator[Output]:
    values = {
        "LoadBalancerArn": (Ref("LoadBalancer"), "ARN of the load balancer"),
        "LoadBalancerFullName": (
            GetAtt("LoadBalancer", "LoadBalancerFullName"),
            "Name of the load balancer in metrics",
        ),
        "DnsName": (GetAtt("LoadBalancer", "DNSName"), "DNS name of the load balancer"),
        "CanonicalHostedZoneId": (
            GetAtt("LoadBalancer", "CanonicalHostedZoneID"),
            "Hosted zone of the DNS name, for alias records",
        ),
        "SecurityGroupId": (
            GetAtt("SecurityGroup", "GroupId"),
            "Id of the load balancer's security group",
        ),
        "HttpListenerArn": (Ref("HttpListener"), "ARN of the listener on port 80"),
    }
    if params.certificate:
        values["HttpsListenerArn"] = (Ref("HttpsListener"), "ARN of the listener on port 443")
    for output, (value, description) in values.items():
        yield exported(env, name, output, value, description)


def _subnets(params: Params, home: network.Handle) -> tuple[Any, ...]:
    if params.scheme == "internet-facing":
        return home.public_subnets
    return home.private_subnets or home.public_subnets


def _load_balancer(params: Params, home: network.Handle) -> elb.LoadBalancer:
    """Nameless, because a fixed name blocks replacement, which a change of scheme asks for."""
    own_bucket = params.access_logs and not params.access_logs.bucket
    # ELB writes a test file when logs are switched on, so the bucket must admit it by then.
    waits = {"DependsOn": "AccessLogsBucketPolicy"} if own_bucket else {}
    return elb.LoadBalancer(
        "LoadBalancer",
        Type="application",
        Scheme=params.scheme,
        IpAddressType=params.ip_address_type,
        Subnets=list(_subnets(params, home)),
        SecurityGroups=[GetAtt("SecurityGroup", "GroupId")],
        LoadBalancerAttributes=[
            elb.LoadBalancerAttributes(Key=key, Value=value)
            for key, value in _attributes(params).items()
        ],
        **waits,
    )


def _attributes(params: Params) -> dict[str, Any]:
    """Keys, ranges and defaults: ELB API reference 2015-12-01, LoadBalancerAttribute.

    All of them always, because "existing attributes that you do not modify retain their current
    values" (the same, ModifyLoadBalancerAttributes). An empty prefix is the default.
    """
    logs = params.access_logs
    attributes: dict[str, Any] = {
        "deletion_protection.enabled": _word(params.deletion_protection),
        "idle_timeout.timeout_seconds": str(params.idle_timeout),
        "routing.http.drop_invalid_header_fields.enabled": _word(params.drop_invalid_headers),
        "access_logs.s3.enabled": _word(logs is not None),
    }
    if logs:
        attributes["access_logs.s3.bucket"] = logs.bucket or Ref("AccessLogsBucket")
        attributes["access_logs.s3.prefix"] = logs.prefix or ""
    return attributes


def _word(value: bool) -> str:
    return "true" if value else "false"


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


def _certificate_id(arn: str) -> str:
    """The logical ID of a further certificate: by its id in ACM or its name in IAM."""
    return logical_id(arn.rsplit("/", 1)[-1], "ListenerCertificate")


# The security group --------------------------------------------------------------------------


def _security_group(
    name: str, params: Params, home: network.Handle, env: Environment
) -> ec2.SecurityGroup:
    ports = {"HTTP": 80, "HTTPS": 443} if params.certificate else {"HTTP": 80}
    return ec2.SecurityGroup(
        "SecurityGroup",
        GroupDescription=f"{env.app} {env.name}: load balancer {name}",
        VpcId=home.vpc_id,
        SecurityGroupIngress=[
            ec2.SecurityGroupRule(
                Description=f"{protocol} from clients",
                IpProtocol="tcp",
                FromPort=port,
                ToPort=port,
                **{_address_property(client): client},
            )
            for protocol, port in ports.items()
            for client in _clients(params, home)
        ],
        SecurityGroupEgress=[_to_identity_providers() if params.authentication else _to_nowhere()],
    )


def _clients(params: Params, home: network.Handle) -> list[str]:
    if params.clients:
        return params.clients
    if params.scheme == "internal":
        return [home.cidr] if home.cidr else []
    dualstack = params.ip_address_type == "dualstack"
    return [ANYWHERE, ANYWHERE_IPV6] if dualstack else [ANYWHERE]


def _address_property(client: str) -> str:
    """The property of a rule that takes such a client."""
    if _kind_of_client(client) == "prefix list":
        return "SourcePrefixListId"
    return "CidrIp" if ip_version(client) == 4 else "CidrIpv6"


def _to_nowhere() -> ec2.SecurityGroupRule:
    """A group without egress rules would get one that allows everything.

    CloudFormation template reference, AWS::EC2::SecurityGroup, "Remove the default rule".
    """
    return ec2.SecurityGroupRule(
        Description="Nowhere: services open their own ports",
        IpProtocol="-1",
        CidrIp="127.0.0.1/32",
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


def _bucket(logs: AccessLogs) -> s3.Bucket:
    """A bucket for access logs: SSE-S3 is the only encryption that ELB can write with.

    Application Load Balancers user guide, "Enable access logs".
    """
    return s3.Bucket(
        "AccessLogsBucket",
        BucketEncryption=s3.BucketEncryption(
            ServerSideEncryptionConfiguration=[
                s3.ServerSideEncryptionRule(
                    ServerSideEncryptionByDefault=s3.ServerSideEncryptionByDefault(
                        SSEAlgorithm="AES256"
                    )
                )
            ]
        ),
        LifecycleConfiguration=s3.LifecycleConfiguration(
            Rules=[
                s3.LifecycleRule(
                    Id="Expire", Status="Enabled", ExpirationInDays=logs.expire_after // _DAY
                )
            ]
        ),
        OwnershipControls=s3.OwnershipControls(
            Rules=[s3.OwnershipControlsRule(ObjectOwnership="BucketOwnerEnforced")]
        ),
        PublicAccessBlockConfiguration=s3.PublicAccessBlockConfiguration(
            BlockPublicAcls=True,
            BlockPublicPolicy=True,
            IgnorePublicAcls=True,
            RestrictPublicBuckets=True,
        ),
        DeletionPolicy="Retain",
        UpdateReplacePolicy="Retain",
    )


def _bucket_policy(logs: AccessLogs) -> s3.BucketPolicy:
    """What ELB needs to write, and TLS for everybody.

    Application Load Balancers user guide, "Enable access logs", step 2. It documents no condition;
    the account's id in the path is what keeps the load balancers of others out.
    """
    folder = f"{logs.prefix}/AWSLogs" if logs.prefix else "AWSLogs"
    return s3.BucketPolicy(
        "AccessLogsBucketPolicy",
        Bucket=Ref("AccessLogsBucket"),
        PolicyDocument=policy(
            [
                allow(
                    "LogDelivery",
                    [s3_actions.PutObject],
                    [Sub(f"${{AccessLogsBucket.Arn}}/{folder}/${{AWS::AccountId}}/*")],
                    Principal=Principal("Service", _LOG_DELIVERY),
                ),
                Statement(
                    Sid="TlsOnly",
                    Effect=Deny,
                    Principal=Principal("*"),
                    Action=[s3_actions.Action("*")],
                    Resource=[
                        GetAtt("AccessLogsBucket", "Arn"),
                        Sub("${AccessLogsBucket.Arn}/*"),
                    ],
                    Condition=Condition(Bool({SecureTransport: "false"})),
                ),
            ]
        ),
    )


# Alias records -------------------------------------------------------------------------------


def _record(alias: Alias, kind: str) -> route53.RecordSetType:
    return route53.RecordSetType(
        _record_id(alias.name, kind),
        HostedZoneId=alias.zone,
        Name=alias.name,
        Type=kind,
        AliasTarget=route53.AliasTarget(
            DNSName=GetAtt("LoadBalancer", "DNSName"),
            HostedZoneId=GetAtt("LoadBalancer", "CanonicalHostedZoneID"),
        ),
    )


def _record_id(host: str, kind: str) -> str:
    return logical_id(host.replace("*", "wildcard"), kind.capitalize() + "Record")
