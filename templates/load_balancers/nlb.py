"""A stack that holds a Network Load Balancer, or the name of one that exists.

edge:
  template: nlb
  elastic_ips: true
  aliases: [{zone: Z0123456789ABCDEFGHIJ, name: ntp.example.com}]

Its listeners come from services, each in the service's own stack, with the rules that let clients
in and traffic out to the service's ports. Until then its security group lets nothing through.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from string import ascii_uppercase
from typing import Annotated, Any, Literal

from awacs import s3 as s3_actions
from awacs.aws import (
    ArnLike,
    Condition,
    Principal,
    SourceAccount,
    SourceArn,
    Statement,
    StringEquals,
)
from pydantic import Discriminator, Field, Tag
from troposphere import AccountId, AWSObject, GetAtt, Output, Sub, Template, ec2
from troposphere import elasticloadbalancingv2 as elb

from moorage.findings.finding import Path, Problem
from moorage.model import Base, Environment

from .. import network
from ..common.exports import export_output, import_value
from ..common.fields import (
    BucketName,
    HostAddress,
    SecurityGroupId,
    StackName,
    Switch,
    UniqueList,
    text,
)
from ..common.iam import allow
from ..common.regions import is_in_other_region, region_of
from ..common.stack_lookup import find_stack, find_stack_problems
from ..exposure.params import ExposeParams
from . import access_logs, shared
from .access_logs import (
    access_log_attributes,
    access_log_bucket,
    access_log_keys,
    access_log_order,
    access_log_problems,
)
from .alias_records import Alias, alias_problems, records, taken_problems
from .shared import (
    IpAddressType,
    Scheme,
    attributes,
    default_clients,
    existing_problems,
    ipv6_problems,
    security_group,
    subnet_cidrs,
    subnets,
)

_LOG_DELIVERY = "delivery.logs.amazonaws.com"

LoadBalancerArn = Annotated[
    str,
    text(
        r"arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:\d{12}:loadbalancer/net/[\w-]+/\w+",
        "the ARN of a Network Load Balancer",
        "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/net/edge/0a1b2c3d4e5f6a7b",
    ),
]
AllocationId = Annotated[
    str,
    text(
        r"eipalloc-[0-9a-f]{8,17}",
        "the allocation id of an Elastic IP",
        "eipalloc-0123456789abcdef0",
    ),
]


def _kind_of_elastic_ips(value: Any) -> str:
    return "made" if isinstance(value, bool) else "named"


ElasticIps = Annotated[
    Annotated[bool, Tag("made")] | Annotated[UniqueList[AllocationId], Tag("named")],
    Discriminator(_kind_of_elastic_ips),
]
"""`true` for addresses of the stack's own, or allocation ids."""


class AccessLogs(access_logs.AccessLogs):
    """A log of TLS connections, in S3."""

    bucket: BucketName | None = Field(
        None,
        description="Name of a bucket that is there already, in the same region. Its policy must "
        "allow `delivery.logs.amazonaws.com` the actions `s3:GetBucketAcl` and, on "
        "`<bucket>/<prefix>/AWSLogs/<account>/*`, `s3:PutObject`; so must the policy of its KMS "
        "key, where it has one. Without a name the stack has a bucket of its own, which is kept "
        "when the stack is deleted.",
    )


class Existing(Base):
    """A load balancer that is there already."""

    arn: LoadBalancerArn = Field(description="ARN of the load balancer that gets the listeners.")
    security_group: SecurityGroupId | None = Field(
        None,
        description="Id of its security group, where it has one. Services admit it on their "
        "ports, and add rules for their clients and their tasks to it.",
    )
    addresses: UniqueList[network.Ipv4Cidr] = Field(
        [],
        description="CIDR blocks of its private addresses, such as those of its subnets. Where it "
        "has no security group, services admit its health checks by them. Default: the network's "
        "own addresses.",
    )
    ip_address_type: IpAddressType = Field("ipv4", description="What addresses it has.")


