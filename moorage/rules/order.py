"""What must exist before what."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.view import View
from moorage.rules.rule import Fault, fault, rule


@rule(
    "E9301",
    "A service may be created before its target group has a load balancer",
    says=(
        "The target group with targetGroupArn arn:aws:elasticloadbalancing:... does not have an "
        "associated load balancer.",
    ),
    fix="Let the service depend on the listener, or on the listener rule, that forwards to its "
    "target group.",
    sources=("aws/aws-cdk#1160", "hashicorp/terraform#32908", "aws/copilot-cli#454"),
    cases=("ord-service-before-listener", "ord-service-dependson-listener-not-rule"),
)
def service_before_listener(view: View) -> Iterator[Fault]:
    """A service refers to its target group only. A target group belongs to a load balancer from
    the moment that a listener or a rule forwards to it, and nothing makes CloudFormation wait for
    that: it is a race, which may be won once and lost the next time."""
    for attachment in ecs.attachments(view):
        group = attachment.target_group.resource
        forwarders = ecs.forwarders(view, group) if group else ()
        if forwarders and not any(view.before(one, attachment.service) for one in forwarders):
            names = " or ".join(one.id for one in forwarders)
            yield fault(
                attachment.target_group,
                f"Nothing makes {attachment.service.id} wait for {names}, and ECS refuses a "
                f"target group that no listener uses yet",
                f"Write `DependsOn: {forwarders[0].id}`.",
            )


RULES = (service_before_listener,)
