"""Files under out/: complete at any moment, written only if they differ; others are kept."""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from moorage.findings.finding import Finding
from moorage.model import Environment
from moorage.pipeline.manifest import MANIFEST
from moorage.pipeline.out_folder import SUMS, hash_text, open_folder
from moorage.pipeline.write import (
    SCRIPT,
    Removal,
    files,
    find_drift,
    find_format,
    find_orphans,
    remove_built,
    write,
)
from moorage.plan import Plan, PlannedStack, Rendering

ROOT = Path(__file__).parents[2]
PYTHON_PATH = os.pathsep.join((str(ROOT), str(Path(__file__).parent)))


def stack(name: str, text: str = "", form: str = "yaml") -> PlannedStack:
    text = text or f"# Built by Moorage from params/dev.yaml\nDescription: {name}\n"
    return PlannedStack(
        name=name,
        stack_name=f"shop-dev-{name}",
        rendering=Rendering(name, {"Resources": {}}, text, f"{name}.{form}"),
        capabilities=("CAPABILITY_IAM",),
        tags={"app": "shop", "owner": "web & api"},
        imports=(),
        exports={},
    )


def plan(*stacks: PlannedStack, env: str = "dev") -> Plan:
    environment = Environment(
        name=env,
        app="shop",
        region="eu-central-1",
        account=None,
        tags={},
        permissions_boundary=None,
        stacks={},
    )
    return Plan(environment, stacks)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def found(findings: list[Finding], code: str = "M1308") -> list[tuple[str, int]]:
    assert {finding.code for finding in findings} <= {code}
    return [(Path(finding.place.file).name, finding.place.line) for finding in findings]


def test_a_folder_has_templates_script_and_manifest(tmp_path: Path) -> None:
    write(plan(stack("network"), stack("web")), tmp_path / "out/dev")
    assert names(tmp_path / "out/dev") == [SUMS, SCRIPT, "network.yaml", MANIFEST, "web.yaml"]
    subprocess.run(["sha256sum", "--check", "--strict", SUMS], cwd=tmp_path / "out/dev", check=True)
    manifest = json.loads((tmp_path / "out/dev" / MANIFEST).read_text())
    assert [entry["template"] for entry in manifest["stacks"]] == ["network.yaml", "web.yaml"]


def test_only_changed_files_are_written(tmp_path: Path) -> None:
    write(plan(stack("network"), stack("web")), tmp_path)
    for path in tmp_path.iterdir():
        os.utime(path, (1, 1))
    write(plan(stack("network"), stack("web", "new: text\n")), tmp_path)
    new = sorted(path.name for path in tmp_path.iterdir() if path.stat().st_mtime > 1)
    assert new == [SUMS, "web.yaml"]
    for path in tmp_path.iterdir():
        os.utime(path, (1, 1))
    write(plan(stack("network"), stack("web", "new: text\n")), tmp_path)
    assert all(path.stat().st_mtime == 1 for path in tmp_path.iterdir())


@pytest.mark.parametrize("damage", [b"Description: caf\xe9\n", b"", b"Description: web\r\n"])
def test_a_damaged_file_is_repaired(tmp_path: Path, damage: bytes) -> None:
    write(plan(stack("web")), tmp_path)
    (tmp_path / "web.yaml").write_bytes(damage)
    (tmp_path / SCRIPT).chmod(0o644)
    write(plan(stack("web")), tmp_path)
    assert (tmp_path / "web.yaml").read_text() == stack("web").rendering.text
    assert os.access(tmp_path / SCRIPT, os.X_OK)


def test_files_of_earlier_builds_are_removed_and_others_kept(tmp_path: Path) -> None:
    write(plan(stack("network"), stack("web", "Description: no signature\n")), tmp_path)
    (tmp_path / "mine.yaml").write_text("mine: 1\n")
    (tmp_path / "notes.json").write_text("{}")
    (tmp_path / ".moorage-1234-0.half").write_text("Descr")
    assert write(plan(stack("network")), tmp_path) == []
    expected = [SUMS, SCRIPT, "mine.yaml", "network.yaml", "notes.json", MANIFEST]
    assert names(tmp_path) == expected


def test_files_of_earlier_builds_are_known_after_a_merge_conflict(tmp_path: Path) -> None:
    write(plan(stack("network"), stack("web")), tmp_path)
    ours = (tmp_path / SUMS).read_text()
    (tmp_path / MANIFEST).write_text("<<<<<<< ours\n")
    (tmp_path / SUMS).write_text(
        f"<<<<<<< ours\n{ours}=======\n{'0' * 64}  web.yaml\n>>>>>>> theirs\n"
    )
    write(plan(stack("network")), tmp_path)
    assert names(tmp_path) == [SUMS, SCRIPT, "network.yaml", MANIFEST]


