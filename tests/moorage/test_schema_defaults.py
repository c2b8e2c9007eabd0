"""Each default in the JSON Schema is a value that the schema and the params accept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args

import pytest
from jsonschema import Draft7Validator
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from moorage.model import Base
from moorage.pipeline.header import Header
from moorage.schema.json_schema import schema
from templates import TEMPLATES
from templates.common.logs import Logs

SCHEMA = schema(TEMPLATES)


def find_schema_defaults(node: Any, path: str = "#") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The parts of a schema that have a default, by their JSON pointers."""
    if isinstance(node, list):
        for index, item in enumerate(node):
            yield from find_schema_defaults(item, f"{path}/{index}")
    if isinstance(node, dict):
        if "default" in node and not path.endswith(("/properties", "/definitions")):
            yield path, node
        for key, value in node.items():
            if key not in ("default", "examples"):
                yield from find_schema_defaults(value, f"{path}/{key}")


def find_models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models in a type, and in the fields of these models."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from find_models(field.annotation)
    for argument in get_args(annotation):
        yield from find_models(argument)


MODELS = {
    model
    for root in (Header, *(module.Params for module in TEMPLATES.values()))
    for model in find_models(root)
}
"""Every model that a params file fills."""


def find_model_defaults() -> Iterator[tuple[type[BaseModel], str, FieldInfo]]:
    """The fields with a constant default."""
    for model in sorted(MODELS, key=lambda model: f"{model.__module__}.{model.__qualname__}"):
        for name, field in model.model_fields.items():
            if not field.is_required() and field.default_factory is None:
                yield model, name, field


def write_default(model: type[BaseModel], name: str) -> Any:
    """The default as a user writes it."""
    example = model.model_construct(_fields_set={name})
    return example.model_dump(mode="json", include={name}, warnings=False)[name]


def test_the_schema_has_defaults() -> None:
    assert len(list(find_schema_defaults(SCHEMA))) > 200
    assert len(list(find_model_defaults())) > 200


def test_each_default_in_the_schema_is_valid_by_the_schema() -> None:
    invalid = [
        (path, node["default"])
        for path, node in find_schema_defaults(SCHEMA)
        if not Draft7Validator({**node, "definitions": SCHEMA["definitions"]}).is_valid(
            node["default"]
        )
    ]
    assert invalid == []


def test_each_default_is_accepted_by_the_params() -> None:
    for model, name, field in find_model_defaults():
        written = write_default(model, name)
        key = f"{model.__module__}.{model.__qualname__}.{name}"
        try:
            value = getattr(model.model_validate({name: written}), name)
        except ValidationError as error:
            problems = [item for item in error.errors() if item["loc"][:1] == (name,)]
            assert problems == [], f"{key}: only other keys may be wrong: they are missing"
        else:
            assert value == field.default, key


def test_params_that_are_not_validated_have_the_same_defaults() -> None:
    complete = [
        model
        for model in MODELS
        if issubclass(model, Base)
        and not any(field.is_required() for field in model.model_fields.values())
    ]
    equal = [model for model in complete if is_valid(model) and model.unvalidated() == model()]
    assert len(equal) > 40
    assert [*filter(is_valid, complete)] == equal


def is_valid(model: type[BaseModel]) -> bool:
    """Whether a model is valid without any value."""
    try:
        model()
    except ValidationError:
        return False
    return True


def test_params_that_are_not_validated_have_only_known_keys() -> None:
    with pytest.raises(AssertionError, match="retentions"):
        Logs.unvalidated(retentions="14d")


def find_default_models(value: Any) -> Iterator[BaseModel]:
    """The models in a default, without those inside of a model."""
    if isinstance(value, BaseModel):
        yield value
    if isinstance(value, dict):
        for inner in value.values():
            yield from find_default_models(inner)


def test_a_default_that_was_not_validated_is_that_of_its_model() -> None:
    defaults = [
        default
        for _, _, field in find_model_defaults()
        for default in find_default_models(field.default)
    ]
    assert len(defaults) > 30
    for default in defaults:
        values = {name: getattr(default, name) for name in default.model_fields_set}
        assert type(default)(**values) == default
