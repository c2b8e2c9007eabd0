"""`shares:`: stacks of another environment that an environment uses as if they were its own.

The params of these stacks are those of the other environment, and so are the names of their
exports. They are not composed again: the templates of the environment import from them.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Any

from moorage.cfn.raw_references import imports
from moorage.findings.finding import Finding, Path, Problem
from moorage.findings.wording import list_names, near
from moorage.model import PREVIEW, Environment, KnownPriorities, TemplateModule
from moorage.pipeline.compose import compose
from moorage.pipeline.document import Document, sort_keys
from moorage.pipeline.environments import list_environments
from moorage.pipeline.exports import export_imported, find_literal_exports
from moorage.pipeline.load import load
from moorage.pipeline.manifest import find_priorities
from moorage.pipeline.render import render
from moorage.pipeline.validate import validate
from moorage.plan import Rendering
from moorage.records import record

SHARES = "shares"
_OTHER = "another"
"""The name of a second preview, whose templates are compared with those of the first."""
_ELB = "AWS::ElasticLoadBalancingV2::"


@record
class Shared:
    """What an environment shares, and what it must not have as well."""

    env: str
    renderings: tuple[Rendering, ...]
    """All stacks of the other environment."""
    second: tuple[Rendering, ...] = ()
    """The stacks of another preview of the same params."""


def add_shared_stacks(
    folder: FilePath,
    document: Document,
    templates: Mapping[str, TemplateModule],
    out: FilePath | None = None,
) -> tuple[Document, Shared | None, list[Finding]]:
    """The document with the params of the stacks that it shares. `out` is the folder with what the
    last builds of the environments wrote."""
    written = document.data.get(SHARES)
    if not isinstance(written, dict) or not _is_list_of_texts(written.get("stacks")):
        return document, None, []  # validation reports it
    name = str(written.get("env"))
    own = FilePath(document.file).stem
    others = [each for each in list_environments(folder) if each != own]
    theirs: Document | None = None
    renderings: tuple[Rendering, ...] = ()
    if name in others:
        theirs, renderings = _render_environment(folder, name, templates, out)
    problem = _find_problem(document, others, theirs)
    if theirs is None or problem is not None:
        assert problem is not None
        return document, None, [document.locate(problem, (SHARES, *problem.path))]
    shared = _with_what_they_need(written["stacks"], theirs, renderings)
    ignored = list(_find_ignored(document, name, shared))
    document = _add_priorities(document, renderings, shared)
    return _graft(document, theirs, shared), Shared(name, renderings), ignored


def _is_list_of_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def render_second_preview(
    folder: FilePath, document: Document, templates: Mapping[str, TemplateModule]
) -> tuple[Rendering, ...]:
    """The stacks of another preview of the same params; none for environments that are no
    previews."""
    env = FilePath(document.file).stem
    if env != PREVIEW:
        return ()
    given = replace(document.given, preview=_OTHER)
    other, findings = load(folder, env, given)
    if other is None or _has_error(findings):
        return ()
    other, _, findings = add_shared_stacks(folder, other, templates)
    environment, _ = validate(other, templates)
    return _render_all(environment, other, templates) if environment and not findings else ()


def _render_environment(
    folder: FilePath, env: str, templates: Mapping[str, TemplateModule], out: FilePath | None
) -> tuple[Document | None, tuple[Rendering, ...]]:
    document, findings = load(folder, env)
    if document is None or _has_error(findings):
        return None, ()
    if out is not None:
        document = replace(document, priorities=find_priorities(out / env))
    environment, _ = validate(document, templates)
    if environment is None:
        return None, ()
    return document, _render_all(environment, document, templates)


def _render_all(
    environment: Environment, document: Document, templates: Mapping[str, TemplateModule]
) -> tuple[Rendering, ...]:
    rendered = [render(stack, document, "yaml")[0] for stack in compose(environment, templates)]
    renderings = tuple(rendering for rendering in rendered if rendering is not None)
    return export_imported(renderings, environment, document, "yaml")


def _find_problem(document: Document, others: list[str], theirs: Document | None) -> Problem | None:
    """Why the stacks cannot be shared. `theirs` are the params of the other environment; None if it
    has errors or does not exist."""
    name, stacks = str(document.data[SHARES].get("env")), document.data[SHARES]["stacks"]
    if name not in others:
        message = f"`{name}` is no other environment"
        return Problem("M4001", ("env",), message, _propose(name, others, "Write one of"))
    if theirs is None:
        hint = f"`python build.py check {name}` reports them."
        return Problem("M4002", ("env",), f"`{name}` has errors", hint)
    if mismatch := _find_mismatch(document, theirs):
        return Problem("M4001", ("env",), *mismatch)
    known = theirs.data["stacks"]
    for at, stack in enumerate(stacks):
        if stack not in known:
            message = f"`{name}` has no stack `{stack}`"
            return Problem("M4001", ("stacks", at), message, _propose(stack, known, "It has"))
    return None


def _propose(name: str, known: Collection[str], otherwise: str) -> str:
    meant = near(name, known)
    return f"Did you mean `{meant}`?" if meant else f"{otherwise} {list_names(known)}."


def _find_mismatch(document: Document, theirs: Document) -> tuple[str, str] | None:
    """Message and hint if the stacks of the other environment cannot be used."""
    if "targets" in document.data or "targets" in theirs.data:
        message = "Stacks that StackSets deploys cannot be shared"
        return message, "Remove `shares:`, or `targets:`."
    if SHARES in theirs.data:
        return f"`{theirs.env}` shares stacks itself", "Name the environment that has them."
    for key in ("app", "region", "account"):
        own, other = document.data.get(key), theirs.data.get(key)
        if own != other:
            message = f"The `{key}` of `{theirs.env}` is {other}, and here it is {own}"
            return message, f"Write `{key}:` in base.yaml, for both."
    return None


def _find_ignored(document: Document, env: str, shared: frozenset[str]) -> Iterator[Finding]:
    """Findings for params of shared stacks in the environment's own file."""
    for stack in sorted(shared):
        path: Path = ("stacks", stack)
        place = document.places.get(path)
        if place is not None and place.file == document.file:
            message = f"`{stack}` is a stack of `{env}`, so its params here have no effect"
            hint = f"Remove `{stack}` here, or write them in the params of `{env}`."
            yield Finding("M4007", "error", place, path, message, hint)


