"""The examples of docs/releases.md and docs/releases-codedeploy.md build."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from moorage.pipeline.build import build
from templates import TEMPLATES

PAGE = Path("docs/releases.md").read_text()
CODE_DEPLOY_PAGE = Path("docs/releases-codedeploy.md").read_text()
EXAMPLES: dict[str, dict[str, Any]] = {
    name: params
    for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    for name, params in YAML(typ="safe").load(block).items()
}
INLINE = sorted(
    {
        code
        for page in (PAGE, CODE_DEPLOY_PAGE)
        for code in re.findall(r"`((?:release|circuit_breaker): [^`]+)`", page)
    }
)


def messages(folder: Path, params: dict[str, Any]) -> list[str]:
    """The findings about a service with these params."""
    service = {
        "template": "service",
        "desired_count": 2,
        "containers": {"web": {"image": "ecr:shop/web:1.4.2", "ports": [8080]}},
        "expose": [{"via": "public", "paths": ["/*"], "health_check": {"path": "/healthz"}}],
        **params,
    }
    stacks = {
        "network": {},
        "cluster": {},
        "public": {"template": "alb", "certificate": []},
        "notifications": {"subscriptions": {"email": ["on-call@shop.example"]}},
        "web": service,
    }
    (folder / "params").mkdir()
    with (folder / "params" / "dev.yaml").open("w") as file:
        YAML().dump({"app": "shop", "region": "eu-central-1", "stacks": stacks}, file)
    return [finding.message for finding in build(folder / "params", "dev", TEMPLATES).findings]


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_examples_build_without_findings(name: str, tmp_path: Path) -> None:
    assert messages(tmp_path, EXAMPLES[name]) == []


@pytest.mark.parametrize("code", INLINE)
def test_settings_in_the_text_build_without_findings(code: str, tmp_path: Path) -> None:
    assert messages(tmp_path, YAML(typ="safe").load(code)) == []
