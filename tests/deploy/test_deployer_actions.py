"""The role that deploys may call what the commands and deploy.sh call: read from their source."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

import botocore.session
from botocore import xform_name

from templates.deployment_role import deployer

PREFIXES = {
    "cloudformation": "cloudformation",
    "acm": "acm",
    "cloudwatch": "cloudwatch",
    "codedeploy": "codedeploy",
    "ec2": "ec2",
    "ecr": "ecr",
    "ecs": "ecs",
    "efs": "elasticfilesystem",
    "elbv2": "elasticloadbalancing",
    "iam": "iam",
    "logs": "logs",
    "organizations": "organizations",
    "route53": "route53",
    "s3": "s3",
    "secretsmanager": "secretsmanager",
    "service-quotas": "servicequotas",
    "ssm": "ssm",
}
"""The services that moorage/deploy has clients of, and their prefixes in IAM."""
SEVERAL = {
    "describe_images": "ecr",
    "describe_load_balancers": "elbv2",
    "describe_tags": "elbv2",
    "get_parameter": "ssm",
}
"""The service of an operation that several of them have."""
NO_PERMISSION = {"GetCallerIdentity"}
OTHER_COMMANDS = {
    # `exec`
    "ecs:ExecuteCommand",
    # `image push`
    *("ecr:DescribeRepositories", "ecr:GetAuthorizationToken"),
    # `destroy`
    *("cloudformation:UpdateTerminationProtection", "ecr:BatchDeleteImage", "ecr:ListImages"),
    *("ecs:DeleteTaskDefinitions", "ecs:DeregisterTaskDefinition", "ecs:DescribeClusters"),
    *("ecs:ListTaskDefinitions", "elasticfilesystem:DescribeFileSystems", "s3:DeleteObjects"),
    *("elasticloadbalancing:ModifyLoadBalancerAttributes", "s3:ListObjectVersions"),
}
"""What only commands call that are no part of a deployment."""
IMPLIED = {
    # The AWS CLI's own requests of `aws cloudformation deploy`, and tags of stacks.
    *("cloudformation:GetTemplateSummary", "cloudformation:ListChangeSets"),
    *("cloudformation:TagResource", "cloudformation:UntagResource"),
    # What CreateDeployment of CodeDeploy needs.
    *("codedeploy:GetApplicationRevision", "codedeploy:GetDeploymentConfig"),
    "codedeploy:RegisterApplicationRevision",
}
"""What is allowed although no call of that name is in the source."""


def operations() -> dict[str, list[str]]:
    """The actions of IAM by the name of boto3's method."""
    session = botocore.session.get_session()
    found: dict[str, list[str]] = defaultdict(list)
    for service, prefix in PREFIXES.items():
        for operation in session.get_service_model(service).operation_names:
            method = xform_name(operation)
            if SEVERAL.get(method, service) == service:
                found[method].append(f"{prefix}:{operation}")
    return found


def called_methods() -> set[str]:
    """Every name and text in moorage/deploy that is a method of a client."""
    names = set()
    for file in Path("moorage/deploy").rglob("*.py"):
        parts = {*file.parts}
        if not parts & {"rehearsal", "stack_sets"}:
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Attribute):
                    names.add(node.attr)
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    names.add(node.value)
    return names


def called_actions() -> set[str]:
    known = operations()
    actions = set()
    for method in called_methods() & known.keys():
        used = known[method]
        if method == "list_tags_for_resource":  # of the parameter of a one-off task
            used = ["ssm:ListTagsForResource"]
        assert len(used) == 1, f"{method} is an operation of {used}"
        actions.add(used[0])
    return actions


def script_actions() -> set[str]:
    """The actions of the commands of the AWS CLI in deploy.sh."""
    text = "".join(
        path.read_text()
        for path in Path("moorage/pipeline/scripts").iterdir()
        if path.name != "stack_sets.sh.in"
    )
    known = operations()
    actions = set()
    for service, command in re.findall(r"\bcall ([a-z0-9-]+) ([a-z]+-[a-z-]+)", text):
        method = command.replace("-", "_")
        prefix = PREFIXES.get({"deploy": "codedeploy"}.get(service, service))
        if prefix is not None:
            actions |= {item for item in known[method] if item.startswith(f"{prefix}:")}
    return actions


def allowed_actions() -> set[str]:
    groups = (deployer.PREVIEW, deployer.UPDATE, deployer.READ, deployer.READ_GLOBAL)
    more = (deployer.RELEASES, deployer.LOGS, deployer.REQUESTS, deployer.RUNS)
    single = {deployer.CREATE, deployer.RUN_TASK, deployer.STOP_TASK}
    return single.union(*groups, *more, deployer.CODE_DEPLOY)


def test_the_role_allows_what_the_commands_call_and_nothing_else() -> None:
    called = called_actions() | script_actions()
    assert called >= OTHER_COMMANDS
    assert sorted(called - OTHER_COMMANDS - allowed_actions()) == []
    assert sorted(allowed_actions() - called - IMPLIED) == []
