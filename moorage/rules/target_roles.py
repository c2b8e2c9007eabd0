"""Permissions of the roles with which schedules, event rules and pipes start their targets."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.arn_services import find_arn_service
from moorage.cfn.nodes import Node
from moorage.cfn.permissions import allows, find_role
from moorage.cfn.resource_policies import may_allow_roles
from moorage.cfn.stack import Resource
from moorage.cfn.view import View
from moorage.facts.event_targets import ROLE_ACTIONS, SCHEDULE_ACTIONS
from moorage.rules.grants import describe_grants
from moorage.rules.message_parts import join_and, quote
from moorage.rules.rule import Problem, problem, rule

_SCHEDULE, _PIPE = "AWS::Scheduler::Schedule", "AWS::Pipes::Pipe"


@rule(
    "E9054",
    "The role of a schedule, rule or pipe may not start its target.",
    error_messages=(
        "(in substance) User: ... is not authorized to perform: iam:PassRole on resource: ...",
    ),
    fix="Allow `ecs:RunTask` on the task definition and `iam:PassRole` on its execution role and "
    "task role; for other targets, the action that starts them, such as `states:StartExecution` or "
    "`sqs:SendMessage`.",
    sources=(
        "Amazon ECS developer guide: Amazon ECS EventBridge IAM Role",
        "Amazon EventBridge Scheduler user guide: Setting up the execution role",
    ),
)
def missing_permission(view: View) -> Iterator[Problem]:
    """EventBridge starts tasks, state machines and pipelines with the role of the target, and
    Scheduler also sends to functions, queues and topics with it. Without the permission nothing
    starts, and only a metric shows it. To run a task, the role must also be allowed to pass the
    roles of the task definition."""
    for user, role_node, target, parameters in _targets(view):
        role = find_role(role_node)
        if role is None:
            continue
        actions = _needed_actions(user, target, parameters)
        missing = [
            action
            for action in actions
            if allows(role, action, None) is False and not may_allow_roles(view, action)
        ]
        if missing:
            task = ecs.resource_of_type(parameters["TaskDefinitionArn"], ecs.TASK_DEFINITION)
            names = join_and(quote(missing))
            yield problem(
                role,
                f"The role of `{user.id}` does not allow {names}, so the target never starts",
                f"Allow {describe_grants(missing, task)}.",
            )


def _targets(view: View) -> Iterator[tuple[Resource, Node, Node, Node]]:
    """Resources with a target, with their roles, the ARNs of the targets, and the parameters for
    tasks."""
    for schedule in view.resources_of_type(_SCHEDULE):
        target = schedule["Target"]
        yield schedule, target["RoleArn"], target["Arn"], target["EcsParameters"]
    for event_rule in view.resources_of_type("AWS::Events::Rule"):
        for target in event_rule["Targets"].items:
            yield event_rule, target["RoleArn"], target["Arn"], target["EcsParameters"]
    for pipe in view.resources_of_type(_PIPE):
        parameters = pipe["TargetParameters"]["EcsTaskParameters"]
        yield pipe, pipe["RoleArn"], pipe["Target"], parameters


def _needed_actions(user: Resource, target: Node, parameters: Node) -> Iterator[str]:
    if parameters.certainly_present:
        yield "ecs:RunTask"
        task = ecs.resource_of_type(parameters["TaskDefinitionArn"], ecs.TASK_DEFINITION)
        if task and any(task[key].certainly_present for key in ("TaskRoleArn", "ExecutionRoleArn")):
            yield "iam:PassRole"
    service = find_arn_service(target) or ""
    if service in ROLE_ACTIONS and user.type != _PIPE:
        yield ROLE_ACTIONS[service]
    if service in SCHEDULE_ACTIONS and user.type == _SCHEDULE:
        yield SCHEDULE_ACTIONS[service]


RULES = (missing_permission,)
