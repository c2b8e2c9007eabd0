"""JSON keys of secrets that containers read."""

from __future__ import annotations

import json
from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.container_secrets import SECRET, secret_sources
from moorage.cfn.nodes import Node
from moorage.cfn.stack import Resource
from moorage.cfn.values import Attr
from moorage.cfn.view import View
from moorage.rules.message_parts import join_and, quote
from moorage.rules.rule import Problem, problem, rule

_CHANGES_KEYS = (
    ("AWS::SecretsManager::SecretTargetAttachment", "SecretId"),
    ("AWS::SecretsManager::RotationSchedule", "SecretId"),
)
"""Resources that write other keys into a secret."""


@rule(
    "E9810",
    "A container reads a JSON key that a generated secret does not have.",
    error_messages=(
        "ResourceInitializationError: unable to pull secrets or registry auth: ... retrieved "
        "secret from Secrets Manager did not contain json key",
    ),
    fix="Write a key of SecretStringTemplate or GenerateStringKey, or no key for a secret that is "
    "only a password.",
    sources=(
        "Amazon ECS developer guide: Pass Secrets Manager secrets through Amazon ECS environment "
        "variables",
        "aws/amazon-ecs-agent agent/asm/asm.go",
    ),
)
def json_key_does_not_exist(view: View) -> Iterator[Problem]:
    """A generated secret is a JSON object only if it has SecretStringTemplate, and then has the
    keys of the template and GenerateStringKey. With another key no task starts."""
    for task in ecs.task_definitions(view):
        for source in secret_sources(task):
            secret, key = _secret_and_key(source)
            if secret is None or not key or secret.stack is not task.stack:
                continue
            keys = _generated_keys(secret)
            if keys is not None and key not in keys:
                has = f"has {join_and(quote(keys))}" if keys else "is no JSON object"
                write = f"Write {join_and(quote(keys[-1:]))}." if keys else "Write only its ARN."
                yield problem(
                    source,
                    f"Task definition `{task.id}` reads the JSON key `{key}` of secret "
                    f"`{secret.id}`, which {has}",
                    write,
                )


def _secret_and_key(source: Node) -> tuple[Resource | None, str]:
    """The secret of a ValueFrom such as `${Secret}:password::`, and the key."""
    match source.parts:
        case (Attr(resource, "Ref" | "Id"), str(rest)) if resource.type == SECRET:
            fields = rest.split(":")
            return (resource, fields[1]) if len(fields) == 4 and not fields[0] else (None, "")
    return None, ""


def _generated_keys(secret: Resource) -> list[str] | None:
    """The keys of a generated secret, none if it is no object; None if they are unknown."""
    generated = secret["GenerateSecretString"]
    view = secret.view
    for kind, reference in _CHANGES_KEYS:
        if any(other[reference].resource is secret for other in view.resources_of_type(kind)):
            return None
    if generated.absent or not generated.fully_known:
        return None
    template, key = generated["SecretStringTemplate"], generated["GenerateStringKey"]
    if template.absent and key.absent:
        return []
    try:
        keys = json.loads(template.text or "")
    except ValueError:
        return None
    return [*map(str, keys), key.text] if isinstance(keys, dict) and key.text else None


RULES = (json_key_does_not_exist,)
