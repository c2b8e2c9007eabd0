"""Which services the trust policy of a role allows to assume it.

Answers are True, False, or None if only the deployment knows.
"""

from __future__ import annotations

from collections.abc import Mapping

from moorage.cfn.nodes import Node
from moorage.cfn.permissions import matches_action
from moorage.cfn.return_values import ACCOUNT
from moorage.cfn.stack import Resource
from moorage.cfn.tristate import TriState, all_of, any_of


def trusts(role: Resource, service: str) -> TriState:
    """Whether a service (`ecs-tasks`) can assume a role."""
    document = role["AssumeRolePolicyDocument"]
    statements = document["Statement"].as_list
    if not isinstance(document.value, Mapping) or not statements:
        return None
    return any_of(_trust_statement_applies(statement, service) for statement in statements)


def _trust_statement_applies(statement: Node, service: str) -> TriState:
    applies = all_of(
        (_allows_assume_role(statement), includes_service(statement["Principal"], service))
    )
    is_plain_allow = statement["Effect"].text == "Allow" and statement["Condition"].absent
    return applies if is_plain_allow or applies is False else None


def _allows_assume_role(statement: Node) -> TriState:
    actions = statement["Action"]
    if actions.absent:
        return None
    return any_of(
        matches_action(action.text, "sts:AssumeRole") if action.text is not None else None
        for action in actions.as_list
    )


def includes_service(principal: Node, service: str) -> TriState:
    """Whether a Principal includes a service (`ecs-tasks`)."""
    if not isinstance(principal.value, Mapping):
        return None
    if "Service" not in dict(principal.entries):
        return None if any(map(_may_be_wildcard, principal["AWS"].as_list)) else False
    services = principal["Service"].as_list
    return any_of(_is_service(node, service) for node in services) if services else None


def _may_be_wildcard(node: Node) -> bool:
    """Whether an AWS principal may be `*`. An account or a role is not."""
    if node.parts == (ACCOUNT,) or node.resource is not None:
        return False
    return node.text in (None, "*") and not any(
        isinstance(part, str) and part.strip("*") for part in node.parts
    )


def _is_service(node: Node, service: str) -> TriState:
    """Whether a principal is a service, in any region or partition: `codedeploy.amazonaws.com`,
    `codedeploy.us-east-1.amazonaws.com`, `codedeploy.${AWS::URLSuffix}`."""
    parts = node.parts
    first = parts[0] if parts else None
    if not isinstance(first, str):
        return None
    if len(parts) == 1 or "." in first:
        return first.partition(".")[0].lower() == service
    return None if service.startswith(first.lower()) else False


def trusted_services(role: Resource) -> list[str]:
    """The service principals that the trust policy of a role contains as literals."""
    return [
        service.text
        for statement in role["AssumeRolePolicyDocument"]["Statement"].as_list
        for service in statement["Principal"]["Service"].as_list
        if service.text is not None
    ]
