"""A stack that holds a VPC with public and private subnets, or the ids of one that exists.

network:
  cidr: 10.20.0.0/16
  availability_zones: 3
  egress: nat-per-az
  flow_logs: {retention: 30d, traffic: reject}

The addresses are cut in a way that never moves: an eighth of the VPC for the private subnet of each
of four zones, a sixteenth for each public one, and the last quarter for you. A zone that is added
takes the next block, whatever stands in the blocks before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, ip_network
from typing import Annotated, Any, Literal

from awacs.aws import Condition, StringEquals
from awacs.logs import CreateLogStream, DescribeLogStreams, PutLogEvents
from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema
from troposphere import AccountId, Cidr, GetAtt, GetAZs, Ref, Region, Select, Tags, Template, ec2

from moorage.findings.finding import Path, Problem
from moorage.model import Base, Environment, logical_id, wrong

from ..common import fields
from ..common.exports import export_output, import_value
from ..common.fields import SubnetId, Switch, VpcId, ip_version
from ..common.iam import allow, role
from ..common.logs import Logs, log_group
from ..common.regions import key_region_problems

Egress = Literal["public", "nat", "nat-per-az", "endpoints"]

ZONE_LETTERS = "ABCD"
"""What names a zone in logical IDs: by its place in the params, so that it stays for ever."""

# How many zones one can count on by `Fn::GetAZs`, where that is not three: from cfn-lint's table of
# zones. The fourth that it has for ap-northeast-1 and ca-central-1 is left out, since accounts
# differ there.
_MORE_ZONES = {"us-east-1": 6, "us-west-1": 2, "us-west-2": 4, "ap-northeast-2": 4}
_USUAL_ZONES = 3

# What a Fargate task needs at its start and for ECS Exec, from "Amazon ECS interface VPC endpoints"
# in the ECS developer guide. The layers of an image come from S3, by its gateway endpoint.
_SERVICES = ("ecr.api", "ecr.dkr", "logs", "secretsmanager", "ssm", "ssmmessages")
_GATEWAY_SERVICES = ("s3", "dynamodb")

# How the names of ECR's two endpoint services begin where that is not `com.amazonaws`. The others
# above begin so everywhere. From InterfaceVpcEndpointAwsService of the AWS CDK.
_ECR_PREFIXES = {
    "cn": "cn.com.amazonaws",
    "eusc-de": "eu.amazonaws",
    "us-iso": "gov.ic.c2s",
    "us-isob": "gov.sgov.sc2s",
    "us-isof": "gov.ic.hci.csp",
    "eu-isoe": "uk.adc-e.cloud",
}

# Blocks in which no host can have an address: IANA's special-purpose registry (RFC 6890).
_UNUSABLE = tuple(
    IPv4Network(block)
    for block in ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4")
)


def _check_ipv4(cidr: str) -> str:
    if ip_version(cidr) != 4:
        raise wrong("M1218", f"`{cidr}` is not an IPv4 block", "Write one like `10.0.0.0/16`.")
    return cidr


def _check_vpc_cidr(cidr: str) -> str:
    """A VPC takes /16 to /28 (EC2 API reference, CreateVpc); a sixteenth of it must still hold a
    load balancer, which wants a /27 (ELB user guide, "Subnets for your load balancer")."""
    block = IPv4Network(cidr)
    if not 16 <= block.prefixlen <= 23:
        hint = f"Write /16 to /23, for example `{block.network_address}/16`."
        if block.prefixlen > 23:
            hint = "Write /16 to /23: eight subnets are cut from it."
        raise wrong("M1218", f"A VPC of /{block.prefixlen} cannot be divided into subnets", hint)
    if any(block.overlaps(other) for other in _UNUSABLE):
        hint = "Take a private block: in `10.0.0.0/8`, `172.16.0.0/12` or `192.168.0.0/16`."
        raise wrong("M1218", f"No host can have an address in `{cidr}`", hint)
    return cidr


REGION_NAME = re.compile(r"[a-z]{2,4}(-[a-z]+)+-\d")
ZONE_NAME = re.compile(f"{REGION_NAME.pattern}[a-z]")
_ZONES_HINT = "Write 2, 3 or 4, or a list of names such as `[eu-central-1a, eu-central-1b]`."


def _check_zones(value: Any) -> int | list[str]:
    if isinstance(value, bool) or not isinstance(value, int | list):
        raise wrong("M1103", f"`{value}` stands where zones belong", _ZONES_HINT)
    count = value if isinstance(value, int) else len(value)
    if not 2 <= count <= len(ZONE_LETTERS):
        raise wrong(
            "M1105", f"A network has 2 to {len(ZONE_LETTERS)} zones, not {count}", _ZONES_HINT
        )
    for name in value if isinstance(value, list) else ():
        if not isinstance(name, str) or not ZONE_NAME.fullmatch(name):
            raise wrong("M1107", f"`{name}` is not the name of a zone", _ZONES_HINT)
    return value


def _check_endpoint_service(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9-]*(\.[a-z0-9-]+)*", name):
        raise wrong(
            "M1107", f"`{name}` is not the name of an endpoint service", "Write one like `sqs`."
        )
    return name


Ipv4Cidr = Annotated[fields.Cidr, AfterValidator(_check_ipv4)]
VpcCidr = Annotated[Ipv4Cidr, AfterValidator(_check_vpc_cidr)]
Zones = Annotated[
    int | list[str],
    PlainValidator(_check_zones),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 2, "maximum": 4},
                {
                    "type": "array",
                    "items": {"type": "string", "pattern": f"^{ZONE_NAME.pattern}$"},
                    "minItems": 2,
                    "maxItems": 4,
                },
            ]
        }
    ),
]
EndpointService = Annotated[str, AfterValidator(_check_endpoint_service)]
"""A service as it stands at the end of its endpoint's name, such as `sqs`, or that whole name."""


