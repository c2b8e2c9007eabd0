"""Why stacks of stack sets failed: what CloudFormation reports, and the known failures it fits."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from moorage.deploy.context import Context
from moorage.deploy.stack_sets.operations import Failure, find_failures, read_results
from moorage.deploy.stack_sets.requests import call_as
from moorage.deploy.stack_sets.state import Instance
from moorage.deploy.stack_sets.status import SetStatus
from moorage.model import Targets


@dataclass(frozen=True)
class SetFailures:
    """The stacks of a stack set that are not current, by the reason."""

    name: str
    stack_set: str
    reasons: tuple[tuple[str, tuple[Failure, ...]], ...]


def find_set_failures(
    context: Context, statuses: Sequence[SetStatus], targets: Targets
) -> Iterator[SetFailures]:
    """Why stacks failed. The results of each last operation are read once; they have the reason
    where the stack itself has none."""
    for status in statuses:
        bad = [item for item in status.found.instances if not item.current] if status.found else []
        if not bad:
            continue
        known: dict[tuple[str, str], Failure] = {}
        for operation in dict.fromkeys(item.operation for item in bad if item.operation):
            results = read_results(context, status.stack_set, operation, call_as(targets))
            known |= {(item.account, item.region): item for item in find_failures(results)}
        failures = [_failure(item, known.get((item.account, item.region))) for item in bad]
        reasons = dict.fromkeys(item.reason for item in failures)
        grouped = (
            (reason, tuple(item for item in failures if item.reason == reason))
            for reason in reasons
        )
        yield SetFailures(status.name, status.stack_set, tuple(grouped))


def _failure(item: Instance, result: Failure | None) -> Failure:
    """What is known about a stack: its own reason, or that of its last operation."""
    if result is not None and (result.reason or not item.reason):
        return result
    return Failure(item.account, item.region, item.detail or item.status, item.reason)


def failures_text(found: Sequence[SetFailures]) -> str:
    """Each reason once, with the accounts and regions that it is true of."""
    return "".join(f"{line}\n" for item in found for line in _lines(item))


def _lines(found: SetFailures) -> Iterator[str]:
    count = sum(len(failures) for _, failures in found.reasons)
    noun = "stack is" if count == 1 else "stacks are"
    yield f"{found.name} (stack set {found.stack_set}): {count} {noun} not current"
    for reason, failures in found.reasons:
        yield f"  {reason or 'CloudFormation reports no reason'}"
        for item in failures:
            yield f"    {item.place}  {item.status}"


def failures_json(found: Sequence[SetFailures]) -> str:
    """The same as JSON."""
    return json.dumps([asdict(item) for item in found], indent=2) + "\n"
