"""Target groups in another VPC than their load balancer."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs, networks
from moorage.cfn.view import View
from moorage.rules.rule import Problem, problem, rule


@rule(
    "E9597",
    "A listener forwards to a target group of another VPC.",
    error_messages=("The following target groups are in a different VPC than load balancer ...",),
    fix="Write the VPC of the load balancer's subnets as VpcId of the target group.",
    sources=("Elastic Load Balancing API reference, version 2015-12-01: CreateTargetGroup, VpcId",),
)
def target_group_of_another_vpc(view: View) -> Iterator[Problem]:
    """A target group belongs to the VPC of its load balancer, even if its targets are addresses of
    a peered VPC. AWS refuses to create a listener that forwards to another one."""
    for forwarder in view.resources_of_type(ecs.LISTENER, ecs.LISTENER_RULE):
        load_balancer = ecs.load_balancer_of(forwarder)
        subnets = networks.subnets_of_load_balancer(load_balancer) if load_balancer else None
        for node in ecs.forwarded_target_groups(forwarder) if subnets else ():
            group = ecs.resource_of_type(node, ecs.TARGET_GROUP)
            if load_balancer is None or group is None or group["VpcId"].absent:
                continue
            same = [group["VpcId"].is_same_as(subnet["VpcId"]) for subnet in subnets or ()]
            if same and set(same) == {False}:
                yield problem(
                    node,
                    f"`{forwarder.id}` forwards to target group `{group.id}`, which is in another "
                    f"VPC than load balancer `{load_balancer.id}`",
                    f"Write the VPC of the subnets of `{load_balancer.id}` as VpcId of "
                    f"`{group.id}`.",
                )


RULES = (target_group_of_another_vpc,)
