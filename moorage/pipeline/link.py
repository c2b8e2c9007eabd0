"""Renderings -> Plan: exports and imports between stacks, and the order of their deployment.

Names of exports are literal, so all of it is known without a call to AWS.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from types import MappingProxyType
from typing import Any

from moorage.cfn.text_sizes import json_bytes, resolve_known
from moorage.facts.quotas import (
    MAX_INLINE_POLICY_CHARACTERS,
    MAX_LOGICAL_ID,
    MAX_OUTPUTS,
    MAX_PARAMETERS,
    MAX_RESOURCES,
    MAX_STACK_NAME,
    MAX_TASK_DEFINITION_BYTES,
    MAX_TEMPLATE_BYTES,
)
from moorage.findings.finding import Finding, Path
from moorage.model import Environment, Import, Plan, PlannedStack, Rendering
from moorage.pipeline.document import Document

_MAX_ENTRIES = {"Resources": MAX_RESOURCES, "Outputs": MAX_OUTPUTS, "Parameters": MAX_PARAMETERS}


def link(
    renderings: tuple[Rendering, ...],
    env: Environment,
    document: Document,
    shared: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Plan | None, list[Finding]]:
    """The stacks in the order of their deployment. `shared` has the exports of stacks of other
    environments, which are deployed already."""
    owners = {
        export: rendering.stack
        for rendering in renderings
        for export in find_exports(rendering.body).values()
    }
    findings = [
        finding
        for rendering in renderings
        for finding in (
            *_limits(rendering, env, document),
            *_long_policies(rendering, env, document),
            *_unknown_imports(rendering, {**shared, **owners}, document),
            *_duplicate_exports(rendering, owners, document),
        )
    ]
    if findings:
        return None, findings
    built = {rendering.stack for rendering in renderings}
    planned = {
        rendering.stack: _plan_stack(rendering, env, owners, built) for rendering in renderings
    }
    sorter = TopologicalSorter({name: planned[name].depends_on for name in sorted(planned)})
    try:
        order = _sort_stacks(sorter)
    except CycleError as error:
        circle = " -> ".join(reversed(error.args[1]))
        path = ("stacks", error.args[1][0])
        hint = "Remove one of these imports; use `existing:` for what one stack takes from another."
        what = "import from"
        if any(stack.deployment.after for stack in planned.values()):
            hint = "Remove one of these stacks from an `after:`, or one of their imports."
            what = "wait for"
        message = f"Stacks {what} each other in a circle: {circle}"
        return None, [Finding("M1306", "error", document.place(path), path, message, hint)]
    return Plan(env, tuple(planned[name] for name in order)), []


def _sort_stacks(sorter: TopologicalSorter[str]) -> Iterator[str]:
    """Dependencies first; stacks that do not depend on each other by name."""
    sorter.prepare()
    order: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        order += ready
        sorter.done(*ready)
    return iter(order)


def _plan_stack(
    rendering: Rendering, env: Environment, owners: Mapping[str, str], built: Container[str]
) -> PlannedStack:
    return PlannedStack(
        name=rendering.stack,
        stack_name=env.stack_name(rendering.stack),
        rendering=rendering,
        capabilities=_capabilities(rendering.body),
        tags=env.stack_tags(rendering.stack),
        imports=tuple(
            Import(name, owners[name])
            for name in sorted({*find_imports(rendering.body)})
            if name in owners
        ),
        exports=find_exports(rendering.body),
        # A stack with `existing:` is not deployed, so there is nothing to wait for.
        deployment=replace(
            rendering.deployment,
            after=tuple(sorted(name for name in rendering.deployment.after if name in built)),
        ),
    )


def find_exports(body: Mapping[str, Any]) -> dict[str, str]:
    """The literal names of exports, by output."""
    return {
        output: value["Export"]["Name"]
        for output, value in body.get("Outputs", {}).items()
        if isinstance(value.get("Export", {}).get("Name"), str)
    }


def find_imports(value: Any) -> Iterator[str]:
    """The names of exports that a part of a template imports, as far as they are literal."""
    if isinstance(value, Mapping):
        if isinstance(value.get("Fn::ImportValue"), str):
            yield value["Fn::ImportValue"]
        for item in value.values():
            yield from find_imports(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from find_imports(item)


def _capabilities(body: Mapping[str, Any]) -> tuple[str, ...]:
    """The capabilities that a deployment must acknowledge.

    CAPABILITY_NAMED_IAM if an IAM resource has a physical name, CAPABILITY_IAM if there is an IAM
    resource (CloudFormation API reference, CreateStack, Capabilities).
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