def test_files_of_users_are_kept(tmp_path: Path) -> None:
    """Copies, files with the header of a build, and files that look unfinished."""
    write(plan(stack("network"), stack("web")), tmp_path)
    shutil.copy(tmp_path / SCRIPT, tmp_path / "my-deploy.sh")
    shutil.copy(tmp_path / "network.yaml", tmp_path / "backup.yaml")
    (tmp_path / "notes.half").write_text("x")
    (tmp_path / "wrap.sh").write_text("#!/bin/sh\n# wraps what was # Built by Moorage\n")
    (tmp_path / "web.yaml").write_text("mine: 1\n")
    (tmp_path / SCRIPT).write_text("#!/bin/sh\nmine\n")
    changed = write(plan(stack("network")), tmp_path)
    assert found(changed, "M1313") == [("web.yaml", 1), (SCRIPT, 1)]
    assert [finding.message.split(", and ")[1] for finding in changed] == [
        "is kept",
        "was replaced",
    ]
    kept = ["backup.yaml", "my-deploy.sh", "notes.half", "wrap.sh"]
    assert {*kept, "web.yaml"} < set(names(tmp_path))
    assert (tmp_path / "web.yaml").read_text() == "mine: 1\n"
    assert write(plan(stack("network")), tmp_path) == []
    assert remove_built(tmp_path) == Removal(
        (SCRIPT, "network.yaml", MANIFEST), tuple(sorted([*kept, "web.yaml"]))
    )


