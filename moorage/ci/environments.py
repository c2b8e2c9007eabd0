"""What the files of a CI must know of an environment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from moorage.facts.ci_tokens import AUDIENCE, MIN_SESSION
from moorage.plan import Plan
from moorage.records import record

Ci = Literal["github", "gitlab"]
ROLES = "ci_role"
"""The stack kind with the roles that jobs assume."""


@record
class CiEnvironment:
    """An environment, as jobs check, preview and deploy it."""

    name: str
    region: str
    has_builds: bool
    """Whether a container has `build:`, so that images are built and pushed."""
    builds_for_arm: bool = False
    """Whether all images are built for ARM, which a runner of that kind does without emulation."""
    audience: str = AUDIENCE
    environment: str = ""
    """The GitHub environment of the job that deploys."""
    session: int = MIN_SESSION
    """Seconds of the session of the job that deploys."""
    branches: Sequence[str] = ("main",)
    tags: Sequence[str] = ()

    @property
    def variable(self) -> str:
        """The beginning of the names of its variables.

        >>> CiEnvironment("prod-eu", "eu-central-1", True).variable
        'PROD_EU'
        """
        return self.name.upper().replace("-", "_")


def read_previews(ci: Ci, plan: Plan, shared: CiEnvironment) -> CiEnvironment:
    """Reads the environment of all previews. Its jobs have tokens for the audience of the
    environment whose stacks it shares."""
    return replace(read_environment(ci, plan), audience=shared.audience)


def read_environment(ci: Ci, plan: Plan) -> CiEnvironment:
    """Reads the settings of the environment's roles for this CI, if it has a stack of them."""
    env = plan.environment
    builds = [build for stack in plan.stacks for build in stack.deployment.builds]
    common: dict[str, Any] = {
        "name": env.name,
        "region": env.region,
        "has_builds": bool(builds) and env.targets is None,
        "builds_for_arm": {p for build in builds for p in build.platforms} == {"linux/arm64"},
        "environment": env.name,
    }
    for stack in env.stacks.values():
        source = getattr(stack.params, ci, None) if stack.template == ROLES else None
        if source is not None:
            params: Any = stack.params
            common["environment"] = getattr(source, "environment", None) or env.name
            return CiEnvironment(
                **common,
                audience=params.audience,
                session=params.session_duration,
                branches=tuple(source.branches),
                tags=tuple(source.tags),
            )
    return CiEnvironment(**common)
