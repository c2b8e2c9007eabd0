"""Params of a scheduled task."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from moorage.model import Base

from ..common.fields import KeyArn, QueueArn, Switch, duration
from ..common.references import External, Importable
from ..common.schedules import FlexibleWindow, ScheduleExpression, TimeZone
from ..tasks.alarm_params import JobAlarms
from ..tasks.execution_logs import ExecutionParams
from ..tasks.params import TaskParams

_DAY = 86_400


class Retry(Base):
    """How long and how often a failed start is retried."""

    maximum_attempts: int = Field(
        185, ge=0, le=185, description="Number of attempts after the first one."
    )
    maximum_age: Annotated[int, duration(60, _DAY)] = Field(
        3600, description="Time after which a run that could not be started is dropped."
    )


class DeadLetterQueue(Base):
    """A queue for messages about runs that could not start or, with `overlap: skip`, failed."""

    retention: Annotated[int, duration(60, 14 * _DAY)] = Field(
        14 * _DAY, description="How long a queue that the stack creates keeps messages."
    )
    existing: Importable[QueueArn] | None = Field(
        None, description="ARN of an existing standard queue in the same region."
    )
    kms_key: External[KeyArn] | None = Field(
        None,
        description="ARN of the customer managed KMS key that encrypts the queue, if it has one.",
    )


class Params(TaskParams, ExecutionParams):
    """A task that runs on a schedule."""

    schedule: ScheduleExpression = Field(
        description="When it runs: `cron(minutes hours day-of-month month day-of-week year)`, "
        "`rate(15 minutes)`, or once, `at(2027-01-31T03:00:00)`."
    )
    time_zone: TimeZone = Field(
        "UTC", description="Time zone of the schedule, including its daylight saving time."
    )
    enabled: bool = Field(True, description="Whether the schedule starts runs.")
    flexible_window: FlexibleWindow | None = Field(
        None, description="Time window after the scheduled time within which a run starts."
    )
    overlap: Literal["skip", "allow"] = Field(
        "skip",
        description="What happens if a run is due and the last one has not ended: `skip` drops "
        "the new run, `allow` runs both.",
    )
    timeout: Annotated[int, duration(60, 30 * _DAY)] | None = Field(
        None,
        description="Time after which a run is stopped. Only with `overlap: skip`, where a run "
        "that never ends prevents all later ones.",
    )
    retry: Retry = Field(Retry.unvalidated(), description="Retries of failed starts.")
    dead_letter_queue: Switch[DeadLetterQueue] = Field(
        DeadLetterQueue.unvalidated(),
        description="A queue for messages about runs that could not be started or, with `overlap: "
        "skip`, failed: the task did not exit with 0, or took longer than `timeout`.",
    )
    alarms: Switch[JobAlarms] = Field(
        None,
        description="Alarms that notify a stack of template `notifications`: `true` for all, or a "
        "map of those that differ from the defaults.",
    )
