"""Params of a network: the VPC to create, or the IDs of an existing one."""

from __future__ import annotations

import re
from ipaddress import IPv4Network
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, WithJsonSchema

from moorage.facts.addresses import HOSTLESS_BLOCKS
from moorage.facts.regions import ZONE_NAME
from moorage.findings.wording import shown
from moorage.model import Base, Environment, wrong
from moorage.references import Reference

from ..common.fields import Ipv4Cidr, SubnetId, Switch, VpcId
from ..common.logs import Logs
from ..common.references import External, output_of

Egress = Literal["public", "nat", "nat-per-az", "endpoints"]

ZONE_LETTERS = "ABCD"
"""The letter of each zone in logical IDs. It depends only on the position of the zone in the
params, so it does not change when zones are added."""

_HOSTLESS = tuple(map(IPv4Network, HOSTLESS_BLOCKS))


def _check_vpc_cidr(cidr: Any) -> Any:
    """A VPC can be /16 to /28 (EC2 API reference, CreateVpc), but a sixteenth of it must be large
    enough for a load balancer: a /27 (ELB user guide, "Subnets for your load balancer").

    This runs before the check of the type, whose hint could propose a block that is refused here.
    """
    if not isinstance(cidr, str):
        return cidr
    try:
        block = IPv4Network(cidr, strict=False)
    except ValueError:
        return cidr  # reported by the type of the field
    if any(block.overlaps(hostless) for hostless in _HOSTLESS):
        hint = "Write a block in `10.0.0.0/8`, `172.16.0.0/12` or `192.168.0.0/16`."
        raise wrong("M2004", f"`{cidr}` contains addresses that no host can have", hint)
    address = cidr.partition("/")[0]
    if not 16 <= block.prefixlen <= 23:
        example = IPv4Network(f"{address}/16", strict=False)
        hint = f"Write /16 to /23, for example `{example}`."
        if block.prefixlen > 23:
            hint = "Write /16 to /23: the VPC is divided into up to eight subnets."
        message = f"A VPC of the size /{block.prefixlen} cannot be divided into subnets"
        if block.prefixlen < 16:
            message = f"A VPC cannot be as large as /{block.prefixlen}"
        raise wrong("M2003", message, hint)
    if address != str(block.network_address):
        raise wrong("M1504", f"`{cidr}` is not a CIDR block", f"Did you mean `{block}`?")
    return cidr


_ZONES_HINT = "Write 2, 3 or 4, or a list of zones, such as `[eu-central-1a, eu-central-1b]`."


def _check_zones(value: Any) -> int | list[str]:
    if isinstance(value, bool) or not isinstance(value, int | list):
        message = f"Expected a number or a list of Availability Zones, got {shown(value)}"
        raise wrong("M1103", message, _ZONES_HINT)
    count = value if isinstance(value, int) else len(value)
    if not 2 <= count <= len(ZONE_LETTERS):
        raise wrong(
            "M1105",
            f"A network has 2 to {len(ZONE_LETTERS)} Availability Zones, not {count}",
            _ZONES_HINT,
        )
    for name in value if isinstance(value, list) else ():
        if not isinstance(name, str) or not re.fullmatch(ZONE_NAME, name):
            message = f"{shown(name)} is not the name of an Availability Zone"
            raise wrong("M2005", message, _ZONES_HINT)
    return value


def _check_endpoint_service(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9-]*(\.[a-z0-9-]+)*", name):
        message = f"{shown(name)} is not the name of an endpoint service"
        raise wrong("M2010", message, "Write for example `sqs`.")
    return name


VpcCidr = Annotated[Ipv4Cidr, BeforeValidator(_check_vpc_cidr)]
Zones = Annotated[
    int | list[str],
    PlainValidator(_check_zones),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 2, "maximum": 4},
                {
                    "type": "array",
                    "items": {"type": "string", "pattern": f"^{ZONE_NAME}$"},
                    "minItems": 2,
                    "maxItems": 4,
                },
            ]
        }
    ),
]
EndpointService = Annotated[str, AfterValidator(_check_endpoint_service)]
"""A service, such as `sqs`, or the full name of its endpoint service."""


