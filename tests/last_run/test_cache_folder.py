"""The folder of the user's caches, and its entries."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from moorage.cache_folder import find_cache_folder, read_entry, write_entry


@pytest.fixture
def caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    return tmp_path / "caches"


def test_the_folder_is_created_for_this_user_alone(caches: Path) -> None:
    assert find_cache_folder("runs") == caches / "moorage/runs"
    assert (caches / "moorage").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("given", ["", "caches"])
def test_without_an_absolute_path_it_is_in_the_home_folder(
    given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", given)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find_cache_folder("runs") == tmp_path / ".cache/moorage/runs"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
@pytest.mark.parametrize("name", ["moorage", "moorage/runs"])
def test_the_folder_of_somebody_else_is_not_used(name: str, caches: Path) -> None:
    find_cache_folder("runs")
    os.chown(caches / name, 12345, -1)
    assert find_cache_folder("runs") is None


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
def test_a_folder_that_others_can_write_to_is_not_used(mode: int, caches: Path) -> None:
    assert find_cache_folder("runs") is not None
    (caches / "moorage/runs").chmod(mode)
    assert find_cache_folder("runs") is None


def test_a_link_or_a_file_is_not_used(caches: Path, tmp_path: Path) -> None:
    caches.mkdir()
    (tmp_path / "elsewhere").mkdir()
    (caches / "moorage").symlink_to(tmp_path / "elsewhere")
    assert find_cache_folder("runs") is None
    (caches / "moorage").unlink()
    (caches / "moorage").write_text("")
    assert find_cache_folder("runs") is None


def test_an_entry_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_entry(tmp_path / "ab/entry", b"content")
    assert read_entry(tmp_path / "ab/entry", 100) == b"content"
    assert [path.name for path in (tmp_path / "ab").iterdir()] == ["entry"]


def test_what_is_no_small_regular_file_is_no_entry(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"content")
    (tmp_path / "link").symlink_to(tmp_path / "large")
    os.mkfifo(tmp_path / "pipe")
    assert read_entry(tmp_path / "large", 6) is None
    for name in ("link", "pipe", ".", "missing"):
        assert read_entry(tmp_path / name, 100) is None
    write_entry(tmp_path / "large/entry", b"content")  # the folder is a file
