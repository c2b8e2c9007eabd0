"""A value that a hint proposes is accepted: whoever writes it gets no other finding about it."""

from __future__ import annotations

import re
import shutil
from contextlib import chdir
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML, YAMLError

from moorage.findings.finding import Finding
from moorage.pipeline.load import load
from moorage.pipeline.validate import validate
from templates import TEMPLATES

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


@pytest.mark.parametrize("case", CASES)
def test_what_a_hint_proposes_is_accepted(case: str, tmp_path: Path) -> None:
    (tmp_path / "params").mkdir()
    target = tmp_path / "params/dev.yaml"
    shutil.copy(ERRORS / f"{case}.yaml", target)
    try:
        data = YAML(typ="safe").load(target.read_text())
    except (YAMLError, ValueError):
        pytest.skip("not YAML")
    changed = deepcopy(data)
    proposals: dict[tuple[str | int, ...], tuple[str, str]] = {}
    for finding in find(tmp_path):
        try:
            written = at(data, finding.path)
        except (KeyError, IndexError, TypeError):
            continue
        value = proposed_value(finding, written)
        if value is not None and finding.path:
            at(changed, finding.path[:-1])[finding.path[-1]] = value
            proposals[finding.path] = (str(value), finding.hint)
    if not proposals:
        pytest.skip("no hint proposes a value")
    YAML(typ="safe").dump(changed, target)
    assert [
        (proposals[finding.path][1], finding.path, finding.message)
        for finding in find(tmp_path)
        if finding.path in proposals and proposals[finding.path][0] in finding.message
    ] == []
