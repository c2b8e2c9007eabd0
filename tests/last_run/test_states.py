"""The states of packages, and the order in which the record of a run compares states."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from moorage.last_run.record import LastRun, read_last_run, write_outcome
from moorage.last_run.states import Input, find_state

KEY = "0" * 64


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "package"
    for name in ("a.py", "data/b.json", "data/__pycache__/c.pyc"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    (folder / "link").symlink_to("missing")
    return folder


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "a.py").write_text("changed"),
        lambda folder: (folder / "data/b.json").write_text("changed"),
        lambda folder: (folder / "data/b.json").unlink(),
        lambda folder: (folder / "data/b.json").rename(folder / "b.json"),
        lambda folder: (folder / "data/new.json").touch(),
        lambda folder: (folder / "new").mkdir(),
        lambda folder: (folder / "missing").touch(),
    ],
)
def test_each_file_of_a_package_counts(package: Path, change: Callable[[Path], object]) -> None:
    before = find_state("tree", str(package))
    assert find_state("tree", str(package)) == before
    change(package)
    assert find_state("tree", str(package)) != before


def test_the_bytecode_of_a_package_does_not_count(package: Path) -> None:
    before = find_state("tree", str(package))
    (package / "data/__pycache__/c.pyc").write_text("changed")
    (package / "data/__pycache__/d.pyc").touch()
    assert find_state("tree", str(package)) == before


def find_inputs(folder: Path) -> dict[str, Input]:
    """An input of each group, with the file that decides its state."""
    for name in ("params.yaml", "kind.py", "installed.py"):
        (folder / name).touch()
    return {
        "params.yaml": ("content", str(folder / "params.yaml")),
        "kind.py": ("content", str(folder / "kind.py")),
        "installed.py": ("installed", str(folder / "installed.py")),
    }


def test_an_outcome_needs_all_groups_to_be_unchanged(tmp_path: Path) -> None:
    inputs = find_inputs(tmp_path)
    states = {each: find_state(*each) for each in inputs.values()}
    write_outcome(tmp_path, KEY, states, "code", {"printed": "x"})
    assert read_last_run(tmp_path, KEY).find_outcome() == {"printed": "x"}
    for name in inputs:
        (tmp_path / name).write_text("changed")
        last = read_last_run(tmp_path, KEY)
        assert (last.find_outcome(), last.code) == (None, "code")
        write_outcome(
            tmp_path, KEY, {each: find_state(*each) for each in inputs.values()}, "code", {}
        )
        assert read_last_run(tmp_path, KEY).find_outcome() == {}


class Untouched(dict[str, Any]):
    """A group that must not be looked at."""

    def __getitem__(self, key: str) -> Any:
        raise AssertionError(key)


def test_after_a_change_the_other_groups_are_not_looked_at() -> None:
    changed = {"inputs": {"content": ["/params.yaml"]}, "digest": "before"}
    assert LastRun([changed, Untouched()], "code", {}).find_outcome() is None


def test_what_changes_most_often_is_compared_first(tmp_path: Path) -> None:
    inputs = find_inputs(tmp_path)
    write_outcome(tmp_path, KEY, dict.fromkeys(reversed(inputs.values()), "state"), "", {})
    written = json.loads((tmp_path / f"{KEY}.json").read_bytes().partition(b"\n")[2])
    found = [
        (kind, *paths) for group in written["groups"] for kind, paths in group["inputs"].items()
    ]
    assert found == [*inputs.values()]


@pytest.mark.parametrize(
    "groups",
    [None, 1, [1], [{}], [{"inputs": {"content": 1}, "digest": ""}], [{"inputs": {"x": ["y"]}}]],
)
def test_a_record_of_another_program_has_no_outcome(groups: object, tmp_path: Path) -> None:
    write_outcome(tmp_path, KEY, {}, "", {})
    assert read_last_run(tmp_path, KEY).find_outcome() == {}
    values = {"groups": groups, "code": "", "outcome": {}}
    content = json.dumps(values).encode()
    digest = sha256(KEY.encode() + b"\n" + content).hexdigest().encode()
    (tmp_path / f"{KEY}.json").write_bytes(digest + b"\n" + content)
    assert read_last_run(tmp_path, KEY).find_outcome() is None
