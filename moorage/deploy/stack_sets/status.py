"""The state of stack sets: their stacks in all accounts and regions, as text or JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from moorage.deploy.stack_sets.plan_text import count_stacks, instance_text
from moorage.deploy.stack_sets.requests import call_as
from moorage.deploy.stack_sets.state import StackSet, list_stack_sets, read_stack_set
from moorage.deploy.target import Target
from moorage.model import OWN_TAGS
from moorage.records import record

if TYPE_CHECKING:
    from moorage.deploy.aws import Aws


@record
class SetStatus:
    """A stack set with its stacks."""

    name: str
    stack_set: str
    found: StackSet | None
    """None if it is not deployed."""
    in_params: bool = True
    """Whether the params have this stack."""

    @property
    def healthy(self) -> bool:
        """Whether it is deployed, and all its stacks are current."""
        return self.found is not None and all(item.current for item in self.found.instances)


def read_environment(aws: Aws, target: Target) -> list[SetStatus]:
    """The stack sets of an environment: those of the params, in the order of their deployment, and
    others that have its tags."""
    assert target.targets is not None
    caller = call_as(target.targets)
    client = aws.cloudformation
    existing = list_stack_sets(client, caller)
    prefix = f"{target.app}-{target.env}-"
    found = {
        name: read_stack_set(client, name, caller)
        for name in sorted(existing)
        if name.startswith(prefix)
    }
    statuses = [
        SetStatus(stack.name, stack.stack_name, found.pop(stack.stack_name, None))
        for stack in target.stacks
    ]
    for name, stack_set in found.items():
        if [stack_set.tags.get(key) for key in OWN_TAGS[:2]] == [target.app, target.env]:
            ours = stack_set.tags.get("stack", name)
            statuses.append(SetStatus(ours, name, stack_set, in_params=False))
    return statuses


def statuses_text(statuses: Sequence[SetStatus]) -> str:
    """Each stack set with its stacks: those that need attention first."""
    return "".join(f"{line}\n" for status in statuses for line in _lines(status))


def _lines(status: SetStatus) -> Iterator[str]:
    yield f"{status.name} (stack set {status.stack_set})  {_summary(status)}"
    instances = status.found.instances if status.found is not None else ()
    for item in sorted(instances, key=lambda item: item.current):
        mark = "" if item.current else "!! "
        drift = ", has drifted" if item.drift == "DRIFTED" else ""
        yield f"  {mark}{instance_text(item)}{drift}"


def _summary(status: SetStatus) -> str:
    if status.found is None:
        return "not deployed"
    instances = status.found.instances
    counted = Counter(item.status for item in instances)
    parts = [f"{number} {name}" for name, number in sorted(counted.items())]
    text = f"{count_stacks(len(instances))}{': ' if parts else ''}{', '.join(parts)}"
    if status.found.under_way:
        text += ", an operation is under way"
    if not status.in_params:
        text += ", NOT IN THE PARAMS: `moorage destroy` deletes it"
    return text


def statuses_json(statuses: Sequence[SetStatus]) -> str:
    """The same as JSON."""
    return json.dumps([_fields(status) for status in statuses], indent=2) + "\n"


def _fields(status: SetStatus) -> Mapping[str, object]:
    found = status.found
    return {
        "name": status.name,
        "stack_set": status.stack_set,
        "deployed": found is not None,
        "in_params": status.in_params,
        "healthy": status.healthy,
        "under_way": bool(found and found.under_way),
        "instances": [asdict(item) for item in found.instances] if found else [],
    }
