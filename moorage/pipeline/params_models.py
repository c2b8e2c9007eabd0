"""Fields of params models by the path of a value."""

from __future__ import annotations

from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import (
    BaseModel,
)
from pydantic.fields import FieldInfo

from moorage.findings.finding import Path


def _models_at(model: type[Any], path: Path) -> list[type[BaseModel]]:
    """The models that may stand at a path."""
    annotations: list[Any] = [model]
    for step in path:
        annotations = [inner for one in annotations for inner in _inside(one, step)]
    return [found for one in annotations for found in _members(one) if _is_model(found)]


def _inside(annotation: Any, step: str | int) -> Iterator[Any]:
    """The types of what a value of that type may hold under a key or an index."""
    for member in _members(annotation):
        arguments = get_args(member)
        if _is_model(member):
            if step in member.model_fields:
                yield member.model_fields[str(step)].annotation
        elif arguments:
            yield arguments[-1]


def _members(annotation: Any) -> Iterator[Any]:
    """A union's members, out of their wrapping; any other type itself."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _members(get_args(annotation)[0])
    elif origin in (Union, UnionType):
        for one in get_args(annotation):
            yield from _members(one)
    else:
        yield annotation


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def fields(model: type[Any], path: Path) -> dict[str, FieldInfo]:
    return {
        key: field for one in _models_at(model, path) for key, field in one.model_fields.items()
    }


def description(model: type[Any], path: Path) -> str | None:
    """What the params reference says of the nearest named thing around a path."""
    for end in range(len(path), 0, -1):
        field = fields(model, path[: end - 1]).get(str(path[end - 1]))
        if field is not None and field.description:
            return field.description
    return None