class Params(Base):
    """A Network Load Balancer, to which services bring their listeners."""

    network: StackName | None = Field(
        None, description="Stack of the network it stands in. Needless where there is only one."
    )
    scheme: Scheme = Field(
        "internet-facing",
        description="Whether it has public addresses, in the public subnets, or private ones only. "
        "It cannot be changed while services use the load balancer: make a second one.",
    )
    security_group: bool = Field(
        True,
        description="A security group, which services open for their clients. ELB takes one at "
        "creation or never. With `false` everybody who reaches the load balancer's addresses can "
        "use it, and tasks judge by the addresses of clients. It cannot be changed later: make a "
        "second load balancer.",
    )
    elastic_ips: ElasticIps = Field(
        False,
        description="Fixed public addresses: `true` for Elastic IPs of the stack's own, which go "
        "with it and are among its outputs, or one allocation id for each public subnet, in the "
        "order of the network's zones. For `internet-facing` only, and from creation on: for "
        "other addresses make a second load balancer.",
    )
    private_addresses: UniqueList[HostAddress] = Field(
        [],
        description="Fixed private addresses: one IPv4 address from each subnet, in the order of "
        "the network's zones. For `internal` only, and from creation on: for other addresses "
        "make a second load balancer.",
    )
    ip_address_type: IpAddressType = Field(
        "ipv4",
        description="`dualstack` also serves IPv6, and needs a network with `ipv6: true`. Each "
        "subnet then gives the load balancer a prefix of IPv6 addresses for source NAT, which UDP "
        "listeners need.",
    )
    cross_zone: bool = Field(
        False,
        description="Whether each zone's address leads to tasks in all zones, or to those of its "
        "own. Where it is false, each service needs a task in every zone: an address without one "
        "is dead, and ELB takes it out of the DNS name for all services of the load balancer. AWS "
        "charges for traffic between zones.",
    )
    zonal_shift: bool = Field(
        False,
        description="Lets ARC take a zone out of the DNS name, by hand or by itself. With "
        "`cross_zone: true` it has no UDP listeners, and leaves connections to tasks that became "
        "unhealthy alone.",
    )
    dns_client_affinity: Literal[
        "any_availability_zone", "partial_availability_zone_affinity", "availability_zone_affinity"
    ] = Field(
        "any_availability_zone",
        description="Which zone's address clients in the VPC get from Route 53 Resolver: any, "
        "their own for 85 percent of the queries, or always their own.",
    )
    enforce_security_group_inbound_rules_on_private_link_traffic: Literal["on", "off"] | None = (
        Field(
            None,
            description="Whether the security group's inbound rules also hold for clients that "
            "come by PrivateLink. ELB's default is `on`.",
        )
    )
    deletion_protection: bool = Field(
        False, description="Refuse deletion, also that of the stack, until this is false again."
    )
    access_logs: Switch[AccessLogs] = Field(
        None,
        description="A log in S3 of the connections to TLS listeners; ELB writes none for the "
        "others. `true` for a bucket of the stack's own.",
    )
    aliases: list[Alias] = Field([], description="Route 53 alias records for the load balancer.")
    existing: Existing | None = Field(None, description="Use one that is there already.")


@dataclass(frozen=True)
class Handle:
    """What other stacks refer to. Its values are literals or imports; no user can tell."""

    load_balancer: Any
    """ARN of the load balancer."""
    security_group: Any | None
    """Its id; None where the load balancer has none."""
    scheme: Scheme | None
    """None where the load balancer exists and nobody knows."""
    dualstack: bool
    addresses: tuple[str, ...] | None
    """IPv4 blocks that the private addresses of its nodes lie in, from which health checks come;
    None where that is unknown."""
    clients_default: tuple[str, ...] | None
    """Who may connect where a listener names no clients; None where that is unknown."""
    zones: int | None = None
    """In how many zones it has an address; None where the load balancer exists."""
    cross_zone: bool = False
    """Whether each zone's address leads to tasks in all of them."""
    fixed: bool = False
    """Whether clients may have been told its addresses."""
    zonal_shift: bool = False
    """Whether ARC may take a zone out of the DNS name."""

    @property
    def shifts_across_zones(self) -> bool:
        """Whether ARC may take a zone out while each zone's address leads to tasks in all."""
        return self.zonal_shift and self.cross_zone


