"""An environment: the params of its stacks, names that are derived from them, and stack kinds.

All values are frozen: a step of a build returns a new one and never changes what it received.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from functools import cache
from typing import Any, ClassVar, Literal, Protocol, Self, TypeVar

from pydantic import BaseModel, ConfigDict
from pydantic.errors import PydanticUndefinedAnnotation, PydanticUserError
from pydantic_core import PydanticCustomError, SchemaError
from troposphere import Template as TroposphereTemplate

from moorage.records import frozen_record

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
"""The name of an application, an environment or a stack: a part of a stack's name in AWS."""

VARIABLE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
"""The name of a variable of the params, as in `${web_version}`."""


@frozen_record
class GivenValues:
    """The values that a command line gives to the params."""

    variables: Mapping[str, str] = field(default_factory=dict)
    """The values of `--set` by the names of the variables, as they are written."""
    images: Mapping[str, str] = field(default_factory=dict)
    """What `--image` gives, by stack or stack/container: a tag, a digest or an image."""
    preview: str = ""
    """The name of a preview: the last part of its environment's name."""

    def options(self) -> list[str]:
        """The words of a command line that gives these values."""
        options = (("--set", self.variables), ("--image", self.images))
        return [
            word
            for option, values in options
            for name in sorted(values)
            for word in (option, f"{name}={values[name]}")
        ]


NO_VALUES = GivenValues()

PREVIEW = "preview"
"""The environment whose params file describes all previews: that of `x` is `preview-x`."""


@frozen_record
class TextFile:
    """A text file to which the params refer."""

    name: str
    """The path for messages: the folder of the params, and the name in the params."""
    text: str


class BrokenModelError(Exception):
    """The code of a model is wrong. The text has the model, its file, and pydantic's reason."""

    def __init__(self, model: type[BaseModel], error: Exception) -> None:
        file = getattr(sys.modules.get(model.__module__), "__file__", None)
        place = os.path.relpath(file) if file else model.__module__
        reason = " ".join(str(getattr(error, "message", error)).split())
        super().__init__(f"{place}: the model `{model.__qualname__}` is wrong: {reason}")


class Base(BaseModel):
    """Base of every model of params: frozen, without unknown keys, and nothing is converted."""

    # Most models are only a part of another one, whose validator includes theirs. `defer_build`
    # makes no validator for a model before it is used itself.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)

    key_use: ClassVar[str | None] = None
    """For params with a `kms_key`: the name of the key in `defaults: {kms_keys: ...}` that is used
    if they have none, such as `logs`."""

    exported_outputs: ClassVar[frozenset[str]] = frozenset()
    """Outputs that all stacks of a kind have, for kinds that are not built in: by them, other
    stacks can use one like a stack of a built-in kind."""

    @classmethod
    def model_rebuild(cls, *, _parent_namespace_depth: int = 2, **options: Any) -> bool | None:
        """Makes the validator, when the model is used first. Raises BrokenModelError if the code of
        the model is wrong: then no line of its file is in the trace."""
        try:
            depth = _parent_namespace_depth + 1
            options["raise_errors"] = True
            return super().model_rebuild(_parent_namespace_depth=depth, **options)
        except (PydanticUserError, PydanticUndefinedAnnotation, SchemaError, TypeError) as error:
            raise BrokenModelError(cls, error) from error

    @classmethod
    def unvalidated(cls, **values: Any) -> Self:
        """Params that code writes, such as a default. No validator is made for them, which would
        take time whenever the module is imported."""
        assert values.keys() <= cls.model_fields.keys(), values
        return super().model_construct(**values)

    @classmethod
    def from_exports(cls, stack: str, outputs: frozenset[str], env: Environment) -> Self | None:
        """Params for a stack of another kind that has these outputs, which refer to it as to
        something that exists already; None if the outputs do not suffice."""
        return None

    def replace(self, changes: Mapping[str, Any]) -> Self:
        """A copy with other values, which do not count as set by the user."""
        copied = self.model_copy(update=changes)
        copied.model_fields_set.intersection_update(self.model_fields_set)
        return copied

    def with_kms_key(self, key: str) -> Self:
        """A copy with the key, unless they have one or refer to an existing resource."""
        if getattr(self, "kms_key", None) or getattr(self, "existing", None):
            return self
        return self.replace({"kms_key": key})


