"""Constraints of event rules and schedules: when they run, and what they send."""

from __future__ import annotations

from moorage.facts.schedule_expressions import CRON, INSTANT, RULE_CRON, SCHEDULE
from moorage.rules.constraints.arns import IsArnOf
from moorage.rules.constraints.combinations import All, AtMostOne, Either, IsReference, Not, Refers
from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.predicates import (
    Absent,
    Count,
    EndsWith,
    Is,
    IsJson,
    IsMap,
    IsTrue,
    Matches,
    Present,
    Unique,
)

_RULE = "AWS::Events::Rule"
_SCHEDULE = "AWS::Scheduler::Schedule"
_TARGETS = (f"{_RULE} Targets[]", f"{_SCHEDULE} Target")
_RULES = "Amazon EventBridge API reference"
_SCHEDULER = "Amazon EventBridge Scheduler API reference"
_REPRODUCED = "AWS's error message, reproduced by cdk-preflight"

CONSTRAINTS = (
    Constraint(
        "E9001",
        f"{_RULE} EventPattern.detail.clusterArn[]",
        "An event pattern has the name of a cluster in place of its ARN.",
        must=Not(IsReference("", "AWS::ECS::Cluster", "Ref")),
        message="The pattern of rule {id} compares `clusterArn` with the name of a cluster, so the "
        "rule never runs",
        fix="Write `!GetAtt <cluster>.Arn`.",
        sources=("Amazon ECS developer guide: Amazon ECS events",),
    ),
    Constraint(
        "E9019",
        _RULE,
        "A rule has two targets with one ID, an empty pattern, or a schedule on another bus.",
        must=All(
            Unique("Targets", ("Id",)),
            Either(
                Present("ScheduleExpression"),
                Not(IsMap("EventPattern")),
                Count("EventPattern", 1, 100),
            ),
            Either(
                Absent("ScheduleExpression"),
                Absent("EventBusName"),
                Is("EventBusName", "default"),
                EndsWith("EventBusName", (":event-bus/default",)),
            ),
            Either(
                Absent("ScheduleExpression"),
                Not(IsReference("EventBusName", "AWS::Events::EventBus")),
            ),
        ),
        message="Rule {id} has two targets with the same `Id`, an `EventPattern` without keys, or "
        "a schedule on another event bus than `default`",
        fix="Write different IDs, a pattern with a key such as `source`, and no `EventBusName` for "
        "a schedule.",
        error_messages=(
            "More than one target with Id '...' is provided.",
            "Parameter(s) EventPattern or ScheduleExpression must be specified",
            "ScheduleExpression is supported only on the default event bus.",
        ),
        sources=(f"{_RULES}: PutRule and PutTargets", _REPRODUCED),
    ),
    Constraint(
        "E9025",
        (*_TARGETS, "AWS::Events::EventBus"),
        "The dead-letter queue of events is no standard queue.",
        must=All(
            IsArnOf("DeadLetterConfig.Arn", "sqs"),
            Not(Refers("DeadLetterConfig.Arn", "AWS::SQS::Queue", IsTrue("FifoQueue"))),
            Not(EndsWith("DeadLetterConfig.Arn", (".fifo",))),
        ),
        message="{id} has a dead-letter queue that is a FIFO queue, or no queue",
        fix="Write the ARN of a standard queue.",
        error_messages=(
            "SQS FIFO is not supported by Dead Letter Queues",
            "... is not supported as a dead letter resource",
        ),
        sources=("Amazon EventBridge user guide: Using dead-letter queues", _REPRODUCED),
    ),
    Constraint(
        "E9057",
        _TARGETS,
        "The input of a target is not valid, or is written twice.",
        must=All(
            AtMostOne(Present("Input"), Present("InputPath"), Present("InputTransformer")),
            Matches("InputPath", r"\$.*"),
            Either(IsJson("Input"), Not(IsArnOf("Arn", "lambda", "states", "events"))),
            Either(IsJson("Input"), Not(IsArnOf("Arn", "ecs")), Not(Matches("Input", r"\s*\{.*"))),
            Either(IsJson("Input"), Absent("/Targets")),
            Either(
                All(Present("Input"), IsJson("Input")),
                Not(Matches("Arn", "arn:[^:]+:scheduler:::aws-sdk:.*")),
            ),
        ),
        message="{id} has a target with an input that is no JSON, is missing, or is written twice",
        fix="Write one of `Input`, `InputPath` and `InputTransformer`; `Input` as JSON, such as "
        "`'{\"containerOverrides\": []}'`, and `InputPath` from `$` on.",
        error_messages=(
            "JSON syntax error in input for target ...",
            "Only one of Input, InputPath, or InputTransformer must be provided for target ...",
            "You must provide an input to set this target for your schedule",
        ),
        sources=(f"{_RULES}: Target, Input", f"{_SCHEDULER}: Target, Input", _REPRODUCED),
    ),
    Constraint(
        "E9058",
        (_SCHEDULE, _RULE),
        "The time of a schedule is not valid.",
        must=All(
            Either(Matches("ScheduleExpression", SCHEDULE), Absent("Target")),
            Either(
                Matches("ScheduleExpression", f"(?i:{CRON})"),
                Not(Matches("ScheduleExpression", RULE_CRON)),
                Absent("Targets"),
            ),
            *(Matches(key, INSTANT) for key in ("StartDate", "EndDate")),
            Not(Matches("ScheduleExpressionTimezone", r"(UTC ?)?[+-][0-9].*")),
        ),
        message="{key} of {id} has the wrong form",
        fix="Write `rate(5 minutes)`, `at(2030-01-31T12:00:00)`, or `cron(0 3 * * ? *)` with `?` "
        "for one of the two days; a time zone such as `Europe/Berlin`; start and end such as "
        "`2030-01-31T12:00:00.000Z`.",
        error_messages=(
            "Invalid Schedule Expression ...",
            "Parameter ScheduleExpression is not valid.",
            "EndDate needs to follow the format yyyy-MM-ddTHH:mm:ss.SSSZ",
        ),
        sources=(
            "EventBridge Scheduler user guide: Schedule types in EventBridge Scheduler",
            _REPRODUCED,
        ),
    ),
)
