"""Writes the recordings of terminal sessions: python docs/recordings/make.py [FOLDER]

Rich draws what `sessions.py` records. Each file is the same in each run, to the byte.
"""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

from rich._export_format import CONSOLE_SVG_FORMAT  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.text import Text  # noqa: E402
from sessions import record_sessions  # noqa: E402

WIDTH = 100
DRAWN = ("diff", "deploy", "failed", "status", "why", "destroy")
"""The sessions that are shown as pictures; the others are in the pages as text."""

FORMAT = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
"""Rich's, without the fonts that a browser would load from elsewhere."""


def draw(name: str, session: str) -> str:
    """A session as SVG."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), legacy_windows=False)
    for line in session.rstrip().splitlines():
        style = "bold" if line.startswith("$ ") else ""
        console.print(Text(line, style=style), highlight=False)
    return console.export_svg(title="moorage", unique_id=f"moorage-{name}", code_format=FORMAT)


def main(folder: Path) -> None:
    """Writes all recordings into a folder."""
    sessions = record_sessions()
    for name in DRAWN:
        folder.joinpath(f"{name}.svg").write_text(draw(name, sessions[name]))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
