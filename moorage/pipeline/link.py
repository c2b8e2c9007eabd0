"""Renderings -> Plan: exports and imports between stacks, and the order of their deployment.

Names of exports are literal, so all of it is known without a call to AWS.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from functools import cache, partial
from graphlib import CycleError, TopologicalSorter
from typing import Any

from moorage.cfn.outside_needs import find_created_parameters, find_read_parameters
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
from moorage.findings.wording import find_closest
from moorage.model import Environment
from moorage.pipeline.document import Document
from moorage.pipeline.exports import find_exports
from moorage.pipeline.reference_problems import find_reference_problems
from moorage.plan import Import, Plan, PlannedStack, Rendering
from moorage.references import references_of

_MAX_ENTRIES = {"Resources": MAX_RESOURCES, "Outputs": MAX_OUTPUTS, "Parameters": MAX_PARAMETERS}


def link(
    renderings: tuple[Rendering, ...],
    env: Environment,
    document: Document,
    shared: tuple[Rendering, ...] = (),
) -> tuple[Plan | None, list[Finding]]:
    """The stacks in the order of their deployment. `shared` has the stacks of the environment
    whose stacks this one shares, which are deployed already."""
    exports = {rendering.stack: find_exports(rendering, env) for rendering in renderings}
    owners = {name: stack for stack, outputs in exports.items() for name in outputs.values()}
    shared = tuple(rendering for rendering in shared if rendering.stack in env.shared)
    known = {name for each in shared for name in find_exports(each, env).values()}
    findings = [
        *find_reference_problems(renderings, env, document, shared),
        *_unknown_imports(renderings, {*owners, *known}, env, document),
    ]
    findings += [
        finding
        for rendering in renderings
        for finding in (
            *_limits(rendering, env, document),
            *_long_policies(rendering, env, document),
            *_duplicate_exports(rendering.stack, exports[rendering.stack], owners, document),
        )
    ]
    if findings:
        return None, findings
    built = {rendering.stack for rendering in renderings}
    parameters = {
        name: rendering.stack
        for rendering in renderings
        for name in find_created_parameters(rendering.body)
    }
    planned = {
        rendering.stack: _plan_stack(rendering, env, owners, built, parameters)
        for rendering in renderings
    }
    planned = _put_service_role_first(planned)
    sorter = TopologicalSorter({name: planned[name].depends_on for name in sorted(planned)})
    try:
        order = _sort_stacks(sorter)
    except CycleError as error:
        names = list(reversed(error.args[1]))
        return None, [_report_circle(names, planned, env, document)]
    return Plan(env, tuple(planned[name] for name in order)), []


def _report_circle(
    names: Sequence[str], planned: Mapping[str, PlannedStack], env: Environment, document: Document
) -> Finding:
    """A finding about stacks of which each needs the next, and the last the first."""
    path = _circle_path(planned[names[0]], names[1], env, document)
    hint = "Remove one of these imports; use `existing:` for what one stack takes from another."
    what = "import from"
    if any(stack.deployment.after for stack in planned.values()):
        hint = "Remove one of these stacks from an `after:`, or one of their imports."
        what = "wait for"
    message = f"Stacks {what} each other in a circle: {' -> '.join(names)}"
    return Finding("M1306", "error", document.place(path), path, message, hint)


def _put_service_role_first(planned: Mapping[str, PlannedStack]) -> dict[str, PlannedStack]:
    """The stacks, with all others after the one with the role that they are deployed with."""
    first = tuple(name for name, stack in planned.items() if stack.deployment.service_role)

    def wait(stack: PlannedStack) -> PlannedStack:
        after = tuple(sorted({*stack.deployment.after, *first}))
        return replace(stack, deployment=replace(stack.deployment, after=after))

    return {name: stack if name in first else wait(stack) for name, stack in planned.items()}


def _circle_path(stack: PlannedStack, imported: str, env: Environment, document: Document) -> Path:
    """The path at which the params of a stack name the other stack, or that of the stack."""
    names = {used.name for used in stack.imports if used.stack == imported}
    written = _written_imports(stack.name, env, document)
    own: Path = ("stacks", stack.name)
    entry = document.data.get("stacks", {}).get(stack.name, {})
    named = [
        *(path for path, name in written if name in names),
        *_find_name(entry, imported, own),
    ]
    return next((path for path in named if path in document.places), own)


def _find_name(value: Any, name: str, path: Path) -> Iterator[Path]:
    """The paths of a name in params: of keys and of texts in lists and maps."""
    items = enumerate(value) if isinstance(value, list) else ()
    for key, item in value.items() if isinstance(value, Mapping) else items:
        if name in (key, item):
            yield (*path, key)
        yield from _find_name(item, name, (*path, key))


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
    rendering: Rendering,
    env: Environment,
    owners: Mapping[str, str],
    built: Set[str],
    parameters: Mapping[str, str],
) -> PlannedStack:
    """`owners` are the stacks of exports, `parameters` those that create parameters of Parameter
    Store."""
    read = find_read_parameters(rendering.body)
    creators = {parameters[name] for name in read & parameters.keys()} - {rendering.stack}
    imported = sorted(rendering.imports)
    return PlannedStack(
        name=rendering.stack,
        stack_name=env.stack_name(rendering.stack),
        rendering=rendering,
        capabilities=_capabilities(rendering.body),
        tags=env.stack_tags(rendering.stack),
        imports=tuple(Import(name, owners[name]) for name in imported if name in owners),
        exports=find_exports(rendering, env),
        # A stack with `existing:` is not deployed, so there is nothing to wait for.
        deployment=replace(
            rendering.deployment,
            after=tuple(sorted({*rendering.deployment.after, *creators} & built)),
        ),
    )


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
    renderings: tuple[Rendering, ...],
    owners: Collection[str],
    env: Environment,
    document: Document,
) -> Iterator[Finding]:
    """Imports that are surely wrong. Other names can be exports of stacks outside of the
    environment. `find_reference_problems` reports references to outputs."""
    paths: dict[str, dict[str, Path]] = {}
    for stack in env.stacks:
        for path, used in _written_imports(stack, env, document):
            paths.setdefault(used, {}).setdefault(stack, path)
    to_outputs = {
        env.export_name(reference.stack, reference.output)
        for references in references_of(env).values()
        for _, reference in references
        if reference.stack is not None
    }
    known = to_outputs.union(owners)
    names = {_plain(name): name for name in sorted(owners)}
    find_meant = cache(partial(_find_meant, names=names, env=env))
    reported: set[tuple[str, Path]] = set()
    for rendering in renderings:
        for name in sorted(rendering.imports - known):
            guess = find_meant(name)
            if not guess and not name.startswith(env.stack_name("")):
                continue
            own: Path = ("stacks", rendering.stack)
            by_stack = paths.get(name, {})
            path = by_stack.get(rendering.stack) or next(iter(by_stack.values()), own)
            if (name, path) not in reported:
                reported.add((name, path))
                hint = "Export it from a stack of this environment, or write the value itself."
                hint = f"Did you mean `{guess}`?" if guess else hint
                message = f"No stack of this environment exports `{name}`"
                yield Finding("M1305", "error", document.place(path), path, message, hint)


def _find_meant(name: str, names: Mapping[str, str], env: Environment) -> str:
    """The export of this environment that an import was meant to be; empty if there is none.

    `names` are those of the exports, by the same names in lower case and without separators. A name
    that differs in more than these can be an export of another environment, unless it begins with
    the name of this one.
    """
    if meant := names.get(_plain(name)):
        return meant
    if not name.startswith(env.stack_name("")):
        return ""
    return find_closest(name, names.values(), 0.9)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _duplicate_exports(
    stack: str, exports: Mapping[str, str], owners: Mapping[str, str], document: Document
) -> Iterator[Finding]:
    """The name of an export is unique in an account and region. `owners` has the last of
    several."""
    path = ("stacks", stack)
    for name, count in sorted(Counter(exports.values()).items()):
        owner = owners[name]
        if owner != stack or count > 1:
            other = f"`{owner}`" if owner != stack else "another output"
            message = f"`{name}` is exported by {other} too"
            hint = "Give one of the exports another name."
            yield Finding("M1309", "error", document.place(path), path, message, hint)


def _written_imports(
    stack: str, env: Environment, document: Document
) -> Iterator[tuple[Path, str]]:
    """Every name that the params of a stack import, by its path: in references and overrides."""
    for at, reference in references_of(env).get(stack, ()):
        if reference.export is not None:
            yield at, reference.export
        elif reference.stack is not None:
            yield at, env.export_name(reference.stack, reference.output)
    entry = document.data.get("stacks", {}).get(stack, {})
    yield from _function_imports(entry, ("stacks", stack))


def _function_imports(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key == "Fn::ImportValue" and isinstance(item, str):
                yield (*path, key), item
            yield from _function_imports(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _function_imports(item, (*path, index))


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
