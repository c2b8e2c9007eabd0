"""Listener rules: priorities and conditions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.nodes import Node
from moorage.cfn.view import Resource, View
from moorage.rules.listeners import _doubles
from moorage.rules.rule import Problem, problem, rule


@rule(
    "E9500",
    "Two rules of a listener have the same priority",
    error_messages=("Priority '1' is currently in use",),
    fix="Give each rule of a listener a priority of its own.",
    sources=("stelligent/mu#85", "aws/copilot-cli#454", "aws/copilot-cli#4532"),
    failure_ids=("lb-duplicate-rule-priority",),
)
def rule_priority_taken(view: View) -> Iterator[Problem]:
    """The rules of a listener are asked in the order of their priorities, and no two can have the
    same. The second one fails with PriorityInUse."""
    for first, second in _doubles(
        view.resources_of_type(ecs.LISTENER_RULE), "ListenerArn", "Priority"
    ):
        yield problem(
            second["Priority"],
            f"{second.id} has the priority of {first.id} on the same listener, and AWS refuses "
            f"the second one",
            "Take a priority that no other rule of the listener has.",
        )


_MOST_VALUES = 5


_MOST_WILDCARDS = 6


_CONFIGS = (
    "PathPatternConfig",
    "HostHeaderConfig",
    "HttpHeaderConfig",
    "HttpRequestMethodConfig",
    "QueryStringConfig",
    "SourceIpConfig",
)


@rule(
    "E9510",
    "The conditions of a rule have more than five values together",
    error_messages=("A rule can only have '5' condition values",),
    fix="Split the rule in several, with at most five values over all their conditions.",
    sources=(
        "serverless/serverless#11882",
        "aws/copilot-cli#4961",
        "aws/aws-cdk#10065",
        "AWS docs: Quotas for your Application Load Balancers, Rules",
    ),
    failure_ids=("lb-rule-over-5-values-in-total",),
)
def rule_condition_values(view: View) -> Iterator[Problem]:
    """Five values are the limit of a rule, not of each of its conditions: three paths and three
    host names are one too many. So are more than six wildcards (AWS's pages say five or six)."""
    for one in view.resources_of_type(ecs.LISTENER_RULE):
        lists = _values(one)
        values = [value for values in lists for value in values]
        wildcards = sum(len(re.findall(r"[*?]", value.text or "")) for value in _patterns(values))
        # cfn-lint counts the paths of one condition (E3032).
        if len(values) > _MOST_VALUES and not _linted(one):
            yield problem(
                one["Conditions"],
                f"The conditions of {one.id} have {len(values)} values together, and AWS takes "
                f"{_MOST_VALUES} in a rule",
                "Split the rule in two.",
            )
        elif len(values) <= _MOST_VALUES and wildcards > _MOST_WILDCARDS:
            yield problem(
                one["Conditions"],
                f"The conditions of {one.id} have {wildcards} wildcards, and AWS takes at most "
                f"{_MOST_WILDCARDS} in a rule",
                "Split the rule in two, or write fewer.",
            )


def _values(one: Resource) -> list[list[Node]]:
    """The values of each condition of a rule that are certainly there."""
    found = []
    for condition in one["Conditions"].items:
        configs = (condition, *(condition[name] for name in _CONFIGS))
        lists = [config[key] for config in configs for key in ("Values", "RegexValues")]
        found.append([value for node in lists for value in node.items if not value.optional])
    return found


def _patterns(values: list[Node]) -> Iterator[Node]:
    """The texts in which wildcards count."""
    for value in values:
        if "RegexValues" not in value.path:
            yield from (value["Key"], value["Value"]) if value.entries else (value,)


def _linted(one: Resource) -> bool:
    paths = [item.at("PathPatternConfig", "Values") for item in one["Conditions"].items]
    return any(len(node.items) > _MOST_VALUES for node in paths)


RULES = (
    rule_priority_taken,
    rule_condition_values,
)
