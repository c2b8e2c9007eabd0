"""Security group rules that are the same rule."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from moorage.cfn.nodes import Node
from moorage.cfn.security_group_rules import INGRESS, rules_of_security_group
from moorage.cfn.tristate import TriState, all_of
from moorage.cfn.view import View
from moorage.rules.rule import Problem, problem, rule

_KEYS = (
    "IpProtocol",
    "FromPort",
    "ToPort",
    "CidrIp",
    "CidrIpv6",
    "SourcePrefixListId",
    "SourceSecurityGroupId",
    "SourceSecurityGroupName",
    "SourceSecurityGroupOwnerId",
)
"""What makes a rule, without its description."""


@rule(
    "E9681",
    "Two ingress rules of a security group are the same.",
    error_messages=("InvalidPermission.Duplicate",),
    fix="Remove one of the rules.",
    sources=("Amazon EC2 API reference: AuthorizeSecurityGroupIngress",),
    failure_ids=("sg-same-rule-twice-inline",),
)
def same_rule_twice(view: View) -> Iterator[Problem]:
    """A description does not make another rule. Of two rules in one security group, EC2 keeps one,
    and when one of them is removed later, the port is closed. A rule that is a resource of its own
    is refused if it exists."""
    for group in view.resources_of_type("AWS::EC2::SecurityGroup"):
        reported: set[int] = set()
        for first, second in combinations(rules_of_security_group(group, INGRESS).rules, 2):
            if id(second) not in reported and _are_same_rule(first, second):
                reported.add(id(second))
                yield problem(
                    second,
                    f"Two ingress rules of security group `{group.id}` are the same, whatever "
                    f"their descriptions say",
                    "Remove one of them.",
                )


def _are_same_rule(first: Node, second: Node) -> TriState:
    return all_of(
        first[key].absent and second[key].absent
        if first[key].absent or second[key].absent
        else first[key].is_same_as(second[key])
        for key in _KEYS
    )


RULES = (same_rule_twice,)
