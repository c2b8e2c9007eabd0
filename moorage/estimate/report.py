"""Estimates -> text and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from moorage.estimate import Estimate
from moorage.estimate.failure import Failure, format_time
from moorage.estimate.settings import Assumptions


def as_text(estimates: Sequence[Estimate], assumptions: Assumptions) -> str:
    """The estimates for a terminal. Times are minutes and seconds from the start of the release."""
    lines = [line for estimate in estimates for line in (*_describe(estimate), "")]
    lines.append(
        f"Assumed: a task starts in {assumptions.start} s, its images are pulled in "
        f"{assumptions.pull} s, it stops in {assumptions.stop} s, and metrics reach alarms after "
        f"{assumptions.metrics} s."
    )
    return "\n".join(lines) + "\n"


def as_json(estimates: Sequence[Estimate], assumptions: Assumptions) -> str:
    """The estimates for programs. Times are seconds."""
    services = [
        {
            "service": estimate.settings.name,
            "source": estimate.settings.source,
            "strategy": estimate.settings.strategy,
            "tasks": estimate.settings.tasks,
            "steps": [asdict(step) for step in estimate.usual.steps],
            "first_traffic": estimate.usual.first_traffic,
            "end": {"earliest": estimate.earliest_end, "usual": estimate.usual.end},
            "unhealthy_release": asdict(estimate.unhealthy),
            "failing_release": asdict(estimate.failing),
            "longest": asdict(estimate.longest),
            "change": asdict(estimate.change) if estimate.change else None,
        }
        for estimate in estimates
    ]
    return json.dumps({"assumptions": asdict(assumptions), "services": services}, indent=2) + "\n"


def _describe(estimate: Estimate) -> Iterator[str]:
    settings, usual = estimate.settings, estimate.usual
    tasks = f"{settings.tasks} task{'' if settings.tasks == 1 else 's'}"
    yield f"{settings.source}, {settings.name}: {settings.strategy}, {tasks}"
    for step in usual.steps:
        yield f"{format_time(step.at):>9}  {step.what}; {step.share:g} % on the new release"
    if usual.end is None or usual.first_traffic is None:
        yield "  The deployment makes no progress: ECS may neither start nor stop a task."
        return
    earliest = format_time(estimate.earliest_end or 0)
    yield f"  First requests to a new task at {format_time(usual.first_traffic)}."
    yield f"  Done at {format_time(usual.end)}; at the earliest at {earliest}."
    yield f"  If its tasks do not become healthy: {_ends(estimate.unhealthy)} No user sees it."
    yield f"  If it answers with errors: {_ends(estimate.failing)} {_exposure(estimate.failing)}"
    longest, change = estimate.longest, estimate.change
    part = f"{longest.name}, {format_time(longest.seconds)} of {format_time(usual.end)}"
    yield f"  Takes longest: {part}."
    if change is not None:
        end = format_time(usual.end - change.gain)
        yield f"  With {change.setting} {change.then} instead of {change.now}: done at {end}."


def _ends(failure: Failure) -> str:
    if failure.found is None:
        return f"Found by {failure.by}."
    found = f"Found at {format_time(failure.found)} by {failure.by};"
    if failure.rolled_back is None:
        return f"{found} not rolled back by itself."
    return f"{found} rolled back at {format_time(failure.rolled_back)}."


def _exposure(failure: Failure) -> str:
    if failure.exposed_from is None:
        return "No user sees it."
    start = format_time(failure.exposed_from)
    if failure.exposed_until is None:
        return f"Users see it from {start} until somebody acts, up to {failure.share:g} % of them."
    seen = format_time(failure.exposed_until - failure.exposed_from)
    return f"Users see it from {start} for {seen}, up to {failure.share:g} % of them."
