"""What all rules find, where it stands in the file, and what asks for silence."""

from __future__ import annotations

from typing import Any

import pytest
from corpus import apply_changes, bases, cases
from rewriting import everywhere, shared_apart

from moorage.cfn.template import Template
from moorage.rules.runner import LocatedProblem, run_rules

SERVICE = "Resources.Service"
ATTACHMENT = ("Resources", "Service", "Properties", "LoadBalancers", 0, "TargetGroupArn")
HURRIED = apply_changes(bases()["alb"], {f"{SERVICE}.DependsOn": None})
"""A service that does not wait for its listener."""


def judged(changes: dict[str, Any] | None = None, body: Any = HURRIED) -> list[LocatedProblem]:
    return run_rules([Template("t", apply_changes(body, changes or {}))])


def test_a_verdict_says_what_where_and_how_else() -> None:
    (one,) = judged()
    assert one.rule.id[1:] == "9930"
    assert (one.template, one.path) == ("t", ATTACHMENT)
    assert "Listener" in one.message
    assert not one.message.endswith(".")
    assert one.hint.endswith(".")


def silence(*ids: Any) -> dict[str, Any]:
    return {"cfn-lint": {"config": {"ignore_checks": [*ids]}}}


RULE = judged()[0].rule.id


@pytest.mark.parametrize("ids", [[RULE], ["E3001", RULE], [RULE[:3]], [RULE[0]]])
def test_a_template_may_ask_for_silence(ids: list[str]) -> None:
    assert judged({"Metadata": silence(*ids)}) == []


def test_a_resource_may_ask_for_silence_of_a_rule() -> None:
    assert judged({f"{SERVICE}.Metadata": silence(RULE)}) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"Metadata": silence("E3001", "W9999")},
        {"Metadata": silence("", None, 1, ["E"])},
        {"Metadata": {"cfn-lint": {"config": {"ignore_checks": RULE}}}},
        {"Metadata": {"cfn-lint": [RULE]}},
        {"Metadata": "x"},
        {f"{SERVICE}.Metadata": silence(RULE[:3])},
        {f"{SERVICE}.Metadata": silence()},
        {f"{SERVICE}.Metadata": None},
        {"Resources.Listener.Metadata": silence(RULE)},
    ],
)
def test_other_metadata_asks_for_nothing(changes: dict[str, Any]) -> None:
    changes = {path: value for path, value in changes.items() if value is not None}
    assert [one.rule.id for one in judged(changes)] == [RULE]


def test_what_only_one_branch_has_is_told_in_that_branch() -> None:
    body = apply_changes(
        HURRIED,
        {
            "Parameters.Stage": {"Type": "String", "Default": "dev"},
            "Conditions.IsProd": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]},
            f"{SERVICE}.Properties.LoadBalancers": {
                "Fn::If": [
                    "IsProd",
                    HURRIED["Resources"]["Service"]["Properties"]["LoadBalancers"],
                    {"Ref": "AWS::NoValue"},
                ]
            },
            f"{SERVICE}.Properties.HealthCheckGracePeriodSeconds": None,
        },
    )
    places = {one.path for one in judged(body=body) if one.rule.id == RULE}
    branch = ("Fn::If", 1, 0, "TargetGroupArn")
    assert places == {("Resources", "Service", "Properties", "LoadBalancers", *branch)}


def test_a_fault_over_two_stacks_is_seen_with_both() -> None:
    """The load balancer is in one stack; the group that keeps it out in the other, by an import."""
    (case,) = (one for one in cases() if one.name == "sg-task-no-ingress-from-alb")
    stacks = shared_apart(dict(case.bad), everywhere)
    assert stacks is not None
    upper, lower = (Template(name, body) for name, body in zip(("up", "low"), stacks, strict=True))
    assert {one.rule.id for one in run_rules([upper, lower])} == {rule for rule, _ in case.finds}
    assert run_rules([upper]) == run_rules([lower]) == []
