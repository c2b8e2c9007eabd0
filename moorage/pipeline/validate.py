"""Document -> Environment, or all findings at once.

There are two passes. In the first one, pydantic validates the shape of each stack with the `Params`
of its kind. In the second one, the function `problems` of each kind checks the stack in the whole
environment. A problem that follows from a finding of the first pass is dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from moorage.findings.finding import Finding, Path, Problem
from moorage.findings.wording import capitalize, near, shown
from moorage.model import NAME, Environment, StackSpec, TemplateModule
from moorage.pipeline.defaults import Defaults, apply_kms_keys, find_default_keys
from moorage.pipeline.document import Document
from moorage.pipeline.header import NAME_HINT, REGION, Header
from moorage.pipeline.nulls import find_null_problems
from moorage.pipeline.params_models import Catalog, Models
from moorage.pipeline.secret_params import find_plain_secrets
from moorage.pipeline.shape import Shape, find_shape
from moorage.pipeline.stack_kinds import explain_unknown_kind, read_foreign_kind
from moorage.pipeline.targets import find_target_problems


def validate(
    document: Document, templates: Mapping[str, TemplateModule]
) -> tuple[Environment | None, list[Finding]]:
    """The environment that a document describes; None where a finding has the level error."""
    catalog = Catalog(Header, Models(templates))
    null_problems = list(find_null_problems(document, catalog))
    lost = {finding.path for finding in null_problems if finding.level == "error"}
    document = replace(document, broken=document.broken | lost)
    unreadable = _unreadable_at_the_top(document)
    shape = find_shape(Header, document.data, (), document, unreadable, catalog)
    header = shape.params if isinstance(shape.params, Header) else _guess_header(document.data)
    unreadable_in = _unreadable_in_stacks(document)
    stacks = {
        name: _validate_stack(name, entry, document, catalog, unreadable_in.get(name, set()))
        for name, entry in header.stacks.items()
    }
    keys, elsewhere = find_default_keys(header.defaults, header.region)
    specs = {
        name: replace(spec, params=apply_kms_keys(spec.params, keys)) if keys else spec
        for name, (spec, _) in stacks.items()
        if spec is not None
    }
    env = _make_environment(header, specs, document)
    findings = [*shape.findings, *null_problems]
    findings += _find_key_problems(elsewhere, header.region, document)
    findings += _find_header_problems(header, document)
    for _, stack_shape in stacks.values():
        findings += stack_shape.findings
    reported: set[tuple[str, str]] = set()
    for name, spec in env.stacks.items():
        if name in env.shared:
            continue
        findings += _find_problems(spec, stacks[name][1], env, document, templates, reported)
    reported_paths = {finding.path for finding in findings}
    findings += [
        finding for finding in find_plain_secrets(document) if finding.path not in reported_paths
    ]
    complete = not any(finding.level == "error" for finding in findings)
    return (env if complete else None), sorted(findings, key=by_place)


def _make_environment(
    header: Header, specs: Mapping[str, StackSpec], document: Document
) -> Environment:
    return Environment(
        name=document.env,
        app=header.app,
        region=header.region,
        account=header.account,
        tags=header.tags,
        permissions_boundary=header.permissions_boundary,
        suppressions=header.suppressions,
        stacks=specs,
        broken=frozenset(_written_stacks(document) - specs.keys()),
        runtime_monitoring=header.runtime_monitoring,
        given=document.given,
        role=header.role,
        targets=header.targets.resolve() if header.targets else None,
        shared=dict.fromkeys(header.shares.stacks, header.shares.env) if header.shares else {},
        priorities=document.priorities,
    )


def by_place(finding: Finding) -> tuple[str, int, str]:
    """The key that findings are sorted by: their order in the files."""
    return finding.place.file, finding.place.line, finding.code


# The top of the file ---------------------------------------------------------------------------


def _find_header_problems(header: Header, document: Document) -> Iterator[Finding]:
    """Keys at the top of the file that do not fit each other."""
    yield from _find_role_problem(header, document)
    if header.targets is not None:
        for problem in find_target_problems(header.targets, header.region):
            yield _at_the_top("targets", problem, document)


def _guess_header(data: Mapping[str, Any]) -> Header:
    """A header for the validation of the stacks, if the header in the file has findings.

    Valid values are kept, since problems of stacks can depend on them. An invalid region becomes
    empty, so that no further problem follows from it.
    """
    stacks = data.get("stacks")
    entries = stacks.items() if isinstance(stacks, dict) else ()
    texts = {key: data[key] for key in ("app", "region", "account") if _is_text(data.get(key))}
    region = texts.get("region", "")
    return Header.model_construct(
        app=texts.get("app", "app"),
        region=region if REGION.fullmatch(region) else "",
        account=texts.get("account"),
        tags={},
        permissions_boundary=None,
        vars={},
        runtime_monitoring=False,
        role=None,
        targets=None,
        shares=None,
        defaults=Defaults.unvalidated(),
        suppressions=False,
        stacks={
            name: entry for name, entry in entries if _is_text(name) and isinstance(entry, dict)
        },
    )


def _find_key_problems(
    elsewhere: Mapping[str, str], region: str, document: Document
) -> Iterator[Finding]:
    """Keys of `defaults` that are in another region than the environment."""
    for use, key in elsewhere.items():
        path: Path = ("defaults", "kms_keys", use)
        message = f"The KMS key is in {key.split(':')[3]}, but the environment is in {region}"
        hint = f"Write the ARN of a key in {region}."
        yield Finding("M1510", "error", document.place(path), path, message, hint)


def _find_role_problem(header: Header, document: Document) -> Iterator[Finding]:
    """A role of another account than the environment's."""
    if header.role is None or header.account is None:
        return
    owner = header.role.split(":")[4]
    if owner != header.account:
        path: Path = ("role",)
        message = f"The role is in the account {owner}, but `account` is {header.account}"
        hint = f"Write a role of {header.account}, or correct `account`."
        yield Finding("M1608", "error", document.place(path), path, message, hint)


