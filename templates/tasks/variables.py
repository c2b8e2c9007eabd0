"""Environment variables of containers, as they are written in params."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from moorage.findings.wording import shown
from moorage.model import wrong


def _format_scalar(value: Any) -> str:
    """A scalar of the params as text: `true` for true, `1024` for 1024.

    Raises the error of a params field for a list or a map.
    """
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int | float):
        message = f"{shown(value)} is not text, a number, true or false"
        raise wrong("M1103", message, "Write any other value as text, in quotes.")
    return str(value)


def _validate_name(value: str) -> str:
    """Accepts more names than POSIX ("Environment Variable Definition"), such as `node.name`, but
    none that a shell or a `.env` file cannot contain."""
    if not re.fullmatch(r"[A-Za-z0-9_.:/-]+", value):
        hint = "Use letters, digits and `_`, as in `LOG_LEVEL`."
        raise wrong("M2603", f"{shown(value)} is not a name of an environment variable", hint)
    return value


VariableName = Annotated[str, AfterValidator(_validate_name)]
"""The name of an environment variable."""

Variable = Annotated[
    str,
    BeforeValidator(_format_scalar),
    WithJsonSchema({"type": ["string", "number", "boolean"]}),
]
"""The value of an environment variable or a kernel parameter, as text."""
