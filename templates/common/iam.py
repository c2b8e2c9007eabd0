"""IAM roles and statements. Each statement stands in the file of the resource that needs it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from awacs.aws import Allow, Principal, Statement
from awacs.sts import AssumeRole
from troposphere import iam

from moorage.model import Environment

Arn = Any
"""A literal ARN, or an expression that becomes one."""


def allow(sid: str, actions: Iterable[Any], resources: Iterable[Arn], **more: Any) -> Statement:
    """A statement that allows actions on resources; `more` may hold a Condition."""
    return Statement(Sid=sid, Effect=Allow, Action=list(actions), Resource=list(resources), **more)


def role(
    title: str,
    service: str,
    policies: Mapping[str, Iterable[Statement | Mapping[str, Any]]],
    env: Environment,
    *,
    managed: Iterable[str] = (),
    permissions_boundary: str | None = None,
    **trust: Any,
) -> iam.Role:
    """A role that an AWS service takes on, with inline policies.

    Inline, because a policy of its own is a resource of its own, which the role's first user would
    have to wait for. Nameless, because a fixed name blocks replacement. A policy without statements
    is left out. `trust` may hold a Condition for the trust policy.
    """
    boundary = permissions_boundary or env.permissions_boundary
    named = {name: list(statements) for name, statements in policies.items()}
    inline = [
        iam.Policy(PolicyName=name, PolicyDocument=policy(statements))
        for name, statements in named.items()
        if statements
    ]
    optional = {
        "Policies": inline,
        "ManagedPolicyArns": list(managed),
        "PermissionsBoundary": boundary,
    }
    return iam.Role(
        title,
        AssumeRolePolicyDocument=policy(
            [
                Statement(
                    Effect=Allow,
                    Principal=Principal("Service", service),
                    Action=[AssumeRole],
                    **trust,
                )
            ]
        ),
        **{key: value for key, value in optional.items() if value},
    )


def policy(statements: Iterable[Statement | Mapping[str, Any]]) -> dict[str, Any]:
    """A policy document of composed statements and of the user's own, which are plain maps."""
    return {
        "Version": "2012-10-17",
        "Statement": list(statements),
    }