def _at_the_top(key: str, problem: Problem, document: Document) -> Finding:
    """A problem of a key at the top of the file as a finding."""
    path: Path = (key, *problem.path)
    place = document.place(path)
    return Finding(problem.code, problem.level, place, path, problem.message, problem.hint)


def _unreadable_at_the_top(document: Document) -> set[Path]:
    """Unreadable paths at the top of the params, and those of whole stacks."""
    return {path for path in document.broken if path[0] != "stacks" or len(path) < 3}


def _unreadable_in_stacks(document: Document) -> dict[str, set[Path]]:
    """Unreadable paths within stacks, by the name of the stack."""
    unreadable: dict[str, set[Path]] = {}
    for path in document.broken:
        if path[0] == "stacks" and len(path) > 2:
            unreadable.setdefault(str(path[1]), set()).add(path[2:])
    return unreadable


def _written_stacks(document: Document) -> set[str]:
    """The names of all stacks in the params, even unreadable ones."""
    stacks = document.data.get("stacks")
    unread = {str(path[1]) for path in document.broken if path[0] == "stacks" and len(path) == 2}
    return {*(stacks if isinstance(stacks, dict) else ()), *unread}


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


# A stack ---------------------------------------------------------------------------------------


def _validate_stack(
    name: str,
    entry: dict[str, Any],
    document: Document,
    catalog: Catalog,
    unreadable: set[Path],
) -> tuple[StackSpec | None, Shape]:
    """An entry of `stacks:` with its unreadable paths; its spec is None where its kind or its
    params are not known."""
    root: Path = ("stacks", name)
    findings: list[Finding] = []

    def report(code: str, path: Path, message: str, hint: str) -> None:
        findings.append(Finding(code, "error", document.place(path), path, message, hint))

    if not NAME.fullmatch(name):
        message = f"{capitalize(shown(name))} cannot be part of a stack's name"
        report("M1601", root, message, NAME_HINT)
    for key in _misspellings("template", entry, ()):
        hint = "Did you mean `template`?"
        report("M1101", (*root, key), f"{shown(key)} is not a key of this map", hint)
        return None, Shape(None, tuple(findings), entry)
    entry, foreign = read_foreign_kind(name, entry, catalog)
    if foreign:
        report("M1111", (*root, foreign[0]), *foreign[1:])
    kind = entry.get("template", name)
    if not isinstance(kind, str) or kind not in catalog.kinds:
        path: Path = (*root, "template") if "template" in entry else root
        if path not in document.broken and not foreign:
            report(*explain_unknown_kind(path, kind, entry, catalog))
        return None, Shape(None, tuple(findings), entry)
    model = catalog.kinds[kind]
    for key in _misspellings("overrides", entry, model.model_fields):
        hint = "Did you mean `overrides`?"
        report("M1101", (*root, key), f"{shown(key)} is not a key of this map", hint)
        entry = {other: value for other, value in entry.items() if other != key}
    overrides = entry.get("overrides", {})
    if not isinstance(overrides, dict):
        hint = "Write `Resources:` below it, as in the template, with what changes."
        report("M1103", (*root, "overrides"), "`overrides` is not a map", hint)
    params = {key: value for key, value in entry.items() if key not in ("template", "overrides")}
    shape = find_shape(model, params, root, document, unreadable, catalog)
    shape = replace(shape, findings=(*findings, *shape.findings))
    if shape.params is None or not isinstance(overrides, dict):
        return None, shape
    return StackSpec(name, kind, shape.params, overrides), shape


def _misspellings(word: str, entry: Mapping[str, Any], known: Iterable[str]) -> list[str]:
    """The unknown keys that are probably misspellings of a word, if the word itself is not a
    key."""
    unknown = [] if word in entry else [key for key in entry if key not in known]
    return [key for key in unknown if near(str(key), [word])]


# Problems --------------------------------------------------------------------------------------


def _find_problems(
    spec: StackSpec,
    shape: Shape,
    env: Environment,
    document: Document,
    templates: Mapping[str, TemplateModule],
    reported: set[tuple[str, str]],
) -> Iterator[Finding]:
    """The problems that a stack's kind finds, without those that follow from findings about the
    shape.

    A problem with `once` that another stack has too is reported once: `reported` has the code and
    message of each, and is extended.
    """
    find = getattr(templates[spec.template], "problems", None)
    problems: Iterator[Problem] = find(spec.name, spec.params, env) if find else iter(())
    for problem in problems:
        if problem.once and (problem.code, problem.message) in reported:
            continue
        paths = [shape.written_path(path) for path in (problem.path, *problem.because)]
        if not any(shape.is_reported(path) for path in paths):
            if problem.once:
                reported.add((problem.code, problem.message))
            yield document.locate(problem, ("stacks", spec.name, *paths[0]))
