"""Rotation functions that a transform creates."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn.view import View
from moorage.rules.rule import Problem, problem, rule

_TRANSFORM = "AWS::SecretsManager-"


@rule(
    "E9957",
    "A hosted rotation function has no transform.",
    error_messages=(
        "To use the HostedRotationLambda property, you must use the AWS::SecretsManager transform",
    ),
    fix="Write `Transform: AWS::SecretsManager-2024-09-16` at the top of the template.",
    sources=(
        "AWS CloudFormation template reference: AWS::SecretsManager::RotationSchedule "
        "HostedRotationLambda",
    ),
)
def transform_is_missing(view: View) -> Iterator[Problem]:
    """The function of HostedRotationLambda is created by a transform of Secrets Manager."""
    for rotation in view.resources_of_type("AWS::SecretsManager::RotationSchedule"):
        transform = rotation.stack.template.body.get("Transform")
        names = transform if isinstance(transform, list) else [transform]
        # A macro that is no text may be anything.
        has_transform = any(
            name is not None and (not isinstance(name, str) or name.startswith(_TRANSFORM))
            for name in names
        )
        is_hosted = rotation["HostedRotationLambda"].certainly_present
        if is_hosted and rotation["RotationLambdaARN"].absent and not has_transform:
            yield problem(
                rotation["HostedRotationLambda"],
                f"Rotation `{rotation.id}` has a hosted function, but the template has no "
                f"transform of Secrets Manager",
                "Write `Transform: AWS::SecretsManager-2024-09-16` at the top of the template.",
            )


RULES = (transform_is_missing,)