class FlowLogs(Logs):
    """A log group of the stack's own for the VPC's flow logs."""

    traffic: Literal["all", "accept", "reject"] = Field(
        "all", description="Which flows are logged: all, what was let through, or what was not."
    )


class Existing(Base):
    """A VPC that is there already."""

    vpc: VpcId = Field(description="The VPC's id.")
    public_subnets: list[SubnetId] = Field(
        [], description="Ids of subnets with a route to an internet gateway, one for each zone."
    )
    private_subnets: list[SubnetId] = Field(
        [], description="Ids of subnets without one, one for each zone."
    )
    cidr: Ipv4Cidr | None = Field(
        None, description="The VPC's IPv4 block. Needed where a rule admits the whole VPC."
    )
    ipv6: bool = Field(False, description="Whether the VPC and these subnets have IPv6 too.")


class Params(Base):
    """A VPC with a public and a private subnet in each of its availability zones."""

    cidr: VpcCidr = Field(
        "10.0.0.0/16",
        description="The VPC's IPv4 block, /16 to /23. It can only be changed by replacing the "
        "network and all that stands in it.",
    )
    availability_zones: Zones = Field(
        2,
        description="How many zones, 2 to 4: the first that the account has. Or the list of their "
        "names. In a few regions (`us-east-1`, `us-west-1`, `ap-northeast-1`) some zones lack "
        "load balancers, Fargate or endpoints, and which ones they are differs between accounts: "
        "name those that work. Add a name at the end only: with another order, or another name in "
        "a place, the deployment fails, for a new subnet cannot have the addresses of an old one.",
    )
    egress: Egress = Field(
        "nat",
        description="How tasks reach AWS and the internet. `public`: only from public subnets, "
        "with a public IP address. `nat`: also from private subnets, through one NAT gateway. "
        "`nat-per-az`: through one in each zone. `endpoints`: from private subnets only the AWS "
        "services that have an endpoint, which ECR, logs, Secrets Manager and SSM get.",
    )
    endpoints: list[EndpointService] = Field(
        [],
        description="More services that get an endpoint with `egress: endpoints`, such as `sqs`, "
        "`sts`, `kms` or `dynamodb`. Where the name does not begin with "
        "`com.amazonaws.<region>.`, as for many services in China, write it whole.",
    )
    flow_logs: Switch[FlowLogs] = Field(
        None, description="A log group for the VPC's flow logs, with the role that writes it."
    )
    ipv6: bool = Field(
        False,
        description="A block of IPv6 addresses from Amazon beside the IPv4 one, with a /64 for "
        "each subnet. Private subnets reach out by it with `egress: nat` and `nat-per-az`.",
    )
    existing: Existing | None = Field(None, description="Use a VPC that is there already.")


