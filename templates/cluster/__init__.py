"""A stack that holds an ECS cluster, or the name of one that exists.

cluster:
  container_insights: enhanced
  exec_logs: {retention: 7d}
  capacity: {ec2: {instance_types: [t3.small], max: 2}}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field
from troposphere import GetAtt, Ref, Template, ecs

from moorage.findings.finding import Path, Problem
from moorage.model import Base, Environment

from ..common.exports import export_output, import_value
from ..common.fields import Switch, text
from ..common.logs import LogGroupName, Logs, log_group
from ..common.regions import key_region_problems
from ..common.stack_lookup import find_stack
from ..tasks import service_discovery
from ..tasks.launch_types import Launch, LaunchParams
from ..tasks.service_discovery import ExistingNamespace, Namespace, namespace, namespace_problems
from . import capacity
from .capacity import Capacity, ExistingInstances
from .instance_rules import instance_rules, openings

Provider = Literal["FARGATE", "FARGATE_SPOT"]


ClusterName = Annotated[str, text(r"[A-Za-z0-9_-]{1,255}", "the name of a cluster", "shop")]


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
    ec2: ExistingInstances | None = Field(
        None, description="Its Auto Scaling group, for `launch: ec2`."
    )
    managed_instances: ExistingInstances | None = Field(
        None, description="Its instances that ECS manages, for `launch: managed_instances`."
    )
    namespace: ExistingNamespace | None = Field(
        None, description="The Cloud Map namespace in which its services find each other."
    )


class Params(Base):
    """An ECS cluster for tasks on Fargate, and on instances where it has `capacity`."""

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
    capacity: Capacity | None = Field(
        None, description="Instances for tasks: for services with another `launch:` than Fargate."
    )
    namespace: Switch[Namespace] = Field(
        None,
        description="A Cloud Map namespace in which services find each other, by "
        "`service_connect:` or `discovery:`.",
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
    instances: Mapping[Launch, capacity.Handle] = field(default_factory=dict)
    """What there is beside Fargate, by what services call it."""
    namespace: service_discovery.Handle | None = None
    """Where services find each other, if anywhere."""


def handle(name: str, params: Params, env: Environment) -> Handle:
    """How to refer to the cluster from another stack."""
    if params.existing:
        return Handle(
            name=params.existing.name,
            exec_log_group=params.existing.exec_log_group,
            capacity_providers=tuple(params.existing.capacity_providers),
            default_strategy={},
            instances=capacity.existing_handles(_existing_instances(params.existing)),
            namespace=service_discovery.existing_handle(params.existing.namespace),
        )
    return Handle(
        name=import_value(env, name, "ClusterName"),
        exec_log_group=import_value(env, name, "ExecLogGroupName") if params.exec_logs else None,
        capacity_providers=("FARGATE", "FARGATE_SPOT"),
        default_strategy=params.default_strategy,
        instances=capacity.handles(name, params.capacity, env),
        namespace=service_discovery.handle(name, params.namespace, env),
    )


def _existing_instances(existing: Existing) -> dict[Launch, ExistingInstances | None]:
    return {"ec2": existing.ec2, "managed_instances": existing.managed_instances}


def problems(name: str, params: Params, env: Environment) -> Iterator[Problem]:
    """What only the whole can tell."""
    if params.existing and params.model_fields_set != {"existing"}:
        others = sorted(params.model_fields_set - {"existing"})
        hint = "Remove what stands beside it, or remove `existing:` to have the cluster made."
        message = f"`existing` stands beside {', '.join(others)}, which would change nothing"
        yield Problem("M1108", ("existing",), message, hint)
    yield from strategy_problems(params.default_strategy, ("default_strategy",))
    yield from capacity.capacity_problems(params.capacity, env)
    yield from namespace_problems(params.namespace, env)
    if params.existing:
        path = ("existing", "namespace")
        yield from service_discovery.region_problems(params.existing.namespace, path, env)
    if params.exec_logs:
        yield from key_region_problems(params.exec_logs.kms_key, ("exec_logs", "kms_key"), env)


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
    """The cluster, its log group for ECS Exec, and its instances."""
    rules = list(_rules(name, params, env))
    if params.existing and not rules:
        return None
    template = Template(f"{env.app} {env.name}: the ECS cluster `{name}`")
    template.set_version()
    template.add_resource(rules)
    if params.existing:
        return template
    if params.exec_logs:
        template.add_resource(log_group("ExecLogGroup", params.exec_logs))
        template.add_output(
            export_output(env, name, "ExecLogGroupName", Ref("ExecLogGroup"), "Logs of ECS Exec")
        )
    template.add_resource(_cluster(params))
    template.add_resource(list(capacity.capacity_resources(params.capacity, env, name)))
    if providers := capacity.associated(params.capacity):
        template.add_resource(_associations(params, providers))
    template.add_output(
        export_output(env, name, "ClusterName", Ref("Cluster"), "Name of the cluster")
    )
    template.add_output(
        export_output(env, name, "ClusterArn", GetAtt("Cluster", "Arn"), "ARN of the cluster")
    )
    template.add_output(list(capacity.capacity_outputs(name, params.capacity, env)))
    if params.namespace and not params.namespace.existing:
        template.add_resource(namespace(params.namespace, env))
        template.add_output(list(service_discovery.namespace_outputs(name, env)))
    return template


def _rules(name: str, params: Params, env: Environment) -> Iterator[Any]:
    """What lets load balancers reach tasks through the instances, for all stacks together."""
    groups: dict[Launch, Any] = {
        kind: GetAtt(f"{capacity.TITLES[kind]}SecurityGroup", "GroupId")
        for kind in (params.capacity.of() if params.capacity else ())
    }
    if params.existing:
        instances = capacity.existing_handles(_existing_instances(params.existing))
        groups = {kind: one.security_group for kind, one in instances.items()}
    found = {
        opening
        for _, its in env.of(LaunchParams)
        if (picked := find_stack(env, Params, its.cluster)) and picked[0] == name
        for opening in openings(its, env)
    }
    yield from instance_rules(found, groups, env)


def _associations(params: Params, providers: list[Any]) -> ecs.ClusterCapacityProviderAssociations:
    """In place of the cluster's own list, which would have the cluster wait for its instances.

    It comes after managed instances, which change the same cluster: ECS refuses two changes at once
    (Amazon ECS API reference, CreateCapacityProvider and PutClusterCapacityProviders,
    UpdateInProgressException)."""
    managed = params.capacity and params.capacity.managed_instances
    after = {"DependsOn": "ManagedInstancesCapacityProvider"} if managed else {}
    return ecs.ClusterCapacityProviderAssociations(
        "CapacityProviders",
        Cluster=Ref("Cluster"),
        CapacityProviders=["FARGATE", "FARGATE_SPOT", *providers],
        DefaultCapacityProviderStrategy=[
            ecs.CapacityProviderStrategy(
                CapacityProvider=provider, Base=share.base, Weight=share.weight
            )
            for provider, share in sorted(params.default_strategy.items())
        ],
        **after,
    )


def _own_providers(params: Params) -> dict[str, Any]:
    if capacity.associated(params.capacity):
        return {}
    return {
        "CapacityProviders": ["FARGATE", "FARGATE_SPOT"],
        "DefaultCapacityProviderStrategy": strategy_items(params.default_strategy),
    }


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
        **_own_providers(params),
        ClusterSettings=[
            ecs.ClusterSetting(Name="containerInsights", Value=insights[params.container_insights])
        ],
        **optional,
    )
