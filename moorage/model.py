"""The values that flow from step to step, and the names that are formed from them.

Everything here is frozen: a step makes a new value and never changes the one it was given.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticCustomError
from troposphere import Template as TroposphereTemplate

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
"""What can name an application, an environment or a stack: a part of a stack's name in AWS."""


@dataclass(frozen=True)
class TextFile:
    """A text file that the params name."""

    name: str
    """As messages name it: the params' folder and the name that stands there."""
    text: str


class Base(BaseModel):
    """Base of every model that a params file fills: frozen, no unknown keys, nothing converted."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def wrong(code: str, message: str, hint: str = "") -> PydanticCustomError:
    """The error that a field's validator raises; `moorage.validate` turns it into a Finding."""
    return PydanticCustomError(
        "moorage", "{message}", {"code": code, "message": message, "hint": hint}
    )


P = TypeVar("P", bound=Base)
V = TypeVar("V")

OWN_TAGS = ("app", "env", "stack")
"""The keys of the tags that every stack has: the words of its name, in their order."""


@dataclass(frozen=True)
class StackSpec:
    """One entry of `stacks:`, understood: which template it uses, with which params."""

    name: str
    template: str
    params: Base
    overrides: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Environment:
    """Everything that one params file says, understood."""

    name: str
    app: str
    region: str
    account: str | None
    tags: Mapping[str, str]
    permissions_boundary: str | None
    stacks: Mapping[str, StackSpec]
    broken: frozenset[str] = frozenset()
    """Names of stacks that stand in the params but could not be understood."""
    _resolved: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def stack_name(self, stack: str) -> str:
        """The CloudFormation name of a stack."""
        return f"{self.app}-{self.name}-{stack}"

    def export_name(self, stack: str, output: str) -> str:
        """The name under which an output of a stack is exported."""
        return f"{self.stack_name(stack)}-{output}"

    def stack_tags(self, stack: str) -> dict[str, str]:
        """The tags of a stack, which CloudFormation passes on to all its resources."""
        return dict(zip(OWN_TAGS, (self.app, self.name, stack), strict=True)) | dict(self.tags)

    def of(self, kind: type[P]) -> Iterator[tuple[str, P]]:
        """The stacks whose params are of one kind, by name."""
        for name, spec in self.stacks.items():
            if isinstance(spec.params, kind):
                yield name, spec.params

    def params_of(self, name: str | None, kind: type[P]) -> P | None:
        """The params of the stack of that name, where there is one and it is of that kind."""
        spec = self.stacks.get(name) if name is not None else None
        return spec.params if spec is not None and isinstance(spec.params, kind) else None

    def resolve(self, build: Callable[[str, P, Environment], V], name: str, params: P) -> V:
        """`build(name, params, self)`, called once for each stack: what its params mean."""
        key = (build, name, id(params))
        if key not in self._resolved:
            # The params are kept as well: an id is unique among objects that exist.
            self._resolved[key] = (params, build(name, params, self))
        value: V = self._resolved[key][1]
        return value


@cache
def logical_id(*words: str) -> str:
    """Joins words to a logical ID, which may hold letters and digits only.

    >>> logical_id("public", "my-api", "8080", "TargetGroup")
    'PublicMyApi8080TargetGroup'
    """
    parts = (part for word in words for part in re.split(r"[^A-Za-z0-9]+", word) if part)
    return "".join(part[0].upper() + part[1:] for part in parts)


@dataclass(frozen=True)
class Run:
    """A task that `deploy.sh` runs after it has deployed the stack, and that must succeed.

    The stack's output `RunTask` is the name of the SSM parameter that holds what
    `aws ecs run-task --cli-input-json` takes.
    """

    container: str
    """The container whose exit code must be 0."""
    timeout: int
    """Seconds after which the task is stopped and has failed."""


@dataclass(frozen=True)
class Deployment:
    """What `deploy.sh` does before and after it deploys a stack."""

    after: tuple[str, ...] = ()
    """Stacks that are deployed first, in addition to those that the stack imports from."""
    run: Run | None = None


@dataclass(frozen=True)
class Stack:
    """A stack as its template module composed it, with the user's merge patch beside it."""

    name: str
    template: TroposphereTemplate
    overrides: Mapping[str, Any] = field(default_factory=dict)
    deployment: Deployment = Deployment()


class TemplateModule(Protocol):
    """What a module of a stack kind contains.

    Three more functions are optional. `problems(name, params, env) -> Iterator[Problem]` reports
    what can only be checked with the whole environment in view. `deployment(name, params, env) ->
    Deployment` says what `deploy.sh` does in addition. `inspect(name, params, body) ->
    Iterator[Problem]` is called once all templates are rendered, with the body of the stack's own
    template as CloudFormation will read it; it may run programs of this machine. Paths of problems
    count from the stack's own properties.
    """

    Params: type[Any]

    def compose(self, name: str, params: Any, env: Environment, /) -> TroposphereTemplate | None:
        """The template of one stack; None where all it stands for exists already."""


@dataclass(frozen=True)
class Rendering:
    """A stack as CloudFormation will read it."""

    stack: str
    body: Mapping[str, Any]
    text: str
    file: str
    """The file's name below out/<env>/."""
    deployment: Deployment = Deployment()


@dataclass(frozen=True)
class Import:
    """A value that a stack takes from another stack's export."""

    name: str
    stack: str


@dataclass(frozen=True)
class PlannedStack:
    """A rendered stack and its place among the others."""

    name: str
    stack_name: str
    rendering: Rendering
    capabilities: tuple[str, ...]
    tags: Mapping[str, str]
    imports: tuple[Import, ...]
    exports: Mapping[str, str]
    after: tuple[str, ...] = ()
    """Stacks that it waits for without importing from them."""
    run: Run | None = None

    @property
    def depends_on(self) -> tuple[str, ...]:
        """The stacks that must be deployed before this one."""
        return tuple(sorted({*self.after, *(one.stack for one in self.imports)}))


@dataclass(frozen=True)
class Plan:
    """All stacks of an environment in the order of their deployment."""

    environment: Environment
    stacks: tuple[PlannedStack, ...]
