"""Roles: trust policies, roles that do not exist, managed policies and service-linked roles."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.nodes import Node
from moorage.cfn.permissions import aws_managed_policy_path, find_role, role_name_from_arn
from moorage.cfn.stack import Resource
from moorage.cfn.trust_policies import trusted_services, trusts
from moorage.cfn.values import Unknown
from moorage.cfn.view import View
from moorage.facts.managed_policies import PATHS
from moorage.rules.message_parts import join_and
from moorage.rules.rule import Problem, problem, rule

_TASK_ROLES = {"ExecutionRoleArn": "execution role", "TaskRoleArn": "task role"}
_ROLE_OF_CONSOLE = "ecsTaskExecutionRole"
"""The execution role that the ECS console creates."""


# Trust ---------------------------------------------------------------------------------------


@rule(
    "E9730",
    "A role does not trust the service that must assume it.",
    error_messages=(
        "ECS was unable to assume the role 'arn:aws:iam::...:role/...' that was provided for this "
        "task. Please verify that the role being passed has the proper trust relationship and "
        "permissions and that your IAM user has permissions to pass this role",
        "Cannot assume role provided.",
    ),
    fix="Write the principal ecs-tasks.amazonaws.com in the trust policies of the execution role "
    "and the task role, and codedeploy.amazonaws.com in that of a deployment group's role.",
    sources=(
        "tmknom/terraform-aws-codedeploy-for-ecs#18",
        "AWS docs: Amazon ECS task execution IAM role",
        "AWS docs: Amazon ECS CodeDeploy IAM Role",
    ),
    failure_ids=("td-role-trust-wrong-principal", "iam-codedeploy-role-trust"),
)
def wrong_trusted_service(view: View) -> Iterator[Problem]:
    """The execution role and the task role are assumed by ecs-tasks.amazonaws.com, not by
    ecs.amazonaws.com or ec2.amazonaws.com, and the role of a deployment group by CodeDeploy. With
    another principal in the trust policy no task starts, and the service waits until the stack is
    rolled back; CodeDeploy rejects the deployment group at once."""
    uses: list[tuple[Resource, str, str, str]] = []
    for task in ecs.task_definitions(view):
        for key, kind in _TASK_ROLES.items():
            role = find_role(task[key])
            if role:
                use = f"the {kind} of task definition `{task.id}`"
                uses.append((role, "ecs-tasks", use, "no task starts"))
    for group in view.resources_of_type("AWS::CodeDeploy::DeploymentGroup"):
        role = find_role(group["ServiceRoleArn"])
        if role:
            use = f"the role of deployment group `{group.id}`"
            uses.append((role, "codedeploy", use, "CodeDeploy rejects the deployment group"))
    for role, service, use, consequence in uses:
        if trusts(role, service) is False:
            trusted = trusted_services(role)
            but_trusted = f" but {join_and(trusted)}" if trusted else ""
            yield problem(
                _principal(role),
                f"Role `{role.id}`, {use}, does not trust {service}.amazonaws.com{but_trusted}, "
                f"so {consequence}",
                f"Write `Service: {service}.amazonaws.com`.",
            )


def _principal(role: Resource) -> Node:
    policy = role["AssumeRolePolicyDocument"]
    statements = policy["Statement"].as_list
    return statements[0]["Principal"] if statements else policy


# Missing roles -------------------------------------------------------------------------------


@rule(
    "W9735",
    "A task definition uses a role that might not exist in the account.",
    error_messages=(
        "ECS was unable to assume the role 'arn:aws:iam::...:role/ecsTaskExecutionRole' that was "
        "provided for this task. Please verify that the role being passed has the proper trust "
        "relationship and permissions and that your IAM user has permissions to pass this role",
    ),
    fix="Create the role in the template and refer to it with `!GetAtt <role>.Arn`, or make its "
    "ARN a parameter.",
    sources=("cloud-village/ctfd-infra#13", "svdgraaf/serverless-fargate-tasks#11"),
    failure_ids=("iam-assumes-ecstaskexecutionrole-exists",),
)
def role_might_not_exist(view: View) -> Iterator[Problem]:
    """The ECS console creates ecsTaskExecutionRole when it is used for the first time. In an
    account without that role, or without another role whose name is in the template, no task
    starts, and the service waits until the stack is rolled back."""
    for task in ecs.task_definitions(view):
        for key, kind in _TASK_ROLES.items():
            node = task[key]
            name = role_name_from_arn(node)
            if name and find_role(node) is None and _is_expected_in_any_account(node, name):
                yield problem(
                    node,
                    f"The {kind} of task definition `{task.id}` is `{name}`, which no template "
                    f"here creates; no task starts in an account without it",
                    "Create the role in the template and write `!GetAtt <role>.Arn`, or make its "
                    "ARN a parameter.",
                )


def _is_expected_in_any_account(node: Node, name: str) -> bool:
    """Whether a template expects a role in every account that it is deployed to: the role of the
    console, or a fixed name with the account as a pseudo parameter."""
    text = "".join(part if isinstance(part, str) else "" for part in node.parts)
    if ":role/aws-service-role/" in text:
        return False
    has_account = any(
        isinstance(part, Unknown) and part.token == "AWS::AccountId" for part in node.parts
    )
    is_fixed = all(isinstance(part, str) or _is_pseudo_parameter(part) for part in node.parts)
    return name == _ROLE_OF_CONSOLE or (has_account and is_fixed)


def _is_pseudo_parameter(part: object) -> bool:
    return isinstance(part, Unknown) and part.token.startswith("AWS::")


# Managed policies ----------------------------------------------------------------------------


@rule(
    "E9740",
    "The ARN of an AWS managed policy has a wrong path.",
    error_messages=(
        "Policy arn:aws:iam::aws:policy/AmazonECSTaskExecutionRolePolicy does not exist or is not "
        "attachable.",
    ),
    fix="Write the ARN with the path that the AWS Managed Policy Reference Guide shows: "
    "AmazonECSTaskExecutionRolePolicy has the path service-role/, AWSCodeDeployRoleForECS has "
    "none.",
    sources=(
        "LibraryOfCongress/concordia#946",
        "AWS docs: AWS Managed Policy Reference Guide",
        "AWS docs: Amazon ECS task execution IAM role",
    ),
    failure_ids=("iam-managed-policy-wrong-path",),
)
def wrong_managed_policy_path(view: View) -> Iterator[Problem]:
    """The path is part of the ARN of a policy. With another path IAM does not find the policy, and
    the role is not created."""
    for owner in view.resources_of_type("AWS::IAM::Role", "AWS::IAM::User", "AWS::IAM::Group"):
        for node in (*owner["ManagedPolicyArns"].items, owner["PermissionsBoundary"]):
            policy = aws_managed_policy_path(node)
            path, _, name = (policy or "").rpartition("/")
            right_path = PATHS.get(name)
            if right_path is not None and right_path != (f"{path}/" if path else ""):
                yield problem(
                    node,
                    f"There is no AWS managed policy `{policy}`, so IAM refuses to create "
                    f"`{owner.id}`",
                    f"Write `arn:${{AWS::Partition}}:iam::aws:policy/{right_path}{name}`.",
                )


# Service-linked roles ------------------------------------------------------------------------


@rule(
    "E9745",
    "A template creates a service-linked role that usually exists.",
    error_messages=("Service role name AWSServiceRoleForECS has been taken in this account",),
    fix="Remove the resource: AWS creates the role when the service is first used. If that is too "
    "late, create it once with `aws iam create-service-linked-role`.",
    sources=("aws-samples/aws-container-devsecops-workshop#4",),
    failure_ids=("iam-service-linked-role-in-template",),
)
def service_linked_role(view: View) -> Iterator[Problem]:
    """An account has one service-linked role for each of ECS, Elastic Load Balancing and auto
    scaling of ECS. AWS creates it when the service is first used; after that the stack fails."""
    services = (
        "ecs.amazonaws.com",
        "elasticloadbalancing.amazonaws.com",
        "ecs.application-autoscaling.amazonaws.com",
    )
    for role in view.resources_of_type("AWS::IAM::ServiceLinkedRole"):
        name = role["AWSServiceName"]
        if name.text in services and role.body["Condition"].absent:
            yield problem(
                name,
                f"`{role.id}` is the service-linked role of {name.text}, of which an account has "
                f"only one, so the stack fails if the role exists already",
                "Remove the resource, or add a Condition to it.",
            )


RULES = (
    wrong_trusted_service,
    role_might_not_exist,
    wrong_managed_policy_path,
    service_linked_role,
)
