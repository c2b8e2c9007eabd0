"""The ValueFrom of a container's secrets.

ECS accepts the ARN of a secret in Secrets Manager, optionally followed by a JSON key, version stage
and version ID, or the ARN or the name of a parameter in Parameter Store. A text that is not an ARN
is the name of a parameter. Source: Amazon ECS developer guide, "Pass sensitive data to an Amazon
ECS container".
"""

from __future__ import annotations

import re
from typing import Any

from moorage.cfn import ecs, permissions
from moorage.cfn.nodes import Node
from moorage.cfn.stack import Resource
from moorage.cfn.values import Attr, Unknown
from moorage.cfn.view import View
from moorage.facts.secret_references import ARN_FIELDS

SECRET, PARAMETER = "AWS::SecretsManager::Secret", "AWS::SSM::Parameter"

_ARN_ATTRIBUTES = {
    (SECRET, "Ref"),
    (SECRET, "Id"),
    ("AWS::SecretsManager::SecretTargetAttachment", "Ref"),
}
_NAME_OF_SECRET_ARN = re.compile(r"secret[a-z0-9_-]{0,255}+(?<=arn)$", re.IGNORECASE)


def secret_sources(task: Resource) -> list[Node]:
    """The ValueFrom of each secret of a task's containers, and of their log drivers."""
    return [
        secret["ValueFrom"]
        for container in ecs.containers(task)
        for secret in (
            *container["Secrets"].items,
            *container.at("LogConfiguration", "SecretOptions").items,
        )
        if secret["ValueFrom"].present
    ]


def count_fields_after_arn(node: Node) -> int | None:
    """The number of fields, separated by colons, after the ARN of a secret in Secrets Manager; None
    if the property is not such an ARN, or if that is unknown."""
    if not node.parts:
        return None
    first, *rest = node.parts
    if _is_secret_arn(first) or first in _arns_in_policies(node.stack.view):
        suffix = _join_known_parts(tuple(rest))
        return None if suffix is None or suffix[:1] not in ("", ":") else suffix.count(":")
    text = _join_known_parts(node.parts)
    fields = text.split(":") if text is not None else []
    if fields[:1] != ["arn"] or fields[2:3] != ["secretsmanager"] or fields[5:6] != ["secret"]:
        return None
    return len(fields) - ARN_FIELDS if len(fields) >= ARN_FIELDS else None


def is_invalid_parameter_name(node: Node) -> bool:
    """Whether a text that is not an ARN cannot be the name of a parameter either: it contains a
    slash but does not start with one, or it has more colons than the one before a version. Source:
    Systems Manager, `PutParameter`, Name."""
    first = node.parts[0] if node.parts else None
    if not isinstance(first, str) and not _is_pseudo_parameter(first):
        return False
    text = "".join(part if isinstance(part, str) else "x" for part in node.parts)
    if text.startswith("arn:"):
        return False
    return ("/" in text and not text.startswith("/")) or text.count(":") > 1


def _is_secret_arn(part: object) -> bool:
    """Whether an unknown part of a text is the ARN of a secret."""
    if isinstance(part, Attr):
        attribute = (part.resource.type, part.name)
        return attribute in _ARN_ATTRIBUTES or part.name.endswith("SecretArn")
    return isinstance(part, Unknown) and bool(_NAME_OF_SECRET_ARN.search(part.token))


def _arns_in_policies(view: View) -> set[Any]:
    """Unknown values that policies contain as the resource of an action of Secrets Manager: each is
    the ARN of a secret."""
    return view.cached("secret ARNs in policies", lambda: _find_arns_in_policies(view))


def _find_arns_in_policies(view: View) -> set[Any]:
    return {
        resource.value
        for document in permissions.policy_documents(view)
        for statement in document["Statement"].as_list
        if any(
            (action.text or "").startswith("secretsmanager:")
            for action in statement["Action"].as_list
        )
        for resource in statement["Resource"].as_list
        if isinstance(resource.value, Unknown)
    }


def _is_pseudo_parameter(part: object) -> bool:
    return isinstance(part, Unknown) and part.is_pseudo_parameter


def _join_known_parts(parts: tuple[object, ...]) -> str | None:
    """The text of some parts, with `x` for each pseudo parameter; None if an unknown part may
    contain colons."""
    text = ""
    for part in parts:
        if isinstance(part, str):
            text += part
        elif _is_pseudo_parameter(part):
            text += "x"
        else:
            return None
    return text
