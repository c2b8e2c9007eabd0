"""Where tasks run: cluster, launch type, network and subnets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from troposphere import GetAtt, ecs

from moorage.model import Environment
from moorage.records import record

from .. import cluster, network
from ..cluster import capacity
from ..common.used_stacks import UsedStack, resolve_stack
from . import service_discovery
from .launch_types import placement_constraints, placement_strategies, uses_instance_address
from .params import TaskParams

SubnetKind = Literal["public", "private"]


@record
class Placement:
    """Where the tasks of a stack run. Values that are unknown because of mistakes in the params are
    None or empty."""

    params: TaskParams
    network: UsedStack[network.Params, network.Handle] | None
    cluster: UsedStack[cluster.Params, cluster.Handle] | None

    @property
    def cluster_name(self) -> Any:
        return self.cluster.handle.name if self.cluster else None

    @property
    def namespace(self) -> service_discovery.NamespaceHandle | None:
        """The cluster's Cloud Map namespace."""
        return self.cluster.handle.namespace if self.cluster else None

    @property
    def vpc_id(self) -> Any:
        return self.network.handle.vpc_id if self.network else None

    @property
    def instances(self) -> capacity.CapacityHandle | None:
        """The cluster's instances that the tasks run on; None on Fargate."""
        return self.cluster.handle.instances.get(self.params.launch) if self.cluster else None

    @property
    def shares_instance(self) -> bool:
        """Whether the tasks use the IP address of their instance, and have no security group."""
        return uses_instance_address(self.params.network_mode)

    @property
    def security_group(self) -> Any:
        """ID of the tasks' security group: that of the stack, or that of the instances, which is
        None if it is unknown."""
        if self.shares_instance and self.instances:
            return self.instances.security_group
        return GetAtt("SecurityGroup", "GroupId")

    @property
    def subnet_kind(self) -> SubnetKind:
        """The kind that the params name; by default that of the subnets with a route out of the
        VPC."""
        if self.params.subnets:
            return self.params.subnets
        net = self.network.handle if self.network else None
        public = net is not None and (net.egress == "public" or not net.private_subnets)
        return "public" if public else "private"

    @property
    def subnets(self) -> Sequence[Any]:
        if self.network is None:
            return ()
        net = self.network.handle
        return net.public_subnets if self.subnet_kind == "public" else net.private_subnets

    @property
    def mount_target_subnets(self) -> Sequence[Any]:
        """One subnet of each Availability Zone that the tasks are in. In a network that a stack
        creates, it is always the private subnet: a zone can have only one mount target, which could
        not be replaced if the tasks moved to other subnets."""
        if self.network is None or self.network.handle.private_cidrs is None:
            return self.subnets
        return self.network.handle.private_subnets


def resolve_placement(params: TaskParams, env: Environment) -> Placement:
    """Where the tasks of these params run."""
    return Placement(
        params=params,
        network=resolve_stack(env, network.Params, params.network, network.handle),
        cluster=resolve_stack(env, cluster.Params, params.cluster, cluster.handle),
    )


# Resources -----------------------------------------------------------------------------------


def capacity_properties(placement: Placement, *, default_strategy: bool = True) -> dict[str, Any]:
    """Properties of AWS::ECS::Service and RunTask for the capacity and the network of tasks.

    `default_strategy` is whether the cluster's capacity provider strategy applies if the params
    have none.
    """
    params = placement.params
    net = {}
    if not placement.shares_instance:
        net = {"NetworkConfiguration": _network_configuration(placement)}
    if params.launch == "fargate":
        default = placement.cluster.handle.default_strategy if placement.cluster else {}
        strategy = params.capacity_providers or (default if default_strategy else {})
        capacity = {"CapacityProviderStrategy": cluster.strategy_items(strategy)}
        version = {"PlatformVersion": params.platform_version}
        return (capacity if strategy else {"LaunchType": "FARGATE"}) | version | net
    provider = placement.instances.capacity_provider if placement.instances else None
    item = ecs.CapacityProviderStrategyItem(CapacityProvider=provider, Weight=1)
    optional = {
        "PlacementStrategies": placement_strategies(params),
        "PlacementConstraints": placement_constraints(params),
    }
    rules = {key: value for key, value in optional.items() if value}
    return {"CapacityProviderStrategy": [item], **rules, **net}


def _network_configuration(placement: Placement) -> ecs.NetworkConfiguration:
    """The subnets of the tasks, and their security groups: the stack's and those of the params."""
    public = placement.subnet_kind == "public" and placement.params.launch == "fargate"
    return ecs.NetworkConfiguration(
        AwsvpcConfiguration=ecs.AwsvpcConfiguration(
            AssignPublicIp="ENABLED" if public else "DISABLED",
            Subnets=list(placement.subnets),
            SecurityGroups=[
                GetAtt("SecurityGroup", "GroupId"),
                *placement.params.security_groups,
            ],
        )
    )