@dataclass(frozen=True)
class Handle:
    """What other stacks refer to. Its values are literals or imports; no user can tell."""

    vpc_id: Any
    public_subnets: tuple[Any, ...]
    private_subnets: tuple[Any, ...]
    cidr: str | None
    """The VPC's IPv4 block; None where an existing VPC came without it."""
    egress: Egress | None
    """How private subnets reach out; None where the VPC exists and nobody knows."""
    ipv6: bool
    public_cidrs: tuple[str, ...] | None
    """IPv4 blocks of the public subnets, in their order; None where the VPC exists."""
    private_cidrs: tuple[str, ...] | None


def handle(name: str, params: Params, env: Environment) -> Handle:
    """How to refer to the network from another stack."""
    if params.existing:
        return Handle(
            vpc_id=params.existing.vpc,
            public_subnets=tuple(params.existing.public_subnets),
            private_subnets=tuple(params.existing.private_subnets),
            cidr=params.existing.cidr,
            egress=None,
            ipv6=params.existing.ipv6,
            public_cidrs=None,
            private_cidrs=None,
        )
    zones = plan_zones(params)
    return Handle(
        vpc_id=import_value(env, name, "VpcId"),
        public_subnets=tuple(import_value(env, name, f"{zone.public}Id") for zone in zones),
        private_subnets=tuple(import_value(env, name, f"{zone.private}Id") for zone in zones),
        cidr=params.cidr,
        egress=params.egress,
        ipv6=params.ipv6,
        public_cidrs=tuple(zone.public_cidr for zone in zones),
        private_cidrs=tuple(zone.private_cidr for zone in zones),
    )


# Problems ------------------------------------------------------------------------------------


def problems(name: str, params: Params, env: Environment) -> Iterator[Problem]:
    """What only the whole can tell."""
    if params.existing:
        yield from existing_network_problems(params, params.existing)
    else:
        yield from zone_problems(params.availability_zones, env.region)
        yield from endpoint_problems(params, env.region)
    if params.flow_logs:
        yield from key_region_problems(params.flow_logs.kms_key, ("flow_logs", "kms_key"), env)


def existing_network_problems(params: Params, existing: Existing) -> Iterator[Problem]:
    if params.model_fields_set != {"existing"}:
        others = sorted(params.model_fields_set - {"existing"})
        hint = "Remove what stands beside it, or remove `existing:` to have the network made."
        message = f"`existing` stands beside {', '.join(others)}, which would change nothing"
        yield Problem("M1108", ("existing",), message, hint)
    lists = {"public_subnets": existing.public_subnets, "private_subnets": existing.private_subnets}
    if not any(lists.values()):
        hint = "List the ids below `public_subnets:`, `private_subnets:` or both."
        because: tuple[Path, ...] = tuple(("existing", key) for key in lists)
        yield Problem("M1108", ("existing",), "No subnet is named", hint, because=because)
    seen: set[str] = set()
    for key, ids in lists.items():
        for index, one in enumerate(ids):
            if one in seen:
                hint = "Keep it once, as public or as private."
                path = ("existing", key, index)
                yield Problem("M1107", path, f"The subnet `{one}` stands twice", hint)
            seen.add(one)


def zone_problems(zones: int | list[str], region: str) -> Iterator[Problem]:
    """Nothing is said where the region itself is wrong: that is a finding of its own."""
    if not REGION_NAME.fullmatch(region):
        return
    if isinstance(zones, int):
        most = _MORE_ZONES.get(region, _USUAL_ZONES)
        if zones > most:
            hint = f"Write {most} or fewer, or list the names of those that your account has."
            message = f"Not every account has {zones} zones in {region}"
            yield Problem("M1105", ("availability_zones",), message, hint)
        return
    for index, zone in enumerate(zones):
        path = ("availability_zones", index)
        if zone[:-1] != region:
            hint = f"Write one like `{region}a`."
            yield Problem("M1107", path, f"The zone `{zone}` is not in {region}", hint)
        elif zone in zones[:index]:
            hint = "Name another one: two subnets in one zone fail together."
            yield Problem("M1107", path, f"The zone `{zone}` stands twice", hint)


def endpoint_problems(params: Params, region: str) -> Iterator[Problem]:
    if params.endpoints and params.egress != "endpoints":
        hint = "Write `egress: endpoints`, or remove them."
        message = f"With `egress: {params.egress}` no endpoint is made"
        yield Problem("M1220", ("endpoints",), message, hint, because=[("egress",)])
        return
    seen = {_endpoint_id(service) for service in (*_SERVICES, "s3")}
    for index, service in enumerate(params.endpoints):
        path = ("endpoints", index)
        short = _strip_region(service, region)
        if short == service and "amazonaws" in service:
            hint = f"Write only what follows the region, or a name with `.{region}.` in it."
            yield Problem("M1107", path, f"`{service}` is not a service of {region}", hint)
        elif _endpoint_id(short) in seen:
            hint = "Remove it: ECR, logs, Secrets Manager, SSM and S3 have theirs unasked."
            yield Problem("M1220", path, f"There is an endpoint for `{short}` already", hint)
        seen.add(_endpoint_id(short))


