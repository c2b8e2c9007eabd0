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
