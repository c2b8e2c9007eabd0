"""The params of a `deployment_role` stack."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from moorage.facts.arn_patterns import ACCOUNT_ID
from moorage.model import Base

from ..common.fields import OneOrMany, PolicyArn, RoleArn, UniqueList, text

_AccountId = Annotated[str, text(ACCOUNT_ID, "the ID of an AWS account", "123456789012")]
_Type = Annotated[
    str,
    text(
        r"[A-Za-z0-9]{2,64}(::[A-Za-z0-9@_-]{1,64}){1,3}", "a resource type", "AWS::Batch::JobQueue"
    ),
]
_Action = Annotated[str, text(r"[a-z0-9-]+:[A-Za-z0-9*]+", "an IAM action", "batch:CreateJobQueue")]


class Trusted(Base):
    """Who may assume the role that deploys. Their own policies must allow it as well
    (`sts:AssumeRole`)."""

    accounts: UniqueList[_AccountId] = Field(
        [], description="IDs of AWS accounts. By default the account of the environment."
    )
    roles: UniqueList[RoleArn] = Field(
        [],
        description="ARNs of the only roles in these accounts that may assume it, such as that of "
        "a pipeline. The accounts of the roles need not be in `accounts`.",
    )


class Params(Base):
    """The role that deploys the other stacks of this environment and nothing else, and the role
    that CloudFormation does it with. An administrator deploys this stack."""

    trusted: Trusted = Field(
        Trusted.unvalidated(), description="Who may assume the role that deploys."
    )
    new_stacks: bool = Field(
        False,
        description="Whether the roles may also deploy stacks that are added later, if these have "
        "no other types of resources. Then they may deploy all stacks whose name begins with those "
        "of the application and the environment, also those of an environment `dev-2` beside "
        "`dev`.",
    )
    actions: dict[_Type, OneOrMany[_Action]] = Field(
        {},
        description="Actions that CloudFormation needs for a type of resource, in addition to "
        "those that Moorage knows, by the type.",
        examples=[{"AWS::Batch::JobQueue": ["batch:CreateJobQueue", "batch:DescribeJobQueues"]}],
    )
    permissions_boundary: PolicyArn | None = Field(
        None,
        description="ARN of the policy that is the permissions boundary of these two roles; by "
        "default the `permissions_boundary` of the environment. It must allow what a deployment "
        "needs.",
    )
