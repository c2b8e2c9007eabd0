"""The private subnets of a network, for databases and caches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from moorage.findings.finding import Problem
from moorage.model import Environment

from ..common.stack_lookup import find_stack, find_stack_problems
from .existing import has_no_subnets
from .network_zones import plan_zones
from .params import Params


def count_private_subnets(params: Params) -> int:
    """The number of private subnets, each in an Availability Zone of its own."""
    return len(params.existing.private_subnets if params.existing else plan_zones(params))


def private_subnet_problems(
    env: Environment, name: str | None, noun: str, needed: int = 2
) -> Iterator[Problem]:
    """Why a stack cannot be in the private subnets of the network `name`. `noun` is what the stack
    creates, such as `database`; `needed` is the number of subnets. With a mistake in `existing:` of
    that stack, it is not known to need any."""
    path = ("network",)
    for problem in find_stack_problems(env, Params, name, path, "network"):
        yield replace(problem, because=[*problem.because, ("existing",)])
    found = find_stack(env, Params, name)
    if found is None or has_no_subnets(found[1]):
        return
    stack, params = found
    count = count_private_subnets(params)
    if count < needed:
        subnets = {0: "no private subnets", 1: "one private subnet"}.get(
            count, f"{count} private subnets"
        )
        message = f"The {noun} needs {needed} private subnets, but `{stack}` has {subnets}"
        hint = f"Write more zones in the stack `{stack}`."
        if params.existing:
            hint = (
                f"Write {needed} or more subnets below `private_subnets:` of `{stack}`, each in "
                "another Availability Zone."
            )
        yield Problem("M3650", path, message, hint, because=[("existing",)])
