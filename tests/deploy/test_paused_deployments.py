"""Deployments of services that wait at a hook or are ended by an alarm, and updates that another
deployment prevents: what the user reads, and that the next deployment ends well."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fake_aws import SERVICE, FakeAws, RefusalError, Step, deployed, make_stack, make_target
from test_execute import deploy, lines, results, start

from moorage.deploy.preview import delete_change_sets

WEB = make_stack("web")
CHANGED = make_target(make_stack("web", text="v2"))
ARN = "arn:aws:ecs:eu-central-1:111122223333:service/shop/shop-dev-web"
DEPLOYMENT = "arn:aws:ecs:eu-central-1:111122223333:service-deployment/shop/shop-dev-web/d1"
CONTINUE = (
    "Continue it: aws ecs continue-service-deployment --region eu-central-1 "
    f"--service-deployment-arn {DEPLOYMENT} --hook-id check --action CONTINUE (or ROLLBACK)"
)


def service(time: float) -> dict[str, Any]:
    primary = {"status": "PRIMARY", "desiredCount": 2, "runningCount": 2}
    return {"deployments": [primary], "currentServiceDeployment": DEPLOYMENT}


def updating(seconds: float, end: list[Step]) -> list[Step]:
    """The events of an update of the service that takes some seconds."""
    return [
        Step(0, "", "UPDATE_IN_PROGRESS", "User Initiated"),
        Step(1, "Service", "UPDATE_IN_PROGRESS", type=SERVICE),
        *end,
    ]


def test_a_pause_hook_says_what_waits_until_when_and_how_to_continue() -> None:
    def paused(time: float) -> dict[str, Any]:
        hook = {
            "hookId": "check",
            "targetType": "PAUSE",
            "status": "AWAITING_ACTION" if time < 20 else "SUCCEEDED",
            "expiresAt": datetime(2026, 11, 27, 12, 30, tzinfo=UTC),
            "timeoutAction": "ROLLBACK",
        }
        strategy = {"strategy": "BLUE_GREEN"}
        return {
            "serviceArn": ARN,
            "lifecycleStage": "POST_TEST_TRAFFIC_SHIFT",
            "deploymentConfiguration": strategy,
            "lifecycleHookDetails": [hook],
        }

    end = [Step(30, "Service", "UPDATE_COMPLETE", type=SERVICE), Step(31, "", "UPDATE_COMPLETE")]
    aws = FakeAws(
        stacks=deployed((WEB,)),
        scripts={"shop-dev-web": [updating(30, end)]},
        services={ARN: service},
        deployments={DEPLOYMENT: paused},
    )
    assert results(deploy(aws, CHANGED)) == {"web": "succeeded"}
    assert lines(aws) == [
        "00:00 web: updating, usually 01:40",
        "00:03 web: Service: 2 of 2 tasks run, POST_TEST_TRAFFIC_SHIFT, waits at the hook check",
        "00:03 web: the deployment waits at the hook check; otherwise ECS rolls it back at "
        f"2026-11-27 12:30 UTC. {CONTINUE}",
        "00:21 web: Service: 2 of 2 tasks run, POST_TEST_TRAFFIC_SHIFT",
        "00:30 web: Service (AWS::ECS::Service) UPDATE_COMPLETE",
        "00:33 web: updated in 00:33",
    ]
    assert results(deploy(aws, CHANGED)) == {"web": "unchanged"}


def test_a_rollback_by_an_alarm_names_the_alarm() -> None:
    def alarmed(time: float) -> dict[str, Any]:
        triggered = {"triggeredAlarmNames": ["shop-dev-web-Errors"]} if time > 10 else {}
        return {"serviceArn": ARN, "alarms": triggered}

    reason = "(service web) (deployment ecs-svc/1) deployment failed: alarm detected."
    end = [
        Step(20, "Service", "UPDATE_FAILED", reason, SERVICE),
        Step(21, "", "UPDATE_ROLLBACK_IN_PROGRESS", "The following resource(s) failed: [Service]."),
        Step(30, "", "UPDATE_ROLLBACK_COMPLETE"),
    ]
    aws = FakeAws(
        stacks=deployed((WEB,)),
        scripts={"shop-dev-web": [updating(30, end)]},
        services={ARN: service},
        deployments={DEPLOYMENT: alarmed},
    )
    outcomes = deploy(aws, CHANGED)
    assert outcomes["web"].reason == (
        f"Service (AWS::ECS::Service): {reason} The stack is UPDATE_ROLLBACK_COMPLETE"
    )
    assert "00:12 web: Service: 2 of 2 tasks run, stopped by the alarm shop-dev-web-Errors" in (
        lines(aws)
    )
    assert results(deploy(aws, CHANGED)) == {"web": "succeeded"}


# Two deployments at once -----------------------------------------------------------------------


def test_another_update_begins_before_the_change_set_is_created() -> None:
    aws = FakeAws(stacks=deployed((WEB,)))
    text = "Stack:shop-dev-web is in UPDATE_IN_PROGRESS state and can not be updated."
    aws.refusals["CreateChangeSet"] = [RefusalError("ValidationError", text)]
    execution = start(aws, CHANGED)
    (problem,) = execution.previews[0].problems
    assert (problem.level, problem.message) == ("error", f"CreateChangeSet: {text}")
    assert delete_change_sets(execution.context) == []
    assert results(deploy(aws, CHANGED)) == {"web": "succeeded"}


def test_another_update_begins_before_the_change_set_is_executed() -> None:
    aws = FakeAws(stacks=deployed((WEB,)))
    execution = start(aws, CHANGED)
    text = "ChangeSet [moorage-1] cannot be executed in its current status of [OBSOLETE]"
    aws.refusals["ExecuteChangeSet"] = [RefusalError("InvalidChangeSetStatus", text)]
    (outcome,) = execution.run(aws.events.append, 5).values()
    assert outcome.reason == (
        "the stack was updated by somebody else after this deployment had read it. Deploy again"
    )
    assert delete_change_sets(execution.context) == []
    assert aws.change_sets == {}
    assert results(deploy(aws, CHANGED)) == {"web": "succeeded"}
