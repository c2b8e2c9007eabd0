"""Two versions of a resource -> the properties that differ. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from moorage.facts.secret_values import (
    HIDDEN,
    has_secret_value,
    is_harmless,
    may_hold_secret,
)
from moorage.records import record

KNOWN_LATER = "{{changeSet:KNOWN_AFTER_APPLY}}"
"""What a change set has in place of a value that only the update determines (AWS CDK,
`@aws-cdk/cloudformation-diff`, replaceUnknown)."""
_SHOWN_LATER = "(known after the update)"
_NAMES = ("Name", "Key", "Sid", "PolicyName", "ContainerName", "OutputKey")
"""Properties that identify an item of a list, so that items are compared by name."""
_MAX_SHOWN = 100


@record
class Absent:
    """The value of a property that is not there."""


ABSENT = Absent()


@record
class PropertyChange:
    """A property before and after an update, as texts; None where it is absent."""

    path: str
    """As in `ContainerDefinitions.web.Image`: items of lists by their name or position."""
    before: str | None
    after: str | None
    cause: str = ""
    """The resource whose change causes this one, if that is another resource."""


def compare(before: Any, after: Any) -> tuple[PropertyChange, ...]:
    """The changes from one map of properties to another, in the order of the second."""
    return tuple(_compare((), before, after))


def _compare(path: tuple[str, ...], before: Any, after: Any) -> Iterator[PropertyChange]:
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys([*after, *before]):
            pair = before.get(key, ABSENT), after.get(key, ABSENT)
            yield from _compare((*path, str(key)), *pair)
        return
    if isinstance(before, list) and isinstance(after, list):
        named = _by_name(before), _by_name(after)
        if named[0] is not None and named[1] is not None:
            yield from _compare(path, *named)
            return
        if len(before) == len(after) and all(isinstance(item, Mapping) for item in after):
            for index, pair in enumerate(zip(before, after, strict=True)):
                yield from _compare((*path, str(index)), *pair)
            return
    yield PropertyChange(".".join(path), _text(path, before), _text(path, after))


def _by_name(items: list[Any]) -> dict[str, Any] | None:
    """Items of a list by the property that identifies them, without it; None if nothing does."""
    maps = [item for item in items if isinstance(item, Mapping)]
    for name in _NAMES:
        names = [item[name] for item in maps if isinstance(item.get(name), str)]
        if len(names) == len({*names}) == len(items):
            return {
                item[name]: {key: value for key, value in item.items() if key != name}
                for item in maps
            }
    return None


def _text(path: tuple[str, ...], value: Any) -> str | None:
    if isinstance(value, Absent):
        return None
    return value_text(value, path)


def value_text(value: Any, path: tuple[str, ...] = ()) -> str:
    """A value on one line, without what may be a secret."""
    if value == KNOWN_LATER:
        return _SHOWN_LATER
    shown = _without_secrets(value, path)
    if isinstance(shown, str):
        text = shown if shown.isprintable() and shown else json.dumps(shown)
    else:
        text = json.dumps(shown, ensure_ascii=False, sort_keys=True)
        text = text.replace(json.dumps(KNOWN_LATER), _SHOWN_LATER)
    return text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN - 3]}..."


def _without_secrets(value: Any, path: tuple[str, ...]) -> Any:
    if isinstance(value, Mapping):
        named = next((value[key] for key in _NAMES if isinstance(value.get(key), str)), "")
        return {
            key: item if key in _NAMES else _without_secrets(item, (*path, named, str(key)))
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_without_secrets(item, path) for item in value]
    return HIDDEN if isinstance(value, str) and _may_be_secret(path, value) else value


def _may_be_secret(path: tuple[str, ...], text: str) -> bool:
    """Whether a name around a value, or the value itself, looks like a secret. What refers to a
    secret is none."""
    if has_secret_value(text):
        return True
    refers = "Secrets" in path or "SecretOptions" in path or is_harmless(text)
    return not refers and any(may_hold_secret(name) for name in path)
