"""The rules in cfn-lint's own command line."""

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
WITHOUT_DEPENDS_ON = apply_changes(bases()["alb"], {"Resources.Service.DependsOn": None})
SERVICE_LINKED_ROLE = """\
Resources:
  Role:
    Type: AWS::IAM::ServiceLinkedRole
    Properties:
      AWSServiceName: ecs.amazonaws.com
"""


def run_cfn_lint(folder: Path, files: list[str], *options: str) -> subprocess.CompletedProcess[str]:
    program = str(Path(sys.executable).with_name("cfn-lint"))
    return subprocess.run(
        [program, "--append-rules", "moorage.rules", *options, "--", *files],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def parse_matches(run: subprocess.CompletedProcess[str]) -> list[Any]:
    """What cfn-lint found, from its JSON output."""
    assert not run.stderr, run.stderr
    matches: list[Any] = json.loads(run.stdout)
    return matches


def test_a_match_has_line_level_and_page(tmp_path: Path) -> None:
    (tmp_path / "role.yaml").write_text(SERVICE_LINKED_ROLE)
    (match,) = parse_matches(run_cfn_lint(tmp_path, ["role.yaml"], "--format", "json"))
    assert (match["Rule"]["Id"], match["Level"]) == ("E9745", "Error")
    assert match["Location"]["Start"]["LineNumber"] in (2, 5)
    assert match["Location"]["Path"][:2] == ["Resources", "Role"]
    assert match["Rule"]["Source"].endswith("docs/rules/iam-roles-and-permissions.md#e9745")
    assert match["Message"].endswith(".")


def test_json_templates_and_several_files(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text(json.dumps(WITHOUT_DEPENDS_ON))
    (tmp_path / "good.json").write_text(json.dumps(bases()["alb"]))
    run = run_cfn_lint(tmp_path, ["bad.json", "good.json"], "--format", "json")
    matches = [(match["Filename"], match["Rule"]["Id"]) for match in parse_matches(run)]
    assert matches == [("bad.json", "E9930")]


@pytest.mark.parametrize("place", ["option", "template", "resource"])
def test_a_rule_can_be_ignored(place: str, tmp_path: Path) -> None:
    metadata = "Metadata: {cfn-lint: {config: {ignore_checks: [E9745]}}}\n"
    in_resource = SERVICE_LINKED_ROLE.replace("    Properties", f"    {metadata}    Properties")
    text = {
        "option": SERVICE_LINKED_ROLE,
        "template": metadata + SERVICE_LINKED_ROLE,
        "resource": in_resource,
    }[place]
    (tmp_path / "role.yaml").write_text(text)
    options = ["--ignore-checks", "E97"] if place == "option" else []
    run = run_cfn_lint(tmp_path, ["role.yaml"], *options)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_every_rule_is_listed(tmp_path: Path) -> None:
    listed = run_cfn_lint(tmp_path, [], "--list-rules").stdout
    assert [rule.id for rule in RULES if f"\n{rule.id}: {rule.title}\n" not in listed] == []


def test_a_region_counts_only_if_it_is_given(tmp_path: Path) -> None:
    """Without `--regions` cfn-lint assumes us-east-1, which shows nothing about the deployment."""
    options_path = (
        "Resources.TaskDefinition.Properties.ContainerDefinitions.0.LogConfiguration.Options"
    )
    for region, options, rules in (
        ("us-east-1", (), ["W9840"]),
        ("eu-west-1", ("--regions", "eu-west-1"), []),
        ("us-east-1", ("--regions", "eu-west-1"), ["W9840"]),
    ):
        body = apply_changes(bases()["alb"], {f"{options_path}.awslogs-region": region})
        (tmp_path / "t.json").write_text(json.dumps(body))
        run = run_cfn_lint(tmp_path, ["t.json"], "--format", "json", *options)
        assert [match["Rule"]["Id"] for match in parse_matches(run)] == rules


def test_rules_that_cfnlintrc_appends_are_not_reported_twice(tmp_path: Path) -> None:
    (tmp_path / ".cfnlintrc").write_text("append_rules: [moorage.rules]\n")
    (tmp_path / "a.yaml").write_text(json.dumps(WITHOUT_DEPENDS_ON))
    command = [sys.executable, str(ROOT / "build.py"), "check", "a.yaml", "--format", "json"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    codes = [finding["code"] for finding in json.loads(run.stdout)]
    assert codes.count("E9930") == 1
