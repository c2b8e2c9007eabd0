"""`run`, `exec` and `rollback` against AWS in memory."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fake_aws import ACCOUNT, REGION, START, FakeAws, deployed, make_stack

from moorage.commands.exec import connect
from moorage.commands.usage import FailedError
from moorage.deploy.aws import AwsError
from moorage.deploy.jobs import run_job
from moorage.deploy.progress import Noted
from moorage.deploy.rollback import Rollback, find_rollback, roll_back
from moorage.deploy.shell import choose_container, find_container, start_session
from moorage.deploy.stack_resources import find_service
from moorage.deploy.stack_state import read_states
from moorage.deploy.target import DeployStack

ARN = f"arn:aws:ecs:{REGION}:{ACCOUNT}"
SERVICE_ARN = f"{ARN}:service/shop/shop-dev-web"
DEFINITION = f"{ARN}:task-definition/shop-dev-web"
DEPLOYMENT = f"{ARN}:service-deployment/shop/shop-dev-web/abc"


def _stack() -> DeployStack:
    containers = [{"Name": "web"}, {"Name": "proxy"}]
    definition = {
        "Type": "AWS::ECS::TaskDefinition",
        "Properties": {"ContainerDefinitions": containers},
    }
    return replace(make_stack("web"), body={"Resources": {"TaskDefinition": definition}})


class Operated(FakeAws):
    """AWS with a service whose tasks and deployments tests choose."""

    def __init__(self) -> None:
        super().__init__(stacks=deployed((_stack(),)))
        self.services = {SERVICE_ARN: self._service}
        self.tasks: list[dict[str, Any]] = []
        self.running, self.under_way = f"{DEFINITION}:42", ""
        self.finished_at = 0.0
        self.past = [43, 42, 41, 40]
        self.inactive: set[int] = set()
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.failed = ""
        self.deleted = False

    def _service(self, time: float) -> dict[str, Any]:
        done = time >= self.finished_at
        state = ("FAILED" if self.failed else "COMPLETED") if done else "IN_PROGRESS"
        deployment = {
            "status": "PRIMARY",
            "rolloutState": state,
            "rolloutStateReason": self.failed,
            "desiredCount": 2,
            "runningCount": 2 if done else 1,
        }
        under_way = {"currentServiceDeployment": self.under_way} if self.under_way else {}
        return {"taskDefinition": self.running, "deployments": [deployment], **under_way}

    def DescribeServices(self, services: list[str], **_: Any) -> Any:  # noqa: N802
        return {"services": []} if self.deleted else super().DescribeServices(services)

    def ListTasks(self, **_: Any) -> Any:  # noqa: N802
        return {"taskArns": [task["taskArn"] for task in self.tasks]}

    def DescribeTasks(self, **_: Any) -> Any:  # noqa: N802
        return {"tasks": self.tasks, "failures": []}

    def ExecuteCommand(self, **request: Any) -> Any:  # noqa: N802
        self.requests.append(("ExecuteCommand", request))
        return {"session": {"sessionId": "s-1", "streamUrl": "wss://x", "tokenValue": "secret"}}

    def ListServiceDeployments(self, **_: Any) -> Any:  # noqa: N802
        return {
            "serviceDeployments": [
                {"targetServiceRevisionArn": f"revision/{number}", "finishedAt": START}
                for number in self.past
            ]
        }

    def DescribeServiceRevisions(self, serviceRevisionArns: list[str]) -> Any:  # noqa: N802, N803
        return {
            "serviceRevisions": [
                {
                    "serviceRevisionArn": arn,
                    "taskDefinition": f"{DEFINITION}:{arn.split('/')[-1]}",
                }
                for arn in serviceRevisionArns
            ]
        }

    def DescribeTaskDefinition(self, taskDefinition: str) -> Any:  # noqa: N802, N803
        inactive = int(taskDefinition.split(":")[-1]) in self.inactive
        return {"taskDefinition": {"status": "INACTIVE" if inactive else "ACTIVE"}}

    def UpdateService(self, **request: Any) -> Any:  # noqa: N802
        self.requests.append(("UpdateService", request))
        if not self.failed:
            self.running = request["taskDefinition"]
        self.finished_at = self.time + 60
        return {"service": {}}

    def StopServiceDeployment(self, **request: Any) -> Any:  # noqa: N802
        self.requests.append(("StopServiceDeployment", request))
        self.finished_at, self.under_way = self.time + 30, ""
        return {"serviceDeploymentArn": request["serviceDeploymentArn"]}


def _task(number: int, *, enabled: bool = True, agent: str = "RUNNING") -> dict[str, Any]:
    agents = [{"name": "ExecuteCommandAgent", "lastStatus": agent}] if agent else []
    return {
        "taskArn": f"{ARN}:task/shop/{number:04}",
        "lastStatus": "RUNNING",
        "enableExecuteCommand": enabled,
        "startedAt": START.replace(hour=number),
        "containers": [
            {"name": "web", "runtimeId": f"{number:04}-1", "managedAgents": agents},
            {"name": "proxy", "runtimeId": f"{number:04}-2", "managedAgents": agents},
        ],
    }


# exec ----------------------------------------------------------------------------------------


def test_a_shell_opens_in_the_newest_task() -> None:
    aws = Operated()
    aws.tasks = [_task(1), _task(3), _task(2)]
    clients = aws.clients()
    container = find_container(
        clients, _stack(), find_service(clients, "web", "shop-dev-web"), "proxy"
    )
    assert container.session_target == "ecs:shop_0003_0003-2"
    words = start_session(clients, container, "/bin/sh", None)
    assert words[:1] == ["session-manager-plugin"]
    assert words[2:6] == [REGION, "StartSession", "", '{"Target": "ecs:shop_0003_0003-2"}']
    ((_, request),) = aws.requests
    assert (request["container"], request["command"], request["interactive"]) == (
        "proxy",
        "/bin/sh",
        True,
    )


def test_without_a_name_it_is_the_first_container() -> None:
    assert choose_container(_stack(), None) == "web"
    with pytest.raises(AwsError, match=r"no container `wbe`\. Containers: web, proxy"):
        choose_container(_stack(), "wbe")


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        ([], "no task of web is running"),
        ([_task(1, enabled=False)], "run without ECS Exec. Write `enable_execute_command: true`"),
        ([_task(1, agent="")], "the agent of ECS Exec in `web` is not there"),
        ([_task(1, agent="STOPPED")], "the agent of ECS Exec in `web` is STOPPED"),
    ],
)
def test_why_no_shell_can_be_opened(tasks: list[dict[str, Any]], message: str) -> None:
    aws = Operated()
    aws.tasks = tasks
    with pytest.raises(AwsError, match=message):
        find_container(aws.clients(), _stack(), SERVICE_ARN, None)


def test_a_task_without_the_agent_is_passed_over() -> None:
    aws = Operated()
    aws.tasks = [_task(1), _task(2, agent="PENDING")]
    container = find_container(aws.clients(), _stack(), SERVICE_ARN, None)
    assert container.task.endswith("/0001")


def test_a_stack_without_a_service_is_named() -> None:
    aws = Operated()
    aws.services = {}
    with pytest.raises(AwsError, match="web has no ECS service"):
        find_service(aws.clients(), "web", "shop-dev-web")


def test_exec_runs_the_plugin(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    plugin = tmp_path / "session-manager-plugin"
    plugin.write_text('#!/bin/sh\necho "plugin $3 $4"\nexit 7\n')
    aws = Operated()
    aws.tasks = [_task(1)]
    container = find_container(aws.clients(), _stack(), SERVICE_ARN, None)
    monkeypatch.setenv("PATH", os.defpath)
    with pytest.raises(FailedError, match="session-manager-plugin is missing"):
        connect(aws.clients(), container, "/bin/sh", None)
    assert aws.requests == [], "without the plugin no session is opened"
    plugin.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.defpath}")
    assert connect(aws.clients(), container, "/bin/sh", "ops") == 7
    shown = capfd.readouterr()
    assert "plugin StartSession ops" in shown.out
    assert "secret" not in shown.out + shown.err


# rollback ------------------------------------------------------------------------------------


def _rollback(aws: Operated) -> Rollback:
    state = read_states(aws.clients().cloudformation)["shop-dev-web"]
    return find_rollback(aws.clients(), _stack(), state)


def _run(aws: Operated, rollback: Rollback) -> str:
    state = read_states(aws.clients().cloudformation)["shop-dev-web"]
    context = aws.context()
    return run_job(roll_back(context, _stack(), state, rollback), context.clock)


def test_the_revision_before_is_deployed() -> None:
    aws = Operated()
    aws.past = [42, 43, 42, 41]  # 43 was rolled back before
    rollback = _rollback(aws)
    assert rollback.text == "deploy shop-dev-web:41 in place of shop-dev-web:42"
    assert _run(aws, rollback) == ""
    assert aws.running == f"{DEFINITION}:41"
    assert aws.time >= 60


def test_a_minute_without_network_does_not_stop_a_rollback() -> None:
    aws = Operated()
    aws.offline = (10, 70)
    rollback = _rollback(aws)
    assert _run(aws, rollback) == ""
    texts = [event.text for event in aws.events if isinstance(event, Noted)]
    assert any(text.endswith("region. Trying again.") for text in texts)
    assert aws.running == f"{DEFINITION}:41"


def test_a_service_that_was_deleted_by_hand_is_named() -> None:
    aws = Operated()
    aws.deleted = True
    with pytest.raises(AwsError, match=r"^ECS has no service shop-dev-web any more: it was delet"):
        _rollback(aws)


def test_a_revision_that_is_deregistered_is_passed_over() -> None:
    aws = Operated()
    aws.past, aws.inactive = [42, 41, 40], {41}
    assert _rollback(aws).previous == f"{DEFINITION}:40"
    aws.inactive = {40, 41}
    with pytest.raises(AwsError, match="no earlier deployment of web to go back to"):
        _rollback(aws)


def test_a_release_under_way_is_stopped() -> None:
    aws = Operated()
    aws.under_way, aws.finished_at = DEPLOYMENT, 1000
    rollback = _rollback(aws)
    assert rollback.text == "stop the deployment abc and roll it back"
    assert _run(aws, rollback) == ""
    ((name, request),) = aws.requests
    assert name == "StopServiceDeployment"
    assert request == {"serviceDeploymentArn": DEPLOYMENT, "stopType": "ROLLBACK"}


def test_a_rollback_that_fails_says_why() -> None:
    aws = Operated()
    aws.past, aws.failed = [42, 41], "tasks failed to start"
    assert _run(aws, _rollback(aws)) == "tasks failed to start"
