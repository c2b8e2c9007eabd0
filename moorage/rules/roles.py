"""Whom roles trust, and whether the roles and policies that are named exist."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.nodes import Node
from moorage.cfn.permissions import (
    aws_managed_policy_path,
    find_role,
    role_name_from_arn,
    trusted_services,
    trusts,
)
from moorage.cfn.values import Unknown
from moorage.cfn.view import Resource, View
from moorage.facts.managed_policies import PATHS
from moorage.rules.rule import Problem, problem, rule

DEPLOYMENT_GROUP = "AWS::CodeDeploy::DeploymentGroup"
_TASK_ROLES = ("ExecutionRoleArn", "TaskRoleArn")
_MADE_BY_CONSOLE = "ecsTaskExecutionRole"


@rule(
    "E9388",
    "A role does not trust the service that is to assume it",
    error_messages=(
        "ECS was unable to assume the role 'arn:aws:iam::...:role/...' that was provided for this "
        "task. Please verify that the role being passed has the proper trust relationship and "
        "permissions and that your IAM user has permissions to pass this role",
        "Cannot assume role provided.",
    ),
    fix="Let ecs-tasks.amazonaws.com assume the execution role and the task role, and "
    "codedeploy.amazonaws.com the role of a deployment group.",
    sources=(
        "tmknom/terraform-aws-codedeploy-for-ecs#18",
        "AWS docs: Amazon ECS task execution IAM role",
        "AWS docs: Amazon ECS CodeDeploy IAM Role",
    ),
    failure_ids=("td-role-trust-wrong-principal", "iam-codedeploy-role-trust"),
)
def wrong_trust(view: View) -> Iterator[Problem]:
    """Tasks get their roles from ecs-tasks.amazonaws.com, not from the service ECS itself or from
    EC2, and CodeDeploy assumes its own. With another principal in the trust policy no task starts,
    and the service waits until the stack is rolled back; a deployment group is refused at once."""
    used: list[tuple[Resource, str, str, str]] = []
    for task in ecs.task_definitions(view):
        for key in _TASK_ROLES:
            role = find_role(task[key])
            used += [(role, "ecs-tasks", task.id, "no task starts")] if role else []
    for group in view.resources_of_type(DEPLOYMENT_GROUP):
        role = find_role(group["ServiceRoleArn"])
        used += [(role, "codedeploy", group.id, "CodeDeploy refuses the group")] if role else []
    for role, service, user, then in used:
        if trusts(role, service) is False:
            trusted = ", ".join(trusted_services(role)) or "others"
            yield problem(
                _principal(role),
                f"{role.id} is for {user}, and it trusts {trusted}, not {service}.amazonaws.com: "
                f"{then}",
                f"Write `Service: {service}.amazonaws.com`.",
            )


def _principal(role: Resource) -> Node:
    trust = role["AssumeRolePolicyDocument"]
    said = trust["Statement"].as_list
    return said[0]["Principal"] if said else trust


@rule(
    "E9389",
    "An AWS managed policy is named with a wrong path",
    error_messages=(
        "Policy arn:aws:iam::aws:policy/AmazonECSTaskExecutionRolePolicy does not exist or is not "
        "attachable.",
    ),
    fix="Write the ARN with the policy's own path, as the AWS Managed Policy Reference Guide has "
    "it: AmazonECSTaskExecutionRolePolicy is under service-role/, AWSCodeDeployRoleForECS is not.",
    sources=(
        "LibraryOfCongress/concordia#946",
        "AWS docs: AWS Managed Policy Reference Guide",
        "AWS docs: Amazon ECS task execution IAM role",
    ),
    failure_ids=("iam-managed-policy-wrong-path",),
)
def wrong_path(view: View) -> Iterator[Problem]:
    """The path is a part of a policy's ARN, and each AWS managed policy lives under one path only.
    With another one the policy is not found, and the role is not created."""
    for owner in view.resources_of_type("AWS::IAM::Role", "AWS::IAM::User", "AWS::IAM::Group"):
        for node in (*owner["ManagedPolicyArns"].items, owner["PermissionsBoundary"]):
            given = aws_managed_policy_path(node)
            path, _, name = (given or "").rpartition("/")
            right = PATHS.get(name)
            if right is not None and right != (f"{path}/" if path else ""):
                yield problem(
                    node,
                    f"There is no AWS managed policy {given}, and IAM answers that it does not "
                    f"exist or is not attachable",
                    f"Write `arn:${{AWS::Partition}}:iam::aws:policy/{right}{name}`.",
                )


@rule(
    "W9391",
    "A task runs with a role that nothing here creates",
    error_messages=(
        "ECS was unable to assume the role 'arn:aws:iam::...:role/ecsTaskExecutionRole' that was "
        "provided for this task. Please verify that the role being passed has the proper trust "
        "relationship and permissions and that your IAM user has permissions to pass this role",
    ),
    fix="Create the role in the template and refer to it by `!GetAtt Role.Arn`, or take its ARN as "
    "a parameter.",
    sources=("cloud-village/ctfd-infra#13", "svdgraaf/serverless-fargate-tasks#11"),
    failure_ids=("iam-assumes-ecstaskexecutionrole-exists",),
)
def role_not_here(view: View) -> Iterator[Problem]:
    """ecsTaskExecutionRole is made by the console of ECS when somebody first uses it there. In an
    account where nobody has, as in any account without a role of the name that is written out, no
    task starts, and the service waits until the stack is rolled back."""
    for task in ecs.task_definitions(view):
        for key in _TASK_ROLES:
            node = task[key]
            name = role_name_from_arn(node)
            if name and find_role(node) is None and _is_assumed(node, name):
                yield problem(
                    node,
                    f"{task.id} takes it that the account has a role {name}, which nothing here "
                    f"creates; without it ECS is unable to assume the role, and no task starts",
                    "Create the role here and write `!GetAtt <role>.Arn`, or take its ARN as a "
                    "parameter.",
                )


def _is_assumed(node: Node, name: str) -> bool:
    """Whether the role is taken for granted in any account: the one that the console makes, or one
    by its name in whatever account this is."""
    whole = "".join(one if isinstance(one, str) else "" for one in node.parts)
    if ":role/aws-service-role/" in whole:
        return False
    in_any = any(isinstance(one, Unknown) and one.token == "AWS::AccountId" for one in node.parts)
    known = all(isinstance(one, str) or _is_pseudo(one) for one in node.parts)
    return name == _MADE_BY_CONSOLE or (in_any and known)


def _is_pseudo(part: object) -> bool:
    return isinstance(part, Unknown) and part.token.startswith("AWS::")


RULES = (wrong_trust, wrong_path, role_not_here)
