"""Models of params: the fields and types at a path, and the places where a key is allowed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from functools import cache, cached_property
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from moorage.findings.finding import Path
from moorage.model import TemplateModule
from moorage.records import record

ANY = "*"
"""In a pattern of a path: any key of a map, or any item of a list."""


@record
class Catalog:
    """The models of a params file: its top, and each kind of stack."""

    header: type[Any]
    kinds: Mapping[str, type[Any]] = field(default_factory=dict)

    @cached_property
    def kinds_by_key(self) -> dict[str, list[str]]:
        """The kinds of stacks that have a key of that name, not in a map inside of them."""
        found: dict[str, list[str]] = {}
        for kind, model in self.kinds.items():
            for key in model.model_fields:
                found.setdefault(key, []).append(kind)
        return found


class Models(Mapping[str, type[Any]]):
    """The models of the kinds of stacks. It looks up no kind but those that are asked for."""

    def __init__(self, templates: Mapping[str, TemplateModule]) -> None:
        self._templates = templates

    def __getitem__(self, kind: str) -> type[Any]:
        return self._templates[kind].Params

    def __contains__(self, kind: object) -> bool:
        return kind in self._templates

    def __iter__(self) -> Iterator[str]:
        return iter(self._templates)

    def __len__(self) -> int:
        return len(self._templates)


def find_types(model: type[Any], path: Path) -> list[Any]:
    """The types that a value at a path can have; members of a union one by one."""
    annotations: list[Any] = [model]
    for step in path:
        annotations = [inner for outer in annotations for inner in _inside(outer, step)]
    return [member for annotation in annotations for member in members_of(annotation)]


def find_fields(model: type[Any], path: Path) -> dict[str, FieldInfo]:
    """The fields that a map at a path can have."""
    models = [member for member in find_types(model, path) if is_model(member)]
    return {key: info for model in models for key, info in model.model_fields.items()}


def find_description(model: type[Any], path: Path) -> str | None:
    """The description of the field at a path, or of the nearest one around it."""
    for end in range(len(path), 0, -1):
        info = find_fields(model, path[: end - 1]).get(str(path[end - 1]))
        if info is not None and info.description:
            return info.description
    return None


def find_places(model: Any, keys: frozenset[str]) -> list[tuple[Path, str]]:
    """The places where a model, or a model inside of it, has a field of one of these names.

    Each place is a pattern, with ANY for keys of maps and items of lists, and the field's name.
    """
    places = _places_by_key(model)
    return [place for key in sorted(keys) for place in places.get(key, ())]


def find_keys(model: Any) -> list[str]:
    """The names of all fields of a model, and of models inside of it."""
    return list(_places_by_key(model))


@cache
def _places_by_key(model: Any) -> dict[str, list[tuple[Path, str]]]:
    """All fields of a model and of models inside of it by name, in alphabetical order."""
    places: dict[str, list[tuple[Path, str]]] = {}
    for path, key in dict.fromkeys(_places(model, (), ())):
        places.setdefault(key, []).append((path, key))
    return dict(sorted(places.items()))


def is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _places(annotation: Any, path: Path, outer: tuple[Any, ...]) -> Iterator[tuple[Path, str]]:
    for member in members_of(annotation):
        if is_model(member) and member not in outer:
            for key, info in member.model_fields.items():
                yield path, key
                yield from _places(info.annotation, (*path, key), (*outer, member))
        elif get_origin(member) in (list, dict):
            yield from _places(get_args(member)[-1], (*path, ANY), outer)


def _inside(annotation: Any, step: str | int) -> Iterator[Any]:
    """The types of the values that a value of that type can have at a key or an index."""
    for member in members_of(annotation):
        arguments = get_args(member)
        if is_model(member):
            if step in member.model_fields:
                yield member.model_fields[str(step)].annotation
        elif arguments:
            yield arguments[-1]


def members_of(annotation: Any) -> Iterator[Any]:
    """The members of a union without their metadata; any other type itself."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from members_of(get_args(annotation)[0])
    elif origin in (Union, UnionType):
        for member in get_args(annotation):
            yield from members_of(member)
    else:
        yield annotation
