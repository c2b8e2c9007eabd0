"""Services on Fargate: what Fargate, or an old platform version, does not support."""

from __future__ import annotations

import re
from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.nodes import Node
from moorage.cfn.stack import Resource
from moorage.cfn.view import View
from moorage.rules.capacity_providers import has_instances
from moorage.rules.rule import Problem, problem, rule


@rule(
    "E9200",
    "A service on Fargate uses a feature that Fargate or its platform version does not support.",
    error_messages=("Placement constraints are not supported with FARGATE launch type.",),
    fix="Remove what Fargate does not support. To use the latest platform version, remove "
    "PlatformVersion.",
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
def unsupported_on_fargate(view: View) -> Iterator[Problem]:
    """Placement constraints, placement strategies and the scheduling strategy DAEMON need container
    instances. Platform version 1.4.0 introduced load balancing of UDP, EFS, single JSON keys of
    secrets, Service Connect and sizes of ephemeral storage."""
    for service in ecs.services(view):
        if not ecs.runs_on_fargate(service):
            continue
        for name in ("PlacementConstraints", "PlacementStrategies"):
            if service[name].items and service[name].all_known:
                yield problem(
                    service[name],
                    f"Service `{service.id}` runs on Fargate, where ECS rejects {name}",
                    f"Remove {name}.",
                )
        scheduling = service["SchedulingStrategy"]
        if scheduling.text == "DAEMON" and service["LaunchType"].absent:  # else cfn-lint reports it
            yield problem(
                scheduling,
                f"Service `{service.id}` runs on Fargate, where ECS rejects the scheduling "
                f"strategy DAEMON",
                "Remove SchedulingStrategy, and write a DesiredCount.",
            )
        version = service["PlatformVersion"]
        feature = _feature_since_1_4(service) if _is_before_1_4(version) else None
        if feature is not None:
            yield problem(
                version,
                f"Service `{service.id}` uses {feature}, which platform version {version.text} "
                f"does not support",
                "Write `PlatformVersion: LATEST`, or remove PlatformVersion.",
            )


def _is_before_1_4(version: Node) -> bool:
    numbers = re.fullmatch(r"([0-9]{1,4})\.([0-9]{1,4})\.([0-9]{1,4})", version.text or "")
    return numbers is not None and (int(numbers[1]), int(numbers[2])) < (1, 4)


def _feature_since_1_4(service: Resource) -> str | None:
    """A feature of the service that needs platform version 1.4.0 for Linux."""
    task = ecs.task_definition_of(service)
    family = task.props.at("RuntimePlatform", "OperatingSystemFamily") if task else None
    if family is not None and family.present and family.text != "LINUX":
        return None
    for entry in service["LoadBalancers"].items:
        group = ecs.resource_of_type(entry["TargetGroupArn"], ecs.TARGET_GROUP)
        if group is not None and group["Protocol"].text in ("UDP", "TCP_UDP"):
            return f"a target group with the protocol {group['Protocol'].text}"
    if service.props.at("ServiceConnectConfiguration", "Enabled").flag:
        return "Service Connect"
    if task is None:
        return None
    if task["EphemeralStorage"].present and task["EphemeralStorage"].fully_known:
        return "EphemeralStorage"
    if any(volume["EFSVolumeConfiguration"].entries for volume in task["Volumes"].items):
        return "an EFS volume"
    sources = (
        secret["ValueFrom"]
        for container in ecs.containers(task)
        for secret in container["Secrets"].items
    )
    return "a single JSON key of a secret" if any(map(_names_json_key, sources)) else None


def _names_json_key(source: Node) -> bool:
    """Whether a secret's source is one JSON key: `<secret's ARN>:<key>:<stage>:<version id>`. The
    ARN has seven fields."""
    parts = source.parts
    if parts and not isinstance(parts[0], str) and source.resource is None:
        resource = getattr(parts[0], "resource", None)
        rest = parts[1] if len(parts) > 1 else None
        is_secret = resource is not None and resource.type == "AWS::SecretsManager::Secret"
        return is_secret and isinstance(rest, str) and bool(rest.strip(":"))
    text = "".join(part if isinstance(part, str) else "?" for part in parts)
    fields = text.split(":")
    return ":secretsmanager:" in text and len(fields) > 7 and bool(fields[7])


@rule(
    "E9203",
    "A service on instances assigns public IP addresses to its tasks.",
    error_messages=("Assign public IP is not supported for this launch type.",),
    fix="Remove AssignPublicIp. Tasks on instances reach the internet through a NAT gateway.",
    sources=("aws/aws-cdk#13348", "hashicorp/waypoint#643", "aws/containers-roadmap#450"),
    failure_ids=("ec2-assign-public-ip",),
)
def public_address_on_instances(view: View) -> Iterator[Problem]:
    """Only tasks on Fargate can have a public address of their own. ECS refuses to create a service
    on instances that asks for one."""
    for service in ecs.services(view):
        assign = service["NetworkConfiguration"].at("AwsvpcConfiguration", "AssignPublicIp")
        if assign.text == "ENABLED" and _runs_on_instances(service):
            yield problem(
                assign,
                f"Service `{service.id}` runs on instances and has `AssignPublicIp: ENABLED`, "
                f"which ECS accepts on Fargate only",
                "Remove AssignPublicIp.",
            )


def _runs_on_instances(service: Resource) -> bool:
    """Whether a service certainly runs on container instances of an Auto Scaling group."""
    providers = [item["CapacityProvider"] for item in service["CapacityProviderStrategy"].items]
    return service["LaunchType"].text == "EC2" or any(map(has_instances, providers))


RULES = (unsupported_on_fargate, public_address_on_instances)
