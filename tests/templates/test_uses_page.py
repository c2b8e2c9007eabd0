"""docs/uses.md: its stack kind is the example of `moorage init`, and its table is right."""

from __future__ import annotations

import re
from pathlib import Path

from templates import TEMPLATES
from templates.common.usable import Usable

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/uses.md").read_text()


def test_the_stack_kind_is_that_of_a_new_project() -> None:
    (shown,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    assert shown == (ROOT / "moorage/init/files/templates/stream.py.in").read_text()


def test_the_table_has_every_access_of_every_kind() -> None:
    shown: dict[str, list[str]] = {}
    kind = ""
    for row in re.findall(r"^\| (`\w+`)? ?\| `(\w+)` \|", PAGE, re.MULTILINE):
        kind = row[0].strip("`") or kind
        shown.setdefault(kind, []).append(row[1])
    usable = {
        name: list(module.Params.accesses)
        for name, module in TEMPLATES.items()
        if issubclass(module.Params, Usable)
    }
    assert shown == usable
