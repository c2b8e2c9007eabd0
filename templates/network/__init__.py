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

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from troposphere import Ref, Template

from moorage.findings.finding import Problem
from moorage.model import Environment

from ..common.exports import export_output, import_value
from ..common.regions import key_region_problems
from .endpoints import endpoint_problems, endpoint_resources
from .existing import existing_network_problems
from .flow_logs import flow_log_resources
from .params import Egress, Ipv4Cidr, Params
from .routes import nat_gateway_resources, private_route_resources, public_route_resources
from .subnets import private_subnet_resources, public_subnet_resources
from .vpc import vpc_resources
from .zones import plan_zones, zone_problems

__all__ = ["Egress", "Handle", "Ipv4Cidr", "Params", "compose", "handle", "problems"]


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


def problems(name: str, params: Params, env: Environment) -> Iterator[Problem]:
    """What only the whole can tell."""
    if params.existing:
        yield from existing_network_problems(params, params.existing)
    else:
        yield from zone_problems(params.availability_zones, env.region)
        yield from endpoint_problems(params, env.region)
    if params.flow_logs:
        yield from key_region_problems(params.flow_logs.kms_key, ("flow_logs", "kms_key"), env)


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
