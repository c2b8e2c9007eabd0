"""Types of the fields of params: how a value is written in YAML, and what it is in Python.

The JSON Schema of a type describes the written form, for editors and for the params reference,
which shows the schema's `takes` if it has one. The JSON serializer of a type writes a default value
in that form.
"""

from __future__ import annotations

import ipaddress
import re
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

from moorage.facts import arn_patterns, resource_ids
from moorage.facts.api_types import MAX_INTEGER
from moorage.facts.log_retention import RETENTION_DAYS
from moorage.findings.wording import shown
from moorage.model import TextFile, wrong
from moorage.records import record
from moorage.references import is_reference

_DURATION = {"type": "string", "pattern": r"^[0-9]+[smhd]$"}
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _parse_duration(value: Any) -> int:
    match = re.fullmatch(r"([0-9]+)([smhd])", value) if isinstance(value, str) else None
    if not match:
        hint = "Write a whole number with its unit: `30s`, `5m`, `1h` or `14d`."
        if isinstance(value, int) and not isinstance(value, bool):
            hint = f"Add the unit: `{value}s`."
        raise wrong("M1500", f"{shown(value)} is not a duration", hint)
    return int(match[1]) * _UNITS[match[2]]


def format_duration(seconds: int) -> str:
    """A duration as it is written in params.

    >>> format_duration(300), format_duration(45)
    ('5m', '45s')
    """
    for unit, size in sorted(_UNITS.items(), key=lambda item: -item[1]):
        if seconds % size == 0 and seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


Duration = Annotated[
    int,
    BeforeValidator(_parse_duration),
    PlainSerializer(format_duration, when_used="json"),
    WithJsonSchema(_DURATION | {"takes": "a duration such as `30s` or `5m`"}),
]
"""Seconds, written with a unit: `30s`, `5m`, `1h`, `14d`."""


@record
class _DurationRange:
    """Annotation of seconds that are written as a duration, between two bounds."""

    low: int
    high: int

    def _check(self, seconds: int) -> int:
        if not self.low <= seconds <= self.high:
            hint = f"Write {format_duration(self.low)} to {format_duration(self.high)}."
            if self.high == MAX_INTEGER and seconds < self.low:
                hint = f"Write {format_duration(self.low)} or more."
            raise wrong("M1105", f"`{format_duration(seconds)}` is out of range", hint)
        return seconds

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        seconds = core_schema.no_info_before_validator_function(_parse_duration, handler(source))
        serialization = core_schema.plain_serializer_function_ser_schema(
            format_duration, when_used="json"
        )
        return core_schema.no_info_after_validator_function(
            self._check, seconds, serialization=serialization
        )

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        if self.high == MAX_INTEGER:
            return _DURATION | {"takes": f"a duration of at least `{format_duration(self.low)}`"}
        bounds = f"`{format_duration(self.low)}` to `{format_duration(self.high)}`"
        return _DURATION | {"takes": f"a duration from {bounds}"}


def duration(low: int, high: int) -> _DurationRange:
    """A duration between two bounds, in seconds: `interval: Annotated[int, duration(5, 300)]`."""
    return _DurationRange(low, high)


