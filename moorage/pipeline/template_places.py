"""Where a value of a template comes from in the params."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.findings.finding import Path
from moorage.pipeline.document import Document


def find_override(stack: str, path: Path, document: Document) -> Path | None:
    """The override that a value of a template comes from, or the nearest override around it; None
    if it does not come from an override."""
    override: Path = ("stacks", stack, "overrides", *path)
    while len(override) > 3 and override not in document.places:
        override = override[:-1]
    return override if len(override) > 3 else None


def find_property_overrides(stack: str, name: str, document: Document) -> Iterator[Path]:
    """The overrides of a stack that set a property of this name, of any resource."""
    for path in document.places:
        if path[:4] == ("stacks", stack, "overrides", "Resources") and path[5:] == (
            "Properties",
            name,
        ):
            yield path
