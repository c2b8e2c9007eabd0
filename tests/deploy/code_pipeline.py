"""CodePipeline, as far as tests need it: runs the actions of a pipeline one after the other."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from code_build import Build, Machine

_LIMIT = 1000
"""Characters of a value in the configuration of an action, which tests apply to what CodePipeline
makes of its variables as well."""


@dataclass
class Execution:
    """An execution of a pipeline."""

    pipeline: Mapping[str, Any]
    machine: Machine
    project: Callable[[str], Mapping[str, Any]]
    """Returns a project of CodeBuild by its name."""
    source: Path
    commit: str
    variables: dict[str, str]
    """Values by namespace and name, such as `Images.IMAGES`."""
    approve: Callable[[str], bool] = lambda _: True
    """Is called with the text of a manual approval."""
    builds: dict[str, Build] = field(default_factory=dict)
    """The builds by stage and action."""

    def run(self) -> str | None:
        """Runs all stages; returns the one that failed."""
        for stage in self.pipeline["stages"][1:]:
            for action in sorted(stage["actions"], key=lambda each: each["runOrder"]):
                if not self._run(stage["name"], action):
                    return str(stage["name"])
        return None

    def run_stage(self, name: str) -> bool:
        """Runs one stage again, as a rollback does."""
        (stage,) = (each for each in self.pipeline["stages"] if each["name"] == name)
        return all(self._run(name, action) for action in stage["actions"])

    def _run(self, stage: str, action: Mapping[str, Any]) -> bool:
        configuration = {
            key: self._resolved(value) for key, value in action["configuration"].items()
        }
        assert all(len(value) <= _LIMIT for value in configuration.values())
        provider = action["actionTypeId"]["provider"]
        if provider == "Manual":
            return self.approve(configuration["CustomData"])
        assert provider == "CodeBuild"
        listed = json.loads(configuration.get("EnvironmentVariables", "[]"))
        assert all(each["type"] == "PLAINTEXT" for each in listed)
        build = self.machine.run(
            self.project(configuration["ProjectName"]),
            self.source,
            {each["name"]: each["value"] for each in listed}
            | {"CODEBUILD_RESOLVED_SOURCE_VERSION": self.commit},
        )
        self.builds[f"{stage}.{action['name']}"] = build
        space = action.get("namespace")
        self.variables |= {f"{space}.{key}": value for key, value in build.exported.items()}
        return build.code == 0

    def _resolved(self, text: str) -> str:
        return re.sub(r"#\{([^}]+)\}", lambda match: self.variables[match[1]], text)


def source_actions(pipeline: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Name and provider of each source action."""
    for action in pipeline["stages"][0]["actions"]:
        yield action["name"], action["actionTypeId"]["provider"]
