"""Diagnoses -> text and JSON. Pure."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from moorage.deploy.diagnosis.diagnose import diagnose
from moorage.deploy.diagnosis.model import Diagnosis, Evidence, Service
from moorage.deploy.diagnosis.params_place import ParamsPlace, find_params_place
from moorage.deploy.diagnosis.stopped_tasks import TASK_DEFINITION
from moorage.facts.secret_values import hide
from moorage.findings.pages import WIDTH
from moorage.findings.report import dotted
from moorage.findings.wording import escape_controls
from moorage.pipeline.document import Document
from moorage.records import record

NOT_DEPLOYED = "not deployed in this account and region"
_INDENT = "   "


@record
class StackReport:
    """What is wrong with a stack, and where in the params it is."""

    evidence: Evidence
    diagnoses: tuple[tuple[Diagnosis, ParamsPlace | None], ...]


def make_report(evidence: Evidence, document: Document | None) -> StackReport:
    """The diagnoses of a stack with their lines in the params, if the params are known."""
    return StackReport(
        evidence,
        tuple(
            (each, None if document is None else find_params_place(each, document))
            for each in diagnose(evidence)
        ),
    )


def as_text(reports: Sequence[StackReport]) -> str:
    """The reports for people."""
    return escape_controls("\n".join("\n".join(_stack_lines(each)) + "\n" for each in reports))


def as_json(reports: Sequence[StackReport]) -> str:
    """A list with an object for each stack: its diagnoses, the most important one first."""
    data = [_stack_data(report) for report in reports]
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def as_line(reports: Sequence[StackReport]) -> str:
    """The reports as one event of a deployment, in one line of JSON."""
    data = {"event": "diagnosis", "stacks": [_stack_data(report) for report in reports]}
    return json.dumps(data, ensure_ascii=False)


def _stack_lines(report: StackReport) -> Iterator[str]:
    evidence = report.evidence
    status = evidence.status or ("state unknown" if evidence.unread else NOT_DEPLOYED)
    head = f"{evidence.stack} ({evidence.stack_name}): {status}"
    if not report.diagnoses and not evidence.status:
        yield head
    elif not report.diagnoses:
        yield f"{head}. Nothing is known to be failing."
        yield from (f"{_INDENT}{line}" for line in map(_service_line, evidence.services))
    else:
        yield head
    for number, (each, place) in enumerate(report.diagnoses, 1):
        yield ""
        yield f"{number}. {each.title}"
        yield from diagnosis_lines(each, place)
    if evidence.unread:
        yield ""
        yield "Not read:"
        for unread in evidence.unread:
            yield from _wrap(f"{unread.what}: {hide(unread.reason)}", _INDENT)


def _service_line(service: Service) -> str:
    if service.type == TASK_DEFINITION:
        count = len(service.tasks)
        what = "none of the last tasks has failed" if count else "no task has ended lately"
        return f"tasks of {service.name}: {what}"
    return f"service {service.name}: {service.running} of {service.desired} tasks are running"


def diagnosis_lines(each: Diagnosis, place: ParamsPlace | None) -> Iterator[str]:
    """A diagnosis below its title: the resource, AWS's message, what it means and what to do."""
    yield from _wrap(_subject(each), _INDENT)
    yield from _wrap(f"AWS: {each.message}", _INDENT)
    if each.log_lines:
        yield f"{_INDENT}Last lines of the log:"
        yield from (f"{_INDENT * 2}{line}" for line in each.log_lines)
    if each.meaning:
        yield from _wrap(each.meaning, _INDENT)
    yield from _wrap(f"What to do: {each.check}", _INDENT)
    if each.codes:
        yield from _wrap(f"See: python build.py explain {' '.join(each.codes)}", _INDENT)
    for text in each.consequences:
        yield from _wrap(f"As a result: {text}", _INDENT)
    if place is not None:
        yield f"{_INDENT}{place_text(place)}"


def _subject(each: Diagnosis) -> str:
    resource = f"{each.logical_id} ({each.type})" if each.logical_id else "the stack itself"
    parts = [resource]
    parts += [f"container {each.container}"] if each.container else []
    parts += [f"{each.count} times"] if each.count > 1 else []
    parts += [f"last at {each.last:%Y-%m-%d %H:%M:%S %Z}".rstrip()] if each.last else []
    return ", ".join(parts)


def place_text(place: ParamsPlace) -> str:
    """A line of the params on one line: file, line and path."""
    missing = f" (`{place.missing}` is not set)" if place.missing else ""
    return f"{place.place} {dotted(place.path)}{missing}"


def _wrap(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _stack_data(report: StackReport) -> dict[str, Any]:
    evidence = report.evidence
    return {
        "stack": evidence.stack,
        "stack_name": evidence.stack_name,
        "status": evidence.status,
        "diagnoses": [_diagnosis_data(*each) for each in report.diagnoses],
        "not_read": [
            {"what": unread.what, "reason": hide(unread.reason)} for unread in evidence.unread
        ],
    }


def _diagnosis_data(each: Diagnosis, place: ParamsPlace | None) -> dict[str, Any]:
    return {
        "id": each.known,
        "title": each.title,
        "resource": each.logical_id,
        "type": each.type,
        "container": each.container,
        "count": each.count,
        "last": each.last.isoformat() if each.last else None,
        "message": each.message,
        "log": list(each.log_lines),
        "led_to": list(each.consequences),
        "meaning": each.meaning,
        "check": each.check,
        "codes": list(each.codes),
        "sources": list(each.sources),
        "params": None if place is None else place_data(place),
    }


def place_data(place: ParamsPlace) -> dict[str, Any]:
    """A line of the params for machines."""
    return {
        "file": place.place.file,
        "line": place.place.line,
        "path": [step if isinstance(step, int) else hide(step) for step in place.path],
        "missing": place.missing,
    }
