"""Application Load Balancers as targets of a Network Load Balancer."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn.nodes import Node
from moorage.cfn.stack import Resource
from moorage.cfn.view import View
from moorage.rules.rule import Problem, problem, rule

_GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"
_LISTENER = "AWS::ElasticLoadBalancingV2::Listener"
_NLB = "Elastic Load Balancing user guide, Network Load Balancers"


@rule(
    "E9537",
    "An Application Load Balancer is registered before it has a listener on the port.",
    fix="Write `DependsOn: <listener>` in the target group, and the port of the listener.",
    sources=(f"{_NLB}: Use an Application Load Balancer as a target",),
    failure_ids=("nlb-to-alb-before-listener", "nlb-to-alb-port-without-listener"),
)
def load_balancer_without_listener(view: View) -> Iterator[Problem]:
    """Elastic Load Balancing registers an Application Load Balancer in a target group only if it
    has a listener on the port of the target group."""
    for group in view.resources_of_type(_GROUP):
        for target in group["Targets"].items if group["TargetType"].text == "alb" else ():
            load_balancer = target["Id"].resource
            if load_balancer is None:
                continue
            listeners = [
                listener
                for listener in view.resources_of_type(_LISTENER)
                if listener["LoadBalancerArn"].resource is load_balancer
            ]
            yield from _find_problem(group, target, listeners)


def _find_problem(group: Resource, target: Node, listeners: list[Resource]) -> Iterator[Problem]:
    port = group["Port"] if target["Port"].absent else target["Port"]
    same_port = [listener["Port"].is_same_as(port) for listener in listeners]
    if listeners and set(same_port) == {False}:
        yield problem(
            port,
            f"Target group `{group.id}` registers an Application Load Balancer that has no "
            f"listener on port {port.text or '?'}",
            "Write the port of a listener.",
        )
        return
    on_port = [
        listener for listener, same in zip(listeners, same_port, strict=True) if same is not False
    ]
    if on_port and not any(group.view.is_created_before(first, group) for first in on_port):
        yield problem(
            target["Id"],
            f"Target group `{group.id}` may be created before listener `{on_port[0].id}` of the "
            f"Application Load Balancer that it registers",
            f"Write `DependsOn: {on_port[0].id}`.",
        )


RULES = (load_balancer_without_listener,)
