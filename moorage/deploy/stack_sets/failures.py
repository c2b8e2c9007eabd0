"""Why stacks of stack sets failed: each reason once, with what it means."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from moorage.deploy.context import Context
from moorage.deploy.diagnosis.build_diagnosis import diagnosis
from moorage.deploy.diagnosis.matching import find_known
from moorage.deploy.diagnosis.model import Diagnosis
from moorage.deploy.diagnosis.params_place import ParamsPlace, find_params_place
from moorage.deploy.diagnosis.report import diagnosis_lines, place_text
from moorage.deploy.stack_sets.operations import Failure, find_failures, read_results
from moorage.deploy.stack_sets.requests import call_as
from moorage.deploy.stack_sets.state import Instance
from moorage.deploy.stack_sets.status import SetStatus
from moorage.facts.secret_values import hide
from moorage.facts.stack_sets import RESOURCE_REASON
from moorage.model import Targets
from moorage.pipeline.document import Document
from moorage.records import record

_RESOURCE = re.compile(RESOURCE_REASON, re.DOTALL)


@record
class Reason:
    """Why stacks failed, and which ones."""

    text: str
    """What CloudFormation reports."""
    failures: tuple[Failure, ...]
    diagnosis: Diagnosis | None = None
    """What it means; None unless it names a resource."""
    place: ParamsPlace | None = None


@record
class SetFailures:
    """The stacks of a stack set that are not current."""

    name: str
    stack_set: str
    reasons: tuple[Reason, ...]


def find_set_failures(
    context: Context,
    statuses: Sequence[SetStatus],
    targets: Targets,
    document: Document | None = None,
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
        texts = dict.fromkeys(item.reason for item in failures)
        reasons = (
            _explain(
                text, [item for item in failures if item.reason == text], status.name, document
            )
            for text in texts
        )
        yield SetFailures(status.name, status.stack_set, tuple(reasons))


def _failure(item: Instance, result: Failure | None) -> Failure:
    """What is known about a stack: its own reason, or that of its last operation."""
    if result is not None and (result.reason or not item.reason):
        return result
    return Failure(item.account, item.region, item.detail or item.status, item.reason)


def _explain(
    text: str, failures: Sequence[Failure], stack: str, document: Document | None
) -> Reason:
    match = _RESOURCE.match(text)
    if match is None:
        return Reason(text, tuple(failures))
    found = diagnosis(
        find_known(match["reason"]),
        match["reason"],
        stack=stack,
        logical_id=match["name"],
        resource_type=match["type"],
    )
    place = None if document is None else find_params_place(found, document)
    return Reason(text, tuple(failures), found, place)


def failures_text(found: Sequence[SetFailures]) -> str:
    """Each reason once, with the accounts and regions that it is true of."""
    return "\n".join("".join(f"{line}\n" for line in _lines(item)) for item in found)


def _lines(found: SetFailures) -> Iterator[str]:
    count = sum(len(reason.failures) for reason in found.reasons)
    noun = "stack is" if count == 1 else "stacks are"
    yield f"{found.name} (stack set {found.stack_set}): {count} {noun} not current"
    for number, reason in enumerate(found.reasons, 1):
        yield ""
        if reason.diagnosis is None:
            yield f"{number}. {hide(reason.text) or 'CloudFormation reports no reason'}"
        else:
            yield f"{number}. {reason.diagnosis.title}"
            yield from diagnosis_lines(reason.diagnosis, reason.place)
        for item in reason.failures:
            yield f"   {item.status}: {item.place}"


def failures_json(found: Sequence[SetFailures]) -> str:
    """The same as JSON."""
    data = [
        {
            "name": item.name,
            "stack_set": item.stack_set,
            "reasons": [
                {
                    "reason": hide(reason.text),
                    "stacks": [asdict(failure) for failure in reason.failures],
                    "known": reason.diagnosis.known if reason.diagnosis else "",
                    "params": place_text(reason.place) if reason.place else "",
                }
                for reason in item.reasons
            ],
        }
        for item in found
    ]
    return json.dumps(data, indent=2) + "\n"
