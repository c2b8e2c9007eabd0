"""Stack -> plain dict -> with the user's overrides -> text.

The text is for reviewers: functions in their short form, sections and attributes in the order of
the CloudFormation user guide, resources in the order in which the stack kind composed them.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path as FilePath
from typing import Any, Literal

import yaml
from yaml.representer import SafeRepresenter
from yaml.resolver import Resolver

from moorage.findings.finding import Finding, Level, Path
from moorage.findings.wording import list_names, near
from moorage.model import NO_VALUES
from moorage.pipeline.document import Document
from moorage.pipeline.override_lists import Miss, apply_overrides
from moorage.plan import Rendering, Stack

Format = Literal["yaml", "json"]

_NUMERIC = re.compile(r"[-+.]?[0-9][0-9_.:eE+-]*|0o[0-7]+")
# The functions that have a short form: CloudFormation template reference, "Intrinsic functions" and
# "Condition functions". Fn::ForEach and those of Rules have none.
_SHORT_FORMS = frozenset(
    f"Fn::{name}"
    for name in (
        *("And", "Equals", "If", "Not", "Or"),
        *("Base64", "Cidr", "FindInMap", "GetAZs", "GetAtt", "ImportValue", "Join", "Length"),
        *("Select", "Split", "Sub", "ToJsonString", "Transform"),
    )
)
_NEEDED = {"Resources": "Type", "Outputs": "Value"}
_INNER = {"Resources": "Properties", "Outputs": "Export"}
_ATTRIBUTES = (
    "Type",
    "Metadata",
    "Condition",
    "DependsOn",
    "CreationPolicy",
    "UpdatePolicy",
    "DeletionPolicy",
    "UpdateReplacePolicy",
    "Properties",
)
_TEXTS = ("AWSTemplateFormatVersion", "Description", "Transform")
SECTIONS = (
    "AWSTemplateFormatVersion",
    "Description",
    "Metadata",
    "Parameters",
    "Mappings",
    "Conditions",
    "Rules",
    "Transform",
    "Resources",
    "Outputs",
)


def render(
    stack: Stack,
    document: Document,
    form: Format,
    finish: Callable[[Mapping[str, Any]], Mapping[str, Any]] = dict,
) -> tuple[Rendering | None, list[Finding]]:
    """Renders one stack as CloudFormation receives it; None if its overrides do not fit.

    `finish` is applied to the template after the overrides.
    """
    composed = stack.body
    findings = list(_unknown_overrides(stack, composed, document))
    if findings:
        return None, findings
    patched, misses = apply_overrides(composed, stack.overrides)
    findings = list(_malformed(stack, patched, document))
    if findings:
        return None, findings
    findings = [_as_finding(miss, stack, document) for miss in misses]
    if any(miss.is_error for miss in misses):
        return None, findings
    body = _ordered(finish(patched))
    text = write_text(body, stack.name, document, form)
    file = f"{stack.name}.{form}"
    before = composed if stack.overrides else {}
    rendering = Rendering(stack.name, body, text, file, stack.deployment, stack.overrides, before)
    return rendering, findings


def _source(document: Document, stack: str) -> str:
    """The params file, and what the command line has set in the stack. The file is named with its
    folder only, since folders above it differ between machines."""
    file = "/".join(FilePath(document.file).parts[-2:])
    given = document.given_by_stack.get(stack, NO_VALUES)
    options = " ".join(map(shlex.quote, given.options()))
    return f"{file} with {options}" if options else file


def _unknown_overrides(
    stack: Stack, body: Mapping[str, Any], document: Document
) -> Iterator[Finding]:
    """Findings for overrides of resources and outputs that the template does not have. New ones
    need a type or a value."""
    for section, patch in stack.overrides.items():
        path = ("stacks", stack.name, "overrides", section)
        if section not in SECTIONS:
            guess = near(section, SECTIONS)
            hint = f"Did you mean `{guess}`?" if guess else f"Write one of {', '.join(SECTIONS)}."
            message = f"`{section}` is not a section of a template"
            yield Finding("M1307", "error", document.place(path), path, message, hint)
        elif not isinstance(patch, dict):
            continue
        elif section in ("Resources", "Outputs"):
            known = body.get(section, {})
            needed = _NEEDED[section]
            for name, change in patch.items():
                if name not in known and not (isinstance(change, dict) and needed in change):
                    entry = (*path, name)
                    guess = near(name, known)
                    hint = f"Did you mean `{guess}`?" if guess else f"It has {list_names(known)}."
                    hint += f" A new one needs `{needed}:`."
                    message = f"The template has no `{name}` under {section}"
                    yield Finding("M1307", "error", document.place(entry), entry, message, hint)


def _as_finding(miss: Miss, stack: Stack, document: Document) -> Finding:
    path: Path = ("stacks", stack.name, "overrides", *miss.path)
    level: Level = "error" if miss.is_error else "warning"
    return Finding("M1307", level, document.place(path), path, miss.message, miss.hint)


def _malformed(stack: Stack, body: Mapping[str, Any], document: Document) -> Iterator[Finding]:
    """Findings for parts of the template that the overrides have made invalid."""
    for code, path, message, hint in _malformed_parts(body):
        at = ("stacks", stack.name, "overrides", *path)
        yield Finding(code, "error", document.place(at), at, message, hint)


_Malformed = tuple[str, Path, str, str]


def _malformed_parts(body: Mapping[str, Any]) -> Iterator[_Malformed]:
    """Code, path, message and hint of each invalid part of a template."""
    maps = [section for section in SECTIONS if section in body and section not in _TEXTS]
    yield from (
        _not_a_map((section,)) for section in maps if not isinstance(body[section], Mapping)
    )
    if body.get("Resources", {}) == {}:
        hint = "Keep one, or remove the stack from `stacks:`."
        yield "M1311", ("Resources",), "The overrides delete every resource", hint
    for section in _NEEDED:
        entries = body.get(section)
        for name, entry in entries.items() if isinstance(entries, Mapping) else ():
            yield from _entry_malformed_parts(section, name, entry)


def _entry_malformed_parts(section: str, name: str, entry: Any) -> Iterator[_Malformed]:
    needed = _NEEDED[section]
    path = (section, name)
    if not isinstance(entry, Mapping):
        yield _not_a_map(path)
        return
    if needed not in entry:
        message = f"After the overrides `{name}` has no `{needed}`"
        yield "M1311", path, message, f"Add `{needed}:` to it."
    elif section == "Resources" and not isinstance(entry["Type"], str):
        message = f"The overrides replace the type of `{name}` with a value that is not text"
        yield "M1311", (*path, "Type"), message, "Write one like `AWS::S3::Bucket`."
    inner = _INNER[section]
    if inner in entry and not isinstance(entry[inner], Mapping):
        yield _not_a_map((*path, inner))


def _not_a_map(path: Path) -> _Malformed:
    hint = "Write keys and values below it, as in the template."
    message = f"The overrides replace the map `{path[-1]}` with a value that is not a map"
    return "M1311", path, message, hint


def _ordered(body: Mapping[str, Any]) -> dict[str, Any]:
    known = {section: body[section] for section in SECTIONS if section in body}
    resources = {
        name: {key: resource[key] for key in _ATTRIBUTES if key in resource}
        | {key: value for key, value in resource.items() if key not in _ATTRIBUTES}
        if isinstance(resource, Mapping)
        else resource
        for name, resource in body.get("Resources", {}).items()
    }
    return known | {"Resources": resources} if resources else known


# Text ----------------------------------------------------------------------------------------


def write_text(body: Mapping[str, Any], stack: str, document: Document, form: Format) -> str:
    """A template as the text of its file."""
    return as_json(body) if form == "json" else as_yaml(body, _source(document, stack))


def as_json(value: Any) -> str:
    """Indented JSON with a newline at its end."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def as_yaml(body: Mapping[str, Any], source: str) -> str:
    """A template as YAML. Its first line names the params file."""
    text = yaml.serialize(_make_node(body), Dumper=_Dumper, width=100, allow_unicode=True)
    return f"# Built by Moorage from {source}: change that and run `python build.py`.\n{text}"


