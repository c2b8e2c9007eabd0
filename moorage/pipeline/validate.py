"""Document -> Environment, or Findings: all of them at once.

Two rounds. First the shape: pydantic judges each stack by its template's `Params`. What it refuses
is cut out and the rest is judged again, so that a typo in one place hides nothing in another. Then
the meaning: each template's `problems` sees the whole environment; a problem that rests on
something cut out in the first round is only an echo and is dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from moorage.findings.finding import Finding, Path, Problem
from moorage.findings.wording import near, shown
from moorage.model import NAME, Environment, StackSpec, TemplateModule
from moorage.pipeline.document import Document
from moorage.pipeline.header import NAME_HINT, REGION, Header
from moorage.pipeline.shape import Shaped, shaped


def validate(
    document: Document, templates: Mapping[str, TemplateModule]
) -> tuple[Environment | None, list[Finding]]:
    """What the document means; None where a finding of level error stands against it."""
    shape = shaped(Header, document.data, (), document, _broken_header(document))
    header = shape.params if isinstance(shape.params, Header) else _guessed(document.data)
    stacks = {
        name: _stack(name, entry, document, templates) for name, entry in header.stacks.items()
    }
    env = Environment(
        name=document.env,
        app=header.app,
        region=header.region,
        account=header.account,
        tags=header.tags,
        permissions_boundary=header.permissions_boundary,
        stacks={name: spec for name, (spec, _) in stacks.items() if spec is not None},
        broken=frozenset(
            _written_stacks(document) - {name for name, (spec, _) in stacks.items() if spec}
        ),
    )
    findings = [*shape.findings]
    for _, stack_shape in stacks.values():
        findings += stack_shape.findings
    for name, spec in env.stacks.items():
        findings += _meaning(spec, stacks[name][1], env, document, templates)
    complete = not any(finding.level == "error" for finding in findings)
    return (env if complete else None), sorted(findings, key=by_place)


def by_place(finding: Finding) -> tuple[str, int, str]:
    """What findings are sorted by: as one reads the files."""
    return finding.place.file, finding.place.line, finding.code


def _guessed(data: Mapping[str, Any]) -> Header:
    """A header to go on with when the real one is faulty, so that the stacks are judged as well.

    What is right in it is kept: a stack's problem may rest on the region, say. A wrong region is
    left empty, so that no such problem is an echo of it.
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
        stacks={
            name: entry for name, entry in entries if _is_text(name) and isinstance(entry, dict)
        },
    )


def _broken_header(document: Document) -> set[Path]:
    """What could not be read at the top of the params, down to whole stacks."""
    return {path for path in document.broken if path[0] != "stacks" or len(path) < 3}


def _written_stacks(document: Document) -> set[str]:
    """The names of all stacks that somebody wrote, readable or not."""
    stacks = document.data.get("stacks")
    unread = {str(path[1]) for path in document.broken if path[0] == "stacks" and len(path) == 2}
    return {*(stacks if isinstance(stacks, dict) else ()), *unread}


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _stack(
    name: str, entry: dict[str, Any], document: Document, templates: Mapping[str, TemplateModule]
) -> tuple[StackSpec | None, Shaped]:
    path: Path = ("stacks", name)
    faults = []

    def fault(code: str, at: Path, message: str, hint: str) -> None:
        faults.append(Finding(code, "error", document.place(at), at, message, hint))

    if not NAME.fullmatch(name):
        fault("M1107", path, f"{shown(name)} cannot be part of a stack's name", NAME_HINT)
    for key in _misspelt("template", entry, ()):
        fault("M1101", (*path, key), f"{shown(key)} is unknown here", "Did you mean `template`?")
        return None, Shaped(None, tuple(faults), entry)
    kind = entry.get("template", name)
    if not isinstance(kind, str) or kind not in templates:
        at: Path = (*path, "template") if "template" in entry else path
        if at not in document.broken:
            fault(*_no_template(at, kind, templates))
        return None, Shaped(None, tuple(faults), entry)
    for key in _misspelt("overrides", entry, templates[kind].Params.model_fields):
        fault("M1101", (*path, key), f"{shown(key)} is unknown here", "Did you mean `overrides`?")
        entry = {other: value for other, value in entry.items() if other != key}
    overrides = entry.get("overrides", {})
    if not isinstance(overrides, dict):
        hint = "Write `Resources:` below it, as in the template, with what changes."
        fault("M1103", (*path, "overrides"), "`overrides` takes a map", hint)
    own = {key: value for key, value in entry.items() if key not in ("template", "overrides")}
    gone = {one[2:] for one in document.broken if one[:2] == path and len(one) > 2}
    shape = shaped(templates[kind].Params, own, path, document, gone)
    shape = replace(shape, findings=(*faults, *shape.findings))
    if shape.params is None or not isinstance(overrides, dict):
        return None, shape
    return StackSpec(name, kind, shape.params, overrides), shape


def _misspelt(word: str, entry: Mapping[str, Any], known: Iterable[str]) -> list[str]:
    """The keys that were probably meant to be a word which is not there."""
    odd = [] if word in entry else [key for key in entry if key not in known]
    return [key for key in odd if near(str(key), [word])]


def _no_template(
    at: Path, kind: Any, templates: Mapping[str, TemplateModule]
) -> tuple[str, Path, str, str]:
    """Code, path, message and hint where no template has that name."""
    every = f"one of {', '.join(sorted(templates))}"
    if not isinstance(kind, str):
        return "M1103", at, f"{shown(kind)} stands where a name belongs", f"Write {every}."
    meant = near(kind, templates)
    if at[-1] == "template":
        hint = f"Did you mean `{meant}`?" if meant else f"Write {every}."
    else:
        hint = f"Name it `{meant}`, or add" if meant else "Add"
        hint += f" `template: {meant}`." if meant else f" `template:` with {every}."
    return "M1106", at, f"There is no template {shown(kind)}", hint


# Meaning -------------------------------------------------------------------------------------


def _meaning(
    spec: StackSpec,
    shape: Shaped,
    env: Environment,
    document: Document,
    templates: Mapping[str, TemplateModule],
) -> Iterator[Finding]:
    problems = getattr(templates[spec.template], "problems", None)
    found: Iterator[Problem] = problems(spec.name, spec.params, env) if problems else iter(())
    for problem in found:
        if not any(shape.echoes(shape.written(path)) for path in (problem.path, *problem.because)):
            path = ("stacks", spec.name, *shape.written(problem.path))
            place = problem.place or document.place(path)
            yield Finding(problem.code, problem.level, place, path, problem.message, problem.hint)
