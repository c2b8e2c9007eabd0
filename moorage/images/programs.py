"""Finds the program that builds images, and runs its commands."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from moorage.images.command_lines import TOOLS, CommandLine, Tool, ToolName

_INSTALL = {
    "docker": "https://docs.docker.com/engine/install/",
    "podman": "https://podman.io/docs/installation",
    "finch": "https://runfinch.com/docs/getting-started/installation/",
    "buildah": "https://github.com/containers/buildah/blob/main/install.md",
}
_STOP = 10
"""Seconds that a program gets to end after an interruption."""
_KEPT = 200
"""Lines of output in which the cause of a failure is looked for."""


class ProgramError(Exception):
    """There is no program, or it failed. The text is for users."""


def find_tool(name: ToolName | None) -> Tool:
    """The program of that name, or the first one on the PATH. Raises ProgramError."""
    found = next((each for each in TOOLS if name in (None, each) and shutil.which(each)), None)
    if found is None:
        install = "; ".join(f"{each}: {_INSTALL[each]}" for each in TOOLS if name in (None, each))
        missing = f"{name} is not" if name else f"none of {', '.join(TOOLS)} is"
        raise ProgramError(f"{missing} on the PATH, and images need one. To install {install}")
    if found == "docker":
        if "podman" in _output(["docker", "--version"]):  # Debian's podman-docker, for example
            return Tool("podman", "docker")
        return Tool("docker", "docker", "buildx" in _output(["docker", "buildx", "version"]))
    return Tool(found, found)


def _output(words: list[str]) -> str:
    """What a command prints; empty if it fails."""
    try:
        run = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", errors="replace"
        )
    except OSError:
        return ""
    return run.stdout if run.returncode == 0 else ""


def run_command(
    command: CommandLine, folder: Path, emit: Callable[[str], None], stdin: str = ""
) -> None:
    """Runs a command in a folder, and passes on each line that it prints. Raises ProgramError if it
    fails. After an interruption it ends before this does."""
    if command.may_fail:
        _output(list(command.words))
        return
    lines: list[str] = []
    try:
        process = subprocess.Popen(
            command.words,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as error:
        reason = error.strerror or str(error)
        raise ProgramError(f"{command.words[0]} cannot be started: {reason}") from error
    with process, _end_with_this(process):
        _write(process, stdin)
        for line in process.stdout or ():
            lines = [*lines[1 - _KEPT :], line.rstrip("\n")]
            emit(lines[-1])
    if process.returncode:
        raise ProgramError(failure_text(command, process.returncode, lines))


@contextmanager
def _end_with_this(process: subprocess.Popen[str]) -> Iterator[None]:
    """Ends a process if an exception ends the block."""
    try:
        yield
    except BaseException:
        process.terminate()
        try:
            process.wait(_STOP)
        except subprocess.TimeoutExpired:
            process.kill()
        raise


def _write(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdin is not None
    with suppress(BrokenPipeError), process.stdin:  # it can end before it reads anything
        process.stdin.write(text)


# Failures ------------------------------------------------------------------------------------

_HINTS: tuple[tuple[str, str], ...] = (
    (
        r"Cannot connect to the Docker daemon|permission denied while trying to connect to the",
        "Start the Docker daemon, and see that this user may use it, or name another program "
        "with --tool",
    ),
    (r"Cannot connect to Podman", "`podman machine start` starts the machine of podman"),
    (
        r"credentials - err: exit status 1, out: `not implemented`",
        "The ECR credential helper is installed and logs in by itself: use --no-login",
    ),
    (
        r"exec format error",
        "This machine cannot run programs of that platform. Build on a machine with the same "
        "CPU, or install QEMU for it: https://docs.docker.com/build/building/multi-platform/",
    ),
    (
        r"because the repository is immutable|ImageTagAlreadyExistsException",
        "Somebody has pushed this tag in the meantime: run the command again, or use another --tag",
    ),
    (
        r"[Cc]ache export (?:feature )?is (?:currently )?not supported for",
        "`docker buildx create --use` makes a builder that writes caches",
    ),
    (
        r"[Mm]ulti[ -]platform (?:build|feature) is (?:currently )?not supported for",
        "`docker buildx create --use` makes a builder for several platforms",
    ),
    (
        r"no basic auth credentials|authorization token has expired",
        "The program is not logged in to the registry: use --login",
    ),
)
"""What programs print, and what to do. docker/cli, docker/buildx#701, containers/podman,
awslabs/amazon-ecr-credential-helper#102, aws/containers-roadmap#862; Amazon ECR user guide,
"Troubleshooting errors with Docker commands when using Amazon ECR"."""


def failure_text(command: CommandLine, code: int, lines: list[str]) -> str:
    """How a command failed, and what to do about it, if that is known."""
    what = " ".join(word for word in command.words[:3] if not word.startswith("-"))
    text = f"`{what}` ended with exit code {code}"
    if code < 0:
        text = f"`{what}` was ended by signal {-code}"
    output = "\n".join(lines)
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    hint = next((hint for pattern, hint in _HINTS if re.search(pattern, output)), "")
    return ". ".join(filter(None, [f"{text}: {last}" if last else text, hint]))
