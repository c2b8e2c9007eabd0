"""The layout of docs/large-environments.md has no quota finding; more services have one."""

from __future__ import annotations

from pathlib import Path

import pytest

from moorage.cfn.scenarios import default_view
from moorage.cfn.template import Template
from moorage.pipeline.compose import compose
from moorage.pipeline.load import load
from moorage.pipeline.render import render
from moorage.pipeline.validate import validate
from moorage.rules import account_quotas, quotas
from templates import TEMPLATES

SERVICE = """
  s{number}:
    template: service
    containers: {{app: {{image: "public.ecr.aws/nginx/nginx:1.29", ports: [8080]}}}}
    expose: [{{via: lb{balancer}, paths: [/s{number}/*], priority: {priority}}}]"""


def find_quotas(folder: Path, services: int, balancers: int) -> list[str]:
    """The codes of the quota rules for services that are distributed over load balancers."""
    stacks = [f"\n  lb{number}: {{template: alb}}" for number in range(balancers)]
    stacks += [
        SERVICE.format(number=n, balancer=n % balancers, priority=n + 1) for n in range(services)
    ]
    text = "app: shop\nregion: eu-central-1\nstacks:\n  network: {}\n  cluster: {}"
    (folder / "dev.yaml").write_text(text + "".join(stacks) + "\n")
    document, _ = load(folder, "dev")
    assert document is not None
    environment, _ = validate(document, TEMPLATES)
    assert environment is not None
    rendered = [render(stack, document, "json")[0] for stack in compose(environment, TEMPLATES)]
    view = default_view([Template(r.file, r.body, "eu-central-1") for r in rendered if r])
    rules = (*quotas.RULES, *account_quotas.RULES)
    return [rule.id for rule in rules for _ in rule.check(view)]


@pytest.mark.parametrize(
    ("services", "balancers", "found"),
    [(59, 1, []), (60, 1, ["W9987"]), (101, 1, ["E9985", "W9986", "W9987"]), (300, 6, [])],
)
def test_services_behind_load_balancers(
    services: int, balancers: int, found: list[str], tmp_path: Path
) -> None:
    assert find_quotas(tmp_path, services, balancers) == found
