"""networkx for cfn-lint, of which only the modules are imported that cfn-lint uses.

The code of the package itself imports all of its 280 modules, which takes two fifths of the time of
cfn-lint's import. cfn-lint makes a graph for each template and looks for cycles, for which some 40
modules are enough. The code of a package runs when something else in it is asked for.
"""

from __future__ import annotations

import sys
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


def postpone_networkx() -> None:
    """Lets the code of networkx's packages run later, unless it has run."""
    if PACKAGE not in sys.modules:
        for name in (PACKAGE, _ALGORITHMS):
            spec = find_spec(name)
            if spec is not None:
                sys.modules[name] = module = module_from_spec(spec)
                module.__class__ = _LatePackage


class _LatePackage(ModuleType):
    """A package whose code has not run."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__all__":
            raise AttributeError(name)
        value = self._find(name)
        setattr(self, name, value)
        return value

    def _find(self, name: str) -> Any:
        if owner := _OWNERS.get(name):
            return getattr(import_module(owner), name)
        module = f"{self.__name__}.{name}"
        if name != "__all__" and find_spec(module) is not None:
            return import_module(module)
        spec = self.__spec__
        assert spec is not None
        assert spec.loader is not None
        self.__class__ = ModuleType  # type: ignore[assignment]
        spec.loader.exec_module(self)
        return getattr(self, name)
