"""The GitHub Action and the pre-commit hooks: what they run, and whether their files are valid."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ci_steps import Runner, parse, path_with, write_program
from sample_template import FORWARDS_NOWHERE

ROOT = Path(__file__).parents[2]
ACTION = parse((ROOT / "action.yml").read_text())
HOOKS = {hook["id"]: hook for hook in parse((ROOT / ".pre-commit-hooks.yaml").read_text())}
PAGE = (ROOT / "docs/action.md").read_text()
GOOD = "Resources: {Cluster: {Type: AWS::ECS::Cluster}}\n"
PYTHON = """\
case "$1 $2" in
  "-m venv")
    mkdir -p "$3/bin"
    cp "$0" "$3/bin/python" ;;
  "-m pip")
    printf '#!/bin/bash\\nexec %s %s/build.py "$@"\\n' "$REAL" "${@: -1}" > "${0%/*}/moorage"
    chmod +x "${0%/*}/moorage" ;;
esac
"""


def is_valid(path: Path, schema: str) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(path)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def yaml_blocks() -> list[Any]:
    return [
        parse(block) for block in re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    ]


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    """A runner with two templates, whose Python installs this checkout."""
    (tmp_path / "bin").mkdir()
    write_program(tmp_path / "bin", "python", PYTHON)
    project = tmp_path / "project"
    (project / "stacks/web").mkdir(parents=True)
    (project / "stacks/web/bad.yaml").write_text(FORWARDS_NOWHERE)
    (project / "stacks/good.yaml").write_text(GOOD)
    environ = {
        **os.environ,
        "RUNNER_TEMP": str(tmp_path / "temporary"),
        "GITHUB_ACTION_PATH": str(ROOT),
        "REAL": sys.executable,
        "PATH": path_with(tmp_path / "bin"),
    }
    return Runner(project, environ)


def run_action(runner: Runner, **inputs: str) -> int:
    """The exit code of the last step that runs a script."""
    values = {f"inputs.{name}": value["default"] for name, value in ACTION["inputs"].items()}
    values |= {f"inputs.{name}": value for name, value in inputs.items()}
    values["steps.python.outputs.python-path"] = "python"
    code = 0
    for step in ACTION["runs"]["steps"]:
        if "run" in step and code == 0:
            given = {
                name: re.sub(r"\$\{\{ (\S+) \}\}", lambda match: values[match[1]], text)
                for name, text in step.get("env", {}).items()
            }
            assert "${{" not in step["run"], "values are passed by the environment only"
            code = runner.run(step["run"], **given)
    return code


def results(runner: Runner, name: str = "moorage.sarif") -> list[tuple[str, str]]:
    """Rules and files of the findings in a SARIF file."""
    (report,) = json.loads((runner.project / name).read_text())["runs"]
    return [
        (
            result["ruleId"],
            result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
        )
        for result in report["results"]
    ]


def test_the_action_fits_the_published_schema() -> None:
    is_valid(ROOT / "action.yml", "vendor.github-actions")


def test_the_action_checks_the_templates_of_a_pattern(runner: Runner) -> None:
    assert run_action(runner, templates="stacks/**/*.yaml\n  missing/*.json\n") == 1
    assert results(runner) == [("E9461", "stacks/web/bad.yaml")]
    assert "stacks/web/bad.yaml:8: error E9461" in runner.log[-1]
    assert "checked stacks/good.yaml, stacks/web/bad.yaml: 1 error" in runner.log[-1]


def test_the_action_passes_with_correct_templates_and_options(runner: Runner) -> None:
    options = "--against stacks --unused-ignores"
    assert run_action(runner, templates="stacks/good.yaml", options=options, sarif="a.sarif") == 0
    assert results(runner, "a.sarif") == []


def test_the_action_checks_all_environments_by_default(runner: Runner) -> None:
    (runner.project / "params").mkdir()
    (runner.project / "params/dev.yaml").write_text("app: shop\nregion: eu-central-1\n")
    assert run_action(runner) == 1
    assert results(runner) == [("M1102", "params/dev.yaml")]


def test_a_pattern_without_files_is_an_error(runner: Runner) -> None:
    assert run_action(runner, templates="cloudformation/**/*.yaml") == 2
    assert "No file matches cloudformation/**/*.yaml" in runner.log[-1]


def test_the_upload_can_be_switched_off() -> None:
    (upload,) = (
        step
        for step in ACTION["runs"]["steps"]
        if step.get("uses", "").startswith("github/codeql-action/upload-sarif@")
    )
    assert "inputs.upload == 'true'" in upload["if"]
    assert upload["with"]["sarif_file"] == "${{ inputs.sarif }}"


@pytest.mark.parametrize("hook", HOOKS.values(), ids=lambda hook: hook["id"])
def test_a_hook_has_what_pre_commit_requires(hook: dict[str, Any]) -> None:
    assert {"id", "name", "entry", "language"} <= hook.keys()
    assert hook["language"] == "python"
    assert set(hook["types_or"]) == {"yaml", "json"}


def test_the_hook_checks_the_files_of_a_commit(runner: Runner) -> None:
    hook = HOOKS["moorage-check"]
    (example,) = (block for block in yaml_blocks() if "repos" in block)
    (used,) = example["repos"][0]["hooks"]
    assert used["id"] == hook["id"]
    program, *words = [*shlex.split(hook["entry"]), *used["args"]]
    assert program == "moorage"
    command = [sys.executable, str(ROOT / "build.py"), *words, "stacks/web/bad.yaml"]
    run = subprocess.run(command, cwd=runner.project, capture_output=True, text=True, check=False)
    assert run.returncode == 1, run.stderr
    assert "stacks/web/bad.yaml:8: error E9461" in run.stdout
    assert results(runner) == [("E9461", "stacks/web/bad.yaml")]


def test_the_page_has_every_input_and_a_valid_workflow(tmp_path: Path) -> None:
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| (.*?) \|", PAGE, re.MULTILINE))
    assert rows.keys() == ACTION["inputs"].keys()
    for name, default in rows.items():
        if default.startswith("`"):
            assert default == f"`{ACTION['inputs'][name]['default']}`"
    (workflow,) = (block for block in yaml_blocks() if "jobs" in block)
    path = tmp_path / "workflow.json"
    path.write_text(json.dumps({str(key): value for key, value in workflow.items()}))
    is_valid(path, "vendor.github-workflows")
    given = workflow["jobs"]["check"]["steps"][-1]["with"]
    assert given.keys() <= ACTION["inputs"].keys()
