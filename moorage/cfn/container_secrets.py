"""Secrets that ECS hands to containers, by what `ValueFrom` says.

ECS takes the ARN of a secret in Secrets Manager, with or without a key of its JSON, and the ARN or
the name of a parameter in Parameter Store. What is no ARN is read as a parameter's name. Source:
Amazon ECS developer guide, "Pass sensitive data to an Amazon ECS container".
"""

from __future__ import annotations

import re
from typing import Any

from moorage.cfn import ecs, permissions
from moorage.cfn.nodes import Node
from moorage.cfn.values import Attr, Unknown
from moorage.cfn.view import Resource, View

SECRET, PARAMETER = "AWS::SecretsManager::Secret", "AWS::SSM::Parameter"

_IS_AN_ARN = {
    (SECRET, "Ref"),
    (SECRET, "Id"),
    ("AWS::SecretsManager::SecretTargetAttachment", "Ref"),
}
_CALLED_AN_ARN = re.compile(r"secret[a-z0-9_-]*arn$", re.IGNORECASE)
_PSEUDO = re.compile(r"(?:^|:)AWS::\w+$")
_ARN_FIELDS = 7


def secret_sources(task: Resource) -> list[Node]:
    """Where each secret of a task's containers, and of their log drivers, comes from."""
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
    """How many fields with colons follow the ARN of a secret in Secrets Manager; None where it is
    none, or where that is not known."""
    if not node.parts:
        return None
    first, *rest = node.parts
    if _is_secret_arn(first) or first in _granted(node.stack.view):
        after = _spelled(tuple(rest))
        return None if after is None or after[:1] not in ("", ":") else after.count(":")
    text = _spelled(node.parts)
    fields = text.split(":") if text is not None else []
    if fields[:1] != ["arn"] or fields[2:3] != ["secretsmanager"] or fields[5:6] != ["secret"]:
        return None
    return len(fields) - _ARN_FIELDS if len(fields) >= _ARN_FIELDS else None


def is_invalid_parameter_name(node: Node) -> bool:
    """Whether what is read as a parameter's name can't be one: it has a slash and does not begin
    with one, or it has more than the one colon of a version. Source: Systems Manager,
    `PutParameter`, Name."""
    first = node.parts[0] if node.parts else None
    if not isinstance(first, str) and not _is_pseudo(first):
        return False
    text = "".join(one if isinstance(one, str) else "x" for one in node.parts)
    if text.startswith("arn:"):
        return False
    return ("/" in text and not text.startswith("/")) or text.count(":") > 1


def _is_secret_arn(part: object) -> bool:
    """Whether a part of a text is the whole ARN of a secret."""
    if isinstance(part, Attr):
        own = (part.resource.type, part.name) in _IS_AN_ARN
        return own or part.name.endswith("SecretArn")
    return isinstance(part, Unknown) and bool(_CALLED_AN_ARN.search(part.token))


def _granted(view: View) -> set[Any]:
    """Values that policies give as the ARN of a secret to read."""
    if "secrets granted" not in view.cache:
        statements = (
            statement
            for document in permissions.policy_documents(view)
            for statement in document["Statement"].as_list
            if any(
                (one.text or "").startswith("secretsmanager:")
                for one in statement["Action"].as_list
            )
        )
        resources = (one.value for said in statements for one in said["Resource"].as_list)
        view.cache["secrets granted"] = {one for one in resources if isinstance(one, Unknown)}
    granted: set[Any] = view.cache["secrets granted"]
    return granted


def _is_pseudo(part: object) -> bool:
    return isinstance(part, Unknown) and bool(_PSEUDO.search(part.token))


def _spelled(parts: tuple[object, ...]) -> str | None:
    """The text with a letter for each pseudo parameter; None where a part could hold colons."""
    found = ""
    for part in parts:
        if isinstance(part, str):
            found += part
        elif _is_pseudo(part):
            found += "x"
        else:
            return None
    return found
