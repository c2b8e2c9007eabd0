"""References in the params to values that another stack, or something outside of the environment,
has: outputs of stacks, exports, and parameters of Parameter Store.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field
from troposphere import AWSHelperFn

from moorage.findings.finding import Path
from moorage.findings.wording import as_flow
from moorage.model import Base, Environment
from moorage.records import entity

# mypy has no types of troposphere, and would let a subclass have all methods of a text.
if TYPE_CHECKING:
    _Function = object
else:
    _Function = AWSHelperFn


class ImportForm(Base):
    """A value that a stack exports."""

    stack: str | None = Field(None, description="A stack of this environment.")
    output: str | None = Field(None, description="With `stack`: the name of the output.")
    export: str | None = Field(
        None, description="Name of an export of a stack that is not of this environment."
    )


class ReferenceForm(ImportForm):
    """A value of another stack, or from outside of the environment."""

    ssm: str | None = Field(
        None,
        description="Name of a parameter of Parameter Store, optionally with `:` and its version. "
        "CloudFormation reads it at the deployment.",
    )


class SecretForm(ReferenceForm):
    """The ARN of a secret in Secrets Manager, from another stack or from outside."""

    key: str | None = Field(None, description="The key in the secret's JSON.")


class ObjectForm(ReferenceForm):
    """An ARN, from another stack or from outside, and what follows it and a slash."""

    key: str | None = Field(None, description="The key of an object in the bucket.")


FORMS: tuple[type[Base], ...] = (ImportForm, ReferenceForm, SecretForm, ObjectForm)
"""How references are written. The JSON Schema of a field names one of them as `reference`."""


@entity
class Reference(_Function):
    """A value that is known at the deployment only. troposphere takes it in place of a text.

    It is written as a map: `{stack: jobs, output: QueueUrl}`, `{export: shared-VpcId}` or
    `{ssm: /shared/vpc-id}`, sometimes with a `key` in what the value names.
    """

    written: Mapping[str, str]
    data: Any
    """`Fn::ImportValue`, or a dynamic reference."""
    what: str = ""
    """What the value must be, such as "the ID of a VPC"; empty if it can be any text."""
    example: str = ""
    """A value of that kind."""

    @property
    def stack(self) -> str | None:
        return self.written.get("stack")

    @property
    def output(self) -> str:
        """The name of the output of `stack`."""
        return self.written.get("output", "")

    @property
    def export(self) -> str | None:
        """The name of the export, if the exporting stack is not of this environment."""
        return self.written.get("export")

    @property
    def parameter(self) -> str | None:
        """The name of the parameter of Parameter Store, without a version."""
        name = self.written.get("ssm")
        return name and name.partition(":")[0]

    @property
    def key(self) -> str:
        """The key in what the value names: of a secret's JSON, or of an object in a bucket."""
        return self.written.get("key", "")

    @property
    def words(self) -> list[str]:
        """Words for a logical ID."""
        return [value for name, value in self.written.items() if name != "key"]

    def without_key(self) -> Reference:
        """A reference to the value itself."""
        written = {name: value for name, value in self.written.items() if name != "key"}
        return replace(self, written=written)

    def __str__(self) -> str:
        return as_flow(self.written)

    __repr__ = __str__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reference) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    @property
    def _identity(self) -> tuple[str, str]:
        return json.dumps(self.data), self.key


def is_reference(value: Any) -> bool:
    """Whether a value of the params, before its validation, is meant as a reference."""
    return isinstance(value, Mapping) and not _SOURCES.isdisjoint(value)


_SOURCES = frozenset({"stack", "output", "export", "ssm"})


def sort_key(value: str | Reference) -> str:
    """The key that texts and references are sorted by: texts by themselves."""
    return value if isinstance(value, str) else f"{{{json.dumps(value.data)}{value.key}"


def references_of(env: Environment) -> Mapping[str, tuple[tuple[Path, Reference], ...]]:
    """All references in the params of each stack, each with its path in those of the
    environment."""
    return env.resolve_all(_find_references_of)


def _find_references_of(env: Environment) -> dict[str, tuple[tuple[Path, Reference], ...]]:
    return {
        name: tuple(find_references(spec.params, ("stacks", name)))
        for name, spec in env.stacks.items()
    }


def find_references(value: Any, path: Path = ()) -> Iterator[tuple[Path, Reference]]:
    """All references in validated params, each with its path."""
    if value is None or isinstance(value, str | int):
        return
    if isinstance(value, Reference):
        yield path, value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from find_references(getattr(value, name), (*path, name))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from find_references(item, (*path, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from find_references(item, (*path, index))
