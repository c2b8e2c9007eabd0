"""Alarms and rules, as the params of a stack describe them, and the resources that they become."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import Field
from troposphere import AWSObject, Sub, cloudwatch, events

from moorage.facts.alarm_metrics import METRICS, PERIOD, Missing
from moorage.findings.finding import Problem
from moorage.findings.wording import join_or, near
from moorage.model import Base, Environment, logical_id

from .. import notifications
from ..common.fields import StackName, UniqueList
from ..common.stack_lookup import find_stack_problems
from ..common.used_stacks import UsedStack, resolve_stack

UsedNotifications = UsedStack[notifications.Params, notifications.Handle]


class Page(Base):
    """An alarm that goes off while at least one of others does: for what must wake somebody."""

    when: UniqueList[str] = Field(
        min_length=1, description="The alarms of the stack that it is made of."
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


@dataclass(frozen=True)
class Value:
    """A metric of a resource."""

    metric: str
    """Its name in `METRICS`."""
    dimensions: tuple[Any, ...]
    """The values of its dimensions."""


@dataclass(frozen=True)
class MetricAlarm:
    """An alarm for a metric, or for an expression of several."""

    name: str
    """Its key in the params."""
    title: str
    """Its logical ID."""
    description: str
    values: Mapping[str, Value]
    """The metrics by the ids that the expression has for them."""
    expression: str | None
    """None for a metric itself."""
    threshold: float
    minutes: int
    missing: Missing
    below: bool = False
    """Whether it goes off below the threshold, instead of above it."""


@dataclass(frozen=True)
class EventAlarm:
    """A rule for events that notifies by itself."""

    name: str
    title: str
    description: str
    pattern: Mapping[str, Any]
    values: Mapping[str, str]
    """What the message has besides the description: paths in the event by name. All events that
    match must have them."""


@dataclass(frozen=True)
class Alarms:
    """All alarms of a stack, and whom they notify."""

    params: AlarmParams
    stack: str
    to: UsedNotifications | None
    """None where `alarm_problems` says why there is none."""
    page_to: UsedNotifications | None
    metric_alarms: tuple[MetricAlarm, ...]
    event_alarms: tuple[EventAlarm, ...] = ()

    @property
    def names(self) -> list[str]:
        """The names of the alarms that can be parts of others, each once."""
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
    """Notifications that do not exist, and parts of a composite alarm that do not."""
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
            message = f"`{name}` is not one of the stack's alarms for metrics"
            close = near(name, alarms.names)
            names = [close] if close else alarms.names
            choices = [f"`{alarm}`" for alarm in names]
            hint = f"Write {join_or(choices)}." if names else "Remove `page`."
            yield Problem("M3406", ("alarms", "page", "when", index), message, hint)


# Resources -----------------------------------------------------------------------------------


def alarm_resources(alarms: Alarms | None) -> Iterator[AWSObject]:
    """The alarms, the rules, and the composite alarm."""
    if alarms is None or alarms.to is None:
        return
    for metric in alarms.metric_alarms:
        yield _alarm(metric, _actions(alarms, alarms.to))
    for event in alarms.event_alarms:
        yield _rule(event, alarms.to.handle.topic)
    if alarms.params.page and alarms.page_to:
        yield _composite(alarms, alarms.params.page, alarms.page_to)


def _actions(alarms: Alarms, to: UsedNotifications) -> dict[str, Any]:
    topic = to.handle.topic
    recovery = {"OKActions": [topic]} if alarms.params.recovery else {}
    return {"AlarmActions": [topic], **recovery}


def _alarm(alarm: MetricAlarm, actions: Mapping[str, Any]) -> cloudwatch.Alarm:
    """The window has two minutes more than the condition must hold: metrics arrive late, and not
    all of them in the same minute (CloudWatch user guide, "Evaluating an alarm")."""
    return cloudwatch.Alarm(
        alarm.title,
        AlarmDescription=alarm.description,
        **actions,
        **_metric_properties(alarm),
        ComparisonOperator="LessThanThreshold" if alarm.below else "GreaterThanThreshold",
        Threshold=_plain_number(alarm.threshold),
        EvaluationPeriods=alarm.minutes + 2,
        DatapointsToAlarm=alarm.minutes,
        TreatMissingData=alarm.missing,
    )


def _plain_number(value: float) -> float | int:
    return int(value) if value == int(value) else value


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


def _rule(event: EventAlarm, topic: Any) -> events.Rule:
    """EventBridge user guide, "Amazon EventBridge input transformation": in a JSON template without
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
    """CloudWatch API reference, PutCompositeAlarm: the rule has the names of the alarms."""
    parts = select_alarms(page.when, alarms.metric_alarms)
    rule = " OR ".join(f'ALARM("${{{alarm.title}}}")' for alarm in parts)
    return cloudwatch.CompositeAlarm(
        "PageAlarm",
        AlarmDescription=f"{alarms.stack}: {' or '.join(page.when)}",
        AlarmRule=Sub(rule),
        **_actions(alarms, to),
    )


def select_alarms(names: Sequence[str], alarms: Sequence[MetricAlarm]) -> list[MetricAlarm]:
    """The alarms with these names: several where there is one for each target group."""
    return [alarm for alarm in alarms if alarm.name in names]


# Values over several resources ---------------------------------------------------------------


def sum_of(key: str, values: Sequence[Value]) -> tuple[dict[str, Value], str]:
    """The values by their ids, and an expression for their sum, in which a missing value is 0."""
    return _over(key, values, "SUM")


def maximum_of(key: str, values: Sequence[Value]) -> tuple[dict[str, Value], str]:
    """The values by their ids, and an expression for the largest, in which a missing value is 0."""
    return _over(key, values, "MAX")


def _over(key: str, values: Sequence[Value], function: str) -> tuple[dict[str, Value], str]:
    ids, filled = values_by_id(key, values)
    return ids, filled[0] if len(filled) == 1 else f"{function}([{', '.join(filled)}])"


def values_by_id(key: str, values: Sequence[Value]) -> tuple[dict[str, Value], list[str]]:
    """The values by their ids, and an expression for each, in which a missing value is 0."""
    if len(values) == 1:
        return {key: values[0]}, [f"FILL({key}, 0)"]
    ids = {f"{key}_{number}": value for number, value in enumerate(values, 1)}
    return ids, [f"FILL({each}, 0)" for each in ids]


def alarm_title(prefix: str, name: str) -> str:
    """The logical ID of an alarm: of a target group, it begins with that of the group."""
    return logical_id(prefix, *name.split("_"), "Alarm")
