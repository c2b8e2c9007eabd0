"""Services that the tasks of a stack connect to: `reaches`.

The client's stack adds a rule for its tasks to the security group of the service, so only tasks
with such a rule can connect. It is deployed after the service, because a task that started before
an endpoint existed does not see it (Amazon ECS developer guide, "Amazon ECS Service Connect
components").
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from moorage.findings.finding import Path, Problem
from moorage.findings.wording import near, shown
from moorage.model import Environment, logical_id

from .. import network
from ..common.fields import StackName, UniqueList
from ..common.stack_lookup import find_stack
from .launch_types import LaunchParams, uses_instance_address
from .service_connect import DiscoverableParams, connectable_ports
from .service_discovery import server_ingress_rule


class ReachesParams(LaunchParams):
    """The services that a stack's tasks connect to."""

    reaches: UniqueList[StackName] = Field(
        [],
        description="Stacks of services to which the tasks connect: to the endpoints of their "
        "`service_connect:`, and with `discovery:` to all ports of their containers. Their "
        "security groups allow it, and they are deployed first.",
    )


def reaches_problems(params: ReachesParams, env: Environment) -> Iterator[Problem]:
    """Problems of `reaches`."""
    if params.reaches and uses_instance_address(params.network_mode):
        message = "`reaches` needs tasks with their own security group, but with `network_mode: "
        message += f"{params.network_mode}` they have that of their instances"
        hint = "Write `network_mode: awsvpc`, or remove `reaches`."
        yield Problem("M2725", ("reaches",), message, hint, because=[("network_mode",)])
    for index, name in enumerate(params.reaches):
        path: Path = ("reaches", index)
        server = env.params_of(name, DiscoverableParams)
        if name in env.broken:
            continue
        if server is None:
            yield _unknown_service(name, path, env)
        else:
            yield from _server_problems(name, server, params, path, env)


def _unknown_service(name: str, path: Path, env: Environment) -> Problem:
    spec = env.stacks.get(name)
    message = f"There is no stack {shown(name)}"
    if spec:
        message = f"{shown(name)} is a stack of template `{spec.template}`, not `service`"
    closest = near(name, env.resolve_all(_find_services))
    hint = f"Did you mean `{closest}`?" if closest else "Write the name of a `service` stack."
    return Problem("M1201", path, message, hint)


def _find_services(env: Environment) -> list[str]:
    """The stacks that others can reach."""
    return [stack for stack, params in env.of(DiscoverableParams) if connectable_ports(params)]


def _server_problems(
    name: str, server: DiscoverableParams, params: ReachesParams, path: Path, env: Environment
) -> Iterator[Problem]:
    if not connectable_ports(server):
        message = f"The service `{name}` has no endpoints and no DNS name"
        hint = "Add `discovery: true` or `service_connect: {services: [{port: 8080}]}` to "
        hint += f"`{name}`."
        if server.discovery:
            message = f"The service `{name}` has `discovery`, but its containers have no `ports`"
            hint = f"Add `ports` to the containers of `{name}`."
        yield Problem("M3111", path, message, hint)
    elif not server.discovery and not getattr(params, "service_connect", None):
        message = f"The service `{name}` can be reached through Service Connect only"
        hint = f"Add `discovery: true` to `{name}`."
        if isinstance(params, DiscoverableParams):
            hint = f"Add `service_connect: true` here, or `discovery: true` to `{name}`."
        yield Problem("M3112", path, message, hint, because=[("service_connect",)])
    client_network, server_network = (_network_name(stack, env) for stack in (params, server))
    if client_network and server_network and client_network != server_network:
        message = f"`{name}` is in the network `{server_network}`, but these tasks are in "
        message += f"`{client_network}`"
        yield Problem("M3115", path, message, f"Write `network: {server_network}` here.")


def _network_name(params: LaunchParams, env: Environment) -> str | None:
    network_stack = find_stack(env, network.Params, getattr(params, "network", None))
    return network_stack[0] if network_stack else None


def reaches_resources(params: ReachesParams, env: Environment) -> Iterator[Any]:
    """Security group rules that allow the tasks to connect to the services in `reaches`."""
    for name in sorted(params.reaches):
        server = env.params_of(name, DiscoverableParams)
        for port in connectable_ports(server) if server else ():
            title = logical_id("to", name, port.protocol, str(port.number), "Ingress")
            yield server_ingress_rule(title, name, port.protocol, port.number, env)
