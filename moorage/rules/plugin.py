"""A rule as cfn-lint wants it: a class. All rules share one look at a template."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from cfnlint.rules import CloudFormationLintRule, RuleMatch

from moorage.cfn.template import Template
from moorage.rules.rule import Rule
from moorage.rules.runner import LocatedProblem, run_rules

DOCS = "https://github.com/moorage/moorage/blob/main/docs/rules.md"

_DEFAULT_REGION = "us-east-1"
"""What cfn-lint takes where nobody said one, so that it says nothing."""

_LOOKED: WeakKeyDictionary[Any, dict[str, list[LocatedProblem]]] = WeakKeyDictionary()


def rule_class(rule: Rule) -> type[CloudFormationLintRule]:
    """The class that cfn-lint makes its rule from."""

    def match(self: CloudFormationLintRule, cfn: Any) -> list[RuleMatch]:
        return [
            RuleMatch(list(one.path), f"{one.message}. {one.hint}")
            for one in _seen(cfn).get(rule.id, ())
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
            "source_url": f"{DOCS}#{rule.id.lower()}",
            "tags": ["moorage"],
            "match": match,
        },
    )


def _seen(cfn: Any) -> dict[str, list[LocatedProblem]]:
    found = _LOOKED.get(cfn)
    if found is None:
        found = {}
        regions = [one for one in cfn.regions if one != _DEFAULT_REGION]
        region = regions[0] if len(cfn.regions) == len(regions) == 1 else None
        for one in run_rules([Template(str(cfn.filename), cfn.template, region)]):
            found.setdefault(one.rule.id, []).append(one)
        _LOOKED[cfn] = found
    return found
