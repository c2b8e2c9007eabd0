"""Services that the tasks of a stack connect to."""

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
    """What a stack says of the services that its tasks connect to."""

    reaches: UniqueList[StackName] = Field(
        [],
        description="Stacks of services whose endpoints the tasks connect to: those of "
        "`service_connect:`, and with `discovery:` all ports of the containers. Their security "
        "groups are opened, and they are deployed first.",
    )


def reaches_problems(params: ReachesParams, env: Environment) -> Iterator[Problem]:
    """What is wrong with whom the tasks connect to."""
    if params.reaches and uses_instance_address(params.network_mode):
        message = "The tasks have no security group by which they could be let in"
        hint = "Write `network_mode: awsvpc`."
        yield Problem("M1220", ("reaches",), message, hint, because=[("network_mode",)])
    for at, name in enumerate(params.reaches):
        path: Path = ("reaches", at)
        server = env.params_of(name, DiscoverableParams)
        if name in env.broken:
            continue
        if server is None:
            known = [other for other, its in env.of(DiscoverableParams) if connectable_ports(its)]
            meant = near(name, known)
            hint = f"Did you mean `{meant}`?" if meant else "Name a stack of template `service`."
            yield Problem("M1201", path, f"{shown(name)} is no service of this environment", hint)
        else:
            yield from _server_problems(name, server, params, path, env)


def _server_problems(
    name: str, server: DiscoverableParams, params: ReachesParams, path: Path, env: Environment
) -> Iterator[Problem]:
    if not connectable_ports(server):
        message = f"`{name}` offers nothing by which it could be reached"
        offer = "service_connect: {services: [{port: 8080}]}"
        hint = f"Add `discovery: true`, or `{offer}`, at `{name}`."
        yield Problem("M1220", path, message, hint)
    elif not server.discovery and not getattr(params, "service_connect", None):
        message = f"`{name}` is found through Service Connect only"
        hint = f"Add `discovery: true` at `{name}`."
        if isinstance(params, DiscoverableParams):
            hint = f"Add `service_connect: true` here, or `discovery: true` at `{name}`."
        yield Problem("M1108", path, message, hint, because=[("service_connect",)])
    mine, its = (_network(one, env) for one in (params, server))
    if mine and its and mine != its:
        message = f"`{name}` is in network `{its}`, and these tasks in `{mine}`"
        yield Problem("M1201", path, message, f"Write `network: {its}` here.")


def _network(params: LaunchParams, env: Environment) -> str | None:
    found = find_stack(env, network.Params, getattr(params, "network", None))
    return found[0] if found else None


def reaches_resources(params: ReachesParams, env: Environment) -> Iterator[Any]:
    """What lets the tasks in at the services that they reach."""
    for name in sorted(params.reaches):
        server = env.params_of(name, DiscoverableParams)
        for port in connectable_ports(server) if server else ():
            title = logical_id("to", name, port.protocol, str(port.number), "Ingress")
            yield server_ingress_rule(title, name, port.protocol, port.number, env)
