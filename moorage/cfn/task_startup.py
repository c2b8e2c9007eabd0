"""The AWS services that a task calls when it starts, and the default routes of its subnets."""

from __future__ import annotations

import re
from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.networks import default_route, find_subnets
from moorage.cfn.nodes import Node
from moorage.cfn.stack import Resource
from moorage.cfn.values import Attr
from moorage.facts.ecr_repositories import ANY_REGISTRY_HOST_PART, DUAL_STACK_HOST_PART
from moorage.records import record

_PUBLIC_REGISTRIES = (
    "public.ecr.aws",
    "docker.io",
    "ghcr.io",
    "quay.io",
    "gcr.io",
    "mcr.microsoft.com",
)


@record
class RequiredService:
    """An AWS service that a task calls when it starts."""

    service: str
    """The name of its VPC endpoint, such as `ecr.api`."""
    description: str
    """What it is called for."""


def is_certainly_on_fargate(service: Resource) -> bool:
    """Whether a service certainly runs its tasks on Fargate: then the network interfaces of the
    tasks carry the traffic for images, secrets and logs."""
    return service.view.cached(("on Fargate", service), lambda: _is_on_fargate(service))


def _is_on_fargate(service: Resource) -> bool:
    task = ecs.task_definition_of(service)
    return bool(ecs.runs_on_fargate(service) or (task is not None and ecs.is_for_fargate(task)))


def required_services(service: Resource) -> tuple[RequiredService, ...]:
    """The AWS services that the tasks of a service certainly call. Layers of images in ECR come
    from S3.
    Source: AWS docs, Amazon ECR interface VPC endpoints; Amazon ECS interface VPC endpoints."""
    task = ecs.task_definition_of(service)
    required: dict[str, RequiredService] = {}
    for container in ecs.containers(task) if task else ():
        for name, description in _called_services(service, container):
            required.setdefault(name, RequiredService(name, description))
    if service["EnableExecuteCommand"].flag:
        required.setdefault("ssmmessages", RequiredService("ssmmessages", "ECS Exec"))
    return tuple(required.values())


def _called_services(service: Resource, container: Node) -> Iterator[tuple[str, str]]:
    if image_registry(container["Image"]) == "ecr" and not _has_dual_stack_host(container["Image"]):
        version = service["PlatformVersion"]
        if version.absent or version.is_none_of("1.3.0", "1.2.0"):
            yield "ecr.api", "the image's authorization"
        yield "ecr.dkr", "the image's manifest"
        yield "s3", "the image's layers"
    if container.at("LogConfiguration", "LogDriver").text == "awslogs":
        yield "logs", "the awslogs driver"
    for secret in container["Secrets"].items:
        store = secret_store(secret["ValueFrom"])
        if store is not None:
            yield store, f"the secret {secret['Name'].text or ''}".strip()
    if container.at("RepositoryCredentials", "CredentialsParameter").present:
        yield "secretsmanager", "the registry's credentials"


def image_registry(image: Node) -> str | None:
    """The registry of an image: `ecr` (private), `public`, or None if unknown."""
    if "AWS::ECR::Repository" in _referenced_types(image):
        return "ecr"
    text = _text_with_wildcards(image)
    if re.search(ANY_REGISTRY_HOST_PART, text):
        return "ecr"
    host = text.split("/")[0]
    if not text or "*" in host or (":" in host and "/" in text):
        return None
    has_host = "." in host and "/" in text
    return "public" if not has_host or host in _PUBLIC_REGISTRIES else None


def _has_dual_stack_host(image: Node) -> bool:
    """Whether an image is pulled from a host that VPC endpoints do not serve, and that tasks may
    reach over IPv6 only."""
    return DUAL_STACK_HOST_PART in _text_with_wildcards(image)


def secret_store(value_from: Node) -> str | None:
    """The service of a container's secret: `secretsmanager`, `ssm`, or None if unknown."""
    for resource_type in _referenced_types(value_from):
        if resource_type.startswith("AWS::SecretsManager::"):
            return "secretsmanager"
        if resource_type == "AWS::SSM::Parameter":
            return "ssm"
    text = _text_with_wildcards(value_from)
    for name in ("secretsmanager", "ssm"):
        if f":{name}:" in text:
            return name
    is_parameter_name = value_from.text and not value_from.text.startswith("arn:")
    return "ssm" if is_parameter_name else None


def _referenced_types(node: Node) -> list[str]:
    return [part.resource.type for part in node.parts if isinstance(part, Attr)]


def _text_with_wildcards(node: Node) -> str:
    """The text of a property with `*` for each unknown part."""
    return "".join(part if isinstance(part, str) else "*" for part in node.parts)


def subnet_routes(service: Resource) -> tuple[tuple[Resource, str | None], ...]:
    """The subnets in the view of a service's tasks, each with its default route."""
    node = service.props.at("NetworkConfiguration", "AwsvpcConfiguration", "Subnets")
    return tuple((subnet, default_route(subnet)) for subnet in find_subnets(node))
