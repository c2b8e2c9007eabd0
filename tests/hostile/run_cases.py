"""Runs the command line for many inputs in one process whose memory is limited.

The results are printed as JSON, by case: exit code, what was printed, and CPU time in `readings`:
how often ruamel.yaml could read a params file of about the largest size in that time.
"""

from __future__ import annotations

import io
import json
import os
import resource
import sys
import tempfile
import time
from contextlib import chdir, redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path

from hostile import cases

from moorage import cli
from moorage.pipeline.yaml_file import read_yaml
from moorage.pipeline.yaml_nodes import compose_with_ruamel

_MEMORY = 1536 * 1024 * 1024


_LARGE = "".join(
    f"map_{number}: {{{', '.join(f'key_{key}: value' for key in range(1_000))}}}\n"
    for number in range(24)
)
"""As many keys and values as a params file may have, about."""


def run(*argv: str) -> dict[str, object]:
    out, start = io.StringIO(), time.process_time()
    with redirect_stdout(out), redirect_stderr(out):
        code = cli.main(argv, "templates")
    return {
        "code": code,
        "output": out.getvalue()[:100_000],
        "readings": (time.process_time() - start) / _measure_reading(),
    }


@cache
def _measure_reading() -> float:
    """Seconds of CPU time for reading a large params file: what times are compared with, since
    machines differ."""
    Path("large.yaml").write_text(_LARGE)
    start = time.process_time()
    assert read_yaml(Path("large.yaml"), compose_with_ruamel).data
    return time.process_time() - start


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    results = {}
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        Path("params").mkdir()
        Path("params/dev.yaml").write_text("")
        run("build")  # imports everything
        for name, (text, _) in cases.PARAMS.items():
            Path("params/dev.yaml").write_text(text)
            results[f"params {name}"] = run("build")
            assert not os.path.exists("out"), name
        Path("good.yaml").write_text("Resources: {Topic: {Type: AWS::SNS::Topic}}\n")
        for name, text in {**cases.TOO_LARGE, **cases.TOO_LARGE_JSON}.items():
            Path("t.yaml").write_text(text)
            results[f"template {name}"] = run("check", "t.yaml")
            results[f"against {name}"] = run("check", "good.yaml", "--against", "t.yaml")
    print(json.dumps(results))


if __name__ == "__main__":
    sys.path.insert(0, os.getcwd())
    main()
