"""Deployments that fail: all that the user sees, and that the next one ends well.

The texts are in failed_deployments.txt. After a change: UPDATE=1 pytest -n 0, then read the diff.
What `moorage why` says about these failures is in diagnosis/reports.txt.
"""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from fake_aws import (
    SERVICE,
    FakeAws,
    RefusalError,
    Step,
    deployed,
    fail_creation,
    fail_update,
    make_stack,
    make_target,
    succeed,
)

from moorage.commands.deploy import deploy_target
from moorage.commands.deployment import explain_aws_errors
from moorage.commands.usage import FailedError, UsageError
from moorage.deploy.target import Target

TEXTS = Path(__file__).with_name("failed_deployments.txt")
NETWORK = make_stack("network")
WEB = make_stack("web", "network")
NEW = make_stack("web", "network", text="v2")
ARN = "arn:aws:ecs:eu-central-1:111122223333:service/shop/shop-dev-web"
BREAKER = (
    "Resource handler returned message: \"Error occurred during operation 'ECS Deployment Circuit "
    "Breaker was triggered'.\" (RequestToken: 0a1b2c3d, HandlerErrorCode: GeneralServiceException)"
)
ADDRESSES = (
    'Resource handler returned message: "The maximum number of addresses has been reached. '
    '(Service: Ec2, Status Code: 400, Request ID: 0a1b)" (HandlerErrorCode: '
    "GeneralServiceException)"
)


@dataclass
class Failure:
    """A deployment that fails or is delayed, and what is corrected before the next one."""

    aws: FakeAws
    target: Target
    correct: Callable[[FakeAws], None] = lambda aws: None
    agree: bool = False
    """Whether the user agrees to skip resources."""
    codes: tuple[int, int] = (1, 0)


def existing(**more: Any) -> FakeAws:
    return FakeAws(stacks=deployed((NETWORK, WEB)), **more)


