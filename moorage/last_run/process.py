"""All that a run in this process depends on: what it reads, Moorage's code, and cfn-lint."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from importlib.util import find_spec

import moorage
from moorage.last_run.observer import Observer
from moorage.last_run.own_code import OwnCode, find_file, find_own_code
from moorage.last_run.states import Input, Kind, find_state, is_installed, walk

_MOORAGE = os.path.dirname(os.path.abspath(moorage.__file__))
_WHOLE_PACKAGES = ("cfnlint", "cloudformation_validate")
"""Packages whose findings may come from a cache, so that a run does not load them."""
_SETTINGS = (".cfnlintrc", ".cfnlintrc.yaml", ".cfnlintrc.yml")
_SCHEMAS = os.path.join("aws", "cfn-lint", "schemas")
"""Where cfn-lint keeps schemas that are newer than its own, below a folder for caches
(cfnlint/helpers.py, get_cache_dir)."""


class Process:
    """A run of one command in this process, which has read nothing yet."""

    def __init__(self, out: str, templates: str, ignored: tuple[str, ...]) -> None:
        """`out` is the folder for output, and `templates` the package of the stack kinds. Paths
        that begin with one of `ignored` do not count."""
        self._templates = templates
        self._before = frozenset(sys.modules)
        self.observer = Observer(out, (_MOORAGE + os.sep, *ignored))
        self.observer.states.update(_find_code_states())
        for folder in (os.getcwd(), os.path.expanduser("~")):
            for name in _SETTINGS:
                self.observer.see("content", os.path.join(folder, name))

    def find_own_code(self) -> OwnCode:
        """The code that has run, without that of Moorage and of other packages."""
        return find_own_code(
            *(dict(sys.modules), self._before, _MOORAGE + os.sep),
            *(self._templates, self.observer.executed),
        )

    def find_states(self, written: Mapping[str, Mapping[str, str]]) -> Mapping[Input, str]:
        """The state of everything that the run depends on. `written` has the states of files that
        it wrote, by folder and name."""
        for file in filter(None, map(find_file, [*sys.modules.values()])):
            if is_installed(file):
                self.observer.installed.add(file)
            else:
                self.observer.see("content", file)
        for folder, files in written.items():
            self.observer.replace_written(folder, files)
        packages = _find_packages()
        inner = tuple(package + os.sep for package in packages)
        inputs: list[Input] = [("tree", package) for package in packages]
        inputs += (
            ("installed", path) for path in self.observer.installed if not path.startswith(inner)
        )
        return self.observer.states | {
            (kind, path): find_state(kind, path) for kind, path in inputs
        }


def _find_code_states() -> dict[Input, str]:
    """The states of Moorage's code, of the folders that Python imports from, and of the schemas
    that cfn-lint has downloaded."""
    kind: Kind = "installed" if is_installed(_MOORAGE) else "content"
    inputs: list[Input] = [("modules", str(folder) or os.getcwd()) for folder in sys.path]
    inputs += (("modules" if is_folder else kind, path) for path, is_folder in walk(_MOORAGE))
    for folder in _schema_folders():
        inputs.append(("names", folder))
        inputs += (
            ("names" if is_folder else "installed", path) for path, is_folder in walk(folder)
        )
    return {(kind, path): find_state(kind, path) for kind, path in inputs}


def _schema_folders() -> Iterator[str]:
    home = os.path.expanduser("~")
    for caches in (
        os.environ.get("XDG_CACHE_HOME", ""),
        f"{home}/.cache",
        f"{home}/Library/Caches",
    ):
        if caches:
            yield os.path.join(caches, _SCHEMAS)


def _find_packages() -> list[str]:
    specs = filter(None, map(find_spec, _WHOLE_PACKAGES))
    return [folder for spec in specs for folder in spec.submodule_search_locations or ()]
