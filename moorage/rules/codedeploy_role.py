"""Permissions of the role with which CodeDeploy deploys services."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.arns import expand_parts
from moorage.cfn.nodes import Node
from moorage.cfn.permissions import allows, aws_managed_policy_path, find_role
from moorage.cfn.stack import Resource
from moorage.cfn.values import Attr
from moorage.cfn.view import View
from moorage.rules.codedeploy import DEPLOYMENT_GROUP
from moorage.rules.message_parts import join_and, quote
from moorage.rules.rule import Problem, problem, rule

_LIMITED_POLICY = "AWSCodeDeployRoleForECSLimited"


@rule(
    "E9795",
    "CodeDeploy is not allowed to pass the roles of the tasks that it deploys.",
    error_messages=(
        "The deployment failed because the IAM role ... is not authorized to perform iam:PassRole "
        "on the task's roles",
    ),
    fix="Allow the role of the deployment group iam:PassRole on the execution role and the task "
    "role. AWSCodeDeployRoleForECS allows it for all roles, AWSCodeDeployRoleForECSLimited only "
    "for certain names.",
    sources=(
        "AWS docs: Amazon ECS CodeDeploy IAM Role",
        "AWS docs: AWSCodeDeployRoleForECSLimited",
    ),
    failure_ids=("iam-codedeploy-limited-cannot-pass-role",),
)
def pass_role_not_allowed(view: View) -> Iterator[Problem]:
    """AWSCodeDeployRoleForECSLimited only allows passing roles with the name ecsTaskExecutionRole
    or a name that begins with ECSTaskExecution. The names that CloudFormation generates are not
    like that. The deployment group is created, and the first deployment fails."""
    for group in view.resources_of_type(DEPLOYMENT_GROUP):
        role = find_role(group["ServiceRoleArn"])
        if role is None or allows(role, "ecs:CreateTaskSet", None) is False:
            continue  # E9349 finds a role that may not deploy at all.
        not_allowed = [
            task_role
            for task_role in _task_roles(group)
            if allows(role, "iam:PassRole", expand_parts(view, (Attr(task_role, "Arn"),))) is False
        ]
        if not_allowed:
            names = join_and(quote(task_role.id for task_role in not_allowed))
            arns = join_and(
                f"`!GetAtt {task_role.id}.Arn`"
                if task_role.stack is role.stack
                else f"the ARN of `{task_role.id}`"
                for task_role in not_allowed
            )
            yield problem(
                _place_for_pass_role(role),
                f"Role `{role.id}` does not allow iam:PassRole on {names}, so the first deployment "
                f"of deployment group `{group.id}` fails",
                f"Allow iam:PassRole on {arns} in `{role.id}`.",
            )


def _task_roles(group: Resource) -> list[Resource]:
    """The execution roles and task roles of the services that a deployment group deploys."""
    roles: dict[Resource, None] = {}
    for entry in group["ECSServices"].as_list:
        service = ecs.resource_of_type(entry["ServiceName"], ecs.SERVICE)
        task = ecs.task_definition_of(service) if service is not None else None
        if task is not None:
            for key in ("ExecutionRoleArn", "TaskRoleArn"):
                role = find_role(task[key])
                if role is not None:
                    roles[role] = None
    return list(roles)


def _place_for_pass_role(role: Resource) -> Node:
    """The managed policy that allows too little, or else the list of managed policies."""
    policies = role["ManagedPolicyArns"]
    limited = (
        policy for policy in policies.items if aws_managed_policy_path(policy) == _LIMITED_POLICY
    )
    return next(limited, policies)


RULES = (pass_role_not_allowed,)
