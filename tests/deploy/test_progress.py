"""The state that events add up to, and what is shown of it."""

from __future__ import annotations

import json
from io import StringIO

from rich.console import Console

from moorage.deploy.events import StackEvent, find_end, find_failures
from moorage.deploy.progress import (
    Ended,
    Event,
    Happened,
    Noted,
    Planned,
    Progress,
    RolledOut,
    Started,
    count_done,
    reduce,
)
from moorage.deploy.progress_json import event_json
from moorage.deploy.progress_lines import event_lines, rollout_text
from moorage.deploy.progress_live import progress_view
from moorage.deploy.rollout import Rollout

SERVICE = "AWS::ECS::Service"
ARN = "arn:aws:ecs:eu-central-1:111122223333:service/shop/web"


def happened(at: float, name: str, status: str, reason: str = "", kind: str = SERVICE) -> Happened:
    identity = f"{name}-{status}"
    event = StackEvent(identity, name, kind, status, reason, ARN, of_stack=name == "web")
    return Happened("web", at, event)


STREAM: tuple[Event, ...] = (
    Planned("web", "update", 90),
    Planned("api", "update"),
    Started("web", 1, "update"),
    happened(2, "web", "UPDATE_IN_PROGRESS"),
    happened(3, "Service", "UPDATE_IN_PROGRESS"),
    RolledOut("web", 6, "Service", Rollout(ARN, desired=2, running=1, pending=1)),
    RolledOut("web", 9, "Service", Rollout(ARN, desired=2, running=1, pending=1)),
    RolledOut("web", 12, "Service", Rollout(ARN, desired=2, running=2)),
    Noted("web", 13, "something"),
    Noted("web", 14, "something"),
    happened(15, "Service", "UPDATE_COMPLETE"),
    happened(16, "web", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"),
    happened(17, "web", "UPDATE_COMPLETE"),
    Ended("web", 18, "succeeded"),
)


def replay(events: tuple[Event, ...]) -> tuple[Progress, list[str], list[str]]:
    """The progress, and what the two renderers show."""
    progress: Progress = {}
    lines: list[str] = []
    objects: list[str] = []
    for event in events:
        before, progress = progress, reduce(progress, event)
        lines += event_lines(before, event, progress)
        objects += event_json(before, event, progress)
    return progress, lines, objects


def test_what_is_repeated_is_shown_once() -> None:
    _, lines, _ = replay(STREAM)
    assert lines == [
        "00:01 web: updating, usually 01:30",
        "00:06 web: Service: 1 of 2 tasks run, 1 start",
        "00:12 web: Service: 2 of 2 tasks run",
        "00:13 web: something",
        "00:15 web: Service (AWS::ECS::Service) UPDATE_COMPLETE",
        "00:18 web: updated in 00:17",
    ]


def test_an_event_that_changes_nothing_returns_the_same_state() -> None:
    progress, _, _ = replay(STREAM[:6])
    assert reduce(progress, STREAM[6]) is progress
    assert reduce(progress, STREAM[7]) is not progress


def test_the_state_is_that_of_the_last_events() -> None:
    progress, _, _ = replay(STREAM)
    web = progress["web"]
    assert (web.status, web.result, web.started, web.ended) == (
        *("UPDATE_COMPLETE", "succeeded"),
        *(1, 18),
    )
    assert web.rollouts == {}
    assert count_done(web) == (1, 1)
    assert progress["api"].started is None


def test_each_line_for_machines_is_an_object() -> None:
    _, _, objects = replay(STREAM)
    parsed = [json.loads(line) for line in objects]
    assert [item["event"] for item in parsed][:4] == ["planned", "planned", "started", "happened"]
    assert parsed[4] | {"arn": ""} == {
        "event": "rolledout",
        "stack": "web",
        "at": 6,
        "logical_id": "Service",
        "arn": "",
        "desired": 2,
        "running": 1,
        "pending": 1,
        "failed": 0,
        "state": "",
        "reason": "",
        "stage": "",
        "traffic": None,
        "failures_left": None,
        "healthy": 0,
        "targets": 0,
        "waiting_hook": "",
        "hook_ends": "",
        "deployment": "",
        "triggered_alarms": [],
    }


def shown_live(events: tuple[Event, ...], now: float) -> str:
    progress, _, _ = replay(events)
    console = Console(file=StringIO(), width=100, force_terminal=False)
    console.print(progress_view(progress, now))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in text.splitlines())


def test_the_live_view_shows_what_each_stack_does_now() -> None:
    lines = shown_live(STREAM[:6], 10).splitlines()
    assert "web" in lines[0]
    assert "UPDATE_IN_PROGRESS 00:09 of usually 01:30, 0 of 1 resources done" in lines[0]
    assert lines[1] == "      Service: 1 of 2 tasks run, 1 start"
    assert lines[2].split() == ["api", "waits"]
    end = shown_live(STREAM, 20).splitlines()
    assert end[0].split() == ["*", "web", "updated", "in", "00:17"]


def test_a_rollout_says_all_that_matters() -> None:
    rollout = Rollout(
        ARN,
        desired=4,
        running=3,
        pending=1,
        failed=2,
        failures_left=1,
        healthy=2,
        targets=3,
        stage="BAKE_TIME",
        traffic=50,
        waiting_hook="hook-1",
        triggered_alarms=("Errors",),
        state="FAILED",
        reason="circuit breaker",
    )
    assert rollout_text(rollout) == (
        "3 of 4 tasks run, 1 start, 2 failed (rollback after 1 more), 2 of 3 targets healthy, "
        "BAKE_TIME, 50 % of the traffic, waits at the hook hook-1, stopped by the alarm Errors, "
        "circuit breaker"
    )


def test_the_first_failure_is_the_one_with_a_reason_of_its_own() -> None:
    cancelled = happened(1, "Role", "CREATE_FAILED", "Resource creation cancelled").event
    cause = happened(2, "Service", "CREATE_FAILED", "Invalid request").event
    end = happened(3, "web", "ROLLBACK_COMPLETE").event
    assert find_failures([cancelled, cause, end]) == (cause,)
    assert find_failures([cancelled]) == (cancelled,)
    assert find_failures([end]) == ()
    assert find_end([cause, end]) == end
    assert find_end([cause]) is None
