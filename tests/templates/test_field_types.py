"""The types of fields as mypy sees them in a stack kind that a user writes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def check_types(path: Path) -> list[str]:
    """The errors that `mypy --strict` finds in a file, without the file's name."""
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir=/dev/null", str(path)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert not run.stderr
    return re.findall(rf"^{re.escape(str(path))}:(\d+: error: .*)$", run.stdout, re.MULTILINE)


def test_the_example_of_a_stack_kind_passes_mypy_and_its_duration_is_an_int(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text()
    (example,) = re.findall(r"^```python\n(.*?)^```$", readme, re.DOTALL | re.MULTILINE)
    path = tmp_path / "queue_stack.py"
    path.write_text(f"{example}\nWRONG: str = Params().visibility_timeout\n")
    (error,) = check_types(path)
    line = len(path.read_text().splitlines())
    assert error.startswith(f"{line}: error: Incompatible types in assignment")
    assert '"int"' in error
