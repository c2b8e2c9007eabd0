"""Names of clusters, namespaces and capacity providers: those that another stack of the environment
has already, and those that ECS refuses."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import Any

from moorage.facts.capacity_providers import RESERVED_PREFIXES
from moorage.findings.finding import Problem
from moorage.model import Environment

from .. import network
from ..common.stack_lookup import find_stack
from ..tasks.service_discovery import Namespace, namespace_name
from . import capacity
from .params import Params


def name_problems(name: str, params: Params, env: Environment) -> Iterator[Problem]:
    """Names that an earlier stack of the environment has already, and names that ECS refuses."""
    if params.existing:
        return
    if env.app.startswith(RESERVED_PREFIXES):
        yield from _capacity_provider_problems(name, params, env)
    for stack, stack_params in env.of(Params):
        if stack == name:
            return
        if stack_params.existing:
            continue
        if params.name and params.name == stack_params.name:
            message = f"The cluster of the stack `{stack}` also has the name `{params.name}`"
            hint = "Write another `name`, or remove it: CloudFormation then generates one."
            yield Problem("M2114", ("name",), message, hint)
        key = _namespace_key(params.namespace, env)
        if key and key == _namespace_key(stack_params.namespace, env):
            message = f"The stack `{stack}` also creates the namespace `{key[0]}`"
            hint = f"Write another `name` for it, or remove it and move the services to `{stack}`."
            yield Problem("M3116", ("namespace",), message, hint)


def _capacity_provider_problems(name: str, params: Params, env: Environment) -> Iterator[Problem]:
    """Capacity providers whose generated name ECS refuses. Without a `Name` in the overrides,
    CloudFormation generates one from the name of the stack, which begins with `app`."""
    for launch_type in params.capacity.by_launch_type() if params.capacity else ():
        title = f"{capacity.LOGICAL_ID_PREFIXES[launch_type]}CapacityProvider"
        override: Any = env.stacks[name].overrides
        for key in ("Resources", title, "Properties", "Name"):
            override = override.get(key) if isinstance(override, Mapping) else None
        if override is not None:
            continue
        words = ", ".join(RESERVED_PREFIXES[:-1]) + f" or {RESERVED_PREFIXES[-1]}"
        message = f"The name of the capacity provider would begin with `{env.stack_name(name)}`, "
        message += f"and ECS refuses names that begin with {words}"
        hint = "Write another `app`, or below `overrides:` write "
        hint += f"`Resources: {{{title}: {{Properties: {{Name: name-of-your-choice}}}}}}`."
        yield Problem("M2113", ("capacity", launch_type), message, hint)


def _namespace_key(params: Namespace | None, env: Environment) -> tuple[Hashable, ...] | None:
    """Two namespaces with the same key cannot both exist: the name of a private DNS namespace is
    unique in its VPC, that of another namespace in the region."""
    if params is None or params.existing:
        return None
    stack = find_stack(env, network.Params, params.network) if params.dns else None
    return namespace_name(params, env), params.dns, stack and stack[0]
