"""Problems of `scaling:`, for services and workers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from moorage.facts import scaling as facts
from moorage.findings.finding import Path, Problem
from moorage.findings.wording import join_and, join_or, near

from ..common.schedules import time_zone_problems
from .placement import Placement
from .scaling_params import Adjustment, Scaling, ScheduledAction, sides, verb

_PATH: Path = ("scaling",)
_UTILIZATION = ("cpu", "memory")
"""The metrics that `steps` can name without `metrics`."""


def scaling_problems(
    scaling: Scaling | None, targets: Sequence[str], desired: bool, placement: Placement
) -> Iterator[Problem]:
    """Problems of a stack's `scaling:`. `targets` are the keys of the targets that it can have;
    `desired` says whether `desired_count` is written as well.
    """
    if scaling is None:
        return
    yield from _range_problems(scaling, _PATH)
    yield from _target_problems(scaling, targets)
    if desired:
        message = "`scaling` sets the number of tasks; with `desired_count` every update would "
        message += "reset it"
        hint = "Remove `desired_count`: the service has at least `min` tasks."
        yield Problem("M3252", ("desired_count",), message, hint, because=[_PATH])
    yield from _schedule_problems(scaling, targets)
    yield from _metric_problems(scaling, placement)
    yield from _step_problems(scaling)
    yield from _quota_problems(scaling)


def _range_problems(bounds: Scaling | ScheduledAction, path: Path) -> Iterator[Problem]:
    if bounds.max < bounds.min:
        message = f"`max: {bounds.max}` is below `min: {bounds.min}`"
        hint = f"Write a `max` of at least {bounds.min}, or a lower `min`."
        yield Problem("M3250", (*path, "max"), message, hint)


def _dynamic(scaling: Scaling, targets: Sequence[str]) -> list[str]:
    """The keys by which the load changes the number of tasks."""
    found = [key for key in targets if getattr(scaling, key) is not None]
    found += ["metrics"] if any(metric.target for metric in scaling.metrics.values()) else []
    return found + (["steps"] if scaling.steps else [])


def _target_problems(scaling: Scaling, targets: Sequence[str]) -> Iterator[Problem]:
    dynamic = _dynamic(scaling, targets)
    example = {"cpu": "60", "backlog_per_task": "10"}[targets[0]]
    if scaling.predictive and not dynamic:
        message = "A forecast only adds tasks, and nothing removes them again"
        hint = f"Add a target, for example `{targets[0]}: {example}`."
        yield Problem("M3255", (*_PATH, "predictive"), message, hint)
    elif not dynamic and not scaling.schedule:
        keys = " or ".join(f"`{key}`" for key in targets)
        hint = f"Add {keys}, for example `{targets[0]}: {example}`."
        yield Problem("M3251", _PATH, "`scaling` has no target to scale by", hint)
    if dynamic == ["response_time"]:
        message = "Without requests there is no response time, and the number of tasks stays as it "
        message += "is"
        hint = "Add a target that always has a value, for example `cpu: 60`."
        yield Problem("M3261", (*_PATH, "response_time"), message, hint, level="warning")


def _schedule_problems(scaling: Scaling, targets: Sequence[str]) -> Iterator[Problem]:
    path: Path = (*_PATH, "schedule")
    for name, action in scaling.schedule.items():
        yield from _range_problems(action, (*path, name))
        yield from time_zone_problems(action.time_zone, (*path, name, "time_zone"))
    bounds = {(action.min, action.max) for action in scaling.schedule.values()}
    if len(bounds) == 1:
        name, (low, high) = next(iter(scaling.schedule)), next(iter(bounds))
        message = f"After `{name}` the service always has {low} to {high} tasks: no other action "
        message += "sets another range"
        hint = f"Add an action for the end of that time, such as `{{min: {scaling.min}, max: "
        hint += f"{scaling.max}}}`."
        yield Problem("M3254", (*path, name), message, hint)
    elif scaling.schedule and not any(action.max for action in scaling.schedule.values()):
        message = "After the first action the service has no tasks: no action has a `max` above 0"
        yield Problem("M3254", path, message, "Write a `max` above 0 in one of the actions.")
    elif _stays_asleep(scaling, targets):
        name = next(iter(scaling.schedule))
        message = "Without tasks there is no load, so the service would never start a task again"
        hint = "Write a `min` of at least 1 in one of the actions."
        yield Problem("M3203", (*path, name, "min"), message, hint)


def _stays_asleep(scaling: Scaling, targets: Sequence[str]) -> bool:
    """Whether the schedule lets the load remove the last task, and nothing starts one again."""
    wakes = "backlog_per_task" in targets and getattr(scaling, "backlog_per_task", None)
    asleep = all(action.min == 0 for action in scaling.schedule.values())
    return bool(scaling.schedule) and asleep and not wakes


def _metric_problems(scaling: Scaling, placement: Placement) -> Iterator[Problem]:
    for name, metric in scaling.metrics.items():
        path: Path = (*_PATH, "metrics", name)
        if metric.target is None and name not in scaling.steps:
            message = f"Nothing scales by `{name}`"
            hint = f"Add a `target`, or `{name}` below `steps:`."
            yield Problem("M3257", path, message, hint)
        if name in _UTILIZATION:
            message = f"`{name}` is the utilization of the service, which `steps` can name already"
            yield Problem("M3256", path, message, "Write another name.")
        if metric.per_task:
            yield from container_insights_problems("per_task", (*path, "per_task"), placement)


def container_insights_problems(key: str, path: Path, placement: Placement) -> Iterator[Problem]:
    """Amazon ECS developer guide, "Amazon ECS service utilization metrics": the number of running
    tasks is a metric of Container Insights."""
    cluster = placement.cluster
    if cluster is None or cluster.params.existing:
        return
    if cluster.params.container_insights == "off":
        message = (
            f"`{key}` needs the number of tasks from Container Insights, which `{cluster.name}` "
            "does not have"
        )
        hint = f"Write `container_insights: on` in `{cluster.name}`."
        yield Problem("M3204", path, message, hint)


def _step_problems(scaling: Scaling) -> Iterator[Problem]:
    known = [*_UTILIZATION, *scaling.metrics]
    for name, steps in scaling.steps.items():
        path: Path = (*_PATH, "steps", name)
        if name not in known:
            meant = near(name, known)
            hint = f"Did you mean `{meant}`?" if meant else f"Add `{name}` below `metrics:`."
            yield Problem("M3256", path, f"There is no metric `{name}`", hint)
        incomplete = list(_incomplete(steps.adjustments, (*path, "adjustments")))
        yield from incomplete
        if not incomplete:
            for side, numbered in sides(steps):
                yield from _side_problems(side, numbered, (*path, "adjustments"))


def _incomplete(adjustments: Sequence[Adjustment], path: Path) -> Iterator[Problem]:
    for index, adjustment in enumerate(adjustments):
        for keys, example in (
            (("above", "below"), "{above: 80, add: 2}"),
            (("add", "remove", "set"), "{below: 30, remove: 1}"),
        ):
            given = [key for key in keys if getattr(adjustment, key) is not None]
            if len(given) != 1:
                names = [f"`{key}`" for key in keys]
                message = f"An adjustment needs {join_or(names)}"
                if given:
                    names = [f"`{key}`" for key in given]
                    message = f"{join_and(names)} cannot be in the same adjustment"
                yield Problem("M3258", (*path, index), message, f"Write one, as in `{example}`.")


def _side_problems(
    side: str, numbered: Sequence[tuple[int, Adjustment]], path: Path
) -> Iterator[Problem]:
    """Problems of adjustments at high values, or at low ones, in their order."""
    first, count = numbered[0], len(numbered)
    if count > facts.MAX_STEP_ADJUSTMENTS:
        most = facts.MAX_STEP_ADJUSTMENTS
        message = f"There are {count} adjustments with `{side}`, and Application Auto Scaling "
        message += f"allows {most} in a policy"
        yield Problem("M3260", path, message, "Write fewer adjustments.")
    for (before, lower), (index, adjustment) in itertools.pairwise(numbered):
        value = getattr(adjustment, side)
        if value == getattr(lower, side):
            message = f"`{side}: {value:g}` is in another adjustment as well"
            because = [(*path, before)]
            yield Problem("M3262", (*path, index), message, "Write another value.", because=because)
    kinds = {verb(adjustment).replace("remove", "add") for _, adjustment in numbered}
    for index, adjustment in numbered:
        if len(kinds) > 1 and verb(adjustment) != verb(first[1]):
            message = f"The adjustments with `{side}` mix numbers of tasks, percentages or `set`"
            hint = "Write the same kind of change in all of them."
            because = [(*path, first[0])]
            yield Problem("M3259", (*path, index), message, hint, because=because)
            break


def _quota_problems(scaling: Scaling) -> Iterator[Problem]:
    metrics = [name for name, metric in scaling.metrics.items() if metric.target is not None]
    policies = len(metrics) + sum(len(list(sides(steps))) for steps in scaling.steps.values())
    for key, what, count, most in (
        ("metrics", "policies", policies, facts.MAX_POLICIES),
        ("schedule", "scheduled actions", len(scaling.schedule), facts.MAX_SCHEDULED_ACTIONS),
    ):
        if count > most:
            message = f"The service would have {count} {what}, and Application Auto Scaling allows "
            message += f"{most}"
            yield Problem("M3260", (*_PATH, key), message, f"Write fewer entries of `{key}`.")
