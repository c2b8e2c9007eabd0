"""Params of a network: the VPC to create, or the ids of an existing one."""

from __future__ import annotations

import re
from ipaddress import IPv4Network
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema

from moorage.facts.addresses import HOSTLESS_BLOCKS
from moorage.model import Base, wrong

from ..common import fields
from ..common.fields import SubnetId, Switch, VpcId, ip_version
from ..common.logs import Logs

Egress = Literal["public", "nat", "nat-per-az", "endpoints"]

ZONE_LETTERS = "ABCD"
"""What names a zone in logical IDs: by its place in the params, so that it stays for ever."""

_HOSTLESS = tuple(map(IPv4Network, HOSTLESS_BLOCKS))


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
    if any(block.overlaps(other) for other in _HOSTLESS):
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
