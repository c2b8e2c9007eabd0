"""Permissions of the execution role for secrets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from moorage.cfn import container_secrets
from moorage.cfn.arns import (
    Arns,
    expand_arns,
    expand_parts,
    make_arn,
    make_character_placeholders,
    starts_with_placeholder,
)
from moorage.cfn.nodes import Node
from moorage.cfn.permissions import (
    Statement,
    allows,
    parse_document,
    policies_of_role,
    policy_documents,
)
from moorage.cfn.values import Attr
from moorage.cfn.view import Resource, View
from moorage.rules.execution_role import _called, _containers, _place
from moorage.rules.rule import Problem, problem, rule

KEY, ALIAS = "AWS::KMS::Key", "AWS::KMS::Alias"


FILE_SYSTEM, SECRET_POLICY = "AWS::EFS::FileSystem", "AWS::SecretsManager::ResourcePolicy"


GET_SECRET, GET_PARAMETERS = "secretsmanager:GetSecretValue", "ssm:GetParameters"


_AFTER_ARN = re.compile(r":[^:]*:[^:]*:[^:]*\Z")


@rule(
    "E9755",
    "The execution role may not read a secret that a container is given",
    error_messages=(
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource "
        "retrieval failed: unable to retrieve secret from asm: service call has been retried 1 "
        "time(s): AccessDeniedException: User: arn:aws:sts::... is not authorized to perform: "
        "secretsmanager:GetSecretValue",
        "AccessDeniedException: ... is not authorized to perform: kms:Decrypt",
        "Access to KMS is not allowed",
    ),
    fix="Allow the execution role secretsmanager:GetSecretValue on the secret's ARN (without the "
    "JSON key), or ssm:GetParameters on the parameter's, and kms:Decrypt on the key if it is one "
    "of yours.",
    sources=(
        "aws-samples/aws-fargate-pipeline-lambda-autoscaling#3",
        "cloudposse/terraform-aws-ecs-alb-service-task#42",
        "provectus/awos-recruitment#36",
        "hashicorp/terraform-aws-consul-ecs#135",
        "AWS docs: Amazon ECS task execution IAM role",
        "AWS docs: Pass Secrets Manager secrets through Amazon ECS environment variables",
    ),
    failure_ids=(
        "td-execution-role-without-secret-permission",
        "td-secret-permission-on-task-role",
        "td-kms-decrypt-missing",
        "iam-secret-resource-with-json-key",
    ),
)
def secret_not_readable(view: View) -> Iterator[Problem]:
    """Secrets are put into a container's environment before it starts, with the execution role: the
    task role does not count, and AmazonECSTaskExecutionRolePolicy allows no secret. A secret under
    a key of one's own takes kms:Decrypt on that key as well. A policy names the secret by its ARN:
    with the JSON key of `ValueFrom` behind it, it matches nothing. No task starts, and the service
    waits for hours until the stack is rolled back."""
    for policy in policy_documents(view):
        yield from _overlong(parse_document(policy).statements)
    for task, container, role in _containers(view):
        for node in _given(container):
            action = _denied(role, node)
            if action is not None:
                yield problem(
                    _place(role, action),
                    f"{role.id}, the execution role, may not {action} what {_property(node)} of "
                    f"{_called(container, task)} comes from, so no task starts",
                    f"Allow {action} on it in the execution role.",
                )
            secret = _secret_of(node)
            key = _key_of(secret) if secret is not None else None
            if key is not None and _may_not_decrypt(role, key):
                yield problem(
                    _place(role, "kms:Decrypt"),
                    f"{role.id}, the execution role, may not kms:Decrypt with {key.id}, the key of "
                    f"the secret for {_called(container, task)}, so no task starts",
                    f"Allow kms:Decrypt on `!GetAtt {key.id}.Arn` in the execution role.",
                )


def _given(container: Node) -> Iterator[Node]:
    """Where the execution role has to read a secret for a container."""
    for secret in (
        *container["Secrets"].items,
        *container.at("LogConfiguration", "SecretOptions").items,
    ):
        if secret["ValueFrom"].present:
            yield secret["ValueFrom"]
    credentials = container.at("RepositoryCredentials", "CredentialsParameter")
    if credentials.present and credentials.text is None:
        yield credentials


def _property(node: Node) -> str:
    """What a secret's place is called: its property."""
    return str(node.path[-1]) if node.path else "the value"