def wrong(code: str, message: str, hint: str = "") -> PydanticCustomError:
    """The error that a validator of a field raises; `moorage.pipeline.validate` converts it to a
    Finding."""
    return PydanticCustomError(
        "moorage", "{message}", {"code": code, "message": message, "hint": hint}
    )


P = TypeVar("P", bound=Base)
V = TypeVar("V")

OWN_TAGS = ("app", "env", "stack")
"""The keys of the tags that every stack has: the parts of its name, in their order."""


def stack_name(app: str, env: str, stack: str) -> str:
    """The name of a stack of an environment in CloudFormation."""
    return f"{app}-{env}-{stack}"


def export_name(app: str, env: str, stack: str, output: str) -> str:
    """The name under which an output of a stack of an environment is exported."""
    return f"{stack_name(app, env, stack)}-{output}"


@frozen_record
class StackSpec:
    """One entry of `stacks:`: its kind (`template`) and its params."""

    name: str
    template: str
    params: Base
    overrides: Mapping[str, Any] = field(default_factory=dict)


@frozen_record
class Share:
    """A number of accounts, or a percentage of those in a region."""

    value: int
    is_percentage: bool = False


@frozen_record
class Targets:
    """The accounts and regions that StackSets deploys an environment to, and how."""

    regions: tuple[str, ...]
    """In the order of their deployment."""
    accounts: tuple[str, ...] = ()
    organizational_units: tuple[str, ...] = ()
    account_filter: Literal["intersection", "difference"] = "intersection"
    region_concurrency: Literal["sequential", "parallel"] = "sequential"
    max_concurrent: Share = Share(1)
    failure_tolerance: Share = Share(0)
    concurrency_mode: Literal["strict", "soft"] = "strict"
    managed_execution: bool = False
    auto_deployment: bool = False
    retain_stacks: bool = False
    call_as: Literal["self", "delegated_admin"] = "self"
    administration_role: str | None = None
    execution_role: str | None = None

    @property
    def service_managed(self) -> bool:
        """Whether AWS Organizations gives StackSets its permissions."""
        return bool(self.organizational_units)

    @property
    def several_accounts(self) -> bool:
        return self.service_managed or len(self.accounts) > 1


@frozen_record
class RulePriority:
    """The priority of a listener rule."""

    number: int
    range_start: int | None = None
    """If the numbers for routes as specific as its own were used up: the highest of those."""


@frozen_record
class KnownPriorities:
    """The priorities of listener rules that a build does not choose, but finds."""

    recorded: Mapping[tuple[str, str], RulePriority] = field(default_factory=dict)
    """Those of the last build, by stack and logical ID."""
    foreign: frozenset[int] = frozenset()
    """Those of another environment whose stacks this one shares."""


NO_PRIORITIES = KnownPriorities()


