"""NAT gateways and VPC endpoints: their subnets and policies."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from moorage.cfn import networks
from moorage.cfn.permissions import parse_document
from moorage.cfn.view import View
from moorage.rules.rule import Problem, problem, rule

_ATTACHMENT = "AWS::EC2::TransitGatewayVpcAttachment"
_OLD_ATTACHMENT = "AWS::EC2::TransitGatewayAttachment"
_NAT = networks.NAT_GATEWAY
_LAYERS = "arn:aws:s3:::prod-eu-west-1-starport-layer-bucket/layer"
"""A layer of an image in ECR's bucket of a region, which is the same in every other region."""


@rule(
    "E9629",
    "A public NAT gateway is in a subnet without an internet gateway.",
    error_messages=("CannotPullContainerError: ... i/o timeout",),
    fix="Write a subnet whose default route leads to an internet gateway.",
    sources=("Amazon VPC user guide: NAT gateway basics",),
)
def nat_gateway_in_private_subnet(view: View) -> Iterator[Problem]:
    """A public NAT gateway itself reaches the internet through the internet gateway of its
    subnet's route table. In a private subnet it has no way out, nor has anything behind it."""
    for gateway in view.resources_of_type(_NAT):
        subnet = gateway["SubnetId"].resource
        is_public = not gateway["ConnectivityType"].present or (
            gateway["ConnectivityType"].text == "public"
        )
        if subnet is None or subnet.type != networks.SUBNET or not is_public:
            continue
        # A subnet without a route table of its own may be an excerpt.
        if networks.route_table_of(subnet) is None:
            continue
        route = networks.default_route(subnet)
        if route in (networks.NO_INTERNET_ROUTE, networks.VIA_NAT):
            yield problem(
                gateway["SubnetId"],
                f"NAT gateway `{gateway.id}` is in subnet `{subnet.id}`, which has "
                + (
                    "a default route to a NAT gateway"
                    if route == networks.VIA_NAT
                    else "no default route"
                )
                + ", so nothing reaches the internet through it",
                "Write a subnet with a default route to an internet gateway.",
            )


@rule(
    "E9700",
    "Two subnets of an endpoint or attachment are in the same Availability Zone.",
    error_messages=(
        "DuplicateSubnetsInSameZone: Found another VPC endpoint subnet in the "
        "availability zone of ...",
    ),
    fix="Keep one subnet of each Availability Zone.",
    sources=(
        "AWS PrivateLink guide: Access an AWS service using an interface VPC endpoint",
        "Amazon EC2 API reference: CreateTransitGatewayVpcAttachment, SubnetIds",
    ),
)
def subnets_in_same_zone(view: View) -> Iterator[Problem]:
    """An interface endpoint, and an attachment of a transit gateway, have one network interface in
    each Availability Zone."""
    for user in view.resources_of_type(networks.VPC_ENDPOINT, _ATTACHMENT, _OLD_ATTACHMENT):
        for first, second in combinations(networks.find_subnets(user["SubnetIds"]), 2):
            if networks.are_in_same_zone(first, second):
                yield problem(
                    user["SubnetIds"],
                    f"Subnets `{first.id}` and `{second.id}` of `{user.id}` are in the same "
                    f"Availability Zone",
                    f"Remove one of them, or write another `AvailabilityZone` of `{second.id}`.",
                )


@rule(
    "E9702",
    "The policy of an S3 endpoint does not allow the layers of ECR's images.",
    error_messages=("CannotPullContainerError: ... pulling image ... 403 Forbidden",),
    fix="Allow `s3:GetObject` on `arn:aws:s3:::prod-<region>-starport-layer-bucket/*`.",
    sources=(
        "Amazon ECR user guide: Amazon ECR interface VPC endpoints, Minimum Amazon S3 bucket "
        "permissions",
    ),
)
def layers_not_allowed(view: View) -> Iterator[Problem]:
    """ECR keeps the layers of images in a bucket of its own in each region. A VPC with an endpoint
    of `ecr.dkr` pulls images from ECR, and fetches their layers through the gateway endpoint of
    S3, whose policy must allow it."""
    for endpoint in networks.vpc_endpoints(view):
        policy, vpc = endpoint.resource["PolicyDocument"], networks.vpc_of(endpoint.resource)
        if endpoint.service != "s3" or not endpoint.is_gateway or policy.absent or vpc is None:
            continue
        others = networks.endpoints_of_vpc(vpc) or ()
        pulls = any(other.service == "ecr.dkr" for other in others)
        is_for_layers = "starport" in repr(policy.raw)
        if (
            pulls
            and not is_for_layers
            and parse_document(policy).allows("s3:GetObject", (_LAYERS,)) is False
        ):
            yield problem(
                policy,
                f"The policy of endpoint `{endpoint.resource.id}` does not allow `s3:GetObject` on "
                f"ECR's bucket with the layers of images, so no image can be pulled",
                "Allow `s3:GetObject` on "
                "`!Sub arn:${AWS::Partition}:s3:::prod-${AWS::Region}-starport-layer-bucket/*`.",
            )


RULES = (nat_gateway_in_private_subnet, subnets_in_same_zone, layers_not_allowed)
