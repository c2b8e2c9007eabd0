"""A value of the wrong type -> what to write instead, guessed from the value. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any, get_args, get_origin

from pydantic.fields import FieldInfo

from moorage.findings.finding import Path
from moorage.findings.wording import as_flow
from moorage.pipeline.foreign_words import WORDS
from moorage.pipeline.forms import ANYTHING, as_written, describe_text, form_of_type
from moorage.pipeline.params_models import is_model

_MAX_LENGTH = 160
_MAX_KEYS = 6
_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?|\.[0-9]+) ?([a-z]*)")
_BYTES = {"k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_UNITS = {"MiB": 2**20, "GiB": 2**30}
_NAME_KEYS = (
    *("name", "Name", "key", "Key"),
    *("containerName", "sourceVolume", "capacityProvider", "namespace"),
)
_VALUE_KEYS = (
    *("value", "Value", "valueFrom", "ValueFrom", "value_from"),
    *("condition", "containerPath"),
)


def advise_text(value: Any) -> str:
    """What to write where text belongs."""
    if isinstance(value, bool | int | float):
        return f'Put it in quotes: "{str(value).lower()}".'
    return ""


def advise_number(key: str, value: Any, description: str) -> str:
    """What to write where a whole number belongs: `1GB` or `0.5`, converted to the unit of the
    field.

    The unit of a field is in its description.
    """
    if isinstance(value, Mapping):
        numbers = [item for item in value.values() if type(item) is int]
        return f"Write `{key}: {numbers[0]}`." if len(numbers) == len(value) == 1 else ""
    text = str(value).strip().lower() if isinstance(value, str | float) else ""
    if text.endswith("%") and text[:-1].isdecimal():
        return f"Write it without the percent sign: {text[:-1]}."
    match = _QUANTITY.fullmatch(text.replace(",", "").replace("_", ""))
    if match is None or isinstance(value, bool):
        return ""
    number, unit = float(match[1]), match[2]
    if "CPU units" in description:
        cpu = number / 1000 if unit == "m" else number
        whole = number.is_integer() and unit == "" and isinstance(value, str)
        units = number if whole else cpu * 1024
        return _write_number(units, "1024 CPU units are one vCPU") if unit in _CPU_UNITS else ""
    for name, size in _UNITS.items():
        if name in description:
            if unit == "" and isinstance(value, str) and number.is_integer():
                return f"Write it without quotes: {number:.0f}."
            factor = _BYTES.get(unit.removesuffix("b").removesuffix("i") or "g")
            if factor is None or unit not in _SIZE_UNITS:
                return ""
            return _write_number(number * factor / size, f"the unit is {name}")
    how = "it without quotes: " if isinstance(value, str) else ""
    return f"Write {how}{number:.0f}." if unit == "" and number.is_integer() else ""


_CPU_UNITS = ("", "m", "vcpu", "vcpus", "cpu", "cpus", "core", "cores")
_SIZE_UNITS = ("", *(f"{u}{end}" for u in _BYTES for end in ("", "b", "i", "ib")))


def convert_number(value: Any, field: FieldInfo) -> str:
    """A number of another tool, converted to what a field takes: to its unit, or to a duration.
    Empty if the unit is not known."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    description = field.description or ""
    if is_number and "duration" in describe_text(field):
        return f"{value}s"
    has_unit = any(unit in description for unit in ("CPU units", *_UNITS))
    if not has_unit or isinstance(value, Mapping):
        return ""
    if is_number:
        return str(value * 1024 if value < 16 and "CPU units" in description else value)
    match = re.search(r"[0-9]+", advise_number("", value, description))
    return match[0] if match else ""


def _write_number(number: float, why: str) -> str:
    return f"Write {number:.0f}: {why}." if number >= 1 and number.is_integer() else ""


def advise_switch(value: Any) -> str:
    """What to write where `true` or `false` belongs."""
    words = {"true": ("true", "yes", "on", "y", "1"), "false": ("false", "no", "off", "n", "0")}
    for word, spellings in words.items():
        if str(value).lower() in spellings:
            return f"Write `{word}`{', without quotes' if word == str(value).lower() else ''}."
    return ""


