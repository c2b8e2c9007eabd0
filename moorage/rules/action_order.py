"""The order of actions of listeners and listener rules."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn.nodes import Node
from moorage.cfn.stack import Resource
from moorage.cfn.view import View
from moorage.rules.rule import Problem, problem, rule

_LISTENER = "AWS::ElasticLoadBalancingV2::Listener"
_RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"
_FINAL = ("forward", "redirect", "fixed-response")


@rule(
    "E9471",
    "The routing action is not the last action.",
    fix="Write the highest `Order` for the action of the type forward, redirect or fixed-response.",
    sources=("Elastic Load Balancing API reference, version 2015-12-01: Action, Order",),
    failure_ids=("alb-forward-before-login",),
)
def routing_action_is_not_last(view: View) -> Iterator[Problem]:
    """Actions are performed in the order of their `Order`. The routing action must be the last
    one."""
    for owner, actions in _lists_of_actions(view):
        orders = [action["Order"].number for action in actions.items]
        if not actions.all_known or None in orders:
            continue
        for action, order in zip(actions.items, orders, strict=True):
            if action["Type"].text in _FINAL and order != max(filter(None, orders), default=order):
                yield problem(
                    action["Order"],
                    f"The action `{action['Type'].text}` of `{owner.id}` is performed before "
                    f"another action",
                    "Give it the highest `Order`.",
                )


def _lists_of_actions(view: View) -> Iterator[tuple[Resource, Node]]:
    for owner in view.resources_of_type(_LISTENER, _RULE):
        yield owner, owner["DefaultActions" if owner.type == _LISTENER else "Actions"]


RULES = (routing_action_is_not_last,)
