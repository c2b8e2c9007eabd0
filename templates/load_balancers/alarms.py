"""Alarms of a load balancer itself, for problems that affect all services behind it."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field
from troposphere import GetAtt

from moorage.facts.alarm_metrics import METRICS
from moorage.findings.finding import Problem
from moorage.model import Environment

from ..alarms.alarms import (
    AlarmParams,
    Alarms,
    MetricAlarm,
    Value,
    alarm_problems,
    alarm_title,
    resolve_notifications,
    resolve_page,
)
from ..alarms.settings import CountAlarm, PercentageAlarm, format_percentage, resolve_threshold
from ..common.fields import Switch


class AlbAlarms(AlarmParams):
    """The alarms of an Application Load Balancer. `false` turns an alarm off."""

    load_balancer_5xx: Switch[PercentageAlarm] = Field(
        PercentageAlarm.unvalidated(),
        description="5xx responses of the load balancer itself, because no task answered in time, "
        "for all services together. Default: above 1% for 3m.",
    )
    rejected_connections: Switch[CountAlarm] = Field(
        CountAlarm.unvalidated(),
        description="Connections that the load balancer refused, because it had too many. Default: "
        "above 0 for 1m.",
    )


class NlbAlarms(AlarmParams):
    """The alarms of a Network Load Balancer. `false` turns an alarm off."""

    port_allocation_errors: Switch[CountAlarm] = Field(
        CountAlarm.unvalidated(),
        description="Connections that failed because too many go to one task. Default: above 0 for "
        "1m.",
    )


_COUNTS = {
    "rejected_connections": "connections were rejected",
    "port_allocation_errors": "connections found no port: too many go to one task",
}


def resolve_load_balancer_alarms(
    params: AlarmParams | None, name: str, env: Environment
) -> Alarms | None:
    """The alarms of the load balancer `name`; None if they are off."""
    if params is None:
        return None
    return Alarms(
        params=params,
        stack=name,
        to=resolve_notifications(params, env),
        page_to=resolve_page(params, env),
        metric_alarms=tuple(_metric_alarms(params, name, env)),
    )


def load_balancer_alarm_problems(
    params: AlarmParams | None, name: str, env: Environment
) -> Iterator[Problem]:
    """Problems of the alarms of a load balancer."""
    yield from alarm_problems(resolve_load_balancer_alarms(params, name, env), env)


def _metric_alarms(params: AlarmParams, name: str, env: Environment) -> Iterator[MetricAlarm]:
    to = resolve_notifications(params, env)
    shared = to.handle.thresholds if to else None
    stack, dimension = env.stack_name(name), GetAtt("LoadBalancer", "LoadBalancerFullName")
    for alarm in sorted(type(params).model_fields.keys() - AlarmParams.model_fields.keys()):
        threshold = resolve_threshold(alarm, params, shared)
        if threshold is None:
            continue
        values = {"errors": Value(alarm, (dimension,))}
        expression = None
        if alarm in _COUNTS:
            problem = _COUNTS[alarm]
        else:
            # RequestCount does not include requests for which no target was chosen.
            values["requests"] = Value("load_balancer_requests", (dimension,))
            requests = "MAX([FILL(requests, 0), FILL(errors, 0)])"
            expression = f"IF({requests} > 0, 100 * FILL(errors, 0) / {requests}, 0)"
            problem = f"more than {format_percentage(threshold.above)} of the responses are its "
            problem += "own 5xx errors"
        yield MetricAlarm(
            name=alarm,
            title=alarm_title("", alarm),
            description=f"{stack}: {problem}",
            values=values,
            expression=expression,
            threshold=threshold.above,
            minutes=threshold.minutes,
            missing=METRICS[alarm].missing,
        )
