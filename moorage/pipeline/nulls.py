"""Keys without a value that delete nothing, which is probably a mistake: the merge drops them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from moorage.findings.finding import Finding, Path
from moorage.findings.wording import near, shown
from moorage.pipeline.document import Document
from moorage.pipeline.params_models import Catalog, find_fields, find_types, is_model


def find_null_problems(document: Document, catalog: Catalog) -> Iterator[Finding]:
    """A warning for each null at a key of a model, whose default applies then. In maps with names
    as keys it is an error, because the entry would be lost."""
    for path in sorted(document.nulls, key=lambda path: [str(step) for step in path]):
        model, root = _model_of(path, document, catalog)
        inner = path[len(root) :]
        if model is None or not inner:
            continue
        fields = find_fields(model, inner[:-1])
        known = {*fields, "template", "overrides"} if root else {*fields}
        key = str(inner[-1])
        if key in fields and fields[key].is_required():
            continue  # it is missing
        if key in known:
            message = f"`{key}` has no value, so its default applies"
            yield _finding("warning", path, document, message, "Write a value, or remove the key.")
        elif fields:
            guess = near(key, sorted(known))
            hint = f"Did you mean `{guess}`?" if guess else "Remove it."
            message = f"{shown(key)} is not a key of this map, and has no value"
            yield _finding("error", path, document, message, hint)
        elif types := find_types(model, inner):
            yield _finding("error", path, document, f"`{key}` has no value", _hint(key, types))


def _model_of(path: Path, document: Document, catalog: Catalog) -> tuple[Any, Path]:
    """The model that contains a path, and the path of that model; None if it is not known."""
    if path[0] != "stacks":
        return catalog.header, ()
    stacks = document.data.get("stacks")
    entry = stacks.get(path[1]) if isinstance(stacks, dict) and len(path) > 2 else None
    kind = entry.get("template", path[1]) if isinstance(entry, dict) else None
    return (catalog.kinds.get(kind) if isinstance(kind, str) else None), path[:2]


def _hint(key: str, types: list[Any]) -> str:
    if str in types:
        return f'Write `{key}: ""` for an empty string, or remove the key.'
    models = [member for member in types if is_model(member)]
    if models:
        fields = models[0].model_fields.items()
        required = ", ".join(f"{name}: ..." for name, field in fields if field.is_required())
        if required:
            return f"Write `{key}: {{{required}}}`, or remove the key."
        return f"Write `{key}: {{}}` for its defaults, or remove the key."
    return "Write a value, or remove the key."


def _finding(level: Any, path: Path, document: Document, message: str, hint: str) -> Finding:
    return Finding("M1113", level, document.place(path), path, message, hint)