@frozen_record
class Environment:
    """All params of one environment."""

    name: str
    app: str
    region: str
    account: str | None
    tags: Mapping[str, str]
    permissions_boundary: str | None
    stacks: Mapping[str, StackSpec]
    suppressions: bool = False
    """Whether reasons for findings of security scanners are written into the templates."""
    broken: frozenset[str] = frozenset()
    """Names of stacks in the params that have errors and are therefore not in `stacks`."""
    runtime_monitoring: bool = False
    """Whether GuardDuty adds its agent to tasks on Fargate."""
    given: GivenValues = NO_VALUES
    """What the command line has set in the params."""
    role: str | None = None
    """ARN of the IAM role that deploys."""
    targets: Targets | None = None
    """None if it is deployed to one account and region, without StackSets."""
    shared: Mapping[str, str] = field(default_factory=dict)
    """The stacks of other environments that it uses (`shares:`), with the names of these."""
    priorities: KnownPriorities = NO_PRIORITIES
    _resolved: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def stack_name(self, stack: str) -> str:
        """The name of a stack in CloudFormation."""
        return stack_name(self.app, self.shared.get(stack, self.name), stack)

    def export_name(self, stack: str, output: str) -> str:
        """The name under which an output of a stack is exported."""
        return export_name(self.app, self.shared.get(stack, self.name), stack, output)

    def stack_tags(self, stack: str) -> dict[str, str]:
        """The tags of a stack, which CloudFormation adds to all its resources."""
        return dict(zip(OWN_TAGS, (self.app, self.name, stack), strict=True)) | dict(self.tags)

    def of(self, kind: type[P]) -> Iterator[tuple[str, P]]:
        """The names and params of all stacks of one kind."""
        if kind not in self._resolved:
            self._resolved[kind] = [
                (name, spec.params)
                for name, spec in self.stacks.items()
                if isinstance(spec.params, kind)
            ]
        return iter(self._resolved[kind])

    def names_of(self, kind: type[P]) -> tuple[str, ...]:
        """The names of all stacks of one kind."""
        key = (kind, "names")
        if key not in self._resolved:
            self._resolved[key] = tuple(name for name, _ in self.of(kind))
        names: tuple[str, ...] = self._resolved[key]
        return names

    def params_of(self, name: str | None, kind: type[P]) -> P | None:
        """The params of the stack of that name; None if there is none of that kind, or of another
        kind that has the outputs of that one."""
        spec = self.stacks.get(name) if name is not None else None
        if spec is None:
            return None
        if isinstance(spec.params, kind):
            return spec.params
        key = (kind, spec.name)
        if key not in self._resolved:
            outputs = spec.params.exported_outputs
            self._resolved[key] = kind.from_exports(spec.name, outputs, self) if outputs else None
        params: P | None = self._resolved[key]
        return params

    def resolve(self, build: Callable[[str, P, Environment], V], name: str, params: P) -> V:
        """`build(name, params, self)`, called once for each stack: what its params mean."""
        key = (build, name, id(params))
        if key not in self._resolved:
            # The params are kept as well: an id is unique among objects that exist.
            self._resolved[key] = (params, build(name, params, self))
        value: V = self._resolved[key][1]
        return value

    def resolve_all(self, build: Callable[[Environment], V]) -> V:
        """`build(self)`, called once: what the params of all stacks mean together."""
        if build not in self._resolved:
            self._resolved[build] = build(self)
        value: V = self._resolved[build]
        return value


@cache
def logical_id(*words: str) -> str:
    """Joins words to a logical ID, which has letters and digits only.

    >>> logical_id("public", "my-api", "8080", "TargetGroup")
    'PublicMyApi8080TargetGroup'
    """
    parts = (part for word in words for part in re.split(r"[^A-Za-z0-9]+", word) if part)
    return "".join(part[0].upper() + part[1:] for part in parts)


class TemplateModule(Protocol):
    """What a module of a stack kind contains.

    More functions are optional. `problems(name, params, env) -> Iterator[Problem]` checks what
    needs the whole environment. `deployment(name, params, env) -> Deployment` says what `deploy.sh`
    does in addition. `inspect(name, params, body) -> Iterator[Problem]` is called when all
    templates are rendered, with the body of the stack's template; it may run programs of this
    machine. `compose_last(name, params, env, needs) -> TroposphereTemplate` and
    `last_problems(name, params, env, needs) -> Iterator[Problem]` are for a template that depends
    on what the deployment of the other stacks needs: they are called when these are rendered, with
    `DeploymentNeeds`. Paths of problems are relative to the stack. `Deployment` and
    `DeploymentNeeds` are in `moorage.plan`.
    """

    Params: type[Any]

    def compose(self, name: str, params: Any, env: Environment, /) -> TroposphereTemplate | None:
        """The template of one stack; None if the stack exists already (`existing:`), or if
        `compose_last` composes it."""
