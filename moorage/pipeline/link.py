"""Renderings -> Plan: exports and imports across stacks, and the order that follows from them.

All of it offline: names of exports are literal, so what imports what is known before AWS is asked.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Container, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from moorage.facts.quotas import (
    MAX_INLINE_POLICY_CHARACTERS,
    MAX_LOGICAL_ID,
    MAX_OUTPUTS,
    MAX_PARAMETERS,
    MAX_RESOURCES,
    MAX_STACK_NAME,
    MAX_TEMPLATE_BYTES,
)
from moorage.findings.finding import Finding, Path
from moorage.model import Environment, Import, Plan, PlannedStack, Rendering
from moorage.pipeline.document import Document

_MOST = {"Resources": MAX_RESOURCES, "Outputs": MAX_OUTPUTS, "Parameters": MAX_PARAMETERS}


def link(
    renderings: tuple[Rendering, ...], env: Environment, document: Document
) -> tuple[Plan | None, list[Finding]]:
    """The stacks in the order of their deployment."""
    owners = {
        export: rendering.stack
        for rendering in renderings
        for export in _exports(rendering.body).values()
    }
    findings = [
        finding
        for rendering in renderings
        for finding in (
            *_limits(rendering, env, document),
            *_long_policies(rendering, env, document),
            *_missing(rendering, owners, document),
            *_doubled(rendering, owners, document),
        )
    ]
    if findings:
        return None, findings
    built = {one.stack for one in renderings}
    planned = {one.stack: _planned(one, env, owners, built) for one in renderings}
    sorter = TopologicalSorter({name: planned[name].depends_on for name in sorted(planned)})
    try:
        order = _by_name(sorter)
    except CycleError as error:
        circle = " -> ".join(reversed(error.args[1]))
        path = ("stacks", error.args[1][0])
        hint = "Break the circle: let one of them take the value from `existing:`."
        what = "import from"
        if any(one.after for one in planned.values()):
            hint = "Break the circle: remove one from an `after:`, or from what another takes."
            what = "wait for"
        message = f"Stacks {what} each other in a circle: {circle}"
        return None, [Finding("M1306", "error", document.place(path), path, message, hint)]
    return Plan(env, tuple(planned[name] for name in order)), []


def _by_name(sorter: TopologicalSorter[str]) -> Iterator[str]:
    """What may be deployed at the same time comes by name, so the order never wavers."""
    sorter.prepare()
    order: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        order += ready
        sorter.done(*ready)
    return iter(order)


def _planned(
    rendering: Rendering, env: Environment, owners: Mapping[str, str], built: Container[str]
) -> PlannedStack:
    return PlannedStack(
        name=rendering.stack,
        stack_name=env.stack_name(rendering.stack),
        rendering=rendering,
        capabilities=_capabilities(rendering.body),
        tags=env.stack_tags(rendering.stack),
        imports=tuple(Import(name, owners[name]) for name in sorted(set(_imports(rendering.body)))),
        exports=_exports(rendering.body),
        # A stack that stands for what exists already is none to wait for.
        after=tuple(sorted(name for name in rendering.deployment.after if name in built)),
        run=rendering.deployment.run,
    )


def _exports(body: Mapping[str, Any]) -> dict[str, str]:
    """Export names by output. Only literal names: ours all are."""
    return {
        output: value["Export"]["Name"]
        for output, value in body.get("Outputs", {}).items()
        if isinstance(value.get("Export", {}).get("Name"), str)
    }


def _imports(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if isinstance(value.get("Fn::ImportValue"), str):
            yield value["Fn::ImportValue"]
        for item in value.values():
            yield from _imports(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _imports(item)


def _capabilities(body: Mapping[str, Any]) -> tuple[str, ...]:
    """What `--capabilities` must acknowledge.

    CAPABILITY_NAMED_IAM where an IAM resource has a physical name, CAPABILITY_IAM where there is
    one at all (CloudFormation API reference, CreateStack, Capabilities).
    """
    iam = [
        resource.get("Properties", {})
        for resource in body.get("Resources", {}).values()
        if resource["Type"].startswith("AWS::IAM::")
    ]
    kinds = ("Role", "Policy", "ManagedPolicy", "Group", "User", "InstanceProfile")
    named = [f"{kind}Name" for kind in kinds]
    if any(name in properties for properties in iam for name in named):
        return ("CAPABILITY_NAMED_IAM",)
    return ("CAPABILITY_IAM",) if iam else ()


# Findings ------------------------------------------------------------------------------------


def _missing(
    rendering: Rendering, owners: Mapping[str, str], document: Document
) -> Iterator[Finding]:
    for name in sorted(set(_imports(rendering.body)) - owners.keys()):
        path = _import_path(rendering.stack, name, document)
        hint = "Export it from a stack of this environment, or write the value itself."
        for meant in difflib.get_close_matches(name, owners, n=1, cutoff=0.9):
            hint = f"Did you mean `{meant}`?"
        message = f"No stack of this environment exports `{name}`"
        yield Finding("M1305", "error", document.place(path), path, message, hint)


def _doubled(
    rendering: Rendering, owners: Mapping[str, str], document: Document
) -> Iterator[Finding]:
    """An export's name is taken once in an account and region. The last stack by name has it."""
    names = list(_exports(rendering.body).values())
    path = ("stacks", rendering.stack)
    for name in sorted(set(names)):
        owner = owners[name]
        if owner != rendering.stack or names.count(name) > 1:
            other = f"by `{owner}`" if owner != rendering.stack else "by another output"
            message = f"`{name}` is exported {other} as well"
            hint = "Give it a name of its own."
            yield Finding("M1309", "error", document.place(path), path, message, hint)


