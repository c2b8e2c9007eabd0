"""The recordings of terminal sessions, and the pages that show what their commands print."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

DOCS = Path("docs").resolve()
RECORDINGS = DOCS / "recordings"
PAGES = ("why.md", "deploy/exec.md", "deploy/logs.md", "deploy/rollback.md", "deploy/run.md")


@pytest.fixture(scope="module")
def recorder() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(RECORDINGS)
        import make

        yield make


@pytest.fixture(scope="module")
def sessions(recorder: Any) -> dict[str, str]:
    recorded: dict[str, str] = recorder.record_sessions()
    return recorded


def test_recordings_show_what_the_commands_print(recorder: Any, sessions: dict[str, str]) -> None:
    drawn = {f"{name}.svg": recorder.draw(name, sessions[name]) for name in recorder.DRAWN}
    kept = {path.name: path.read_text() for path in RECORDINGS.glob("*.svg")}
    assert kept == drawn, "run `make recordings` and look at them"


def test_a_failed_deployment_names_the_stack_that_it_has_not_reached(
    sessions: dict[str, str],
) -> None:
    assert "\nnot deployed: api\n" in sessions["failed"]
    assert "\n1. The application has ended with an error.\n" in sessions["failed"]


@pytest.mark.parametrize("page", PAGES)
def test_pages_show_what_the_commands_print(page: str, sessions: dict[str, str]) -> None:
    printed = {line for session in sessions.values() for line in session.splitlines()}
    blocks = re.findall(r"^```text\n(.*?)^```$", (DOCS / page).read_text(), re.DOTALL | re.M)
    lines = [line for block in blocks for line in block.splitlines()]
    assert lines
    assert [line for line in lines if line not in printed] == []


def test_every_recording_is_shown() -> None:
    pages = [Path("README.md"), *DOCS.rglob("*.md")]
    text = "".join(page.read_text() for page in pages)
    shown = set(re.findall(r"recordings/([a-z]+)\.svg\)", text))
    assert shown == {path.stem for path in RECORDINGS.glob("*.svg")}
