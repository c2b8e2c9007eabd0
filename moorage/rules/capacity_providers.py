"""Capacity providers of services and their clusters."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs, lifecycle
from moorage.cfn.nodes import Node
from moorage.cfn.view import Resource, View
from moorage.facts.fargate import CAPACITY_PROVIDERS
from moorage.rules.message_parts import join_and, quote
from moorage.rules.rule import Problem, problem, rule

PROVIDER = "AWS::ECS::CapacityProvider"


@rule(
    "E9210",
    "A service uses a capacity provider that is not associated with its cluster.",
    error_messages=(
        "The specified capacity provider strategy cannot contain a capacity provider that is not "
        "associated with the cluster. Associate the capacity provider with the cluster or specify "
        "a valid capacity provider and try again.",
    ),
    fix="Add the capacity provider to CapacityProviders of the cluster.",
    sources=(
        "dask/dask-cloudprovider#328",
        "AWS docs: Amazon ECS clusters for Fargate (FARGATE and FARGATE_SPOT are in every account, "
        "and must be associated with the cluster)",
    ),
    failure_ids=("svc-capacity-provider-not-on-cluster",),
)
def capacity_provider_not_associated(view: View) -> Iterator[Problem]:
    """A service can use only the capacity providers that are associated with its cluster, which
    includes FARGATE and FARGATE_SPOT. (W9936 finds a service that may be created before the
    association.)"""
    for service in ecs.services(view):
        cluster = ecs.resource_of_type(service["Cluster"], ecs.CLUSTER)
        associations = _associations(cluster) if cluster else None
        if cluster is None or associations is None:
            continue
        used = [item["CapacityProvider"] for item in service["CapacityProviderStrategy"].items]
        named = [(node, name) for node in used for name in [_name(node)] if name is not None]
        missing = [
            (node, name)
            for node, name in named
            if not any(_may_list(resource, node) for resource in associations)
        ]
        if missing:
            names = join_and(quote(name for _, name in missing))
            yield problem(
                missing[0][0],
                f"Cluster `{cluster.id}` is not associated with {names}, and ECS refuses to create "
                f"service `{service.id}`",
                f"Add {names} to CapacityProviders of `{cluster.id}`.",
            )


def _associations(cluster: Resource) -> list[Resource] | None:
    """The resources that associate capacity providers with a cluster, itself included; None if
    there may be others. A custom resource that refers to the cluster may associate any."""
    view = cluster.view
    custom_resources = (
        *view.resources_with_type_prefix("Custom::"),
        *view.resources_with_type_prefix("AWS::CloudFormation::Custom"),
    )
    if any(
        resource.stack is not cluster.stack
        or cluster.id in resource.stack.direct_dependencies(resource.id)
        for resource in custom_resources
    ):
        return None
    associations = [cluster]
    for association in view.resources_of_type(lifecycle.CAPACITY_PROVIDER_ASSOCIATIONS):
        node = association["Cluster"]
        has_name = node.is_same_as(cluster["ClusterName"])
        if node.resource is None and has_name is None:
            return None
        if node.resource is cluster or has_name:
            associations.append(association)
    known = all(resource["CapacityProviders"].all_known for resource in associations)
    return associations if known else None


def _name(provider: Node) -> str | None:
    """What messages call a capacity provider; None if it is not known, or names its cluster itself,
    as Managed Instances do."""
    resource = ecs.resource_of_type(provider, PROVIDER)
    if resource is not None:
        return None if resource["ClusterName"].present else resource.id
    return provider.text


def _may_list(association: Resource, provider: Node) -> bool:
    return any(_may_be_same(item, provider) for item in association["CapacityProviders"].items)


def _may_be_same(first: Node, second: Node) -> bool:
    """Whether two values may name the same capacity provider. FARGATE and FARGATE_SPOT are never
    created by a template."""
    literal = first if first.resource is None else second
    only_one_is_resource = (first.resource is None) != (second.resource is None)
    if only_one_is_resource and literal.text in CAPACITY_PROVIDERS:
        return False
    return first.is_same_as(second) is not False


RULES = (capacity_provider_not_associated,)
