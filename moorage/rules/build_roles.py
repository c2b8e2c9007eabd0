"""Permissions of the roles of CodeBuild's projects."""

from __future__ import annotations

import re
from collections.abc import Iterator

from moorage.cfn.permissions import allows, find_role
from moorage.cfn.resource_policies import may_allow_roles
from moorage.cfn.stack import Resource
from moorage.cfn.view import View
from moorage.facts.codebuild import VARIABLE_ACTIONS
from moorage.rules.rule import Problem, problem, rule

_GUIDE = "AWS CodeBuild user guide"
_OTHER_CREDENTIALS = r"assume-role|--profile|AWS_PROFILE|AWS_ACCESS_KEY_ID|aws configure"
"""With what commands use another role than that of the project."""


@rule(
    "E9018",
    "The role of a project lacks a permission for logs, variables, its VPC or ECR.",
    error_messages=(
        "Not authorized to perform DescribeSecurityGroups",
        "is not authorized to perform: ecr:GetAuthorizationToken on resource: *",
        "ACCESS_DENIED: Service role ... does not allow AWS CodeBuild to create Amazon CloudWatch "
        "Logs log streams for build ...",
    ),
    fix="Allow `logs:CreateLogGroup`, `logs:CreateLogStream` and `logs:PutLogEvents`; "
    "`ssm:GetParameters` for variables of the type `PARAMETER_STORE` and "
    "`secretsmanager:GetSecretValue` for `SECRETS_MANAGER`; `ecr:GetAuthorizationToken` on `*` to "
    "log in to ECR; and for a VPC `ec2:CreateNetworkInterface`, `ec2:DescribeDhcpOptions`, "
    "`ec2:DescribeNetworkInterfaces`, `ec2:DeleteNetworkInterface`, `ec2:DescribeSubnets`, "
    "`ec2:DescribeSecurityGroups` and `ec2:DescribeVpcs` on `*`, and "
    "`ec2:CreateNetworkInterfacePermission` on network interfaces.",
    sources=(
        "aws/aws-cdk#11815",
        "aws/aws-cdk#2652",
        f"{_GUIDE}: Publish Docker image to an Amazon ECR image repository sample",
        f"{_GUIDE}: Allow CodeBuild to interact with other AWS services",
    ),
)
def missing_permission(view: View) -> Iterator[Problem]:
    """A build writes its logs, reads its variables and logs in to ECR with the role of its project.
    Without the permission, each build fails. Of a project in a VPC, CodeBuild tries the permission
    at once, and refuses the project."""
    for project in view.resources_of_type("AWS::CodeBuild::Project"):
        role = find_role(project["ServiceRole"])
        for action, use in _needed_actions(project) if role else ():
            if role and allows(role, action, None) is False and not may_allow_roles(view, action):
                yield problem(
                    role,
                    f"The role of project `{project.id}` does not allow `{action}`, which the "
                    f"project needs for {use}",
                    f"Allow `{action}`.",
                )


def _needed_actions(project: Resource) -> Iterator[tuple[str, str]]:
    """Actions, each with what the project needs it for."""
    logs = project["LogsConfig"]["CloudWatchLogs"]["Status"]
    if logs.absent or logs.text == "ENABLED":
        yield "logs:CreateLogStream", "its logs"
    if project["VpcConfig"]["VpcId"].certainly_present:
        yield "ec2:DescribeSecurityGroups", "its VPC"
    kinds = {node["Type"].text for node in project["Environment"]["EnvironmentVariables"].items}
    for kind, action in VARIABLE_ACTIONS.items():
        if kind in kinds:
            yield action, f"its variables of the type {kind}"
    parts = project["Source"]["BuildSpec"].parts
    text = "".join(part for part in parts if isinstance(part, str))
    if "aws ecr get-login" in text and not re.search(_OTHER_CREDENTIALS, text):
        yield "ecr:GetAuthorizationToken", "the login to ECR in its `BuildSpec`"


RULES = (missing_permission,)
