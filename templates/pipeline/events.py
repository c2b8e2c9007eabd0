"""EventBridge rules: what starts a pipeline, and messages about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from troposphere import GetAtt, events

from moorage.model import Environment, logical_id

from .. import notifications
from ..alarms.alarms import EventAlarm, event_rule
from ..builds.source import codecommit_arn
from ..common.used_stacks import resolve_stack
from .params import Event, Params
from .roles import pipeline_arn
from .stages import image_namespace


def start_rules(pipeline: str, params: Params) -> Iterator[events.Rule]:
    """The rules that start the pipeline: AWS CodePipeline user guide, "CodeCommit source actions
    and EventBridge" and "Amazon ECR source actions and EventBridge resources"."""
    if params.source.codecommit:
        pattern: dict[str, Any] = {
            "source": ["aws.codecommit"],
            "detail-type": ["CodeCommit Repository State Change"],
            "resources": [codecommit_arn(params.source)],
            "detail": {
                "event": ["referenceCreated", "referenceUpdated"],
                "referenceType": ["branch"],
                "referenceName": [params.source.branch],
            },
        }
        yield _start("SourceRule", pipeline, pattern)
    for target, image in params.pushed_images.items():
        pattern = {
            "source": ["aws.ecr"],
            "detail-type": ["ECR Image Action"],
            "detail": {
                "action-type": ["PUSH"],
                "result": ["SUCCESS"],
                "repository-name": [image.repository],
                "image-tag": [image.tag],
            },
        }
        yield _start(logical_id(image_namespace(target), "Rule"), pipeline, pattern)


def _start(title: str, pipeline: str, pattern: dict[str, Any]) -> events.Rule:
    return events.Rule(
        title,
        Description=f"Starts the pipeline {pipeline}",
        EventPattern=pattern,
        Targets=[
            events.Target(
                Id="Pipeline",
                Arn=pipeline_arn(pipeline),
                RoleArn=GetAtt("StartRole", "Arn"),
            )
        ],
    )


_EXECUTION = "CodePipeline Pipeline Execution State Change"
_ACTION = "CodePipeline Action Execution State Change"


def message_rules(pipeline: str, params: Params, env: Environment) -> Iterator[events.Rule]:
    """The rules that send messages about the pipeline to the topic: AWS CodePipeline user guide,
    "Monitoring CodePipeline events"."""
    if params.notify is None:
        return
    used = resolve_stack(env, notifications.Params, params.notify.to, notifications.handle)
    if used is None:
        return
    for event in params.notify.on:
        yield event_rule(_message(event, pipeline), used.handle.topic)


def _message(event: Event, pipeline: str) -> EventAlarm:
    detail: dict[str, Any] = {"pipeline": [pipeline], "state": [event.upper()]}
    values = {"execution": "$.detail.execution-id"}
    description = f"{pipeline}: an execution has {event}"
    if event == "approval":
        detail |= {"state": ["STARTED"], "type": {"category": ["Approval"]}}
        values["stage"] = "$.detail.stage"
        description = f"{pipeline}: an execution waits for an approval"
    return EventAlarm(
        name=event,
        title=logical_id(event, "Rule"),
        description=description,
        pattern={
            "source": ["aws.codepipeline"],
            "detail-type": [_ACTION if event == "approval" else _EXECUTION],
            "detail": detail,
        },
        values=values,
    )