def _unknown_imports(
    rendering: Rendering, owners: Mapping[str, str], document: Document
) -> Iterator[Finding]:
    for name in sorted(set(find_imports(rendering.body)) - owners.keys()):
        path = _import_path(rendering.stack, name, document)
        hint = "Export it from a stack of this environment, or write the value itself."
        for guess in difflib.get_close_matches(name, owners, n=1, cutoff=0.9):
            hint = f"Did you mean `{guess}`?"
        message = f"No stack of this environment exports `{name}`"
        yield Finding("M1305", "error", document.place(path), path, message, hint)


def _duplicate_exports(
    rendering: Rendering, owners: Mapping[str, str], document: Document
) -> Iterator[Finding]:
    """The name of an export is unique in an account and region. `owners` has the last of
    several."""
    names = list(find_exports(rendering.body).values())
    path = ("stacks", rendering.stack)
    for name in sorted(set(names)):
        owner = owners[name]
        if owner != rendering.stack or names.count(name) > 1:
            other = f"`{owner}`" if owner != rendering.stack else "another output"
            message = f"`{name}` is exported by {other} too"
            hint = "Give one of the exports another name."
            yield Finding("M1309", "error", document.place(path), path, message, hint)


def _import_path(stack: str, name: str, document: Document) -> Path:
    """The path in the params where a name is imported: in the stack's overrides, or the stack
    itself."""
    path: Path = ("stacks", stack)
    entry = document.data.get("stacks", {}).get(stack)
    return next((at for at, used in _written_imports(entry, path) if used == name), path)


