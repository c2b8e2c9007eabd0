"""Where the tasks of services run: capacity providers, and what Fargate does not have."""

from __future__ import annotations

import re
from collections.abc import Iterator

from moorage.cfn import ecs, lifecycle
from moorage.cfn.nodes import Node
from moorage.cfn.view import Resource, View
from moorage.rules.rule import Problem, problem, rule

PROVIDER = "AWS::ECS::CapacityProvider"

_OF_FARGATE = ("FARGATE", "FARGATE_SPOT")


@rule(
    "E9375",
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
    is associated with. (A service that may come before an association is found by W9304.)"""
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


@rule(
    "E9381",
    "A service on Fargate asks for what Fargate, or its platform version, does not have",
    error_messages=("Placement constraints are not supported with FARGATE launch type.",),
    fix="Remove what is for EC2 only; leave PlatformVersion out.",
    sources=(
        "GetSimpl/cloudlift#138",
        "aws-cloudformation/cfn-lint#1547",
        "AWS docs: Fargate platform versions; Load balancer types; Amazon EFS volumes",
    ),
    failure_ids=(
        "svc-placement-with-fargate",
        "svc-daemon-with-fargate",
        "svc-platform-version-too-old",
    ),
)
def not_on_fargate(view: View) -> Iterator[Problem]:
    """Fargate places tasks itself, one by one: placement and daemons are for EC2. UDP load
    balancing, EFS, single keys of secrets, Service Connect and sizes of ephemeral storage came with
    platform version 1.4.0."""
    for service in ecs.services(view):
        if not ecs.runs_on_fargate(service):
            continue
        for name in ("PlacementConstraints", "PlacementStrategies"):
            if service[name].items and service[name].all_known:
                yield problem(
                    service[name],
                    f"{service.id} runs on Fargate, and ECS refuses {name} there",
                    f"Remove {name}.",
                )
        scheduling = service["SchedulingStrategy"]
        if scheduling.text == "DAEMON" and service["LaunchType"].absent:  # else cfn-lint says so
            yield problem(
                scheduling,
                f"{service.id} runs on Fargate, where ECS has no daemons",
                "Remove SchedulingStrategy, and write DesiredCount.",
            )
        version = service["PlatformVersion"]
        need = _needs_1_4(service) if _is_before_1_4(version) else None
        if need is not None:
            yield problem(
                version,
                f"{service.id} has {need}, for which platform version {version.text} is too old",
                "Write LATEST, or remove PlatformVersion.",
            )


def _is_before_1_4(version: Node) -> bool:
    numbers = re.fullmatch(r"(\d{1,4})\.(\d{1,4})\.(\d{1,4})", version.text or "")
    return numbers is not None and (int(numbers[1]), int(numbers[2])) < (1, 4)


def _needs_1_4(service: Resource) -> str | None:
    """What a service has that platform version 1.4.0 of Linux is the first to support."""
    task = ecs.task_definition_of(service)
    family = task.props.at("RuntimePlatform", "OperatingSystemFamily") if task else None
    if family is not None and family.present and family.text != "LINUX":
        return None
    for entry in service["LoadBalancers"].items:
        group = ecs.resource_of_type(entry["TargetGroupArn"], ecs.TARGET_GROUP)
        if group is not None and group["Protocol"].text in ("UDP", "TCP_UDP"):
            return f"a {group['Protocol'].text} target group"
    if service.props.at("ServiceConnectConfiguration", "Enabled").flag:
        return "Service Connect"
    if task is None:
        return None
    if task["EphemeralStorage"].present and task["EphemeralStorage"].fully_known:
        return "ephemeral storage of a size of its own"
    if any(one["EFSVolumeConfiguration"].entries for one in task["Volumes"].items):
        return "an EFS volume"
    secrets = (one["ValueFrom"] for box in ecs.containers(task) for one in box["Secrets"].items)
    return "a secret's single key" if any(map(_names_json_key, secrets)) else None


def _names_json_key(secret: Node) -> bool:
    """Whether what is taken of a secret is one key: `<arn of the secret>:<key>:<stage>:<version>`,
    where an ARN has seven parts."""
    parts = secret.parts
    if parts and not isinstance(parts[0], str) and secret.resource is None:
        first = getattr(parts[0], "resource", None)
        last = parts[1] if len(parts) > 1 else None
        is_secret = first is not None and first.type == "AWS::SecretsManager::Secret"
        return is_secret and isinstance(last, str) and bool(last.strip(":"))
    text = "".join(one if isinstance(one, str) else "?" for one in parts)
    pieces = text.split(":")
    return ":secretsmanager:" in text and len(pieces) > 7 and bool(pieces[7])


RULES = (capacity_provider_not_on_cluster, not_on_fargate)