def handle(name: str, params: Params, env: Environment) -> Handle:
    """How to refer to the load balancer from another stack."""
    picked = find_stack(env, network.Params, params.network)
    home = network.handle(*picked, env) if picked else None
    if params.existing:
        return Handle(
            load_balancer=params.existing.arn,
            security_group=params.existing.security_group,
            scheme=None,
            dualstack=params.existing.ip_address_type == "dualstack",
            addresses=_addresses(params, home),
            clients_default=None,
        )
    return Handle(
        load_balancer=import_value(env, name, "LoadBalancerArn"),
        security_group=import_value(env, name, "SecurityGroupId")
        if params.security_group
        else None,
        scheme=params.scheme,
        dualstack=_dualstack(params),
        addresses=_addresses(params, home),
        clients_default=default_clients(params.scheme, params.ip_address_type, home),
        zones=len(subnets(params.scheme, home)) if home else None,
        cross_zone=params.cross_zone,
        fixed=bool(params.elastic_ips or params.private_addresses),
        zonal_shift=params.zonal_shift,
    )


def same_load_balancer(one: str, other: str, env: Environment) -> bool:
    """Whether two stacks stand for one load balancer, as both may have taken it over."""
    arns = [
        params.existing.arn
        for name in (one, other)
        if (params := env.params_of(name, Params)) and params.existing
    ]
    return one == other or (len(arns) == 2 and arns[0] == arns[1])


def _addresses(params: Params, home: network.Handle | None) -> tuple[str, ...] | None:
    """Where the nodes are: in the blocks that are named, in their subnets', or in the VPC's."""
    if params.existing and params.existing.addresses:
        return tuple(params.existing.addresses)
    if home is None:
        return None
    blocks = None if params.existing else subnet_cidrs(params.scheme, home)
    return blocks or ((home.cidr,) if home.cidr else None)


def _dualstack(params: Params) -> bool:
    return params.ip_address_type == "dualstack"


# Problems ------------------------------------------------------------------------------------


def problems(name: str, params: Params, env: Environment) -> Iterator[Problem]:
    """What only the whole can tell."""
    if params.existing:
        yield from existing_problems(params, beside=frozenset({"network"}))
        yield from _arn_problems(params.existing, env)
        if params.network and not find_stack(env, network.Params, params.network):
            yield from find_stack_problems(
                env, network.Params, params.network, ("network",), "network"
            )
        else:
            yield from _unknown_addresses(name, params, env, ("existing", "addresses"))
        return
    yield from find_stack_problems(env, network.Params, params.network, ("network",), "network")
    yield from _scheme_problems(params)
    yield from alias_problems(params.aliases)
    yield from taken_problems(name, params.aliases, env)
    yield from access_log_problems(params.access_logs)
    if params.access_logs:
        yield from _silent_problems(name, env)
    if params.enforce_security_group_inbound_rules_on_private_link_traffic:
        yield from _private_link_problems(params)
    picked = find_stack(env, network.Params, params.network)
    if picked:
        yield from _network_problems(params, picked[0], picked[1], env)
        yield from _unknown_addresses(name, params, env, ("security_group",))
        yield from _taken_problems(name, params, env)


def _arn_problems(existing: Existing, env: Environment) -> Iterator[Problem]:
    if is_in_other_region(existing.arn, env):
        message = f"The load balancer is in {region_of(existing.arn)}, the services in {env.region}"
        yield Problem("M1220", ("existing", "arn"), message, f"Name one in {env.region}.")


