"""The deletion of stack sets: first their stacks in all accounts and regions, then themselves."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import partial

from moorage.deploy.aws import AwsError, aws_errors
from moorage.deploy.context import Context
from moorage.deploy.jobs import Job, run_jobs
from moorage.deploy.progress import Ended, Started
from moorage.deploy.stack_sets.execute import delete_instances
from moorage.deploy.stack_sets.operations import (
    Running,
    end_text,
    run_operation,
    wait_for_others,
)
from moorage.deploy.stack_sets.order import find_users
from moorage.deploy.stack_sets.plan import kept_resources
from moorage.deploy.stack_sets.plan_text import count_stacks, group_text
from moorage.deploy.stack_sets.requests import Group, call_as
from moorage.deploy.stack_sets.state import StackSet
from moorage.deploy.stack_sets.status import SetStatus
from moorage.deploy.target import Target
from moorage.model import Targets
from moorage.records import record


@record
class SetRemoval:
    """A stack set that is deleted."""

    name: str
    found: StackSet
    groups: tuple[Group, ...]
    """Where its stacks are."""
    after: tuple[str, ...]
    """Names of the stacks whose stack sets are deleted before it."""


def plan_set_removals(target: Target, statuses: Sequence[SetStatus]) -> list[SetRemoval]:
    """The stack sets that exist, in the reverse order of their deployment. Those that the params no
    longer have come first: what they imported from may be there still."""
    existing = [status for status in statuses if status.found is not None]
    orphans = [status.name for status in existing if not status.in_params]
    removals = []
    backwards = existing[::-1]
    for status in sorted(backwards, key=lambda status: status.in_params):
        assert status.found is not None
        after = {*find_users(target.stacks, status.name)} & {item.name for item in existing}
        names = (*sorted(after), *(orphans if status.in_params else ()))
        groups = tuple(_groups(status.found))
        removals.append(SetRemoval(status.name, status.found, groups, names))
    return removals


def _groups(found: StackSet) -> Iterator[Group]:
    """Everything that the stack set has, by units or by accounts."""
    regions = tuple(dict.fromkeys(item.region for item in found.instances))
    units = tuple(dict.fromkeys(item.unit for item in found.instances if item.unit))
    if not regions:
        return
    if units:
        yield Group(regions, units=units)
    else:
        yield Group(regions, tuple(dict.fromkeys(item.account for item in found.instances)))


def remove_stack_sets(
    context: Context, removals: Sequence[SetRemoval], targets: Targets, parallel: int
) -> dict[str, str]:
    """Deletes stack sets, and stops at the first failure. Returns why each one failed: empty if it
    succeeded. Those that were never begun are left out."""
    return run_jobs(
        {item.name: partial(_remove, context, item, targets) for item in removals},
        context.clock,
        after={item.name: item.after for item in removals},
        parallel=parallel,
        may_go_on=lambda reason: not reason,
    )


def _remove(context: Context, removal: SetRemoval, targets: Targets) -> Job[str]:
    context.emit(Started(removal.name, context.at, "delete"))
    try:
        with aws_errors():
            reason = yield from _delete(context, removal, targets)
    except AwsError as error:
        reason = str(error)
    context.emit(Ended(removal.name, context.at, "failed" if reason else "succeeded", reason))
    return reason


def _delete(context: Context, removal: SetRemoval, targets: Targets) -> Job[str]:
    name, caller = removal.found.name, call_as(targets)
    running = Running(removal.name, name, "", "delete")
    if removal.found.under_way:
        yield from wait_for_others(context, running, caller)
    for group in removal.groups:
        start = partial(delete_instances, context, name, group, targets)
        end = yield from run_operation(context, running, caller, start)
        if end.failures or not end.succeeded:
            return end_text(end)
    context.aws.cloudformation.delete_stack_set(StackSetName=name, **caller)
    return ""


def set_removals_text(removals: Sequence[SetRemoval]) -> str:
    """What is deleted where, and what stays."""
    return "".join(f"{line}\n" for removal in removals for line in _removal_lines(removal))


def _removal_lines(removal: SetRemoval) -> Iterator[str]:
    found = removal.found
    stacks = count_stacks(len(found.instances))
    yield f"{removal.name} (stack set {found.name}) and {stacks} will be deleted"
    for group in removal.groups:
        yield f"  - {group_text(group)}"
    for logical_id, kind in kept_resources(found.text):
        yield f"  stays in each of them: {logical_id}  {kind}"


def set_removals_json(removals: Sequence[SetRemoval]) -> str:
    """The same as JSON, a line for each stack set."""
    return "".join(
        json.dumps(
            {
                "event": "removal",
                "stack": removal.name,
                "stack_set": removal.found.name,
                "instances": [item.place for item in removal.found.instances],
                "kept": [
                    {"logical_id": name, "type": kind}
                    for name, kind in kept_resources(removal.found.text)
                ],
            }
        )
        + "\n"
        for removal in removals
    )
