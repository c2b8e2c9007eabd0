"""The form of a value, derived from its type: `{web: {image: ...}}` for the containers of a task.
Pure."""

from __future__ import annotations

from typing import Annotated, Any, get_args, get_origin

from pydantic import TypeAdapter
from pydantic.fields import FieldInfo

from moorage.findings.wording import as_flow
from moorage.pipeline.params_models import is_model, members_of

ANYTHING = "..."
"""In a form: a value that the user must know."""
NAME = "<name>"
"""In a form: a name that the user chooses."""
_MAX_KEYS = 3


def as_written(key: str, form: Any) -> str:
    """A key with a form as its value, as written in params; only the form if the key is empty."""
    text = as_flow(form).replace(f'"{NAME}"', NAME)
    return f"{key}: {text}" if key else text


def form_of_field(field: FieldInfo) -> Any:
    """An example of the value of a field: one of its own examples, or one of its type."""
    if field.examples:
        return field.examples[0]
    return form_of_type(_annotation(field))


def find_bounds(field: FieldInfo | None) -> tuple[Any, Any]:
    """The minimum and the maximum of a field; None if there is no limit."""
    if field is None:
        return None, None
    schema = TypeAdapter(_annotation(field)).json_schema()
    choices = [schema, *schema.get("anyOf", ())]
    low = [choice["minimum"] for choice in choices if "minimum" in choice]
    high = [choice["maximum"] for choice in choices if "maximum" in choice]
    return next(iter(low), None), next(iter(high), None)


def describe_text(field: FieldInfo) -> str:
    """What a field takes, in words; empty if its JSON Schema has no `takes`."""
    schema = TypeAdapter(_annotation(field)).json_schema()
    choices = [schema, *schema.get("anyOf", ())]
    return next((str(choice["takes"]) for choice in choices if "takes" in choice), "")


def _annotation(field: FieldInfo) -> Any:
    return Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation


def form_of_type(annotation: Any, kind: type[Any] | None = None) -> Any:
    """An example of a value of a type, with ANYTHING for values that only the user knows.

    `kind`, dict or list, chooses the member of a union.
    """
    members = [member for member in members_of(annotation) if member is not type(None)]
    for member in members:
        form = _form_of_member(member)
        if kind is None or isinstance(form, kind):
            return _example_of(annotation) if form == ANYTHING else form
    return ANYTHING


def _form_of_member(member: Any) -> Any:
    arguments = get_args(member)
    if is_model(member):
        return _form_of_model(member)
    if get_origin(member) is list:
        return [form_of_type(arguments[0])]
    if get_origin(member) is dict:
        key, value = form_of_type(arguments[0]), form_of_type(arguments[1])
        return {NAME if key == ANYTHING else key: {} if _is_optional(arguments[1]) else value}
    return ANYTHING


def _is_optional(annotation: Any) -> bool:
    """Whether a type is a model that needs no keys."""
    models = [member for member in members_of(annotation) if is_model(member)]
    return any(
        not any(field.is_required() for field in model.model_fields.values()) for model in models
    )


def _form_of_model(model: Any) -> dict[str, Any]:
    """The required keys; if there are none, the first keys."""
    fields = model.model_fields
    required = {key: field for key, field in fields.items() if field.is_required()}
    return dict.fromkeys(required or [*fields][:_MAX_KEYS], ANYTHING)


def _example_of(annotation: Any) -> Any:
    """The first example or enum value in the JSON Schema of a type, or ANYTHING."""
    schema = TypeAdapter(annotation).json_schema()
    choices = [schema, *schema.get("anyOf", ())]
    examples = [example for choice in choices for example in choice.get("examples", ())]
    values = [value for choice in choices for value in choice.get("enum", ())]
    return [*examples, *values, ANYTHING][0]
