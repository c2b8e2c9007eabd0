"""A mistake that both the params and the rules of templates show is reported once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from command_line import main

PARAMS = """\
app: shop
region: eu-central-1
stacks:
  network: {}
  cluster: {}
  consumer:
    template: worker
    containers: {worker: {image: "nginx:latest"}}
"""


def test_an_image_without_a_fixed_tag_is_reported_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("params").mkdir()
    Path("params/dev.yaml").write_text(PARAMS)
    assert main(["build"]) == 0
    seen = "".join(capsys.readouterr())
    assert seen.count("warning") == 1
    assert "warning M1219 stacks.consumer.containers.worker.image" in seen
