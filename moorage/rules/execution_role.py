"""Permissions of the execution role for images and logs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from moorage.cfn import ecs
from moorage.cfn.arns import Arns, build_arn, create_placeholder, expand_arns
from moorage.cfn.nodes import Node
from moorage.cfn.permissions import ANY_RESOURCE, allows, find_role, policies_of_role
from moorage.cfn.stack import Resource
from moorage.cfn.tristate import any_of
from moorage.cfn.values import Attr
from moorage.cfn.view import View
from moorage.facts.ecr_repositories import ANY_REGISTRY_HOST_PART
from moorage.records import entity
from moorage.rules.message_parts import join_and, name_container
from moorage.rules.rule import Problem, problem, rule

_LOG_GROUP, _REPOSITORY = "AWS::Logs::LogGroup", "AWS::ECR::Repository"
_ECR_IMAGE = re.compile(rf"([^./]*){ANY_REGISTRY_HOST_PART}([^./]*)\.[^/]*/([^:@]+)")


def place_for_permission(role: Resource, action: str) -> Node:
    """Where a role should allow an action: in the statement that allows it for other resources, or
    else in the policies of the role."""
    for statement in policies_of_role(role).statements:
        if (
            statement.allows
            and not statement.aws_managed
            and statement.covers_action(action)
            and not statement.excludes_resources
        ):
            return statement.node["Resource"]
    return role["Policies"]


def containers_with_execution_role(view: View) -> Iterator[tuple[Resource, Node, Resource]]:
    """Each container with its task definition and its execution role, if that is in view."""
    for task in ecs.task_definitions(view):
        role = find_role(task["ExecutionRoleArn"])
        if role is not None:
            for container in ecs.containers(task):
                yield task, container, role


def describe_container(container: Node, task: Resource) -> str:
    return f"{name_container(container)} of task definition `{task.id}`"


@rule(
    "E9765",
    "The execution role is not allowed to pull the image or to write the logs of a container.",
    error_messages=(
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource "
        "retrieval failed: unable to get ecr registry auth: AccessDeniedException: User: "
        "arn:aws:sts::... is not authorized to perform: ecr:GetAuthorizationToken on resource: *",
        "CannotStartContainerError: failed to initialize logging driver: failed to create "
        "Cloudwatch log stream: AccessDeniedException",
        "failed to initialize logging driver: failed to create Cloudwatch log group: "
        "AccessDeniedException: User: arn:aws:sts::...",
    ),
    fix="Attach service-role/AmazonECSTaskExecutionRolePolicy to the execution role, or allow it "
    "ecr:GetAuthorizationToken on `*`, ecr:BatchGetImage and ecr:GetDownloadUrlForLayer on the "
    "repository, logs:CreateLogStream and logs:PutLogEvents on the log group, and "
    "logs:CreateLogGroup if the log driver has awslogs-create-group.",
    sources=(
        "prakhar1989/docker-curriculum#260",
        "nathanpeck/aws-cloudformation-fargate#13",
        "AWS docs: Amazon ECS task execution IAM role",
        "AWS docs: Send Amazon ECS logs to CloudWatch",
        "moby/moby daemon/logger/awslogs/cloudwatchlogs.go",
    ),
    failure_ids=(
        "iam-ecr-token-scoped-to-repository",
        "iam-execution-role-without-log-permission",
        "td-awslogs-create-group-without-permission",
    ),
)
def image_or_logs_not_allowed(view: View) -> Iterator[Problem]:
    """Fargate pulls the image and creates the log stream with the execution role.
    ecr:GetAuthorizationToken can only be allowed on `*`, not on a repository. The AWS managed
    policy for execution roles allows creating log streams but not log groups. Without one of these
    permissions no task starts."""
    for task, container, role in containers_with_execution_role(view):
        if not ecs.is_for_fargate(task):
            continue
        missing: dict[Node, list[_Permission]] = {}
        for permission in (
            *_image_permissions(container, role),
            *_log_permissions(container, role),
        ):
            if any_of(allows(role, permission.action, arns) for arns in permission.arns) is False:
                place = place_for_permission(role, permission.action)
                missing.setdefault(place, []).append(permission)
        for place, permissions in missing.items():
            actions = join_and(permission.action for permission in permissions)
            yield problem(
                place,
                f"Execution role `{role.id}` does not allow {actions}, so no task starts: "
                f"{describe_container(container, task)} needs that to {permissions[0].purpose}",
                f"Allow {actions} on {permissions[0].resource} in `{role.id}`.",
            )


@entity
class _Permission:
    """An action that a container needs on one of several ARNs."""

    action: str
    arns: tuple[Arns, ...]
    purpose: str
    resource: str
    """What a hint calls the resource."""


def _image_permissions(container: Node, role: Resource) -> Iterator[_Permission]:
    matches = [_ECR_IMAGE.match(text) for text in expand_arns(container["Image"])]
    if not matches or not all(matches):
        return
    purpose = "pull its image"
    yield _Permission("ecr:GetAuthorizationToken", (ANY_RESOURCE,), purpose, "`*`")
    partition = build_arn(container.stack.view, "ecr", "").split(":")[1]
    repositories = tuple(
        f"arn:{partition}:ecr:{match[2]}:{match[1]}:repository/{match[3]}"
        for match in matches
        if match
    )
    resources = [part.resource for part in container["Image"].parts if isinstance(part, Attr)]
    repository = next((resource for resource in resources if resource.type == _REPOSITORY), None)
    resource = _reference_to_arn(repository, role) or "the repository"
    for action in ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"):
        yield _Permission(action, (repositories,), purpose, resource)


def _reference_to_arn(resource: Resource | None, role: Resource) -> str | None:
    """`!GetAtt` of a resource's ARN, if it is in the stack of the role."""
    is_in_stack = resource is not None and resource.stack is role.stack
    return f"`!GetAtt {resource.id}.Arn`" if resource and is_in_stack else None


