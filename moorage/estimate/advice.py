"""Which setting decides how long a release takes, and how much time another value would save."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from moorage.estimate.release import simulate, usual_pace
from moorage.estimate.settings import Assumptions, Settings
from moorage.records import record

SHORT_DRAIN, SHORT_INTERVAL, SHORT_BAKE = 30, 10, 300
"""Values that are still safe for most services. Seconds."""


@record
class Change:
    """Another value of a setting."""

    setting: str
    """The property in the template."""
    now: str
    then: str
    gain: int
    """Seconds by which the release ends earlier."""


@record
class Part:
    """A part of a release, and the time that it takes."""

    name: str
    seconds: int


def longest_part(settings: Settings, assumptions: Assumptions) -> Part:
    """The part without which the release would end earliest, and the time that it would save."""
    shift = settings.shift
    stay = "the termination wait time" if settings.strategy == "CODE_DEPLOY" else "the bake time"
    without = {
        "the deregistration delay": replace(settings, drain=0),
        "the health checks": replace(settings, interval=0, container_interval=None),
        "the steps of the traffic": settings,
        stay: settings,
    }
    if shift is not None:
        without["the steps of the traffic"] = replace(
            settings, shift=replace(shift, wait=0), through_nlb=False
        )
        without[stay] = replace(settings, shift=replace(shift, bake=0))
    parts = [Part(name, _gain(settings, other, assumptions)) for name, other in without.items()]
    at_once = replace(assumptions, start=0, pull=0)
    ends = [
        simulate(settings, usual_pace(settings, values)).end for values in (assumptions, at_once)
    ]
    parts.append(Part("the start of the tasks", (ends[0] or 0) - (ends[1] or 0)))
    return max(parts, key=lambda part: part.seconds)


def find_best_change(settings: Settings, assumptions: Assumptions) -> Change | None:
    """The change that saves most time; None if no change saves any."""
    changes = [
        Change(name, now, then, gain)
        for name, now, then, other in _candidates(settings)
        if (gain := _gain(settings, other, assumptions)) > 0
    ]
    return max(changes, key=lambda change: change.gain, default=None)


def _gain(settings: Settings, other: Settings, assumptions: Assumptions) -> int:
    before, after = (
        simulate(values, usual_pace(values, assumptions)).end for values in (settings, other)
    )
    return before - after if before is not None and after is not None else 0


def _candidates(settings: Settings) -> Iterator[tuple[str, str, str, Settings]]:
    """Property, value, other value, and the settings with it."""
    if settings.drain > SHORT_DRAIN:
        other = replace(settings, drain=SHORT_DRAIN)
        now = f"{settings.drain} s"
        yield "deregistration_delay.timeout_seconds", now, f"{SHORT_DRAIN} s", other
    if settings.interval is not None and settings.interval > SHORT_INTERVAL:
        other = replace(settings, interval=SHORT_INTERVAL)
        now = f"{settings.interval} s"
        yield "HealthCheckIntervalSeconds", now, f"{SHORT_INTERVAL} s", other
    if settings.container_interval is not None and settings.container_interval > SHORT_INTERVAL:
        other = replace(settings, container_interval=SHORT_INTERVAL)
        now = f"{settings.container_interval} s"
        yield "HealthCheck.Interval of a container", now, f"{SHORT_INTERVAL} s", other
    if settings.strategy == "ROLLING" and settings.maximum < 2 * settings.tasks:
        other = replace(settings, maximum=2 * settings.tasks)
        yield "MaximumPercent", f"{settings.maximum} tasks", f"{2 * settings.tasks} tasks", other
    shift = settings.shift
    if shift is None:
        return
    bake = "TerminationWaitTimeInMinutes"
    if settings.strategy != "CODE_DEPLOY":
        bake = "BakeTimeInMinutes"
    if shift.bake > SHORT_BAKE:
        other = replace(settings, shift=replace(shift, bake=SHORT_BAKE))
        yield bake, f"{shift.bake // 60} min", f"{SHORT_BAKE // 60} min", other
    if shift.wait > 60:
        half = max(60, shift.wait // 120 * 60)
        other = replace(settings, shift=replace(shift, wait=half))
        name = {
            "LINEAR": "StepBakeTimeInMinutes",
            "CANARY": "CanaryBakeTimeInMinutes",
        }.get(settings.strategy, "the interval of the deployment configuration")
        yield name, f"{shift.wait // 60} min", f"{half // 60} min", other
