"""Constraints of routes, gateways and VPC endpoints."""

from __future__ import annotations

from moorage.facts.endpoint_services import GATEWAY_SERVICES
from moorage.rules.constraints.combinations import (
    All,
    AtMostOne,
    Either,
    IsReference,
    Not,
)
from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.predicates import (
    Absent,
    EndsWith,
    Is,
    Matches,
    NotEmpty,
    Present,
    StartsWith,
)
from moorage.rules.constraints.relations import HasReferrer, NoOther

_EC2 = "AWS::EC2::"
_ROUTE, _NAT, _ENDPOINT = f"{_EC2}Route", f"{_EC2}NatGateway", f"{_EC2}VPCEndpoint"
_INTERNET_GATEWAY, _ATTACHMENT = f"{_EC2}InternetGateway", f"{_EC2}VPCGatewayAttachment"
_API = "Amazon EC2 API reference"
_TARGETS = (
    *("GatewayId", "NatGatewayId", "TransitGatewayId", "VpcPeeringConnectionId", "VpcEndpointId"),
    *("InstanceId", "NetworkInterfaceId", "EgressOnlyInternetGatewayId", "CarrierGatewayId"),
    *("LocalGatewayId", "CoreNetworkArn", "OdbNetworkArn"),
)
_DESTINATIONS = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")
_WITH_GATEWAY = tuple(f".{name}" for name in (*GATEWAY_SERVICES, "s3express"))
_IS_PRIVATE = Is("ConnectivityType", "private")
_IS_GATEWAY = Is("VpcEndpointType", "Gateway", default="Gateway")

