"""`why` and `logs`: from their arguments to what is printed, with the clients of a fake AWS."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from answering_aws import FakeAws
from answers import ANSWERS, NAME, START, TASK_DEFINITION, resource, stack
from command_line import main

from moorage.cli import build_parser
from moorage.commands.deployed import Deployed, find_deployed
from moorage.commands.logs import print_logs
from moorage.commands.usage import UsageError
from moorage.commands.why import report_failures
from moorage.deploy.log_events import Clock, LogEvent, follow_log

OPTIONS = {"logDriver": "awslogs", "options": {"awslogs-group": "group"}}


def parse(*words: str) -> tuple[argparse.Namespace, Deployed]:
    """The arguments of a command, and what they name in this project."""
    arguments = build_parser().parse_args(words)
    arguments.templates = "templates"
    deployed = find_deployed(arguments)
    assert isinstance(deployed, Deployed)
    return arguments, deployed


def test_why_prints_the_diagnosis_and_fails(capsys: Any) -> None:
    aws = FakeAws(ANSWERS)
    for words in (("why", "dev", "web"), ("why", "dev")):
        arguments, deployed = parse(*words)
        assert report_failures(aws, deployed, arguments) == 1
        printed = capsys.readouterr().out
        assert "1. The application has ended with an error." in printed
        assert printed.endswith("params/base.yaml:22 stacks.web.containers.web\n")
    arguments, deployed = parse("why", "dev", "web", "--format", "json")
    assert report_failures(aws, deployed, arguments) == 1
    assert '"id": "exit-1"' in capsys.readouterr().out


def test_why_is_clean_if_nothing_fails(capsys: Any) -> None:
    aws = FakeAws({"cloudformation.describe_stacks": {"Stacks": [stack(NAME, "CREATE_COMPLETE")]}})
    arguments, deployed = parse("why", "dev")
    assert report_failures(aws, deployed, arguments) == 0
    assert capsys.readouterr().out == "dev: nothing is known to be failing in eu-central-1\n"
    nothing = FakeAws({"cloudformation.describe_stacks": {"Stacks": []}})
    assert report_failures(nothing, deployed, arguments) == 0
    assert capsys.readouterr().out == "dev: no stack is deployed in this account and region\n"
    arguments, deployed = parse("why", "dev", "--format", "json")
    assert report_failures(aws, deployed, arguments) == 0
    assert capsys.readouterr().out == "[]\n"


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["why", "nope"], "`nope` is not an environment."),
        (["why", "dev", "we"], "`we` is not a stack of dev. Did you mean `web`?"),
        (["logs", "dev", "x"], "`x` is not a stack of dev. Stacks: api, cluster,"),
        (["why", "dev", "--profile", "no-such-profile"], "The config profile (no-such-profile)"),
        (["logs", "dev", "web", "--profile", "no-such-profile"], "The config profile "),
    ],
)
def test_wrong_usage(words: list[str], text: str, capsys: Any) -> None:
    assert main(words) == 2
    assert text in capsys.readouterr().err


def test_params_that_cannot_be_read_are_findings(tmp_path: Any, capsys: Any) -> None:
    for text in ("app: [", "app: kelp\nregion: 7\nstacks: {}\n", "region: eu-central-1\n"):
        (tmp_path / "dev.yaml").write_text(text)
        for words in (["why", "dev"], ["logs", "dev", "web"]):
            assert main([*words, "--params", str(tmp_path)]) == 1
            assert ": error M1" in capsys.readouterr().out


def clock(sleep: Callable[[float], None] = lambda seconds: None) -> Clock:
    return Clock(lambda: START, sleep)


def log_event(number: int, seconds: float, message: str, stream: str = "web/web/0a1b2c3d4e") -> Any:
    time = START + timedelta(seconds=seconds)
    return {
        "eventId": str(number),
        "timestamp": int(time.timestamp() * 1000),
        "message": message,
        "logStreamName": stream,
    }


def logs_aws(*events: Any, definitions: Any = None) -> FakeAws:
    of_web = {**OPTIONS, "options": {**OPTIONS["options"], "awslogs-stream-prefix": "web"}}  # type: ignore[dict-item]
    containers = [{"name": "web", "logConfiguration": of_web}, {"name": "proxy"}]
    return FakeAws(
        {
            "cloudformation.describe_stack_resources": {
                "StackResources": [
                    resource("AWS::ECS::TaskDefinition", "TaskDefinition", TASK_DEFINITION)
                ]
            },
            "ecs.describe_task_definition": {
                "taskDefinition": {
                    "containerDefinitions": containers if definitions is None else definitions
                }
            },
            "logs.filter_log_events": {"events": list(events)},
        }
    )


def test_logs_prints_lines_without_secrets_and_control_characters(capsys: Any) -> None:
    aws = logs_aws(
        log_event(1, 0, "up"), log_event(2, 1, "\x1b[31mpostgres://app:hunter2@db\n", "x")
    )
    arguments, deployed = parse("logs", "dev", "web", "--filter", "ERROR", "--since", "2h")
    assert arguments.since == 7200
    print_logs(aws, deployed, arguments, clock())
    assert capsys.readouterr().out == (
        "2026-11-27 07:00:00 web/0a1b2c3d up\n2026-11-27 07:00:01 /x \\u001b[31mpostgres://***@db\n"
    )
    (_, read) = aws.calls[-1]
    assert read == {
        "logGroupName": "group",
        "startTime": int((START - timedelta(hours=2)).timestamp() * 1000),
        "filterPattern": "ERROR",
    }


def test_logs_of_one_container(capsys: Any) -> None:
    aws = logs_aws(log_event(1, 0, "up"))
    arguments, deployed = parse("logs", "dev", "web", "web")
    print_logs(aws, deployed, arguments, clock())
    assert aws.calls[-1][1]["logStreamNamePrefix"] == "web/web/"
    arguments, deployed = parse("logs", "dev", "web", "proxy")
    with pytest.raises(UsageError, match="`proxy` is none of the containers with a log: web"):
        print_logs(aws, deployed, arguments, clock())
    with pytest.raises(UsageError, match="no container of web has a log in CloudWatch Logs"):
        print_logs(logs_aws(definitions=[]), deployed, arguments, clock())


def test_following_prints_each_line_once_until_it_is_interrupted(capsys: Any) -> None:
    answers = iter(
        [
            {"events": [log_event(1, 0, "one")]},
            {"events": [log_event(1, 0, "one"), log_event(2, 5, "two")]},
            {"events": [log_event(2, 5, "two")]},
        ]
    )
    aws = logs_aws()
    aws.answers = {**aws.answers, "logs.filter_log_events": lambda **params: next(answers)}
    naps: list[float] = []

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 3:
            raise KeyboardInterrupt

    arguments, deployed = parse("logs", "dev", "web", "--follow")
    with pytest.raises(KeyboardInterrupt):
        print_logs(aws, deployed, arguments, clock(sleep))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[-1] for line in lines] == ["one", "two"]
    assert naps == [2.0, 2.0, 2.0]


def test_following_reads_again_what_may_have_come_late() -> None:
    starts: list[datetime] = []

    def read(start: datetime) -> Iterator[LogEvent]:
        starts.append(start)
        at = START + timedelta(minutes=len(starts))
        yield LogEvent(str(len(starts)), at, "web", "0a", "x")

    def sleep(seconds: float) -> None:
        if len(starts) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(follow_log(read, START, sleep))
    assert starts == [
        START,
        START + timedelta(minutes=1, seconds=-30),
        START + timedelta(minutes=2, seconds=-30),
    ]


def test_the_cluster_of_a_stack_is_known_from_the_params(tmp_path: Any) -> None:
    (tmp_path / "dev.yaml").write_text(
        "app: kelp\nregion: eu-central-1\nstacks:\n"
        "  a: {template: cluster}\n"
        "  b: {template: cluster, existing: {name: old}}\n"
        "  c: {template: one_off, cluster: a}\n"
        "  d: {template: one_off, cluster: b}\n"
        "  e: {template: one_off}\n"
    )
    arguments = build_parser().parse_args(["why", "dev", "--params", str(tmp_path)])
    arguments.templates = "templates"
    deployed = find_deployed(arguments)
    assert isinstance(deployed, Deployed)
    assert list(deployed.stack_names) == ["a", "b", "c", "d", "e"], "mistakes do not matter"
    assert deployed.find_cluster("c") == ("", "kelp-dev-a")
    assert deployed.find_cluster("d") == ("old", "")
    assert deployed.find_cluster("e") == ("", "")


def test_boto3_is_imported_only_by_what_needs_it() -> None:
    code = "import sys, moorage.cli; sys.exit('boto3' in sys.modules or 'botocore' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