def _denied(role: Resource, node: Node) -> str | None:
    """The action that is certainly not allowed on what a secret comes from."""
    if container_secrets.is_invalid_parameter_name(node):
        return None  # it leads nowhere at all, which is another fault
    view = node.stack.view
    texts = expand_arns(node)
    if len(texts) != 1 or any(
        one["Name"].is_same_as(node) for one in view.resources_of_type(container_secrets.SECRET)
    ):
        return None
    wanted = _readings(view, texts[0])
    if not wanted or any(allows(role, action, on) is not False for action, on in wanted):
        return None
    by_policy = any(_is_about(one, node) for one in view.resources_of_type(SECRET_POLICY))
    has_overlong = any(True for _ in _overlong(policies_of_role(role).statements))
    return None if by_policy or has_overlong else wanted[0][0]


def _is_about(policy: Resource, node: Node) -> bool:
    """Whether a secret's own policy may be about the one that a container is given."""
    theirs, ours = policy["SecretId"].resource, _secret_of(node)
    return theirs is None or ours is None or theirs is ours


def _readings(view: View, text: str) -> list[tuple[str, Arns | None]]:
    """The ways in which a secret's source may be read, each an action and an ARN: one is enough."""
    if text.startswith("arn:"):
        fields = text.split(":")
        if len(fields) >= 7 and fields[2] == "secretsmanager":
            named = ":".join(fields[:7])
            return _as_secret(view, named)
        if len(fields) >= 6 and fields[2] == "ssm":
            return [(GET_PARAMETERS, (text.replace(":parameter//", ":parameter/"),))]
        return []
    if starts_with_placeholder(text):
        whole = _AFTER_ARN.sub("", text)
        as_parameter = (GET_PARAMETERS, (make_arn(view, "ssm", f"parameter/{text}"),))
        either_way = [*_as_secret(view, whole), as_parameter, (GET_PARAMETERS, (text,))]
        return _as_secret(view, whole) if whole != text else either_way
    if not text or ":" in text:
        return []
    return [(GET_PARAMETERS, (make_arn(view, "ssm", f"parameter/{text.lstrip('/')}"),))]


def _as_secret(view: View, named: str) -> list[tuple[str, Arns | None]]:
    """By its whole ARN, or by one that lacks the six characters at its end."""
    suffix = make_character_placeholders(view, "suffix of a secret", 6)
    return [(GET_SECRET, (named,)), (GET_SECRET, (f"{named}-{suffix}",))]


def _overlong(statements: Iterable[Statement]) -> Iterator[Problem]:
    for one in statements:
        if (
            one.allows is not True
            or one.excludes_resources
            or one.covers_action(GET_SECRET) is False
        ):
            continue
        for node in one.node["Resource"].as_list:
            texts = expand_arns(node)
            if texts and all(map(_has_json_key, texts)):
                yield problem(
                    node,
                    "The ARN of a secret ends with its name, and with the key of its JSON behind "
                    "it this matches no secret: IAM answers AccessDeniedException",
                    "Write the secret's ARN alone; `:key:stage:id` belongs to ValueFrom only.",
                )


def _has_json_key(text: str) -> bool:
    if starts_with_placeholder(text):
        return text[1:].endswith("::") and text.count(":") == 3
    fields = text.split(":")
    is_secret = fields[0] == "arn" and fields[2:3] == ["secretsmanager"]
    return is_secret and any(one != "*" for one in fields[7:])


def _secret_of(node: Node) -> Resource | None:
    """The secret in sight that a container is given."""
    first = node.parts[0] if node.parts else None
    for _ in range(3):
        if not isinstance(first, Attr):
            return None
        if first.resource.type == container_secrets.SECRET:
            return first.resource
        first = first.resource["SecretId"].attr
    return None


def _key_of(secret: Resource) -> Resource | None:
    """The key in sight that a secret is encrypted with."""
    key = secret["KmsKeyId"].resource
    if key is not None and key.type == ALIAS:
        key = key["TargetKeyId"].resource
    return key if key is not None and key.type == KEY else None


def _may_not_decrypt(role: Resource, key: Resource) -> bool:
    on = expand_parts(role.view, (Attr(key, "Arn"),))
    return allows(role, "kms:Decrypt", on) is False and _is_left_to_iam(key)


def _is_left_to_iam(key: Resource) -> bool:
    """Whether a key's own policy lets nobody but the account decrypt, who leaves it to IAM."""
    policy = key["KeyPolicy"]
    if policy.absent:
        return True
    said = parse_document(policy)
    return said.complete and all(
        one.allows is False
        or one.covers_action("kms:Decrypt") is False
        or _is_the_account(one.node["Principal"])
        for one in said.statements
    )


def _is_the_account(principal: Node) -> bool:
    named = dict(principal.entries)
    if not named or set(named) - {"AWS", "Service"}:
        return False
    texts = [
        "".join(one if isinstance(one, str) else "?" for one in node.parts)
        for node in principal["AWS"].as_list
    ]
    return all(one.endswith(":root") for one in texts)


RULES = (secret_not_readable,)
