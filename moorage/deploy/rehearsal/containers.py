"""ECS: clusters, task definitions, services and tasks; repositories of images."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from moto.cloudformation.exceptions import ValidationError
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ecr import policy_validation
from moto.ecr.models import ECRBackend
from moto.ecs import models as ecs_models
from moto.moto_api import state_manager

from moorage.deploy.rehearsal import code_deploy
from moorage.deploy.rehearsal.resources import (
    IMAGES,
    Api,
    Properties,
    Resource,
    camel,
    push_image,
    without,
)
from moorage.facts.ecr_repositories import ACTION_TYPES, COUNT_TYPES

EXIT_CODES: dict[str, int] = {}
"""The exit codes of images whose containers fail."""


def cluster(api: Api, name: str, request: Properties) -> Resource:
    properties = without(request, "ClusterName", "ClusterSettings")
    settings = camel({"settings": request.get("ClusterSettings", [])})
    created = api("ecs").create_cluster(clusterName=name, **settings, **camel(properties))[
        "cluster"
    ]
    return Resource(name, Arn=created["clusterArn"])


def updated_cluster(api: Api, old: Resource, request: Properties) -> Resource:
    changed = camel({"settings": request.get("ClusterSettings", [])})
    api("ecs").update_cluster(cluster=old.physical_resource_id, **changed)
    return old


def capacity_provider(api: Api, name: str, request: Properties) -> Resource:
    properties = camel(without(request, "Name", "ClusterName"))
    if cluster := request.get("ClusterName"):
        properties["cluster"] = cluster
    api("ecs").create_capacity_provider(name=name, **properties)
    return Resource(name)


class CapacityProvider(ecs_models.CapacityProvider):
    """A capacity provider that can also be without an Auto Scaling group: ECS manages it."""

    __module__ = ecs_models.CapacityProvider.__module__  # as for Backend

    def _prepare_asg_provider(self, asg_details: Any) -> Any:
        return None if asg_details is None else super()._prepare_asg_provider(asg_details)


def capacity_providers(api: Api, name: str, request: Properties) -> Resource:
    api("ecs").put_cluster_capacity_providers(**camel(request))
    return Resource(request["Cluster"])


def task_definition(api: Api, name: str, request: Properties) -> Resource:
    family = request.get("Family", name)
    created = api("ecs").register_task_definition(
        family=family, **camel(without(request, "Family"))
    )
    return Resource(created["taskDefinition"]["taskDefinitionArn"])


def service(api: Api, name: str, request: Properties) -> Resource:
    properties = camel(without(request, "ServiceName", "PlacementStrategies"))
    if strategies := request.get("PlacementStrategies"):
        properties["placementStrategy"] = camel({"of": strategies})["of"]
    created = api("ecs").create_service(serviceName=name, **properties)
    if "CODE_DEPLOY" in request.get("DeploymentController", {}).values():
        revision = created["service"]["taskDefinition"]
        code_deploy.start_task_set(api, request["Cluster"], name, revision)
    return Resource(
        created["service"]["serviceArn"], Name=name, ServiceArn=created["service"]["serviceArn"]
    )


def updated_service(api: Api, old: Resource, request: Properties) -> Resource:
    updatable = (
        "Cluster",
        "DesiredCount",
        "TaskDefinition",
        "NetworkConfiguration",
        "LoadBalancers",
    )
    if "CODE_DEPLOY" in request.get("DeploymentController", {}).values():
        raise ValidationError(
            message="Unable to update task definition on services with a CODE_DEPLOY deployment "
            "controller. Use AWS CodeDeploy to trigger a new deployment."
        )
    changed = camel({key: request[key] for key in updatable if key in request})
    api("ecs").update_service(service=old.physical_resource_id, **changed)
    return old


def repository(api: Api, name: str, request: Properties) -> Resource:
    ecr = api("ecr")
    repository_name = request["RepositoryName"]
    properties = without(request, "LifecyclePolicy", "RepositoryPolicyText", "EmptyOnDelete")
    tags = [
        {
            "filterType": exclusion["ImageTagMutabilityExclusionFilterType"],
            "filter": exclusion["ImageTagMutabilityExclusionFilterValue"],
        }
        for exclusion in properties.pop("ImageTagMutabilityExclusionFilters", [])
    ]
    moved = {"imageTagMutabilityExclusionFilters": tags} if tags else {}
    created = ecr.create_repository(**camel(properties), **moved)["repository"]
    for version in sorted(IMAGES.get(repository_name, ())):
        push_image(ecr, repository_name, version)
    if text := request.get("LifecyclePolicy", {}).get("LifecyclePolicyText"):
        ecr.put_lifecycle_policy(repositoryName=repository_name, lifecyclePolicyText=text)
    if policy := request.get("RepositoryPolicyText"):
        ecr.set_repository_policy(repositoryName=repository_name, policyText=json.dumps(policy))
    return Resource(
        repository_name, Arn=created["repositoryArn"], RepositoryUri=created["repositoryUri"]
    )


def nothing(*_: Any) -> dict[str, Any]:
    """What a task takes from an instance. On Fargate there is none, and moto stumbles over a
    container without its own memory."""
    return {"CPU": 0, "MEMORY": 0, "PORTS": [], "PORTS_UDP": []}


def correct_tasks() -> None:
    """Tasks that can run on Fargate, have an address in any subnet, and end at once."""
    models: Any = ecs_models
    models.Container = Container
    models.Task = Task
    models.CapacityProvider = CapacityProvider
    models.EC2ContainerServiceBackend._calculate_task_resource_requirements = nothing
    interface: Any = NetworkInterface
    interface.private_dns_name = ""
    state_manager.set_transition("ecs::task", {"progression": "immediate"})


def correct_repositories() -> None:
    """Lifecycle policies with all that ECR has, and images that are pushed without a tag, or into
    repositories where some tags can be written again: moto takes a wildcard for an expression."""
    resolve = ECRBackend._resolve_image_tag_mutability

    def images_with_tag(self: Any, repository: Any, tag: Any) -> Any:
        wildcards = repository.image_tag_mutability_exclusion_filters
        return [] if tag is None or wildcards else resolve(self, repository, tag)

    backend: Any = ECRBackend
    backend._resolve_image_tag_mutability = images_with_tag
    known: Any = policy_validation
    known.VALID_ACTION_PROPERTIES = {"type", "targetStorageClass"}
    known.VALID_ACTION_TYPE_VALUES = set(ACTION_TYPES)
    known.VALID_SELECTION_PROPERTIES |= {"storageClass"}
    known.VALID_SELECTION_COUNT_TYPE_VALUES |= set(COUNT_TYPES)


class Container(ecs_models.Container):
    """A container that ends as its variable EXIT_CODE says, or `EXIT_CODES` for its image."""

    __module__ = ecs_models.Container.__module__  # as for Backend

    def __init__(self, task_def: Any) -> None:
        super().__init__(task_def)
        environment: Any = self.environment
        variables = {variable["name"]: variable["value"] for variable in environment or []}
        self.exitCode = int(variables.get("EXIT_CODE", EXIT_CODES.get(str(self.image), 0)))


class Task(ecs_models.Task):
    """A task whose first container ends at once. ECS then says why; to moto it should still run."""

    __module__ = ecs_models.Task.__module__  # as for Backend

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.desired_status = "STOPPED"
        self.stop_code = "EssentialContainerExited"
        self.stopped_reason = "Essential container in task exited"
        self.created_at = self.started_at = self.stopped_at = datetime.now(UTC)


def delete_service(api: Api, resource: Resource) -> None:
    """With its tasks, which CloudFormation stops first."""
    arn = resource.physical_resource_id
    api("ecs").delete_service(cluster=arn.split("/")[1], service=arn, force=True)
