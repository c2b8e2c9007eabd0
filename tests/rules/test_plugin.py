"""The rules in the real command of cfn-lint, which knows nothing else of Moorage."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from corpus import apply_changes, bases

from moorage.rules.registry import RULES

ROOT = Path(__file__).parents[2]
HURRIED = apply_changes(bases()["alb"], {"Resources.Service.DependsOn": None})
LINKED = """\
Resources:
  Role:
    Type: AWS::IAM::ServiceLinkedRole
    Properties:
      AWSServiceName: ecs.amazonaws.com
"""
"""A role that every account has already."""


def linted(folder: Path, files: list[str], *options: str) -> subprocess.CompletedProcess[str]:
    program = str(Path(sys.executable).with_name("cfn-lint"))
    return subprocess.run(
        [program, "--append-rules", "moorage.rules", *options, "--", *files],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def found(run: subprocess.CompletedProcess[str]) -> list[Any]:
    """What cfn-lint found, as it tells machines."""
    assert not run.stderr, run.stderr
    matches: list[Any] = json.loads(run.stdout)
    return matches


def test_a_fault_is_told_with_line_and_page(tmp_path: Path) -> None:
    (tmp_path / "linked.yaml").write_text(LINKED)
    (one,) = found(linted(tmp_path, ["linked.yaml"], "--format", "json"))
    assert (one["Rule"]["Id"], one["Level"]) == ("E9745", "Error")
    assert one["Location"]["Start"]["LineNumber"] in (2, 5)
    assert one["Location"]["Path"][:2] == ["Resources", "Role"]
    assert one["Rule"]["Source"].endswith("docs/rules.md#e9745")
    assert one["Message"].endswith(".")


def test_json_and_many_files(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text(json.dumps(HURRIED))
    (tmp_path / "good.json").write_text(json.dumps(bases()["alb"]))
    matches = found(linted(tmp_path, ["bad.json", "good.json"], "--format", "json"))
    assert [(one["Filename"], one["Rule"]["Id"][1:]) for one in matches] == [("bad.json", "9930")]


@pytest.mark.parametrize("way", ["option", "template", "resource"])
def test_a_rule_can_be_silenced(way: str, tmp_path: Path) -> None:
    silence = "Metadata: {cfn-lint: {config: {ignore_checks: [E9745]}}}\n"
    inside = LINKED.replace("    Properties", f"    {silence}    Properties")
    text = {"option": LINKED, "template": silence + LINKED, "resource": inside}[way]
    (tmp_path / "linked.yaml").write_text(text)
    options = ["--ignore-checks", "E97"] if way == "option" else []
    run = linted(tmp_path, ["linked.yaml"], *options)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_every_rule_is_listed(tmp_path: Path) -> None:
    listed = linted(tmp_path, [], "--list-rules").stdout
    assert [rule.id for rule in RULES if f"\n{rule.id}: {rule.title}\n" not in listed] == []


def test_a_region_counts_where_it_is_told(tmp_path: Path) -> None:
    """Where none is told cfn-lint takes one of its own, which says nothing."""
    log = "Resources.TaskDefinition.Properties.ContainerDefinitions.0.LogConfiguration.Options"
    for region, options, rules in (
        ("us-east-1", (), ["W9840"]),
        ("eu-west-1", ("--regions", "eu-west-1"), []),
        ("us-east-1", ("--regions", "eu-west-1"), ["W9840"]),
    ):
        body = apply_changes(bases()["alb"], {f"{log}.awslogs-region": region})
        (tmp_path / "t.json").write_text(json.dumps(body))
        matches = found(linted(tmp_path, ["t.json"], "--format", "json", *options))
        assert [one["Rule"]["Id"] for one in matches] == rules


def test_settings_that_append_the_rules_tell_nothing_twice(tmp_path: Path) -> None:
    (tmp_path / ".cfnlintrc").write_text("append_rules: [moorage.rules]\n")
    (tmp_path / "a.yaml").write_text(json.dumps(HURRIED))
    command = [sys.executable, str(ROOT / "build.py"), "check", "a.yaml", "--format", "json"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    codes = [one["code"] for one in json.loads(run.stdout)]
    assert codes.count("E9930") == 1
