"""Resources that already exist: `existing:` of a stack kind."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from moorage.findings.finding import Problem
from moorage.findings.wording import join_and
from moorage.model import Base


def existing_problems(
    params: Base, word: str, describing: Collection[str] = ()
) -> Iterator[Problem]:
    """Keys beside `existing:`, which have no effect. `word` names the resource, such as `bucket`;
    `describing` are keys that say what the existing one is like."""
    unused = sorted(params.model_fields_set - {"existing", *describing})
    if unused:
        keys = join_and(f"`{key}`" for key in unused)
        message = f"Moorage does not change an existing {word}: {keys} would have no effect"
        hint = f"Remove {keys}, or remove `existing` to create a {word}."
        yield Problem("M3605", ("existing",), message, hint)
