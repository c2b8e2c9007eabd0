"""The rules as classes for cfn-lint. All classes share one run of the rules over a template."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from cfnlint.rules import CloudFormationLintRule, RuleMatch

from moorage.cfn.template import Template
from moorage.rules.rule import Rule
from moorage.rules.runner import LocatedProblem, run_rules
from moorage.rules.topics import url_of

_DEFAULT_REGION = "us-east-1"
"""What cfn-lint assumes without `--regions`, so it does not show that the user chose it."""

_PROBLEMS: WeakKeyDictionary[Any, dict[str, list[LocatedProblem]]] = WeakKeyDictionary()
"""The problems of each template that cfn-lint has loaded, by rule id."""


def rule_class(rule: Rule) -> type[CloudFormationLintRule]:
    """The class of a rule, as cfn-lint needs it."""

    def match(self: CloudFormationLintRule, cfn: Any) -> list[RuleMatch]:
        return [
            RuleMatch(list(problem.path), f"{problem.message}. {problem.hint}")
            for problem in _problems_of(cfn).get(rule.id, ())
        ]

    return type(
        rule.id,
        (CloudFormationLintRule,),
        {
            "__module__": __name__,
            "__doc__": rule.description,
            "id": rule.id,
            "shortdesc": rule.title,
            "description": rule.description,
            "source_url": url_of(rule),
            "tags": ["moorage"],
            "match": match,
        },
    )


def _problems_of(cfn: Any) -> dict[str, list[LocatedProblem]]:
    problems = _PROBLEMS.get(cfn)
    if problems is None:
        problems = {}
        name, region = str(cfn.filename), _region_of(cfn)
        template = Template.from_written(name, cfn.template, region=region)
        for problem in run_rules([template]):
            problems.setdefault(problem.rule.id, []).append(problem)
        _PROBLEMS[cfn] = problems
    return problems


def _region_of(cfn: Any) -> str | None:
    """The region that the template is checked for; None if there are several, or if it is only
    cfn-lint's default."""
    regions = [region for region in cfn.regions if region != _DEFAULT_REGION]
    return regions[0] if len(cfn.regions) == len(regions) == 1 else None
