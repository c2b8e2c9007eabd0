"""How programs are run, and how their failures are explained."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from moorage.images.command_lines import CommandLine
from moorage.images.programs import ProgramError, failure_text, run_command


def python(code: str) -> CommandLine:
    return CommandLine((sys.executable, "-c", code))


def test_output_is_passed_on_line_by_line(tmp_path: Path) -> None:
    lines: list[str] = []
    code = "import os, sys; print(os.getcwd()); print('a\\rb', file=sys.stderr); print(input())"
    run_command(python(code), tmp_path, lines.append, "password")
    assert sorted(lines) == sorted([str(tmp_path), "a", "b", "password"])


def test_bytes_that_are_not_text_are_no_failure(tmp_path: Path) -> None:
    lines: list[str] = []
    code = "import sys; sys.stdout.buffer.write(b'\\xff\\n' * 1000)"
    run_command(python(code), tmp_path, lines.append)
    assert len(lines) == 1000


def test_a_program_need_not_read(tmp_path: Path) -> None:
    run_command(python("pass"), tmp_path, print, "x" * 1_000_000)


def test_a_program_that_is_no_program(tmp_path: Path) -> None:
    path = tmp_path / "docker"
    path.write_text("this is not a program")
    path.chmod(0o755)
    with pytest.raises(ProgramError, match="docker cannot be started: Exec format error"):
        run_command(CommandLine((str(path), "build")), tmp_path, print)


def test_what_may_fail(tmp_path: Path) -> None:
    words = python("raise SystemExit(3)").words
    run_command(CommandLine(words, may_fail=True), tmp_path, print)
    with pytest.raises(ProgramError, match=r"ended with exit code 3$"):
        run_command(CommandLine(words), tmp_path, print)


def test_an_exception_ends_the_program(tmp_path: Path) -> None:
    """As Ctrl-C does."""
    code = "import time; print('started', flush=True); time.sleep(60)"

    def interrupt(line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_command(python(code), tmp_path, interrupt)


BUILD = CommandLine(("docker", "buildx", "build", "--platform", "linux/arm64", "."))
HINTS = {
    "ERROR: Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker "
    "daemon running?": "Start the Docker daemon, and see that this user may use it, or name "
    "another program with --tool",
    "permission denied while trying to connect to the docker API at unix:///x": "Start the Docker",
    "Cannot connect to Podman. Please verify your connection": "`podman machine start` starts",
    "Error saving credentials: error storing credentials - err: exit status 1, out: `not "
    "implemented`": "The ECR credential helper is installed and logs in by itself: use --no-login",
    "exec /bin/sh: exec format error": "This machine cannot run programs of that platform",
    "tag invalid: The image tag 'v1' already exists in the 'web' repository and cannot be "
    "overwritten because the repository is immutable.": "Somebody has pushed this tag",
    "ERROR: Cache export is not supported for the docker driver.": "`docker buildx create --use`",
    "error: cache export feature is currently not supported for docker driver.": "`docker buildx",
    "ERROR: Multi-platform build is not supported for the docker driver.": "`docker buildx create",
    "no basic auth credentials": "The program is not logged in to the registry: use --login",
}


@pytest.mark.parametrize("output", HINTS)
def test_known_failures_have_a_hint(output: str) -> None:
    text = failure_text(BUILD, 1, ["#1 something before", output, ""])
    what = f"`docker buildx build` ended with exit code 1: {output}"
    assert text.startswith(f"{what}. {HINTS[output]}")


def test_other_failures() -> None:
    assert failure_text(BUILD, 1, []) == "`docker buildx build` ended with exit code 1"
    assert failure_text(BUILD, -9, [""]) == "`docker buildx build` was ended by signal 9"
    login = CommandLine(("podman", "login", "--username", "AWS", "--password-stdin", "host"))
    text = failure_text(login, 125, ["Error: no"])
    assert text == "`podman login` ended with exit code 125: Error: no"
