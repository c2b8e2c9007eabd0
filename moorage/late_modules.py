"""Modules that are imported when they are needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any


class LateModules(Mapping[str, Any]):
    """Modules by a name of your choice. Each one is imported when it is looked up.

    `modules | {"queue": queue}` are these and others, which are imported already.
    """

    def __init__(
        self,
        package: str,
        modules: Mapping[str, str],
        others: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        """`modules` are the names of the modules in the package: `load_balancers.alb`."""
        self._package, self._modules, self._others = package, modules, others

    def __or__(self, others: Mapping[str, Any]) -> LateModules:
        return LateModules(self._package, self._modules, {**self._others, **others})

    def __ror__(self, others: Mapping[str, Any]) -> dict[str, Any]:
        return {**others, **self}

    def __getitem__(self, name: str) -> Any:
        if name in self._others:
            return self._others[name]
        return import_module(f"{self._package}.{self._modules[name]}")

    def get(self, name: str, default: Any = None) -> Any:
        """The same without an error for a name that is unknown. A KeyError that a module raises
        when it is imported is not taken for one."""
        if name not in self:
            return default
        return self[name]

    def __contains__(self, name: object) -> bool:
        return name in self._modules or name in self._others

    def __iter__(self) -> Iterator[str]:
        return iter({**self._modules, **self._others})

    def __len__(self) -> int:
        return len({**self._modules, **self._others})
