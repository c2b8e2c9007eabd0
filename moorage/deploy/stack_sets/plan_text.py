"""Plans of stack sets as text or JSON. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict

from moorage.deploy.preview_text import change_lines
from moorage.deploy.stack_sets.plan import SetPlan
from moorage.deploy.stack_sets.requests import Group
from moorage.deploy.stack_sets.state import Instance

_TITLES = {"create": "will be created", "update": "will be updated"}
_FILTERS = {"INTERSECTION": "only ", "DIFFERENCE": "without "}


def plans_text(plans: Sequence[SetPlan]) -> str:
    """What a deployment does with each stack set; those without changes on one line."""
    return "".join(f"{line}\n" for line in _lines(plans))


def _lines(plans: Sequence[SetPlan]) -> Iterator[str]:
    for plan in plans:
        if plan.kind != "nothing" or plan.problems:
            yield from _plan_lines(plan)
            yield ""
    unchanged = [plan.stack.name for plan in plans if plan.kind == "nothing" and not plan.problems]
    if unchanged:
        yield f"Nothing to change: {', '.join(unchanged)}"


def _plan_lines(plan: SetPlan) -> Iterator[str]:
    title = "cannot be deployed" if plan.problems else _TITLES[plan.kind]
    yield f"{plan.stack.name} (stack set {plan.stack.stack_name}) {title}"
    for problem in plan.problems:
        yield f"  error: {problem}"
    for change in plan.changes:
        yield from change_lines(change)
    if plan.text_changes and not plan.changes:
        yield "  no resource changes: only outputs, parameters or metadata"
    if plan.settings:
        yield f"  changes: {', '.join(plan.settings)}"
    if plan.updates and plan.before is not None:
        yield f"  updates {count_stacks(len(plan.before.instances))}"
    for group in plan.added:
        yield f"  + {group_text(group)}"
    for group in plan.removed:
        yield f"  - {group_text(group)}: deleted"
    for item in plan.outdated:
        yield f"  ! {instance_text(item)}"


def count_stacks(number: int) -> str:
    """A number of stacks.

    >>> count_stacks(1), count_stacks(4)
    ('1 stack', '4 stacks')
    """
    return f"{number} {'stack' if number == 1 else 'stacks'}"


def group_text(group: Group) -> str:
    """Accounts or units, and regions."""
    accounts = ", ".join(group.accounts)
    who = accounts
    if group.units:
        units = ", ".join(group.units)
        who = f"{units} ({_FILTERS[group.filter]}{accounts})" if group.filter else units
    return f"{who} in {', '.join(group.regions)}"


def instance_text(item: Instance) -> str:
    """A stack that is not current, and why."""
    detail = f" ({item.detail})" if item.detail not in ("", "SUCCEEDED", item.status) else ""
    reason = f": {item.reason}" if item.reason else ""
    return f"{item.place} is {item.status}{detail}{reason}"


def count_plans(plans: Iterable[SetPlan]) -> str:
    """What all plans do, in a few words."""
    kinds = [plan.kind for plan in plans]
    parts = [
        f"{kind} {number} stack {'set' if number == 1 else 'sets'}"
        for kind in ("create", "update")
        if (number := kinds.count(kind))
    ]
    return " and ".join(parts) or "nothing"


def plans_json(plans: Iterable[SetPlan]) -> str:
    """The same as JSON, a line for each stack set."""
    return "".join(
        json.dumps(
            {
                "event": "preview",
                "stack": plan.stack.name,
                "stack_set": plan.stack.stack_name,
                "kind": plan.kind,
                "problems": list(plan.problems),
                "changes": [asdict(change) for change in plan.changes],
                "settings": list(plan.settings),
                "added": [asdict(group) for group in plan.added],
                "removed": [asdict(group) for group in plan.removed],
                "outdated": [asdict(item) for item in plan.outdated],
            }
        )
        + "\n"
        for plan in plans
    )
