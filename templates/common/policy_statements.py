"""IAM policy statements that the user writes, with the keys of IAM."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from troposphere import Sub

from moorage.findings.finding import Path, Problem
from moorage.findings.wording import capitalize, shown
from moorage.model import Base, wrong
from moorage.references import Reference

from .fields import OneOrMany, text
from .references import ExternalResource, object_arn

# IAM user guide, "IAM JSON policy elements: Condition operators".
Operator = Annotated[
    str,
    text(
        r"(ForAnyValue:|ForAllValues:)?(String(Not)?Equals(IgnoreCase)?|String(Not)?Like"
        r"|(Numeric|Date)((Not)?Equals|(LessThan|GreaterThan)(Equals)?)|Bool|BinaryEquals"
        r"|(Not)?IpAddress|Arn(Not)?(Equals|Like)|Null)(IfExists)?",
        "a condition operator",
        "StringEquals",
    ),
]


def _check_condition_value(value: Any) -> Any:
    values = value if isinstance(value, list) else [value]
    for item in values:
        if not isinstance(item, str | bool | int | float):
            message = f"Expected text or a number, got {shown(item)}"
            raise wrong("M1103", message, "Write the value that the key must have, or a list.")
    return [str(item) for item in value] if isinstance(value, list) else value


ConditionValue = Annotated[Any, AfterValidator(_check_condition_value)]


class UserStatement(Base):
    """A statement of an IAM policy, with the keys of IAM. Resources and conditions can contain
    pseudo parameters, such as `$${AWS::AccountId}`."""

    Sid: (
        Annotated[str, text(r"[A-Za-z0-9]+", "a name of letters and digits", "ReadUploads")] | None
    ) = Field(None, description="A name for the statement.")
    Effect: Literal["Allow", "Deny"] = Field("Allow", description="Whether it allows or denies.")
    Action: OneOrMany[str] = Field([], description="Actions, such as `s3:GetObject`.")
    NotAction: OneOrMany[str] = Field([], description="All actions but these; with `Deny`.")
    Resource: OneOrMany[ExternalResource[str]] = Field(
        [],
        description="ARNs of the resources. In a reference, `key` follows the ARN and a slash, "
        'such as `"*"` for all objects of a bucket.',
    )
    NotResource: OneOrMany[ExternalResource[str]] = Field(
        [], description="All resources but these."
    )
    Condition: dict[Operator, dict[str, ConditionValue]] = Field(
        {}, description="When the statement applies."
    )


def statement_problems(statements: Sequence[UserStatement], path: Path) -> Iterator[Problem]:
    """What IAM refuses, and statements that allow every action.

    IAM user guide, "IAM JSON policy elements: Sid" (unique in a policy) and "... Resource" (an ARN,
    or `*`). Other statements of the role are in other policies, so their Sids do not matter.
    """
    names = [statement.Sid for statement in statements]
    for index, statement in enumerate(statements):
        statement_path = (*path, index)
        if statement.Sid and statement.Sid in names[:index]:
            message = f"Two statements have the Sid `{statement.Sid}`"
            yield Problem(
                "M1520", (*statement_path, "Sid"), message, "Write another Sid, or remove it."
            )
        for key in ("Action", "Resource"):
            if bool(getattr(statement, key)) == bool(getattr(statement, f"Not{key}")):
                message = f"The statement has neither `{key}` nor `Not{key}`"
                hint = "Add one of the two."
                if getattr(statement, key):
                    message = f"The statement has both `{key}` and `Not{key}`"
                    hint = "Remove one of the two."
                yield Problem("M1521", statement_path, message, hint)
        yield from _action_problems(statement, statement_path)
        yield from _resource_problems(statement, statement_path)


def _action_problems(statement: UserStatement, statement_path: Path) -> Iterator[Problem]:
    if statement.Effect == "Allow" and (
        {"*", "*:*"} & set(statement.Action) or statement.NotAction
    ):
        hint = "Write the actions that the task needs, such as `s3:GetObject`."
        key = "NotAction" if statement.NotAction else "Action"
        message = "The statement allows all actions of all services"
        if key == "NotAction":
            message = "The statement allows all actions of all services except those in `NotAction`"
        yield Problem("M1524", (*statement_path, key), message, hint)
    for key in ("Action", "NotAction"):
        for action in getattr(statement, key):
            if not re.fullmatch(r"[A-Za-z0-9*-]+:[A-Za-z0-9*?]+|\*", action):
                hint = "Write the service prefix and the action, such as `s3:GetObject`."
                message = f"{capitalize(shown(action))} is not an IAM action"
                yield Problem("M1522", (*statement_path, key), message, hint)


def _resource_problems(statement: UserStatement, statement_path: Path) -> Iterator[Problem]:
    for key in ("Resource", "NotResource"):
        for resource in getattr(statement, key):
            is_text = isinstance(resource, str)
            if is_text and resource != "*" and not resource.startswith(("arn:", "${AWS::")):
                hint = "Write an ARN, such as `arn:aws:s3:::my-bucket/*`."
                message = f"{capitalize(shown(resource))} is not the ARN of a resource"
                yield Problem("M1523", (*statement_path, key), message, hint)


def policy_statement(statement: UserStatement) -> dict[str, Any]:
    """The statement as it is in a policy document."""
    return {
        key: _resolve_pseudo_parameters(value)
        for key in type(statement).model_fields
        if (value := getattr(statement, key)) not in (None, [], {})
    }


def _resolve_pseudo_parameters(value: Any) -> Any:
    """Values with `Fn::Sub` for the texts that have pseudo parameters, such as `${AWS::AccountId}`.

    Any other `${...}` in such a text is a policy variable of IAM.
    """
    if isinstance(value, str):
        variables = re.sub(r"\$\{(?!AWS::)", "${!", value)
        return Sub(variables) if "${AWS::" in value else value
    if isinstance(value, Reference):
        return object_arn(value)
    if isinstance(value, list):
        return [_resolve_pseudo_parameters(item) for item in value]
    if isinstance(value, dict):
        return {key: _resolve_pseudo_parameters(item) for key, item in value.items()}
    return value