def _import_path(stack: str, name: str, document: Document) -> Path:
    """Where the params import a name: in the stack's overrides, or else as the whole stack."""
    path: Path = ("stacks", stack)
    entry = document.data.get("stacks", {}).get(stack)
    return next((at for at, one in _written_imports(entry, path) if one == name), path)


def _written_imports(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """Every import in a stack's params, and where it stands."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key == "Fn::ImportValue":
                yield (*path, key), item
            yield from _written_imports(item, (*path, key))
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from _written_imports(item, (*path, at))


def _limits(rendering: Rendering, env: Environment, document: Document) -> Iterator[Finding]:
    path = ("stacks", rendering.stack)

    def finding(code: str, message: str, hint: str) -> Finding:
        return Finding(code, "error", document.place(path), path, message, hint)

    stack_name = env.stack_name(rendering.stack)
    if len(stack_name) > MAX_STACK_NAME:
        message = f"The stack's name has {len(stack_name)} characters: {stack_name}"
        hint = f"CloudFormation takes {MAX_STACK_NAME}. Shorten `app` or the stack's name."
        yield finding("M1301", message, hint)
    for section in _MOST:
        for name in rendering.body.get(section, {}):
            if len(name) > MAX_LOGICAL_ID:
                message = f"The logical ID has {len(name)} characters: {name[:60]}..."
                hint = f"CloudFormation takes {MAX_LOGICAL_ID}. Shorten the names it is made of."
                yield finding("M1312", message, hint)
    size = len(rendering.text.encode())
    if size > MAX_TEMPLATE_BYTES:
        message = f"The template has {size:,} bytes"
        hint = (
            f"CloudFormation takes {MAX_TEMPLATE_BYTES:,} without a bucket. Split the stack in two."
        )
        yield finding("M1303", message, hint)
    for section, most in _MOST.items():
        count = len(rendering.body.get(section, {}))
        if count > most:
            message = f"The template has {count} {section.lower()}"
            yield finding("M1304", message, f"CloudFormation takes {most}. Split the stack in two.")


def _long_policies(rendering: Rendering, env: Environment, document: Document) -> Iterator[Finding]:
    path = ("stacks", rendering.stack)
    for name, length in _inline_policies(rendering.body, env.region):
        if length > MAX_INLINE_POLICY_CHARACTERS:
            message = f"The inline policies of {name} have {length:,} characters"
            hint = f"IAM takes {MAX_INLINE_POLICY_CHARACTERS:,}. "
            hint += "Put some into a policy of `managed_policies:`."
            yield Finding("M1310", "error", document.place(path), path, message, hint)


def _inline_policies(body: Mapping[str, Any], region: str) -> Iterator[tuple[str, int]]:
    """The roles, and how many characters their inline policies have at least: what only AWS knows
    counts as nothing."""
    for name, resource in body.get("Resources", {}).items():
        if resource["Type"] == "AWS::IAM::Role":
            policies = resource.get("Properties", {}).get("Policies", [])
            documents = [
                _filled(one.get("PolicyDocument"), region)
                for one in (policies if isinstance(policies, list | tuple) else ())
                if isinstance(one, Mapping)
            ]
            texts = [json.dumps(one, ensure_ascii=False) for one in documents]
            yield name, sum(len(re.sub(r"\s", "", text)) for text in texts)


def _filled(value: Any, region: str) -> Any:
    """A policy with plain texts in place of functions, each as long as it can be told."""
    if isinstance(value, list | tuple):
        return [_filled(item, region) for item in value]
    if not isinstance(value, Mapping):
        return value
    function, argument = next(iter(value.items()), ("", ""))
    if function == "Fn::Sub":
        text = argument if isinstance(argument, str) else str(argument[0])
        known = {"AWS::Partition": "aws", "AWS::Region": region, "AWS::AccountId": "0" * 12}
        return re.sub(r"\$\{([^}]*)\}", lambda match: known.get(match[1], ""), text)
    if function == "Ref" or function.startswith("Fn::"):
        return ""
    return {key: _filled(item, region) for key, item in value.items()}
