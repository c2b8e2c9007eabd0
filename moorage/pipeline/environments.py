"""The environments that have params. Importing this loads nothing else."""

from __future__ import annotations

from pathlib import Path

BASE = "base"
"""The name of the params file that all environments share."""


def list_environments(folder: Path) -> list[str]:
    """The names of the environments that have a params file, sorted. Dotfiles do not count."""
    names = (path.stem for path in folder.glob("*.yaml") if not path.name.startswith("."))
    return sorted(name for name in names if name != BASE)
