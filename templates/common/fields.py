"""Types of the values that stand in params: how each is written, and what it becomes.

A type's JSON Schema describes what is written, for editors and for the params reference, which
shows the schema's `takes` where there is one; its JSON serializer turns a default back into that.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    PlainValidator,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    WithJsonSchema,
    WrapSerializer,
)
from pydantic_core import CoreSchema, core_schema

from moorage.findings.wording import shown
from moorage.model import TextFile, wrong

_DURATION = {"type": "string", "pattern": r"^\d+[smhd]$"}
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _seconds(value: Any) -> int:
    match = re.fullmatch(r"(\d+)([smhd])", value) if isinstance(value, str) else None
    if not match:
        hint = "Write a whole number with its unit: `30s`, `5m`, `1h` or `14d`."
        if isinstance(value, int) and not isinstance(value, bool):
            hint = f"Write its unit too, as in `{value}s`."
        raise wrong("M1107", f"{shown(value)} is not a duration", hint)
    return int(match[1]) * _UNITS[match[2]]


def format_duration(seconds: int) -> str:
    """A duration as one writes it in params.

    >>> written(300), written(45)
    ('5m', '45s')
    """
    for unit, size in sorted(_UNITS.items(), key=lambda item: -item[1]):
        if seconds % size == 0 and seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


Duration = Annotated[
    int,
    BeforeValidator(_seconds),
    PlainSerializer(format_duration, when_used="json"),
    WithJsonSchema(_DURATION | {"takes": "a duration such as `30s` or `5m`"}),
]
"""Seconds, written with a unit: `30s`, `5m`, `1h`, `14d`."""


@dataclass(frozen=True)
class _DurationRange:
    """Annotation of seconds that are written as a duration, between two bounds."""

    low: int
    high: int

    def _check(self, seconds: int) -> int:
        if not self.low <= seconds <= self.high:
            hint = f"Write {format_duration(self.low)} to {format_duration(self.high)}."
            raise wrong("M1105", f"`{format_duration(seconds)}` is out of range", hint)
        return seconds

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        seconds = core_schema.no_info_before_validator_function(_seconds, handler(source))
        written = core_schema.plain_serializer_function_ser_schema(
            format_duration, when_used="json"
        )
        return core_schema.no_info_after_validator_function(
            self._check, seconds, serialization=written
        )

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        bounds = f"`{format_duration(self.low)}` to `{format_duration(self.high)}`"
        return _DURATION | {"takes": f"a duration from {bounds}"}


def duration(low: int, high: int) -> _DurationRange:
    """A duration between two bounds, in seconds: `interval: Annotated[int, duration(5, 300)]`."""
    return _DurationRange(low, high)


# RetentionInDays of AWS::Logs::LogGroup: the values that its schema lists.
_RETENTIONS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557),
    *(2922, 3288, 3653),
)


def _retention(seconds: int) -> int:
    days = seconds // _UNITS["d"]
    if days * _UNITS["d"] != seconds or days not in _RETENTIONS:
        near = sorted(sorted(_RETENTIONS, key=lambda one: abs(one - seconds / 86400))[:3])
        hint = f"Write {near[0]}d, {near[1]}d or {near[2]}d."
        raise wrong(
            "M1104", f"CloudWatch Logs cannot keep logs for `{format_duration(seconds)}`", hint
        )
    return days


Retention = Annotated[
    int,
    BeforeValidator(lambda value: _retention(_seconds(value))),
    PlainSerializer(lambda days: f"{days}d", when_used="json"),
    WithJsonSchema({"type": "string", "enum": [f"{days}d" for days in _RETENTIONS]}),
]
"""Days for which CloudWatch Logs keeps events, written as `14d`."""

T = TypeVar("T")


def _switch(value: Any) -> Any:
    if isinstance(value, bool):
        return {} if value else None
    if not (value is None or isinstance(value, dict | BaseModel)):
        message = f"{shown(value)} stands where true, false or a map belongs"
        raise wrong("M1103", message, "Write `true`, or below it what is not as usual.")
    return value


def _switched(value: Any, written: SerializerFunctionWrapHandler) -> Any:
    return value is not None and (written(value) or True)


@dataclass(frozen=True)
class _SwitchSchema:
    """JSON Schema of a Switch: `true` and `false` where pydantic knows of null only."""

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        maps = [one for one in handler(core)["anyOf"] if one != {"type": "null"}]
        return {"anyOf": [{"type": "boolean"}, *maps]}


@dataclass(frozen=True)
class _SomeSchema:
    """JSON Schema of a Some: what may be an item may stand without a list."""

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        schema = handler(core)
        return {"anyOf": [schema["items"], schema]}


Switch = Annotated[
    T | None,
    BeforeValidator(_switch),
    WrapSerializer(_switched, when_used="json"),
    _SwitchSchema(),
]
"""A feature: `true` for its defaults, `false` for none, or a map that says more."""

Some = Annotated[
    list[T],
    BeforeValidator(lambda value: [value] if isinstance(value, str) else value),
    _SomeSchema(),
]
"""One text or a list of them."""


def unique(values: list[T]) -> list[T]:
    """The same list, in which nothing may stand twice."""
    for at, value in enumerate(values):
        if value in values[:at]:
            raise wrong("M1107", f"{shown(value)} stands twice", "Keep one of them.")
    return values


UniqueList = Annotated[list[T], AfterValidator(unique)]
"""A list in which nothing stands twice."""


@dataclass(frozen=True)
class _TextForm:
    """Annotation of text that must match a pattern as a whole."""

    pattern: str
    what: str
    example: str

    def _check(self, value: str) -> str:
        if not re.fullmatch(self.pattern, value):
            raise wrong(
                "M1107", f"{shown(value)} is not {self.what}", f"Write one like `{self.example}`."
            )
        return value

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {
            "type": "string",
            "pattern": f"^({self.pattern})$",
            "examples": [self.example],
            "takes": f"{self.what}, such as `{self.example}`",
        }


def text(pattern: str, what: str, example: str) -> _TextForm:
    """Text that matches `pattern` as a whole: `VpcId = Annotated[str, text(...)]`.

    `what` names the form in messages and in the params reference, as in "the id of a VPC";
    `example` is shown in both.
    """
    return _TextForm(pattern, what, example)


VpcId = Annotated[str, text(r"vpc-[0-9a-f]{8,17}", "the id of a VPC", "vpc-0123456789abcdef0")]
SubnetId = Annotated[
    str, text(r"subnet-[0-9a-f]{8,17}", "the id of a subnet", "subnet-0123456789abcdef0")
]
SecurityGroupId = Annotated[
    str, text(r"sg-[0-9a-f]{8,17}", "the id of a security group", "sg-0123456789abcdef0")
]
PrefixListId = Annotated[
    str, text(r"pl-[0-9a-f]{8,17}", "the id of a prefix list", "pl-0123456789abcdef0")
]
PolicyArn = Annotated[
    str,
    text(
        r"arn:aws[a-z-]*:iam::(\d{12}|aws):policy/\S+",
        "the ARN of an IAM policy",
        "arn:aws:iam::123456789012:policy/name",
    ),
]
RoleArn = Annotated[
    str,
    text(
        r"arn:aws[a-z-]*:iam::\d{12}:role/\S+",
        "the ARN of an IAM role",
        "arn:aws:iam::123456789012:role/name",
    ),
]
# Of the key itself: in an IAM policy an alias stands for nothing (AWS KMS developer guide,
# "Specifying KMS keys in IAM policy statements").
KeyArn = Annotated[
    str,
    text(
        r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[a-zA-Z0-9-]+",
        "the ARN of a KMS key",
        "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    ),
]
BucketName = Annotated[
    str, text(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "the name of a bucket", "my-logs")
]

_STACK_NAME = "[a-z][a-z0-9-]*"
StackName = Annotated[
    str,
    WithJsonSchema(
        {"type": "string", "pattern": f"^{_STACK_NAME}$", "takes": "the name of a stack"}
    ),
]
"""The name of another stack of the environment. Which names there are, the whole tells: one that is
no name is a finding where the stack stands."""


def _cidr(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value))
    except ValueError as error:
        reason = str(error)
    hint = "Write one like `10.0.0.0/16`."
    if "host bits" in reason:
        hint = f"Did you mean `{ipaddress.ip_network(value, strict=False)}`?"
    raise wrong("M1107", f"{shown(value)} is not a CIDR block", hint)


Cidr = Annotated[
    str,
    AfterValidator(_cidr),
    WithJsonSchema({"type": "string", "takes": "a CIDR block such as `10.0.0.0/16`"}),
]
"""An IPv4 or IPv6 network such as `10.0.0.0/16`."""


def _ipv4_address(value: str) -> str:
    try:
        return str(ipaddress.IPv4Address(value))
    except ValueError:
        message = f"{shown(value)} is not an IPv4 address"
        raise wrong("M1107", message, "Write one like `10.0.1.10`.") from None


HostAddress = Annotated[
    str,
    AfterValidator(_ipv4_address),
    WithJsonSchema({"type": "string", "takes": "an IPv4 address such as `10.0.1.10`"}),
]
"""The IPv4 address of one host, such as `10.0.1.10`."""


def ip_version(cidr: str) -> int:
    """4 or 6."""
    return ipaddress.ip_network(cidr).version


def _config_file(value: Any, info: ValidationInfo) -> TextFile:
    """Reads what a file holds by the reader that validation was given: `moorage.load` has it."""
    read = (info.context or {}).get("read")
    if not isinstance(value, str):
        raise wrong("M1103", f"{shown(value)} stands where the name of a file belongs")
    if read is None:
        raise wrong("M1001", f"{shown(value)} cannot be read here")
    found: TextFile = read(value)
    return found


ConfigFile = Annotated[
    TextFile,
    PlainValidator(_config_file),
    PlainSerializer(lambda file: file.name, when_used="json"),
    WithJsonSchema(
        {
            "type": "string",
            "examples": ["nginx/web.conf"],
            "takes": "the name of a file, from the params' folder",
        }
    ),
]
"""A text file that the params name, relative to the folder that they stand in."""
