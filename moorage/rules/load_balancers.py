"""Load balancers: attributes and fixed addresses."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.view import View
from moorage.facts import elb_attributes
from moorage.facts.elb_attributes import APPLICATION, GATEWAY, NETWORK
from moorage.rules.elb_attribute_checks import find_invalid_values, find_unsupported_keys
from moorage.rules.rule import Problem, problem, rule

LOAD_BALANCER_NAMES = {
    APPLICATION: "Application Load Balancer",
    NETWORK: "Network Load Balancer",
    GATEWAY: "Gateway Load Balancer",
}
"""What messages call each type of load balancer."""

_API = "AWS docs: Elastic Load Balancing API reference,"


# Attributes ----------------------------------------------------------------------------------


@rule(
    "E9380",
    "A load balancer has an attribute that its type does not support.",
    error_messages=(
        "Load balancer attribute key 'idle_timeout.timeout_seconds' is not supported on load "
        "balancers with type 'network'",
    ),
    fix="Remove the attribute, or use one that the type supports.",
    sources=(
        "hashicorp/terraform-provider-aws#3611",
        "aws-cloudformation/cfn-lint#791",
        "aws-cloudformation/cloudformation-coverage-roadmap#2121",
        f"{_API} LoadBalancerAttribute",
    ),
    failure_ids=("lb-attribute-idle-timeout-on-nlb",),
)
def unsupported_load_balancer_attribute(view: View) -> Iterator[Problem]:
    """Each type of load balancer supports different attributes. AWS rejects an attribute of another
    type, of a listener or of a target group, and the stack rolls back."""
    for load_balancer in view.resources_of_type(ecs.LOAD_BALANCER):
        kind = ecs.load_balancer_type(load_balancer)
        if kind in LOAD_BALANCER_NAMES:
            owner = f"{LOAD_BALANCER_NAMES[kind]} `{load_balancer.id}`"
            items = load_balancer["LoadBalancerAttributes"].items
            yield from find_unsupported_keys(items, elb_attributes.LOAD_BALANCER, kind, owner)


@rule(
    "E9383",
    "An attribute of a load balancer has an invalid value.",
    error_messages=(
        "The value of 'idle_timeout.timeout_seconds' must be between '1' and '4000' inclusive",
    ),
    fix="Write a value that the attribute accepts.",
    sources=(f"{_API} LoadBalancerAttribute",),
)
def invalid_load_balancer_attribute(view: View) -> Iterator[Problem]:
    """For CloudFormation the values of attributes are strings. Only Elastic Load Balancing checks
    them, when the stack creates the load balancer."""
    for load_balancer in view.resources_of_type(ecs.LOAD_BALANCER):
        kind = ecs.load_balancer_type(load_balancer)
        if kind in LOAD_BALANCER_NAMES:
            items = load_balancer["LoadBalancerAttributes"].items
            yield from find_invalid_values(items, elb_attributes.LOAD_BALANCER, kind)


# Addresses -----------------------------------------------------------------------------------


@rule(
    "E9390",
    "A load balancer has fixed addresses that its scheme or type does not support.",
    error_messages=("Elastic IPs are not supported for load balancers with scheme 'internal'",),
    fix="Write AllocationId (an Elastic IP address) only for an internet-facing Network Load "
    "Balancer, and PrivateIPv4Address only for an internal one.",
    sources=(
        "terraform-aws-modules/terraform-aws-alb#285",
        "hashicorp/terraform-provider-aws#15235",
        f"{_API} SubnetMapping",
    ),
    failure_ids=("lb-internal-nlb-with-eip",),
)
def unsupported_address(view: View) -> Iterator[Problem]:
    """A Network Load Balancer can have fixed addresses: Elastic IP addresses if it is
    internet-facing, private addresses of its subnets if it is internal. The addresses of an
    Application Load Balancer change and cannot be chosen."""
    for load_balancer in view.resources_of_type(ecs.LOAD_BALANCER):
        kind, scheme = ecs.load_balancer_type(load_balancer), load_balancer["Scheme"]
        actual_scheme = "internet-facing" if scheme.absent else scheme.text
        for mapping in load_balancer["SubnetMappings"].items:
            elastic_ip, private = mapping["AllocationId"], mapping["PrivateIPv4Address"]
            if elastic_ip.present and not elastic_ip.optional:
                if kind == APPLICATION:
                    yield problem(
                        elastic_ip,
                        f"`{load_balancer.id}` is an Application Load Balancer, which cannot have "
                        f"Elastic IP addresses",
                        "Remove AllocationId, or use a Network Load Balancer.",
                    )
                elif actual_scheme == "internal":
                    yield problem(
                        elastic_ip,
                        f"Load balancer `{load_balancer.id}` is internal, and AWS rejects Elastic "
                        f"IP addresses for it",
                        "Write PrivateIPv4Address instead of AllocationId.",
                    )
            is_public_nlb = kind == NETWORK and actual_scheme == "internet-facing"
            if is_public_nlb and private.present and not private.optional:
                yield problem(
                    private,
                    f"Load balancer `{load_balancer.id}` is internet-facing, and AWS rejects "
                    f"private addresses for it",
                    "Write AllocationId instead of PrivateIPv4Address, or `Scheme: internal`.",
                )


RULES = (
    unsupported_load_balancer_attribute,
    invalid_load_balancer_attribute,
    unsupported_address,
)
