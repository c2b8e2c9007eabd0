"""Permissions that ECS and EventBridge Scheduler need for resources of others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from command_line import main

HOSTILE = Path(__file__).parent


@pytest.mark.parametrize(
    ("case", "file", "actions"),
    [
        (
            "pull-through-cache",
            "web.yaml",
            ["ecr:BatchImportUpstreamImage", "ecr:CreateRepository"],
        ),
        ("scheduled-dlq-kms", "job.yaml", ["kms:GenerateDataKey", "kms:Decrypt"]),
    ],
)
def test_roles_have_the_permissions(
    case: str, file: str, actions: list[str], tmp_path: Path, capsys: Any
) -> None:
    params = HOSTILE / case / "params"
    assert main(["build", "--params", str(params), "--out", str(tmp_path)]) == 0
    template = (tmp_path / "dev" / file).read_text()
    assert [action for action in actions if action not in template] == []
    seen = "".join(capsys.readouterr())
    assert ("The first pull of" in seen) is (case == "pull-through-cache")