def advise_list(key: str, value: Any, types: list[Any]) -> str:
    """What to write where a list belongs. `types` are those of the list."""
    items = [get_args(member)[-1] for member in types if get_origin(member) is list]
    model = next((item for item in items if is_model(item)), None)
    if isinstance(value, Mapping) and model is None:
        return _list_of_map(key, value)
    if model is not None and not isinstance(value, list):
        return _list_of_models(key, value, model)
    if key in ("command", "entry_point") and isinstance(value, str):
        try:
            value = shlex.split(value)
        except ValueError:
            value = [value]
    if isinstance(value, str) and "," in value and ":" not in value:
        value = [_as_number(part.strip()) for part in value.split(",")]
    return _show(key, value if isinstance(value, list) else [value])


def _list_of_map(key: str, value: Mapping[str, Any]) -> str:
    """The list that a map was probably meant to be: its numbers, or its keys without values."""
    if key == "ports" and value and all(isinstance(item, int) for item in value.values()):
        return _show(key, list(dict.fromkeys(value.values())))
    if value and not any(value.values()):
        return _show(key, [*value])
    return ""


def _list_of_models(key: str, value: Any, model: Any) -> str:
    """The list of maps that another value was probably meant to be."""
    required = [name for name, info in model.model_fields.items() if info.is_required()]
    if isinstance(value, Mapping) and value.keys() & model.model_fields.keys():
        return _show(key, [value])
    if required[1:] == [] and required and isinstance(value, str):
        return _show(key, [{required[0]: value}])
    if required[1:] == [] and required and _has_maps(value):
        return _show(key, [{required[0]: name, **item} for name, item in value.items()])
    return f"Write `{as_written(key, [form_of_type(model)])}`."


def _has_maps(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(item, dict) for item in value.values())


def _as_number(text: str) -> int | str:
    return int(text) if text.isdecimal() else text


def advise_map(key: str, value: Any, types: list[Any]) -> str:
    """The map that another value was probably meant to be. `types` are those of the map."""
    if isinstance(value, str) and ("=" in value or key == "depends_on"):
        parts = [part.strip() for part in value.split(",")]
        value = parts if all("=" in part for part in parts) else [value]
    if not isinstance(value, list):
        return _advise_model(key, value, types)
    if value and key == "mounts" and all(isinstance(item, str) for item in value):
        return _advise_mounts(key, value)
    if all(isinstance(item, str) for item in value) and (advice := _only_list(key, value, types)):
        return advice
    result: dict[str, Any] = {}
    for item in value:
        entry = _as_entry(key, item, value_types(types))
        if entry is None or entry[0] in result:
            return ""
        result[entry[0]] = entry[1]
    return _show(key, result) if result else ""


def _only_list(key: str, value: list[str], types: list[Any]) -> str:
    """For a list in place of a map: the map with its only required key, if that key takes a
    list."""
    for model in filter(is_model, types):
        required = {name: info for name, info in model.model_fields.items() if info.is_required()}
        for name, info in required.items():
            if len(required) == 1 and value and isinstance(form_of_type(info.annotation), list):
                return _show(key, {name: value})
    return ""


def _advise_mounts(key: str, value: list[str]) -> str:
    """Volumes and paths as Docker Compose writes them: `data:/var/lib/data:ro`."""
    mounts: dict[str, Any] = {}
    for item in value:
        name, _, rest = item.partition(":")
        path, _, mode = rest.partition(":")
        if not re.fullmatch(r"[\w-]+", name) or not path.startswith("/"):
            return ""
        mounts[name] = {"path": path, "read_only": True} if mode == "ro" else path
    return _show(key, mounts)