_TEXT, _MAP, _LIST = (f"tag:yaml.org,2002:{name}" for name in ("str", "map", "seq"))


def _make_node(value: Any, *, nested: bool = False) -> yaml.Node:
    """A value as YAML, with functions in their short form, such as `!Ref Vpc`.

    YAML does not allow a tag directly after a tag, so a function directly inside of another one has
    its full form (AWS: "you can't nest short form functions consecutively").
    """
    if isinstance(value, str):
        return yaml.ScalarNode(_TEXT, value, style=_find_style(value))
    if isinstance(value, Mapping):
        if len(value) == 1:
            ((name, argument),) = value.items()
            if name == "Ref" and isinstance(argument, str):
                return _make_tagged("!Ref", argument)
            if name in _SHORT_FORMS:
                return _make_function(name, argument, nested=nested)
        return _make_map((_make_node(key), _make_node(item)) for key, item in value.items())
    if isinstance(value, list | tuple):
        return yaml.SequenceNode(_LIST, [_make_node(item) for item in value], flow_style=False)
    node: yaml.Node = _SCALARS.represent_data(value)
    return node


def _make_function(name: str, argument: Any, *, nested: bool) -> yaml.Node:
    tag = f"!{name.removeprefix('Fn::')}"
    if name == "Fn::GetAtt" and (attribute := _attribute(argument)):
        return _make_tagged(tag, attribute)
    if not nested and name != "Fn::GetAtt" and isinstance(argument, str):
        return _make_tagged(tag, argument)
    inner = _make_node(argument, nested=True)
    if nested or name == "Fn::GetAtt" or inner.tag not in (_MAP, _LIST):
        return _make_map([(_make_node(name), inner)])
    inner.tag = tag
    return inner


