"""The top of a params file: everything but the stacks' own params."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated, Any

from pydantic import AfterValidator, Field, field_validator

from moorage.facts.arn_patterns import IAM_POLICY, IAM_ROLE
from moorage.facts.regions import REGION_CODE
from moorage.findings.wording import shown
from moorage.model import NAME, OWN_TAGS, VARIABLE_NAME, Base, wrong
from moorage.pipeline.account_id import AccountId
from moorage.pipeline.defaults import Defaults
from moorage.pipeline.targets import TargetsParams

NAME_HINT = "Use lower-case letters, digits and single hyphens, and begin with a letter."
REGION = re.compile(REGION_CODE)
_POLICY_ARN = re.compile(IAM_POLICY)
ROLE_ARN = re.compile(IAM_ROLE)


def _tag_part(longest: int) -> AfterValidator:
    """Checks what CloudFormation, and the services that receive its tags, accept in a key or value.

    Lengths: CloudFormation API reference, Tag. Characters and the prefix: Amazon ECS API reference,
    Tag, which is the narrowest.
    """

    def check(value: str) -> str:
        if not 1 <= len(value) <= longest:
            hint = f"Write 1 to {longest} characters."
            problem = "is too long for a tag" if value else "cannot be part of a tag"
            raise wrong("M1604", f"{shown(value)} {problem}", hint)
        symbols = (char for char in value if unicodedata.category(char)[0] not in "LNZ")
        if refused := "".join(char for char in symbols if char not in "_.:/=+-@"):
            hint = "Use letters, digits, spaces and _.:/=+-@."
            raise wrong("M1604", f"AWS refuses `{refused}` in the tag {shown(value)}", hint)
        if value.lower().startswith("aws:"):
            message = f"{shown(value)} begins with `aws:`, which is reserved for tags of AWS"
            raise wrong("M1604", message, "Write it without this prefix.")
        return value

    return AfterValidator(check)


def _check_tag_key(value: str) -> str:
    """deploy.sh passes tags to the AWS CLI as arguments that begin with the key. The AWS CLI takes
    an argument that begins with a hyphen for an option, and replaces one that begins with
    `file://`, `fileb://`, `http://` or `https://` with the content that it reads there (AWS CLI
    user guide, "Load a parameter from a file").
    """
    if begins := re.match(r"-|(?:fileb?|https?)://", value, re.IGNORECASE):
        meaning = "an option" if begins[0] == "-" else "a file or URL to read"
        message = f"The AWS CLI would take the key {shown(value)} for {meaning}"
        raise wrong("M1604", message, "Begin the key with a letter or a digit.")
    if "=" in value:
        hint = "Remove the `=`: the AWS CLI takes tags as key=value."
        raise wrong("M1604", f"{shown(value)} cannot be the key of a tag", hint)
    if value.lower() in OWN_TAGS:
        message = f"Every stack has a tag {shown(value.lower())} already"
        raise wrong("M1605", message, "Rename this tag, or remove it.")
    return value


def _check_tags(value: dict[str, str]) -> dict[str, str]:
    """Keys must not differ in case only: IAM user guide, "Tags for AWS Identity and Access
    Management resources". IAM refuses a role with both: "Duplicate tag keys found"."""
    first: dict[str, str] = {}
    for key in value:
        same = first.setdefault(key.lower(), key)
        if same != key:
            message = f"{shown(same)} and {shown(key)} are the same key to IAM, which ignores case"
            raise wrong("M1605", message, "Keep one of them.")
    return value


_TagKey = Annotated[str, AfterValidator(_check_tag_key), _tag_part(128)]
_TagValue = Annotated[str, _tag_part(256)]


class SharesParams(Base):
    """Stacks of another environment. Those that they import from are shared with them."""

    env: str = Field(description="The environment that has the stacks.", examples=["dev"])
    stacks: list[str] = Field(
        min_length=1,
        description="The names of the stacks.",
        examples=[["network", "cluster", "public"]],
    )


