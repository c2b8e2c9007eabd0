"""What StackSets cannot deploy: one template serves all accounts and regions of `targets:`.

The environment is also built for each other region: what the build finds only there, and where the
templates differ, cannot be deployed to all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from moorage.facts.resource_ids import (
    AMI,
    EFS_ACCESS_POINT,
    EFS_FILE_SYSTEM,
    ELASTIC_IP,
    PREFIX_LIST,
    SECURITY_GROUP,
    SNAPSHOT,
    SUBNET,
    VPC,
)
from moorage.facts.stack_sets import GLOBAL_NAMES, NESTED, REGIONAL, WORLDWIDE_NAMES
from moorage.findings.finding import Finding, Level, Path
from moorage.findings.wording import shown
from moorage.model import Targets
from moorage.pipeline.document import Document
from moorage.plan import Plan, PlannedStack
from moorage.records import record

_ARN = re.compile(r"arn:[a-z-]+:([a-z0-9-]+):([a-z0-9-]*):([0-9]{12}):(.+)")
_IDS = re.compile(
    "|".join(
        (
            *(AMI, ELASTIC_IP, PREFIX_LIST, SECURITY_GROUP, SNAPSHOT, SUBNET, VPC),
            *(EFS_FILE_SYSTEM, EFS_ACCESS_POINT),
        )
    )
)
_FREE_TEXT = ("Environment", "Command", "EntryPoint", "Metadata", "Description", "Tags")
"""Properties whose values CloudFormation does not look up."""


@record
class RegionalBuild:
    """A build of the same environment in another region."""

    region: str
    document: Document
    plan: Plan | None
    findings: Sequence[Finding]


def find_target_findings(
    plan: Plan,
    document: Document,
    targets: Targets,
    earlier: Sequence[Finding],
    others: Sequence[RegionalBuild],
) -> list[Finding]:
    """Everything in an environment that StackSets cannot deploy to its targets. `earlier` are the
    findings of its own region."""
    findings = [*_find_unsupported(plan, document, targets)]
    for other in others:
        findings += _find_regional(plan, document, other, earlier)
    reported = {finding.path for finding in findings}
    for finding in _find_bound_values(plan, document, targets):
        if finding.path not in reported:
            reported.add(finding.path)
            findings.append(finding)
    return findings


def find_account_references(document: Document, other: Document) -> Iterator[Finding]:
    """Each use of `${account}` in the params. `other` has another account in its place."""
    for path, value in _differences(document.data, other.data, ()):
        if path[0] not in ("account", "role"):
            message = f"`${{account}}` becomes {shown(value)} in every account of `targets`"
            hint = "Write a value that fits all of them. A reference without an account, such as "
            hint += "`ecr:` or `ssm:`, is one to the account of the stack."
            yield Finding("M1707", "error", document.place(path), path, message, hint)


# What a stack set lacks ------------------------------------------------------------------------


def _find_unsupported(plan: Plan, document: Document, targets: Targets) -> Iterator[Finding]:
    for stack in plan.stacks:
        path: Path = ("stacks", stack.name)

        def finding(code: str, message: str, hint: str, at: Path = path) -> Finding:
            return Finding(code, "error", document.place(at), at, message, hint)

        if stack.deployment.run is not None:
            hint = "Remove it from this environment. Run the task in each account by another way, "
            hint += "such as a `scheduled_task`."
            yield finding("M1710", "StackSets deploys stacks and runs no tasks", hint)
        if stack.deployment.pairs or stack.deployment.code_deploy is not None:
            at = (*path, "release")
            message = "The weights of its target groups cannot be kept through StackSets"
            hint = "Write `release: {strategy: rolling}`."
            yield finding("M1711", message, hint, at)
        if targets.service_managed:
            for name in _find_nested(stack):
                message = f"The template has {name}, which service-managed permissions do not allow"
                hint = "Remove it, or name `accounts` without `organizational_units`."
                yield finding("M1712", message, hint)
        yield from _find_names(stack, document, targets)


def _find_nested(stack: PlannedStack) -> Iterator[str]:
    body = stack.rendering.body
    if "Transform" in body:
        yield "a `Transform`"
    for name, resource in body.get("Resources", {}).items():
        if resource["Type"] in NESTED:
            yield f"`{name}` of the type {resource['Type']}"


def _find_names(stack: PlannedStack, document: Document, targets: Targets) -> Iterator[Finding]:
    """Names that exist once in an account, or once in the world."""
    regions = len(targets.regions) > 1
    for logical_id, resource in stack.rendering.body.get("Resources", {}).items():
        properties = resource.get("Properties", {})
        key = GLOBAL_NAMES.get(resource["Type"]) if regions else None
        where = "in an account, in all regions together"
        if regions or targets.several_accounts:
            if worldwide := WORLDWIDE_NAMES.get(resource["Type"]):
                key, where = worldwide, "in all accounts together"
            elif resource["Type"] == "AWS::Route53::RecordSet":
                key, where = "Name", "in its hosted zone"
        name = properties.get(key) if key else None
        if isinstance(name, str):
            path = _find_written(name, stack.name, document)
            message = (
                f"{shown(name)} of {logical_id} ({resource['Type']}) can exist only once {where}"
            )
            hint = f"Remove `{key}`, so that CloudFormation makes a name, or write `Fn::Sub` with "
            hint += "`${AWS::AccountId}` and `${AWS::Region}` in it."
            if resource["Type"] == "AWS::Route53::RecordSet":
                hint = "Remove it, and create the record that all targets share elsewhere."
            yield Finding("M1713", "error", document.place(path), path, message, hint)


# Values of one account or region ---------------------------------------------------------------


def _find_bound_values(plan: Plan, document: Document, targets: Targets) -> Iterator[Finding]:
    for stack in plan.stacks:
        for value in dict.fromkeys(_texts(stack.rendering.body.get("Resources", {}))):
            if (bound := _find_bound(value, targets)) is None:
                continue
            level, what, where = bound
            path = _find_written(value, stack.name, document)
            message = f"The {what} {shown(value)} exists in one {where} only"
            hint = "A stack set has one template for all targets. Let a stack of this environment "
            hint += "create it, or deploy to that account and region only."
            if level == "warning":
                message = f"The {what} {shown(value)} belongs to one account"
                hint = "Share it with the other accounts, if AWS allows that for it, or let a "
                hint += "stack of this environment create it."
            yield Finding("M1714", level, document.place(path), path, message, hint)


def _find_bound(value: str, targets: Targets) -> tuple[Level, str, str] | None:
    """How sure it is that a value does not fit all targets, what it is, and where it exists."""
    if _IDS.fullmatch(value):
        if len(targets.regions) > 1:
            return "error", "ID", "region"
        return ("warning", "ID", "account") if targets.several_accounts else None
    match = _ARN.fullmatch(value)
    if match is None:
        return None
    service, region, account, resource = match.groups()
    elsewhere = targets.service_managed or targets.accounts != (account,)
    if service == "iam" and resource.startswith("policy/"):
        return ("error", "policy", "account") if elsewhere else None
    if service not in REGIONAL:
        return None
    if targets.regions != (region,):
        return "error", REGIONAL[service], "region"
    return ("warning", REGIONAL[service], "account") if elsewhere else None


def _texts(value: Any) -> Iterator[str]:
    """The texts of a template that CloudFormation or a service looks up. What a policy names need
    not exist."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if key not in _FREE_TEXT and not key.endswith("PolicyDocument"):
                yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