def _make_map(entries: Iterable[tuple[yaml.Node, yaml.Node]]) -> yaml.MappingNode:
    return yaml.MappingNode(_MAP, [*entries], flow_style=False)


def _make_tagged(tag: str, text: str) -> yaml.ScalarNode:
    style = "|" if _is_block(text) else None if text else "'"
    return yaml.ScalarNode(tag, text, style=style)


def _attribute(argument: Any) -> str | None:
    """A logical ID and an attribute joined by a dot; None where the argument has another form."""
    parts = argument.split(".", 1) if isinstance(argument, str) else argument
    if not isinstance(parts, list | tuple) or len(parts) != 2:
        return None
    if not all(isinstance(part, str) and part for part in parts) or "." in parts[0]:
        return None
    return ".".join(parts)


@lru_cache(2048)
def _find_style(text: str) -> str | None:
    """Several lines as a block, digits in quotes.

    Parsers of YAML 1.1 and 1.2 read `012345678901` differently, so it has quotes for both.
    """
    return "|" if _is_block(text) else "'" if _NUMERIC.fullmatch(text) else None


def _is_block(text: str) -> bool:
    return "\n" in text and not any(line.endswith(" ") for line in text.split("\n"))


class _Scalars(SafeRepresenter):
    def ignore_aliases(self, data: Any) -> bool:
        return True


_SCALARS = _Scalars()
_RESOLVER = Resolver()


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """The writer of libyaml if it is installed: the same text, ten times as fast."""

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> Any:
        """How a value without a tag is read. Most texts of templates repeat."""
        is_text = kind is yaml.ScalarNode
        return _resolve_text(value, implicit) if is_text else super().resolve(kind, value, implicit)


@lru_cache(2048)
def _resolve_text(text: str, implicit: tuple[bool, bool]) -> Any:
    return _RESOLVER.resolve(yaml.ScalarNode, text, implicit)  # type: ignore[no-untyped-call]
