"""Statements of the user's own for a role, in the words of IAM."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from troposphere import Sub

from moorage.findings.finding import Path, Problem
from moorage.findings.wording import shown
from moorage.model import Base, wrong

from .fields import Some, text

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


def _condition_value(value: Any) -> Any:
    values = value if isinstance(value, list) else [value]
    for one in values:
        if not isinstance(one, str | bool | int | float):
            message = f"{shown(one)} stands where text or a number belongs"
            raise wrong("M1103", message, "Write what the key must be, or a list of such.")
    return [str(one) for one in value] if isinstance(value, list) else value


ConditionValue = Annotated[Any, AfterValidator(_condition_value)]


class UserStatement(Base):
    """A statement of an IAM policy, as IAM writes it. `$${AWS::AccountId}` and the like may stand
    in resources and conditions."""

    Sid: (
        Annotated[str, text(r"[A-Za-z0-9]+", "a name of letters and digits", "ReadUploads")] | None
    ) = Field(None, description="A name for it.")
    Effect: Literal["Allow", "Deny"] = Field("Allow", description="What it does.")
    Action: Some[str] = Field([], description="Actions, such as `s3:GetObject`.")
    NotAction: Some[str] = Field([], description="All actions but these; with `Deny`.")
    Resource: Some[str] = Field([], description="ARNs of what they act on.")
    NotResource: Some[str] = Field([], description="All resources but these.")
    Condition: dict[Operator, dict[str, ConditionValue]] = Field({}, description="When it holds.")


def statement_problems(statements: Sequence[UserStatement], path: Path) -> Iterator[Problem]:
    """What IAM would refuse, and what nobody should grant.

    IAM user guide, "IAM JSON policy elements: Sid" (unique in a policy) and "... Resource" (an ARN,
    or `*`); what the statements get beside them has no Sid of the user's.
    """
    names = [one.Sid for one in statements]
    for index, one in enumerate(statements):
        here = (*path, index)
        if one.Sid and one.Sid in names[:index]:
            message = f"Another statement is named `{one.Sid}` already"
            yield Problem("M1107", (*here, "Sid"), message, "Give it a name of its own, or none.")
        for key in ("Action", "Resource"):
            if bool(getattr(one, key)) == bool(getattr(one, f"Not{key}")):
                hint = f"Write either `{key}` or `Not{key}`."
                message = f"A statement needs {key} or Not{key}, and not both"
                yield Problem("M1108", here, message, hint)
        yield from _action_problems(one, here)
        yield from _resource_problems(one, here)


def _action_problems(one: UserStatement, here: Path) -> Iterator[Problem]:
    if one.Effect == "Allow" and ({"*", "*:*"} & set(one.Action) or one.NotAction):
        hint = "Name the actions that the task needs, such as `s3:GetObject`."
        key = "NotAction" if one.NotAction else "Action"
        message = "The statement grants every action there is"
        if key == "NotAction":
            message = "The statement grants every action but those"
        yield Problem("M1217", (*here, key), message, hint)
    for key in ("Action", "NotAction"):
        for action in getattr(one, key):
            if not re.fullmatch(r"[A-Za-z0-9*-]+:[A-Za-z0-9*?]+|\*", action):
                hint = "Write the service and the action, such as `s3:GetObject`."
                yield Problem("M1107", (*here, key), f"{shown(action)} is not an action", hint)


def _resource_problems(one: UserStatement, here: Path) -> Iterator[Problem]:
    for key in ("Resource", "NotResource"):
        for resource in getattr(one, key):
            if resource != "*" and not resource.startswith(("arn:", "${AWS::")):
                hint = 'Write one such as `arn:aws:s3:::my-bucket/*`, or `"*"`.'
                message = f"{shown(resource)} is not the ARN of a resource"
                yield Problem("M1107", (*here, key), message, hint)


def statement(one: UserStatement) -> dict[str, Any]:
    """The statement as it stands in a policy."""
    return {
        key: _filled(value)
        for key, value in one.model_dump().items()
        if value not in (None, [], {})
    }


def _filled(value: Any) -> Any:
    """Text with pseudo parameters such as `${AWS::AccountId}` is left to CloudFormation to fill;
    what else stands in `${...}` beside them is IAM's."""
    if isinstance(value, str):
        variables = re.sub(r"\$\{(?!AWS::)", "${!", value)
        return Sub(variables) if "${AWS::" in value else value
    if isinstance(value, list):
        return [_filled(item) for item in value]
    if isinstance(value, dict):
        return {key: _filled(item) for key, item in value.items()}
    return value
