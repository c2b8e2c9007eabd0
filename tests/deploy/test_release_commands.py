"""Releases and tasks by the commands. Whatever an update changes, the weights stay as ECS has left
them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import test_code_deploy as codedeploy
import test_jobs_deployed as jobs
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


def test_rollback_deploys_the_revision_before_with_code_deploy(
    cloud: Cloud, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rollback = ["rollback", "dev", "web", "--params", str(tmp_path / "params"), "--yes"]
    codedeploy._built(cloud, tmp_path, "swell")
    assert main(rollback) == 1
    assert "swell-dev-web is not deployed yet" in capsys.readouterr().err
    assert deploy(tmp_path) == 0
    assert main(rollback) == 1
    assert "no earlier deployment of web to go back to" in capsys.readouterr().err
    for tag in ("2", "3"):
        made = codedeploy._built(cloud, tmp_path, "swell", tag=tag)
        assert deploy(tmp_path) == 0
    newest = made.ids("web")["TaskDefinition"]
    weights = codedeploy._weights(made)
    capsys.readouterr()
    assert main(rollback) == 0
    shown = capsys.readouterr().out
    assert "deploy swell-dev-web:2 in place of swell-dev-web:3" in shown
    assert codedeploy._running(made) == f"{newest.removesuffix(':3')}:2"
    assert codedeploy._weights(made) == {name: 100 - weight for name, weight in weights.items()}


def test_run_ends_with_the_exit_code_of_the_task(
    cloud: Cloud, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = ["run", "dev", "migrate", "--params", str(tmp_path / "params")]
    jobs._migrated("manual", 0, cloud, tmp_path)
    assert main(run) == 1
    assert "manual-dev-migrate is not deployed yet" in capsys.readouterr().err
    assert deploy(tmp_path) == 0
    made = jobs._migrated("manual", 0, cloud, tmp_path)
    before = len(jobs._tasks(made))
    assert main(run) == 0
    assert "migrate: the task has ended with exit code 0" in capsys.readouterr().out
    assert len(jobs._tasks(made)) == before + 1
    jobs._migrated("manual", 3, cloud, tmp_path)
    assert deploy(tmp_path) == 1
    capsys.readouterr()
    assert main(run) == 3
    shown = capsys.readouterr().err
    assert "migrate: the container `migrate` of its task ended with exit code 3." in shown
    assert "`moorage logs dev migrate` shows what it wrote" in shown
