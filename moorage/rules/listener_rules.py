"""Listener rules: priorities and conditions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.nodes import Node
from moorage.cfn.stack import Resource
from moorage.cfn.view import View
from moorage.facts.quotas import MAX_VALUES_PER_LISTENER_RULE, MAX_WILDCARDS_PER_LISTENER_RULE
from moorage.rules.listeners import find_duplicates
from moorage.rules.rule import Problem, problem, rule


@rule(
    "E9500",
    "Two rules of a listener have the same priority.",
    error_messages=("Priority '1' is currently in use",),
    fix="Give each rule of a listener its own priority.",
    sources=("stelligent/mu#85", "aws/copilot-cli#454", "aws/copilot-cli#4532"),
    failure_ids=("lb-duplicate-rule-priority",),
)
def duplicate_priority(view: View) -> Iterator[Problem]:
    """A listener evaluates its rules in the order of their priorities, which must be unique. AWS
    rejects the second rule with PriorityInUse."""
    for first, second in find_duplicates(
        view.resources_of_type(ecs.LISTENER_RULE), "ListenerArn", "Priority"
    ):
        yield problem(
            second["Priority"],
            f"Listener rules `{first.id}` and `{second.id}` of the same listener have the same "
            f"priority, and AWS rejects the second one",
            "Write a Priority that no other rule of the listener has.",
        )


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
    "The conditions of a listener rule have more than five values or too many wildcards.",
    error_messages=("A rule can only have '5' condition values",),
    fix="Split the rule into several rules with at most five condition values each.",
    sources=(
        "serverless/serverless#11882",
        "aws/copilot-cli#4961",
        "aws/aws-cdk#10065",
        "AWS docs: Quotas for your Application Load Balancers, Rules",
    ),
    failure_ids=("lb-rule-over-5-values-in-total",),
)
def too_many_condition_values(view: View) -> Iterator[Problem]:
    """The limit of five values is for a rule, not for each of its conditions: three paths and three
    host names are too many. A rule with more than six wildcards is rejected too."""
    for listener_rule in view.resources_of_type(ecs.LISTENER_RULE):
        lists = _condition_values(listener_rule)
        values = [value for values in lists for value in values]
        wildcards = sum(len(re.findall(r"[*?]", node.text or "")) for node in _patterns(values))
        if len(values) > MAX_VALUES_PER_LISTENER_RULE and not _is_found_by_cfn_lint(listener_rule):
            yield problem(
                listener_rule["Conditions"],
                f"The conditions of listener rule `{listener_rule.id}` have {len(values)} values "
                f"in total, and AWS accepts at most {MAX_VALUES_PER_LISTENER_RULE}",
                "Split the rule into two rules.",
            )
        elif (
            len(values) <= MAX_VALUES_PER_LISTENER_RULE
            and wildcards > MAX_WILDCARDS_PER_LISTENER_RULE[1]
        ):
            yield problem(
                listener_rule["Conditions"],
                f"The conditions of listener rule `{listener_rule.id}` have {wildcards} wildcards, "
                f"and AWS accepts at most {MAX_WILDCARDS_PER_LISTENER_RULE[1]}",
                "Split the rule into two rules, or write fewer wildcards.",
            )


def _condition_values(listener_rule: Resource) -> list[list[Node]]:
    """The values of each condition that certainly exist."""
    lists = []
    for condition in listener_rule["Conditions"].items:
        configs = (condition, *(condition[name] for name in _CONFIGS))
        nodes = [config[key] for config in configs for key in ("Values", "RegexValues")]
        lists.append([value for node in nodes for value in node.items if not value.optional])
    return lists


def _patterns(values: list[Node]) -> Iterator[Node]:
    """The texts in which `*` and `?` are wildcards."""
    for value in values:
        if "RegexValues" not in value.path:
            yield from (value["Key"], value["Value"]) if value.entries else (value,)


def _is_found_by_cfn_lint(listener_rule: Resource) -> bool:
    """cfn-lint counts the paths of one condition: E3032."""
    conditions = listener_rule["Conditions"].items
    paths = [condition.at("PathPatternConfig", "Values") for condition in conditions]
    return any(len(node.items) > MAX_VALUES_PER_LISTENER_RULE for node in paths)


RULES = (duplicate_priority, too_many_condition_values)
