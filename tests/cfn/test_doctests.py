"""The examples in docstrings of moorage.cfn."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import moorage.cfn

MODULES = [module.name for module in pkgutil.iter_modules(moorage.cfn.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_are_correct(name: str) -> None:
    module = importlib.import_module(f"moorage.cfn.{name}")
    assert doctest.testmod(module).failed == 0
