"""Which environments, and which code, a changed file concerns."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Collection, Iterable, Iterator, Mapping, Set
from importlib.util import find_spec
from pathlib import Path

from moorage.lint.settings import NAMES
from moorage.pipeline.environments import BASE

_INSTALLED = ("site-packages", "dist-packages")
_STANDARD_LIBRARY = sysconfig.get_path("stdlib")


def find_concerned(
    changed: Iterable[str],
    params: Path,
    reads: Mapping[str, Set[str]],
) -> list[str]:
    """The environments that are built from one of the changed files, or from a file in a changed
    folder. `reads` has the files that the last build of each environment has opened."""
    paths = {form for path in changed for form in (os.path.abspath(path), os.path.realpath(path))}
    common = [params / f"{BASE}.yaml", *map(Path, NAMES)]
    return [
        env
        for env, opened in reads.items()
        if any(
            path in paths or not paths.isdisjoint(map(str, Path(path).parents))
            for path in {*opened, *map(os.path.abspath, (params / f"{env}.yaml", *common))}
        )
    ]


def find_code_folders(templates: str) -> list[Path]:
    """The folders with the code that builds, as far as it is in the current folder: that of the
    package `templates`, and of other modules that are loaded. Installed packages do not count."""
    here = os.path.realpath(Path.cwd())
    spec = find_spec(templates)
    found = {*((spec and spec.submodule_search_locations) or ())}
    found |= {os.path.dirname(file) for file in _loaded_files()}
    folders = {Path(os.path.realpath(folder)) for folder in found}
    own = {folder for folder in folders if _is_own(folder, Path(here))}
    return sorted(folder for folder in own if own.isdisjoint(folder.parents))


def _loaded_files() -> Iterator[str]:
    for module in [*sys.modules.values()]:
        file = getattr(module, "__file__", None)
        if isinstance(file, str):
            yield os.path.realpath(file)


def _is_own(folder: Path, here: Path) -> bool:
    is_installed = folder.is_relative_to(_STANDARD_LIBRARY) or any(
        part in _INSTALLED for part in folder.parts
    )
    return here in folder.parents and not is_installed


def find_code(changed: Collection[str], folders: Iterable[Path]) -> list[str]:
    """The changed files that are code of these folders, or a module that is loaded."""
    roots, loaded = [*folders], {*_loaded_files()}
    paths = sorted({os.path.realpath(path) for path in changed if path.endswith(".py")})
    return [
        path
        for path in paths
        if path in loaded or any(Path(path).is_relative_to(folder) for folder in roots)
    ]
