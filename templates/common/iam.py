"""IAM roles and policies. The statements are in the modules of the resources that need them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from awacs.aws import (
    Allow,
    ArnLike,
    Bool,
    Condition,
    Deny,
    Principal,
    SecureTransport,
    Statement,
    StringEquals,
)
from awacs.sts import AssumeRole
from troposphere import AccountId, Sub, iam

from moorage.model import Environment

Arn = Any
"""An ARN as text, or an intrinsic function that returns one."""


def allow(sid: str, actions: Iterable[Any], resources: Iterable[Arn], **more: Any) -> Statement:
    """A statement that allows actions on resources; `more` can have a Condition."""
    return Statement(Sid=sid, Effect=Allow, Action=list(actions), Resource=list(resources), **more)


def deny_without_tls(actions: Iterable[Any], resources: Iterable[Arn]) -> Statement:
    """A statement of a resource's policy that denies requests without TLS."""
    return Statement(
        Sid="TlsOnly",
        Effect=Deny,
        Principal=Principal("*"),
        Action=list(actions),
        Resource=list(resources),
        Condition=Condition(Bool({SecureTransport: "false"})),
    )


def aws_managed_policy_arn(name: str) -> Sub:
    """The ARN of an AWS managed policy. The name includes its path, such as `service-role/`."""
    return Sub(f"arn:${{AWS::Partition}}:iam::aws:policy/{name}")


def role(
    title: str,
    service: str,
    policies: Mapping[str, Iterable[Statement | Mapping[str, Any]]],
    env: Environment,
    *,
    managed: Iterable[Arn] = (),
    permissions_boundary: Arn | None = None,
    **trust: Any,
) -> iam.Role:
    """A role that an AWS service can assume, with inline policies.

    The policies are inline because everything that uses the role would need a DependsOn on a
    separate policy. The role has no RoleName because a fixed name prevents replacement.
    A policy without statements is left out. `trust` can have a Condition for the trust policy.
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


def from_source(arn: str) -> Condition:
    """A condition of a trust policy: the service acts for a resource of this account, whose ARN
    begins with the partition and matches `arn`, such as `ecs:${AWS::Region}:${AWS::AccountId}:*`.

    IAM user guide, "The confused deputy problem". Only where the documentation of the service says
    that it sends both keys: without them the service cannot assume the role. The documentation of
    EC2 (instance profiles) and of ECS's infrastructure roles does not say so.
    """
    return Condition(
        [
            StringEquals({"aws:SourceAccount": AccountId}),
            ArnLike({"aws:SourceArn": Sub(f"arn:${{AWS::Partition}}:{arn}")}),
        ]
    )


def policy(statements: Iterable[Statement | Mapping[str, Any]]) -> dict[str, Any]:
    """A policy document. Statements that the user wrote are plain maps."""
    return {
        "Version": "2012-10-17",
        "Statement": list(statements),
    }
