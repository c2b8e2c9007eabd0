"""EventBridge rules for events of ECS, CodeDeploy and Step Functions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from troposphere import Ref, Sub

from moorage.facts.alarm_metrics import (
    CODE_DEPLOYMENT_EVENT,
    DEPLOYMENT_EVENT,
    EXECUTION_EVENT,
    FAILED_CODE_DEPLOYMENTS,
    FAILED_EXECUTIONS,
    SERVICE_EVENT,
    STOP_CODES,
    TASK_EVENT,
)

from ..alarms.alarms import EventAlarm
from . import run_task
from .alarm_params import EcsAlarmParams
from .task import Task


def describe(task: Task, problem: str, place: str = "") -> str:
    """The description of an alarm, which is also in its notifications."""
    return f"{task.env.stack_name(task.name)}: {problem}" + (f" ({place})" if place else "")


FailedDeployment = Literal["circuit breaker", "ECS", "CodeDeploy"]
"""What reports a failed deployment: the circuit breaker, ECS without it, or CodeDeploy."""


def service_events(
    params: EcsAlarmParams, task: Task, failed_by: FailedDeployment
) -> Iterator[EventAlarm]:
    if params.deployment_failed:
        code_deploy = failed_by == "CodeDeploy"
        yield EventAlarm(
            name="deployment_failed",
            title="DeploymentFailedRule",
            description=describe(task, "a deployment has failed"),
            pattern=_FAILED_DEPLOYMENTS[failed_by],
            values={"deployment": "$.detail.deploymentId", "state": "$.detail.state"}
            if code_deploy
            else {"reason": "$.detail.reason"},
        )
    if params.task_stopped:
        yield EventAlarm(
            name="task_stopped",
            title="TaskStoppedRule",
            description=describe(task, "a task has stopped by a fault of its own"),
            pattern=_task_pattern(
                task,
                group=Sub("service:${Service.Name}"),
                stopCode=list(STOP_CODES),
            ),
            values=_TASK_VALUES,
        )


def _failed_deployment(*events: str) -> dict[str, Any]:
    return {
        "source": ["aws.ecs"],
        "detail-type": list(events),
        "resources": [Ref("Service")],
        "detail": {"eventName": ["SERVICE_DEPLOYMENT_FAILED"]},
    }


_FAILED_CODE_DEPLOYMENT = {
    "source": ["aws.codedeploy"],
    "detail-type": [CODE_DEPLOYMENT_EVENT],
    "detail": {
        "application": [Ref("CodeDeployApplication")],
        "deploymentGroup": [Ref("CodeDeployDeploymentGroup")],
        "state": list(FAILED_CODE_DEPLOYMENTS),
    },
}

_FAILED_DEPLOYMENTS: Mapping[FailedDeployment, dict[str, Any]] = {
    "circuit breaker": _failed_deployment(DEPLOYMENT_EVENT),
    # AWS documents the first event for the circuit breaker only.
    "ECS": _failed_deployment(DEPLOYMENT_EVENT, SERVICE_EVENT),
    "CodeDeploy": _FAILED_CODE_DEPLOYMENT,
}

_TASK_VALUES = {"reason": "$.detail.stoppedReason", "task": "$.detail.taskArn"}


def _task_pattern(task: Task, *, group: Any, **detail: Any) -> dict[str, Any]:
    """The event pattern for tasks of a group that have stopped."""
    return {
        "source": ["aws.ecs"],
        "detail-type": [TASK_EVENT],
        "detail": {
            "clusterArn": [run_task.cluster_arn(task, "cluster/${Cluster}")],
            "group": [group],
            "lastStatus": ["STOPPED"],
            **detail,
        },
    }


def run_failed_event(task: Task, state_machine: bool) -> EventAlarm:
    """The event of a failed run: that of the state machine, or without one, that of a task with a
    container that has failed. A task that EventBridge Scheduler starts has the group of its family
    (Amazon ECS API reference, Task, group)."""
    if state_machine:
        return EventAlarm(
            name="run_failed",
            title="RunFailedRule",
            description=describe(task, "a run has failed"),
            pattern={
                "source": ["aws.states"],
                "detail-type": [EXECUTION_EVENT],
                "detail": {
                    "stateMachineArn": [Ref("StateMachine")],
                    "status": list(FAILED_EXECUTIONS),
                },
            },
            values={"execution": "$.detail.executionArn", "status": "$.detail.status"},
        )
    return EventAlarm(
        name="run_failed",
        title="RunFailedRule",
        description=describe(task, "a run has failed"),
        pattern=_task_pattern(
            task,
            group=f"family:{task.family}",
            containers={"exitCode": [{"anything-but": [0]}]},
        ),
        values=_TASK_VALUES,
    )