def _find_written(value: str, stack: str, document: Document) -> Path:
    """The path of the params that has a value of a template: in the stack, or elsewhere. Without
    one, that of the stack."""
    own: Path = ("stacks", stack)
    stacks = document.data.get("stacks", {})
    written = [path for path, text in _leaves(stacks.get(stack), own) if text == value]
    written += [path for path, text in _leaves(document.data, ()) if text == value]
    return next(iter(written), own)


def _leaves(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _leaves(item, (*path, index))
    else:
        yield path, value


# Other regions ---------------------------------------------------------------------------------


def _find_regional(
    plan: Plan, document: Document, other: RegionalBuild, earlier: Sequence[Finding]
) -> Iterator[Finding]:
    """What is wrong in another region only, and what differs there."""
    known = {(finding.code, finding.path) for finding in earlier}
    elsewhere = f"Remove {other.region} from `targets.regions`, and deploy it as an environment "
    elsewhere += "of its own, or write what fits both."
    reported: set[Path] = set()
    for found in other.findings:
        if (found.code, found.path) not in known and found.level != "info":
            reported.add(found.path)
            message = f"In {other.region}: {found.message} ({found.code})"
            yield Finding("M1708", found.level, found.place, found.path, message, elsewhere)
    home = plan.environment.region
    paths = [*_differences(document.data, other.document.data, ())]
    for path, value in paths:
        if path[0] not in ("region", "role") and path not in reported:
            reported.add(path)
            message = f"`${{region}}` becomes {shown(value)} in every region of `targets`"
            hint = f"Write a value that fits {home} and {other.region}."
            yield Finding("M1707", "error", document.place(path), path, message, hint)
    theirs = {stack.name: stack for stack in other.plan.stacks} if other.plan else {}
    for stack in plan.stacks:
        at: Path = ("stacks", stack.name)
        same = theirs.get(stack.name)
        if same is None or same.rendering.text == stack.rendering.text:
            continue
        if any(path[:2] == at for path in reported):
            continue
        where = next(_differences(stack.rendering.body, same.rendering.body, ()), ((), None))[0]
        message = f"The template differs between {home} and {other.region}, at "
        message += ".".join(map(str, where))
        yield Finding("M1709", "error", document.place(at), at, message, elsewhere)


def _differences(value: Any, other: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """The paths at which two values differ, with what the first one has."""
    if isinstance(value, Mapping) and isinstance(other, Mapping):
        for key in value:
            yield from _differences(value[key], other.get(key), (*path, key))
    elif isinstance(value, list) and isinstance(other, list) and len(value) == len(other):
        for index, (item, counterpart) in enumerate(zip(value, other, strict=True)):
            yield from _differences(item, counterpart, (*path, index))
    elif value != other:
        yield path, value
