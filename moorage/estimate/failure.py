"""When a bad release is detected, and when it is rolled back. Times are in seconds."""

from __future__ import annotations

import math
from dataclasses import replace

from moorage.estimate.release import Pace, Release, simulate
from moorage.estimate.settings import Assumptions, Settings
from moorage.facts import deployment_timing as timing
from moorage.facts.codedeploy import STEADY_STATE_MINUTES
from moorage.records import record


@record
class Failure:
    """A bad release. Users see it from `exposed_from` until `exposed_until`."""

    found: int | None
    """When it is detected, so that the deployment fails; None if it is not detected."""
    by: str
    """What detects it, or why it is not detected."""
    rolled_back: int | None
    """When only the previous release runs again; None if it is not rolled back automatically."""
    exposed_from: int | None
    exposed_until: int | None
    """None if it does not end by itself."""
    share: float
    """The largest percentage of the requests that it answers in this time."""


def unhealthy_release(settings: Settings, pace: Pace, assumptions: Assumptions) -> Failure:
    """A release whose tasks start and fail their health checks, so they get no requests."""
    fails = time_to_fail(settings, assumptions)
    give_up, rolls_back = timing.CLOUDFORMATION_GIVES_UP, False
    by = "CloudFormation, which gives up: there is no circuit breaker"
    if settings.strategy == "CODE_DEPLOY":
        give_up, rolls_back = 60 * STEADY_STATE_MINUTES, settings.rolls_back
        by = "CodeDeploy, which gives up"
    elif settings.strategy != "ROLLING":
        give_up, rolls_back = timing.ECS_GIVES_UP_STAGE, True
        by = "ECS, which gives up: there is no circuit breaker with this strategy"
    elif settings.breaker is not None:
        parallel = max(1, _parallel_starts(settings))
        give_up = fails * math.ceil(settings.breaker / parallel)
        rolls_back = settings.rolls_back
        failed = "1 failed task" if settings.breaker == 1 else f"{settings.breaker} failed tasks"
        by = f"the circuit breaker, after {failed}"
    by_alarm = _time_of_unhealthy_alarm(settings, assumptions)
    if by_alarm is not None and by_alarm < give_up:
        give_up, rolls_back, by = by_alarm, settings.alarm_rolls_back, "the alarms"
    end = give_up + pace.stop  # without connections, they are deregistered at once
    if _stops_first(settings):
        end += pace.healthy
    return Failure(give_up, by, end if rolls_back else None, None, None, 0.0)


def _time_of_unhealthy_alarm(settings: Settings, assumptions: Assumptions) -> int | None:
    """When an alarm for unhealthy targets goes off. ECS stops such a task after the grace period,
    so the alarm must not need longer."""
    if settings.interval is None or settings.alarms.unhealthy is None:
        return None
    unhealthy = settings.interval * settings.unhealthy
    lives = min(settings.grace, settings.container_fails or settings.grace)
    if lives - unhealthy < settings.alarms.unhealthy:
        return None
    before = assumptions.start + assumptions.pull + unhealthy
    return before + settings.alarms.unhealthy + assumptions.metrics


def time_to_fail(settings: Settings, assumptions: Assumptions) -> int:
    """From the start of a task until its health checks have failed and ECS stops it. Those of the
    load balancer count after the grace period only. Without health checks, a task fails if its
    containers exit."""
    check = 0
    if settings.interval is not None:
        check = max(settings.grace, settings.interval * settings.unhealthy)
    waits = max(check, settings.container_fails)
    return assumptions.start + assumptions.pull + waits


def _parallel_starts(settings: Settings) -> int:
    """The number of tasks that ECS starts at the same time."""
    room = settings.maximum - settings.tasks
    return min(room, settings.tasks) if room > 0 else settings.tasks - settings.minimum


def _stops_first(settings: Settings) -> bool:
    """Whether old tasks have to start again for a rollback."""
    return settings.strategy == "ROLLING" and settings.maximum <= settings.tasks


def failing_release(
    settings: Settings, pace: Pace, assumptions: Assumptions, release: Release
) -> Failure:
    """A release that passes its health checks and answers users with errors."""
    start, end = release.first_traffic, release.end
    if start is None or end is None:
        return Failure(None, "the deployment makes no progress", None, None, None, 0.0)
    if settings.alarms.errors is None:
        by = "nothing in the deployment: none of its alarms watches errors"
        if settings.alarms.slowest is None:
            by = "nothing in the deployment: it has no alarms"
        return Failure(None, by, None, start, None, 100.0)
    found = start + settings.alarms.errors + assumptions.metrics
    watched = _watched_until(settings, pace, end)
    if found > watched:
        by = f"no alarm in time: ECS watches them until {format_time(watched)}, they need until "
        by += format_time(found)
        return Failure(None, by, None, start, None, 100.0)
    share = max(step.share for step in release.steps if step.at <= found)
    by = "the alarms"
    if not settings.alarm_rolls_back:
        return Failure(found, by, None, start, None, share)
    if settings.strategy == "ROLLING":
        back = simulate(replace(settings, shift=None), pace)
        until = found + (back.end or 0) - pace.drain - pace.stop
        return Failure(found, by, found + (back.end or 0), start, until, share)
    until = found
    if settings.through_nlb and settings.strategy != "CODE_DEPLOY":
        until += timing.NLB_SHIFT_SECONDS
    return Failure(found, by, until + pace.drain + pace.stop, start, until, share)


def _watched_until(settings: Settings, pace: Pace, end: int) -> int:
    """Until when alarms can end the deployment: until the end of the bake time or, with CodeDeploy,
    as long as the old tasks run."""
    return end if settings.strategy == "ROLLING" else end - pace.drain - pace.stop


def format_time(seconds: int) -> str:
    """Minutes and seconds, and hours if it is at least one.

    >>> format_time(95), format_time(3600), format_time(0)
    ('1:35', '1:00:00', '0:00')
    """
    hours, rest = divmod(seconds, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"
