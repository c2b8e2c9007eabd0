"""Containers beside the application that are asked for by name: `sidecars:` of a task.

Each has a file of its own. Here they come among the task's containers, and what is wrong with them
is told where they were asked for. Any other container beside the application, such as an Envoy with
a configuration of one's own, is one of `containers:`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from awacs.aws import Statement
from pydantic import Field

from moorage.findings.finding import Path, Problem
from moorage.model import Base, Environment

from .. import network
from ..common.fields import Switch
from . import datadog, firelens, otel
from .containers import Container, Containers
from .datadog import Datadog
from .firelens import FireLens
from .launch_types import LaunchParams
from .otel import Otel
from .ports import Port
from .secrets import SecretRef

MAX_CONTAINERS = 10
"""Amazon ECS service quotas, "Number of containers in a task definition"."""


class Sidecars(Base):
    """Containers beside the application. Its containers start once these have started, and end
    before them. The task role may send what they send; one that exists must allow it itself."""

    datadog: Datadog | None = Field(
        None, description="The Datadog agent: metrics per task, traces, DogStatsD."
    )
    otel: Switch[Otel] = Field(
        None, description="The AWS Distro for OpenTelemetry collector: traces and metrics."
    )
    firelens: FireLens | None = Field(
        None, description="FireLens with Fluent Bit: output goes elsewhere than to a log group."
    )


class SidecarParams(LaunchParams):
    """What a task says of the containers beside the application."""

    sidecars: Sidecars = Field(
        Sidecars(), description="Containers beside the application, by what they are."
    )


_NAMES = {
    "datadog": datadog.CONTAINER_NAME,
    "otel": otel.CONTAINER_NAME,
    "firelens": firelens.CONTAINER_NAME,
}


def _paths(params: Sidecars) -> dict[str, Path]:
    """Where each of the sidecars was asked for, by its container's name."""
    asked = {name: key for key, name in _NAMES.items() if getattr(params, key) is not None}
    return {name: ("sidecars", key) for name, key in asked.items()}


def _containers(params: SidecarParams, env: Environment) -> dict[str, Container]:
    asked = params.sidecars
    found: dict[str, Container] = {}
    if asked.datadog:
        fargate, apart = params.launch == "fargate", _apart(params)
        found[datadog.CONTAINER_NAME] = datadog.agent_container(
            asked.datadog, env, fargate=fargate, apart=apart
        )
    if asked.otel:
        found[otel.CONTAINER_NAME] = otel.collector_container(asked.otel, env)
    if asked.firelens:
        found[firelens.CONTAINER_NAME] = firelens.router_container(asked.firelens)
    return found


def _apart(params: SidecarParams) -> bool:
    """Whether containers do not share an address."""
    return params.network_mode == "bridge"


def joined(params: SidecarParams, env: Environment) -> Containers:
    """The containers of a task with its sidecars among them.

    The others wait for the sidecars to start. ECS stops containers in the reverse order, so what
    the application has to tell at its end is still heard.
    """
    added = _containers(params, env)
    return {
        **{name: _served(one, added, params) for name, one in params.containers.items()},
        **added,
    }


def _served(
    container: Container, added: Mapping[str, Container], params: SidecarParams
) -> Container:
    if not added:
        return container
    told = {**container.environment, **container.secrets, **container.address_of}
    linked = params.sidecars.datadog and _apart(params) and "DD_AGENT_HOST" not in told
    agent = {"DD_AGENT_HOST": datadog.CONTAINER_NAME} if linked else {}
    return container.model_copy(
        update={
            "depends_on": {**dict.fromkeys(added, "START"), **container.depends_on},
            "address_of": {**agent, **container.address_of},
        }
    )


# What can be wrong ---------------------------------------------------------------------------


def asked_at(problem: Problem, params: SidecarParams, env: Environment) -> Problem:
    """A problem of a sidecar's container is told where the sidecar was asked for; and with what
    does not fit into the task goes what the user cannot see among its containers."""
    places = _paths(params.sidecars)
    root, name = (*problem.path[:2], "", "")[:2]
    if root == "containers" and name in places:
        return replace(problem, path=(*places[str(name)], *problem.path[2:]))
    if places and (problem.code, problem.path) == ("M1212", ("containers",)):
        beside = _containers(params, env).values()
        cpu = f"{sum(one.cpu or 0 for one in beside)} CPU units are"
        memory = f"{sum(one.memory_reservation or one.memory or 0 for one in beside)} MiB are"
        shares: dict[Path, str] = {("cpu",): cpu, ("memory",): memory}
        more = "".join(f" Of these, {shares[key]} for `sidecars`." for key in problem.because)
        return replace(problem, hint=problem.hint + more)
    return problem


