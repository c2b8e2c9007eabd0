"""Attributes and addresses of load balancers."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.view import View
from moorage.facts import elb_attributes
from moorage.facts.elb_attributes import APPLICATION, NETWORK
from moorage.rules.elb_attribute_checks import find_invalid_values, find_unsupported_keys
from moorage.rules.rule import Problem, problem, rule

_KINDS = (APPLICATION, NETWORK, elb_attributes.GATEWAY)


_A_KIND = {APPLICATION: "an Application", NETWORK: "a Network", "gateway": "a Gateway"}


_API = "AWS docs: Elastic Load Balancing API reference,"


@rule(
    "E9380",
    "A load balancer has an attribute that its type does not have",
    error_messages=(
        "Load balancer attribute key 'idle_timeout.timeout_seconds' is not supported on load "
        "balancers with type 'network'",
    ),
    fix="Remove the attribute, or use the one of that type.",
    sources=(
        "hashicorp/terraform-provider-aws#3611",
        "aws-cloudformation/cfn-lint#791",
        "aws-cloudformation/cloudformation-coverage-roadmap#2121",
        f"{_API} LoadBalancerAttribute",
    ),
    failure_ids=("lb-attribute-idle-timeout-on-nlb",),
)
def load_balancer_attribute_key(view: View) -> Iterator[Problem]:
    """Each type of load balancer has attributes of its own. One that belongs to another type, to
    a listener or to a target group is refused, and the stack rolls back."""
    for balancer in view.resources_of_type(ecs.LOAD_BALANCER):
        kind = ecs.load_balancer_type(balancer)
        if kind in _KINDS:
            whose = f"{balancer.id}, {_A_KIND[kind]} Load Balancer,"
            items = balancer["LoadBalancerAttributes"].items
            yield from find_unsupported_keys(items, elb_attributes.LOAD_BALANCER, kind, whose)


@rule(
    "E9383",
    "An attribute of a load balancer has a value that it does not take",
    error_messages=(
        "The value of 'idle_timeout.timeout_seconds' must be between '1' and '4000' inclusive",
    ),
    fix="Write a value that the attribute takes.",
    sources=(f"{_API} LoadBalancerAttribute",),
)
def load_balancer_attribute_value(view: View) -> Iterator[Problem]:
    """Attributes are texts for CloudFormation, so that nobody but Elastic Load Balancing looks at
    their values, when the load balancer is made."""
    for balancer in view.resources_of_type(ecs.LOAD_BALANCER):
        kind = ecs.load_balancer_type(balancer)
        if kind in _KINDS:
            items = balancer["LoadBalancerAttributes"].items
            yield from find_invalid_values(items, elb_attributes.LOAD_BALANCER, kind)


@rule(
    "E9390",
    "A load balancer is given addresses that its scheme or type does not take",
    error_messages=("Elastic IPs are not supported for load balancers with scheme 'internal'",),
    fix="Elastic IPs (`AllocationId`) are for an internet-facing Network Load Balancer, "
    "`PrivateIPv4Address` is for an internal one.",
    sources=(
        "terraform-aws-modules/terraform-aws-alb#285",
        "hashicorp/terraform-provider-aws#15235",
        f"{_API} SubnetMapping",
    ),
    failure_ids=("lb-internal-nlb-with-eip",),
)
def addresses_of_another_scheme(view: View) -> Iterator[Problem]:
    """A Network Load Balancer keeps fixed addresses: public ones, which are Elastic IPs, if it
    faces the internet, and private ones of its subnets if it is internal. The addresses of an
    Application Load Balancer change, and none can be given to it."""
    for balancer in view.resources_of_type(ecs.LOAD_BALANCER):
        kind, scheme = ecs.load_balancer_type(balancer), balancer["Scheme"]
        facing = "internet-facing" if scheme.absent else scheme.text
        for mapping in balancer["SubnetMappings"].items:
            public, private = mapping["AllocationId"], mapping["PrivateIPv4Address"]
            if public.present and not public.optional:
                if kind == APPLICATION:
                    yield problem(
                        public,
                        f"{balancer.id} is an Application Load Balancer, which takes no Elastic IP",
                        "Remove it, or use a Network Load Balancer.",
                    )
                elif facing == "internal":
                    yield problem(
                        public,
                        f"{balancer.id} is internal, and AWS refuses Elastic IPs for it",
                        "Write `PrivateIPv4Address`, or `Scheme: internet-facing`.",
                    )
            outside = kind == NETWORK and facing == "internet-facing"
            if outside and private.present and not private.optional:
                yield problem(
                    private,
                    f"{balancer.id} is internet-facing, and AWS refuses private addresses for it",
                    "Write `AllocationId`, or `Scheme: internal`.",
                )


RULES = (
    load_balancer_attribute_key,
    load_balancer_attribute_value,
    addresses_of_another_scheme,
)