def _advise_model(key: str, value: Any, types: list[Any]) -> str:
    """The map that a text was probably meant to be: its only required key, or `existing:`."""
    fields = {
        name: info for model in filter(is_model, types) for name, info in model.model_fields.items()
    }
    required = [name for name, info in fields.items() if info.is_required()]
    if isinstance(value, str) and key == "image":  # the key of a container, probably, is missing
        return f"Write the name of the container above it: `web: {{image: {as_flow(value)}}}`."
    if isinstance(value, str) and value.startswith("/") and "path" in fields and not required[1:]:
        return _show(key, {"path": value})
    if isinstance(value, str) and ((required[1:] == [] and required) or "existing" in fields):
        name = required[0] if required else "existing"
        value = _as_number(convert_number(value, fields[name])) or value
        return _show(key, {name: value}) if key else f"Write `{as_flow({name: value})}`."
    if required:
        return f"Write `{as_written(key, dict.fromkeys(required, ANYTHING))}`."
    names = ", ".join(f"`{name}`" for name in [*fields][:_MAX_KEYS])
    return f"Write a map with keys such as {names}." if names else ""


def advise_port(path: Path, value: Any) -> str:
    """What to write for a port that is a map, as in the ECS API, Kubernetes and Docker Compose."""
    if "ports" in path and isinstance(value, Mapping):
        for word in ("containerPort", "container_port", "target", "port"):
            if isinstance(value.get(word), int):
                is_udp = str(value.get("protocol")).lower() == "udp"
                return f"Write `{value[word]}{'/udp' if is_udp else ''}` in place of the map."
    return ""


def _as_entry(key: str, item: Any, types: list[Any]) -> tuple[str, Any] | None:
    """One item of a list as a key and its value; None where that cannot be known."""
    if isinstance(item, Mapping):
        named = next((word for word in _NAME_KEYS if isinstance(item.get(word), str)), None)
        if named is None:
            return next(iter(item.items())) if len(item) == 1 else None
        rest = {_own_word(word): value for word, value in item.items() if word != named}
        valued = next((word for word in (*_VALUE_KEYS, "path") if word in rest), None)
        return item[named], _value(key, rest[valued]) if valued and len(rest) == 1 else rest
    if not isinstance(item, str):
        return None
    name, equals, text = item.partition("=")
    if equals:
        return name, text
    if key == "depends_on":
        return item, "START"
    is_name = re.fullmatch(r"[\w./-]+", item) is not None
    models = [member for member in types if is_model(member)]
    is_map = models or any(get_origin(member) is dict for member in types)
    return (item, _required_keys(models)) if is_name and is_map else None


def _required_keys(models: list[Any]) -> dict[str, str]:
    """The required keys of a map of one of these models."""
    fields = models[0].model_fields if models else {}
    return {name: ANYTHING for name, info in fields.items() if info.is_required()}


def _own_word(word: str) -> str:
    """The key of params for a key of another tool, if both take the same value."""
    foreign = WORDS.get(word)
    return foreign.keys[0] if foreign and foreign.keys and foreign.same_value else word


def _value(key: str, value: Any) -> Any:
    """A value from a list of the ECS API, as written in params: in `secrets:`, with its service."""
    if key != "secrets" or not isinstance(value, str):
        return value
    service = re.match(r"arn:[^:]*:(secretsmanager|ssm):", value)
    prefix = service[1] if service else "ssm" if value.startswith("/") else None
    return f"{prefix}:{value}" if prefix else value


def _show(key: str, value: Any) -> str:
    """Advice to write a key and its value as YAML; long values are abbreviated."""
    text = f"{key}: {as_flow(value)}"
    if len(text) > _MAX_LENGTH and isinstance(value, Mapping):
        text = f"{key}: {{" + ", ".join(f"{name}: {{...}}" for name in value) + "}"
    elif len(text) > _MAX_LENGTH:
        text = f"{key}: [...]"
    return f"Write `{text}`." if len(text) <= 2 * _MAX_LENGTH else ""


def value_types(types: list[Any]) -> list[Any]:
    """The types that values of a map of one of these types can have."""
    return [get_args(member)[-1] for member in types if get_origin(member) is dict]
