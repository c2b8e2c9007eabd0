"""Problems of the params of a cache."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.facts.caches import MAX_NAME, SERVERLESS_ZONES
from moorage.findings.finding import Problem
from moorage.model import Environment

from ..common.days import whole_days_problems
from ..common.existing import existing_problems
from ..common.regions import key_region_problems
from ..network import private_subnet_problems
from .params import Params


def problems(name: str, params: Params, env: Environment) -> Iterator[Problem]:
    """Problems of combinations of params, and of values that do not fit region or network."""
    if params.existing:
        yield from existing_problems(params, "cache")
        return
    needed = SERVERLESS_ZONES[0] if params.nodes is not None else params.availability_zones
    yield from private_subnet_problems(env, params.network, "cache", needed)
    identifier = env.stack_name(name)
    if len(identifier) > MAX_NAME:
        message = f"The name of the cache is `{identifier}`, which has {len(identifier)} characters"
        hint = f"Shorten the name of the stack: ElastiCache allows {MAX_NAME} characters."
        yield Problem("M3651", (), message, hint)
    if params.nodes is not None:
        for key in sorted(params.model_fields_set & {"availability_zones", "limits"}):
            message = f"`{key}` has no effect with `nodes`"
            hint = f"Remove `{key}`, or remove `nodes` for a serverless cache."
            yield Problem("M3670", (key,), message, hint, because=[("nodes",)])
    if params.snapshots is not None:
        yield from whole_days_problems(params.snapshots, ("snapshots",))
    yield from key_region_problems(params.kms_key, ("kms_key",), env)