class FlowLogs(Logs):
    """A log group that this stack creates for the VPC's flow logs."""

    traffic: Literal["all", "accept", "reject"] = Field(
        "all", description="Which flows are logged: all, the accepted ones or the rejected ones."
    )


class Existing(Base):
    """An existing VPC."""

    vpc: External[VpcId] = Field(description="ID of the VPC.")
    public_subnets: list[External[SubnetId]] = Field(
        [],
        description="IDs of subnets with a route to an internet gateway, one for each "
        "Availability Zone.",
    )
    private_subnets: list[External[SubnetId]] = Field(
        [],
        description="IDs of subnets without a route to an internet gateway, one for each "
        "Availability Zone.",
    )
    cidr: Ipv4Cidr | None = Field(
        None,
        description="The VPC's IPv4 block, needed for security group rules that allow the whole "
        "VPC.",
    )
    ipv6: bool = Field(False, description="Whether the VPC and these subnets have IPv6 blocks too.")


class Params(Base):
    """A VPC with a public and a private subnet in each of its Availability Zones."""

    cidr: VpcCidr = Field(
        "10.0.0.0/16",
        description="The VPC's IPv4 block, /16 to /23. It cannot be changed without replacing the "
        "VPC and everything in it.",
    )
    availability_zones: Zones = Field(
        2,
        description="The number of Availability Zones, 2 to 4, for the first ones of the account; "
        "or a list of names. In `us-east-1`, `us-west-1` and `ap-northeast-1`, some zones have no "
        "load balancers, Fargate or endpoints, and which ones differs between accounts: list zones "
        "that have them. Add names only at the end of the list: if the order or a name changes, "
        "the deployment fails, because a new subnet cannot have the addresses of an existing one.",
    )
    egress: Egress = Field(
        "nat",
        description="How tasks reach AWS services and the internet. `public`: only from public "
        "subnets, with a public IP address. `nat`: also from private subnets, through one NAT "
        "gateway. `nat-per-az`: through a NAT gateway in each Availability Zone. `endpoints`: from "
        "private subnets only to AWS services with a VPC endpoint; the stack creates those of "
        "ECR, S3, CloudWatch Logs, Secrets Manager and Systems Manager.",
    )
    endpoints: list[EndpointService] = Field(
        [],
        description="With `egress: endpoints`, other services that get an endpoint, such as `sqs`, "
        "`sts`, `kms` or `dynamodb`. Write the full name of the endpoint service if it does not "
        "begin with `com.amazonaws.<region>.`, as for many services in China.",
    )
    endpoint_access: Literal["any", "account"] = Field(
        "any",
        description="With `egress: endpoints`, which credentials the endpoints of ECR, CloudWatch "
        "Logs, Secrets Manager and Systems Manager accept: `any`, or only those of this `account`.",
    )
    flow_logs: Switch[FlowLogs] = Field(
        None, description="A log group for the VPC's flow logs, and the role that writes to it."
    )
    ipv6: bool = Field(
        False,
        description="Add an IPv6 block from Amazon to the VPC, with a /64 for each subnet. With "
        "`egress: nat` and `nat-per-az` private subnets reach the internet over IPv6 too.",
    )
    existing: Existing | None = Field(None, description="Use an existing VPC.")

    @classmethod
    def from_exports(cls, stack: str, outputs: frozenset[str], env: Environment) -> Self | None:
        if "VpcId" not in outputs:
            return None
        public = _subnets("Public", stack, outputs, env)
        private = _subnets("Private", stack, outputs, env)
        vpc = output_of(env, stack, "VpcId")
        return cls(existing=Existing(vpc=vpc, public_subnets=public, private_subnets=private))


def _subnets(
    kind: str, stack: str, outputs: frozenset[str], env: Environment
) -> list[str | Reference]:
    """References to the subnets of a stack of another kind, one for each zone."""
    names = [f"{kind}Subnet{letter}Id" for letter in ZONE_LETTERS]
    return [output_of(env, stack, name) for name in names if name in outputs]
