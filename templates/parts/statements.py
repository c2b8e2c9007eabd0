"""Statements of the user's own for a role, in the words of IAM."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

from pydantic import Field
from troposphere import Sub

from moorage.model import Base, Path, Problem
from templates.parts.fields import Some


class UserStatement(Base):
    """A statement of an IAM policy, as IAM writes it. `$${AWS::AccountId}` and the like may stand
    in resources and conditions."""

    Sid: str | None = Field(None, pattern=r"^[A-Za-z0-9]+$", description="A name for it.")
    Effect: Literal["Allow", "Deny"] = Field("Allow", description="What it does.")
    Action: Some[str] = Field([], description="Actions, such as `s3:GetObject`.")
    NotAction: Some[str] = Field([], description="All actions but these; with `Deny`.")
    Resource: Some[str] = Field([], description="ARNs of what they act on.")
    NotResource: Some[str] = Field([], description="All resources but these.")
    Condition: dict[str, dict[str, Any]] = Field({}, description="When it holds.")


def statement_problems(statements: Sequence[UserStatement], path: Path) -> Iterator[Problem]:
    """What IAM would refuse, and what nobody should grant."""
    for index, one in enumerate(statements):
        here = (*path, index)
        for key in ("Action", "Resource"):
            if bool(getattr(one, key)) == bool(getattr(one, f"Not{key}")):
                hint = f"Write either `{key}` or `Not{key}`."
                message = f"A statement needs {key} or Not{key}, and not both"
                yield Problem("M1108", here, message, hint)
        wide = "*" in one.Action or "*:*" in one.Action or one.NotAction
        if one.Effect == "Allow" and wide:
            hint = "Name the actions that the task needs, such as `s3:GetObject`."
            key = "NotAction" if one.NotAction else "Action"
            message = "The statement grants every action there is"
            yield Problem("M1217", (*here, key), message, hint)
        for action in one.Action:
            if ":" not in action and action != "*":
                hint = f"Write the service before it: `service:{action}`."
                yield Problem("M1107", (*here, "Action"), f"`{action}` is not an action", hint)


def statement(one: UserStatement) -> dict[str, Any]:
    """The statement as it stands in a policy."""
    return {
        key: _filled(value)
        for key, value in one.model_dump().items()
        if value not in (None, [], {})
    }


def _filled(value: Any) -> Any:
    """Text with pseudo parameters such as `${AWS::AccountId}` is left to CloudFormation to fill."""
    if isinstance(value, str):
        return Sub(value) if "${AWS::" in value else value
    if isinstance(value, list):
        return [_filled(item) for item in value]
    if isinstance(value, dict):
        return {key: _filled(item) for key, item in value.items()}
    return value