# Composition ---------------------------------------------------------------------------------

INTERNET_GATEWAY_ATTACHMENT = "InternetGatewayAttachment"
IPV6_BLOCK = "Ipv6CidrBlock"
_ANY_IPV4, _ANY_IPV6 = "0.0.0.0/0", "::/0"


@dataclass(frozen=True)
class Zone:
    """An availability zone and what is its own: one letter and the blocks of its subnets."""

    key: str
    index: int
    name: str | None
    """None where CloudFormation takes the zone from the account's list."""
    public_cidr: str
    private_cidr: str

    @property
    def public(self) -> str:
        """Logical ID of the public subnet."""
        return f"PublicSubnet{self.key}"

    @property
    def private(self) -> str:
        """Logical ID of the private subnet."""
        return f"PrivateSubnet{self.key}"


def plan_zones(params: Params) -> tuple[Zone, ...]:
    """The zones in the order of the params; an eighth of the VPC is private, a sixteenth public."""
    block = ip_network(params.cidr)
    private = list(block.subnets(prefixlen_diff=3))[:4]
    public = list(block.subnets(prefixlen_diff=4))[8:12]
    asked = params.availability_zones
    names = [None] * asked if isinstance(asked, int) else asked
    return tuple(
        Zone(ZONE_LETTERS[index], index, name, str(public[index]), str(private[index]))
        for index, name in enumerate(names)
    )


def compose(name: str, params: Params, env: Environment) -> Template | None:
    """The VPC, its subnets, and the ways in and out.

    A stack that imports from this one begins when all of this one is there, so its tasks find
    their routes and endpoints. Within it, what needs the internet gateway waits for its attachment
    (CloudFormation user guide, "When a DependsOn attribute is required").
    """
    if params.existing:
        return None
    zones = plan_zones(params)
    title = env.stack_name(name)
    template = Template(f"{env.app} {env.name}: the network `{name}`")
    template.set_version()
    template.add_resource([*vpc_resources(title, params), *public_route_resources(params)])
    for zone in zones:
        template.add_resource(
            [*public_subnet_resources(title, zone, params), *nat_gateway_resources(zone, params)]
        )
        template.add_resource(
            [*private_subnet_resources(title, zone, params), *private_route_resources(zone, params)]
        )
    if params.egress == "endpoints":
        template.add_resource(list(endpoint_resources(params, zones, env)))
    if params.flow_logs:
        template.add_resource(list(flow_log_resources(params.flow_logs, env)))
    template.add_output(export_output(env, name, "VpcId", Ref("Vpc"), "Id of the VPC"))
    for zone in zones:
        public, private = f"Public subnet {zone.key}", f"Private subnet {zone.key}"
        template.add_output(export_output(env, name, f"{zone.public}Id", Ref(zone.public), public))
        template.add_output(
            export_output(env, name, f"{zone.private}Id", Ref(zone.private), private)
        )
    return template


def vpc_resources(title: str, params: Params) -> Iterator[Any]:
    # Endpoints with private DNS want both DNS settings (PrivateLink guide, interface endpoints).
    yield ec2.VPC(
        "Vpc",
        CidrBlock=params.cidr,
        EnableDnsSupport=True,
        EnableDnsHostnames=True,
        Tags=Tags(Name=title),
    )
    if params.ipv6:
        yield ec2.VPCCidrBlock(IPV6_BLOCK, VpcId=Ref("Vpc"), AmazonProvidedIpv6CidrBlock=True)
    yield ec2.InternetGateway("InternetGateway")
    yield ec2.VPCGatewayAttachment(
        INTERNET_GATEWAY_ATTACHMENT, VpcId=Ref("Vpc"), InternetGatewayId=Ref("InternetGateway")
    )
    if params.ipv6 and has_nat(params):
        yield ec2.EgressOnlyInternetGateway("EgressOnlyInternetGateway", VpcId=Ref("Vpc"))


def has_nat(params: Params) -> bool:
    return params.egress in ("nat", "nat-per-az")


