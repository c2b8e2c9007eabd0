"""Executes the shell steps of a CI's jobs as its runner does."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

Outputs = dict[str, str]


@dataclass(frozen=True)
class Runner:
    """A machine with a checkout of the project, on which the jobs run."""

    project: Path
    environ: Mapping[str, str]
    """Of all steps, with the PATH."""
    log: list[str] = field(default_factory=list)
    """What the steps print."""

    def run(self, script: str, **more: str) -> int:
        """Runs a script with bash and the options of GitHub; the exit code."""
        process = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=self.project,
            env={**self.environ, **more},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=240,
            check=False,
        )
        self.log.append(process.stdout)
        return process.returncode


def parse(text: str) -> dict[str, Any]:
    content: dict[str, Any] = YAML(typ="safe", pure=True).load(text)
    return content


def run_github_job(
    runner: Runner,
    workflow: Mapping[str, Any],
    name: str,
    context: Mapping[str, str],
    step: str = "",
) -> Outputs:
    """Runs the steps of a job in their order, or only one of them. Actions are left out. `context`
    has the values of expressions, such as `github.token`; returns it with the outputs."""
    job = workflow["jobs"][name]
    known = dict(context)
    steps = [item for item in job["steps"] if "run" in item and step in ("", item["name"])]
    for index, item in enumerate(steps):
        output = runner.project.parent / f"{name}-{index}.output"
        output.touch()
        more = {key: _fill(str(value), known) for key, value in item.get("env", {}).items()}
        code = runner.run(item["run"], GITHUB_OUTPUT=str(output), **more)
        assert code == 0, f"{name}: {item['name']}: {runner.log[-1]}"
        known |= {
            f"steps.{item.get('id')}.outputs.{key}": value for key, value in _read_outputs(output)
        }
    outputs = {key: _fill(value, known) for key, value in job.get("outputs", {}).items()}
    return known | {f"needs.{name}.outputs.{key}": value for key, value in outputs.items()}


def _fill(text: str, known: Mapping[str, str]) -> str:
    return re.sub(r"\$\{\{ ([a-z0-9_.-]+) \}\}", lambda match: known[match[1]], text)


def _read_outputs(path: Path) -> Iterator[tuple[str, str]]:
    for line in path.read_text().splitlines():
        key, _, value = line.partition("=")
        yield key, value


def run_gitlab_job(
    runner: Runner, pipeline: Mapping[str, Any], name: str, variables: Mapping[str, str]
) -> Outputs:
    """Runs a job: its template's `before_script`, then its script, in one shell. Variables of the
    job are expanded; returns those of its dotenv report."""
    job = pipeline[name]
    base = pipeline[job["extends"]]
    values = dict(variables)
    for key, value in {**base.get("variables", {}), **job.get("variables", {})}.items():
        values[key] = re.sub(r"\$(\w+)", lambda match: values.get(match[1], ""), str(value))
    values |= dict.fromkeys(job.get("id_tokens", {}), "a token")
    script = "\n".join([*base["before_script"], *job["script"]])
    code = runner.run(script, **values)
    assert code == 0, f"{name}: {runner.log[-1]}"
    report = job.get("artifacts", {}).get("reports", {}).get("dotenv")
    return dict(_read_outputs(runner.project / report)) if report else {}


def write_program(folder: Path, name: str, text: str) -> None:
    """Puts a shell script into a folder of the PATH."""
    path = folder / name
    path.write_text(f"#!/bin/bash\n{text}")
    path.chmod(0o755)


def path_with(folder: Path) -> str:
    return os.pathsep.join([str(folder), os.environ["PATH"]])
