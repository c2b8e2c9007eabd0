"""Sidecars that Moorage knows: `sidecars:` of a task.

Each sidecar has its own module; this one adds them to the containers of the task. Users write any
other sidecar, such as Envoy, below `containers:`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from awacs.aws import Statement
from pydantic import Field

from moorage.model import Base, Environment
from moorage.references import Reference, sort_key

from ..common.fields import Switch
from . import datadog, firelens, otel
from .containers import Container
from .datadog import Datadog
from .firelens import FireLens
from .launch_types import LaunchParams
from .otel import Otel
from .task_container import Origin, TaskContainer


class Sidecars(Base):
    """Sidecars of each task. The other containers start after them and stop before them. The task
    role is allowed to send what they send; an existing role must allow it already."""

    datadog: Datadog | None = Field(
        None, description="The Datadog agent: metrics per task, traces, DogStatsD."
    )
    otel: Switch[Otel] = Field(
        None, description="The AWS Distro for OpenTelemetry collector: traces and metrics."
    )
    firelens: FireLens | None = Field(
        None, description="FireLens with Fluent Bit: sends the containers' output to a destination."
    )


class SidecarParams(LaunchParams):
    """The sidecars of a task."""

    sidecars: Sidecars = Field(Sidecars.unvalidated(), description="Sidecars of each task.")


NAMES = {
    "datadog": datadog.CONTAINER_NAME,
    "otel": otel.CONTAINER_NAME,
    "firelens": firelens.CONTAINER_NAME,
}
"""The name of the container of each sidecar."""


def add_sidecars(
    containers: Mapping[str, TaskContainer], params: SidecarParams, env: Environment
) -> dict[str, TaskContainer]:
    """The containers of a task and its sidecars.

    The other containers start after the sidecars. ECS stops containers in reverse order, so the
    sidecars still receive data that the application sends while it stops.
    """
    added = _sidecars(params, env)
    return {
        **{name: _connect(container, added, params) for name, container in containers.items()},
        **added,
    }


def _sidecars(params: SidecarParams, env: Environment) -> dict[str, TaskContainer]:
    sidecars = params.sidecars
    added: dict[str, Container] = {}
    if sidecars.datadog:
        fargate, bridged = params.launch == "fargate", _is_bridged(params)
        added["datadog"] = datadog.agent_container(
            sidecars.datadog, env, fargate=fargate, bridged=bridged
        )
    if sidecars.otel:
        added["otel"] = otel.collector_container(sidecars.otel, env)
    if sidecars.firelens:
        added["firelens"] = firelens.router_container(sidecars.firelens)
    return {
        NAMES[key]: TaskContainer(container, _origin(key, getattr(sidecars, key)))
        for key, container in added.items()
    }


def _origin(key: str, sidecar: Base) -> Origin:
    keys = frozenset(type(sidecar).model_fields)
    return Origin(("sidecars", key), keys, feature="`sidecars`")


def _is_bridged(params: SidecarParams) -> bool:
    """Whether each container of a task has its own IP address."""
    return params.network_mode == "bridge"


def _connect(
    container: TaskContainer, sidecars: Mapping[str, TaskContainer], params: SidecarParams
) -> TaskContainer:
    """The container with dependencies on the sidecars and the address of the Datadog agent."""
    if not sidecars:
        return container
    definition = container.params
    variables = {**definition.environment, **definition.secrets, **definition.address_of}
    linked = params.sidecars.datadog and _is_bridged(params) and "DD_AGENT_HOST" not in variables
    agent = {"DD_AGENT_HOST": datadog.CONTAINER_NAME} if linked else {}
    connected = definition.model_copy(
        update={
            "depends_on": {**dict.fromkeys(sidecars, "START"), **definition.depends_on},
            "address_of": {**agent, **definition.address_of},
        }
    )
    return replace(container, params=connected)


def secret_references(params: Sidecars) -> list[str | Reference]:
    """References to secrets that are not in variables of containers. The execution role also reads
    these."""
    if params.firelens is None:
        return []
    return sorted(firelens.secret_references(params.firelens).values(), key=sort_key)


# Resources -----------------------------------------------------------------------------------


def sidecar_statements(params: Sidecars, cluster: Any, log_group_arn: Any) -> Iterator[Statement]:
    """The permissions that the task role needs so that the sidecars can send their data."""
    if params.otel:
        yield from otel.task_role_statements(params.otel, cluster)
    if params.firelens:
        yield from firelens.task_role_statements(params.firelens, log_group_arn)