def _unknown_addresses(
    name: str, params: Params, env: Environment, path: Path
) -> Iterator[Problem]:
    """Health checks come from the load balancer's private addresses.

    Where it has no security group that tasks could admit, they admit those (Network Load Balancers
    user guide, "Target security groups").
    """
    its = handle(name, params, env)
    if its.security_group is None and its.addresses is None:
        what = "`addresses` is missing" if params.existing else "`security_group` is needed"
        message = f"{what}: nothing tells where health checks come from, and tasks must admit them"
        hint = "Write `addresses: [10.0.0.0/24]`, or `security_group:` if it has one."
        if not params.existing:
            hint = "Remove this line, or write the network's `cidr:` below its `existing:`."
        because = [("network",), ("existing", "security_group"), ("scheme",)]
        yield Problem("M1102", path, message, hint, because=because)


def _scheme_problems(params: Params) -> Iterator[Problem]:
    """Addresses that ELB refuses for the scheme.

    ELB API reference, CreateLoadBalancer, SubnetMappings; "Elastic IPs are not supported for load
    balancers with scheme 'internal'" (hashicorp/terraform-provider-aws#15235).
    """
    if params.elastic_ips and params.scheme == "internal":
        hint = "Write `private_addresses:` with one of each subnet, or `scheme: internet-facing`."
        message = "An internal load balancer has no Elastic IPs"
        yield Problem("M1108", ("elastic_ips",), message, hint, because=[("scheme",)])
    if params.private_addresses and params.scheme == "internet-facing":
        hint = "Use `elastic_ips: true` for fixed public addresses, or `scheme: internal`."
        message = "Only an internal load balancer takes chosen private addresses"
        yield Problem("M1108", ("private_addresses",), message, hint, because=[("scheme",)])


def _silent_problems(name: str, env: Environment) -> Iterator[Problem]:
    """A log in which nothing would ever stand.

    "Access logs are created only if the load balancer has a TLS listener" (Network Load Balancers
    user guide, "Access logs"). Without any way through it, its listeners come from elsewhere.
    """
    ways = [way for _, its in env.of(ExposeParams) for way in its.expose if way.via == name]
    speaks_tls = any(way.port is not None and way.port.protocol == "tls" for way in ways)
    if ways and not speaks_tls and not env.broken:
        message = "Nothing will be logged: ELB logs TLS connections only, and no listener is TLS"
        hint = "Remove it, or let a way through it end TLS: `port: 443/tls`."
        yield Problem("M1220", ("access_logs",), message, hint, level="warning")


def _private_link_problems(params: Params) -> Iterator[Problem]:
    if not params.security_group:
        yield Problem(
            "M1108",
            ("enforce_security_group_inbound_rules_on_private_link_traffic",),
            "There is no security group whose rules could hold",
            "Remove this, or `security_group: false`.",
            because=[("security_group",)],
        )


def _network_problems(
    params: Params, name: str, stack: network.Params, env: Environment
) -> Iterator[Problem]:
    home = network.handle(name, stack, env)
    count = len(subnets(params.scheme, home))
    if not count:
        facing = params.scheme == "internet-facing"
        message = f"The network `{name}` has no {'public ' if facing else ''}subnet for it"
        hint = f"Give `{name}` one" + (", or use `scheme: internal`." if facing else ".")
        yield Problem("M1108", ("scheme",), message, hint, because=[("network",)])
        return
    yield from ipv6_problems(params.ip_address_type, name, stack)
    if isinstance(params.elastic_ips, list) and params.scheme == "internet-facing":
        yield from _count_problems("elastic_ips", params.elastic_ips, count, name)
    if params.scheme == "internal":
        yield from _count_problems("private_addresses", params.private_addresses, count, name)
        yield from _place_problems(params, home)


def _count_problems(key: str, given: Sequence[str], count: int, name: str) -> Iterator[Problem]:
    if given and len(given) != count:
        many = f"{count}, not {len(given)}"
        message = f"As many are needed as the network `{name}` has subnets for it: {many}"
        hint = "Write one for each, in the order of the network's zones."
        yield Problem("M1218", (key,), message, hint, because=[("network",), ("scheme",)])


