"""`why` and `logs` with the real boto3, over HTTP."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cloud import Cloud
from command_line import main

REGION, STACK = "eu-central-1", "reef-dev-labels"
PARAMS = """\
app: reef
region: eu-central-1
stacks:
  cluster: {}
  network: {cidr: 10.0.0.0/16}
  labels: {template: worker, containers: {labels: {image: "ecr:reef/labels:1"}}}
  gone: {template: worker, containers: {gone: {image: "ecr:reef/gone:1"}}}
"""
TEMPLATE = {
    "Resources": {
        "LogGroup": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "labels"}},
        "TaskDefinition": {
            "Type": "AWS::ECS::TaskDefinition",
            "Properties": {
                "Family": "labels",
                "ContainerDefinitions": [
                    {
                        "Name": "labels",
                        "Image": "nginx",
                        "Memory": 128,
                        "LogConfiguration": {
                            "LogDriver": "awslogs",
                            "Options": {
                                "awslogs-group": "labels",
                                "awslogs-region": REGION,
                                "awslogs-stream-prefix": "labels",
                            },
                        },
                    }
                ],
            },
        },
    }
}


Run = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def deployed(cloud: Cloud) -> Cloud:
    """The server with one stack, whose task has written a line."""
    cloud.client("cloudformation", REGION).create_stack(
        StackName=STACK, TemplateBody=json.dumps(TEMPLATE)
    )
    logs = cloud.client("logs", REGION)
    stream = "labels/labels/0a1b2c3d4e5f"
    logs.create_log_stream(logGroupName="labels", logStreamName=stream)
    event = {"timestamp": int(time.time() * 1000), "message": "hello"}
    logs.put_log_events(logGroupName="labels", logStreamName=stream, logEvents=[event])
    return cloud


@pytest.fixture
def run(deployed: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Run:
    """Runs a command; returns its exit code and what it prints."""
    (tmp_path / "dev.yaml").write_text(PARAMS)
    for name, value in deployed.environ().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)

    def run_command(*words: str) -> tuple[int, str]:
        code = main([*words, "--params", str(tmp_path)])
        return code, "".join(capsys.readouterr())

    return run_command


def test_a_stack_that_is_fine(deployed: Cloud, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    text = f"labels ({STACK}): CREATE_COMPLETE. Nothing is known to be failing.\n"
    assert run("why", "dev", "labels") == (0, text)
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    words = ("--endpoint-url", deployed.url)
    assert run("why", "dev", *words) == (0, f"dev: nothing is known to be failing in {REGION}\n")


def test_a_stack_that_is_not_deployed(run: Run) -> None:
    text = "gone (reef-dev-gone): not deployed in this account and region\n"
    assert run("why", "dev", "gone") == (0, text)
    code, text = run("logs", "dev", "gone")
    assert code == 1
    assert "reef-dev-gone is not deployed yet" in text


def test_the_log_of_a_task(run: Run) -> None:
    code, text = run("logs", "dev", "labels")
    assert code == 0
    assert text.endswith(" labels/0a1b2c3d hello\n")
    assert run("logs", "dev", "labels", "labels") == (0, text)
