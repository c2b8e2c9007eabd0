"""A value that a hint proposes is accepted: whoever writes it gets no other finding about it."""

from __future__ import annotations

import re
import shutil
from contextlib import chdir
from copy import deepcopy
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML, YAMLError

from moorage.findings.finding import Finding
from moorage.pipeline.load import load
from moorage.pipeline.validate import validate
from templates import TEMPLATES

Proposals = dict[tuple[str | int, ...], tuple[str, str]]

ERRORS = Path(__file__).parent / "errors"
CASES = sorted(path.stem for path in ERRORS.glob("*.yaml"))
PROPOSAL = re.compile(
    r"(?:Did you mean|Write \S+ to \S+, for example|Write|Name one of them:) `([^`{}\[\]]+)`[.?,]"
)


def find(folder: Path) -> list[Finding]:
    with chdir(folder):
        document, findings = load(Path("params"), "dev")
        return [*findings, *(validate(document, TEMPLATES)[1] if document else ())]


def proposed_value(finding: Finding, written: Any) -> Any:
    """The value that the hint of a finding proposes in place of a written scalar, if any."""
    match = PROPOSAL.match(finding.hint)
    is_about_value = not isinstance(written, dict | list) and str(written) in finding.message
    if match is None or not is_about_value or finding.code == "M1101":
        return None
    text = match[1].removeprefix(f"{finding.path[-1]}: ")
    return None if ": " in text else YAML(typ="safe").load(text)


def at(data: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        data = data[step]
    return data


def proposals_in(case: str, target: Path) -> Proposals | None:
    """The values that the findings of a case propose, with the hints; None if it is not YAML.

    Writes them into a copy of the params of the case.
    """
    shutil.copy(ERRORS / f"{case}.yaml", target)
    try:
        data = YAML(typ="safe").load(target.read_text())
    except (YAMLError, ValueError):
        return None
    changed = deepcopy(data)
    proposals: Proposals = {}
    for finding in find(target.parents[1]):
        try:
            written = at(data, finding.path)
        except (KeyError, IndexError, TypeError):
            continue
        value = proposed_value(finding, written)
        if value is not None and finding.path:
            at(changed, finding.path[:-1])[finding.path[-1]] = value
            proposals[finding.path] = (str(value), finding.hint)
    YAML(typ="safe").dump(changed, target)
    return proposals


def test_what_a_hint_proposes_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "params").mkdir()
    refused, number = [], 0
    for case in CASES:
        proposals = proposals_in(case, tmp_path / "params/dev.yaml")
        if proposals:
            number += len(proposals)
            refused += [
                (case, proposals[finding.path][1], finding.path, finding.message)
                for finding in find(tmp_path)
                if finding.path in proposals and proposals[finding.path][0] in finding.message
            ]
    assert refused == []
    assert number > 60
