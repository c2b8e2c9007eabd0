"""Permissions of the role of CodeDeploy."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.arns import (
    expand_parts,
)
from moorage.cfn.nodes import Node
from moorage.cfn.permissions import (
    allows,
    aws_managed_policy_path,
    find_role,
)
from moorage.cfn.values import Attr
from moorage.cfn.view import Resource, View
from moorage.rules.rule import Problem, problem, rule

DEPLOYMENT_GROUP = "AWS::CodeDeploy::DeploymentGroup"


@rule(
    "E9795",
    "CodeDeploy may not pass the roles of the task it deploys",
    error_messages=(
        "The deployment failed because the IAM role ... is not authorized to perform iam:PassRole "
        "on the task's roles",
    ),
    fix="Attach AWSCodeDeployRoleForECS instead of AWSCodeDeployRoleForECSLimited, or allow "
    "iam:PassRole on the task's roles.",
    sources=(
        "AWS docs: Amazon ECS CodeDeploy IAM Role",
        "AWS docs: AWSCodeDeployRoleForECSLimited",
    ),
    failure_ids=("iam-codedeploy-limited-cannot-pass-role",),
)
def roles_not_passed(view: View) -> Iterator[Problem]:
    """AWSCodeDeployRoleForECSLimited passes only roles that are named ecsTaskExecutionRole or
    ECSTaskExecution..., and no name that CloudFormation makes is like that. The deployment group
    is created all the same, and then the first deployment fails."""
    for group in view.resources_of_type(DEPLOYMENT_GROUP):
        role = find_role(group["ServiceRoleArn"])
        for passed in _roles_to_pass(group) if role is not None else ():
            on = expand_parts(view, (Attr(passed, "Arn"),))
            if role is not None and allows(role, "iam:PassRole", on) is False:
                yield problem(
                    _limited(role),
                    f"{role.id} may not pass {passed.id} to a task, so the first deployment by "
                    f"{group.id} fails",
                    "Attach `arn:${AWS::Partition}:iam::aws:policy/AWSCodeDeployRoleForECS`, or "
                    "allow iam:PassRole on the task's roles.",
                )


def _roles_to_pass(group: Resource) -> Iterator[Resource]:
    """The roles of the tasks that a deployment group deploys."""
    for entry in group["ECSServices"].as_list:
        service = ecs.resource_of_type(entry["ServiceName"], ecs.SERVICE)
        task = ecs.task_definition_of(service) if service is not None else None
        if task is not None:
            roles = (find_role(task["ExecutionRoleArn"]), find_role(task["TaskRoleArn"]))
            yield from (one for one in roles if one is not None)


def _limited(role: Resource) -> Node:
    """Where the policy stands that passes too little, or should stand."""
    attached = role["ManagedPolicyArns"]
    limited = (
        one
        for one in attached.items
        if aws_managed_policy_path(one) == "AWSCodeDeployRoleForECSLimited"
    )
    return next(limited, attached)


RULES = (roles_not_passed,)
