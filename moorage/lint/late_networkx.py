"""networkx for cfn-lint, of which only the modules are imported that cfn-lint uses.

The code of the package itself imports all of its 280 modules, which takes two fifths of the time of
cfn-lint's import. cfn-lint makes a graph for each template and looks for cycles, for which some 20
modules are enough. The code of a package runs when something else in it is asked for.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any

PACKAGE = "networkx"
_ALGORITHMS = f"{PACKAGE}.algorithms"
_OWNERS = {
    "MultiDiGraph": f"{PACKAGE}.classes.multidigraph",
    "NetworkXError": f"{PACKAGE}.exception",
    "NetworkXNoCycle": f"{PACKAGE}.exception",
    "_clear_cache": f"{PACKAGE}.utils.misc",
    "_dispatchable": f"{PACKAGE}.utils.backends",
    "edge_dfs": f"{_ALGORITHMS}.traversal.edgedfs",
    "find_cycle": f"{_ALGORITHMS}.cycles",
}
"""The modules of the names that cfn-lint, and the modules that it needs, use of the package."""
_MODULES = frozenset({"convert"})
"""Modules that others import from the package."""


def postpone_networkx() -> None:
    """Lets the code of networkx's packages run later, unless it has run."""
    if PACKAGE not in sys.modules:
        for name in (PACKAGE, _ALGORITHMS):
            spec = find_spec(name)
            if spec is not None:
                sys.modules[name] = module = module_from_spec(spec)
                module.__class__ = _LatePackage


def try_networkx() -> None:
    """Uses what cfn-lint uses, and raises an error if that needs something else in this version of
    networkx."""
    networkx = import_module(PACKAGE)
    graph = networkx.MultiDiGraph(name="template")
    graph.add_edge("a", "b")
    with suppress(networkx.NetworkXNoCycle):
        networkx.find_cycle(graph, "a")


class _LatePackage(ModuleType):
    """A package whose code has not run."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name not in ("__all__", "__version__"):
            raise AttributeError(name)
        value = self._find(name)
        setattr(self, name, value)
        return value

    def _find(self, name: str) -> Any:
        if self.__name__ == PACKAGE and name in _OWNERS:
            return getattr(import_module(_OWNERS[name]), name)
        if self.__name__ == PACKAGE and name in _MODULES:
            return import_module(f"{PACKAGE}.{name}")
        _run(sys.modules[PACKAGE])  # which imports from the other one
        _run(self)
        return getattr(self, name)


def _run(package: ModuleType) -> None:
    """Runs the code of a package, unless it has run."""
    if isinstance(package, _LatePackage):
        spec = package.__spec__
        assert spec is not None
        assert spec.loader is not None
        package.__class__ = ModuleType  # type: ignore[assignment]
        spec.loader.exec_module(package)
