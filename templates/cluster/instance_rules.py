"""Rules by which load balancers reach tasks that have no address of their own, but ports of their
instance.

They stand in the cluster's stack, each once: several services share the instances' security group,
and EC2 takes no rule twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from troposphere import ec2

from moorage.model import Environment, logical_id

from ..exposure.alb import targets
from ..exposure.alb.target_groups import find_health_check_port
from ..exposure.nlb import listeners
from ..exposure.params import ExposeParams, Exposure
from ..load_balancers import alb, nlb
from ..tasks.containers import Containers, choose_container
from ..tasks.launch_types import (
    LaunchParams,
    LaunchType,
    instance_port_range,
    uses_instance_address,
)
from ..tasks.ports import Port
from . import capacity

Opening = tuple[LaunchType, str, str, int, int]
"""Kind of instances, load balancer, protocol, first and last port."""


def openings(params: LaunchParams, env: Environment) -> Iterator[Opening]:
    """What load balancers send to the instances for the sake of one stack."""
    params = params.fronted()
    if not isinstance(params, ExposeParams) or not uses_instance_address(params.network_mode):
        return
    for way in params.expose:
        for port in _ports(way, params.containers, env):
            first, last = instance_port_range(port, params.network_mode)
            yield params.launch, way.via, port.protocol, first, last


def _ports(way: Exposure, containers: Containers, env: Environment) -> Iterator[Port]:
    """The container's ports that a way leads to, and that are asked for health."""
    name = choose_container(way.container, containers)
    asked: set[Port] = set()
    if env.params_of(way.via, alb.Params) is not None:
        target = targets.destination(way, containers)
        asked = {target.port, find_health_check_port(way, target.port)} if target else set()
    elif env.params_of(way.via, nlb.Params) is not None:
        flow = listeners.flow(way, containers)
        asked = {Port(number, transport) for transport, number in flow.opened} if flow else set()
    for port in asked:
        yield next((one for one in containers[name].ports if one == port), port)


def instance_rules(
    found: set[Opening], groups: Mapping[LaunchType, Any], env: Environment
) -> Iterator[Any]:
    """Both sides of each opening, by the security group of the instances."""
    for launch, via, protocol, first, last in sorted(found):
        group, balancer = groups.get(launch), _group(via, env)
        if group is None or balancer is None:
            continue
        ports = str(first) if first == last else f"{first}To{last}"
        title = logical_id(capacity.TITLES[launch], "From", via, f"{protocol}{ports}")
        shared = {"IpProtocol": protocol, "FromPort": first, "ToPort": last}
        yield ec2.SecurityGroupIngress(
            f"{title}Ingress",
            Description=f"From load balancer {via}",
            GroupId=group,
            SourceSecurityGroupId=balancer,
            **shared,
        )
        yield ec2.SecurityGroupEgress(
            f"{title}Egress",
            Description="To the instances of a cluster",
            GroupId=balancer,
            DestinationSecurityGroupId=group,
            **shared,
        )


def _group(via: str, env: Environment) -> Any | None:
    behind = env.params_of(via, alb.Params)
    if behind is not None:
        return alb.handle(via, behind, env).security_group
    stream = env.params_of(via, nlb.Params)
    return nlb.handle(via, stream, env).security_group if stream is not None else None
