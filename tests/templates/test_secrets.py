"""References to secrets: which are valid, and what to write instead of one that is not."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from templates.tasks.secrets import JsonSecretRef, SecretRef, dynamic_reference

SECRET_ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop/db-a1B2c3"
PARAMETER_ARN = "arn:aws:ssm:eu-central-1:123456789012:parameter/shop/db"


def refuse(reference: str, kind: object) -> dict[str, str]:
    """The code, message and hint with which a type of reference refuses a text."""
    with pytest.raises(ValidationError) as error:
        TypeAdapter(kind).validate_python(reference)
    context: dict[str, str] = error.value.errors()[0]["ctx"]
    return context


@pytest.mark.parametrize(
    ("arn", "prefix"), [(SECRET_ARN, "secretsmanager"), (PARAMETER_ARN, "ssm")]
)
def test_an_arn_without_prefix_is_shown_with_its_prefix(arn: str, prefix: str) -> None:
    refusal = refuse(arn, SecretRef)
    assert refusal["code"] == "M2607"
    assert refusal["hint"] == f"Write `{prefix}:{arn}`."


def test_a_value_that_could_be_the_secret_is_not_shown() -> None:
    refusal = refuse("hunter22", SecretRef)
    assert refusal["code"] == "M2607"
    assert "hunter22" not in f"{refusal['message']} {refusal['hint']}"


def test_names_of_parameters_are_limited() -> None:
    longest = f"ssm:/{'x' * 966}"
    assert TypeAdapter(SecretRef).validate_python(longest)
    assert refuse(f"{longest}x", SecretRef)["code"] == "M2607"


@pytest.mark.parametrize("reference", ["ssm:/shop/login", "secretsmanager:shop/login", SECRET_ARN])
def test_cloudformation_needs_a_key_of_a_secret(reference: str) -> None:
    assert refuse(reference, JsonSecretRef)["code"] == "M2609"


@pytest.mark.parametrize("secret", ["shop/login", SECRET_ARN])
def test_a_key_of_a_secret_becomes_a_dynamic_reference(secret: str) -> None:
    reference = TypeAdapter(JsonSecretRef).validate_python(f"secretsmanager:{secret}:password")
    expected = f"{{{{resolve:secretsmanager:{secret}:SecretString:password}}}}"
    assert dynamic_reference(reference) == expected
