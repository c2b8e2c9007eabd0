"""pydantic's errors -> faults in our words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any

from pydantic_core import ErrorDetails

from moorage.findings.finding import Path
from moorage.findings.wording import near, shown
from moorage.pipeline.params_models import description, fields
from moorage.pipeline.paths import at, written


@dataclass(frozen=True)
class Fault:
    """One refusal of pydantic's in our words."""

    path: Path
    cut: Path
    code: str
    message: str
    hint: str
    near: str = ""
    """The key that was probably meant, where an unknown one was written."""

    @classmethod
    def of(
        cls, detail: ErrorDetails, model: type[Any], data: Mapping[str, Any], gone: Set[Path]
    ) -> Fault:
        kind = detail["type"]
        loc = detail["loc"][:-1] if kind == "missing" else detail["loc"]
        path = written(loc, data, gone)
        context: Mapping[str, Any] = detail.get("ctx", {})
        if kind == "moorage":
            return cls(path, path, context["code"], context["message"], context["hint"])
        if kind == "extra_forbidden":
            return cls._unknown(path, fields(model, path[:-1]), at(data, path[:-1]))
        if kind == "missing":
            key = str(detail["loc"][-1])
            field = fields(model, path).get(key)
            hint = (field.description if field else None) or ""
            return cls((*path, key), path, "M1102", f"`{key}` is missing", hint)
        code, message, advice = _in_words(kind, detail, context)
        described = "" if code == "M1104" else description(model, path) or ""
        return cls(path, path, code, message, f"{advice} {described}".strip())

    @classmethod
    def _unknown(cls, path: Path, fields: Mapping[str, Any], beside: Mapping[str, Any]) -> Fault:
        key = str(path[-1])
        free = [name for name in fields if name not in beside]
        meant = near(key, free)
        hint = f"Did you mean `{meant}`?" if meant else f"Known here: {', '.join(sorted(fields))}."
        return cls(path, path, "M1101", f"{shown(key)} is unknown here", hint, meant)


def chosen(faults: list[Fault]) -> list[Fault]:
    """Without the type faults of a union's other members, where one was meant and has its own."""
    around = {fault.path[:end] for fault in faults for end in range(len(fault.path))}
    return [fault for fault in faults if fault.code != "M1103" or fault.path not in around]


_WANTED = {
    "string": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "list": "a list",
    "dict": "a map",
    "model": "a map",
}


def _in_words(kind: str, detail: ErrorDetails, context: Mapping[str, Any]) -> tuple[str, str, str]:
    """Code, message and advice of pydantic's built-in errors."""
    given = shown(detail["input"])
    wanted = _WANTED.get(kind.removesuffix("_type").removesuffix("_parsing"))
    if wanted and (kind.endswith(("_type", "_parsing"))):
        advice = _advice(wanted, detail["input"])
        return "M1103", f"{given} stands where {wanted} belongs", advice
    if kind == "literal_error":
        possible = context["expected"].replace("'", "`")
        meant = near(str(detail["input"]), re.findall("`(.*?)`", possible))
        hint = f"Did you mean `{meant}`? Possible: " if meant else "Use "
        return "M1104", f"{given} is not possible", f"{hint}{possible}."
    limits = {"ge": "at least", "le": "at most", "gt": "more than", "lt": "less than"}
    for key, words in limits.items():
        if key in context:
            return "M1105", f"{given} must be {words} {context[key]}", ""
    unit = "character" if kind.startswith("string") else "entr"
    if (least := context.get("min_length")) is not None:
        return "M1105", f"At least {_count(least, unit)} must stand here", ""
    if (most := context.get("max_length")) is not None:
        return "M1105", f"At most {_count(most, unit)} can stand here", ""
    if pattern := context.get("pattern"):
        return "M1107", f"{given} is not well-formed", f"It must match `{pattern}`."
    return "M1107", f"{given} is not well-formed: {detail['msg']}", ""


def _count(number: int, unit: str) -> str:
    endings = {"entr": ("y", "ies"), "character": ("", "s")}
    return f"{number} {unit}{endings[unit][number != 1]}"


def _advice(wanted: str, value: Any) -> str:
    """How to write what was probably meant, where the value tells."""
    if wanted == "text" and isinstance(value, bool | int | float):
        return f'Put it in quotes: "{str(value).lower()}".'
    if wanted == "a whole number" and isinstance(value, str) and re.fullmatch(r"\d+", value):
        return f"Write it without quotes: {int(value)}."
    if wanted == "true or false" and isinstance(value, str):
        switches = {"true": ("true", "yes", "on", "y"), "false": ("false", "no", "off", "n")}
        return "".join(
            f"Write `{word}`, without quotes."
            for word, others in switches.items()
            if value.lower() in others
        )
    if wanted == "a list" and not isinstance(value, dict | list):
        return "Write a list, such as `[one, another]`."
    return ""
