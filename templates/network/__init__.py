"""A stack with a VPC and its public and private subnets, or the IDs of existing ones.

network:
  cidr: 10.20.0.0/16
  availability_zones: 3
  egress: nat-per-az
  flow_logs: {retention: 30d, traffic: reject}

The VPC's addresses are always divided in the same way: an eighth for the private subnet of each of
up to four Availability Zones, a sixteenth for each public subnet, and the last quarter is free for
your own use. A zone that is added gets the next blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from troposphere import Ref, Template

from moorage.findings.finding import Problem
from moorage.model import Environment
from moorage.records import record

from ..common.exports import export_output, import_value
from ..common.regions import key_region_problems
from .endpoints import endpoint_problems, endpoint_resources
from .existing import existing_network_problems, has_no_subnets
from .flow_logs import flow_log_resources
from .internet_routes import nat_gateway_resources, private_route_resources, public_route_resources
from .network_zones import availability_zone_problems, plan_zones
from .params import Egress, Params
from .private_subnets import private_subnet_problems
from .subnets import private_subnet_resources, public_subnet_resources
from .vpc import vpc_resources

__all__ = [
    "Egress",
    "Handle",
    "Params",
    "compose",
    "handle",
    "has_no_subnets",
    "private_subnet_problems",
    "problems",
]


@record
class Handle:
    """What other stacks use to refer to the network: literal values or imports."""

    vpc_id: Any
    public_subnets: tuple[Any, ...]
    private_subnets: tuple[Any, ...]
    cidr: str | None
    """The VPC's IPv4 block; None if the params of an existing VPC do not have it."""
    egress: Egress | None
    """How private subnets reach the internet; None for an existing VPC, where it is unknown."""
    ipv6: bool
    public_cidrs: tuple[str, ...] | None
    """IPv4 blocks of the public subnets, in their order; None for an existing VPC."""
    private_cidrs: tuple[str, ...] | None
    """IPv4 blocks of the private subnets, in their order; None for an existing VPC."""


def handle(name: str, params: Params, env: Environment) -> Handle:
    """What other stacks use to refer to the network of the stack `name`."""
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
        public_subnets=tuple(import_value(env, name, f"{zone.public_subnet}Id") for zone in zones),
        private_subnets=tuple(
            import_value(env, name, f"{zone.private_subnet}Id") for zone in zones
        ),
        cidr=params.cidr,
        egress=params.egress,
        ipv6=params.ipv6,
        public_cidrs=tuple(zone.public_cidr for zone in zones),
        private_cidrs=tuple(zone.private_cidr for zone in zones),
    )


def problems(name: str, params: Params, env: Environment) -> Iterator[Problem]:
    """Problems of combinations of params, and of values that do not fit the region."""
    if params.existing:
        yield from existing_network_problems(params, params.existing)
    else:
        yield from availability_zone_problems(params.availability_zones, env.region)
        yield from endpoint_problems(params, env.region)
    if params.flow_logs:
        yield from key_region_problems(params.flow_logs.kms_key, ("flow_logs", "kms_key"), env)


def compose(name: str, params: Params, env: Environment) -> Template | None:
    """The VPC, its subnets, gateways, routes and endpoints; None for an existing VPC.

    A stack that imports from this one is deployed after the whole stack, so routes and endpoints
    exist before its tasks. Within this stack, resources that need the internet gateway depend on
    its attachment (CloudFormation user guide, "When a DependsOn attribute is required").
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
    template.add_output(export_output(env, name, "VpcId", Ref("Vpc"), "ID of the VPC"))
    for zone in zones:
        public, private = f"Public subnet {zone.letter}", f"Private subnet {zone.letter}"
        template.add_output(
            export_output(env, name, f"{zone.public_subnet}Id", Ref(zone.public_subnet), public)
        )
        template.add_output(
            export_output(env, name, f"{zone.private_subnet}Id", Ref(zone.private_subnet), private)
        )
    return template