def _with_what_they_need(
    names: Iterable[Any], theirs: Document, renderings: Iterable[Rendering]
) -> frozenset[str]:
    """The stacks, and those that they import from. A stack with `existing:` has no template, so the
    references in its params count as well."""
    bodies = {rendering.stack: rendering.body for rendering in renderings}
    owners = {
        export: stack
        for stack, body in bodies.items()
        for export in find_literal_exports(body).values()
    }
    shared: set[str] = set()
    waiting = [str(name) for name in names]
    while waiting:
        name = waiting.pop()
        if name not in shared:
            shared.add(name)
            used = (each for each in imports(bodies.get(name)) if isinstance(each, str))
            waiting += [owners[each] for each in used if each in owners]
            waiting += _find_named_stacks(theirs.data["stacks"].get(name))
    return frozenset(shared)


def _find_named_stacks(value: Any) -> Iterator[str]:
    """The stacks whose outputs the params of a stack refer to."""
    if isinstance(value, Mapping):
        if {"stack", "output"} <= value.keys():
            yield str(value["stack"])
        for item in value.values():
            yield from _find_named_stacks(item)
    elif isinstance(value, list):
        for item in value:
            yield from _find_named_stacks(item)


def _add_priorities(
    document: Document, renderings: Iterable[Rendering], shared: frozenset[str]
) -> Document:
    """The document with the priorities of the other environment's listener rules, which no other
    rule of their listeners can have."""
    recorded, foreign = dict(document.priorities.recorded), set(document.priorities.foreign)
    for rendering in renderings:
        for title, priority in rendering.deployment.priorities.items():
            if rendering.stack in shared:
                recorded[rendering.stack, title] = priority
            else:
                foreign.add(priority.number)
    return replace(document, priorities=KnownPriorities(recorded, frozenset(foreign)))


def _graft(document: Document, theirs: Document, names: frozenset[str]) -> Document:
    """The document with these stacks of the other one in place of its own."""
    stacks = document.data.get("stacks")
    own = stacks if isinstance(stacks, dict) else {}
    merged = own | {name: theirs.data["stacks"][name] for name in names}
    shares = document.data[SHARES] | {"stacks": sorted(names)}

    def is_theirs(path: Path) -> bool:
        return len(path) > 1 and path[0] == "stacks" and path[1] in names

    places = {path: place for path, place in document.places.items() if not is_theirs(path)}
    places |= {path: place for path, place in theirs.places.items() if is_theirs(path)}
    kept = frozenset(path for path in document.broken if not is_theirs(path))
    nulls = frozenset(path for path in document.nulls if not is_theirs(path))
    data = sort_keys({**document.data, "stacks": merged, SHARES: shares})
    return replace(document, data=data, places=places, broken=kept, nulls=nulls)


