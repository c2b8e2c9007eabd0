"""Rehearsals of the shipped environments: their whole life against moto, as a user runs them.

The golden cases are in test_golden_rehearsed.py.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from warm_process import run_warm

ROOT = Path(__file__).parents[2]


@cache
def rehearse(env: str, params: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return run_warm(["rehearse", env, "--params", params], environ)


@pytest.mark.parametrize(("env", "stacks"), [("dev", 10), ("prod", 13)])
def test_an_environment_can_be_rehearsed(env: str, stacks: int) -> None:
    run = rehearse(env, "params")
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr
    titles = re.findall(r"^# (.*)$", run.stdout, re.MULTILINE)
    diffs = [title for title in titles if title.startswith(f"moorage diff {env}, with ")]
    assert titles == [
        f"moorage deploy {env}",
        *diffs,
        *[f"moorage deploy {env}"] * len(diffs),
        f"moorage deploy {env}, again",
        f"moorage status {env}",
        f"moorage destroy {env}",
        f"{env} can be deployed, updated and deleted: {stacks} stacks",
    ]
    again = run.stdout.split(", again\n")[1]
    assert again.startswith("Nothing to change: ")
    assert "What it does not prove" in run.stdout


def test_settings_of_the_user_do_not_matter() -> None:
    """They are for AWS, and its addresses. moto reads some when it is imported."""
    nowhere = "http://127.0.0.1:1"
    names = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "AWS_ENDPOINT_URL")
    settings = {"AWS_PROFILE": "not-in-any-file", **dict.fromkeys(names, nowhere)}
    command = [
        sys.executable,
        "build.py",
        "rehearse",
        "dev",
        "--params",
        "tests/golden/worker/params",
    ]
    run = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")


def test_the_rehearsal_of_the_shop_changes_an_image_and_keeps_what_must_stay() -> None:
    run = rehearse("prod", "params")
    assert re.search(r"Image: \S+/kelp/web:(\S+) -> \S+/kelp/web:\1-rehearsed$", run.stdout, re.M)
    assert "exists: certificate arn:aws:acm:" in run.stdout
    assert re.search(r"stays: AccessLogsBucket  AWS::S3::Bucket  kelp-prod-public-", run.stdout)
    assert re.search(r"migrate: the task has ended with exit code 0", run.stdout)


# Documents -------------------------------------------------------------------------------------

_VARYING = (
    (r"[0-9A-Z]{12}(-1)?\b", "ID"),
    (r"\b[0-9a-f]{16,17}\b|\b[0-9a-f]{8}-[0-9a-f-]{27}\b", "ID"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d|\b\d\d:\d\d\b", "TIME"),
)


def _fixed(line: str) -> str:
    """A line without what differs from run to run."""
    for pattern, name in _VARYING:
        line = re.sub(pattern, name, line)
    return line


REHEARSED = ("deploy.md", "destroy.md", "diff.md", "rehearse.md", "status.md")
"""The pages with output of a rehearsal."""


def test_documents_show_what_a_rehearsal_prints() -> None:
    printed = {_fixed(line) for line in rehearse("dev", "params").stdout.splitlines()}
    pages = [ROOT / "docs/deploy" / name for name in REHEARSED]
    shown = [
        (page.name, line)
        for page in pages
        for block in re.findall(r"^```text\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)
        for line in block.splitlines()
    ]
    assert {page for page, _ in shown} == {*REHEARSED}
    assert [(page, line) for page, line in shown if _fixed(line) not in printed] == []