def rollout(failed: int, reason: str = "") -> Callable[[float], dict[str, Any]]:
    """A service whose new tasks fail, one every five seconds."""

    def service(time: float) -> dict[str, Any]:
        number = min(failed, int(time // 5))
        deployment = {
            "status": "PRIMARY",
            "desiredCount": 2,
            "runningCount": 0,
            "pendingCount": 2,
            "failedTasks": number,
            "rolloutState": "FAILED" if reason and number == failed else "IN_PROGRESS",
            "rolloutStateReason": reason if number == failed else "",
        }
        balancer = {"targetGroupArn": "arn:group"}
        return {"deployments": [deployment], "loadBalancers": [balancer]}

    return service


def breaker_steps() -> list[Step]:
    failed = "The following resource(s) failed to update: [Service]."
    return [
        Step(0, "", "UPDATE_IN_PROGRESS", "User Initiated"),
        Step(1, "Service", "UPDATE_IN_PROGRESS", type=SERVICE),
        Step(20, "Service", "UPDATE_FAILED", BREAKER, type=SERVICE),
        Step(21, "", "UPDATE_ROLLBACK_IN_PROGRESS", failed),
        Step(25, "Service", "UPDATE_COMPLETE", type=SERVICE),
        Step(26, "", "UPDATE_ROLLBACK_COMPLETE"),
    ]


def failing_service(count: int, targets: list[str], reason: str = "") -> Failure:
    """Tasks do not start or stay: the circuit breaker stops the deployment."""
    aws = existing(
        scripts={"shop-dev-web": [breaker_steps()]},
        services={ARN: rollout(count, reason)},
        targets=targets,
    )
    return Failure(aws, make_target(NETWORK, NEW))


def refused(operation: str, *errors: RefusalError, **more: Any) -> Failure:
    aws = existing(refusals={operation: [*errors]}, **more)
    return Failure(aws, make_target(NETWORK, NEW))


def name_taken() -> Failure:
    finding = {
        "EventId": "1",
        "EventType": "VALIDATION_ERROR",
        "ValidationName": "NAME_CONFLICT_VALIDATION",
        "ValidationStatus": "FAILED",
        "ValidationFailureMode": "FAIL",
        "LogicalResourceId": "Cluster",
        "ValidationPath": "/Resources/Cluster/Properties/ClusterName",
        "ValidationStatusReason": "Resource of type 'AWS::ECS::Cluster' with identifier 'web' "
        "already exists.",
    }
    aws = FakeAws(stacks=deployed((NETWORK,)), findings={"shop-dev-web": [finding]})
    return Failure(aws, make_target(NETWORK, WEB), lambda aws: aws.findings.clear())


def image_not_found() -> Failure:
    image = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/shop/web:2"
    container = {"Name": "web", "Image": image}
    task = {"Type": "AWS::ECS::TaskDefinition", "Properties": {"ContainerDefinitions": [container]}}
    web = replace(NEW, body={"Resources": {"TaskDefinition": task}})
    aws = existing(existing={"shop/web"})
    return Failure(aws, make_target(NETWORK, web), lambda aws: aws.existing.add("shop/web:2"))


def rollback_failed(*, agree: bool) -> Failure:
    aws = existing()
    aws.stacks["shop-dev-web"].status = "UPDATE_ROLLBACK_FAILED"
    aws.scripts["shop-dev-web"] = [
        fail_update("The cluster was deleted by hand", "UPDATE_ROLLBACK_FAILED"),
        [Step(0, "", "UPDATE_ROLLBACK_IN_PROGRESS"), Step(5, "", "UPDATE_ROLLBACK_COMPLETE")],
    ]
    codes = (0, 0) if agree else (1, 0)
    return Failure(aws, make_target(NETWORK, NEW), agree=agree, codes=codes)


def throttled_in_the_middle() -> Failure:
    failure = refused("DescribeStackEvents")
    failure.aws.later_refusals[9] = ("DescribeStackEvents", RefusalError("Throttling"))
    failure.codes = (0, 0)
    return failure


def expired_in_the_middle() -> Failure:
    failure = refused("DescribeStackEvents")
    failure.aws.later_refusals[5] = ("DescribeStackEvents", RefusalError("ExpiredToken"))
    return failure


def updated_by_somebody_else() -> Failure:
    """What failed last in CloudFormation is an older update, and not the reason."""
    failure = refused("ExecuteChangeSet", RefusalError("InvalidChangeSetStatus", "OBSOLETE"))
    web = failure.aws.stacks["shop-dev-web"]
    web.steps = [(-60 + step.after, step) for step in fail_update("An older reason")]
    return failure


FAILURES: dict[str, Callable[[], Failure]] = {
    "throttling before anything is changed": lambda: refused(
        "CreateChangeSet", RefusalError("Throttling", "Rate exceeded")
    ),
    "throttling in the middle": throttled_in_the_middle,
    "credentials that expire in the middle": expired_in_the_middle,
    "a minute without network": lambda: Failure(
        existing(scripts={"shop-dev-web": [succeed("UPDATE", 100)]}, offline=(20, 80)),
        make_target(NETWORK, NEW),
        codes=(0, 0),
    ),
    "quota exceeded": lambda: Failure(
        FakeAws(scripts={"shop-dev-network": [fail_creation(ADDRESSES, "NatAddressA")]}),
        make_target(NETWORK, WEB),
    ),
    "name taken": name_taken,
    "image not found": image_not_found,
    "secret denied": lambda: failing_service(2, []),
    "health check failing": lambda: failing_service(3, ["unhealthy", "healthy"]),
    "exit 137": lambda: failing_service(4, ["draining"]),
    "no addresses for network interfaces": lambda: failing_service(0, []),
    "circuit breaker": lambda: failing_service(
        3, ["initial"], "ECS deployment circuit breaker: tasks failed to start."
    ),
    "updated by somebody else": updated_by_somebody_else,
    "update rollback failed, resources skipped": lambda: rollback_failed(agree=True),
    "update rollback failed, resources not skipped": lambda: rollback_failed(agree=False),
}


def run(failure: Failure, target: Target, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """A deployment: its exit code, and what it prints, stderr last."""
    arguments = Namespace(
        env="dev", stacks=[], yes=True, no_wait=False, express=False, parallel=5, format="text"
    )
    asked: list[str] = []

    def agree(question: str) -> bool:
        asked.append(f"{question} [y/N] {'y' if failure.agree else 'n'}\n")
        return failure.agree

    error = ""
    try:
        with explain_aws_errors():
            context = replace(failure.aws.context(), start=failure.aws.time)
            code = deploy_target(arguments, target, context, agree)
    except UsageError as wrong:
        code, error = 2, f"build.py: {wrong}\n"
    except FailedError as failed:
        code, error = 1, f"build.py: {failed}\n"
    shown = capsys.readouterr()
    return code, shown.out + shown.err + "".join(asked) + error


def sections() -> Iterator[tuple[str, str]]:
    for part in TEXTS.read_text().split("===== ")[1:]:
        name, _, text = part.partition("\n")
        yield name, text


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_is_explained_and_the_next_deployment_ends_well(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    failure = FAILURES[name]()
    code, text = run(failure, failure.target, capsys)
    failure.correct(failure.aws)
    again, text_again = run(failure, failure.target, capsys)
    shown = f"{text}----- again\n{text_again}\n"
    if os.environ.get("UPDATE"):
        texts = {**dict(sections()), name: shown}
        TEXTS.write_text(
            "".join(f"===== {each}\n{texts[each]}" for each in FAILURES if each in texts)
        )
    assert (code, again) == failure.codes
    assert shown == dict(sections())[name]
    stacks = failure.aws.stacks.values()
    assert {stack.status for stack in stacks} <= {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
    assert failure.aws.change_sets == {}, "nothing is left behind"
    assert run(failure, failure.target, capsys) == (0, "Nothing to change: network, web\n")
