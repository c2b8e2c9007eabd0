"""Capacity providers of services and their clusters."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs, lifecycle
from moorage.cfn.arns import expand_parts
from moorage.cfn.nodes import Node
from moorage.cfn.permissions import ROLE, allows, find_role
from moorage.cfn.stack import Resource
from moorage.cfn.values import Attr
from moorage.cfn.view import View
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
    includes FARGATE and FARGATE_SPOT. (W9936 finds a service that does not depend on the
    association.)"""
    for service in ecs.services(view):
        cluster = ecs.resource_of_type(service["Cluster"], ecs.CLUSTER)
        associations = _associations(cluster) if cluster else None
        if cluster is None or associations is None:
            continue
        used = [item["CapacityProvider"] for item in service["CapacityProviderStrategy"].items]
        names = [
            (node, name) for node in used for name in [_name_provider(node)] if name is not None
        ]
        missing = [
            (node, name)
            for node, name in names
            if not any(_may_list(resource, node) for resource in associations)
        ]
        if missing:
            providers = join_and(quote(name for _, name in missing))
            yield problem(
                missing[0][0],
                f"Cluster `{cluster.id}` is not associated with {providers}, and ECS refuses to "
                f"create service `{service.id}`",
                f"Add {providers} to CapacityProviders of `{cluster.id}`.",
            )


def _associations(cluster: Resource) -> list[Resource] | None:
    """The resources that associate capacity providers with a cluster, itself included; None if
    there may be others. A custom resource that refers to the cluster may associate any."""
    return cluster.view.cached(("associations", cluster), lambda: _find_associations(cluster))


def _find_associations(cluster: Resource) -> list[Resource] | None:
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


def _name_provider(provider: Node) -> str | None:
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


# What a strategy can contain -----------------------------------------------------------------


def _strategy_providers(service: Resource) -> list[Node]:
    return [item["CapacityProvider"] for item in service["CapacityProviderStrategy"].items]


def has_instances(provider: Node) -> bool:
    """Whether a capacity provider is an Auto Scaling group's."""
    resource = ecs.resource_of_type(provider, PROVIDER)
    return resource is not None and bool(resource["AutoScalingGroupProvider"].entries)


@rule(
    "E9213",
    "A capacity provider strategy has both Fargate and an Auto Scaling group.",
    error_messages=(
        "A capacity provider strategy cannot contain a mix of capacity providers using Auto "
        "Scaling groups and Fargate providers. Specify one or the other and try again.",
    ),
    fix="Write only FARGATE and FARGATE_SPOT, or only capacity providers of Auto Scaling groups. "
    "The cluster can have both.",
    sources=("terraform-aws-modules/terraform-aws-ecs#68", "aws/aws-cdk#14730"),
    failure_ids=("svc-strategy-mixes-fargate-and-instances",),
)
def mixed_strategy(view: View) -> Iterator[Problem]:
    """A cluster can have capacity providers of both kinds. A service cannot: its tasks run on
    Fargate or on instances."""
    for service in ecs.services(view):
        providers = _strategy_providers(service)
        fargate = [node for node in providers if node.text in CAPACITY_PROVIDERS]
        if fargate and any(map(has_instances, providers)):
            yield problem(
                fargate[0],
                f"The capacity provider strategy of service `{service.id}` has {fargate[0].text} "
                f"and an Auto Scaling group, and ECS accepts only one kind",
                "Remove the capacity providers of one kind.",
            )


@rule(
    "E9214",
    "A service runs Windows tasks on FARGATE_SPOT.",
    error_messages=(
        "(in substance) The platform family WINDOWS_SERVER_2022_CORE is not supported with "
        "FARGATE_SPOT",
    ),
    fix="Use the capacity provider FARGATE.",
    sources=("AWS docs: ECS API reference, CapacityProviderStrategyItem",),
    failure_ids=("svc-windows-on-fargate-spot",),
)
def windows_on_spot(view: View) -> Iterator[Problem]:
    """FARGATE_SPOT runs Linux tasks only."""
    for service in ecs.services(view):
        task = ecs.task_definition_of(service)
        family = task["RuntimePlatform"]["OperatingSystemFamily"].text if task else None
        if not (family or "").startswith("WINDOWS"):
            continue
        for provider in _strategy_providers(service):
            if provider.text == "FARGATE_SPOT":
                yield problem(
                    provider,
                    f"Service `{service.id}` runs tasks of the family {family} on FARGATE_SPOT, "
                    f"which supports only Linux",
                    "Write `CapacityProvider: FARGATE`.",
                )


# Managed instances ---------------------------------------------------------------------------


@rule(
    "E9216",
    "A capacity provider of managed instances is listed in CapacityProviders of a cluster.",
    error_messages=(
        "Cannot associate Managed Instances capacity provider to clusters using this API.",
    ),
    fix="Remove it from CapacityProviders. Its ClusterName makes it part of the cluster.",
    sources=("aws/aws-cdk#35699", "hashicorp/terraform-provider-aws#44783"),
    failure_ids=("mi-association",),
)
def managed_instances_in_association(view: View) -> Iterator[Problem]:
    """A capacity provider of ECS Managed Instances belongs to the cluster that its ClusterName
    names. ECS refuses an association that lists it."""
    for owner in view.resources_of_type(ecs.CLUSTER, lifecycle.CAPACITY_PROVIDER_ASSOCIATIONS):
        for node in owner["CapacityProviders"].items:
            provider = ecs.resource_of_type(node, PROVIDER)
            if provider is not None and provider["ManagedInstancesProvider"].entries:
                yield problem(
                    node,
                    f"Capacity provider `{provider.id}` is for managed instances, and ECS refuses "
                    f"it in CapacityProviders of `{owner.id}`",
                    f"Remove it, and write ClusterName in `{provider.id}`.",
                )


@rule(
    "E9217",
    "The infrastructure role of managed instances cannot pass the role of the instances.",
    fix="Allow iam:PassRole on the role of the instance profile. The AWS managed policy allows it "
    "only for names that begin with ecsInstanceRole.",
    sources=("aws/aws-cdk#35796",),
    failure_ids=("mi-passrole",),
)
def instance_role_not_passed(view: View) -> Iterator[Problem]:
    """ECS starts managed instances with the infrastructure role and passes them the role of their
    instance profile. AmazonECSInfrastructureRolePolicyForManagedInstances allows that only for
    roles whose names begin with ecsInstanceRole, and the names that CloudFormation generates do
    not. No instance starts."""
    for provider in view.resources_of_type(PROVIDER):
        managed = provider["ManagedInstancesProvider"]
        role = find_role(managed["InfrastructureRoleArn"])
        profile = ecs.resource_of_type(
            managed["InstanceLaunchTemplate"]["Ec2InstanceProfileArn"], "AWS::IAM::InstanceProfile"
        )
        roles = (
            [ecs.resource_of_type(node, ROLE) for node in profile["Roles"].items] if profile else []
        )
        for instance_role in roles:
            if role is None or instance_role is None:
                continue
            arn = expand_parts(view, (Attr(instance_role, "Arn"),))
            if allows(role, "iam:PassRole", arn) is False:
                yield problem(
                    role,
                    f"Role `{role.id}`, the infrastructure role of `{provider.id}`, does not allow "
                    f"iam:PassRole on `{instance_role.id}`, so no instance starts",
                    f"Allow iam:PassRole on the ARN of `{instance_role.id}` in `{role.id}`.",
                )


RULES = (
    capacity_provider_not_associated,
    mixed_strategy,
    windows_on_spot,
    managed_instances_in_association,
    instance_role_not_passed,
)
