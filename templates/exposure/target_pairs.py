"""Pairs of target groups, between which a deployment of ECS shifts traffic.

ECS writes weights into the listener rule (ALB) or the listener (NLB), and the group that is in
production alternates from one deployment to the next. The stack has a parameter for each pair that
says which group is in production, so that an update of the rule writes the current weights:
docs/decisions/0025-releases.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from troposphere import Equals, GetAtt, If, Parameter, Ref, ecs
from troposphere import elasticloadbalancingv2 as elb

from moorage.model import Environment
from moorage.records import record

from ..common.iam import aws_managed_policy_arn, role

PRIMARY, ALTERNATE = "primary", "alternate"


@record
class TargetPair:
    """Two target groups with the same settings, and what forwards to them."""

    group: str
    """Logical ID of the primary target group."""
    forwarder: str
    """Logical ID of the rule or the listener for production traffic."""
    test_forwarder: str | None
    """Logical ID of the rule or the listener for test traffic."""
    on_listener: bool
    """Whether traffic shifts in the default action of a listener (NLB), not in a rule (ALB)."""

    @property
    def prefix(self) -> str:
        return self.group.removesuffix("TargetGroup")

    @property
    def alternate(self) -> str:
        """Logical ID of the alternate target group."""
        return f"{self.prefix}AlternateTargetGroup"

    @property
    def parameter(self) -> str:
        """Name of the parameter that says which group is in production."""
        return f"{self.prefix}Production"

    @property
    def condition(self) -> str:
        """Name of the condition that the alternate group is in production."""
        return f"{self.prefix}AlternateLive"

    @property
    def titles(self) -> tuple[str, str]:
        """Logical IDs of both groups."""
        return self.group, self.alternate

    @property
    def forwarders(self) -> tuple[str, ...]:
        """Logical IDs of what forwards to the groups."""
        return (self.forwarder, *([self.test_forwarder] if self.test_forwarder else []))


Pairs = Mapping[str, TargetPair]
"""Pairs by the logical IDs of their primary groups; empty if no traffic shifts."""


def group_titles(group: str, pairs: Pairs) -> tuple[str, ...]:
    """Logical IDs of a target group and of its alternate, if it has one."""
    return pairs[group].titles if group in pairs else (group,)


def forward_action(group: str, pairs: Pairs) -> dict[str, Any]:
    """The properties of a forward action to a target group, or to its pair of groups."""
    return _forward_to_pair(pairs[group]) if group in pairs else {"TargetGroupArn": Ref(group)}


def shift_settings(group: str, pairs: Pairs) -> dict[str, Any]:
    """The properties of an entry of `LoadBalancers` that let ECS shift traffic."""
    return (
        {"AdvancedConfiguration": _advanced_configuration(pairs[group])} if group in pairs else {}
    )


def _forward_to_pair(pair: TargetPair) -> dict[str, Any]:
    """The properties of a forward action that sends all requests to the group in production."""
    weights = ((pair.group, (0, 100)), (pair.alternate, (100, 0)))
    return {
        "ForwardConfig": elb.ForwardConfig(
            TargetGroups=[
                elb.TargetGroupTuple(
                    TargetGroupArn=Ref(title), Weight=If(pair.condition, *if_alternate)
                )
                for title, if_alternate in weights
            ]
        )
    }


def pair_parameters(pairs: Iterable[TargetPair]) -> Iterator[Parameter]:
    for pair in pairs:
        yield Parameter(
            pair.parameter,
            Type="String",
            Default=PRIMARY,
            AllowedValues=[PRIMARY, ALTERNATE],
            Description=f"Which group of {pair.forwarder} is in production; deploy.sh sets it",
        )


def pair_conditions(pairs: Iterable[TargetPair]) -> Mapping[str, Any]:
    return {pair.condition: Equals(Ref(pair.parameter), ALTERNATE) for pair in pairs}


def _advanced_configuration(pair: TargetPair) -> ecs.AdvancedConfiguration:
    """The `AdvancedConfiguration` with which ECS shifts traffic."""
    test = {"TestListenerRule": Ref(pair.test_forwarder)} if pair.test_forwarder else {}
    return ecs.AdvancedConfiguration(
        AlternateTargetGroupArn=Ref(pair.alternate),
        ProductionListenerRule=Ref(pair.forwarder),
        RoleArn=GetAtt("TrafficShiftRole", "Arn"),
        **test,
    )


def traffic_shift_role(env: Environment) -> Any:
    """The role that ECS assumes to register targets and to change listeners and rules (ECS
    developer guide, "Amazon ECS infrastructure IAM role for load balancers")."""
    policy = "AmazonECSInfrastructureRolePolicyForLoadBalancers"
    return role(
        "TrafficShiftRole",
        "ecs.amazonaws.com",
        {},
        env,
        managed=[aws_managed_policy_arn(policy)],
    )
