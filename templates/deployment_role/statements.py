"""Permissions -> statements of IAM policies, and policies that are not too large."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from troposphere import Ref, Region, Sub

from moorage.facts.quotas import MAX_MANAGED_POLICY_CHARACTERS
from moorage.facts.resource_arns import GLOBAL_SERVICES
from moorage.plan import Permission

_POLICIES: Mapping[str, frozenset[str]] = {
    "Iam": frozenset({"iam"}),
    "Network": frozenset(
        {"acm", "ec2", "elasticloadbalancing", "route53", "servicediscovery", "wafv2"}
    ),
    "Tasks": frozenset(
        {
            *("application-autoscaling", "autoscaling", "codedeploy", "ecr", "ecs", "events"),
            *("lambda", "scheduler", "states"),
        }
    ),
    "Data": frozenset(
        {
            *("dynamodb", "elasticache", "elasticfilesystem", "kms", "rds", "s3"),
            *("secretsmanager", "sns", "sqs", "ssm"),
        }
    ),
    "Monitoring": frozenset({"cloudwatch", "logs"}),
}
"""The services in each policy; those of the others are in the policy `Other`."""

_BOUNDED = frozenset(
    f"iam:{name}"
    for name in (
        *("CreateRole", "AttachRolePolicy", "DetachRolePolicy", "PutRolePolicy"),
        *("DeleteRolePolicy", "PutRolePermissionsBoundary"),
    )
)
"""Actions that a condition can limit to roles with a certain permissions boundary. Service
Authorization Reference, AWS Identity and Access Management, iam:PermissionsBoundary."""
_ACCOUNT = "0" * 12
_LONGEST_PARTITION = "aws-us-gov"
_Group = tuple[str, ...]
Statement = dict[str, Any]
"""A statement as it is in a policy document: its actions are texts, which are counted here."""


def build_policies(
    permissions: Iterable[Permission], boundaries: Sequence[str], region: str
) -> dict[str, list[Statement]]:
    """The statements of each policy by its name. Each has at most the number of characters that IAM
    accepts; the name of a further policy for the same services ends with a number."""
    by_policy: dict[str, list[Permission]] = defaultdict(list)
    for permission in permissions:
        by_policy[_policy_of(permission.action)].append(permission)
    policies: dict[str, list[Statement]] = {}
    for name in (*_POLICIES, "Other"):
        statements = [*_build_statements(by_policy.get(name, ()), boundaries)]
        policies.update(split_statements(name, statements, region))
    return policies


def split_statements(
    name: str, statements: Iterable[Statement], region: str
) -> Iterator[tuple[str, list[Statement]]]:
    """The statements in policies that are not too large, with the names of these."""
    for number, part in enumerate(_split(statements, region), 1):
        yield name if number == 1 else f"{name}{number}", part


def _policy_of(action: str) -> str:
    service = action.partition(":")[0]
    return next((name for name, services in _POLICIES.items() if service in services), "Other")


def _build_statements(
    permissions: Iterable[Permission], boundaries: Sequence[str]
) -> Iterator[Statement]:
    """Permissions with the same condition on the same resources in one statement."""
    actions: dict[tuple[_Group, str], set[str]] = defaultdict(set)
    for permission in permissions:
        condition = _condition_of(permission, boundaries)
        actions[condition, permission.resource].add(permission.action)
    resources: dict[tuple[_Group, tuple[str, ...]], list[str]] = defaultdict(list)
    for (condition, resource), found in actions.items():
        resources[condition, tuple(sorted(found))].append(resource)
    for (condition, names), arns in sorted(resources.items()):
        yield statement(names, sorted(arns), _build_condition(condition))


def _condition_of(permission: Permission, boundaries: Sequence[str]) -> _Group:
    """The condition key of a permission's statement and its values; empty without a condition."""
    if permission.passed_to:
        return ("iam:PassedToService", *permission.passed_to)
    if boundaries and permission.action in _BOUNDED:
        return ("iam:PermissionsBoundary", *boundaries)
    service = permission.action.partition(":")[0]
    if permission.resource == "*" and service not in GLOBAL_SERVICES:
        return ("aws:RequestedRegion",)
    return ()


def _build_condition(condition: _Group) -> Mapping[str, Any]:
    if not condition:
        return {}
    key, *values = condition
    return string_equals(key, [arn(value) for value in values] or Region)


def string_equals(key: str, value: Any) -> Mapping[str, Any]:
    """A condition that a key has a value, or one of several."""
    return {"StringEquals": {key: value}}


IN_REGION = string_equals("aws:RequestedRegion", Region)
"""The condition that a request is sent to the region of the stack."""


def statement(
    actions: Iterable[str],
    resources: Iterable[str],
    condition: Mapping[str, Any] | None = None,
    *,
    effect: str = "Allow",
) -> Statement:
    """A statement about actions and ARNs as texts; the ARNs may contain pseudo parameters."""
    return {
        "Effect": effect,
        "Action": list(actions),
        "Resource": [arn(resource) for resource in resources],
        **({"Condition": condition} if condition else {}),
    }


def arn(pattern: str) -> Any:
    """A pattern of ARNs in the form that a template needs for its pseudo parameters."""
    return Sub(pattern) if "${" in pattern else pattern


def _split(statements: Iterable[Statement], region: str) -> Iterator[list[Statement]]:
    """The statements in parts that fit into one policy each."""
    part: list[Statement] = []
    size = _EMPTY
    for whole in statements:
        for piece in _cut(whole, region):
            length = _length(piece, region) + 1
            if part and size + length > MAX_MANAGED_POLICY_CHARACTERS:
                yield part
                part, size = [], _EMPTY
            part.append(piece)
            size += length
    if part:
        yield part


_EMPTY = len('{"Version":"2012-10-17","Statement":[]}')


def _cut(whole: Statement, region: str) -> Iterator[Statement]:
    """A statement, or several with a part of its resources each if it is too long for a policy."""
    resources = whole["Resource"]
    if _length(whole, region) + _EMPTY <= MAX_MANAGED_POLICY_CHARACTERS or len(resources) == 1:
        yield whole
        return
    middle = len(resources) // 2
    for half in (resources[:middle], resources[middle:]):
        yield from _cut({**whole, "Resource": half}, region)


def _length(item: Statement, region: str) -> int:
    """The most characters of a statement without white space."""
    return len(json.dumps(_resolve(item, region), separators=(",", ":")))


_INDENTED = len("          - !Sub ") + 1
_KEYS = 300


def written_size(statements: Iterable[Statement]) -> int:
    """About how many bytes statements take in a template: a line for each action and ARN, and what
    is around them."""
    return sum(
        _KEYS + sum(len(_text(item)) + _INDENTED for item in (*part["Action"], *part["Resource"]))
        for part in statements
    )


def _text(value: Any) -> str:
    return str(value.data["Fn::Sub"] if isinstance(value, Sub) else value)


def _resolve(value: Any, region: str) -> Any:
    """A value with the longest texts in place of the functions that this module uses."""
    if isinstance(value, Sub):
        known = {"AWS::Partition": _LONGEST_PARTITION, "AWS::Region": region}
        return re.sub(r"\$\{([^}]+)\}", lambda m: known.get(m[1], _ACCOUNT), _text(value))
    if isinstance(value, Ref):
        return region
    if isinstance(value, Mapping):
        return {key: _resolve(item, region) for key, item in value.items()}
    return [_resolve(item, region) for item in value] if isinstance(value, list) else value