def _place_problems(params: Params, home: network.Handle) -> Iterator[Problem]:
    """Addresses that their subnet does not have, where its block is known.

    Of each subnet AWS keeps the first four addresses and the last one (VPC user guide, "Subnet
    CIDR blocks").
    """
    blocks = subnet_cidrs(params.scheme, home) or ()
    for index, (address, cidr) in enumerate(zip(params.private_addresses, blocks, strict=False)):
        block = IPv4Network(cidr)
        first, last = block[4], block[-2]
        if not first <= IPv4Address(address) <= last:
            reserved = IPv4Address(address) in block
            what = "is kept by AWS for itself" if reserved else "is not"
            message = f"`{address}` {what} in `{cidr}`, the subnet at this place"
            hint = f"Write one from `{first}` to `{last}`."
            path = ("private_addresses", index)
            yield Problem("M1218", path, message, hint, because=[("network",), ("scheme",)])


def _taken_problems(name: str, params: Params, env: Environment) -> Iterator[Problem]:
    """One address has room for one load balancer."""
    mine = find_stack(env, network.Params, params.network)
    for other, its in env.of(Params):
        if other == name:
            return
        for index, allocation in enumerate(_named(params)):
            if allocation in _named(its):
                yield _taken(("elastic_ips", index), allocation, other)
        if params.scheme == "internal" and mine == find_stack(env, network.Params, its.network):
            for index, address in enumerate(params.private_addresses):
                if address in its.private_addresses:
                    yield _taken(("private_addresses", index), address, other)


def _taken(path: Path, address: str, other: str) -> Problem:
    return Problem("M1218", path, f"`{address}` belongs to `{other}` already", "Take another one.")


def _named(params: Params) -> list[str]:
    return params.elastic_ips if isinstance(params.elastic_ips, list) else []


# The template --------------------------------------------------------------------------------


def compose(name: str, params: Params, env: Environment) -> Template | None:
    """The load balancer and its security group; addresses, logs and records by choice."""
    if params.existing:
        return None
    picked = find_stack(env, network.Params, params.network)
    assert picked is not None, "`problems` has found this before"
    home = network.handle(*picked, env)
    template = Template(f"{env.app} {env.name}: the network load balancer `{name}`")
    template.set_version()
    template.add_resource(list(_resources(name, params, home, env)))
    template.add_output(list(_outputs(name, params, home, env)))
    return template


def _resources(
    name: str, params: Params, home: network.Handle, env: Environment
) -> Iterator[AWSObject]:
    if params.access_logs and not params.access_logs.bucket:
        yield from access_log_bucket(params.access_logs, _log_delivery(params.access_logs))
    for title in _elastic_ips(params, home):
        # The network's stack, with the gateway that an address waits for, is there before this one.
        yield ec2.EIP(title, Domain="vpc")
    if params.security_group:
        yield security_group(name, home, env)
    yield _load_balancer(params, home)
    yield from records(params.aliases, dualstack=_dualstack(params))


def _outputs(name: str, params: Params, home: network.Handle, env: Environment) -> Iterator[Output]:
    yield from shared.outputs(name, env, security_group=params.security_group)
    for title in _elastic_ips(params, home):
        address = GetAtt(title, "PublicIp")
        yield export_output(env, name, f"{title}Address", address, f"Fixed address {title[-1]}")


def _elastic_ips(params: Params, home: network.Handle) -> list[str]:
    """Logical IDs of the stack's own addresses: by the place of the zone, as in the network."""
    if params.elastic_ips is not True:
        return []
    places = zip(ascii_uppercase, subnets(params.scheme, home), strict=False)
    return [f"ElasticIp{letter}" for letter, _ in places]


