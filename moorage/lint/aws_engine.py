"""Templates -> findings of AWS's engine `cloudformation-validate`, in a process of its own.

The engine takes about a twentieth of cfn-lint's time, and runs while this process does something
else. A template that makes it use all memory, or run for seconds, has no findings of it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from moorage.cfn.nodes import nearest_existing_path
from moorage.facts.regions import dns_suffix, partition
from moorage.findings.finding import Finding, Level, Path, Place
from moorage.findings.path_set import PathSet
from moorage.lint.engine_client import EngineProcess, ask_engine
from moorage.lint.engine_rules import (
    ABOUT_NAMES,
    LEFT_OUT,
    ids_of,
    reported_id,
    rule_page,
    same_rules,
)
from moorage.lint.linter import Linter
from moorage.lint.messages import shorten
from moorage.lint.settings import LintSettings
from moorage.rules.ignored_checks import is_ignored
from moorage.rules.message_parts import join_and

_MAX_ENDS = 3
"""How often the process may end over the templates of one call before the rest goes without."""
_BATCH = 100
"""How many templates are sent at once: both processes have them in memory."""
INCOMPLETE = "moorage.incomplete"
"""The audit event of a result that is not to be kept, since another run may have more."""
_LIKE_AN_ID = re.compile(r"[EFW][0-9]{0,4}")
"""An id of a rule, or the beginning of one."""
_LEVELS: dict[str, Level] = {"FATAL": "error", "ERROR": "error", "WARN": "warning"}
_ABOUT_OUTPUTS = ("E6005",)
"""Rules whose findings say that the output they are about is a resource."""
_SECTIONS = {
    "RESOURCE": "Resources",
    "PARAMETER": "Parameters",
    "OUTPUT": "Outputs",
    "MAPPING": "Mappings",
    "CONDITION": "Conditions",
    "RULE": "Rules",
    "METADATA": "Metadata",
}


class Validation:
    """Templates that the engine judges while this process goes on. There is one at a time."""

    def __init__(
        self,
        templates: Sequence[tuple[str, Any]],
        region: str | None = None,
        account: str | None = None,
        linter: Linter | None = None,
    ) -> None:
        """`templates` are texts with the bodies that were read from them. `linter` has the cache
        of findings."""
        self._templates, self._linter = templates, linter or Linter()
        self._known = _known(region, account)
        self._keys = [self._linter.key("engine", None, text, self._known) for text, _ in templates]
        self._found = {
            index: found
            for index, key in enumerate(self._keys)
            if (found := self._linter.recall_findings(key)) is not None
        }
        self._todo = [index for index in range(len(templates)) if index not in self._found]
        self._process = self._ask()
        self.was_killed = False
        """Whether findings are missing because somebody ended the process."""

    def result(self) -> list[tuple[Finding, ...]]:
        """Waits for the findings about each template; their places have no file. Findings that the
        template ignores are left out. Without an engine there are none."""
        ends = 0
        while self._process is not None:
            reports = self._process.read()
            for report in reports:
                self._keep(self._todo.pop(0), report)
            if len(reports) < self._asked:  # it ended about the first without an answer
                ends += 1
                if self._process.was_killed:
                    self.was_killed = True
                    sys.audit(INCOMPLETE)
                elif self._process.has_exceeded_time:  # and would do so every time
                    # Not so for memory: a limit of the shell can be lower than the engine's own.
                    self._keep(self._todo[0], ())
                self._todo = self._todo[1:] if ends < _MAX_ENDS else []
            self._process = self._ask()
        return [self._found.get(index, ()) for index in range(len(self._templates))]

    def _ask(self) -> EngineProcess | None:
        texts = [self._templates[index][0] for index in self._todo[:_BATCH]]
        self._asked = len(texts)
        request = {"texts": texts, "known": self._known}
        return ask_engine(request, len(texts)) if texts else None

    def _keep(self, index: int, report: Sequence[Mapping[str, Any]]) -> None:
        self._found[index] = tuple(_findings(report, self._templates[index][1]))
        self._linter.keep_findings(self._keys[index], self._found[index])


def engine_page(code: str) -> str | None:
    """The page of a rule of the engine; None where none is reported under this id."""
    rule = next((rule for rule in _rules() if reported_id(rule["id"]) == code), None)
    return rule_page(rule) if rule else None


def has_engine() -> bool:
    """Whether the engine is installed and runs on this machine."""
    return bool(_rules())


def known_ids(settings: LintSettings, linter: Linter) -> tuple[str, ...]:
    """The ids of all rules: of cfn-lint, of Moorage, and of the engine."""
    key = linter.key("engine ids", None)
    of_engine = linter.recall(key)
    if not isinstance(of_engine, list) or not all(isinstance(id_, str) for id_ in of_engine):
        of_engine = [reported_id(rule["id"]) for rule in _rules()]
        if of_engine:
            linter.keep(key, of_engine)
        else:  # it does not run here: any id can be one of its ids
            of_engine = [id_ for id_ in settings.ignored if _LIKE_AN_ID.fullmatch(id_)]
    return (*linter.known_ids(settings), *of_engine)


def _rules() -> list[dict[str, str]]:
    process = ask_engine({}, 1)
    answers = process.read() if process else []
    return answers[0] if answers else []


def _known(region: str | None, account: str | None) -> dict[str, str]:
    """What the engine replaces pseudo parameters by; what is not known is left out."""
    known = {"account_id": account} if account else {}
    if region:
        known |= {"region": region, "partition": partition(region)}
        known |= {"url_suffix": dns_suffix(region)}
    return known


def _findings(report: Sequence[Mapping[str, Any]], body: Any) -> Iterator[Finding]:
    left_out = LEFT_OUT.keys() | (ABOUT_NAMES if _has_module(body) else frozenset())
    for found in report:
        # What cfn-lint warns of, it warns of itself.
        is_style = found["is_from_cfn_lint"] and found["level"] == "WARN"
        if is_style or found["id"] in left_out:
            continue
        path = _path(found, body)
        code = reported_id(found["id"])
        if not any(is_ignored(rule, path, body) for rule in ids_of(code)):
            yield Finding(
                code=code,
                level=_LEVELS[found["level"]],
                place=Place("", found["line"]),
                path=path,
                message=shorten(_add_conditions(found["message"], found["conditions"])),
                hint=_as_sentence(shorten(found["fix"])),
            )


def _has_module(body: Any) -> bool:
    resources = body.get("Resources") if isinstance(body, Mapping) else None
    values = resources.values() if isinstance(resources, Mapping) else ()
    types = (value.get("Type") for value in values if isinstance(value, Mapping))
    return any(isinstance(type_, str) and type_.endswith("::MODULE") for type_ in types)


def _add_conditions(message: str, conditions: Mapping[str, bool]) -> str:
    if not conditions:
        return message
    words = (
        f"the condition `{name}` is {'true' if value else 'false'}"
        for name, value in sorted(conditions.items())
    )
    return f"If {join_and(words)}: {message}"


def _as_sentence(text: str) -> str:
    return f"{text}." if text and text[-1] not in ".!?" else text


# Places --------------------------------------------------------------------------------------


def _path(found: Mapping[str, Any], body: Any) -> Path:
    """The place of a finding in a template, as far as it exists there.

    The engine writes paths within a resource with dots, and paths from the root with slashes.
    """
    start, written = _entity(found), found["path"]
    if "/" in written and written.split("/")[0] in _SECTIONS.values():
        start, written = (), written.replace("/", ".")
    owner = body
    for step in start:
        owner = owner.get(step) if isinstance(owner, Mapping) else None
    return nearest_existing_path(body, (*start, *_steps(owner, written)))


def _entity(found: Mapping[str, Any]) -> Path:
    if not found["entity"]:
        return ()
    kind, name = found["entity"]
    if found["id"] in _ABOUT_OUTPUTS:
        kind = "OUTPUT"
    return (_SECTIONS[kind], name) if kind in _SECTIONS else ()


def _steps(value: Any, written: str) -> Path:
    """The keys and indices in a path with dots. Keys can have dots, too."""
    steps: list[str | int] = []
    while written:
        if isinstance(value, list):
            key, _, written = written.partition(".")
            step: str | int = int(key) if key.isdecimal() else key
        else:
            keys = value if isinstance(value, Mapping) else {}
            ends = [at for at, letter in enumerate(f"{written}.") if letter == "."]
            fitting = (written[:end] for end in reversed(ends) if written[:end] in keys)
            step = next(fitting, written.partition(".")[0])
            written = written[len(step) + 1 :]
        steps.append(step)
        is_there = step in value if isinstance(value, Mapping) else isinstance(step, int)
        value = _value_at(value, step) if is_there else None
    return tuple(steps)


def _value_at(value: Any, step: Any) -> Any:
    try:
        return value[step]
    except (LookupError, TypeError):
        return None


# What others report --------------------------------------------------------------------------


def find_new(findings: Iterable[Finding], others: Iterable[Finding]) -> list[Finding]:
    """The findings of the engine that cfn-lint or Moorage's rules do not report as well: by a rule
    about the same mistakes in the same place, or as another error in that place."""
    reported: dict[str, PathSet] = {}
    errors = PathSet()
    for other in others:
        path = _without_ifs(other.path)
        reported.setdefault(other.code, PathSet()).add(path)
        if other.level == "error":
            errors.add(path)
    return [
        finding
        for finding in findings
        if not _is_known(finding.code, _without_ifs(finding.path), reported, errors)
    ]


def _is_known(code: str, path: Path, reported: Mapping[str, PathSet], errors: PathSet) -> bool:
    if any(reported[rule].overlaps(path) for rule in same_rules(code) if rule in reported):
        return True
    return path in errors or errors.overlaps(path, _WITHIN_PROPERTY)


_WITHIN_PROPERTY = len(("Resources", "Service", "Properties", "LoadBalancers"))


def _without_ifs(path: Path) -> Path:
    """A path as if the value that a condition chooses were written in its place."""
    steps = list[str | int]()
    is_choice = False
    for step in path:
        if step == "Fn::If":
            is_choice = True
        elif not (is_choice and isinstance(step, int)):
            steps.append(step)
            is_choice = False
        else:
            is_choice = False
    return tuple(steps)
