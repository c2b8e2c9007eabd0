"""Words that are not used in the project, because readers do not understand them."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
_AVOIDED = re.compile(
    rb"(?<![a-z])(mend(ed|ing|s)?|anew|hence|whence|lest|upon|thereby|whilst)(?![a-z])",
    re.IGNORECASE,
)


def test_avoided_words_are_not_used() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, stdout=subprocess.PIPE, check=True)
    places = [
        f"{name}:{number}"
        for name in listed.stdout.decode().split("\0")
        if name and ROOT / name != Path(__file__).resolve() and (ROOT / name).is_file()
        for number, line in enumerate((ROOT / name).read_bytes().splitlines(), 1)
        if _AVOIDED.search(line)
    ]
    assert places == []
