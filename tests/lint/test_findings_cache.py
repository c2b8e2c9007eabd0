"""The cache of findings has what was written, or nothing."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from command_line import main
from lint_samples import QUEUE

from moorage.findings.finding import Finding, Place
from moorage.lint.findings_cache import MAX_BYTES, MAX_ENTRY, MAX_FILES, FindingsCache, open_cache
from moorage.lint.linter import Linter
from moorage.lint.stored_findings import as_json, from_json

KEY = hashlib.sha256(b"a").hexdigest()
FINDING = Finding(
    *("E3012", "error", Place("t.yaml", 7), ("Resources", "A", 0)),
    *("Ä \udc80 message", "hint", "App/Web", Place("app.py", 3)),
)


@pytest.fixture
def cache(tmp_path: Path) -> FindingsCache:
    return FindingsCache(tmp_path / "lint")


def entry(cache: FindingsCache, key: str = KEY) -> Path:
    return cache.folder / key[:2] / f"{key[2:]}.json"


def test_a_value_comes_back(cache: FindingsCache) -> None:
    assert cache.read(KEY) is None
    cache.write(KEY, {"a": [1, "ä"]})
    assert cache.read(KEY) == {"a": [1, "ä"]}
    assert cache.read(hashlib.sha256(b"b").hexdigest()) is None


def test_findings_are_the_same_after_they_were_kept() -> None:
    assert from_json(json.loads(json.dumps(as_json([FINDING])))) == (FINDING,)


def test_an_entry_that_was_cut_off_is_missing(cache: FindingsCache) -> None:
    cache.write(KEY, as_json([FINDING]))
    content = entry(cache).read_bytes()
    for size in range(len(content)):
        entry(cache).write_bytes(content[:size])
        assert cache.read(KEY) is None, size
    entry(cache).write_bytes(content)
    assert cache.read(KEY) is not None


def test_an_entry_that_was_changed_is_missing(cache: FindingsCache) -> None:
    cache.write(KEY, as_json([FINDING]))
    content = entry(cache).read_bytes()
    for index in range(len(content)):
        changed = bytearray(content)
        changed[index] ^= 1
        entry(cache).write_bytes(changed)
        assert cache.read(KEY) is None, index
    entry(cache).write_bytes(content + b" ")
    assert cache.read(KEY) is None


def test_an_entry_of_another_key_is_missing(cache: FindingsCache) -> None:
    other = hashlib.sha256(b"b").hexdigest()
    cache.write(KEY, [])
    entry(cache, other).parent.mkdir(exist_ok=True)
    entry(cache).rename(entry(cache, other))
    assert cache.read(other) is None


@pytest.mark.parametrize("name", ["folder", "link", "pipe", "large"])
def test_an_entry_that_is_no_small_file_is_missing(cache: FindingsCache, name: str) -> None:
    cache.write(KEY, [])
    file = entry(cache)
    if name == "large":
        file.write_bytes(file.read_bytes() + b" " * MAX_ENTRY)
    else:
        target = file.rename(file.with_name("other"))
        make: Any = {"folder": os.mkdir, "pipe": os.mkfifo, "link": target.symlink_to}[name]
        os.symlink(target, file) if name == "link" else make(file)
    assert cache.read(KEY) is None


VALUE = as_json([FINDING])[0]
WRONG: list[Any] = [
    *(None, {}, "a", [None], [[]], [VALUE[:-1]], [[*VALUE, 1]]),
    *([[*VALUE[:index], wrong, *VALUE[index + 1 :]]] for index in range(9) for wrong in (True, {})),
]


@pytest.mark.parametrize("value", WRONG)
def test_a_value_that_is_no_list_of_findings_is_missing(cache: FindingsCache, value: Any) -> None:
    cache.write(KEY, [VALUE])
    linter = Linter(cache)
    assert linter.recall_findings(KEY) == (FINDING,)
    cache.write(KEY, value)
    assert linter.recall_findings(KEY) is None


WRITING = """
import sys
from pathlib import Path
from moorage.lint.findings_cache import FindingsCache
cache = FindingsCache(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
for number in range(150):
    cache.write(sys.argv[2], [sys.argv[3]] * (10 + number))
"""


def test_two_writers_leave_one_of_their_values(cache: FindingsCache) -> None:
    command = [sys.executable, "-c", WRITING, str(cache.folder), KEY]
    writers = [
        subprocess.Popen([*command, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for name in ("a", "b")
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write(b"\n")
        writer.stdin.flush()
    seen = set()
    while any(writer.poll() is None for writer in writers):
        value = cache.read(KEY)
        assert value is None or len(set(value)) == 1
        seen |= set(value or ())
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    assert seen <= {"a", "b"}
    assert cache.read(KEY) in (["a"] * 159, ["b"] * 159)
    assert [path.name for path in entry(cache).parent.iterdir()] == [entry(cache).name]


def test_what_was_not_used_for_longest_is_removed(cache: FindingsCache) -> None:
    keys = [f"00{number:062x}" for number in range(MAX_FILES + 10)]
    for second, key in enumerate(keys[:MAX_FILES]):
        cache.write(key, [])
        os.utime(entry(cache, key), (second, second))
    assert cache.read(keys[0]) == []
    for key in keys[MAX_FILES:]:
        cache.write(key, [])
    kept = {key for key in keys if cache.read(key) is not None}
    assert kept == {keys[0], *keys[11:]}
    cache.write("01" + keys[0][2:], [])
    assert cache.read(keys[0]) == [], "another folder"


def test_the_files_of_a_folder_have_a_largest_size(cache: FindingsCache) -> None:
    text = "a" * (MAX_ENTRY - 1000)
    for number in range(10):
        cache.write(f"00{number:062x}", text)
    sizes = [path.stat().st_size for path in (cache.folder / "00").iterdir()]
    assert MAX_BYTES / 2 < sum(sizes) <= MAX_BYTES
    cache.write(KEY, "a" * MAX_ENTRY)
    assert cache.read(KEY) is None


PARAMS = "app: shop\nregion: eu-central-1\nstacks: {queue: {template: topic}}\n"


@pytest.mark.parametrize("broken", ["a file", "a file inside", "writable by others", "a link"])
def test_a_folder_that_cannot_be_used_means_no_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    folder = tmp_path / "cache"
    folder.mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "file" if broken == "a file" else folder))
    (folder / "file").write_text("")
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    if broken == "a file inside":
        (folder / "moorage").write_text("")
    elif broken == "writable by others":
        (folder / "moorage").mkdir()
        (folder / "moorage").chmod(0o777)
    elif broken == "a link":
        (folder / "moorage").symlink_to(tmp_path / "elsewhere")
    assert open_cache() is None
    (tmp_path / "params").mkdir()
    (tmp_path / "params/dev.yaml").write_text(PARAMS)
    monkeypatch.chdir(tmp_path)
    assert main(["build", "dev"]) == 0
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_full_disk_means_no_cache(tmp_path: Path) -> None:
    (tmp_path / "lint").write_text("")  # nothing can be created below it
    cache = FindingsCache(tmp_path / "lint")
    cache.write(KEY, [])
    assert cache.read(KEY) is None


def test_no_cache_neither_reads_nor_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    Path("t.yaml").write_text(QUEUE)
    assert main(["check", "t.yaml", "--no-cache"]) == 1
    assert not (tmp_path / "cache/moorage/lint").exists()
    assert main(["check", "t.yaml"]) == 1
    assert list((tmp_path / "cache/moorage/lint").rglob("*.json"))
