"""cfn-lint's classes of validators, made once.

For each schema that a rule of cfn-lint extends, it makes a class with `dataclass`, some 45 for a
template, although there are hardly more than ten kinds: a quarter of its time, and a megabyte of
memory for each template where garbage is not collected.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from functools import wraps
from typing import Any

from cfnlint.jsonschema import validators

_MOST = 1000
"""Classes that are kept; the rules of a user's settings can add some."""


def share_classes() -> None:
    """Lets cfn-lint in this process make each class once. A class depends on nothing but the
    arguments of `create`, and nothing changes it."""
    create = getattr(validators, "create", None)
    if callable(create) and not hasattr(create, "__wrapped__"):
        validators.create = _made_once(create)


def _made_once(create: Callable[..., Any]) -> Callable[..., Any]:
    made: dict[Hashable, Any] = {}

    @wraps(create)
    def shared(*values: Any, **named: Any) -> Any:
        key = (*map(_key, values), *((name, _key(value)) for name, value in named.items()))
        if key not in made:
            if len(made) >= _MOST:
                made.clear()
            made[key] = create(*values, **named)
        return made[key]

    return shared


def _key(value: Any) -> Hashable:
    """Of a map of functions, or of an object that shows all that it has."""
    return tuple(value.items()) if isinstance(value, Mapping) else repr(value)
