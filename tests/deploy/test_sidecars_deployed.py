"""Sidecars that are asked for by name, deployed: ECS takes their containers as they are."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from cloud import Cloud, Deployment, built


def _case(name: str) -> Any:
    return pytest.param(name, id=name, marks=pytest.mark.xdist_group(f"deploy-{name}"))


@pytest.fixture(scope="module", params=[_case("datadog"), _case("otel"), _case("firelens")])
def deployment(
    request: pytest.FixtureRequest, cloud: Cloud, tmp_path_factory: pytest.TempPathFactory
) -> Deployment:
    folder = tmp_path_factory.mktemp(request.param) / "params"
    shutil.copytree(Path("tests/golden") / request.param / "params", folder)
    deployment = built(folder, "dev", cloud, folder / "out")
    ran = deployment.run()
    assert ran.returncode == 0, ran.stdout
    return deployment


ROUTERS = {"log-router": "fluentbit"}


def test_every_task_has_its_sidecar_and_waits_for_it(deployment: Deployment) -> None:
    services = deployment.services()
    assert services
    for service in services:
        task = deployment.task_definition(service["taskDefinition"])
        containers = {one["name"]: one for one in task["containerDefinitions"]}
        beside = containers.keys() & {"datadog-agent", "otel-collector", "log-router"}
        assert len(beside) == 1
        for name, one in containers.items():
            waits = {wait["containerName"] for wait in one.get("dependsOn", [])}
            assert name in beside or beside <= waits
            router = one.get("firelensConfiguration", {}).get("type")
            assert router == ROUTERS.get(name)
            through = one["logConfiguration"]["logDriver"] == "awsfirelens"
            assert through == ("log-router" in beside and name != "log-router")