def _written_imports(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """Every import in a stack's params, by its path."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key == "Fn::ImportValue":
                yield (*path, key), item
            yield from _written_imports(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _written_imports(item, (*path, index))


def _limits(rendering: Rendering, env: Environment, document: Document) -> Iterator[Finding]:
    path = ("stacks", rendering.stack)

    def finding(code: str, message: str, hint: str) -> Finding:
        return Finding(code, "error", document.place(path), path, message, hint)

    stack_name = env.stack_name(rendering.stack)
    if len(stack_name) > MAX_STACK_NAME:
        message = f"The stack's name has {len(stack_name)} characters: {stack_name}"
        hint = f"CloudFormation accepts {MAX_STACK_NAME}. Shorten `app` or the stack's name."
        yield finding("M1301", message, hint)
    for section in _MAX_ENTRIES:
        for name in rendering.body.get(section, {}):
            if len(name) > MAX_LOGICAL_ID:
                message = f"A logical ID has {len(name)} characters: {name[:60]}..."
                hint = f"CloudFormation accepts {MAX_LOGICAL_ID}. Shorten the names in it."
                yield finding("M1312", message, hint)
    yield from _size_problems(rendering, document)
    for section, most in _MAX_ENTRIES.items():
        count = len(rendering.body.get(section, {}))
        if count > most:
            message = f"The template has {count} {section.lower()}"
            hint = f"CloudFormation accepts {most}. Split the stack in two."
            yield finding("M1304", message, hint)


def _size_problems(rendering: Rendering, document: Document) -> Iterator[Finding]:
    """A finding for a template or task definition that is too large, at its largest value."""
    size = len(rendering.text.encode())
    resources = rendering.body.get("Resources", {})
    tasks = [
        body.get("Properties", {})
        for body in resources.values()
        if body["Type"] == "AWS::ECS::TaskDefinition"
    ]
    task_size = max(map(json_bytes, tasks), default=0)
    if task_size > MAX_TASK_DEFINITION_BYTES:
        code, what, most = "M1314", f"The task definition has {task_size:,} bytes", "ECS accepts "
        most += f"{MAX_TASK_DEFINITION_BYTES:,}"
    elif size > MAX_TEMPLATE_BYTES:
        code, what, most = "M1303", f"The template has {size:,} bytes", "CloudFormation accepts "
        most += f"{MAX_TEMPLATE_BYTES:,} in a request"
    else:
        return
    path: Path = ("stacks", rendering.stack)
    large = _large_values(tasks)
    if not large:
        yield Finding(code, "error", document.place(path), path, what, f"{most}. {_SPLIT}")
        return
    parts = [f"{number:,} in `{key}` of `{container}`" for number, container, key in large]
    _, container, key = large[0]
    candidates = (*path, "containers", container, key), path
    path = next((at for at in candidates if at in document.places), path)
    message = f"{what}, of which {', '.join(parts)}"
    hint = f"{most}. {_KEEP_ELSEWHERE}"
    yield Finding(code, "error", document.place(path), path, message, hint)


_SPLIT = "Split the stack in two."
_KEEP_ELSEWHERE = (
    "Keep long texts outside of the template: in the image, in a file in S3 that "
    "`environment_files:` names, or in parameters that `secrets:` names. Or move containers to "
    "another service."
)
_CONTAINER_KEYS = {
    "Command": "command",
    "DockerLabels": "docker_labels",
    "EntryPoint": "entry_point",
    "Environment": "environment",
    "Secrets": "secrets",
}
"""Keys of containers in the params, by the property of a container definition."""
_LARGE = 4_096
"""Properties of containers with fewer bytes are not named in a message."""


def _large_values(tasks: list[Mapping[str, Any]]) -> list[tuple[int, str, str]]:
    """The three largest values of containers: bytes, container, key in the params."""
    sizes = [
        (json_bytes(value), str(container.get("Name")), _CONTAINER_KEYS.get(str(key), str(key)))
        for task in tasks
        for container in task.get("ContainerDefinitions", ())
        if isinstance(container, Mapping)
        for key, value in container.items()
    ]
    return sorted((entry for entry in sizes if entry[0] >= _LARGE), reverse=True)[:3]


def _long_policies(rendering: Rendering, env: Environment, document: Document) -> Iterator[Finding]:
    path = ("stacks", rendering.stack)
    for name, length in _inline_policies(rendering.body, env.region):
        if length > MAX_INLINE_POLICY_CHARACTERS:
            message = f"The inline policies of {name} have {length:,} characters"
            hint = f"IAM accepts {MAX_INLINE_POLICY_CHARACTERS:,}. Move some statements into a "
            hint += "policy that `managed_policies:` names."
            yield Finding("M1310", "error", document.place(path), path, message, hint)


def _inline_policies(body: Mapping[str, Any], region: str) -> Iterator[tuple[str, int]]:
    """The roles, and the minimum length of their inline policies: values that only the deployment
    knows count as empty."""
    for name, resource in body.get("Resources", {}).items():
        if resource["Type"] == "AWS::IAM::Role":
            policies = resource.get("Properties", {}).get("Policies", [])
            documents = [
                resolve_known(policy.get("PolicyDocument"), region)
                for policy in (policies if isinstance(policies, list | tuple) else ())
                if isinstance(policy, Mapping)
            ]
            texts = [json.dumps(document, ensure_ascii=False) for document in documents]
            yield name, sum(len(re.sub(r"\s", "", text)) for text in texts)
