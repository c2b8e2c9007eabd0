"""pydantic's errors -> faults: code, message and hint in terms of params."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from moorage.findings.finding import Path
from moorage.findings.wording import near, shown
from moorage.pipeline.advice import (
    advise_list,
    advise_map,
    advise_number,
    advise_port,
    advise_switch,
    advise_text,
)
from moorage.pipeline.foreign_words import VALUES
from moorage.pipeline.forms import (
    ANYTHING,
    as_written,
    describe_text,
    find_bounds,
    form_of_field,
)
from moorage.pipeline.params_models import (
    Catalog,
    find_description,
    find_fields,
    find_types,
    is_model,
)
from moorage.pipeline.paths import RemovedPaths, value_at
from moorage.pipeline.stack_advice import advise_stack
from moorage.pipeline.unknown_keys import KeyContext, explain_unknown_key
from moorage.records import record

_TYPES = {
    "string": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "list": "a list",
    "dict": "a map",
    "model": "a map",
}


@record
class Fault:
    """An error of pydantic in terms of params."""

    path: Path
    cut: Path
    """The path that is removed from the data before the next validation."""
    code: str
    message: str
    hint: str
    near: str = ""
    """For a misspelled key: the key that was probably intended."""
    instead: frozenset[Path] = frozenset()
    """Keys that should be written instead: they are not reported as missing."""


@record
class Subject:
    """The data that is validated, and where it is in the file."""

    model: type[Any]
    data: Mapping[str, Any]
    root: Path
    catalog: Catalog


def describe_error(detail: ErrorDetails, subject: Subject, removed: RemovedPaths) -> Fault:
    """An error of pydantic as a fault. `removed` is what was removed before
    validation."""
    kind = detail["type"]
    loc = detail["loc"][:-1] if kind == "missing" else detail["loc"]
    path = removed.written_path(loc, subject.data)
    context: Mapping[str, Any] = detail.get("ctx", {})
    if kind == "moorage":
        hint = advise_port(path, detail["input"]) or context["hint"]
        return Fault(path, path, context["code"], context["message"], hint)
    if kind == "extra_forbidden":
        return _describe_unknown_key(path, subject)
    if kind == "missing":
        key = str(detail["loc"][-1])
        hint = _advise_missing(key, find_fields(subject.model, path).get(key))
        return Fault((*path, key), path, "M1102", f"`{key}` is missing", hint)
    expected = _TYPES.get(kind.removesuffix("_type").removesuffix("_parsing"))
    if expected and kind.endswith(("_type", "_parsing")):
        return _describe_type(path, subject, expected, detail["input"])
    code, message, hint = _describe_value(kind, detail, context)
    if code == "M1105":
        hint = _advise_range(path, subject, detail["input"], context)
    if code != "M1104":
        hint = f"{hint} {find_description(subject.model, path) or ''}".strip()
    return Fault(path, path, code, message, hint)


def drop_union_errors(faults: list[Fault]) -> list[Fault]:
    """Drops type errors about a union if one of its members has errors in its fields: then that
    member was intended."""
    around = {fault.path[:end] for fault in faults for end in range(len(fault.path))}
    return [f for f in faults if f.code not in ("M1103", "M1112") or f.path not in around]


def _describe_unknown_key(path: Path, subject: Subject) -> Fault:
    siblings = value_at(subject.data, path[:-1])
    context = KeyContext(
        path, siblings[path[-1]], subject.model, subject.data, subject.root, subject.catalog
    )
    key = explain_unknown_key(context, siblings)
    instead = frozenset((*path[:-1], name) for name in key.instead)
    return Fault(path, path, key.code, key.message, key.hint, key.near, instead)


def _describe_type(path: Path, subject: Subject, expected: str, value: Any) -> Fault:
    key = next((step for step in reversed(path) if isinstance(step, str)), "")
    description = find_description(subject.model, path) or ""
    types = find_types(subject.model, path)
    code, message = "M1103", f"{shown(value)} is written where {expected} belongs"
    advice = {
        "text": lambda: advise_text(value),
        "a whole number": lambda: advise_number(key, value, description),
        "a number": lambda: advise_number(key, value, description),
        "true or false": lambda: advise_switch(value),
        "a list": lambda: advise_list(key, value, types),
        "a map": lambda: advise_map("" if isinstance(path[-1], int) else key, value, types),
    }[expected]()
    if expected == "a map" and isinstance(value, list):
        code, message = "M1112", "A list is written where a map belongs"
    if path[:1] == ("stacks",) and len(path) == 2 and subject.model is subject.catalog.header:
        advice = advise_stack(key, value, subject.catalog) or _advise_new_stack(key, subject)
    if "image" in path[-1:] and isinstance(value, Mapping):
        advice = "Write the name of the image, and `build:` beside `image:` if it is built."
    if expected == "a map" and "image" not in path[-1:]:
        advice = _advise_entry(path, subject) or advice
    is_vague = not advice or (advice.startswith("Write a map") and _has_example(path, subject))
    form = _advise_form(path, subject, expected) if is_vague else ""
    is_general = form or not advice or advice.startswith("Write a map")
    hint = f"{form or advice} {description}".strip() if is_general else advice
    return Fault(path, path, code, message, hint)


def _has_example(path: Path, subject: Subject) -> bool:
    field = find_fields(subject.model, path[:-1]).get(str(path[-1]))
    return bool(field and field.examples)


def _advise_missing(key: str, field: FieldInfo | None) -> str:
    """What to write for a key that is missing."""
    form = form_of_field(field) if field else ANYTHING
    description = (field.description if field else None) or ""
    if form == ANYTHING:
        return f"Add `{key}:`. {description}".strip()
    return f"Add it, as in `{as_written(key, form)}`. {description}".strip()


def _advise_form(path: Path, subject: Subject, expected: str) -> str:
    """What a map, list or text at a path looks like."""
    kind: type[Any] | None = {"a map": dict, "a list": list, "text": str}.get(expected)
    form = _find_form(path, subject)
    if expected == "true or false":
        return "Write `true` or `false`."
    if expected == "text" and form == ANYTHING:
        field = find_fields(subject.model, path[:-1]).get(str(path[-1]))
        takes = describe_text(field) if field else ""
        return f"Write {takes}." if takes else ""
    if kind is None or not isinstance(form, kind) or form == ANYTHING:
        return ""
    key = path[-1] if isinstance(path[-1], str) else ""
    return f"Write it like `{as_written(key, form)}`."


def _find_form(path: Path, subject: Subject) -> Any:
    """The form of the value at a path: that of its field, or of the values of the map around it."""
    if field := find_fields(subject.model, path[:-1]).get(str(path[-1])):
        return form_of_field(field)
    around = _find_form(path[:-1], subject) if len(path) > 1 else ANYTHING
    values = [*around.values()] if isinstance(around, dict) else around
    return values[0] if isinstance(values, list) and values else ANYTHING


def _advise_entry(path: Path, subject: Subject) -> str:
    """What to do about a key that is written beside the entries of a map, or beside the stacks, but
    belongs into one of them."""
    key, siblings = str(path[-1]), value_at(subject.data, path[:-1])
    is_stack = not subject.root and path[:-1] == ("stacks",)
    kinds = subject.catalog.kinds
    if is_stack:
        models = list(kinds.values())
    else:
        models = [member for member in find_types(subject.model, path) if is_model(member)]
    if is_stack and key in kinds:
        return ""
    is_entry = isinstance(siblings, Mapping) and key not in find_fields(subject.model, path[:-1])
    if is_entry and any(key in {"template", *model.model_fields} for model in models):
        names = [name for name, value in siblings.items() if isinstance(value, Mapping)]
        entry = f"`{names[0]}:`" if len(names) == 1 else "the entry above it"
        return f"Indent `{key}:` deeper: it is a key of {entry}, not the name of another."
    return ""


def _advise_new_stack(key: str, subject: Subject) -> str:
    if key in subject.catalog.kinds:
        return f"Write `{key}: {{}}` for its defaults, or its params below it."
    return f"Write `{key}: {{template: ...}}` with its params."


def _advise_range(path: Path, subject: Subject, value: Any, context: Mapping[str, Any]) -> str:
    """What to write in place of a value that is too small, too large, too short or too long."""
    key = str(path[-1])
    field = find_fields(subject.model, path[:-1]).get(key)
    if "min_length" in context:
        form = form_of_field(field) if field else ANYTHING
        is_map = isinstance(value, list | dict) and form not in (ANYTHING, None)
        return (
            f"Write it like `{as_written(key, form)}`."
            if is_map
            else "Write a value, or leave it out."
        )
    if "max_length" in context:
        extra = len(value) - context["max_length"]
        what = "of them" if isinstance(value, list | dict) else "characters or more"
        return f"Remove {extra} {what}."
    if "gt" in context:
        return f"Write a number above {context['gt']:g}."
    low, high = find_bounds(field)
    low = context.get("ge", low)
    high = context.get("le", high)
    if low is not None and high is not None:
        return f"Write {low:.15g} to {high:.15g}."
    return f"Write {low:.15g} or more." if low is not None else f"Write {high:.15g} or less."


def _describe_value(
    kind: str, detail: ErrorDetails, context: Mapping[str, Any]
) -> tuple[str, str, str]:
    """Code, message and hint of an error about a value of the right type."""
    value = shown(detail["input"])
    if kind == "literal_error":
        quoted = re.sub(r"'([0-9.]+)'", r'`"\1"`', context["expected"])  # YAML reads numbers
        possible = quoted.replace("'", "`")
        choices = re.findall("`(.*?)`", possible)
        if (text := f'"{detail["input"]}"') in choices and not isinstance(detail["input"], str):
            return "M1103", f"{value} is written where text belongs", f"Put it in quotes: {text}."
        meant = _guess_choice(detail["input"], choices)
        hint = f"Did you mean `{meant}`? Possible values: " if meant else "Write "
        return "M1104", f"{value} is not a possible value", f"{hint}{possible}."
    limits = {"ge": "below", "le": "above", "gt": "not above", "lt": "not below"}
    for key, words in limits.items():
        if key in context:
            return "M1105", f"{value} is {words} {context[key]:.15g}", ""
    unit = "character" if kind.startswith("string") else "entry"
    if (least := context.get("min_length")) is not None:
        return "M1105", f"At least {_count(least, unit)} {_are(least)} required", ""
    if (most := context.get("max_length")) is not None:
        return "M1105", f"At most {_count(most, unit)} {_are(most)} allowed", ""
    if pattern := context.get("pattern"):
        return "M1109", f"{value} does not match `{pattern}`", ""
    return "M1109", f"{value} is not valid: {detail['msg']}", ""


def _guess_choice(value: Any, choices: list[str]) -> str:
    """The choice that was probably intended; for a map, the choice that one of its values is."""
    if isinstance(value, Mapping):
        inner = [_guess_choice(item, choices) for item in value.values() if isinstance(item, str)]
        return next(filter(None, inner), "")
    synonym = VALUES.get(str(value), "")
    return synonym if synonym in choices else near(str(value), choices)


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _count(number: int, unit: str) -> str:
    plural = unit[:-1] + "ies" if unit.endswith("y") else f"{unit}s"
    return f"{number} {unit if number == 1 else plural}"
