"""The alarms of a stack: their params, problems and resources."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import Field
from troposphere import AWSObject, Sub, cloudwatch, events

from moorage.facts.alarm_metrics import METRICS, PERIOD, Missing
from moorage.findings.finding import Problem
from moorage.findings.wording import near
from moorage.model import Base, Environment, logical_id
from moorage.records import record

from .. import notifications
from ..common.fields import StackName, UniqueList
from ..common.numbers import round_number
from ..common.stack_lookup import find_stack_problems
from ..common.used_stacks import UsedStack, resolve_stack

UsedNotifications = UsedStack[notifications.Params, notifications.Handle]


class Page(Base):
    """A composite alarm, which goes off while at least one of several alarms does: for problems
    that must wake somebody."""

    when: UniqueList[str] = Field(
        min_length=1, description="The names of the stack's alarms that it combines."
    )
    to: StackName | None = Field(
        None,
        description="Stack of the notifications, if not that of the alarms.",
    )


class AlarmParams(Base):
    """The alarms of a stack. `false` turns an alarm off."""

    to: StackName | None = Field(
        None, description="Stack of the notifications; by default the only one."
    )
    recovery: bool = Field(
        False, description="Whether alarms also notify when their condition no longer holds."
    )
    page: Page | None = Field(
        None,
        examples=[{"when": ["no_healthy_host"], "to": "pager"}],
        description="A composite alarm.",
    )


@record
class Value:
    """A metric of a resource."""

    metric: str
    """Its name in `METRICS`."""
    dimensions: tuple[Any, ...]
    """The values of its dimensions."""


@record
class MetricAlarm:
    """An alarm for a metric, or for an expression of several."""

    name: str
    """Its key in the params."""
    title: str
    """Its logical ID."""
    description: str
    values: Mapping[str, Value]
    """The metrics by their IDs in the expression."""
    expression: str | None
    """None for an alarm on the one metric in `values`."""
    threshold: float
    minutes: int
    missing: Missing
    below: bool = False
    """Whether the alarm goes off below the threshold, instead of above it."""


@record
class EventAlarm:
    """An EventBridge rule that sends the topic a message for each event that matches."""

    name: str
    title: str
    description: str
    pattern: Mapping[str, Any]
    values: Mapping[str, str]
    """Parts of the message besides the description: paths in the event, by name. Each event that
    matches must have them."""


@record
class Alarms:
    """All alarms of a stack, and the topics that they notify."""

    params: AlarmParams
    stack: str
    to: UsedNotifications | None
    """None if there is none, which `alarm_problems` reports."""
    page_to: UsedNotifications | None
    metric_alarms: tuple[MetricAlarm, ...]
    event_alarms: tuple[EventAlarm, ...] = ()

    @property
    def names(self) -> list[str]:
        """The names of the alarms that a composite alarm can combine, without duplicates."""
        return list(dict.fromkeys(alarm.name for alarm in self.metric_alarms))


def resolve_notifications(params: AlarmParams, env: Environment) -> UsedNotifications | None:
    """The notifications that the alarms of these params use."""
    return resolve_stack(env, notifications.Params, params.to, notifications.handle)


def resolve_page(params: AlarmParams, env: Environment) -> UsedNotifications | None:
    """The notifications of the composite alarm."""
    if params.page is None:
        return None
    to = params.page.to or params.to
    return resolve_stack(env, notifications.Params, to, notifications.handle)


def alarm_problems(alarms: Alarms | None, env: Environment) -> Iterator[Problem]:
    """Stacks of notifications that do not exist, and alarms of `page` that do not exist."""
    if alarms is None:
        return
    kind = notifications.Params
    to = alarms.params.to
    yield from find_stack_problems(env, kind, to, ("alarms", "to"), "notifications")
    page = alarms.params.page
    if page is None:
        return
    if page.to:
        at = ("alarms", "page", "to")
        yield from find_stack_problems(env, kind, page.to, at, "notifications")
    for index, name in enumerate(page.when):
        if name not in alarms.names:
            message = f"The stack has no alarm `{name}` that a composite alarm can combine"
            closest = near(name, alarms.names)
            names = [closest] if closest else alarms.names
            choice = ", ".join(f"`{each}`" for each in names)
            hint = f"Write {choice}." if names else "Remove `page`."
            yield Problem("M3406", ("alarms", "page", "when", index), message, hint)


# Resources -----------------------------------------------------------------------------------


def alarm_resources(alarms: Alarms | None) -> Iterator[AWSObject]:
    """The alarms, the rules, and the composite alarm."""
    if alarms is None or alarms.to is None:
        return
    for metric in alarms.metric_alarms:
        yield _alarm(metric, _actions(alarms, alarms.to))
    for event in alarms.event_alarms:
        yield event_rule(event, alarms.to.handle.topic)
    if alarms.params.page and alarms.page_to:
        yield _composite(alarms, alarms.params.page, alarms.page_to)


def _actions(alarms: Alarms, to: UsedNotifications) -> dict[str, Any]:
    topic = to.handle.topic
    recovery = {"OKActions": [topic]} if alarms.params.recovery else {}
    return {"AlarmActions": [topic], **recovery}


def _alarm(alarm: MetricAlarm, actions: Mapping[str, Any]) -> cloudwatch.Alarm:
    """An alarm that evaluates two minutes more than the condition must hold, because metrics arrive
    late, and not all of them in the same minute (CloudWatch user guide, "Evaluating an alarm")."""
    return cloudwatch.Alarm(
        alarm.title,
        AlarmDescription=alarm.description,
        **actions,
        **_metric_properties(alarm),
        ComparisonOperator="LessThanThreshold" if alarm.below else "GreaterThanThreshold",
        Threshold=round_number(alarm.threshold),
        EvaluationPeriods=alarm.minutes + 2,
        DatapointsToAlarm=alarm.minutes,
        TreatMissingData=alarm.missing,
    )


def _metric_properties(alarm: MetricAlarm) -> dict[str, Any]:
    if alarm.expression is None:
        (value,) = alarm.values.values()
        metric = METRICS[value.metric]
        if metric.statistic.startswith("p"):
            statistic = {
                "ExtendedStatistic": metric.statistic,
                "EvaluateLowSampleCountPercentile": "ignore",
            }
        else:
            statistic = {"Statistic": metric.statistic}
        return {
            "Namespace": metric.namespace,
            "MetricName": metric.name,
            "Dimensions": _dimensions(value),
            "Period": PERIOD,
            **statistic,
        }
    queries = [
        cloudwatch.MetricDataQuery(
            Id=key,
            MetricStat=cloudwatch.MetricStat(
                Metric=cloudwatch.Metric(
                    Namespace=METRICS[value.metric].namespace,
                    MetricName=METRICS[value.metric].name,
                    Dimensions=_dimensions(value),
                ),
                Period=PERIOD,
                Stat=METRICS[value.metric].statistic,
            ),
            ReturnData=False,
        )
        for key, value in alarm.values.items()
    ]
    result = cloudwatch.MetricDataQuery(Id=alarm.name, Expression=alarm.expression, ReturnData=True)
    return {"Metrics": [*queries, result]}


def _dimensions(value: Value) -> list[cloudwatch.MetricDimension]:
    names = METRICS[value.metric].dimensions
    return [
        cloudwatch.MetricDimension(Name=name, Value=dimension)
        for name, dimension in zip(names, value.dimensions, strict=True)
    ]


def event_rule(event: EventAlarm, topic: Any) -> events.Rule:
    """The rule that sends a topic a message for each event.

    EventBridge user guide, "Amazon EventBridge input transformation": in a JSON template without
    quotes around a variable, EventBridge writes its value as JSON, whatever characters it has."""
    parts = {"message": json.dumps(event.description)} | {key: f"<{key}>" for key in event.values}
    template = ", ".join(f'"{key}": {value}' for key, value in parts.items())
    return events.Rule(
        event.title,
        Description=event.description,
        EventPattern=event.pattern,
        Targets=[
            events.Target(
                Id="Notifications",
                Arn=topic,
                InputTransformer=events.InputTransformer(
                    InputPathsMap=dict(event.values), InputTemplate=f"{{{template}}}"
                ),
            )
        ],
    )


def _composite(alarms: Alarms, page: Page, to: UsedNotifications) -> cloudwatch.CompositeAlarm:
    """The composite alarm. Its rule contains the names of the alarms (CloudWatch API reference,
    PutCompositeAlarm)."""
    parts = select_alarms(page.when, alarms.metric_alarms)
    rule = " OR ".join(f'ALARM("${{{alarm.title}}}")' for alarm in parts)
    return cloudwatch.CompositeAlarm(
        "PageAlarm",
        AlarmDescription=f"{alarms.stack}: {' or '.join(page.when)}",
        AlarmRule=Sub(rule),
        **_actions(alarms, to),
    )


def select_alarms(names: Sequence[str], alarms: Sequence[MetricAlarm]) -> list[MetricAlarm]:
    """The alarms with these names. Several have the same name if each target group has one."""
    return [alarm for alarm in alarms if alarm.name in names]


# Values over several resources ---------------------------------------------------------------


def sum_of(key: str, values: Sequence[Value]) -> tuple[dict[str, Value], str]:
    """The values by their IDs, and an expression for their sum, in which a missing value is 0."""
    return _aggregate(key, values, "SUM")


def maximum_of(key: str, values: Sequence[Value]) -> tuple[dict[str, Value], str]:
    """The values by their IDs, and an expression for the largest, in which a missing value is 0."""
    return _aggregate(key, values, "MAX")


def _aggregate(key: str, values: Sequence[Value], function: str) -> tuple[dict[str, Value], str]:
    by_id, filled = values_by_id(key, values)
    return by_id, filled[0] if len(filled) == 1 else f"{function}([{', '.join(filled)}])"


def values_by_id(key: str, values: Sequence[Value]) -> tuple[dict[str, Value], list[str]]:
    """The values by their IDs, and an expression for each, in which a missing value is 0."""
    if len(values) == 1:
        return {key: values[0]}, [f"FILL({key}, 0)"]
    by_id = {f"{key}_{number}": value for number, value in enumerate(values, 1)}
    return by_id, [f"FILL({each}, 0)" for each in by_id]


def alarm_title(prefix: str, name: str) -> str:
    """The logical ID of an alarm; `prefix` is that of its target group, if it has one."""
    return logical_id(prefix, *name.split("_"), "Alarm")
