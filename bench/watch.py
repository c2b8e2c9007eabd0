"""How soon `watch` answers: python bench/watch.py.

Starts it on an environment of 50 web services, makes one mistake after another in one of them,
and measures the seconds from each edit to its finding, and to the end of the build. Of several
edits the least counts. Prints Markdown, and ends with 1 where the first finding took too long.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import yaml
from environments import ENV, small

ROOT = Path(__file__).parents[1]
SERVICES = 50
RUNS = 5
MOST = 0.3
"""Seconds until the first finding."""
WRONG_PARAMS = "a wrong value in the params"
MISTAKES = {
    WRONG_PARAMS: ("desired_count: 2", "desired_count: -2"),
    "a wrong property in `overrides:`": (
        "desired_count: 2",
        "desired_count: 2\n    overrides: {Resources: {Service: {Properties: {Nam: x}}}}",
    ),
}


@contextmanager
def watching(folder: Path) -> Iterator[IO[str]]:
    """What the command prints, from its first build on."""
    environ = os.environ | {"PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(folder / "cache")}
    command = [sys.executable, str(ROOT / "build.py"), "watch"]
    with subprocess.Popen(
        command, cwd=folder, env=environ, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        wait_for(f"{ENV}: ", process.stdout)
        yield process.stdout
        process.terminate()


def wait_for(begins: str, output: IO[str]) -> None:
    for line in output:
        if re.match(begins, line):
            return
    sys.exit(f"the command has ended without `{begins}`")


def measure(text: str, wrong: str, file: Path, output: IO[str]) -> tuple[float, float]:
    """Seconds from an edit to its finding, and to the end of the build."""
    began = time.perf_counter()
    file.write_text(wrong)
    wait_for(r"\S+:\d+: (error|warning) ", output)
    found = time.perf_counter()
    wait_for(f"{ENV}: ", output)
    ended = time.perf_counter()
    file.write_text(text)
    wait_for(f"{ENV}: ", output)
    return found - began, ended - began


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / f"params/{ENV}.yaml"
        file.parent.mkdir()
        text = yaml.safe_dump(small(SERVICES), sort_keys=False)
        file.write_text(text)
        print(f"| edit of one of {SERVICES} services | its finding | end of the build |")
        print("|---|--:|--:|")
        slow = False
        with watching(folder) as output:
            for mistake, (right, wrong) in MISTAKES.items():
                edited = text.replace(right, wrong, 1)
                times = [measure(text, edited, file, output) for _ in range(RUNS)]
                found, ended = (min(column) for column in zip(*times, strict=True))
                print(f"| {mistake} | {found:.2f} s | {ended:.2f} s |", flush=True)
                slow = slow or (mistake == WRONG_PARAMS and found > MOST)
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