def public_route_resources(params: Params) -> Iterator[Any]:
    yield ec2.RouteTable("PublicRouteTable", VpcId=Ref("Vpc"))
    yield ec2.Route(
        "PublicRoute",
        DependsOn=[INTERNET_GATEWAY_ATTACHMENT],
        RouteTableId=Ref("PublicRouteTable"),
        DestinationCidrBlock=_ANY_IPV4,
        GatewayId=Ref("InternetGateway"),
    )
    if params.ipv6:
        yield ec2.Route(
            "PublicIpv6Route",
            DependsOn=[INTERNET_GATEWAY_ATTACHMENT, IPV6_BLOCK],
            RouteTableId=Ref("PublicRouteTable"),
            DestinationIpv6CidrBlock=_ANY_IPV6,
            GatewayId=Ref("InternetGateway"),
        )


def public_subnet_resources(title: str, zone: Zone, params: Params) -> Iterator[Any]:
    tag = f"{title}-public-{zone.key.lower()}"
    yield _subnet(zone.public, zone, zone.public_cidr, len(ZONE_LETTERS) + zone.index, tag, params)
    yield _association(zone.public, "PublicRouteTable")


def private_subnet_resources(title: str, zone: Zone, params: Params) -> Iterator[Any]:
    tag = f"{title}-private-{zone.key.lower()}"
    yield _subnet(zone.private, zone, zone.private_cidr, zone.index, tag, params)
    yield ec2.RouteTable(private_route_table(zone), VpcId=Ref("Vpc"))
    yield _association(zone.private, private_route_table(zone))


def private_route_table(zone: Zone) -> str:
    return f"PrivateRouteTable{zone.key}"


def _subnet(
    subnet: str, zone: Zone, cidr: str, ipv6_block: int, tag: str, params: Params
) -> ec2.Subnet:
    """A subnet that gives out no public addresses of itself: a task says when it wants one."""
    optional: dict[str, Any] = {}
    if params.ipv6:
        optional["DependsOn"] = [IPV6_BLOCK]
        optional["Ipv6CidrBlock"] = Select(ipv6_block, _ipv6_blocks())
    if zone.name:
        # A name that somebody wrote is meant; cfn-lint warns of every literal.
        optional["Metadata"] = {"cfn-lint": {"config": {"ignore_checks": ["W3010"]}}}
    return ec2.Subnet(
        subnet,
        VpcId=Ref("Vpc"),
        # GetAZs lists only zones with a default subnet, unless there is none at all.
        AvailabilityZone=zone.name or Select(zone.index, GetAZs(Region)),
        CidrBlock=cidr,
        MapPublicIpOnLaunch=False,
        **optional,
        Tags=Tags(Name=tag),
    )


def _ipv6_blocks() -> Cidr:
    """The first /64 blocks of the VPC's /56, private ones before public ones; always as many."""
    return Cidr(Select(0, GetAtt("Vpc", "Ipv6CidrBlocks")), 2 * len(ZONE_LETTERS), 64)


def _association(subnet: str, table: str) -> ec2.SubnetRouteTableAssociation:
    return ec2.SubnetRouteTableAssociation(
        f"{subnet}RouteTableAssociation", SubnetId=Ref(subnet), RouteTableId=Ref(table)
    )


def nat_gateway_resources(zone: Zone, params: Params) -> Iterator[Any]:
    """A NAT gateway and its address, in each zone or in the first one only."""
    if params.egress == "nat-per-az" or (params.egress == "nat" and zone.index == 0):
        yield ec2.EIP(
            f"NatAddress{zone.key}", DependsOn=[INTERNET_GATEWAY_ATTACHMENT], Domain="vpc"
        )
        yield ec2.NatGateway(
            f"NatGateway{zone.key}",
            DependsOn=[INTERNET_GATEWAY_ATTACHMENT],
            AllocationId=GetAtt(f"NatAddress{zone.key}", "AllocationId"),
            SubnetId=Ref(zone.public),
        )


def private_route_resources(zone: Zone, params: Params) -> Iterator[Any]:
    """The default routes of a private subnet, where it has any."""
    if not has_nat(params):
        return
    gateway = zone.key if params.egress == "nat-per-az" else ZONE_LETTERS[0]
    yield ec2.Route(
        f"PrivateRoute{zone.key}",
        RouteTableId=Ref(private_route_table(zone)),
        DestinationCidrBlock=_ANY_IPV4,
        NatGatewayId=Ref(f"NatGateway{gateway}"),
    )
    if params.ipv6:
        yield ec2.Route(
            f"PrivateIpv6Route{zone.key}",
            DependsOn=[IPV6_BLOCK],
            RouteTableId=Ref(private_route_table(zone)),
            DestinationIpv6CidrBlock=_ANY_IPV6,
            EgressOnlyInternetGatewayId=Ref("EgressOnlyInternetGateway"),
        )


