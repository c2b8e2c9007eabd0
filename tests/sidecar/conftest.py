"""Ports, and the program of the health sidecar as a module."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from types import ModuleType

import pytest
import sidecar_lab as lab


@pytest.fixture(name="listen")
def listen_fixture() -> Iterator[int]:
    with lab.reserve_port() as number:
        yield number


@pytest.fixture(name="service")
def service_fixture() -> Iterator[int]:
    with lab.reserve_port() as number:
        yield number


@pytest.fixture(name="program", scope="module")
def program_fixture() -> ModuleType:
    """The program as a module, for its pure functions."""
    spec = importlib.util.spec_from_file_location("health_sidecar", lab.PROGRAM)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