def sidecar_problems(params: SidecarParams, env: Environment) -> Iterator[Problem]:
    """What is wrong with the sidecars, and between them and the other containers."""
    asked = params.sidecars
    if asked.otel:
        yield from otel.otel_problems(asked.otel, ("sidecars", "otel"), env)
    if asked.firelens:
        yield from firelens.firelens_problems(asked.firelens, ("sidecars", "firelens"), env)
    if asked.datadog and params.launch != "fargate":
        message = "On instances Datadog's agent learns nothing of a task from beside it"
        hint = "Run it as a service of its own on each instance, as Datadog has it, and remove "
        hint += "this; traces and DogStatsD work here too."
        path = ("sidecars", "datadog")
        yield Problem("M1220", path, message, hint, level="warning", because=[("launch",)])
    yield from _name_problems(params)
    if not _apart(params):
        yield from _port_problems(params)


def _name_problems(params: SidecarParams) -> Iterator[Problem]:
    places = _paths(params.sidecars)
    for name, (_, key) in places.items():
        if name in params.containers:
            message = f"`{name}` is the container that `sidecars.{key}` adds"
            yield Problem("M1108", ("containers", name), message, "Rename this one.")
    count = len({*params.containers, *places})
    if places and count > MAX_CONTAINERS:
        message = f"The task has {count} containers, with those of `sidecars`"
        hint = f"ECS takes {MAX_CONTAINERS}. Split the task, or leave a sidecar out."
        yield Problem("M1105", ("containers",), message, hint)


def _listening(params: Sidecars) -> dict[str, list[Port]]:
    found = {"datadog": datadog.listening_ports(params.datadog)} if params.datadog else {}
    if params.otel:
        found["otel"] = otel.listening_ports(params.otel)
    if params.firelens:
        found["firelens"] = firelens.listening_ports(params.firelens)
    return found


def _port_problems(params: SidecarParams) -> Iterator[Problem]:
    """Ports that a sidecar takes, of the one address that all containers of the task share."""
    taken: dict[Port, str] = {}
    for key, ports in _listening(params.sidecars).items():
        for port in ports:
            if port in taken:
                message = f"Port {port} is taken by `sidecars.{taken[port]}` already"
                hint = "Write `dogstatsd: false` at `datadog`, or another `config` at `otel`."
                because = [("sidecars", taken[port])]
                yield Problem("M1206", ("sidecars", key), message, hint, because=because)
            taken.setdefault(port, key)
    for name, container in params.containers.items():
        for at, port in enumerate(container.ports):
            if port in taken:
                message = f"Port {port} is taken by `sidecars.{taken[port]}` in the same task"
                hint = "Let the container listen elsewhere: those of a task share one address."
                path = ("containers", name, "ports", at)
                because = [("sidecars", taken[port])]
                yield Problem("M1206", path, message, hint, because=because)


def reach_problems(params: Sidecars, net: network.Params, name: str) -> Iterator[Problem]:
    """What the sidecars could not reach from a network that has endpoints only.

    Datadog can be reached by AWS PrivateLink, by an endpoint that is not ours to see: a warning.
    """
    if params.datadog:
        message = f"`{params.datadog.site}` is on the internet, and `{name}` has no way there"
        hint = f"Write `egress: nat` at `{name}`, or give it endpoints of Datadog's by PrivateLink."
        yield Problem("M1211", ("sidecars", "datadog"), message, hint, level="warning")
    wanted = {
        "otel": otel.endpoint_services(params.otel) if params.otel else [],
        "firelens": firelens.endpoint_services(params.firelens) if params.firelens else [],
    }
    there = {service.rpartition(".")[2] for service in net.endpoints}
    for key, services in wanted.items():
        for service in services:
            if service not in there:
                message = f"`{name}` has no endpoint for `{service}`, which this sends to"
                hint = f"Write `endpoints: [{', '.join([*net.endpoints, service])}]` at `{name}`."
                yield Problem("M1211", ("sidecars", key), message, hint)


# What comes out ------------------------------------------------------------------------------


def secret_references(params: Sidecars) -> list[SecretRef]:
    """Secrets that are not in a container's variables, which the execution role reads as well."""
    return sorted(firelens.secret_references(params.firelens).values()) if params.firelens else []


def sidecar_statements(params: Sidecars, cluster: Any, log_group_arn: Any) -> Iterator[Statement]:
    """What the task role needs for the sidecars to send what they collect."""
    if params.otel:
        yield from otel.task_role_statements(params.otel, cluster)
    if params.firelens:
        yield from firelens.task_role_statements(params.firelens, log_group_arn)