def test_a_file_that_no_build_wrote_is_not_replaced_silently(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine\n")
    (tmp_path / "network.yaml").symlink_to("notes.txt")
    write(plan(stack("web")), tmp_path)
    (tmp_path / "api.yaml").write_text("mine: 1\n")
    changed = write(plan(stack("network"), stack("api")), tmp_path)
    assert found(changed, "M1313") == [("network.yaml", 1), ("api.yaml", 1)]
    assert (tmp_path / "notes.txt").read_text() == "mine\n"


@pytest.mark.parametrize("kind", ["pipe", "device", "link", "folder"])
def test_a_manifest_that_is_no_file_is_not_read(kind: str, tmp_path: Path) -> None:
    """A build must neither wait for a pipe nor read a device to its end."""
    out = tmp_path / "old"
    write(plan(stack("network"), env="old"), tmp_path / "other")
    out.mkdir()
    path = out / MANIFEST
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero" if kind == "device" else f"../other/{MANIFEST}")
    assert find_orphans(tmp_path, ["other"]) == []
    assert find_format(out) == "yaml"
    if kind != "folder":
        write(plan(stack("web"), env="old"), out)
        assert path.is_file()
        assert not path.is_symlink()


def test_no_file_is_removed_from_a_folder_of_an_older_version(tmp_path: Path) -> None:
    write(plan(stack("network"), stack("web")), tmp_path)
    (tmp_path / SUMS).unlink()
    assert found(write(plan(stack("network")), tmp_path), "M1313") == [("web.yaml", 1)]
    assert (tmp_path / "web.yaml").exists()


def test_links_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    write(plan(stack("web"), env="old"), outside)
    before = {path.name: path.read_bytes() for path in outside.iterdir()}
    out = tmp_path / "out"
    out.mkdir()
    (out / "old").symlink_to(outside)
    assert find_orphans(out, ["dev"]) == []
    for folder in (out / "old", tmp_path / "linked/dev"):
        (tmp_path / "linked").exists() or (tmp_path / "linked").symlink_to(outside)
        with pytest.raises(OSError, match="It is a link"):
            write(plan(stack("web")), folder)
    with pytest.raises(OSError, match="It is a link"):
        remove_built(out / "old")
    (out / "dev").mkdir()
    (out / "dev/web.yaml").symlink_to(outside / "web.yaml")
    assert ("web.yaml", 1) in found(find_drift(plan(stack("web")), out / "dev"))
    write(plan(stack("web", "new: 1\n")), out / "dev")
    assert not (out / "dev/web.yaml").is_symlink()
    assert {path.name: path.read_bytes() for path in outside.iterdir()} == before


def test_drift_has_the_file_and_the_first_line_that_differs(tmp_path: Path) -> None:
    expected = plan(stack("network", "a: 1\nb: 2\nc: 3\n"), stack("web"))
    assert found(find_drift(expected, tmp_path / "none")) == [
        ("network.yaml", 1),
        ("web.yaml", 1),
        (SCRIPT, 1),
        (MANIFEST, 1),
    ]
    write(expected, tmp_path)
    assert found(find_drift(expected, tmp_path)) == []
    (tmp_path / SUMS).write_text((tmp_path / SUMS).read_text().replace("network", "x"))
    assert found(find_drift(expected, tmp_path)) == [(SUMS, 2)]
    (tmp_path / "network.yaml").write_text("a: 1\nb: 2\n")
    (tmp_path / "mine.yaml").write_text("# Built by Moorage from params/dev.yaml\n")
    assert found(find_drift(expected, tmp_path)) == [("network.yaml", 3)]
    write(plan(stack("network"), stack("old")), tmp_path)
    assert ("old.yaml", 1) in found(find_drift(expected, tmp_path))


def test_the_format_is_that_of_the_last_build(tmp_path: Path) -> None:
    assert find_format(tmp_path / "none") == "yaml"
    write(plan(stack("web", "{}\n", form="json")), tmp_path)
    assert find_format(tmp_path) == "json"
    write(plan(stack("web")), tmp_path)
    assert find_format(tmp_path) == "yaml"
    assert "web.json" not in names(tmp_path)


def test_only_folders_of_builds_are_orphans(tmp_path: Path) -> None:
    for env in ("dev", "old"):
        write(plan(stack("web"), env=env), tmp_path / env)
    for name, text in {"theirs": '{"stacks": {}}', "list": "[]", "torn": "{"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / MANIFEST).write_text(text)
    (tmp_path / "empty").mkdir()
    assert find_orphans(tmp_path, ["dev"]) == ["old"]
    assert find_orphans(tmp_path / "none", ["dev"]) == []
    assert remove_built(tmp_path / "old").kept == ()
    assert not (tmp_path / "old").exists()


# Where the file system refuses -----------------------------------------------------------------


def test_a_full_disk_is_named_and_leaves_nothing_unfinished(tmp_path: Path) -> None:
    """The limit of a file's size is an error of write(2), as a full disk is."""
    write(plan(stack("network")), tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large") as error:
            write(plan(stack("network", "a: 1\n" * 50)), tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert error.value.filename == str(tmp_path / SUMS)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


# Two at once ---------------------------------------------------------------------------------

_BUILDER = """
import sys
from pathlib import Path
from test_write import BUILDS
from moorage.pipeline.write import write
for number in range(60):
    write(BUILDS[(number + int(sys.argv[2])) % 2], Path(sys.argv[1]))
"""
BUILDS = [plan(*(stack(name) for name in ("network", "web", extra))) for extra in ("old", "new")]


def test_simultaneous_builds_do_not_disturb_each_other(tmp_path: Path) -> None:
    folder = tmp_path / "out/dev"
    builders = [
        subprocess.Popen(
            [sys.executable, "-c", _BUILDER, str(folder), str(number)],
            env=os.environ | {"PYTHONPATH": PYTHON_PATH},
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(8)
    ]
    assert [builder.communicate()[1] for builder in builders] == [""] * 8
    assert {path.name: path.read_text() for path in folder.iterdir()} in map(files, BUILDS)


# Killed --------------------------------------------------------------------------------------

_WRITER = """
import sys
from itertools import cycle
from pathlib import Path
from test_write import BIG
from moorage.pipeline.write import write
print("ready", flush=True)
for plan in cycle(BIG):
    write(plan, Path(sys.argv[1]))
"""
BIG = [
    plan(*(stack(name, f"{word}: 1\n" * 150_000) for name in ("network", "web", extra)))
    for word, extra in (("first", "old"), ("other", "new"))
]
"""Two plans, each of which removes a file of the other. They are large, so that writes are slow."""


def wait_until_one_is_half_written(folder: Path, process: subprocess.Popen[bytes]) -> None:
    while not any(folder.glob("*.half")):
        assert process.poll() is None


def test_a_killed_build_leaves_every_file_old_or_new(tmp_path: Path) -> None:
    versions = [files(plan) for plan in BIG]
    luck = random.Random(2)
    halves = rounds = 0
    while rounds < 6 or not halves:
        rounds += 1
        assert rounds < 200, "no process was killed while it wrote a file"
        with subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(tmp_path)],
            env=os.environ | {"PYTHONPATH": PYTHON_PATH},
            stdout=subprocess.PIPE,
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            if rounds % 2:
                time.sleep(luck.uniform(0, 0.04))
            else:  # a busy machine may be too slow for every such moment
                wait_until_one_is_half_written(tmp_path, process)
            process.send_signal(signal.SIGKILL)
        for path in tmp_path.iterdir():
            if path.suffix == ".half":
                halves += 1
            elif path.name != SUMS:  # it has the hashes of both
                texts = [version.get(path.name) for version in versions]
                assert path.read_text() in texts, path.name
                assert hash_text(path.read_text()) in (tmp_path / SUMS).read_text()
    write(BIG[0], tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == versions[0]


def test_an_error_names_the_file_and_its_folder(tmp_path: Path) -> None:
    name = "x" * 300
    with open_folder(tmp_path) as out, pytest.raises(OSError, match="name too long") as refused:
        out.read(name)
    assert refused.value.filename == str(tmp_path / name)
