"""`rules`: which rules are listed, and in which form."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import main

from moorage.rules.registry import RULES
from moorage.rules.resource_types import resource_types

CapSys = pytest.CaptureFixture[str]


def listed(capsys: CapSys, *arguments: str) -> list[str]:
    """The ids that a command lists."""
    assert main(["rules", *arguments]) == 0
    return [line.split()[0] for line in capsys.readouterr().out.splitlines()]


def test_all_rules_are_listed(capsys: CapSys) -> None:
    assert listed(capsys) == [rule.id for rule in RULES]


def test_ids_can_be_given_in_part(capsys: CapSys) -> None:
    found = listed(capsys, "e945", "W9933")
    assert {"E9450", "E9453", "W9933"} <= set(found)
    assert all(name.startswith(("E945", "W9933")) for name in found)


def test_each_filter_narrows_the_list(capsys: CapSys) -> None:
    words = ["--topic", "target-groups", "--level", "error", "--text", "PORT"]
    found = listed(capsys, *words, "--type", "AWS::ECS")
    assert found
    assert set(found) < set(listed(capsys, *words)) < set(listed(capsys, *words[:4]))
    assert set(listed(capsys, *words[:4])) < set(listed(capsys, *words[:2]))
    assert set(found) <= set(listed(capsys, "--type", "aws::ecs::service", "--type", "AWS::ECS::"))


def test_levels_are_those_of_the_ids(capsys: CapSys) -> None:
    assert {name[0] for name in listed(capsys, "--level", "warning")} == {"W"}


def test_nearly_every_rule_says_which_types_it_is_about() -> None:
    without = [rule.id for rule in RULES if not resource_types(rule)]
    assert len(without) < len(RULES) / 50
    by_id = {rule.id: rule for rule in RULES}
    assert resource_types(by_id["E9461"]) == (
        "AWS::ElasticLoadBalancingV2::Listener",
        "AWS::ElasticLoadBalancingV2::ListenerRule",
    )


def test_json_has_what_a_page_has(capsys: CapSys) -> None:
    assert main(["rules", "E9930", "--format", "json"]) == 0
    (rule,) = json.loads(capsys.readouterr().out)
    assert (rule["id"], rule["level"]) == ("E9930", "error")
    assert rule["topic"].startswith("CloudFormation")
    assert "AWS::ECS::Service" in rule["resource_types"]
    assert rule["url"].endswith("docs/rules/cloudformation.md#e9930")
    assert all(rule[key] for key in ("title", "description", "fix", "sources", "error_messages"))


def test_markdown_of_some_rules_is_a_page(capsys: CapSys) -> None:
    assert main(["rules", "E9930", "W9933", "--format", "markdown"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("#")] == ["# Rules", "## E9930", "## W9933"]


def test_the_topics_are_pages(capsys: CapSys) -> None:
    pages = Path(__file__).parents[1] / "docs/rules"
    assert sorted(listed(capsys, "--topics")) == sorted(path.stem for path in pages.glob("*.md"))


def test_the_export_follows_the_filters(capsys: CapSys) -> None:
    assert main(["rules", "E9461", "E9930", "--format", "rego"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("# 1 rule of Moorage")
    assert text.count("violation contains") == 1
    assert "a function of Python (1): E9930" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["E8999"], "`E8999` is not a rule of Moorage. "),
        (["X"], "`X` is not a rule of Moorage. `python build.py rules` lists them."),
        (["M1001"], "`M1001` is not a rule of Moorage. "),
        (["E3012"], "`E3012` is a rule of cfn-lint. Write `python build.py explain E3012`."),
        (["f3012"], "is a rule of cloudformation-validate. Write `python build.py explain F3012`."),
        (["--topic", "ports"], "there is no topic `ports`. Write task-definitions"),
        (["--text", "no rule says this"], "no rule fits. Leave out a filter."),
        (["E9930", "--format", "rego"], "none of these rules can be exported"),
    ],
)
def test_what_does_not_exist_is_wrong_usage(
    arguments: list[str], message: str, capsys: CapSys
) -> None:
    assert main(["rules", *arguments]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(("name", "command"), [("rules", "rules`"), ("topics", "rules --topics`")])
def test_explain_names_the_command_that_lists_rules(
    name: str, command: str, capsys: CapSys
) -> None:
    assert main(["explain", name]) == 2
    assert f"`python build.py {command} lists the {name}." in capsys.readouterr().err


def test_a_page_has_the_title_once(capsys: CapSys) -> None:
    rule = next(rule for rule in RULES if rule.description == rule.title)
    for arguments in (["explain", rule.id], ["rules", rule.id, "--format", "markdown"]):
        assert main(arguments) == 0
        assert " ".join(capsys.readouterr().out.split()).count(rule.title) == 1
