"""The tag of an image says which content it was built from."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from build_tools import commit

from moorage.images.commit import NoCommitError, commit_tag


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    (home / "web").mkdir(parents=True)
    (home / "web/page").write_text("hello\n")
    (home / ".gitignore").write_text("*.log\n")
    commit(home)
    return home


def test_a_clean_checkout_has_the_tag_of_its_commit(checkout: Path) -> None:
    tag = commit_tag(checkout)
    assert re.fullmatch("[0-9a-f]{12}", tag)
    assert commit_tag(checkout / "web") == tag, "in every folder of it"
    (checkout / "build.log").write_text("ignored")
    assert commit_tag(checkout) == tag


CHANGES: dict[str, Callable[[Path], object]] = {
    "text": lambda home: (home / "web/page").write_text("hello!\n"),
    "bytes that are not UTF-8": lambda home: (home / "web/page").write_bytes(b"\xff\x00\xfe"),
    "a deleted file": lambda home: (home / "web/page").unlink(),
    "a new file": lambda home: (home / "new").write_text("new"),
    "a new file with another content": lambda home: (home / "new").write_text("newer"),
    "a new file with another name": lambda home: (home / "ne w\n2").write_text("new"),
    "a link": lambda home: (home / "new").symlink_to("/nowhere"),
    "a mode": lambda home: (home / "web/page").chmod(0o755),
}


def test_each_change_has_a_tag_of_its_own(tmp_path: Path, checkout: Path) -> None:
    clean = commit_tag(checkout)
    tags = set()
    for number, change in enumerate(CHANGES.values()):
        copy = tmp_path / str(number)
        checkout.rename(copy)
        change(copy)
        tag = commit_tag(copy)
        assert re.fullmatch(rf"{clean}-dirty-[0-9a-f]{{12}}", tag)
        assert commit_tag(copy) == tag
        tags.add(tag)
        for path in ("new", "ne w\n2"):
            (copy / path).unlink(missing_ok=True)
        (copy / "web/page").write_text("hello\n")
        (copy / "web/page").chmod(0o644)
        assert commit_tag(copy) == clean
        copy.rename(checkout)
    assert len(tags) == len(CHANGES)


def test_without_a_commit_there_is_no_tag(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(NoCommitError, match="not a git repository"):
        commit_tag(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoCommitError, match="git is not installed"):
        commit_tag(tmp_path)
