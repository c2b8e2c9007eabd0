"""What the jobs may do: the statements of their roles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from awacs import cloudformation, ecr, iam, ssm, sts
from awacs.aws import Condition, Statement, StringEquals
from troposphere import Sub

from moorage.model import Environment

from ..common.iam import allow


def push_statements(repositories: Iterable[str]) -> Iterator[Statement]:
    """Pushes images to repositories of this account and region, and reads what is there, for the
    cache and the digest. Amazon ECR user guide, "IAM permissions for pushing an image"."""
    arns = [_repository_arn(name) for name in repositories]
    if not arns:
        return
    # ecr:GetAuthorizationToken has no resource types (Service Authorization Reference, Amazon ECR).
    yield allow("LogInToRegistry", [ecr.GetAuthorizationToken], ["*"])
    yield allow(
        "PushImages",
        [
            ecr.BatchCheckLayerAvailability,
            ecr.BatchGetImage,
            ecr.CompleteLayerUpload,
            ecr.DescribeImages,
            ecr.DescribeRepositories,
            ecr.GetDownloadUrlForLayer,
            ecr.InitiateLayerUpload,
            ecr.PutImage,
            ecr.UploadLayerPart,
        ],
        arns,
    )


def preview_statements(
    repositories: Iterable[str], env: Environment, service_role: Any
) -> Iterator[Statement]:
    """What `moorage diff` needs, without the right to execute a change set or to delete a stack.
    `service_role` is the ARN of the role with which CloudFormation deploys, or None: a change set
    names it, but only its execution uses it.

    Without cloudformation:DeleteStack, the change set of a new stack leaves an empty stack in
    REVIEW_IN_PROGRESS, which the deployment takes over. IAM cannot allow its deletion without that
    of the environment's other stacks.
    """
    # Without the name of a stack, cloudformation:DescribeStacks needs `*` and ListStacks
    # (AWS CloudFormation API reference, DescribeStacks).
    reading = ("DescribeEvents", "DescribeStacks", "ListStacks")
    yield allow("ListStacks", map(cloudformation.Action, reading), ["*"])
    changing = ("CreateChangeSet", "DeleteChangeSet", "DescribeChangeSet", "GetTemplate")
    # Change sets have tags. Alone these two change nothing: tags are changed by UpdateStack.
    tagging = ("TagResource", "UntagResource")
    account = "arn:${AWS::Partition}:cloudformation:${AWS::Region}:${AWS::AccountId}"
    yield allow(
        "PreviewStacks",
        map(cloudformation.Action, (*changing, *tagging)),
        [Sub(f"{account}:stack/{env.stack_name('*')}/*")],
    )
    if service_role is not None:
        passed = StringEquals({"iam:PassedToService": "cloudformation.amazonaws.com"})
        yield allow("NameServiceRole", [iam.PassRole], [service_role], Condition=Condition(passed))
    yield allow("FindParameters", [ssm.DescribeParameters], ["*"])
    if arns := [_repository_arn(name) for name in repositories]:
        yield allow("FindImages", [ecr.DescribeImages], arns)


def assume_statements(roles: Iterable[Any]) -> Iterator[Statement]:
    """Assumes the roles that deploy, by their ARNs."""
    if arns := [*roles]:
        yield allow("AssumeDeployRoles", [sts.AssumeRole], arns)


def _repository_arn(name: str) -> Sub:
    return Sub(
        f"arn:${{AWS::Partition}}:ecr:${{AWS::Region}}:${{AWS::AccountId}}:repository/{name}"
    )