def _has_error(findings: Iterable[Finding]) -> bool:
    return any(finding.level == "error" for finding in findings)


# What two environments must not have in common ---------------------------------------------------


@record
class _Claim:
    """Something that only one stack can have, in words, and a key that is equal if it is."""

    key: str
    what: str
    code: str


def find_shared_conflicts(
    renderings: Iterable[Rendering], shared: Shared, document: Document
) -> Iterator[Finding]:
    """Findings for routes, ports and names that the other environment or another preview has."""
    theirs = {
        claim.key: f"`{rendering.stack}` of `{shared.env}`"
        for rendering in shared.renderings
        for claim in _claims(rendering.body)
    }
    second = {
        claim.key: "every other preview"
        for rendering in shared.second
        for claim in _claims(rendering.body)
        if claim.code != "M4004"  # depends on the name, so the account is asked
    }
    for rendering in renderings:
        path: Path = ("stacks", rendering.stack)
        for claim in _claims(rendering.body):
            owner = theirs.get(claim.key) or second.get(claim.key)
            if owner:
                message = f"{claim.what} is also that of {owner}"
                hint = _HINTS[claim.code].replace("{stack}", rendering.stack)
                yield Finding(claim.code, "error", document.place(path), path, message, hint)


_HINTS = {
    "M4003": "Put `${env}` into the host or the path, such as `${env}.example.com`.",
    "M4004": "Write another `priority:` at the route.",
    "M4005": "Put `${env}` into the name.",
    "M4006": "Write `{stack}: null` below `stacks` in preview.yaml.",
}


_NAMED = {
    "AWS::ECR::Repository": ("RepositoryName", "repository"),
    "AWS::IAM::OIDCProvider": ("Url", "identity provider of"),
}
"""Resources that an account has once for a name that often does not contain the environment's."""


def _claims(body: Mapping[str, Any]) -> Iterator[_Claim]:
    for resource in body.get("Resources", {}).values():
        properties = resource.get("Properties", {})
        kind = resource["Type"]
        if kind == f"{_ELB}ListenerRule":
            listener = json.dumps(properties.get("ListenerArn"), sort_keys=True)
            conditions = properties.get("Conditions", [])
            ordered = sorted(json.dumps(each, sort_keys=True) for each in conditions)
            what = f"The route {describe_conditions(conditions)}"
            yield _Claim(f"route {listener} {ordered}", what, "M4003")
            priority = properties.get("Priority")
            yield _Claim(f"priority {listener} {priority}", f"The priority {priority}", "M4004")
        elif kind == f"{_ELB}Listener":
            balancer = json.dumps(properties.get("LoadBalancerArn"), sort_keys=True)
            port = properties.get("Port")
            yield _Claim(f"port {balancer} {port}", f"The port {port}", "M4003")
        elif kind == "AWS::ServiceDiscovery::Service":
            namespace = json.dumps(properties.get("NamespaceId"), sort_keys=True)
            name = properties.get("Name")
            yield _Claim(f"dns {namespace} {name}", f"The name {name} of discovery", "M4005")
        elif kind in _NAMED:
            key, what = _NAMED[kind]
            name = properties.get(key)
            yield _Claim(f"{kind} {json.dumps(name)}", f"The {what} {name}", "M4006")
        elif kind == "AWS::ECS::Service":
            connect = properties.get("ServiceConnectConfiguration", {})
            namespace = json.dumps(connect.get("Namespace"), sort_keys=True)
            for service in connect.get("Services", []):
                name = service.get("DiscoveryName", service.get("PortName"))
                what = f"The name {name} of Service Connect"
                yield _Claim(f"connect {namespace} {name}", what, "M4005")


def describe_conditions(conditions: Iterable[Mapping[str, Any]]) -> str:
    """The values of a rule's conditions in words: `host-header a.example.com, path-pattern /*`."""
    parts = []
    for condition in conditions:
        values = next(
            (value.get("Values") for value in condition.values() if isinstance(value, Mapping)),
            condition.get("Values"),
        )
        parts.append(f"{condition.get('Field')} {' '.join(map(str, values or ()))}")
    return ", ".join(parts)