def _parse_retention(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        raise wrong("M1500", f"{shown(value)} is not a duration", f"Add the unit: `{value}d`.")
    seconds = _parse_duration(value)
    days = seconds // _UNITS["d"]
    if days * _UNITS["d"] != seconds or days not in RETENTION_DAYS:
        near = sorted(sorted(RETENTION_DAYS, key=lambda days: abs(days - seconds / 86400))[:3])
        message = f"CloudWatch Logs has no retention period of `{format_duration(seconds)}`"
        raise wrong("M1501", message, f"Write `{near[0]}d`, `{near[1]}d` or `{near[2]}d`.")
    return days


Retention = Annotated[
    int,
    BeforeValidator(_parse_retention),
    PlainSerializer(lambda days: f"{days}d", when_used="json"),
    WithJsonSchema({"type": "string", "enum": [f"{days}d" for days in RETENTION_DAYS]}),
]
"""Days for which CloudWatch Logs keeps events, written as `14d`."""

T = TypeVar("T")


def _parse_switch(value: Any) -> Any:
    if isinstance(value, bool):
        return {} if value else None
    if not (value is None or isinstance(value, dict | BaseModel)):
        message = f"Expected true, false or a map, got {shown(value)}"
        hint = "Write `true` for the defaults, or a map with the settings that differ from them."
        raise wrong("M1103", message, hint)
    return value


def _serialize_switch(value: Any, serialize: SerializerFunctionWrapHandler) -> Any:
    return value is not None and (serialize(value) or True)


@record
class _SwitchSchema:
    """JSON Schema of a Switch: `true` and `false` instead of pydantic's null."""

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        maps = [schema for schema in handler(core)["anyOf"] if schema != {"type": "null"}]
        return {"anyOf": [{"type": "boolean"}, *maps]}


@record
class _OneOrManySchema:
    """JSON Schema of a OneOrMany: an item can be written without a list around it."""

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        schema = handler(core)
        return {"anyOf": [schema["items"], schema]}


Switch = Annotated[
    T | None,
    BeforeValidator(_parse_switch),
    WrapSerializer(_serialize_switch, when_used="json"),
    _SwitchSchema(),
]
"""A feature: `true` for its defaults, `false` to turn it off, or a map with its settings."""

OneOrMany = Annotated[
    list[T],
    BeforeValidator(
        lambda value: [value] if isinstance(value, str) or is_reference(value) else value
    ),
    _OneOrManySchema(),
]
"""One text, or a list of texts."""


def reject_duplicates(values: list[T]) -> list[T]:
    """The same list; raises the error of a params field if a value is in it twice."""
    for index, value in enumerate(values):
        if value in values[:index]:
            message = f"The list contains {shown(value)} twice"
            raise wrong("M1502", message, "Remove one of the two.")
    return values


UniqueList = Annotated[list[T], AfterValidator(reject_duplicates)]
"""A list without duplicates."""


@record
class TextForm:
    """Annotation of text that must match a pattern as a whole."""

    pattern: str
    what: str
    example: str

    def _check(self, value: str) -> str:
        if not re.fullmatch(self.pattern, value):
            raise wrong(
                "M1503",
                f"{shown(value)} is not {self.what}",
                f"Write for example `{self.example}`.",
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


def text(pattern: str, what: str, example: str) -> TextForm:
    """Text that matches `pattern` as a whole: `VpcId = Annotated[str, text(...)]`.

    `what` names the form in messages and in the params reference, as in "the ID of a VPC";
    `example` is shown in both.
    """
    return TextForm(pattern, what, example)


VpcId = Annotated[str, text(resource_ids.VPC, "the ID of a VPC", "vpc-0123456789abcdef0")]
SubnetId = Annotated[
    str, text(resource_ids.SUBNET, "the ID of a subnet", "subnet-0123456789abcdef0")
]
SecurityGroupId = Annotated[
    str, text(resource_ids.SECURITY_GROUP, "the ID of a security group", "sg-0123456789abcdef0")
]
PrefixListId = Annotated[
    str, text(resource_ids.PREFIX_LIST, "the ID of a prefix list", "pl-0123456789abcdef0")
]
PolicyArn = Annotated[
    str,
    text(
        arn_patterns.IAM_POLICY,
        "the ARN of an IAM policy",
        "arn:aws:iam::123456789012:policy/name",
    ),
]
RoleArn = Annotated[
    str,
    text(
        arn_patterns.IAM_ROLE,
        "the ARN of an IAM role",
        "arn:aws:iam::123456789012:role/name",
    ),
]
KeyArn = Annotated[
    str,
    text(
        arn_patterns.KMS_KEY,
        "the ARN of a KMS key",
        "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    ),
]
SecretArn = Annotated[
    str,
    text(
        arn_patterns.arn_pattern("secretsmanager", "secret:[A-Za-z0-9/_+=.@!-]+-[A-Za-z0-9]{6}"),
        "the complete ARN of a secret in Secrets Manager",
        "arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop-db-a1b2c3",
    ),
]
HostName = Annotated[
    str,
    text(
        r"(?=.{1,253}$)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+",
        "the DNS name of a host",
        "shop.abcdefghijkl.eu-central-1.rds.amazonaws.com",
    ),
]
QueueArn = Annotated[
    str,
    text(
        arn_patterns.arn_pattern("sqs", r"[A-Za-z0-9_-]{1,80}(\.fifo)?"),
        "the ARN of a queue",
        "arn:aws:sqs:eu-central-1:123456789012:jobs",
    ),
]
BucketName = Annotated[str, text(arn_patterns.BUCKET_NAME, "the name of a bucket", "my-logs")]

_STACK_NAME = "[a-z][a-z0-9-]*"
StackName = Annotated[
    str,
    WithJsonSchema(
        {"type": "string", "pattern": f"^{_STACK_NAME}$", "takes": "the name of a stack"}
    ),
]
"""The name of another stack of the environment.

That the stack exists is checked once all stacks are read, by the stack that refers to it: see
stack_lookup.
"""


def _check_cidr(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value))
    except ValueError as error:
        reason = str(error)
    hint = "Write for example `10.0.0.0/16`."
    if "host bits" in reason:
        address = ipaddress.ip_interface(value)
        host = ipaddress.ip_network(address.ip)
        hint = f"Write `{host}` for this address, or `{address.network}` for the block around it."
    raise wrong("M1504", f"{shown(value)} is not a CIDR block", hint)


Cidr = Annotated[
    str,
    AfterValidator(_check_cidr),
    WithJsonSchema({"type": "string", "takes": "a CIDR block such as `10.0.0.0/16`"}),
]
"""An IPv4 or IPv6 network such as `10.0.0.0/16`."""


def _check_ip_version_4(cidr: str) -> str:
    if ip_version(cidr) != 4:
        hint = "Write for example `10.0.0.0/16`."
        raise wrong("M1506", f"`{cidr}` is not an IPv4 block", hint)
    return cidr


Ipv4Cidr = Annotated[Cidr, AfterValidator(_check_ip_version_4)]
"""An IPv4 network such as `10.0.0.0/16`."""


def _check_ipv4_address(value: str) -> str:
    try:
        return str(ipaddress.IPv4Address(value))
    except ValueError:
        message = f"{shown(value)} is not an IPv4 address"
        hint = "Write for example `10.0.1.10`."
        raise wrong("M1505", message, hint) from None


HostAddress = Annotated[
    str,
    AfterValidator(_check_ipv4_address),
    WithJsonSchema({"type": "string", "takes": "an IPv4 address such as `10.0.1.10`"}),
]
"""The IPv4 address of one host, such as `10.0.1.10`."""


def ip_version(cidr: str) -> int:
    """The IP version of a CIDR block: 4 or 6."""
    return ipaddress.ip_network(cidr).version


def _read_config_file(value: Any, info: ValidationInfo) -> TextFile:
    """Reads the file with the function `read` of the validation context, which reads only files
    below the folder of the params, and records them for the build."""
    read = (info.context or {}).get("read")
    if not isinstance(value, str):
        hint = "Write the name of a file below the folder of the params, such as `nginx/web.conf`."
        raise wrong("M1103", f"Expected the name of a file, got {shown(value)}", hint)
    if read is None:
        raise wrong("M1001", f"{shown(value)} cannot be read: the params were not read from a file")
    file: TextFile = read(value)
    return file


ConfigFile = Annotated[
    TextFile,
    PlainValidator(_read_config_file),
    PlainSerializer(lambda file: file.name, when_used="json"),
    WithJsonSchema(
        {
            "type": "string",
            "examples": ["nginx/web.conf"],
            "takes": "the name of a file, from the params' folder",
        }
    ),
]
"""A text file that the params name, relative to the folder of the params file."""
