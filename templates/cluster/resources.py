"""The cluster itself and its capacity providers."""

from __future__ import annotations

from typing import Any

from troposphere import Ref, ecs

from moorage.facts.fargate import CAPACITY_PROVIDERS

from . import capacity
from .params import Params
from .strategies import strategy_items, strategy_properties


def provider_associations(
    params: Params, providers: list[Any]
) -> ecs.ClusterCapacityProviderAssociations:
    """The association of the capacity providers with the cluster, as a resource of its own.

    As a property of the cluster, it would make the cluster depend on its instances, which depend on
    the cluster. It depends on the capacity provider of managed instances, which changes the same
    cluster: ECS refuses two changes at once (Amazon ECS API reference, CreateCapacityProvider and
    PutClusterCapacityProviders, UpdateInProgressException).
    """
    managed = params.capacity and params.capacity.managed_instances
    dependency = {"DependsOn": "ManagedInstancesCapacityProvider"} if managed else {}
    return ecs.ClusterCapacityProviderAssociations(
        "CapacityProviders",
        Cluster=Ref("Cluster"),
        CapacityProviders=[*CAPACITY_PROVIDERS, *providers],
        DefaultCapacityProviderStrategy=[
            ecs.CapacityProviderStrategy(**properties)
            for properties in strategy_properties(params.default_strategy)
        ],
        **dependency,
    )


def _cluster_providers(params: Params) -> dict[str, Any]:
    if capacity.associated_providers(params.capacity):
        return {}
    return {
        "CapacityProviders": [*CAPACITY_PROVIDERS],
        "DefaultCapacityProviderStrategy": strategy_items(params.default_strategy),
    }


def cluster_resource(params: Params) -> ecs.Cluster:
    insights = {"off": "disabled", "on": "enabled", "enhanced": "enhanced"}
    optional: dict[str, Any] = {"ClusterName": params.name} if params.name else {}
    if params.exec_logs:
        optional["Configuration"] = ecs.ClusterConfiguration(
            ExecuteCommandConfiguration=ecs.ExecuteCommandConfiguration(
                Logging="OVERRIDE",
                LogConfiguration=ecs.ExecuteCommandLogConfiguration(
                    CloudWatchLogGroupName=Ref("ExecLogGroup")
                ),
            )
        )
    return ecs.Cluster(
        "Cluster",
        **_cluster_providers(params),
        ClusterSettings=[
            ecs.ClusterSetting(Name="containerInsights", Value=insights[params.container_insights])
        ],
        **optional,
    )
