"""Environment variables of containers, as params write them."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from moorage.findings.wording import shown
from moorage.model import wrong


def format_scalar(value: Any) -> str:
    """A scalar of the params as text: `true` for true, `1024` for 1024.

    Raises the error of a params field for a list or a map.
    """
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int | float):
        message = f"{shown(value)} is not text, a number, true or false"
        raise wrong("M1103", message, "Write any other value as text, in quotes.")
    return str(value)


def _validate_value(value: Any) -> str:
    if value is None:
        hint = 'Write `""` after the name for an empty value, or remove the line.'
        raise wrong("M2604", "The environment variable has no value", hint)
    return format_scalar(value)


def _validate_name(value: str) -> str:
    """Accepts more than POSIX ("Environment Variable Definition"), for names such as `node.name`,
    but nothing that a shell or a `.env` file cannot hold."""
    if not re.fullmatch(r"[A-Za-z0-9_.:/-]+", value):
        hint = "Use letters, digits and `_`, as in `LOG_LEVEL`."
        raise wrong("M2603", f"{shown(value)} is not a name of an environment variable", hint)
    return value


def _validate_variables(value: Any) -> Any:
    """Refuses a list, which Docker Compose and the API of ECS have here."""
    if not isinstance(value, list):
        return value
    name = next(filter(None, map(_listed_name, value)), "LOG_LEVEL")
    hint = f"Write each variable as a name and a value: `environment: {{{name}: value}}`."
    raise wrong("M1103", "A list is not a map of environment variables", hint)


def _listed_name(item: Any) -> str:
    """The name of a variable that is written as `NAME=value` or as `{name: NAME, value: ...}`."""
    name = item.get("name") if isinstance(item, dict) else str(item).partition("=")[0]
    return str(name) if re.fullmatch(r"[A-Za-z0-9_.:/-]+", str(name)) else ""


VariableName = Annotated[str, AfterValidator(_validate_name)]
"""The name of an environment variable."""

Variable = Annotated[
    str,
    BeforeValidator(_validate_value),
    WithJsonSchema({"type": ["string", "number", "boolean"]}),
]
"""The value of an environment variable: text, or a scalar that becomes text."""

Variables = Annotated[dict[VariableName, Variable], BeforeValidator(_validate_variables)]
"""Environment variables by name."""
