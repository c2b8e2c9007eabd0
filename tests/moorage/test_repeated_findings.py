"""A mistake that both the params and the rules of templates show is reported once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from command_line import main

LATEST = """\
app: shop
region: eu-central-1
stacks:
  network: {}
  cluster: {}
  consumer:
    template: worker
    containers: {worker: {image: "nginx:latest"}}
"""
LOGS = """\
app: shop
region: eu-central-1
stacks:
  network: {}
  cluster: {}
  edge: {template: nlb, access_logs: true}
  api:
    template: service
    desired_count: 2
    containers: {api: {image: "ecr:shop/api:1.4.2", ports: [8080]}}
    expose: [{via: edge, port: 8080/tcp, clients: ["0.0.0.0/0"]}]
"""
OVERRIDE = """\
    overrides:
      Resources:
        TaskDefinition:
          Properties:
            ContainerDefinitions:
              - {Name: worker, Image: "nginx:latest"}
              - {Name: more, Image: "busybox:latest"}
"""


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        (LATEST, ["M1219 stacks.consumer.containers.worker.image"]),
        (LOGS, ["M2322 stacks.edge.access_logs"]),
        (
            LATEST + OVERRIDE,
            [
                "M1219 stacks.consumer.containers.worker.image",
                "W9128 stacks.consumer.overrides.Resources.TaskDefinition",
            ],
        ),
    ],
    ids=["image", "access logs", "an override makes the mistake again"],
)
def test_a_mistake_is_reported_once(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Any,
    params: str,
    expected: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("params").mkdir()
    Path("params/dev.yaml").write_text(params)
    assert main(["build"]) == 0
    warnings = [line for line in "".join(capsys.readouterr()).splitlines() if "warning" in line]
    assert len(warnings) == len(expected)
    for warning, text in zip(warnings, expected, strict=True):
        assert f"warning {text}" in warning
