"""Problems of `scaling:`, for services and workers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from moorage.facts import scaling as facts
from moorage.findings.finding import Path, Problem
from moorage.findings.wording import near

from ..common.schedules import time_zone_problems
from .placement import Placement
from .scaling_params import Adjustment, Scaling, ScheduledAction, group_by_side, kind_of_change

_PATH: Path = ("scaling",)
_UTILIZATION = ("cpu", "memory")
"""The metrics that `steps` can name without `metrics`."""


def scaling_problems(
    scaling: Scaling | None, targets: Sequence[str], has_count: bool, placement: Placement
) -> Iterator[Problem]:
    """Problems of a stack's `scaling:`. `targets` are the keys of the targets that it can have;
    `has_count` is whether the params also have `desired_count`."""
    if scaling is None:
        return
    yield from _range_problems(scaling, _PATH)
    yield from _target_problems(scaling, targets)
    if has_count:
        message = "`scaling` sets the number of tasks, and with `desired_count` every update would "
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


def _load_keys(scaling: Scaling, targets: Sequence[str]) -> list[str]:
    """The keys that scale by load."""
    keys = [key for key in targets if getattr(scaling, key) is not None]
    keys += ["metrics"] if any(metric.target for metric in scaling.metrics.values()) else []
    return keys + (["steps"] if scaling.steps else [])


def _target_problems(scaling: Scaling, targets: Sequence[str]) -> Iterator[Problem]:
    load_keys = _load_keys(scaling, targets)
    because = [(*_PATH, key) for key in (*targets, "metrics", "steps")]
    example = {"cpu": "60", "backlog_per_task": "10"}[targets[0]]
    if scaling.predictive and not load_keys:
        message = "A forecast only adds tasks, and nothing removes them again"
        hint = f"Add a target, for example `{targets[0]}: {example}`."
        yield Problem("M3255", (*_PATH, "predictive"), message, hint, because=because)
    elif not load_keys and not scaling.schedule:
        keys = " or ".join(f"`{key}`" for key in targets)
        hint = f"Add {keys}, for example `{targets[0]}: {example}`."
        yield Problem("M3251", _PATH, "`scaling` has no target to scale by", hint)
    if load_keys == ["response_time"]:
        message = "Without requests there is no response time, so the number of tasks does not "
        message += "change"
        hint = "Add a target that always has a value, for example `cpu: 60`."
        yield Problem("M3261", (*_PATH, "response_time"), message, hint, "warning", because)


def _schedule_problems(scaling: Scaling, targets: Sequence[str]) -> Iterator[Problem]:
    path: Path = (*_PATH, "schedule")
    for name, action in scaling.schedule.items():
        yield from _range_problems(action, (*path, name))
        yield from time_zone_problems(action.time_zone, (*path, name, "time_zone"))
    bounds = {(action.min, action.max) for action in scaling.schedule.values()}
    if len(bounds) == 1:
        name, (low, high) = next(iter(scaling.schedule)), next(iter(bounds))
        message = f"After `{name}` there are always {low} to {high} tasks: no action changes that"
        hint = f"Add an action that ends it, such as `{{min: {scaling.min}, max: {scaling.max}}}`."
        yield Problem("M3254", (*path, name), message, hint, because=[path])
    elif _stays_at_zero(scaling, targets):
        name = next(iter(scaling.schedule))
        message = "Without tasks there is no load, so the service would never start a task again"
        hint = "Write a `min` of at least 1 in one of the actions."
        yield Problem("M3203", (*path, name, "min"), message, hint, because=[path])


def _stays_at_zero(scaling: Scaling, targets: Sequence[str]) -> bool:
    """Whether the schedule allows scaling to zero tasks, and nothing starts a task again."""
    starts_first_task = "backlog_per_task" in targets and getattr(scaling, "backlog_per_task", None)
    allows_zero = all(action.min == 0 for action in scaling.schedule.values())
    return bool(scaling.schedule) and allows_zero and not starts_first_task


def _metric_problems(scaling: Scaling, placement: Placement) -> Iterator[Problem]:
    for name, metric in scaling.metrics.items():
        path: Path = (*_PATH, "metrics", name)
        if metric.target is None and name not in scaling.steps:
            message = f"Nothing scales by `{name}`"
            hint = f"Add a `target`, or `{name}` below `steps:`."
            yield Problem("M3257", path, message, hint, because=[(*_PATH, "steps", name)])
        if name in _UTILIZATION:
            message = f"`{name}` is the utilization of the service, which `steps` can name already"
            yield Problem("M3256", path, message, "Write another name.")
        if metric.per_task:
            yield from container_insights_problems("per_task", (*path, "per_task"), placement)


def container_insights_problems(key: str, path: Path, placement: Placement) -> Iterator[Problem]:
    """Reports a cluster without Container Insights, which has the metric for the number of running
    tasks (Amazon ECS developer guide, "Amazon ECS service utilization metrics")."""
    cluster = placement.cluster
    if cluster is None or cluster.params.existing:
        return
    if cluster.params.container_insights == "off":
        message = f"`{key}` needs Container Insights, which count the tasks, but `{cluster.name}` "
        message += "has none"
        hint = f"Write `container_insights: on` in `{cluster.name}`."
        yield Problem("M3204", path, message, hint)


def _step_problems(scaling: Scaling) -> Iterator[Problem]:
    metrics = [*_UTILIZATION, *scaling.metrics]
    for name, steps in scaling.steps.items():
        path: Path = (*_PATH, "steps", name)
        if name not in metrics:
            closest = near(name, metrics)
            hint = f"Did you mean `{closest}`?" if closest else f"Add `{name}` below `metrics:`."
            message, because = f"There is no metric `{name}`", [(*_PATH, "metrics", name)]
            yield Problem("M3256", path, message, hint, because=because)
        problems = list(_adjustment_problems(steps.adjustments, (*path, "adjustments")))
        yield from problems
        if not problems:
            for side, numbered in group_by_side(steps):
                yield from _side_problems(side, numbered, (*path, "adjustments"))


def _adjustment_problems(adjustments: Sequence[Adjustment], path: Path) -> Iterator[Problem]:
    """Adjustments with none, or more than one, of the keys that exclude each other."""
    for index, adjustment in enumerate(adjustments):
        for keys, example in (
            (("above", "below"), "{above: 80, add: 2}"),
            (("add", "remove", "set"), "{below: 30, remove: 1}"),
        ):
            used = [key for key in keys if getattr(adjustment, key) is not None]
            if len(used) != 1:
                message = f"{', '.join(f'`{key}`' for key in used)} exclude each other"
                if not used:
                    message = f"An adjustment needs one of {', '.join(f'`{key}`' for key in keys)}"
                yield Problem("M3258", (*path, index), message, f"Write one, as in `{example}`.")


def _side_problems(
    side: str, numbered: Sequence[tuple[int, Adjustment]], path: Path
) -> Iterator[Problem]:
    """Problems of adjustments at high values, or at low ones, in their order."""
    first, count, limit = numbered[0], len(numbered), facts.MAX_STEP_ADJUSTMENTS
    if count > limit:
        message = f"There are {count} adjustments with `{side}`, but Application Auto Scaling "
        message += f"allows {limit} in a policy"
        yield Problem("M3260", path, message, "Write fewer of them.")
    for (before, lower), (index, adjustment) in itertools.pairwise(numbered):
        value = getattr(adjustment, side)
        if value == getattr(lower, side):
            message = f"`{side}: {value:g}` is also in another adjustment"
            because = [(*path, before)]
            yield Problem("M3262", (*path, index), message, "Write another value.", because=because)
    kinds = {kind_of_change(adjustment).replace("remove", "add") for _, adjustment in numbered}
    for index, adjustment in numbered:
        if len(kinds) > 1 and kind_of_change(adjustment) != kind_of_change(first[1]):
            message = f"The adjustments with `{side}` mix numbers of tasks, percentages or `set`"
            hint = "Write the same kind of change in all of them."
            because = [(*path, first[0])]
            yield Problem("M3259", (*path, index), message, hint, because=because)
            break


def _quota_problems(scaling: Scaling) -> Iterator[Problem]:
    metrics = [name for name, metric in scaling.metrics.items() if metric.target is not None]
    policies = len(metrics)
    policies += sum(len(list(group_by_side(steps))) for steps in scaling.steps.values())
    for key, noun, count, limit in (
        ("metrics", "policies", policies, facts.MAX_POLICIES),
        ("schedule", "scheduled actions", len(scaling.schedule), facts.MAX_SCHEDULED_ACTIONS),
    ):
        if count > limit:
            message = f"The service would have {count} {noun}, but Application Auto Scaling allows "
            message += f"{limit}"
            yield Problem("M3260", (*_PATH, key), message, "Write fewer of them.")
