"""What an observer sees of this process, and that it ends."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from collections.abc import Callable
from contextlib import chdir
from hashlib import sha256
from pathlib import Path

import pytest

from moorage.last_run.observer import Observer, observe
from moorage.last_run.states import ABSENT, FOLDER, Input


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "sub").mkdir(parents=True)
    (folder / "file").write_text("content")
    (folder / "sub/inner").write_text("inner")
    (folder / "link").symlink_to("file")
    return folder


def watch(folder: Path, action: Callable[[], object]) -> Observer:
    with chdir(folder):
        observer = Observer("out", ())
        with observe(observer):
            action()
    return observer


CONTENT = sha256(b"content").hexdigest()
INNER = sha256(b"inner").hexdigest()


def open_beside(name: str) -> None:
    """Opens a file by its name in an open folder, as files that params name are opened."""
    descriptor = os.open("sub", os.O_RDONLY)
    os.close(os.open(name, os.O_RDONLY, dir_fd=descriptor))
    os.close(descriptor)


SEEN: tuple[tuple[str, Callable[[], object], str, str, str], ...] = (
    ("open", lambda: Path("file").read_text(), "content", "file", CONTENT),
    ("os.open", lambda: os.close(os.open("file", os.O_RDONLY)), "content", "file", CONTENT),
    ("dir_fd", lambda: open_beside("inner"), "content", "sub/inner", INNER),
    ("exists", lambda: Path("missing").exists(), "content", "missing", ABSENT),
    ("is_file", lambda: os.path.isfile("file"), "content", "file", CONTENT),
    ("is_dir", lambda: Path("sub").is_dir(), "content", "sub", FOLDER),
    ("lexists", lambda: os.path.lexists("missing"), "content", "missing", ABSENT),
    ("access", lambda: os.access("missing", os.R_OK), "content", "missing", ABSENT),
    ("readlink", lambda: os.readlink("link"), "content", "link", f"link to file: {CONTENT}"),
    ("which", lambda: shutil.which("tool", path=os.getcwd()), "content", "tool", ABSENT),
    ("listdir", lambda: os.listdir("sub"), "names", "sub", "inner"),
    ("scandir", lambda: [*os.scandir("sub")], "names", "sub", "inner"),
    ("glob", lambda: [*Path().glob("sub/*")], "names", "sub", "inner"),
    ("iterdir", lambda: [*Path().iterdir()], "names", ".", "file\0link\0sub/"),
    ("walk", lambda: [*os.walk(".")], "names", "sub", "inner"),
)


@pytest.mark.parametrize(("name", "action", "kind", "path", "state"), SEEN)
def test_what_a_process_reads_or_looks_for_is_seen(
    name: str, action: Callable[[], object], kind: str, path: str, state: str, folder: Path
) -> None:
    observer = watch(folder, action)
    seen: Input = (kind, os.path.normpath(folder / path))  # type: ignore[assignment]
    assert observer.states.get(seen) == state, observer.states
    assert observer.doubts == set()


def test_the_state_is_that_before_the_file_is_read(folder: Path) -> None:
    def change() -> None:
        Path("file").read_text()
        os.rename("sub/inner", "file")  # by another process, say
        Path("file").read_text()

    assert watch(folder, change).states["content", str(folder / "file")] == CONTENT


def test_other_threads_are_seen(folder: Path) -> None:
    def read() -> None:
        thread = threading.Thread(target=Path("file").read_text)
        thread.start()
        thread.join()

    assert watch(folder, read).states["content", str(folder / "file")] == CONTENT


def test_what_a_run_creates_itself_does_not_count(folder: Path) -> None:
    def create() -> None:
        import tempfile

        with tempfile.TemporaryDirectory() as temporary:
            path = Path(temporary, "file")
            path.write_text("new")
            path.read_text()
        Path("out/dev").mkdir(parents=True)
        Path("out/dev/web.yaml").write_text("new")

    observer = watch(folder, create)
    assert observer.doubts == set()
    assert [path for kind, path in observer.states if path.endswith("/file")] == []


def test_a_folder_that_exists_already_counts(folder: Path) -> None:
    def read() -> None:
        os.makedirs("sub", exist_ok=True)
        Path("sub/inner").read_text()

    assert watch(folder, read).states["content", str(folder / "sub/inner")] == INNER


DOUBTFUL: tuple[Callable[[], object], ...] = (
    lambda: Path("file").write_text("changed"),
    lambda: Path("new").write_text("new"),
    lambda: os.system("true"),
    lambda: shutil.copy("file", "copy"),
    lambda: __import__("subprocess").run(["true"], check=True),
    lambda: __import__("socket").getaddrinfo("localhost", 80),
    lambda: os.chdir("sub"),
    lambda: os.close(os.open("/dev/zero", os.O_RDONLY)),
    lambda: Path("/dev/urandom").open("rb").close(),
    lambda: sys.audit("exec", "no code"),
    lambda: sys.audit("open"),
)


@pytest.mark.parametrize("action", DOUBTFUL)
def test_what_else_a_process_does_leaves_a_doubt(
    action: Callable[[], object], folder: Path
) -> None:
    assert watch(folder, action).doubts


def test_a_path_that_only_begins_with_an_ignored_folder_counts(folder: Path) -> None:
    path = f"{folder}/ignored/../file"
    (folder / "ignored").mkdir()
    observer = Observer("out", (f"{folder}/ignored/",))
    with observe(observer):
        Path(path).read_text()
        Path(f"{folder}/ignored/other").touch()
    assert [*observer.states] == [("content", path)]
    assert observer.doubts == set()


def test_nothing_is_observed_afterwards(folder: Path) -> None:
    before = [os.stat, os.lstat, os.access, os.open, {*os.supports_dir_fd}]
    observer = watch(folder, lambda: None)
    assert [os.stat, os.lstat, os.access, os.open, {*os.supports_dir_fd}] == before
    (folder / "file").read_text()
    os.stat(folder / "sub")
    assert observer.states == {}


def test_nothing_is_observed_after_an_error(folder: Path) -> None:
    stat = os.stat
    with pytest.raises(ZeroDivisionError):
        watch(folder, lambda: 1 / 0)
    assert os.stat is stat


def test_functions_of_os_support_what_they_did(folder: Path) -> None:
    """`shutil.rmtree` follows links where they do not."""
    supported = []
    watch(
        folder,
        lambda: supported.extend([os.stat in os.supports_dir_fd, os.open in os.supports_dir_fd]),
    )
    assert supported == [os.stat in os.supports_dir_fd, os.open in os.supports_dir_fd]


def test_written_files_have_the_states_that_they_were_written_with(folder: Path) -> None:
    def build() -> None:
        Path("out").exists()
        Path("out/dev/old.yaml").exists()
        [*Path().iterdir()]
        Path("out/dev").mkdir(parents=True)
        Path("out/dev/web.yaml").write_text("by another build")

    observer = watch(folder, build)
    observer.replace_written("out/dev", {"web.yaml": "state"})
    out = str(folder / "out")
    assert {key: state for key, state in observer.states.items() if key[1].startswith(out)} == {
        ("content", out): FOLDER,
        ("content", f"{out}/dev"): FOLDER,
        ("content", f"{out}/dev/old.yaml"): ABSENT,
        ("content", f"{out}/dev/web.yaml"): "state",
        ("names", f"{out}/dev"): "web.yaml",
    }
    assert observer.states["names", str(folder)] == "file\0link\0out/\0sub/"


def test_a_file_beside_the_written_ones_counts(folder: Path) -> None:
    """A stack kind can read it."""
    for name in ("notes", "left-over.yaml"):
        (folder / "sub" / name).write_text("content")

    def build() -> None:
        for name in ("notes", "left-over.yaml", "web.yaml"):
            Path("sub", name).exists()
        Path("sub/left-over.yaml").unlink()
        Path("sub/notes").write_text("changed by the user in the meantime")

    with chdir(folder):
        observer = Observer("sub", ())
        with observe(observer):
            build()
    observer.replace_written(str(folder / "sub"), {"web.yaml": "state"})
    states = {path: state for (kind, path), state in observer.states.items() if kind == "content"}
    assert states[str(folder / "sub/notes")] == CONTENT
    assert states[str(folder / "sub/left-over.yaml")] == ABSENT
    assert states[str(folder / "sub/web.yaml")] == "state"


@pytest.mark.skipif(sys.platform == "win32", reason="it has no such pipes")
def test_a_pipe_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    observer = watch(folder, lambda: Path("pipe").exists())
    assert observer.states["content", str(folder / "pipe")].startswith("special")
