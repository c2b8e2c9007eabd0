"""A stack that is written as text, such as the name of a cluster -> the map to write instead."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, get_origin

from pydantic import ValidationError

from moorage.findings.wording import as_flow
from moorage.model import NAME
from moorage.pipeline.params_models import Catalog, find_types, is_model


def advise_stack(name: str, value: Any, catalog: Catalog) -> str:
    """What to write for a stack `name` in place of a text, which is probably the name of a
    resource."""
    if not isinstance(value, str) or not value:
        return ""
    kinds = [name] if name in catalog.kinds else _kinds_that_take(value, catalog)
    arn = re.fullmatch(r"arn:[^/]*:([a-z]+)/([^/]+)", value)
    if arn and arn[1] in catalog.kinds:  # the ARN of a cluster, for example, ends with its name
        kinds, value = [arn[1]], arn[2]
    existing = {kind: _existing(kind, value, catalog) for kind in kinds}
    kind = next((kind for kind in kinds if existing[kind]), None)
    if kind is not None:
        noun = _describe_existing(kind, catalog)
        hint = f"To use {noun}, write `{_show(name, kind, existing[kind])}`."
        is_name = NAME.fullmatch(value) and not re.search(r"-[0-9a-f]{8,}$", value)
        return f"{hint} For a new one, write `{_show(name, kind, {})}`." if is_name else hint
    if not kinds:
        return ""
    hint = f"Write `{_show(name, kinds[0], {})}` for a new one."
    other = [kind for kind in kinds if any(_existing_models(kind, catalog))]
    return f"{hint} For an existing one, add `existing:`." if other else hint


def _kinds_that_take(value: str, catalog: Catalog) -> list[str]:
    """The kinds whose `existing:` accepts this value but not every text."""
    return [
        kind
        for kind in sorted(catalog.kinds)
        if _existing(kind, value, catalog)
        and not any(_existing(kind, text, catalog) for text in _ANY_NAMES)
    ]


_ANY_NAMES = ("some-name", "name")
"""Texts that a field accepts if it takes names of any resource."""


def _existing(kind: str, value: str, catalog: Catalog) -> dict[str, Any]:
    """An `existing:` of a kind, with the value at the key that accepts it; empty if none does."""
    for model in _existing_models(kind, catalog):
        required = [key for key, field in model.model_fields.items() if field.is_required()]
        for key in required:
            if _fits(model, key, value):
                rest = {other: ... for other in required if other != key}
                return {key: value, **rest, **_lists(model)}
    return {}


def _existing_models(kind: str, catalog: Catalog) -> Iterator[Any]:
    return (model for model in find_types(catalog.kinds[kind], ("existing",)) if is_model(model))


def _lists(model: Any) -> dict[str, Any]:
    """Lists of IDs that belong to the resource, such as the subnets of a VPC."""
    fields = model.model_fields.items()
    return {
        key: [...]
        for key, field in fields
        if get_origin(field.annotation) is list and key.endswith("_subnets")
    }


def _fits(model: Any, key: str, value: str) -> bool:
    try:
        model.model_validate({key: value})
    except ValidationError as error:
        return not any(detail["loc"][:1] == (key,) for detail in error.errors())
    return True


def _describe_existing(kind: str, catalog: Catalog) -> str:
    """What `existing:` of a kind refers to, in words: `an existing VPC`."""
    text = next(str(model.__doc__) for model in _existing_models(kind, catalog))
    return text[:1].lower() + text[1:].rstrip(".")


def _show(name: str, kind: str, existing: Mapping[str, Any]) -> str:
    entry: dict[str, Any] = {} if name == kind else {"template": kind}
    if existing:
        entry["existing"] = existing
    return f"{name}: {_flow(entry)}"


def _flow(value: Any) -> str:
    """A value as YAML in one line, with `...` for what only the user knows."""
    if value is ...:
        return "..."
    if isinstance(value, list):
        return f"[{', '.join(map(_flow, value))}]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(inner)}" for key, inner in value.items()) + "}"
    return str(as_flow(value))
