"""What a task calls of AWS at its start, and the ways out of its subnets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from moorage.cfn import ecs
from moorage.cfn.networks import default_route, find_subnets
from moorage.cfn.nodes import Node
from moorage.cfn.view import Resource


@dataclass(frozen=True)
class RequiredService:
    """A service of AWS that a task calls at its start, by the name of its endpoint."""

    service: str
    description: str


def is_certainly_on_fargate(service: Resource) -> bool:
    """Whether a service certainly runs its tasks on Fargate: then images, secrets and logs pass
    the tasks' own network interfaces."""
    key = ("is fargate", service)
    memo = service.view.cache
    if key not in memo:
        task = ecs.task_definition_of(service)
        told = task is not None and ecs.is_for_fargate(task)
        memo[key] = bool(ecs.runs_on_fargate(service) or told)
    found: bool = memo[key]
    return found


def required_services(service: Resource) -> tuple[RequiredService, ...]:
    """What the tasks of a service certainly call of AWS. Images of ECR come in layers from S3.
    Source: AWS docs, Amazon ECR interface VPC endpoints; Amazon ECS interface VPC endpoints."""
    task = ecs.task_definition_of(service)
    found: dict[str, RequiredService] = {}
    for container in ecs.containers(task) if task else ():
        for name, what in _called(service, container):
            found.setdefault(name, RequiredService(name, what))
    if service["EnableExecuteCommand"].flag:
        found.setdefault("ssmmessages", RequiredService("ssmmessages", "ECS Exec"))
    return tuple(found.values())


def _called(service: Resource, container: Node) -> Iterator[tuple[str, str]]:
    if image_registry(container["Image"]) == "ecr":
        if service["PlatformVersion"].absent or service["PlatformVersion"].is_none_of(
            "1.3.0", "1.2.0"
        ):
            yield "ecr.api", "the image's authorization"
        yield "ecr.dkr", "the image's manifest"
        yield "s3", "the image's layers"
    if container.at("LogConfiguration", "LogDriver").text == "awslogs":
        yield "logs", "the awslogs driver"
    for one in container["Secrets"].items:
        kind = secret_store(one["ValueFrom"])
        if kind is not None:
            yield kind, f"the secret {one['Name'].text or ''}".strip()
    if container.at("RepositoryCredentials", "CredentialsParameter").present:
        yield "secretsmanager", "the registry's credentials"


def image_registry(image: Node) -> str | None:
    """Where an image comes from: `ecr` (private), `public`, or None where that is not known."""
    parts = image.parts
    if any(
        getattr(getattr(one, "resource", None), "type", "") == "AWS::ECR::Repository"
        for one in parts
    ):
        return "ecr"
    spelt = "".join(one if isinstance(one, str) else "*" for one in parts)
    if ".dkr.ecr." in spelt:
        return "ecr"
    first = spelt.split("/")[0]
    if not spelt or "*" in first or (":" in first and "/" in spelt):
        return None
    hosted = "." in first and "/" in spelt
    known = ("public.ecr.aws", "docker.io", "ghcr.io", "quay.io", "gcr.io", "mcr.microsoft.com")
    return "public" if not hosted or first in known else None


def secret_store(node: Node) -> str | None:
    """The service that a container's secret comes from; None where that is not known."""
    for part in node.parts:
        kind = getattr(getattr(part, "resource", None), "type", "")
        if kind.startswith("AWS::SecretsManager::"):
            return "secretsmanager"
        if kind == "AWS::SSM::Parameter":
            return "ssm"
    spelt = "".join(one if isinstance(one, str) else "*" for one in node.parts)
    for name in ("secretsmanager", "ssm"):
        if f":{name}:" in spelt:
            return name
    return "ssm" if node.text and not node.text.startswith("arn:") else None


def subnet_routes(service: Resource) -> tuple[tuple[Resource, str | None], ...]:
    """The subnets in view that a service's tasks run in, with where their traffic goes."""
    listed = service.props.at("NetworkConfiguration", "AwsvpcConfiguration", "Subnets")
    return tuple((one, default_route(one)) for one in find_subnets(listed))
