"""Stack -> plain dict -> the user's overrides -> text.

The text is made for a reviewer: functions in their short form, sections and attributes in the order
of CloudFormation's own documentation, resources in the order in which the template composed them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import yaml

from moorage.load import Document
from moorage.merge import merged
from moorage.model import Finding, Rendering, Stack

Format = Literal["yaml", "json"]

_NUMERIC = re.compile(r"[0-9][0-9_.:eE+-]*")
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
_SECTIONS = (
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
    stack: Stack, document: Document, form: Format
) -> tuple[Rendering | None, list[Finding]]:
    """One stack as CloudFormation will read it."""
    body = stack.template.to_dict()
    findings = list(_unknown_overrides(stack, body, document))
    if findings:
        return None, findings
    body = _ordered(merged(body, stack.overrides))
    text = as_json(body) if form == "json" else as_yaml(body, _source(document))
    return Rendering(stack.name, body, text, f"{stack.name}.{form}"), []


def _source(document: Document) -> str:
    """The params file without the folders above its own, which differ from machine to machine."""
    return "/".join(Path(document.file).parts[-2:])


def _unknown_overrides(
    stack: Stack, body: Mapping[str, Any], document: Document
) -> Iterator[Finding]:
    """An override may change or delete what is there and add what is new and whole."""
    for section, patch in stack.overrides.items():
        path = ("stacks", stack.name, "overrides", section)
        if section not in _SECTIONS:
            hint = f"Sections of a template: {', '.join(_SECTIONS)}."
            message = f"`{section}` is not a section of a template"
            yield Finding("M1307", "error", document.place(path), path, message, hint)
        elif not isinstance(patch, dict):
            continue
        elif section in ("Resources", "Outputs"):
            known = body.get(section, {})
            for name, change in patch.items():
                whole = isinstance(change, dict) and ("Type" in change or "Value" in change)
                if name not in known and not whole:
                    at = (*path, name)
                    hint = f"It has {', '.join(known)}. A new one needs its `Type:` or `Value:`."
                    message = f"The template has no `{name}` under {section}"
                    yield Finding("M1307", "error", document.place(at), at, message, hint)


def _ordered(body: Mapping[str, Any]) -> dict[str, Any]:
    known = {section: body[section] for section in _SECTIONS if section in body}
    resources = {
        name: {key: resource[key] for key in _ATTRIBUTES if key in resource}
        | {key: value for key, value in resource.items() if key not in _ATTRIBUTES}
        if isinstance(resource, Mapping)
        else resource
        for name, resource in body.get("Resources", {}).items()
    }
    return known | {"Resources": resources} if resources else known


# Text ----------------------------------------------------------------------------------------


def as_json(value: Any) -> str:
    """Indented JSON with a newline at its end."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def as_yaml(body: Mapping[str, Any], source: str) -> str:
    """A template as YAML, with a first line that says where it comes from."""
    text = yaml.dump(_short(body), Dumper=_Dumper, sort_keys=False, width=100, allow_unicode=True)
    return f"# Built by Moorage from {source}: change that and run `python build.py`.\n{text}"


class _Tagged:
    """A function in its short form, such as `!Ref Vpc`."""

    def __init__(self, tag: str, value: Any) -> None:
        self.tag = tag
        self.value = value


def _short(value: Any, inside: str = "") -> Any:
    """Functions replaced by their short forms.

    YAML refuses a tag behind a tag, so a function directly inside another one stays long (AWS:
    "you can't nest short form functions consecutively").
    """
    if isinstance(value, Mapping):
        if len(value) == 1:
            ((key, argument),) = value.items()
            if key == "Ref" and isinstance(argument, str):
                return _Tagged("!Ref", argument)
            if key == "Condition" and isinstance(argument, str) and inside:
                return _Tagged("!Condition", argument)
            if isinstance(key, str) and key.startswith("Fn::"):
                return _function(key, argument, nested=bool(inside))
        return {key: _short(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_short(item) for item in value]
    return value


def _function(name: str, argument: Any, *, nested: bool) -> Any:
    tag = f"!{name.removeprefix('Fn::')}"
    if name == "Fn::GetAtt" and all(isinstance(part, str) for part in argument):
        return _Tagged(tag, argument if isinstance(argument, str) else ".".join(argument))
    inner = _short(argument, inside=name)
    if isinstance(inner, _Tagged) or nested:
        return {name: inner}
    return _Tagged(tag, inner)


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """libyaml's writer where there is one: ten times as fast, and the same text."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_tagged(dumper: Any, data: _Tagged) -> Any:
    if isinstance(data.value, str):
        return dumper.represent_scalar(data.tag, data.value)
    if isinstance(data.value, Mapping):
        return dumper.represent_mapping(data.tag, data.value)
    return dumper.represent_sequence(data.tag, data.value)


def _represent_text(dumper: Any, data: str) -> Any:
    """Lines as a block, so that a reviewer reads lines; digits in quotes.

    Parsers of YAML 1.1 and 1.2 disagree on what `012345678901` is, so it is never left to them.
    """
    style = None
    if "\n" in data and not any(line.endswith(" ") for line in data.split("\n")):
        style = "|"
    elif _NUMERIC.fullmatch(data):
        style = "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Dumper.add_representer(_Tagged, _represent_tagged)
_Dumper.add_representer(str, _represent_text)
