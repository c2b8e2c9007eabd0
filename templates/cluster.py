"""A stack that holds an ECS cluster, or the name of one that exists.

cluster:
  container_insights: enhanced
  exec_logs: {retention: 7d}
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field
from troposphere import GetAtt, Ref, Template, ecs

from moorage.model import Base, Environment, Path, Problem
from templates.parts.exports import exported, imported
from templates.parts.fields import Switch, text
from templates.parts.logs import LogGroupName, Logs, log_group
from templates.parts.regions import key_problems

Provider = Literal["FARGATE", "FARGATE_SPOT"]


ClusterName: Any = text(r"[A-Za-z0-9_-]{1,255}", "the name of a cluster", "shop")


class Share(Base):
    """A capacity provider's part of the tasks."""

    base: int = Field(0, ge=0, le=100_000, description="Tasks that run here before any is shared.")
    weight: int = Field(0, ge=0, le=1_000, description="Share of all tasks beyond the bases.")


class Existing(Base):
    """A cluster that is there already."""

    name: ClusterName = Field(description="The cluster's name.")
    exec_log_group: LogGroupName | None = Field(
        None, description="Name of the log group that its ECS Exec sessions write to, if any."
    )
    capacity_providers: list[Provider] = Field(
        [], description="Fargate capacity providers that it has; Spot needs `FARGATE_SPOT` here."
    )


class Params(Base):
    """An ECS cluster for Fargate tasks."""

    name: ClusterName | None = Field(
        None,
        description="A physical name. Without one CloudFormation forms it, and can replace it.",
    )
    container_insights: Literal["off", "on", "enhanced"] = Field(
        "off", description="Metrics per service (`on`) or also per task (`enhanced`); both cost."
    )
    exec_logs: Switch[Logs] = Field(
        Logs(), description="A log group for ECS Exec sessions; `false` for none."
    )
    default_strategy: dict[Provider, Share] = Field(
        {"FARGATE": Share(weight=1)},
        min_length=1,
        description="Where the tasks of services run that do not say it themselves.",
    )
    existing: Existing | None = Field(None, description="Use a cluster that is there already.")


@dataclass(frozen=True)
class Handle:
    """What other stacks refer to. Its values are literals or imports; no user can tell."""

    name: Any
    exec_log_group: Any | None
    """The name of the log group for ECS Exec, if there is one."""
    capacity_providers: tuple[str, ...]
    default_strategy: dict[Provider, Share]


def handle(name: str, params: Params, env: Environment) -> Handle:
    """How to refer to the cluster from another stack."""
    if params.existing:
        return Handle(
            name=params.existing.name,
            exec_log_group=params.existing.exec_log_group,
            capacity_providers=tuple(params.existing.capacity_providers),
            default_strategy={},
        )
    return Handle(
        name=imported(env, name, "ClusterName"),
        exec_log_group=imported(env, name, "ExecLogGroupName") if params.exec_logs else None,
        capacity_providers=("FARGATE", "FARGATE_SPOT"),
        default_strategy=params.default_strategy,
    )


def problems(name: str, params: Params, env: Environment) -> Iterator[Problem]:
    """What only the whole can tell."""
    if params.existing and params.model_fields_set != {"existing"}:
        others = sorted(params.model_fields_set - {"existing"})
        hint = "Remove what stands beside it, or remove `existing:` to have the cluster made."
        message = f"`existing` stands beside {', '.join(others)}, which would change nothing"
        yield Problem("M1108", ("existing",), message, hint)
    yield from strategy_problems(params.default_strategy, ("default_strategy",))
    if params.exec_logs:
        yield from key_problems(params.exec_logs.kms_key, ("exec_logs", "kms_key"), env)


def strategy_problems(strategy: dict[Provider, Share], path: Path) -> Iterator[Problem]:
    """ECS API reference, CapacityProviderStrategyItem: one base at most; some weight above 0."""
    if not strategy:
        return
    if sum(1 for share in strategy.values() if share.base) > 1:
        hint = "Leave `base` with one of them."
        yield Problem("M1108", path, "Only one capacity provider can have a base", hint)
    if not any(share.weight for share in strategy.values()):
        hint = "Write for example `FARGATE: {weight: 1}`."
        yield Problem("M1108", path, "No capacity provider has a weight above 0", hint)


def strategy_items(strategy: dict[Provider, Share]) -> list[ecs.CapacityProviderStrategyItem]:
    """A strategy in the form of AWS::ECS::Service, providers by name."""
    return [
        ecs.CapacityProviderStrategyItem(
            CapacityProvider=provider, Base=share.base, Weight=share.weight
        )
        for provider, share in sorted(strategy.items())
    ]


def compose(name: str, params: Params, env: Environment) -> Template | None:
    """The cluster, and its log group for ECS Exec."""
    if params.existing:
        return None
    template = Template(f"{env.app} {env.name}: the ECS cluster `{name}`")
    template.set_version()
    if params.exec_logs:
        template.add_resource(log_group("ExecLogGroup", params.exec_logs))
        template.add_output(
            exported(env, name, "ExecLogGroupName", Ref("ExecLogGroup"), "Logs of ECS Exec")
        )
    template.add_resource(_cluster(params))
    template.add_output(exported(env, name, "ClusterName", Ref("Cluster"), "Name of the cluster"))
    template.add_output(
        exported(env, name, "ClusterArn", GetAtt("Cluster", "Arn"), "ARN of the cluster")
    )
    return template


def _cluster(params: Params) -> ecs.Cluster:
    insights = {"off": "disabled", "on": "enabled", "enhanced": "enhanced"}
    optional: dict[str, Any] = {"ClusterName": params.name} if params.name else {}
    if params.exec_logs:
        optional["Configuration"] = ecs.ClusterConfiguration(
            ExecuteCommandConfiguration=ecs.ExecuteCommandConfiguration(
                Logging="OVERRIDE",
                LogConfiguration=ecs.ExecuteCommandLogConfiguration(
                    CloudWatchLogGroupName=Ref("ExecLogGroup")
                ),
            )
        )
    return ecs.Cluster(
        "Cluster",
        CapacityProviders=["FARGATE", "FARGATE_SPOT"],
        DefaultCapacityProviderStrategy=strategy_items(params.default_strategy),
        ClusterSettings=[
            ecs.ClusterSetting(Name="containerInsights", Value=insights[params.container_insights])
        ],
        **optional,
    )
