"""Params of a cluster: the one to create, or the name of an existing one."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from moorage.facts.fargate import CapacityProviderName
from moorage.model import Base

from ..common.fields import Switch, text
from ..common.logs import LogGroupName, Logs
from ..tasks.service_discovery import ExistingNamespace, Namespace
from .capacity import Capacity, ExistingInstances

Provider = CapacityProviderName
ClusterName = Annotated[
    str, text(r"[A-Za-z0-9_-]{1,255}", "a name of letters, digits, - and _", "shop")
]


class Share(Base):
    """A capacity provider's share of the tasks."""

    base: int = Field(
        0, ge=0, le=100_000, description="Tasks that run on it before the others get a share."
    )
    weight: int = Field(
        0, ge=0, le=1_000, description="Relative share of the tasks beyond the bases."
    )


class Existing(Base):
    """An existing cluster."""

    name: ClusterName = Field(description="Name of the cluster.")
    exec_log_group: LogGroupName | None = Field(
        None, description="Name of the log group of its ECS Exec sessions, if it has one."
    )
    capacity_providers: list[Provider] = Field(
        [],
        description="Fargate capacity providers of the cluster. Services on Fargate Spot need "
        "`FARGATE_SPOT` here.",
    )
    ec2: ExistingInstances | None = Field(
        None, description="Its Auto Scaling group, for `launch: ec2`."
    )
    managed_instances: ExistingInstances | None = Field(
        None, description="Its ECS Managed Instances, for `launch: managed_instances`."
    )
    namespace: ExistingNamespace | None = Field(
        None, description="The Cloud Map namespace in which its services find each other."
    )


class Params(Base):
    """An ECS cluster for tasks on Fargate, and on instances if it has `capacity`."""

    name: ClusterName | None = Field(
        None,
        description="Name of the cluster. Default: CloudFormation chooses one, and can replace the "
        "cluster.",
    )
    container_insights: Literal["off", "on", "enhanced"] = Field(
        "off",
        description="CloudWatch Container Insights: metrics per service (`on`) or also per task "
        "(`enhanced`). Both are charged for.",
    )
    exec_logs: Switch[Logs] = Field(
        Logs(), description="A log group for ECS Exec sessions; `false` for none."
    )
    default_strategy: dict[Provider, Share] = Field(
        {"FARGATE": Share(weight=1)},
        min_length=1,
        description="Capacity provider strategy of services without `capacity_providers`.",
    )
    capacity: Capacity | None = Field(
        None, description="Instances for services with `launch: ec2` or `managed_instances`."
    )
    namespace: Switch[Namespace] = Field(
        None,
        description="A Cloud Map namespace in which services find each other, by "
        "`service_connect:` or `discovery:`.",
    )
    existing: Existing | None = Field(None, description="Use an existing cluster.")