CONSTRAINTS = (
    # Routes -----------------------------------------------------------------------------------
    Constraint(
        "E9617",
        _ROUTE,
        "A route has no target, or two targets.",
        must=All(
            AtMostOne(*map(Present, _TARGETS)),
            Either(*map(Present, _TARGETS)),
        ),
        message=("Route {id} has two targets", "Route {id} has no target"),
        fix="Keep one target, such as `GatewayId` or `NatGatewayId`.",
        sources=(f"{_API}: CreateRoute",),
    ),
    Constraint(
        "E9618",
        _ROUTE,
        "A route has no destination, or two destinations.",
        must=All(AtMostOne(*map(Present, _DESTINATIONS)), Either(*map(Present, _DESTINATIONS))),
        message=("Route {id} has two destinations", "Route {id} has no destination"),
        fix="Keep one of `DestinationCidrBlock`, `DestinationIpv6CidrBlock` and "
        "`DestinationPrefixListId`.",
        sources=(f"{_API}: CreateRoute",),
    ),
    Constraint(
        "E9619",
        _ROUTE,
        "A route for IPv6 leads to a NAT gateway.",
        when=Present("NatGatewayId"),
        must=Either(
            Absent("DestinationIpv6CidrBlock"), Matches("DestinationIpv6CidrBlock", "64:ff9b:.*")
        ),
        message="Route {id} leads {DestinationIpv6CidrBlock} to a NAT gateway, which only has IPv4",
        fix="Write `EgressOnlyInternetGatewayId`.",
        sources=(f"{_API}: CreateRoute, NatGatewayId",),
    ),
    Constraint(
        "E9620",
        _ROUTE,
        "A route for IPv4 leads to an egress-only internet gateway.",
        when=Present("EgressOnlyInternetGatewayId"),
        must=Absent("DestinationCidrBlock"),
        message="Route {id} leads {DestinationCidrBlock} to an egress-only internet gateway, which "
        "only has IPv6",
        fix="Write `NatGatewayId`, or `DestinationIpv6CidrBlock`.",
        sources=(f"{_API}: CreateRoute, EgressOnlyInternetGatewayId",),
    ),
    Constraint(
        "E9621",
        _ROUTE,
        "The target of a route is of another kind.",
        must=All(
            Not(IsReference("GatewayId", _NAT)),
            Not(IsReference("GatewayId", f"{_EC2}TransitGateway")),
            Not(IsReference("GatewayId", f"{_EC2}EgressOnlyInternetGateway")),
            Not(StartsWith("GatewayId", ("nat-", "tgw-", "eigw-", "pcx-"))),
            Not(IsReference("NatGatewayId", _INTERNET_GATEWAY)),
            Not(StartsWith("NatGatewayId", ("igw-", "tgw-", "eigw-", "pcx-"))),
        ),
        message=("Route {id} has another kind of target in {key}",) * 6,
        fix="Write a NAT gateway in `NatGatewayId`, an internet gateway in `GatewayId`, a transit "
        "gateway in `TransitGatewayId`, and an egress-only one in `EgressOnlyInternetGatewayId`.",
        sources=(f"{_API}: CreateRoute",),
    ),
    Constraint(
        "E9622",
        _ROUTE,
        "A route table has two routes to the same destination.",
        must=All(*(Either(NoOther(("RouteTableId", key)), Absent(key)) for key in _DESTINATIONS)),
        message="Route {id} has the destination of another route of its route table",
        fix="Remove one of the routes, or write another `RouteTableId`.",
        error_messages=("RouteAlreadyExists: The route identified by ... already exists",),
        sources=(f"{_API}: CreateRoute", "Amazon EC2 API reference: Error codes"),
    ),
    Constraint(
        "E9623",
        _ROUTE,
        "A route leads to an internet gateway that is attached to no VPC.",
        when=IsReference("GatewayId", _INTERNET_GATEWAY),
        must=HasReferrer("GatewayId", _ATTACHMENT, "InternetGatewayId"),
        message="Route {id} leads to an internet gateway that is attached to no VPC",
        fix="Add an `AWS::EC2::VPCGatewayAttachment`.",
        error_messages=("route table rtb-... and network gateway igw-... belong to different",),
        sources=("Amazon VPC user guide: Enable internet access using internet gateways",),
    ),
    # Gateways ---------------------------------------------------------------------------------
    Constraint(
        "E9626",
        _NAT,
        "A public NAT gateway has no address, or a private one has an address.",
        when=Not(Is("AvailabilityMode", "regional")),
        must=All(
            Either(Absent("AllocationId"), Not(_IS_PRIVATE)),
            Either(_IS_PRIVATE, Present("AllocationId")),
        ),
        message=(
            "The private NAT gateway {id} has an `AllocationId`",
            "The public NAT gateway {id} has no `AllocationId`",
        ),
        fix="Write `AllocationId: !GetAtt <address>.AllocationId`, or `ConnectivityType: private` "
        "without it.",
        error_messages=(
            "The request must include the AllocationId parameter",
            "AllocationId cannot be specified for a NAT Gateway with Connectivity Type private",
        ),
        sources=(f"{_API}: CreateNatGateway, AllocationId",),
    ),
    Constraint(
        "E9624",
        _NAT,
        "A NAT gateway has two kinds of further addresses.",
        must=All(
            AtMostOne(
                Present("SecondaryPrivateIpAddressCount"), NotEmpty("SecondaryPrivateIpAddresses")
            ),
            Either(Absent("SecondaryPrivateIpAddressCount"), _IS_PRIVATE),
            Either(Absent("SecondaryAllocationIds"), Not(_IS_PRIVATE)),
        ),
        message=(
            "NAT gateway {id} has both `SecondaryPrivateIpAddressCount` and "
            "`SecondaryPrivateIpAddresses`",
            "The public NAT gateway {id} has a `SecondaryPrivateIpAddressCount`",
            "The private NAT gateway {id} has `SecondaryAllocationIds`",
        ),
        fix="Write `SecondaryAllocationIds` of a public NAT gateway, and "
        "`SecondaryPrivateIpAddressCount` or `SecondaryPrivateIpAddresses` of a private one.",
        sources=(f"{_API}: CreateNatGateway, SecondaryPrivateIpAddressCount",),
    ),
    Constraint(
        "E9628",
        _NAT,
        "Two NAT gateways have the same address.",
        when=Present("AllocationId"),
        must=NoOther(("AllocationId",)),
        message="NAT gateway {id} has the Elastic IP address of another NAT gateway",
        fix="Add an `AWS::EC2::EIP` for it.",
        error_messages=("Resource.AlreadyAssociated",),
        sources=(f"{_API}: CreateNatGateway, AllocationId",),
    ),
    Constraint(
        "E9631",
        _ATTACHMENT,
        "A VPC has two internet gateways.",
        when=Present("InternetGatewayId"),
        must=NoOther(("VpcId",), other=Present("InternetGatewayId")),
        message="Attachment {id} is the second internet gateway of its VPC",
        fix="Remove one of the attachments.",
        error_messages=("... already has an internet gateway attached",),
        sources=("AWS's error message, reproduced by badmintoncryer/cdk-preflight",),
    ),
    # Endpoints --------------------------------------------------------------------------------
    Constraint(
        "E9698",
        _ENDPOINT,
        "An endpoint has the subnets or the route tables of the other type.",
        must=All(
            Either(Not(NotEmpty("SubnetIds")), Not(_IS_GATEWAY)),
            Either(
                Not(NotEmpty("RouteTableIds")),
                Not(Is("VpcEndpointType", "Interface", "GatewayLoadBalancer")),
            ),
        ),
        message=(
            "Endpoint {id} is a gateway endpoint, and has `SubnetIds`",
            "Endpoint {id} is of the type {VpcEndpointType}, and has `RouteTableIds`",
        ),
        fix="Write `RouteTableIds` of a gateway endpoint, and `VpcEndpointType: Interface` with "
        "`SubnetIds`.",
        error_messages=(
            "Subnet IDs are only supported for Interface and GatewayLoadBalancer type VPC "
            "Endpoints",
        ),
        sources=(f"{_API}: CreateVpcEndpoint, SubnetIds",),
    ),
    Constraint(
        "E9699",
        _ENDPOINT,
        "A gateway endpoint is for a service that has none.",
        when=All(_IS_GATEWAY, StartsWith("ServiceName", ("com.amazonaws.", "cn.com.amazonaws."))),
        must=EndsWith(
            "ServiceName", tuple(f".{name}" for name in (*GATEWAY_SERVICES, "s3express"))
        ),
        message="Endpoint {id} is a gateway endpoint, which only S3 and DynamoDB have",
        fix="Write `VpcEndpointType: Interface` with `SubnetIds` and `SecurityGroupIds`.",
        why="The default of `VpcEndpointType` is Gateway, which only S3 and DynamoDB have.",
        error_messages=(
            "Endpoint type (Gateway) does not match available service types ([Interface])",
        ),
        sources=("AWS PrivateLink guide: Gateway endpoints",),
    ),
)
