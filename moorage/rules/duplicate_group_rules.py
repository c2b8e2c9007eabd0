"""Security group rules that are the same rule."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from moorage.cfn.nodes import Node
from moorage.cfn.security_group_rules import INGRESS, rules_of_security_group
from moorage.cfn.values import identity
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
        known: set[Hashable] = set()
        for ingress in rules_of_security_group(group, INGRESS).rules:
            same = tuple(_identity(ingress[key]) for key in _KEYS)
            if same in known:
                yield problem(
                    ingress,
                    f"Two ingress rules of security group `{group.id}` are the same, whatever "
                    f"their descriptions say",
                    "Remove one of them.",
                )
            known.add(same)


def _identity(node: Node) -> Hashable:
    """Equal for two values that certainly are the same, and for two that are absent."""
    return () if node.absent else identity(node.value)


RULES = (same_rule_twice,)
