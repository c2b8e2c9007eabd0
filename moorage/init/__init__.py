"""`moorage init`: the files of a new project, which are kept under files/.

In the name of a file there, `dot-` is a leading dot and `.in` is left out. In its text, `@app@`,
`@region@` and `@version@` are replaced.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import ValidationError

from moorage import __version__
from moorage.model import NAME
from moorage.pipeline.header import Header

SCHEMA = "params.schema.json"


class ProjectError(Exception):
    """The project cannot be created."""


def create_project(directory: Path, app: str | None, region: str) -> list[Path]:
    """Creates a project in a directory and returns its files, sorted.

    Raises ProjectError, without writing anything, if one of the files exists already, or if `app`
    or `region` is not valid in params.
    """
    app = app if app is not None else app_name(directory)
    _validate(app, region)
    texts = project_texts(app, region)
    _refuse_to_overwrite(directory, [*texts, SCHEMA])
    texts[SCHEMA] = _schema(texts)
    for name, text in texts.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    return [directory / name for name in sorted(texts)]


def app_name(directory: Path) -> str:
    """The name of an application that is most like the directory's.

    >>> app_name(Path("/src/Web_Shop"))
    'web-shop'
    """
    name = re.sub(r"[^a-z0-9]+", "-", directory.resolve().name.lower()).strip("-")
    return name if NAME.fullmatch(name) else "app"


def project_texts(app: str, region: str) -> dict[str, str]:
    """The texts of the project's files by their paths, all but the schema."""
    values = {"@app@": app, "@region@": region, "@version@": __version__}
    texts = {}
    for path, text in _files(files(__name__) / "files", ()):
        for placeholder, value in values.items():
            text = text.replace(placeholder, value)
        texts[path] = text
    return texts


def _files(folder: Traversable, above: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        path = (*above, re.sub("^dot-", ".", item.name))
        if item.is_dir():
            yield from _files(item, path)
        elif item.name.endswith(".in"):
            yield "/".join(path).removesuffix(".in"), item.read_text(encoding="utf-8")


def _validate(app: str, region: str) -> None:
    try:
        Header.model_validate({"app": app, "region": region, "stacks": {"network": {}}})
    except ValidationError as error:
        first = error.errors()[0]
        context = first.get("ctx", {})
        message = f"{context.get('message', first['msg'])}. {context.get('hint', '')}".strip()
        raise ProjectError(f"--{first['loc'][0]}: {message}") from error


def _refuse_to_overwrite(directory: Path, names: list[str]) -> None:
    if directory.exists() and not directory.is_dir():
        raise ProjectError(f"`{directory}` is a file. Name a directory.")
    existing = [name for name in names if (directory / name).exists()]
    if existing:
        quoted = ", ".join(f"`{directory / name}`" for name in sorted(existing))
        verb = "exists" if len(existing) == 1 else "exist"
        raise ProjectError(
            f"{quoted} {verb} already. Nothing was written; name an empty directory."
        )


def _schema(texts: dict[str, str]) -> str:
    """The schema of the params, built by the project itself, which has more stack kinds."""
    if find_spec("moorage.templates") is None:
        hint = "Install it first: python -m pip install ."
        raise ProjectError(f"a new project imports `moorage.templates`, which is missing. {hint}")
    with TemporaryDirectory() as folder:
        for name, text in texts.items():
            if name.endswith(".py"):
                path = Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
        command = [sys.executable, "build.py", "schema"]
        run = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8")
    if run.returncode:
        raise ProjectError(f"`python build.py schema` failed in the new project:\n{run.stderr}")
    return run.stdout
