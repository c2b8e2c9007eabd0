"""Capacity providers of services and clusters."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs, lifecycle
from moorage.cfn.nodes import Node
from moorage.cfn.view import Resource, View
from moorage.rules.rule import Problem, problem, rule

PROVIDER = "AWS::ECS::CapacityProvider"


_OF_FARGATE = ("FARGATE", "FARGATE_SPOT")


@rule(
    "E9210",
    "A service uses a capacity provider that its cluster does not have",
    error_messages=(
        "The specified capacity provider strategy cannot contain a capacity provider that is not "
        "associated with the cluster. Associate the capacity provider with the cluster or specify "
        "a valid capacity provider and try again.",
    ),
    fix="List the capacity provider in the cluster's CapacityProviders.",
    sources=(
        "dask/dask-cloudprovider#328",
        "AWS docs: Amazon ECS clusters for Fargate (FARGATE and FARGATE_SPOT are in every account, "
        "and must be associated with the cluster)",
    ),
    failure_ids=("svc-capacity-provider-not-on-cluster",),
)
def capacity_provider_not_on_cluster(view: View) -> Iterator[Problem]:
    """A capacity provider, FARGATE and FARGATE_SPOT too, can be used only in the clusters that it
    is associated with. (A service that may come before an association is found by W9936.)"""
    for service in ecs.services(view):
        cluster = ecs.resource_of_type(service["Cluster"], ecs.CLUSTER)
        places = _associations(cluster) if cluster else None
        if cluster is None or places is None:
            continue
        asked = [one["CapacityProvider"] for one in service["CapacityProviderStrategy"].items]
        named = [(one, name) for one in asked for name in [_name(one)] if name is not None]
        lacking = [
            (one, name) for one, name in named if not any(_may_list(place, one) for place in places)
        ]
        if lacking:
            names = " and ".join(name for _, name in lacking)
            yield problem(
                lacking[0][0],
                f"Cluster {cluster.id} is not associated with {names}, and ECS refuses to create "
                f"{service.id}",
                f"Add {names} to the CapacityProviders of {cluster.id}.",
            )


def _associations(cluster: Resource) -> list[Resource] | None:
    """A cluster, and what else associates capacity providers with it; None where that is not all
    in sight. A custom resource that is given the cluster may associate what it likes."""
    view = cluster.view
    custom = (
        *view.resources_with_type_prefix("Custom::"),
        *view.resources_with_type_prefix("AWS::CloudFormation::Custom"),
    )
    if any(
        one.stack is not cluster.stack or cluster.id in one.stack.direct_dependencies(one.id)
        for one in custom
    ):
        return None
    places = [cluster]
    for one in view.resources_of_type(lifecycle.CAPACITY_PROVIDER_ASSOCIATIONS):
        if (
            one["Cluster"].resource is None
            and one["Cluster"].is_same_as(cluster["ClusterName"]) is None
        ):
            return None
        if one["Cluster"].resource is cluster or one["Cluster"].is_same_as(cluster["ClusterName"]):
            places.append(one)
    return places if all(one["CapacityProviders"].all_known for one in places) else None


def _name(provider: Node) -> str | None:
    """A capacity provider in words; None where it is not known, or names its cluster itself as
    managed instances do."""
    own = ecs.resource_of_type(provider, PROVIDER)
    if own is not None:
        return None if own["ClusterName"].present else own.id
    return provider.text


def _may_list(owner: Resource, provider: Node) -> bool:
    return any(_may_be(one, provider) for one in owner["CapacityProviders"].items)


def _may_be(one: Node, other: Node) -> bool:
    """Whether two capacity providers may be the same. Those of Fargate are nobody's resource."""
    fargate = one if one.resource is None else other
    if (one.resource is None) != (other.resource is None) and fargate.text in _OF_FARGATE:
        return False
    return one.is_same_as(other) is not False


RULES = (capacity_provider_not_on_cluster,)
