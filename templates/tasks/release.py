"""How a deployment replaces the tasks of an ECS service: `release:`.

    release: canary
    release: {strategy: canary, canary_percent: 10, bake_time: 15m, rollback_on: [shop-5xx]}

Each strategy is a model of its own, and a member of `ReleaseParams`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    GetJsonSchemaHandler,
    SerializerFunctionWrapHandler,
    Tag,
    WrapSerializer,
)
from pydantic_core import CoreSchema

from moorage.findings.wording import join_or, near, shown
from moorage.model import Base, wrong
from moorage.records import record

from .code_deploy import CodeDeploy
from .traffic_shift import BakeTime, BlueGreen, Canary, Linear, ReleaseBase, Shift, TestTraffic


class EarlySuccess(Base):
    """Completes a deployment before all of its tasks are healthy."""

    healthy_percent: int = Field(
        ge=0, le=100, description="Percentage of the tasks that must be healthy, rounded up."
    )
    cleanup: Literal["blocking", "deferred"] = Field(
        "blocking",
        description="Whether the deployment waits until the old tasks are stopped. `deferred` "
        "stops them later, within two weeks.",
    )


class Rolling(ReleaseBase):
    """ECS replaces old tasks by new ones, some at a time."""

    strategy: Literal["rolling"] = Field("rolling", description="`rolling`.")
    bake_time: BakeTime | None = Field(
        None,
        description="Time after the old tasks are stopped, in which alarms can still roll the "
        "deployment back. By default ECS derives it from the alarms.",
    )
    early_success: EarlySuccess | None = Field(
        None, description="Complete a deployment before all of its tasks are healthy."
    )
    alternate_target_groups: bool = Field(
        False,
        description="Create the second target groups that the other strategies need. Deploy with "
        "this before you change to one of these strategies, and after you change back.",
    )


ReleaseParams = (
    Annotated[Rolling, Tag("rolling")]
    | Annotated[CodeDeploy, Tag("codedeploy")]
    | Annotated[BlueGreen, Tag("blue_green")]
    | Annotated[Linear, Tag("linear")]
    | Annotated[Canary, Tag("canary")]
)
"""A member for each strategy, with the strategy as its tag."""

_MODELS: Mapping[str, type[ReleaseBase]] = {
    tag.tag: model for model, tag in map(get_args, get_args(ReleaseParams))
}
STRATEGIES = tuple(_MODELS)


def _expand(value: Any) -> Any:
    """`canary` is short for `{strategy: canary}`, and a map without a strategy is `rolling`."""
    if isinstance(value, str):
        value = {"strategy": value}
    if not isinstance(value, Mapping | Base):
        hint = f"Write a strategy, such as `{STRATEGIES[-1]}`, or a map with its settings."
        raise wrong("M1103", f"Expected the name of a strategy or a map, got {shown(value)}", hint)
    if isinstance(value, Mapping):
        value = {"strategy": "rolling", **value}
        strategy = value["strategy"]
        if strategy not in STRATEGIES:
            closest = near(str(strategy), STRATEGIES)
            choices = ", ".join(f"`{name}`" for name in STRATEGIES[:-1])
            hint = f"Did you mean `{closest}`? " if closest else ""
            hint += f"Write {choices} or `{STRATEGIES[-1]}`."
            raise wrong("M1104", f"{shown(strategy)} is not a strategy of a release", hint)
        _reject_unsupported_keys(strategy, value)
    return value


def _reject_unsupported_keys(strategy: str, value: Mapping[str, Any]) -> None:
    """Rejects settings that only other strategies have."""
    for key in value:
        if key in _MODELS[strategy].model_fields:
            continue
        owners = [name for name, model in _MODELS.items() if key in model.model_fields]
        if owners:
            names = join_or(f"`{name}`" for name in owners)
            hint = f"Remove `{key}`, or write `strategy:` with {names}."
            raise wrong("M3212", f"`{key}` has no effect with `strategy: {strategy}`", hint)


def _strategy_of(value: Any) -> str:
    return str(value["strategy"] if isinstance(value, Mapping) else value.strategy)


def _serialize(value: Any, serialize: SerializerFunctionWrapHandler) -> Any:
    is_default = value == type(value)(strategy=value.strategy)
    return value.strategy if is_default else serialize(value)


@record
class _ReleaseSchema:
    """JSON Schema: a strategy can be written alone."""

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        schema = handler(core)
        members = schema.get("oneOf") or schema.get("anyOf") or [schema]
        return {"anyOf": [{"type": "string", "enum": list(STRATEGIES)}, *members]}


ReleaseField = Annotated[
    Annotated[ReleaseParams, Discriminator(_strategy_of)],
    BeforeValidator(_expand),
    WrapSerializer(_serialize, when_used="json"),
    _ReleaseSchema(),
]


@record
class Release:
    """How a deployment replaces the tasks of one service."""

    params: ReleaseBase
    """A member of `ReleaseParams`; by default `Rolling()`."""

    @property
    def strategy(self) -> str:
        """As in params: `rolling`, `blue_green`, `linear`, `canary`, `codedeploy`."""
        return self.params.strategy

    @property
    def shift(self) -> Shift | None:
        """The params, if ECS shifts traffic between two target groups; None for others."""
        return self.params if isinstance(self.params, Shift) else None

    @property
    def code_deploy(self) -> CodeDeploy | None:
        """The params, if CodeDeploy deploys the service."""
        return self.params if isinstance(self.params, CodeDeploy) else None

    @property
    def test(self) -> TestTraffic | None:
        """The settings of test traffic, if there is any."""
        params = self.shift or self.code_deploy
        return params.test if params else None

    @property
    def paired(self) -> bool:
        """Whether each target has a second target group."""
        prepared = isinstance(self.params, Rolling) and self.params.alternate_target_groups
        return self.shift is not None or self.code_deploy is not None or prepared
