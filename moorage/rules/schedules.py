"""Expressions of schedules."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn.view import View
from moorage.facts.schedules import is_schedule_expression
from moorage.rules.message_parts import quote
from moorage.rules.rule import Problem, problem, rule


@rule(
    "E9154",
    "The expression of a schedule is not valid.",
    error_messages=("Invalid Schedule Expression",),
    fix="Write `cron(...)` with six fields and `?` for one of the two days, `rate(15 minutes)`, or "
    "`at(2027-01-31T03:00:00)`.",
    sources=("Amazon EventBridge Scheduler user guide: Schedule types in EventBridge Scheduler",),
)
def invalid_schedule_expression(view: View) -> Iterator[Problem]:
    """EventBridge Scheduler has three kinds of expressions. The six fields of `cron` are minutes,
    hours, day of the month, month, day of the week and year. A crontab has five, and no `?`."""
    for schedule in view.resources_of_type("AWS::Scheduler::Schedule"):
        expression = schedule["ScheduleExpression"]
        if expression.choices and not any(map(is_schedule_expression, expression.choices)):
            yield problem(
                expression,
                f"Schedule `{schedule.id}` has the expression {quote(expression.choices)[0]}, "
                "which EventBridge Scheduler does not accept",
                "Write `cron(0 3 * * ? *)`, `rate(15 minutes)` or `at(2027-01-31T03:00:00)`.",
            )


RULES = (invalid_schedule_expression,)
