"""How other stacks refer to a Network Load Balancer."""

from __future__ import annotations

from typing import Any

from moorage.model import Environment
from moorage.records import record

from ... import network
from ...common.exports import import_value
from ...common.stack_lookup import find_stack
from ..shared import (
    Scheme,
    find_subnet_cidrs,
    find_subnets,
    full_name_of,
    resolve_default_clients,
)
from .params import Params, is_dualstack


@record
class Handle:
    """What other stacks use to refer to the load balancer. The values are literals or imports."""

    load_balancer: Any
    """ARN of the load balancer."""
    full_name: Any
    """The value of the dimension LoadBalancer in CloudWatch."""
    security_group: Any | None
    """ID of the security group; None if the load balancer has none."""
    scheme: Scheme | None
    """None for an existing load balancer."""
    dualstack: bool
    addresses: tuple[str, ...] | None
    """IPv4 blocks that contain the private addresses of its nodes, from which health checks come;
    None if they are unknown."""
    default_clients: tuple[str, ...] | None
    """Clients that are allowed to connect to a listener without `clients:`; None if they are
    unknown."""
    zones: int | None = None
    """Number of Availability Zones it has addresses in; None for an existing load balancer."""
    cross_zone: bool = False
    """Whether cross-zone load balancing is enabled."""
    fixed: bool = False
    """Whether it has fixed addresses, which clients may connect to without DNS."""
    zonal_shift: bool = False
    """Whether zonal shift is enabled, by which ARC removes a zone from the DNS name."""

    @property
    def shifts_across_zones(self) -> bool:
        """Whether zonal shift is enabled together with cross-zone load balancing."""
        return self.zonal_shift and self.cross_zone


def handle(name: str, params: Params, env: Environment) -> Handle:
    """The handle of the load balancer `name`."""
    network_stack = find_stack(env, network.Params, params.network)
    network_handle = network.handle(*network_stack, env) if network_stack else None
    if params.existing:
        return Handle(
            load_balancer=params.existing.arn,
            full_name=full_name_of(params.existing.arn),
            security_group=params.existing.security_group,
            scheme=None,
            dualstack=params.existing.ip_address_type == "dualstack",
            addresses=_addresses(params, network_handle),
            default_clients=None,
        )
    return Handle(
        load_balancer=import_value(env, name, "LoadBalancerArn"),
        full_name=import_value(env, name, "LoadBalancerFullName"),
        security_group=import_value(env, name, "SecurityGroupId")
        if params.security_group
        else None,
        scheme=params.scheme,
        dualstack=is_dualstack(params),
        addresses=_addresses(params, network_handle),
        default_clients=resolve_default_clients(
            params.scheme, params.ip_address_type, network_handle
        ),
        zones=len(find_subnets(params.scheme, network_handle)) if network_handle else None,
        cross_zone=params.cross_zone,
        fixed=bool(params.elastic_ips or params.private_addresses),
        zonal_shift=params.zonal_shift,
    )


def is_same_load_balancer(first: str, second: str, env: Environment) -> bool:
    """Whether two stack names refer to the same load balancer: two stacks can have the same
    `existing:`."""
    arns = [
        params.existing.arn
        for name in (first, second)
        if (params := env.params_of(name, Params)) and params.existing
    ]
    return first == second or (len(arns) == 2 and arns[0] == arns[1])


def _addresses(params: Params, network_handle: network.Handle | None) -> tuple[str, ...] | None:
    """The blocks of the nodes' addresses: those of the params, the subnets or the VPC."""
    if params.existing and params.existing.addresses:
        return tuple(params.existing.addresses)
    if network_handle is None:
        return None
    blocks = None if params.existing else find_subnet_cidrs(params.scheme, network_handle)
    return blocks or ((network_handle.cidr,) if network_handle.cidr else None)
