"""sympy for cfn-lint, imported only if a template has conditions.

cfn-lint solves conditions with sympy, whose import takes half as long as all else that cfn-lint
imports; most templates have no conditions. Until one has, objects of this module stand for what
cfn-lint imports from sympy, and for the empty set of clauses that it makes for each template.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

PACKAGE = "sympy"
_MODULES = (
    PACKAGE,
    f"{PACKAGE}.assumptions",
    f"{PACKAGE}.assumptions.cnf",
    f"{PACKAGE}.logic",
    f"{PACKAGE}.logic.boolalg",
    f"{PACKAGE}.logic.inference",
)
"""The modules of which cfn-lint imports names."""
_CLAUSES = "EncodedCNF"


def postpone_sympy() -> None:
    """Lets objects of this module stand for those of sympy, unless it is imported."""
    if PACKAGE not in sys.modules:
        sys.modules.update({module: _LateModule(module) for module in _MODULES})


def load_sympy() -> None:
    """Imports sympy if that was postponed."""
    if isinstance(sys.modules.get(PACKAGE), _LateModule):
        for name in _MODULES:
            del sys.modules[name]
        import_module(PACKAGE)


class _LateModule(ModuleType):
    """A module of sympy of which no name has been used yet."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__path__: list[str] = []

    def __getattr__(self, name: str) -> _LateName:
        if name.startswith("__"):
            raise AttributeError(name)
        return _LateName(self.__name__, name)


class _LateName:
    """A class or function of sympy."""

    def __init__(self, module: str, name: str) -> None:
        self._module, self._name = module, name

    def __call__(self, *values: Any, **named: Any) -> Any:
        if self._name == _CLAUSES and not values and not named:
            return _NoClauses(self)
        return self.load()(*map(_loaded, values), **named)

    def __instancecheck__(self, value: object) -> bool:
        return isinstance(_loaded(value), self.load())

    def load(self) -> Any:
        load_sympy()
        return getattr(import_module(self._module), self._name)


class _NoClauses:
    """An empty set of clauses, until something else is done with it than to copy it."""

    def __init__(self, kind: _LateName) -> None:
        self._kind, self._object = kind, None

    def copy(self) -> Any:
        return _NoClauses(self._kind) if self._object is None else self._object.copy()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.load(), name)

    def load(self) -> Any:
        if self._object is None:
            self._object = self._kind.load()()
        return self._object


def _loaded(value: Any) -> Any:
    return value.load() if isinstance(value, _NoClauses) else value
