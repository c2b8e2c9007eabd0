"""Simulates a release from the settings of a service. Times are in seconds.

docs/estimate.md describes the model.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from moorage.estimate.settings import Assumptions, Settings, Shift
from moorage.facts import deployment_timing as timing
from moorage.records import record


@record
class Step:
    """An event in a release."""

    at: int
    what: str
    new: int
    """Healthy tasks of the release."""
    old: int
    """Healthy tasks of the previous release."""
    share: float
    """Percentage of the requests that the release answers from then on."""


@record
class Release:
    """A release that works."""

    steps: tuple[Step, ...]
    first_traffic: int | None
    """When its first task takes requests; None if the deployment cannot make progress."""
    end: int | None


@record
class Pace:
    """How fast tasks start and stop."""

    healthy: int
    """From the moment when ECS starts a task until it is healthy and gets requests."""
    drain: int
    """From its deregistration until it gets SIGTERM."""
    stop: int
    """From SIGTERM until it has ended."""


def usual_pace(settings: Settings, assumptions: Assumptions) -> Pace:
    """On average, the first health check comes half an interval after the containers have started.
    Clients keep their connections open, so draining takes the whole deregistration delay."""
    half = None if settings.interval is None else math.ceil(settings.interval / 2)
    return Pace(
        _until_healthy(settings, assumptions, half),
        settings.drain,
        min(assumptions.stop, settings.stop_timeout),
    )


def earliest_pace(settings: Settings, assumptions: Assumptions) -> Pace:
    """The health check comes at once, no connection is open, and the containers stop at once."""
    first = None if settings.interval is None else 0
    return Pace(_until_healthy(settings, assumptions, first), 0, 0)


def _until_healthy(settings: Settings, assumptions: Assumptions, check: int | None) -> int:
    waits = [wait for wait in (check, settings.container_interval) if wait is not None]
    wait = max(waits, default=timing.HEALTHY_WITHOUT_CHECKS)
    return assumptions.start + assumptions.pull + wait


def simulate(settings: Settings, pace: Pace) -> Release:
    """Simulates a release at this pace."""
    if settings.strategy == "ROLLING":
        return _rolling(settings, pace)
    return _shifting(settings, pace, settings.shift or Shift(100, 0))


# Rolling deployments -------------------------------------------------------------------------


def _rolling(settings: Settings, pace: Pace) -> Release:
    """ECS starts as many tasks as the maximum allows. Only if that is none does it stop old tasks
    first, as many as the minimum allows."""
    now, new, old, ended = 0, 0, settings.tasks, 0
    steps: list[Step] = []
    first = None
    while new < settings.tasks:
        room = settings.maximum - new - old
        if room <= 0:
            spare = min(new + old - settings.minimum, old)
            if spare <= 0:
                return Release(tuple(steps), None, None)
            old -= spare
            what = f"stops {_tasks(spare, 'old')}"
            steps.append(Step(now, what, new, old, _share(new, old)))
            now += pace.drain + pace.stop
            ended = now
            continue
        started = min(room, settings.tasks - new)
        steps.append(Step(now, f"starts {_tasks(started, 'new')}", new, old, _share(new, old)))
        now += pace.healthy
        new += started
        first = now if first is None else first
        what = f"{_tasks(started, 'new')} healthy"
        stopped = min(old, new + old - settings.tasks)
        steps.append(Step(now, what, new, old, _share(new, old)))
        if stopped:
            old -= stopped
            what = f"stops {_tasks(stopped, 'old')}"
            steps.append(Step(now, what, new, old, _share(new, old)))
            ended = now + pace.drain + pace.stop
    now = max(now, ended)
    steps.append(Step(now, "the old tasks have ended", new, 0, 100.0))
    if settings.bake:
        now += settings.bake
        steps.append(Step(now, "the bake time has passed", new, 0, 100.0))
    return Release(tuple(steps), first, now)


def _tasks(count: int, kind: str) -> str:
    return f"{count} {kind} task{'' if count == 1 else 's'}"


def _share(new: int, old: int) -> float:
    return round(100 * new / (new + old), 1) if new + old else 0.0


# Deployments that shift traffic --------------------------------------------------------------


def _shifting(settings: Settings, pace: Pace, shift: Shift) -> Release:
    tasks = settings.tasks
    nlb = timing.NLB_SHIFT_SECONDS if _waits_for_nlb(settings) else 0
    steps = [Step(0, f"starts {_tasks(tasks, 'new')}", 0, tasks, 0.0)]
    now = pace.healthy
    steps.append(Step(now, f"{_tasks(tasks, 'new')} healthy", tasks, tasks, 0.0))
    now += nlb if settings.tests else 0
    first = now
    for share in shares(shift):
        what = f"{share:g} % of the requests go to the new tasks"
        steps.append(Step(now, what, tasks, tasks, share))
        now += nlb + (shift.wait if share < 100 else 0)
    now += shift.bake
    steps.append(Step(now, "the old tasks stop", tasks, 0, 100.0))
    now += pace.drain + pace.stop
    steps.append(Step(now, "the old tasks have ended", tasks, 0, 100.0))
    return Release(tuple(steps), first, now)


def _waits_for_nlb(settings: Settings) -> bool:
    return settings.through_nlb and settings.strategy != "CODE_DEPLOY"


def shares(shift: Shift) -> Iterator[float]:
    """The share of the requests after each step, up to all of them.

    >>> list(shares(Shift(40, 60, repeated=True))), list(shares(Shift(5, 60)))
    ([40, 80, 100.0], [5, 100.0])
    """
    share = shift.percent
    while share < 100:
        yield round(share, 1)
        if not shift.repeated:
            break
        share += max(shift.percent, 0.1)
    yield 100.0
