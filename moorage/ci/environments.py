"""What the files of a CI must know of an environment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from moorage.facts.ci_tokens import AUDIENCE, MIN_SESSION
from moorage.model import Environment

Ci = Literal["github", "gitlab"]
ROLES = "ci_role"
"""The stack kind with the roles that jobs assume."""


@dataclass(frozen=True)
class CiEnvironment:
    """An environment, as jobs check, preview and deploy it."""

    name: str
    region: str
    has_builds: bool
    """Whether a container has `build:`, so that images are built and pushed."""
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


def read_environment(ci: Ci, env: Environment, data: Mapping[str, Any]) -> CiEnvironment:
    """Reads the settings of the environment's roles for this CI, if it has a stack of them. `data`
    are its params as they are written."""
    builds = [*_builds(data)]
    common: dict[str, Any] = {
        "name": env.name,
        "region": env.region,
        "has_builds": bool(builds) and env.targets is None,
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


def _builds(data: Mapping[str, Any]) -> Iterator[Any]:
    """The `build:` of the containers of all stacks."""
    for stack in data.get("stacks", {}).values():
        containers = stack.get("containers") if isinstance(stack, Mapping) else None
        for container in containers.values() if isinstance(containers, Mapping) else ():
            if isinstance(container, Mapping) and container.get("build"):
                yield container["build"]
