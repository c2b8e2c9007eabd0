"""Damaged params get findings, and never raise an exception."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from fuzz.mutation import SECRETS, damaged, fuzz, run
from hypothesis import given

ROOT = Path(__file__).parents[2]
ORIGINALS = [
    path.read_bytes()
    for path in sorted(
        [*(ROOT / "params").glob("*.yaml"), *(ROOT / "tests/golden").glob("*/params/*.yaml")]
    )
]
WITH_SECRETS = f"""\
app: shop
region: eu-central-1
tags: {{owner: {SECRETS[0]}}}
stacks:
  network: {{}}
  cluster: {{}}
  public: {{template: alb, certificate: {SECRETS[1]}}}
  web:
    template: service
    containers:
      web:
        image: {SECRETS[0]}
        ports: [80, {SECRETS[1]}]
        environment: {{KEY: {SECRETS[0]}}}
        command: [run, --key={SECRETS[1]}]
        unknown: {SECRETS[0]}
    expose: [{{via: public, hosts: [{SECRETS[1]}]}}]
""".encode()


@pytest.fixture(autouse=True)
def _trace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOORAGE_TRACEBACK", "1")


@fuzz
@given(damaged([WITH_SECRETS]) | damaged(ORIGINALS))
def test_damaged_params_are_handled(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "params").mkdir()
        (folder / "params/dev.yaml").write_bytes(content)
        run(folder, "build")
        outside = {path for path in os.listdir(folder) if path not in ("params", "out")}
        assert outside == set()
