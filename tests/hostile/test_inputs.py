"""Every hostile input gets a finding, in bounded time and memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hostile import cases

from moorage.findings.wording import CONTROL

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.xdist_group("hostile")
READINGS = 3.0
"""How often a params file of about the largest size could be read in the longest time allowed."""


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    ran = subprocess.run(
        [sys.executable, "-m", "hostile.run_cases"],
        cwd=ROOT / "tests",
        env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def _check(result: dict[str, Any]) -> str:
    output: str = result["output"]
    assert "Traceback" not in output
    assert CONTROL.search(output) is None
    assert result["readings"] < READINGS
    assert output.count("\n") <= 600
    return output


@pytest.mark.parametrize("name", cases.PARAMS)
def test_hostile_params_are_handled_quickly(results: dict[str, Any], name: str) -> None:
    output = _check(results[f"params {name}"])
    assert results[f"params {name}"]["code"] == 1
    assert f"error {cases.PARAMS[name][1]}" in output


@pytest.mark.parametrize("name", [*cases.TOO_LARGE, *cases.TOO_LARGE_JSON])
def test_hostile_templates_are_handled_quickly(results: dict[str, Any], name: str) -> None:
    output = _check(results[f"template {name}"])
    assert results[f"template {name}"]["code"] == 1
    assert "t.yaml:" in output
    assert "error M1021" in output


@pytest.mark.parametrize("name", [*cases.TOO_LARGE, *cases.TOO_LARGE_JSON])
def test_hostile_old_versions_of_templates_are_handled_quickly(
    results: dict[str, Any], name: str
) -> None:
    output = _check(results[f"against {name}"])
    assert results[f"against {name}"]["code"] == 2
    assert "--against: `t.yaml` cannot be compared. The file " in output