def _log_permissions(container: Node, role: Resource) -> Iterator[_Permission]:
    log = container["LogConfiguration"]
    options = log["Options"]
    if log["LogDriver"].text != "awslogs" or not isinstance(options.value, Mapping):
        return
    arns = _log_group_arns(options)
    group = options["awslogs-group"]
    log_group = ecs.resource_of_type(group, _LOG_GROUP)
    resource = _reference_to_arn(log_group, role) or "the log group"
    if options["awslogs-create-group"].flag and not _is_log_group_in_view(group):
        yield _Permission("logs:CreateLogGroup", arns, "create its log group", resource)
    for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
        yield _Permission(action, arns, "write its logs", resource)


def _log_group_arns(options: Node) -> tuple[Arns, ...]:
    """The ARNs with which a policy can allow writing to a container's log group: that of the group,
    with and without `:*`, and those of its streams."""
    view = options.stack.view
    unknown = create_placeholder(view, "somewhere")
    region = (expand_arns(options["awslogs-region"]) or (unknown,))[0]
    arns: list[Arns] = []
    for name in expand_arns(options["awslogs-group"]) or (unknown,):
        fields = build_arn(view, "logs", f"log-group:{name}").split(":")
        arn = ":".join((*fields[:3], region, *fields[4:]))
        arns += [(arn,), (f"{arn}:*",), (f"{arn}:log-stream:{unknown}",)]
    return tuple(arns)


def _is_log_group_in_view(group: Node) -> bool:
    """Whether a template here creates the log group; then the log driver does not."""
    groups = list(group.stack.view.resources_of_type(_LOG_GROUP))
    return group.resource in groups or any(
        log_group["LogGroupName"].is_same_as(group) for log_group in groups
    )


@rule(
    "W9768",
    "A container has awslogs-create-group, and its execution role cannot create log groups.",
    error_messages=(
        "failed to initialize logging driver: failed to create Cloudwatch log group: "
        "AccessDeniedException: User: arn:aws:sts::...",
    ),
    fix="Remove awslogs-create-group if the template creates the log group, or allow the execution "
    "role logs:CreateLogGroup.",
    sources=(
        "prakhar1989/docker-curriculum#260",
        "moby/moby daemon/logger/awslogs/cloudwatchlogs.go",
    ),
    failure_ids=("td-awslogs-create-group-without-permission",),
)
def create_log_group_not_allowed(view: View) -> Iterator[Problem]:
    """The log driver creates the log group only if it does not exist, so the missing permission
    has no effect while the template creates the group. When the group is deleted or renamed, no
    task starts."""
    for task, container, role in containers_with_execution_role(view):
        options = container.at("LogConfiguration", "Options")
        create = options["awslogs-create-group"]
        if not create.flag or not _is_log_group_in_view(options["awslogs-group"]):
            continue
        arns = _log_group_arns(options)
        is_allowed = any_of(allows(role, "logs:CreateLogGroup", arn) for arn in arns)
        if ecs.is_for_fargate(task) and is_allowed is False:
            yield problem(
                create,
                f"{describe_container(container, task)[:1].upper()}"
                f"{describe_container(container, task)[1:]} has awslogs-create-group, which fails "
                f"if the log group does not exist: execution role `{role.id}` does not allow "
                f"logs:CreateLogGroup",
                "Remove awslogs-create-group, as the template creates the log group.",
            )


RULES = (image_or_logs_not_allowed, create_log_group_not_allowed)