def _load_balancer(params: Params, home: network.Handle) -> elb.LoadBalancer:
    """Nameless, because a fixed name blocks replacement, which a change of scheme asks for."""
    private_link = params.enforce_security_group_inbound_rules_on_private_link_traffic
    optional: dict[str, Any] = {
        "SecurityGroups": [GetAtt("SecurityGroup", "GroupId")] if params.security_group else None,
        "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic": private_link,
        "EnablePrefixForIpv6SourceNat": "on" if _dualstack(params) else None,
    }
    return elb.LoadBalancer(
        "LoadBalancer",
        Type="network",
        Scheme=params.scheme,
        IpAddressType=params.ip_address_type,
        **_places(params, home),
        **{key: value for key, value in optional.items() if value},
        LoadBalancerAttributes=attributes(_attributes(params)),
        **access_log_order(params.access_logs),
    )


def _places(params: Params, home: network.Handle) -> dict[str, Any]:
    """The subnets: as a plain list where there is nothing to say of a single one."""
    everywhere = subnets(params.scheme, home)
    each = [
        {"SubnetId": subnet, **more}
        for subnet, more in zip(everywhere, _mappings(params, home), strict=True)
    ]
    if any(len(one) > 1 for one in each):
        return {"SubnetMappings": [elb.SubnetMapping(**one) for one in each]}
    return {"Subnets": list(everywhere)}


def _mappings(params: Params, home: network.Handle) -> list[dict[str, Any]]:
    """What is said of each subnet.

    With IPv6 it gives a prefix for source NAT, without which ELB refuses UDP listeners on a
    dualstack load balancer; TCP ones live with it (ELB API reference, SubnetMapping and
    CreateLoadBalancer; kubernetes-sigs/aws-load-balancer-controller#3926, #4795).

    A zone keeps its addresses: a change within it takes two steps, out and in again (Network Load
    Balancers user guide, "Update the Availability Zones").
    """
    allocations = [GetAtt(title, "AllocationId") for title in _elastic_ips(params, home)]
    named: dict[str, Sequence[Any]] = {
        "AllocationId": allocations or _named(params),
        "PrivateIPv4Address": params.private_addresses,
    }
    prefix = {"SourceNatIpv6Prefix": "auto_assigned"} if _dualstack(params) else {}
    return [
        {key: values[index] for key, values in named.items() if values} | prefix
        for index, _ in enumerate(subnets(params.scheme, home))
    ]


def _attributes(params: Params) -> dict[str, Any]:
    """Keys and defaults: ELB API reference 2015-12-01, LoadBalancerAttribute.

    All of them always, because "existing attributes that you do not modify retain their current
    values" (the same, ModifyLoadBalancerAttributes).
    """
    return {
        "deletion_protection.enabled": params.deletion_protection,
        "load_balancing.cross_zone.enabled": params.cross_zone,
        "zonal_shift.config.enabled": params.zonal_shift,
        "dns_record.client_routing_policy": params.dns_client_affinity,
        **access_log_attributes(params.access_logs),
    }


# Access logs ---------------------------------------------------------------------------------


def _log_delivery(logs: AccessLogs) -> list[Statement]:
    """What lets ELB write, with the Sids and the conditions that AWS documents.

    Network Load Balancers user guide, "Enable access logs". The ACL that it asks for is one that a
    bucket without ACLs takes too (S3 user guide, "Controlling ownership of objects").
    """
    caller = Sub("arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:*")
    account = {SourceAccount: AccountId}
    acl = {"s3:x-amz-acl": "bucket-owner-full-control"}
    return [
        allow(
            "AWSLogDeliveryAclCheck",
            [s3_actions.GetBucketAcl],
            [GetAtt("AccessLogsBucket", "Arn")],
            Principal=Principal("Service", _LOG_DELIVERY),
            Condition=Condition([StringEquals(account), ArnLike(SourceArn, caller)]),
        ),
        allow(
            "AWSLogDeliveryWrite",
            [s3_actions.PutObject],
            [access_log_keys(logs)],
            Principal=Principal("Service", _LOG_DELIVERY),
            Condition=Condition([StringEquals(acl | account), ArnLike(SourceArn, caller)]),
        ),
    ]
