"""The program of the process in which AWS's engine runs (`moorage.lint.aws_engine` starts it).

It is a process of its own because templates are untrusted: a small one can make the engine use all
memory or run for minutes, and then only this process ends. Standard input has one request in each
line, as JSON; standard output has one answer in each line: for a list of templates one for each, as
soon as it is there. Nothing else is read or written, and the engine opens no file and no
connection.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from cloudformation_validate import (
    CelEngine,
    DetailLevel,
    Diagnostic,
    PseudoParameterOverrides,
    RuleOrigin,
    Severity,
    TemplateContent,
    ValidateConfig,
    ValidationError,
)

MAX_SECONDS = 3
"""The processor time for one template: some five hundred times what an ordinary one takes."""
MAX_BYTES = 1024 * 1024 * 1024
"""The memory of the process: four times what ordinary templates take."""


def main() -> None:
    """Answers requests until an empty line, or the end of standard input."""
    # A user who presses Ctrl-C ends the command, and with it standard input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)  # ends the process, also in the engine's code
    _limit(resource.RLIMIT_AS, MAX_BYTES)
    _limit(resource.RLIMIT_CORE, 0)
    request = sys.stdin.readline()  # before the engine is made: the sender waits for this only
    engine = CelEngine()
    _write("ready")
    while request.strip():
        for answer in answers(engine, json.loads(request)):
            _write(answer)
        request = sys.stdin.readline()


def _limit(kind: int, value: int) -> None:
    with suppress(ValueError, OSError):  # a stricter limit holds, or the system has none
        resource.setrlimit(kind, (value, value))


def _write(answer: object) -> None:
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
    sys.stdout.buffer.flush()


def answers(engine: CelEngine, request: Mapping[str, Any]) -> Iterator[Any]:
    if "texts" not in request:
        yield [_rule(rule) for rule in engine.list_rules()]
        return
    config = ValidateConfig(
        detail_level=DetailLevel.STANDARD,
        severity_level=Severity.WARN,
        pseudo_parameter_overrides=PseudoParameterOverrides(**request["known"]),
    )
    for text in request["texts"]:
        signal.setitimer(signal.ITIMER_PROF, MAX_SECONDS)
        yield _validate(engine, text, config)
        signal.setitimer(signal.ITIMER_PROF, 0)


def _validate(engine: CelEngine, text: str, config: ValidateConfig) -> list[dict[str, Any]]:
    content = TemplateContent(text.encode(errors="replace"))
    try:
        report = engine.validate_template(content, config)
    except ValidationError:  # an error of the engine, not of the template
        return []
    return [_diagnostic(diagnostic) for diagnostic in report.diagnostics]


def _diagnostic(found: Diagnostic) -> dict[str, Any]:
    entity = found.entity
    return {
        "id": found.rule_id,
        "level": found.severity.name,
        "is_from_cfn_lint": found.source is RuleOrigin.CFN_LINT,
        "entity": [entity.entity_type.name, entity.logical_id] if entity else [],
        "path": found.property_path or "",
        "line": found.start_line or 1,
        "message": found.message,
        "fix": found.suggested_fix or "",
        "conditions": found.condition_scenario or {},
    }


def _rule(rule: Any) -> dict[str, str]:
    return {
        "id": rule.id,
        "level": rule.severity.name,
        "category": rule.category,
        "description": rule.description,
    }
