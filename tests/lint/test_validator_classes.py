"""cfn-lint finds the same when it makes each class of validators once."""

from __future__ import annotations

import cProfile
import json
import pstats
import subprocess
import sys
from pathlib import Path

import pytest
from lint_samples import REGION, lint, sample

from moorage.findings.finding import Finding
from moorage.lint.linter import Linter


def test_the_command_of_cfn_lint_finds_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is a process without what is changed here."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    texts = {f"{number}.yaml": text for number, text in enumerate(sample())}
    for name, text in texts.items():
        Path(name).write_text(text, errors="surrogatepass")
    command = [str(Path(sys.executable).with_name("cfn-lint")), "--format", "json"]
    command += ["--regions", REGION, "--", *texts]
    shown = subprocess.run(command, capture_output=True, text=True).stdout
    theirs: dict[str, list[tuple[str, int]]] = {name: [] for name in texts}
    for match in json.loads(shown):
        line = match["Location"]["Start"]["LineNumber"]
        theirs[match["Filename"]].append((match["Rule"]["Id"], line))
    ours = {
        name: [(finding.code, finding.place.line) for finding in findings]
        for name, findings in zip(texts, lint(Linter(), [*texts.values()]), strict=True)
    }
    for name, text in texts.items():
        if text.count("A:") < 2:  # of two equal keys, Moorage goes on with the last one
            assert sorted(ours[name]) == sorted(theirs[name]), text


def test_no_class_is_made_twice() -> None:
    def made() -> int:
        profile = cProfile.Profile()
        findings: list[tuple[Finding, ...]] = profile.runcall(lint, Linter(), sample()[:5])
        assert any(findings)
        calls = pstats.Stats(profile).stats  # type: ignore[attr-defined]
        return sum(
            count
            for (file, _, name), (count, *_) in calls.items()
            if (file.endswith("cfnlint/jsonschema/validators.py") and name == "create")
        )

    made()
    assert made() == 0
