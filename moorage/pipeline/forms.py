"""The form of a value, from its type: `{web: {image: ...}}` for the containers of a task. Pure."""

from __future__ import annotations

from typing import Annotated, Any, get_args, get_origin

from pydantic import TypeAdapter
from pydantic.fields import FieldInfo

from moorage.pipeline.params_models import is_model, members_of

ANYTHING = "..."
"""In a form: a value that the user must know."""
_MAX_KEYS = 3


def form_of_field(field: FieldInfo, kind: type[Any] | None = None) -> Any:
    """An example of what a field takes: one that the field has, or one of its type."""
    if field.examples:
        return field.examples[0]
    annotation = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
    return form_of_type(annotation, kind)


def form_of_type(annotation: Any, kind: type[Any] | None = None) -> Any:
    """An example of what a type takes, with ANYTHING where only the user knows the value.

    With `kind`, dict or list, the member of a union that has this kind.
    """
    members = [member for member in members_of(annotation) if member is not type(None)]
    for member in members:
        form = _form_of_member(member)
        if kind is None or isinstance(form, kind):
            return example_of(annotation) if form == ANYTHING else form
    return ANYTHING


def _form_of_member(member: Any) -> Any:
    arguments = get_args(member)
    if is_model(member):
        return _form_of_model(member)
    if get_origin(member) is list:
        return [form_of_type(arguments[0])]
    if get_origin(member) is dict:
        key = form_of_type(arguments[0])
        return {"<name>" if key == ANYTHING else key: form_of_type(arguments[1])}
    return ANYTHING


def _form_of_model(model: Any) -> dict[str, Any]:
    """The required keys; without any, the first ones."""
    fields = model.model_fields
    required = {key: field for key, field in fields.items() if field.is_required()}
    form = {key: ANYTHING for key in required or [*fields][:_MAX_KEYS]}
    return form


def example_of(annotation: Any) -> Any:
    """The example that the JSON Schema of a type has, or ANYTHING."""
    schema = TypeAdapter(annotation).json_schema()
    choices = [schema, *schema.get("anyOf", ())]
    examples = [example for choice in choices for example in choice.get("examples", ())]
    values = [value for choice in choices for value in choice.get("enum", ())]
    return [*examples, *values, ANYTHING][0]
