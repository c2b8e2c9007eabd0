"""Permissions of the execution role for images and logs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from moorage.cfn import ecs
from moorage.cfn.arns import (
    Arns,
    any_of,
    expand_arns,
    make_arn,
    make_placeholder,
)
from moorage.cfn.nodes import Node
from moorage.cfn.permissions import (
    ANY_RESOURCE,
    allows,
    find_role,
    policies_of_role,
)
from moorage.cfn.view import Resource, View
from moorage.rules.rule import Problem, problem, rule

_ECR = re.compile(r"([^./]*)\.dkr\.ecr\.([^./]*)\.[^/]*/([^:@]+)")


def _place(role: Resource, action: str) -> Node:
    """Where to allow it: the statement that allows it on something else, or else the role."""
    for one in policies_of_role(role).statements:
        if (
            one.allows
            and not one.aws_managed
            and one.covers_action(action)
            and not one.excludes_resources
        ):
            return one.node["Resource"]
    return role["Policies"]


def _containers(view: View) -> Iterator[tuple[Resource, Node, Resource]]:
    """Each container whose task's execution role is in sight."""
    for task in ecs.task_definitions(view):
        role = find_role(task["ExecutionRoleArn"])
        if role is not None:
            for container in ecs.containers(task):
                yield task, container, role


def _called(container: Node, task: Resource) -> str:
    name = container["Name"].text
    return f"container {name} of {task.id}" if name else f"a container of {task.id}"


@rule(
    "E9765",
    "The execution role may not pull the image or write the logs of a container",
    error_messages=(
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource "
        "retrieval failed: unable to get ecr registry auth: AccessDeniedException: User: "
        "arn:aws:sts::... is not authorized to perform: ecr:GetAuthorizationToken on resource: *",
        "CannotStartContainerError: failed to initialize logging driver: failed to create "
        "Cloudwatch log stream: AccessDeniedException",
        "failed to initialize logging driver: failed to create Cloudwatch log group: "
        "AccessDeniedException: User: arn:aws:sts::...",
    ),
    fix="Give the execution role service-role/AmazonECSTaskExecutionRolePolicy, or allow it "
    "ecr:GetAuthorizationToken on `*`, ecr:BatchGetImage and ecr:GetDownloadUrlForLayer on the "
    "repository, logs:CreateLogStream and logs:PutLogEvents on the log group, and "
    "logs:CreateLogGroup where the container's options ask for it.",
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
def image_or_logs_denied(view: View) -> Iterator[Problem]:
    """On Fargate the image is pulled, and the log stream made, with the execution role. The token
    for a registry can only be allowed on `*`, never on one repository. The AWS managed policy for
    execution roles allows log streams and no log groups. Without any of these no task starts."""
    for task, container, role in _containers(view):
        lacking: dict[Node, list[Need]] = {}
        for need in (
            (*_pulling(container), *_logging(container)) if ecs.is_for_fargate(task) else ()
        ):
            if any_of(allows(role, need.action, on) for on in need.on) is False:
                lacking.setdefault(_place(role, need.action), []).append(need)
        for place, needs in lacking.items():
            actions = " and ".join(one.action for one in needs)
            yield problem(
                place,
                f"{role.id}, the execution role, may not {actions}, which it takes to "
                f"{needs[0].why} of {_called(container, task)}: no task starts",
                f"Allow {actions} on {needs[0].named} in the execution role.",
            )


@dataclass(frozen=True)
class Need:
    """An action, the ARNs of which one must be allowed, what for, and what they are called."""

    action: str
    on: tuple[Arns, ...]
    why: str
    named: str


def _pulling(container: Node) -> Iterator[Need]:
    texts = expand_arns(container["Image"])
    found = [_ECR.match(one) for one in texts]
    if not found or not all(found):
        return
    yield Need("ecr:GetAuthorizationToken", (ANY_RESOURCE,), "pull the image", "`*`")
    view = container.stack.view
    partition = make_arn(view, "ecr", "").split(":")[1]
    repositories = tuple(
        f"arn:{partition}:ecr:{one[2]}:{one[1]}:repository/{one[3]}" for one in found if one
    )
    for action in ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"):
        yield Need(action, (repositories,), "pull the image", "the repository")


def _logging(container: Node) -> Iterator[Need]:
    log = container["LogConfiguration"]
    options = log["Options"]
    if log["LogDriver"].text != "awslogs" or not isinstance(options.value, Mapping):
        return
    on = _log_arns(options)
    if options["awslogs-create-group"].flag and not _exists(options["awslogs-group"]):
        yield Need("logs:CreateLogGroup", on, "make the log group", "the log group")
    for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
        yield Need(action, on, "write the logs", "the log group")


def _log_arns(options: Node) -> tuple[Arns, ...]:
    """The log group of a container as policies name it: by itself, or with its streams."""
    view = options.stack.view
    anywhere = make_placeholder(view, "somewhere")
    region = (expand_arns(options["awslogs-region"]) or (anywhere,))[0]
    found: list[Arns] = []
    for name in expand_arns(options["awslogs-group"]) or (anywhere,):
        fields = make_arn(view, "logs", f"log-group:{name}").split(":")
        one = ":".join((*fields[:3], region, *fields[4:]))
        found += [(one,), (f"{one}:*",), (f"{one}:log-stream:{anywhere}",)]
    return tuple(found)


def _exists(group: Node) -> bool:
    """Whether the log group is one in sight: then the driver never comes to create it."""
    groups = list(group.stack.view.resources_of_type("AWS::Logs::LogGroup"))
    return group.resource in groups or any(one["LogGroupName"].is_same_as(group) for one in groups)


@rule(
    "W9768",
    "The log driver is to make a log group, and may not",
    error_messages=(
        "failed to initialize logging driver: failed to create Cloudwatch log group: "
        "AccessDeniedException: User: arn:aws:sts::...",
    ),
    fix="Leave awslogs-create-group out where the template makes the group, or allow the execution "
    "role logs:CreateLogGroup.",
    sources=(
        "prakhar1989/docker-curriculum#260",
        "moby/moby daemon/logger/awslogs/cloudwatchlogs.go",
    ),
    failure_ids=("td-awslogs-create-group-without-permission",),
)
def log_group_not_made(view: View) -> Iterator[Problem]:
    """The driver makes the group only where it finds none, so all goes well for as long as the
    template's own group is there. The day it is deleted, or named otherwise, no task starts."""
    for task, container, role in _containers(view):
        options = container.at("LogConfiguration", "Options")
        asked = options["awslogs-create-group"]
        if not asked.flag or not _exists(options["awslogs-group"]) or not ecs.is_for_fargate(task):
            continue
        action = "logs:CreateLogGroup"
        if any_of(allows(role, action, on) for on in _log_arns(options)) is False:
            yield problem(
                asked,
                f"{_called(container, task)} asks for its log group to be made, which {role.id}, "
                f"the execution role, may not do: it works only while the group is there",
                "Leave awslogs-create-group out, as the template makes the group.",
            )


RULES = (
    image_or_logs_denied,
    log_group_not_made,
)
