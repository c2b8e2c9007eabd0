"""Modules that are imported when they are needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any


class LateModules(Mapping[str, Any]):
    """Modules of a package by names of your choice. Each one is imported when it is looked up."""

    def __init__(self, package: str, modules: Mapping[str, str]) -> None:
        """`modules` are the names of the modules in the package: `load_balancers.alb`."""
        self._package, self._modules = package, dict(modules)

    def __getitem__(self, name: str) -> Any:
        return import_module(f"{self._package}.{self._modules[name]}")

    def __contains__(self, name: object) -> bool:
        return name in self._modules

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)