# Endpoints -----------------------------------------------------------------------------------


def endpoint_resources(params: Params, zones: tuple[Zone, ...], env: Environment) -> Iterator[Any]:
    yield _endpoint_security_group(params)
    for service in ("s3", *_SERVICES, *params.endpoints):
        short = _strip_region(service, env.region)
        name = service if short != service else _full_service_name(service, env.region)
        if short in _GATEWAY_SERVICES:
            yield ec2.VPCEndpoint(
                _endpoint_id(short),
                VpcId=Ref("Vpc"),
                VpcEndpointType="Gateway",
                ServiceName=name,
                RouteTableIds=[Ref(private_route_table(zone)) for zone in zones],
            )
        else:
            yield ec2.VPCEndpoint(
                _endpoint_id(short),
                VpcId=Ref("Vpc"),
                VpcEndpointType="Interface",
                ServiceName=name,
                PrivateDnsEnabled=True,
                SubnetIds=[Ref(zone.private) for zone in zones],
                SecurityGroupIds=[Ref("EndpointSecurityGroup")],
            )


def _endpoint_id(service: str) -> str:
    return logical_id(service, "Endpoint")


def _strip_region(service: str, region: str) -> str:
    """The service alone, where it was written whole: `sqs` of `com.amazonaws.eu-west-1.sqs`."""
    return service.rpartition(f".{region}.")[2]


def _full_service_name(service: str, region: str) -> str:
    """The whole name of an endpoint service.

    >>> _full_service_name("logs", "eu-west-1"), _full_service_name("ecr.api", "cn-north-1")
    ('com.amazonaws.eu-west-1.logs', 'cn.com.amazonaws.cn-north-1.ecr.api')
    """
    place = region.rsplit("-", 2)[0] if service in ("ecr.api", "ecr.dkr") else ""
    return f"{_ECR_PREFIXES.get(place, 'com.amazonaws')}.{region}.{service}"


def _endpoint_security_group(params: Params) -> ec2.SecurityGroup:
    """HTTPS from the VPC and nothing out: endpoints answer and never call.

    A rule to the loopback address stands for no rule, since a group that is created with none gets
    one that allows everything (CloudFormation reference, AWS::EC2::SecurityGroup).
    """
    return ec2.SecurityGroup(
        "EndpointSecurityGroup",
        GroupDescription="Interface endpoints: HTTPS from the VPC",
        VpcId=Ref("Vpc"),
        SecurityGroupIngress=[
            ec2.SecurityGroupRule(
                Description="HTTPS from the VPC",
                IpProtocol="tcp",
                FromPort=443,
                ToPort=443,
                CidrIp=params.cidr,
            )
        ],
        SecurityGroupEgress=[
            ec2.SecurityGroupRule(
                Description="Nothing goes out", IpProtocol="-1", CidrIp="127.0.0.1/32"
            )
        ],
    )


# Flow logs -----------------------------------------------------------------------------------


def flow_log_resources(params: FlowLogs, env: Environment) -> Iterator[Any]:
    """Flow logs of the VPC, the group they go to and the role that writes there.

    VPC user guide, "IAM role for publishing flow logs to CloudWatch Logs". What it lists beyond
    these actions, to create and find groups, is not needed where the group is there already.
    """
    yield log_group("FlowLogGroup", params)
    yield role(
        "FlowLogRole",
        "vpc-flow-logs.amazonaws.com",
        {
            "WriteFlowLogs": [
                allow(
                    "WriteFlowLogs",
                    [CreateLogStream, DescribeLogStreams, PutLogEvents],
                    [GetAtt("FlowLogGroup", "Arn")],
                )
            ]
        },
        env,
        Condition=Condition(StringEquals("aws:SourceAccount", AccountId)),
    )
    yield ec2.FlowLog(
        "FlowLog",
        ResourceType="VPC",
        ResourceId=Ref("Vpc"),
        TrafficType=params.traffic.upper(),
        LogDestinationType="cloud-watch-logs",
        LogGroupName=Ref("FlowLogGroup"),
        DeliverLogsPermissionArn=GetAtt("FlowLogRole", "Arn"),
    )
