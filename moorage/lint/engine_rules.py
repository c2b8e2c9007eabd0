"""The rules of AWS's engine: which are left out, and why; their pages."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

_PORTABILITY = (
    "a template for one account may name what is in it, as the templates do that Moorage and the "
    "CDK write"
)
LEFT_OUT: Mapping[str, str] = MappingProxyType(
    {
        # https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-sub.html
        # and aws-cloudformation/cfn-lint issue 1843
        "E1029": "CloudFormation replaces `${...}` only in Fn::Sub; in the "
        "configurations of other programs it is text. cfn-lint reports it where it names "
        "something of the template",
        # cfn-lint 1.58, schemas/extensions/aws_rds_dbinstance/engine_version.json
        "E9006": "its list of versions of databases lacks major versions such as `8.0`, which RDS "
        "accepts; cfn-lint has these lists under ids of their own",
        # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
        # and aws-cloudformation/cfn-lint issue 3957
        "F0009": "CloudFormation has no limit for the number of conditions",
        "F1101": "cfn-lint reads the same text, and reports what is not YAML or JSON",
        "W2509": "it judges a parameter by its name, and takes the ARN of a secret for the secret",
        "W3010": _PORTABILITY,
        "W9002": _PORTABILITY,
        "W9003": "CloudFormation itself converts numbers, booleans and strings to each other",
        "W9010": _PORTABILITY,
        "W9012": "it is about the account and region that Moorage passes to it",
        "W9013": _PORTABILITY,
        "W9052": "it is about the time that the engine takes for the template",
    }
)
"""Rules whose findings are not reported, with the reason."""

ABOUT_NAMES = frozenset({"F1018", "F1020", "E3005", "F6101"})
"""Rules about names that a template does not have. The engine does not know that a module has
resources of its own, which CloudFormation finds as `ModuleQueue` and `Module.Queue`; cfn-lint does
(https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/module-ref-resources.html)."""

_FUNCTIONS = frozenset(
    ("E1010", "E1011", "E1016", "E1017", "E1018", "E1019", "E1021", "E1022", "E1024", "E1028",
     "E1031", "E1032")
)  # fmt: skip
"""cfn-lint's rules about functions: each also reports an unknown name within its function."""
_SAME_MISTAKE: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "F0000": frozenset({"E0000"}),
        "E8002": frozenset({"E3015"}),
        "E8007": frozenset({"E8001", "E8003", "E8004", "E8005", "E8006"}),
        "F0001": frozenset({"E1001"}),
        "F0004": frozenset({"E6010"}),
        "F0005": frozenset({"E1001"}),
        "F0007": frozenset({"E3010"}),
        "F0011": frozenset({"E1003"}),
        "F1020": _FUNCTIONS,
        "F8600": frozenset({"E1700"}),
        "F9004": frozenset({"E1010"}),
    }
)
"""Rules of cfn-lint about the same mistake, where the digits of the ids differ."""


@cache
def _rules_of_moorage() -> frozenset[str]:
    from moorage.rules.registry import RULES  # slow to import, and only needed for findings

    return frozenset(rule.id for rule in RULES)


def reported_id(rule: str) -> str:
    """The id under which a finding of the engine is reported: its own, unless a rule of Moorage has
    the same; then it begins with F, as other ids do that only the engine has.

    >>> reported_id("F3002"), reported_id("E9014")
    ('F3002', 'F9014')
    """
    return f"F{rule[1:]}" if rule in _rules_of_moorage() else rule


def same_rules(code: str) -> frozenset[str]:
    """The ids of cfn-lint's rules about the same mistakes. Most have the same digits.

    >>> sorted(same_rules("F3002")), sorted(same_rules("F0005"))
    (['E3002', 'W3002'], ['E0005', 'E1001', 'W0005'])
    """
    same = {f"{letter}{code[1:]}" for letter in "EW"} - _rules_of_moorage()
    return frozenset(same | _SAME_MISTAKE.get(code, frozenset()))


def are_same(code: str, other: str) -> bool:
    """Whether of two rules one is the engine's and one cfn-lint's, about the same mistakes.

    >>> are_same("E1010", "F1020"), are_same("F3002", "F3002"), are_same("E3002", "W3002")
    (True, False, False)
    """
    pairs = ((code, other), (other, code))
    return any(
        (first[0] == "F" or first in _SAME_MISTAKE) and second in same_rules(first) - {first}
        for first, second in pairs
    )


def ids_of(code: str) -> tuple[str, ...]:
    """The ids by which a user or a template can ignore a finding of the engine."""
    return (code, *same_rules(code))


_LEVELS = {"FATAL": " CloudFormation refuses what it finds."}
"""What the level of a rule means, where it is more than an error or a warning
(https://docs.rs/crate/cloudformation-validate-rules: Severity)."""


def rule_page(rule: Mapping[str, str]) -> str:
    """The page of a rule for a terminal; `rule` is an answer of the engine's process."""
    code, own = reported_id(rule["id"]), rule["id"]
    also = "" if code == own else f"\nIts id in the engine is {own}, which is another rule here.\n"
    reason = LEFT_OUT.get(own)
    left_out = f"\nIt is not reported: {reason}.\n" if reason else ""
    meaning = _LEVELS.get(rule["level"], "")
    return (
        f"{code}  {rule['description']} (cloudformation-validate)\n\n"
        f"A rule of AWS's engine. Category: {rule['category']}.{meaning}\n{also}{left_out}"
    )
