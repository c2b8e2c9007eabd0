"""The top of a params file."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    Field,
    WithJsonSchema,
    field_validator,
)

from moorage.findings.wording import shown
from moorage.model import NAME, OWN_TAGS, Base, wrong

NAME_HINT = "Use lower-case letters, digits and single hyphens, and begin with a letter."


REGION = re.compile(r"^[a-z]{2}(-[a-z]+)+-\d$")


_ACCOUNT = r"^\d{12}$"


_AccountId = Annotated[
    str,
    WithJsonSchema({"type": "string", "pattern": _ACCOUNT, "takes": "twelve digits, in quotes"}),
]


# An account's own policy, or one of AWS's: IAM user guide, "IAM identifiers".
_POLICY = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}|aws):policy/\S+")


def _tag_part(most: int) -> AfterValidator:
    """What CloudFormation and the services that its tags reach take for a tag's key or value.

    Lengths: CloudFormation API reference, Tag. Characters and the prefix: Amazon ECS API reference,
    Tag, which is the narrowest.
    """

    def checked(value: str) -> str:
        if not 1 <= len(value) <= most:
            hint = f"Write 1 to {most} characters."
            raise wrong("M1105", f"{shown(value)} is too {'long' if value else 'short'}", hint)
        odd = (one for one in value if unicodedata.category(one)[0] not in "LNZ")
        if bad := "".join(one for one in odd if one not in "_.:/=+-@"):
            hint = "Use letters, digits, spaces and _.:/=+-@."
            raise wrong("M1107", f"{shown(value)} cannot stand in a tag: AWS refuses `{bad}`", hint)
        if value.lower().startswith("aws:"):
            raise wrong("M1107", f"{shown(value)} begins like a tag of AWS's own", "Rename it.")
        return value

    return AfterValidator(checked)


def _tag_key(value: str) -> str:
    if "=" in value:
        hint = "Leave the `=` out: the AWS CLI takes tags as key=value."
        raise wrong("M1107", f"{shown(value)} cannot be the key of a tag", hint)
    if value.lower() in OWN_TAGS:
        message = f"Every stack has a tag {shown(value.lower())} already, from its own name"
        raise wrong("M1107", message, "Rename this one, or leave it out.")
    return value


def _tags(value: dict[str, str]) -> dict[str, str]:
    """Case must not be all that tells two keys apart: IAM user guide, "Tags for AWS Identity and
    Access Management resources"; a role with both is refused ("Duplicate tag keys found")."""
    first: dict[str, str] = {}
    for key in value:
        other = first.setdefault(key.lower(), key)
        if other != key:
            message = f"{shown(other)} and {shown(key)} are one key to IAM, which ignores case"
            raise wrong("M1107", message, "Keep one of them.")
    return value


_TagKey = Annotated[str, AfterValidator(_tag_key), _tag_part(128)]


_TagValue = Annotated[str, _tag_part(256)]


class Header(Base):
    """What stands at the top of a params file."""

    app: str = Field(
        description="Name of the application: the first part of every stack's name.",
        json_schema_extra={"pattern": f"^{NAME.pattern}$"},
    )
    region: str = Field(
        description="AWS region of all stacks, such as `ap-northeast-1`.",
        json_schema_extra={"pattern": REGION.pattern},
    )
    account: _AccountId | None = Field(
        None, description="AWS account id, in quotes. Needed only where `${account}` is used."
    )
    tags: Annotated[dict[_TagKey, _TagValue], AfterValidator(_tags)] = Field(
        {}, max_length=47, description="Tags for every resource, beside `app`, `env` and `stack`."
    )
    permissions_boundary: str | None = Field(
        None, description="ARN of an IAM policy that bounds every role in the templates."
    )
    stacks: Annotated[dict[str, dict[str, Any]], Field(min_length=1)] = Field(
        description="The stacks by name. `template:` says what kind; it defaults to the name."
    )

    @field_validator("app")
    @classmethod
    def _app(cls, value: str) -> str:
        if not NAME.fullmatch(value):
            raise wrong("M1107", f"{shown(value)} cannot begin the name of a stack", NAME_HINT)
        return value

    @field_validator("region")
    @classmethod
    def _region(cls, value: str) -> str:
        if not REGION.fullmatch(value):
            raise wrong(
                "M1107", f"{shown(value)} is not a region", "Write one like `eu-central-1`."
            )
        return value

    @field_validator("account")
    @classmethod
    def _account(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(_ACCOUNT, value):
            hint = 'Write its twelve digits in quotes: `account: "123456789012"`.'
            raise wrong("M1107", f"{shown(value)} is not an account id", hint)
        return value

    @field_validator("permissions_boundary")
    @classmethod
    def _boundary(cls, value: str | None) -> str | None:
        if value is not None and not _POLICY.fullmatch(value):
            hint = "Write one like `arn:aws:iam::123456789012:policy/name`."
            raise wrong("M1107", f"{shown(value)} is not the ARN of an IAM policy", hint)
        return value
