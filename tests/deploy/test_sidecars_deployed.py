"""Sidecars under `sidecars:`, deployed: ECS accepts their containers unchanged."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from cloud import Cloud, Deployment, built


@pytest.fixture(scope="module", params=["datadog", "otel", "firelens"])
def deployment(
    request: pytest.FixtureRequest, cloud: Cloud, tmp_path_factory: pytest.TempPathFactory
) -> Deployment:
    folder = tmp_path_factory.mktemp(request.param) / "params"
    shutil.copytree(Path("tests/golden") / request.param / "params", folder)
    deployment = built(folder, "dev", cloud, folder / "out")
    process = deployment.run()
    assert process.returncode == 0, process.stdout
    return deployment


ROUTERS = {"log-router": "fluentbit"}


def test_every_task_has_its_sidecar_and_waits_for_it(deployment: Deployment) -> None:
    services = deployment.services()
    assert services
    for service in services:
        task = deployment.task_definition(service["taskDefinition"])
        containers = {container["name"]: container for container in task["containerDefinitions"]}
        sidecars = containers.keys() & {"datadog-agent", "otel-collector", "log-router"}
        assert len(sidecars) == 1
        for name, container in containers.items():
            waits = {wait["containerName"] for wait in container.get("dependsOn", [])}
            assert name in sidecars or sidecars <= waits
            router = container.get("firelensConfiguration", {}).get("type")
            assert router == ROUTERS.get(name)
            through = container["logConfiguration"]["logDriver"] == "awsfirelens"
            assert through == ("log-router" in sidecars and name != "log-router")
