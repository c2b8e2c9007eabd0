"""The benchmarks measure what they say."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import main

from bench.environments import EDITED, ENV, Params, large, small, write_params
from bench.measure import Goal, print_goals, run

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(("params", "resources"), [(small(2), 10), (large(2), 48)])
def test_an_environment_builds_without_findings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], params: Params, resources: int
) -> None:
    write_params(tmp_path, params)
    folders = ["--params", str(tmp_path / "params"), "--out", str(tmp_path / "out")]
    assert main(["build", ENV, *folders]) == 0
    output = capsys.readouterr()
    assert output.err == ""
    assert f"{EDITED}.yaml  {resources} resources" in output.out


def test_an_edit_changes_one_service(tmp_path: Path) -> None:
    write_params(tmp_path, small(12), "1.5")
    params = json.loads((tmp_path / f"params/{ENV}.yaml").read_text())
    assert params != small(12)
    params["stacks"][EDITED]["containers"]["web"]["image"] = f"ecr:{EDITED}:1.0"
    assert params == small(12)


def test_every_benchmark_of_make_finds_what_it_imports() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    found = re.search("for name in (.+); do .*\n.*bench/", makefile)
    assert found is not None
    program = f"import {', '.join(found[1].split())}"
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", program], cwd=ROOT / "bench", env=environ, check=True)


def test_a_run_counts_the_time_and_memory_of_a_command(tmp_path: Path) -> None:
    program = "import time; time.sleep(0.1); list(range(2_000_000))"
    measured = run([sys.executable, "-c", program], tmp_path, {})
    assert measured.seconds >= 0.1
    assert measured.cpu > 0
    assert measured.memory > 60  # Linux counts this process, too, up to the start of the program
    with pytest.raises(RuntimeError, match="ended with 3:\nwhy"):
        run([sys.executable, "-c", "print('why'); raise SystemExit(3)"], tmp_path, {})


def test_a_goal_that_is_not_met_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert print_goals([Goal("a", 0.25, 0.25)]) == 0
    assert print_goals([Goal("a", 0.2, 0.25), Goal("b", 0.3, 0.25)]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "| b | 0.300 | 0.250 | NOT MET |"
