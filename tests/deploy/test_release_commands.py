"""Services whose deployments shift traffic, deployed by `moorage deploy`: whatever an update
changes, the weights stay as ECS has left them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import test_code_deploy as codedeploy
import test_releases_deployed as releases
from cloud import Cloud, Deployment
from command_line import main


@pytest.fixture(autouse=True)
def credentials(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in cloud.environ().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)


def deploy(folder: Path) -> int:
    return main(["deploy", "dev", "--params", str(folder / "params"), "--yes"])


def test_weights_survive(
    cloud: Cloud,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def built(**params: str) -> Deployment:
        made = releases._built(cloud, tmp_path, **params)
        text = (tmp_path / "params/dev.yaml").read_text().replace("app: tidal", "app: neap")
        (tmp_path / "params/dev.yaml").write_text(text)
        return releases.built(tmp_path / "params", "dev", cloud, made.folder.parent)

    ecr = cloud.client("ecr", "eu-central-1")
    push_images(ecr, "web", "1", "2")
    first = built(release="rolling")
    assert deploy(tmp_path) == 0
    before = first.ids("web")
    shifting = built()
    assert deploy(tmp_path) == 0
    assert before.items() <= shifting.ids("web").items()
    assert releases._weights(shifting) == releases.PRIMARY_LIVE

    releases._shift(shifting, releases.ALTERNATE_LIVE)
    changed = built(tag="2", path="/shop/*", idle="60s")
    capsys.readouterr()
    assert deploy(tmp_path) == 0
    shown = capsys.readouterr().out
    assert "web: the group in production is PublicWeb8080Production=alternate" in shown
    assert "web: first everything but the task definition, then that" in shown
    assert releases._weights(changed) == releases.ALTERNATE_LIVE
    ids = changed.ids("web")
    (service,) = changed.services()
    assert service["taskDefinition"] == ids["TaskDefinition"] != before["TaskDefinition"]
    assert releases._parameters(changed) == {
        "PublicWeb8080Production": "alternate",
        "EdgeTcp8443Production": "alternate",
        "HeldTaskDefinition": "",
    }
    events = changed.events()
    assert deploy(tmp_path) == 0
    assert "Nothing to change" in capsys.readouterr().out
    assert changed.events() == events

    half = {title: dict.fromkeys(weights, 50) for title, weights in releases.PRIMARY_LIVE.items()}
    releases._shift(changed, half)
    built(path="/other/*", tag="2", idle="60s")
    assert deploy(tmp_path) == 1
    assert f"{releases.RULE} of neap-dev-web must send all traffic to " in capsys.readouterr().out
    assert releases._weights(changed) == half


def push_images(ecr: Any, name: str, *tags: str) -> None:
    from moorage.deploy.rehearsal.resources import push_image

    ecr.create_repository(repositoryName=name)
    for tag in tags:
        push_image(ecr, name, f"imageTag={tag}")


def test_code_deploy_deploys_after_the_stack(
    cloud: Cloud, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    codedeploy._built(cloud, tmp_path, "ebbing")
    assert deploy(tmp_path) == 0
    assert "web: the service runs arn:" in capsys.readouterr().out
    second = codedeploy._built(cloud, tmp_path, "ebbing", tag="2")
    assert deploy(tmp_path) == 0
    shown = capsys.readouterr().out
    assert "web: CodeDeploy deploys arn:" in shown
    assert codedeploy._running(second) == second.ids("web")["TaskDefinition"]
    codedeploy._built(cloud, tmp_path, "ebbing", tag="3", environment='{EXIT_CODE: "1"}')
    assert deploy(tmp_path) == 1
    assert "did not succeed: The deployment timed out while waiting" in capsys.readouterr().err
