"""`targets:` of an environment: the accounts and regions that StackSets deploys it to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, WithJsonSchema

from moorage.facts.arn_patterns import IAM_ROLE
from moorage.facts.regions import REGION_CODE, partition
from moorage.facts.stack_sets import (
    EXECUTION_ROLE_NAME,
    MAX_ORGANIZATIONAL_UNITS,
    NO_TRUSTED_ACCESS,
    ORGANIZATIONAL_UNIT,
)
from moorage.findings.finding import Problem
from moorage.findings.wording import shown
from moorage.model import Base, Share, Targets, wrong
from moorage.pipeline.account_id import AccountId


def _check_form(pattern: str, what: str, example: str, code: str = "M1503") -> AfterValidator:
    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise wrong(code, f"{shown(value)} is not {what}", f"Write one like `{example}`.")
        return value

    return AfterValidator(check)


def _describe_form(pattern: str, what: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^{pattern}$", "takes": what})


_Region = Annotated[
    str,
    _check_form(REGION_CODE, "a region", "eu-central-1", "M1602"),
    _describe_form(REGION_CODE, "the code of a region"),
]
_UNIT = "the ID of an organizational unit or root"
_Unit = Annotated[
    str,
    _check_form(ORGANIZATIONAL_UNIT, _UNIT, "ou-ab12-0123abcd"),
    _describe_form(ORGANIZATIONAL_UNIT, _UNIT),
]
_RoleArn = Annotated[
    str,
    _check_form(IAM_ROLE, "the ARN of an IAM role", "arn:aws:iam::123456789012:role/name"),
    _describe_form(IAM_ROLE, "the ARN of an IAM role"),
]
_RoleName = Annotated[
    str,
    _check_form(EXECUTION_ROLE_NAME, "the name of an IAM role", "stacksets-execution"),
    _describe_form(EXECUTION_ROLE_NAME, "the name of an IAM role"),
]


class ConcurrentAccounts(Base):
    """How many accounts are deployed to at once, as a percentage of those in a region."""

    percent: int = Field(ge=1, le=100, description="Percentage, rounded down, but at least one.")


class ToleratedAccounts(Base):
    """How many accounts can fail, as a percentage of those in a region."""

    percent: int = Field(ge=0, le=100, description="Percentage, rounded down.")


class TargetsParams(Base):
    """The accounts and regions that an environment is deployed to, by CloudFormation StackSets: one
    stack set for each stack. `account`, `role` and `region` are those of the stack sets."""

    regions: list[_Region] = Field(
        min_length=1,
        description="The regions, in the order in which each stack set is deployed. That of the "
        "environment must be one of them.",
        examples=[["eu-central-1", "eu-west-1"]],
    )
    accounts: list[AccountId] = Field(
        [],
        description="The accounts, which need the roles of self-managed permissions. With "
        "`organizational_units`, accounts in these.",
    )
    organizational_units: list[_Unit] = Field(
        [],
        description="Organizational units, or the root, of AWS Organizations: all accounts in "
        "them, with service-managed permissions.",
    )
    account_filter: Literal["intersection", "difference"] = Field(
        "intersection",
        description="What `accounts` means with `organizational_units`: only these, or all but "
        "these.",
    )
    region_concurrency: Literal["sequential", "parallel"] = Field(
        "sequential", description="One region after the other, or all at once."
    )
    max_concurrent: Annotated[int, Field(ge=1)] | ConcurrentAccounts = Field(
        1, description="Accounts that are deployed to at once in a region."
    )
    failure_tolerance: Annotated[int, Field(ge=0)] | ToleratedAccounts = Field(
        0, description="Accounts of a region that can fail before CloudFormation stops."
    )
    concurrency_mode: Literal["strict", "soft"] = Field(
        "strict",
        description="`strict`: never more accounts at once than `failure_tolerance` and one. "
        "`soft`: always `max_concurrent`, so that more accounts can fail.",
    )
    managed_execution: bool = Field(
        False,
        description="Whether StackSets runs operations that do not conflict at once, and queues "
        "others.",
    )
    auto_deployment: bool = Field(
        False,
        description="Whether accounts that join the organizational units get the stacks, and "
        "accounts that leave lose them.",
    )
    retain_stacks: bool = Field(
        False, description="Whether an account that leaves keeps its stacks."
    )
    call_as: Literal["self", "delegated_admin"] = Field(
        "self",
        description="`delegated_admin` if the account is a delegated administrator, and not the "
        "management account of the organization.",
    )
    administration_role: _RoleArn | None = Field(
        None,
        description="ARN of the administration role of self-managed permissions; by default "
        "AWSCloudFormationStackSetAdministrationRole.",
    )
    execution_role: _RoleName | None = Field(
        None,
        description="Name of the execution role in each account of self-managed permissions; by "
        "default AWSCloudFormationStackSetExecutionRole.",
    )

    def resolve(self) -> Targets:
        """What it means."""
        return Targets(
            regions=tuple(self.regions),
            accounts=tuple(self.accounts),
            organizational_units=tuple(self.organizational_units),
            account_filter=self.account_filter,
            region_concurrency=self.region_concurrency,
            max_concurrent=_share(self.max_concurrent),
            failure_tolerance=_share(self.failure_tolerance),
            concurrency_mode=self.concurrency_mode,
            managed_execution=self.managed_execution,
            auto_deployment=self.auto_deployment,
            retain_stacks=self.retain_stacks,
            call_as=self.call_as,
            administration_role=self.administration_role,
            execution_role=self.execution_role,
        )


def _share(value: int | ConcurrentAccounts | ToleratedAccounts) -> Share:
    return Share(value) if isinstance(value, int) else Share(value.percent, is_percentage=True)


def find_target_problems(params: TargetsParams, region: str) -> Iterator[Problem]:
    """What is wrong in `targets` although each of its keys is right. Paths count from `targets`."""
    if not params.accounts and not params.organizational_units:
        hint = "Write `organizational_units:` or `accounts:`."
        yield Problem("M1701", (), "`targets` names no account", hint)
    for key in ("regions", "accounts", "organizational_units"):
        yield from _find_repeats(key, getattr(params, key))
    if region and region not in params.regions:
        message = f"The region of the environment, {region}, is not among the regions"
        hint = f"Add it, or write `region: {params.regions[0]}` at the top of the file."
        yield Problem("M1702", ("regions",), message, hint)
    yield from _find_partition_problem(params.regions)
    if params.organizational_units and partition(region) in NO_TRUSTED_ACCESS:
        message = f"StackSets has no access to AWS Organizations in {region}"
        hint = "Write `accounts:` without `organizational_units:`, with the roles of self-managed "
        hint += "permissions."
        yield Problem("M1715", ("organizational_units",), message, hint)
    if len(params.organizational_units) > MAX_ORGANIZATIONAL_UNITS:
        count = len(params.organizational_units)
        hint = f"StackSets takes {MAX_ORGANIZATIONAL_UNITS}. Name an organizational unit around "
        hint += "several of them."
        message = f"There are {count} organizational units"
        yield Problem("M1703", ("organizational_units",), message, hint)
    yield from _find_unused(params)
    yield from _find_concurrency_problem(params)


def _find_repeats(key: str, values: Sequence[str]) -> Iterator[Problem]:
    for index, value in enumerate(values):
        if value in values[:index]:
            message = f"The list contains `{value}` twice"
            yield Problem("M1502", (key, index), message, "Remove one of them.")


def _find_partition_problem(regions: Sequence[str]) -> Iterator[Problem]:
    for index, region in enumerate(regions):
        if partition(region) != partition(regions[0]):
            message = f"{region} is in the partition {partition(region)}, and {regions[0]} in "
            hint = f"Deploy {region} as an environment of its own."
            yield Problem("M1706", ("regions", index), message + partition(regions[0]), hint)


_OF_ORGANIZATIONS = ("auto_deployment", "call_as")
_SELF_MANAGED = ("administration_role", "execution_role")


def _find_unused(params: TargetsParams) -> Iterator[Problem]:
    """Settings of the other permission model, or of something that is not chosen."""
    units = bool(params.organizational_units)
    if not params.accounts and not units:
        return
    have, lack = ("organizational_units", "accounts") if units else ("accounts", "")
    for key in params.model_fields_set:
        if key in (_SELF_MANAGED if units else _OF_ORGANIZATIONS):
            other = "without" if units else "with"
            message = f"`{key}` has no effect with `{have}`"
            hint = f"Remove it: it is for targets {other} `organizational_units`."
            yield Problem("M1704", (key,), message, hint)
    if "account_filter" in params.model_fields_set and not (units and params.accounts):
        missing = lack if units else "organizational_units"
        message = f"`account_filter` has no effect without `{missing}`"
        yield Problem("M1704", ("account_filter",), message, f"Remove it, or add `{missing}`.")
    if "retain_stacks" in params.model_fields_set and not params.auto_deployment:
        message = "`retain_stacks` has no effect without `auto_deployment: true`"
        yield Problem("M1704", ("retain_stacks",), message, "Remove it.")


def _find_concurrency_problem(params: TargetsParams) -> Iterator[Problem]:
    most, failures = params.max_concurrent, params.failure_tolerance
    if params.concurrency_mode != "strict" or "max_concurrent" not in params.model_fields_set:
        return
    if isinstance(most, int) and isinstance(failures, int) and most > failures + 1:
        noun = "account" if failures == 0 else "accounts"
        message = f"With `failure_tolerance: {failures}`, at most {failures + 1} {noun} at once "
        message += "are deployed to"
        message = message.replace("account at once are", "account at once is")
        hint = f"Write `max_concurrent: {failures + 1}`, a higher `failure_tolerance`, or "
        hint += "`concurrency_mode: soft`."
        yield Problem("M1705", ("max_concurrent",), message, hint)
