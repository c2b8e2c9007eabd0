"""Policies of queues, topics, functions and secrets, which may allow a role what its own policies
do not. Source: IAM user guide, "Policy evaluation logic"."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from moorage.cfn.nodes import Node
from moorage.cfn.stack import Resource
from moorage.cfn.view import View

_POLICIES: Mapping[str, tuple[str, ...]] = {
    "lambda": ("AWS::Lambda::Permission",),
    "secretsmanager": ("AWS::SecretsManager::ResourcePolicy",),
    "sns": ("AWS::SNS::TopicPolicy", "AWS::SNS::TopicInlinePolicy"),
    "sqs": ("AWS::SQS::QueuePolicy", "AWS::SQS::QueueInlinePolicy"),
}
"""The types of resources with such policies, by the service of the action."""


def may_allow_roles(view: View, action: str) -> bool:
    """Whether the policy of a resource in the view may allow roles an action (`sns:Publish`): it
    has a principal that is not, or perhaps not, a service. Which resource it is for is not
    considered."""
    types = _POLICIES.get(action.partition(":")[0])
    policies = view.resources_of_type(*types) if types else ()
    return any(map(_may_be_identity, (node for policy in policies for node in _principals(policy))))


def _principals(policy: Resource) -> Iterator[Node]:
    yield policy["Principal"]  # Of AWS::Lambda::Permission.
    for key in ("PolicyDocument", "ResourcePolicy"):
        document = policy[key]
        if document.unknown:
            yield document
        for statement in document["Statement"].as_list:
            yield statement if statement.unknown else statement["Principal"]


def _may_be_identity(principal: Node) -> bool:
    if principal.absent:
        return False
    if isinstance(principal.value, Mapping):
        return principal["AWS"].present
    last = principal.parts[-1] if principal.parts else None
    return principal.unknown or not isinstance(last, str) or ".amazonaws.com" not in last