class Header(Base):
    """The top of a params file."""

    app: str = Field(
        description="Name of the application: the first part of every stack's name.",
        examples=["shop"],
        json_schema_extra={"pattern": f"^{NAME.pattern}$"},
    )
    region: str = Field(
        description="AWS Region of all stacks, such as `ap-northeast-1`.",
        examples=["eu-central-1"],
        json_schema_extra={"pattern": f"^{REGION_CODE}$"},
    )
    account: AccountId | None = Field(
        None, description="AWS account ID. Needed only where `${account}` is used."
    )
    vars: dict[str, str | int | float | bool] = Field(
        {},
        description="Variables: each value of the params can contain them as `${name}`. The "
        "option `--set name=value` replaces a value, and a variable without one must be set.",
        examples=[{"web_version": "1.4.2", "cpu": 512}],
        json_schema_extra={"propertyNames": {"pattern": f"^{VARIABLE_NAME.pattern}$"}},
    )
    role: str | None = Field(
        None,
        description="ARN of an IAM role that commands and `deploy.sh` assume before they call AWS, "
        "such as a role for deployments in another account.",
        examples=["arn:aws:iam::123456789012:role/deploy"],
    )
    targets: TargetsParams | None = Field(
        None,
        description="Accounts and regions that CloudFormation StackSets deploys the stacks to.",
    )
    shares: SharesParams | None = Field(
        None,
        description="Stacks of another environment that this one uses in place of its own. For "
        "previews.",
    )
    tags: Annotated[dict[_TagKey, _TagValue], AfterValidator(_check_tags)] = Field(
        {},
        max_length=47,
        description="Tags for every resource, in addition to `app`, `env` and `stack`.",
        examples=[{"team": "web"}],
    )
    permissions_boundary: str | None = Field(
        None,
        description="ARN of an IAM policy that is the permissions boundary of every role.",
    )
    runtime_monitoring: bool = Field(
        False,
        description="Whether GuardDuty adds its agent to tasks on Fargate: the execution roles may "
        "then pull the agent's image, too.",
    )
    defaults: Defaults = Field(
        Defaults.unvalidated(),
        description="What applies to every stack that does not say otherwise.",
    )
    suppressions: bool = Field(
        False,
        description="Write into the templates why findings of the security scanners checkov and "
        "cdk-nag are accepted, where Moorage knows the reason.",
    )
    stacks: Annotated[dict[str, dict[str, Any]], Field(min_length=1)] = Field(
        description="The stacks by name. `template:` is the kind of the stack; by default its "
        "name.",
        examples=[{"network": {}, "api": {"template": "service"}}],
    )

    @field_validator("app")
    @classmethod
    def _check_app(cls, value: str) -> str:
        if not NAME.fullmatch(value):
            message = f"{shown(value)} cannot be the first part of a stack's name"
            raise wrong("M1601", message, NAME_HINT)
        return value

    @field_validator("region")
    @classmethod
    def _check_region(cls, value: str) -> str:
        if not REGION.fullmatch(value):
            hint = "Write the code of a region, such as `eu-central-1`."
            raise wrong("M1602", f"{shown(value)} is not a region", hint)
        return value

    @field_validator("permissions_boundary")
    @classmethod
    def _check_boundary(cls, value: str | None) -> str | None:
        if value is not None and not _POLICY_ARN.fullmatch(value):
            hint = "Write one like `arn:aws:iam::123456789012:policy/name`."
            raise wrong("M1606", f"{shown(value)} is not the ARN of an IAM policy", hint)
        return value

    @field_validator("role")
    @classmethod
    def _check_role(cls, value: str | None) -> str | None:
        if value is not None and not ROLE_ARN.fullmatch(value):
            hint = "Write one like `arn:aws:iam::123456789012:role/deploy`."
            raise wrong("M1607", f"{shown(value)} is not the ARN of an IAM role", hint)
        return value
