"""Every request of every command fails once: the user reads a plain message, and never a trace."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import EndpointConnectionError
from fake_aws import START, deployed, make_stack, make_target
from test_operations import Operated, _stack, _task

from moorage.commands.deploy import deploy_target
from moorage.commands.deployment import delete_change_sets_at_end, explain_aws_errors
from moorage.commands.destroy import destroy_target
from moorage.commands.usage import CLEAN, FOUND, USAGE, FailedError, UsageError
from moorage.deploy.jobs import run_job
from moorage.deploy.log_events import find_log_sources, read_log
from moorage.deploy.one_off import run_task
from moorage.deploy.preview import preview_stacks
from moorage.deploy.preview_text import previews_text
from moorage.deploy.rollback import find_rollback, roll_back
from moorage.deploy.shell import find_container, start_session
from moorage.deploy.stack_resources import find_service
from moorage.deploy.stack_state import read_states
from moorage.deploy.status import read_status
from moorage.deploy.status_text import status_text


@dataclass(frozen=True)
class Refusal:
    """An error of one request: what AWS answers, and what the user reads."""

    code: str
    """Empty if no answer comes."""
    text: str
    exit_code: int = FOUND


NETWORK = make_stack("network")
REFUSALS = {
    "denied": Refusal("AccessDenied", "AWS refuses {operation}: because"),
    "throttled": Refusal(
        "ThrottlingException",
        "AWS still refuses {operation} after several attempts, because of too many requests",
    ),
    "expired": Refusal(
        "ExpiredToken",
        "The AWS credentials have expired. Log in again, then repeat the command.",
        USAGE,
    ),
    "offline": Refusal(
        "",
        'AWS does not answer: Could not connect to the endpoint URL: "https://x". Check the '
        "network, proxy and region.",
    ),
}


class Failing(Operated):
    """AWS that refuses one request. Every request takes a while, so that nothing is waited for."""

    def __init__(self, number: int = -1, refusal: Refusal | None = None) -> None:
        super().__init__()
        self.stacks = deployed((_stack(), make_stack("migrate"), NETWORK))
        self.stacks["shop-dev-migrate"].outputs = {"shop-dev-RunTask": "request"}
        self.parameters = {"request": '{"cluster": "shop", "taskDefinition": "migrate"}'}
        self.tasks = [_task(1)]
        self.number, self.refusal = number, refusal
        self.refused = ""

    def answer(self, model: Any, context: dict[str, Any], **more: Any) -> Any:
        self.time += 100
        if len(self.log) != self.number or self.refusal is None:
            return super().answer(model, context, **more)
        self.log.append(model.name)
        self.refused = model.name
        if not self.refusal.code:
            raise EndpointConnectionError(endpoint_url="https://x")
        error = {"Code": self.refusal.code, "Message": "because"}
        return AWSResponse(None, 400, {}, None), {"Error": error}

    def DescribeStackResources(self, StackName: str, **_: Any) -> Any:  # noqa: N802, N803
        summaries = self.ListStackResources(StackName)["StackResourceSummaries"]
        names = ("LogicalResourceId", "PhysicalResourceId", "ResourceType", "ResourceStatus")
        found = [{name: item[name] for name in names} for item in summaries]
        definition = {"ResourceType": "AWS::ECS::TaskDefinition", "PhysicalResourceId": "web:42"}
        time = {"Timestamp": summaries[0]["LastUpdatedTimestamp"]}
        return {"StackResources": [{**item, **definition, **time} for item in found]}

    def DescribeTaskDefinition(self, taskDefinition: str) -> Any:  # noqa: N802, N803
        log = {"logDriver": "awslogs", "options": {"awslogs-group": "group"}}
        containers = [{"name": "web", "logConfiguration": log}]
        return {"taskDefinition": {"status": "ACTIVE", "containerDefinitions": containers}}

    def FilterLogEvents(self, **_: Any) -> Any:  # noqa: N802
        return {"events": []}


TARGET = make_target(
    replace(_stack(), text=deployed((_stack(),))["shop-dev-web"].template),
    make_stack("migrate"),
    make_stack("network", text="v2"),
)


ARGUMENTS = argparse.Namespace(
    env="dev",
    stacks=[],
    yes=True,
    no_wait=False,
    express=False,
    parallel=5,
    format="text",
    unprotect=True,
    empty="all",
    task_definitions=True,
)
"""Those of deploy and destroy."""


def diff(aws: Failing) -> int:
    context = aws.context()
    with delete_change_sets_at_end(context):
        previews = preview_stacks(context, TARGET, read_states(context.aws.cloudformation))
    print(previews_text(previews))
    return FOUND if any(preview.failed for preview in previews) else CLEAN


def deploy(aws: Failing) -> int:
    return deploy_target(ARGUMENTS, TARGET, aws.context())


def destroy(aws: Failing) -> int:
    return destroy_target(ARGUMENTS, TARGET.select(["web"]), aws.context())


def status(aws: Failing) -> int:
    status_text(read_status(aws.clients(), TARGET))
    return CLEAN


def rollback(aws: Failing) -> int:
    context = aws.context()
    state = read_states(context.aws.cloudformation)["shop-dev-web"]
    planned = find_rollback(context.aws, TARGET.stacks[0], state)
    run_job(roll_back(context, TARGET.stacks[0], state, planned), context.clock)
    return CLEAN


def run(aws: Failing) -> int:
    context = aws.context()
    stack = make_stack("migrate", run=True)
    state = read_states(context.aws.cloudformation)[stack.stack_name]
    assert stack.run is not None
    run_job(run_task(context, stack.name, state, stack.run), context.clock)
    return CLEAN


def open_shell(aws: Failing) -> int:
    clients = aws.clients()
    state = read_states(clients.cloudformation)["shop-dev-web"]
    service = find_service(clients, "web", state.id)
    container = find_container(clients, TARGET.stacks[0], service, None)
    start_session(clients, container, "/bin/sh", None)
    return CLEAN


def logs(aws: Failing) -> int:
    clients = aws.clients()
    sources = find_log_sources(clients, "shop-dev-web")
    assert [*read_log(clients, sources, START)] == []
    return CLEAN


COMMANDS: dict[str, Callable[[Failing], int]] = {
    "diff": diff,
    "deploy": deploy,
    "destroy": destroy,
    "status": status,
    "rollback": rollback,
    "run": run,
    "exec": open_shell,
    "logs": logs,
}
TOLERATED = {
    *("DeleteChangeSet", "DescribeClusters", "DescribeEvents"),
    *("ListTagsForResource", "AddTagsToResource"),
}
"""Requests that a command can do without. Without the tags, a task that has succeeded runs again in
the next deployment."""


def ended(command: Callable[[Failing], int], aws: Failing) -> tuple[int, str]:
    """The exit code, and the message of the error with which a command has ended."""
    try:
        with explain_aws_errors():
            return command(aws), ""
    except UsageError as error:
        return USAGE, str(error)
    except FailedError as error:
        return FOUND, str(error)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_succeeds_if_nothing_is_refused(name: str) -> None:
    assert ended(COMMANDS[name], Failing()) == (CLEAN, "")


@pytest.mark.parametrize("kind", REFUSALS)
@pytest.mark.parametrize("name", COMMANDS)
def test_each_refusal_is_explained(
    name: str, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    refusal, number = REFUSALS[kind], 0
    while True:
        aws = Failing(number, refusal)
        code, message = ended(COMMANDS[name], aws)
        output = capsys.readouterr()
        if not aws.refused:
            break
        text = refusal.text.format(operation=aws.refused)
        shown = f"{output.out}{output.err}{message}"
        assert "Traceback" not in shown
        if code == CLEAN:
            again = text.removesuffix(".") in shown or aws.refused in aws.log[number + 1 :]
            assert again or aws.refused in TOLERATED, (aws.refused, shown)
        else:
            assert text in shown, (aws.refused, shown)
        if message:
            assert code == refusal.exit_code, (aws.refused, shown)
            assert "\n" not in message
        number += 1
    assert number == len(aws.log), "every request was refused once"
