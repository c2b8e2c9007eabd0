"""Schemas of cfn-lint's rules, each read when it is used first.

Some 150 rules have a schema of their own, in a file that cfn-lint reads when it loads its rules,
which is two fifths of the time of loading them. A template needs few: most are about one type of
resource.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

_MODULE = import_module("cfnlint.rules.jsonschema.CfnLintJsonSchema")
_NAME = "_schema"
_OWN = "cfnlint."


def postpone_schemas() -> None:
    """Lets the rules of cfn-lint in this process read their schemas late."""
    load = getattr(_MODULE, "load_resource", None)
    kind = getattr(_MODULE, "CfnLintJsonSchema", None)
    if callable(load) and kind is not None and not hasattr(kind, _NAME):
        setattr(_MODULE, "load_resource", partial(_postpone, load))  # noqa: B010
        setattr(kind, _NAME, property(_read, _write))


def _postpone(load: Callable[..., Any], package: Any, *values: Any, **named: Any) -> Any:
    """A schema of cfn-lint, to be read later. That of a user's rule is read at once: the file may
    not exist."""
    is_own = str(getattr(package, "__name__", package)).startswith(_OWN)
    read = partial(load, package, *values, **named)
    return _LateSchema(read) if is_own else read()


class _LateSchema:
    """A schema that has not been read."""

    def __init__(self, read: Callable[[], Any]) -> None:
        self.read = read


def _read(rule: Any) -> Any:
    value = vars(rule)[_NAME]
    if isinstance(value, _LateSchema):
        value = vars(rule)[_NAME] = value.read()
    return value


def _write(rule: Any, value: Any) -> None:
    vars(rule)[_NAME] = value
