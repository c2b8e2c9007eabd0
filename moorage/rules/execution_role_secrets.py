"""Permissions of the execution role for the secrets of containers."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator

from moorage.cfn import container_secrets
from moorage.cfn.arns import (
    Arns,
    build_arn,
    create_character_placeholders,
    expand_arns,
    expand_parts,
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
from moorage.cfn.stack import Resource
from moorage.cfn.values import Attr, identity
from moorage.cfn.view import View
from moorage.rules.execution_role import (
    containers_with_execution_role,
    describe_container,
    place_for_permission,
)
from moorage.rules.message_parts import join_and
from moorage.rules.rule import Problem, problem, rule

_KEY, _ALIAS = "AWS::KMS::Key", "AWS::KMS::Alias"
_SECRET_POLICY = "AWS::SecretsManager::ResourcePolicy"
_GET_SECRET, _GET_PARAMETERS = "secretsmanager:GetSecretValue", "ssm:GetParameters"
_DECRYPT = "kms:Decrypt"
_FIELDS_AFTER_ARN = re.compile(r":[^:]*:[^:]*:[^:]*\Z")


@rule(
    "E9755",
    "The execution role is not allowed to read a secret of a container.",
    error_messages=(
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource "
        "retrieval failed: unable to retrieve secret from asm: service call has been retried 1 "
        "time(s): AccessDeniedException: User: arn:aws:sts::... is not authorized to perform: "
        "secretsmanager:GetSecretValue",
        "AccessDeniedException: ... is not authorized to perform: kms:Decrypt",
        "Access to KMS is not allowed",
    ),
    fix="Allow the execution role secretsmanager:GetSecretValue on the ARN of the secret (without "
    "the JSON key), or ssm:GetParameters on the ARN of the parameter, and kms:Decrypt on a "
    "customer managed key.",
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
def secret_not_allowed(view: View) -> Iterator[Problem]:
    """ECS reads the secrets of a container before it starts, with the execution role and not with
    the task role. AmazonECSTaskExecutionRolePolicy allows no secrets. A secret that is encrypted
    with a customer managed key also needs kms:Decrypt on the key. A policy names the secret by its
    ARN; with a JSON key after it, as in `ValueFrom`, it matches nothing. No task starts, and the
    service waits for hours until the stack is rolled back."""
    for policy in policy_documents(view):
        yield from _arns_with_json_key(parse_document(policy).statements)
    for task, container, role in containers_with_execution_role(view):
        owner = describe_container(container, task)
        missing: dict[str, list[tuple[str, str]]] = {}
        for name, source in _secret_sources(container):
            action = _missing_action(role, source)
            if action is not None:
                missing.setdefault(action, []).append((name, _resource_for_policy(source, role)))
        for action, secrets in missing.items():
            names = join_and(dict.fromkeys(name for name, _ in secrets))
            resources = join_and(dict.fromkeys(resource for _, resource in secrets))
            yield problem(
                place_for_permission(role, action),
                f"Execution role `{role.id}` does not allow {action} for {names} of {owner}, so "
                f"no task starts",
                f"Allow {action} on {resources} in `{role.id}`.",
            )
        for name, source in _secret_sources(container):
            secret = _secret_in_view(source)
            key = _key_of_secret(secret) if secret is not None else None
            if key is not None and _is_decryption_denied(role, key):
                yield problem(
                    place_for_permission(role, _DECRYPT),
                    f"Execution role `{role.id}` does not allow {_DECRYPT} on key `{key.id}`, "
                    f"which encrypts {name} of {owner}, so no task starts",
                    f"Allow {_DECRYPT} on `!GetAtt {key.id}.Arn` in `{role.id}`.",
                )


# Secrets of containers -----------------------------------------------------------------------


def _secret_sources(container: Node) -> Iterator[tuple[str, Node]]:
    """What the execution role must read for a container: in words, and the property that names
    it."""
    for secret in (
        *container["Secrets"].items,
        *container.at("LogConfiguration", "SecretOptions").items,
    ):
        if secret["ValueFrom"].present:
            name = secret["Name"].text
            yield f"the secret `{name}`" if name else "a secret", secret["ValueFrom"]
    credentials = container.at("RepositoryCredentials", "CredentialsParameter")
    if credentials.present and credentials.text is None:
        yield "the registry credentials", credentials


def _resource_for_policy(source: Node, role: Resource) -> str:
    """The resource of a statement that allows reading a secret, as it is written in the template of
    the role."""
    secret = _secret_in_view(source)
    is_in_template = secret is not None and secret.stack is role.stack
    return f"`!Ref {secret.id}`" if secret is not None and is_in_template else "its ARN"


def _missing_action(role: Resource, source: Node) -> str | None:
    """The action that a role certainly does not allow on the source of a secret."""
    if container_secrets.is_invalid_parameter_name(source):
        return None  # E9155 reports it
    view = source.stack.view
    texts = expand_arns(source)
    if len(texts) != 1 or _is_name_of_secret(source):
        return None
    readings = _readings(view, texts[0])
    if not readings or any(allows(role, action, arns) is not False for action, arns in readings):
        return None
    if _may_have_policy(source) or _has_arns_with_json_key(role):
        return None
    return readings[0][0]


def _is_name_of_secret(source: Node) -> bool:
    """Whether a text is the name of a secret in view, which E9155 reports."""
    view = source.stack.view
    names: set[Hashable] = view.cached(
        "names of secrets",
        lambda: {
            identity(secret["Name"].value)
            for secret in view.resources_of_type(container_secrets.SECRET)
            if secret["Name"].present
        },
    )
    return identity(source.value) in names


def _may_have_policy(source: Node) -> bool:
    """Whether the secret of a container may have a resource policy."""
    view = source.stack.view
    secrets: set[Resource | None] = view.cached(
        "secrets with policies",
        lambda: {policy["SecretId"].resource for policy in view.resources_of_type(_SECRET_POLICY)},
    )
    own_secret = _secret_in_view(source) if secrets else None
    return bool(secrets) and (own_secret is None or not secrets.isdisjoint((None, own_secret)))


def _has_arns_with_json_key(role: Resource) -> bool:
    return role.view.cached(
        ("ARNs with JSON keys", role),
        lambda: any(True for _ in _arns_with_json_key(policies_of_role(role).statements)),
    )


def _readings(view: View, text: str) -> list[tuple[str, Arns | None]]:
    """The actions and ARNs with which a source can be read; one of them is enough."""
    if text.startswith("arn:"):
        fields = text.split(":")
        if len(fields) >= 7 and fields[2] == "secretsmanager":
            return _secret_readings(view, ":".join(fields[:7]))
        if len(fields) >= 6 and fields[2] == "ssm":
            return [(_GET_PARAMETERS, (text.replace(":parameter//", ":parameter/"),))]
        return []
    if starts_with_placeholder(text):
        arn = _FIELDS_AFTER_ARN.sub("", text)
        if arn != text:
            return _secret_readings(view, arn)
        parameter = (_GET_PARAMETERS, (build_arn(view, "ssm", f"parameter/{text}"),))
        return [*_secret_readings(view, arn), parameter, (_GET_PARAMETERS, (text,))]
    if not text or ":" in text:
        return []
    return [(_GET_PARAMETERS, (build_arn(view, "ssm", f"parameter/{text.lstrip('/')}"),))]


def _secret_readings(view: View, arn: str) -> list[tuple[str, Arns | None]]:
    """How a secret can be read: by its ARN, or by one without the six random characters."""
    suffix = create_character_placeholders(view, "suffix of a secret", 6)
    return [(_GET_SECRET, (arn,)), (_GET_SECRET, (f"{arn}-{suffix}",))]


def _secret_in_view(source: Node) -> Resource | None:
    """The secret in view that a source names, by itself or through an attachment."""
    part = source.parts[0] if source.parts else None
    for _ in range(3):
        if not isinstance(part, Attr):
            return None
        if part.resource.type == container_secrets.SECRET:
            return part.resource
        part = part.resource["SecretId"].attr
    return None


# ARNs in policies ----------------------------------------------------------------------------


def _arns_with_json_key(statements: Iterable[Statement]) -> Iterator[Problem]:
    for statement in statements:
        if (
            statement.allows is not True
            or statement.excludes_resources
            or statement.covers_action(_GET_SECRET) is False
        ):
            continue
        for node in statement.node["Resource"].as_list:
            texts = expand_arns(node)
            if texts and all(map(_has_json_key, texts)):
                yield problem(
                    node,
                    "The ARN of a secret has a JSON key after it, so the statement matches no "
                    "secret",
                    "Write only the ARN of the secret. `:<json-key>:<version-stage>:<version-id>` "
                    "is for ValueFrom.",
                )


def _has_json_key(text: str) -> bool:
    if starts_with_placeholder(text):
        return text[1:].endswith("::") and text.count(":") == 3
    fields = text.split(":")
    is_secret = fields[0] == "arn" and fields[2:3] == ["secretsmanager"]
    return is_secret and any(field != "*" for field in fields[7:])


# Keys ----------------------------------------------------------------------------------------


def _key_of_secret(secret: Resource) -> Resource | None:
    """The customer managed key in view that encrypts a secret."""
    key = secret["KmsKeyId"].resource
    if key is not None and key.type == _ALIAS:
        key = key["TargetKeyId"].resource
    return key if key is not None and key.type == _KEY else None


def _is_decryption_denied(role: Resource, key: Resource) -> bool:
    arns = expand_parts(role.view, (Attr(key, "Arn"),))
    return allows(role, _DECRYPT, arns) is False and _is_decided_by_iam(key)


def _is_decided_by_iam(key: Resource) -> bool:
    """Whether a key policy allows only the account to decrypt, which leaves it to IAM policies."""
    policy = key["KeyPolicy"]
    if policy.absent:
        return True
    document = parse_document(policy)
    return document.complete and all(
        statement.allows is False
        or statement.covers_action(_DECRYPT) is False
        or _is_account(statement.node["Principal"])
        for statement in document.statements
    )


def _is_account(principal: Node) -> bool:
    principals = dict(principal.entries)
    if not principals or set(principals) - {"AWS", "Service"}:
        return False
    texts = [
        "".join(part if isinstance(part, str) else "?" for part in node.parts)
        for node in principal["AWS"].as_list
    ]
    return all(text.endswith(":root") for text in texts)


RULES = (secret_not_allowed,)
