"""The command `moorage`, which is also `python -m moorage`."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import NoReturn

from moorage.cli import run

BUILT_IN = "moorage.templates"


def main() -> NoReturn:
    """Runs the command line of this process with the stack kinds of the project in the current
    directory, or with the built-in ones if it has none."""
    directory = Path.cwd()
    if has_templates(directory):
        if sys.path[:1] != [str(directory)]:
            sys.path.insert(0, str(directory))
        run("templates", "moorage")
    run(BUILT_IN, "moorage")


def has_templates(directory: Path) -> bool:
    """Whether a directory has a `templates/__init__.py` that defines TEMPLATES.

    The file is parsed and not executed: other frameworks have a `templates` package too.
    """
    try:
        module = ast.parse((directory / "templates" / "__init__.py").read_bytes())
    except (OSError, SyntaxError, ValueError):
        return False
    return any("TEMPLATES" in defined_names(statement) for statement in module.body)


def defined_names(statement: ast.stmt) -> set[str]:
    """The names that a statement at the top of a module defines."""
    match statement:
        case ast.Assign(targets=targets):
            return {target.id for target in targets if isinstance(target, ast.Name)}
        case ast.AnnAssign(target=ast.Name(id=name), value=value) if value is not None:
            return {name}
        case ast.ImportFrom(names=names):
            return {alias.asname or alias.name for alias in names}
    return set()


if __name__ == "__main__":
    main()
