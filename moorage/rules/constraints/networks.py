"""Constraints of VPCs, subnets, flow logs, DHCP options and network ACLs."""

from __future__ import annotations

from moorage.facts.addresses import MAX_DNS_SERVERS
from moorage.rules.constraints.combinations import All, AtMostOne, Either, Not
from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.predicates import (
    Absent,
    AtMost,
    Count,
    Is,
    IsTrue,
    NotEmpty,
    Present,
)
from moorage.rules.constraints.relations import CreatedAfter, HasReferrer

_EC2 = "AWS::EC2::"
_VPC, _SUBNET, _FLOW_LOG = f"{_EC2}VPC", f"{_EC2}Subnet", f"{_EC2}FlowLog"
_ENTRY = f"{_EC2}NetworkAclEntry"
_API = "Amazon EC2 API reference"
_IPV6 = Either(Present("Ipv6CidrBlock"), Present("Ipv6CidrBlocks"), Present("Ipv6IpamPoolId"))
_HAS_IPV6 = Either(
    IsTrue("AmazonProvidedIpv6CidrBlock"), Present("Ipv6CidrBlock"), Present("Ipv6IpamPoolId")
)
_TO_LOGS = Is("LogDestinationType", "cloud-watch-logs", default="cloud-watch-logs")
_OF_TRANSIT_GATEWAY = Is("ResourceType", "TransitGateway", "TransitGatewayAttachment")

CONSTRAINTS = (
    # VPCs and subnets -------------------------------------------------------------------------
    Constraint(
        "E9686",
        _SUBNET,
        "A subnet without IPv6 addresses has a setting for them.",
        must=All(
            Either(Not(IsTrue("AssignIpv6AddressOnCreation")), _IPV6),
            Either(Not(IsTrue("EnableDns64")), _IPV6),
        ),
        message=("Subnet {id} has {key}, but no IPv6 block",) * 2,
        fix="Write `Ipv6CidrBlock`, or remove the setting.",
        error_messages=(
            "Cannot set enable-dns64 to true unless the subnet has an IPv6 CIDR block associated "
            "with it",
        ),
        sources=(f"{_API}: ModifySubnetAttribute",),
    ),
    Constraint(
        "E9687",
        _SUBNET,
        "A subnet for IPv6 only has a setting for IPv4.",
        when=IsTrue("Ipv6Native"),
        must=All(
            Absent("CidrBlock"),
            Absent("Ipv4IpamPoolId"),
            Not(IsTrue("MapPublicIpOnLaunch")),
            Not(Is("PrivateDnsNameOptionsOnLaunch.HostnameType", "ip-name")),
        ),
        message=("Subnet {id} has `Ipv6Native: true` and {key}, which is for IPv4",) * 4,
        fix="Remove `CidrBlock`, `Ipv4IpamPoolId`, `MapPublicIpOnLaunch` and `HostnameType: "
        "ip-name`, or `Ipv6Native`.",
        error_messages=(
            "When specifying ipv4 parameters, cidrBlock or ipv4IpamPoolId, you cannot set "
            "ipv6Native to true",
        ),
        sources=(f"{_API}: CreateSubnet, CidrBlock", f"{_API}: ModifySubnetAttribute"),
    ),
    Constraint(
        "E9612",
        _SUBNET,
        "A subnet has IPv6 addresses, but its VPC has none.",
        when=Either(Present("Ipv6CidrBlock"), Present("Ipv6CidrBlocks")),
        must=HasReferrer("VpcId", f"{_EC2}VPCCidrBlock", "VpcId", _HAS_IPV6),
        message="Subnet {id} has an IPv6 block, but its VPC has none",
        fix="Add an `AWS::EC2::VPCCidrBlock` with `AmazonProvidedIpv6CidrBlock: true`, and write "
        "`DependsOn` with its name.",
        sources=(f"{_API}: CreateSubnet, Ipv6CidrBlock",),
    ),
    Constraint(
        "E9701",
        _SUBNET,
        "A subnet with IPv6 addresses may be created before its VPC has any.",
        when=Either(Present("Ipv6CidrBlock"), Present("Ipv6CidrBlocks")),
        must=CreatedAfter("VpcId", f"{_EC2}VPCCidrBlock", "VpcId", _HAS_IPV6),
        message="Subnet {id} may be created before the IPv6 block of its VPC",
        fix="Write `DependsOn: <VPCCidrBlock>`.",
        why="Neither `Ref` nor `Ipv6CidrBlocks` of the VPC waits for the block.",
        error_messages=("Template error: Fn::Select cannot select nonexistent value at index 0",),
        sources=("AWS CloudFormation template reference: AWS::EC2::VPCCidrBlock",),
    ),
    # Flow logs and DHCP options ---------------------------------------------------------------
    Constraint(
        "E9688",
        _FLOW_LOG,
        "A flow log has no destination, or the settings of another destination.",
        must=All(
            Either(Not(_TO_LOGS), Present("DeliverLogsPermissionArn")),
            Either(Not(_TO_LOGS), Present("LogGroupName"), Present("LogDestination")),
            Either(_TO_LOGS, Present("LogDestination")),
            Either(_TO_LOGS, Absent("LogGroupName")),
        ),
        message=(
            "Flow log {id} writes to CloudWatch Logs, but has no `DeliverLogsPermissionArn`",
            "Flow log {id} writes to CloudWatch Logs, but has no `LogGroupName`",
            "Flow log {id} writes to {LogDestinationType}, but has no `LogDestination`",
            "Flow log {id} writes to {LogDestinationType}, and has a `LogGroupName`",
        ),
        fix="Write `LogGroupName` and `DeliverLogsPermissionArn` for CloudWatch Logs, and "
        "`LogDestination` for S3 and Firehose.",
        error_messages=(
            "LogDestination can't be empty if LogGroupName is not provided",
            "DeliverLogsPermissionArn can't be empty if LogDestinationType is cloud-watch-logs",
        ),
        sources=(f"{_API}: CreateFlowLogs",),
    ),
    Constraint(
        "E9689",
        _FLOW_LOG,
        "A flow log has an interval or a type of traffic that its resource does not have.",
        must=All(
            Either(Absent("MaxAggregationInterval"), Is("MaxAggregationInterval", "60", "600")),
            Either(Absent("TrafficType"), Not(_OF_TRANSIT_GATEWAY)),
            Either(Not(Is("MaxAggregationInterval", "600")), Not(_OF_TRANSIT_GATEWAY)),
            Either(
                Not(Is("ResourceType", "VPC", "Subnet", "NetworkInterface")), Present("TrafficType")
            ),
        ),
        message=(
            "Flow log {id} has a `MaxAggregationInterval` of {MaxAggregationInterval} seconds",
            "Flow log {id} of a {ResourceType} has a `TrafficType`",
            "Flow log {id} of a {ResourceType} has a `MaxAggregationInterval` of 600 seconds",
            "Flow log {id} of a {ResourceType} has no `TrafficType`",
        ),
        fix="Write `TrafficType` for a VPC, subnet or network interface only, and "
        "`MaxAggregationInterval: 60` or `600`, of which a transit gateway has 60 only.",
        error_messages=("Invalid Flow Log Max Aggregation Interval",),
        sources=(f"{_API}: CreateFlowLogs, TrafficType and MaxAggregationInterval",),
    ),
    Constraint(
        "E9685",
        f"{_EC2}DHCPOptions",
        "DHCP options have no option, or too many servers.",
        must=All(
            Either(
                NotEmpty("DomainNameServers"),
                *(Present(key) for key in ("DomainName", "NetbiosNodeType")),
                *(NotEmpty(key) for key in ("NtpServers", "NetbiosNameServers")),
                Present("Ipv6AddressPreferredLeaseTime"),
            ),
            Count("DomainNameServers", 0, MAX_DNS_SERVERS),
            Count("NetbiosNameServers", 0, MAX_DNS_SERVERS),
        ),
        message=(
            "DHCP options {id} have no option",
            *("DHCP options {id} have more than 4 servers in {key}",) * 2,
        ),
        fix="Write at least one option, and up to 4 servers.",
        error_messages=("The request must contain the parameter dhcpConfigurations",),
        sources=(f"{_API}: CreateDhcpOptions",),
    ),
    # Network ACLs -----------------------------------------------------------------------------
    Constraint(
        "E9703",
        _ENTRY,
        "An entry of a network ACL has no ports, or no ICMP type.",
        must=All(
            Either(
                All(Present("PortRange.From"), Present("PortRange.To")),
                Not(Is("Protocol", "6", "17")),
            ),
            Either(
                Present("Icmp"),
                Not(
                    Either(Is("Protocol", "1"), All(Is("Protocol", "58"), Present("Ipv6CidrBlock")))
                ),
            ),
        ),
        message=(
            "Entry {id} of protocol {Protocol} has no `PortRange` with `From` and `To`",
            "Entry {id} of protocol {Protocol} has no `Icmp`",
        ),
        fix="Write `PortRange: {From: 443, To: 443}` for TCP and UDP, and `Icmp: {Type: -1, Code: "
        "-1}` for ICMP.",
        sources=(f"{_API}: CreateNetworkAclEntry, PortRange and IcmpTypeCode",),
    ),
    Constraint(
        "E9704",
        f"{_ENTRY} PortRange",
        "The first port of an entry of a network ACL is above its last port.",
        must=AtMost("From", "To"),
        message="Entry {id} has the ports {From} to {To}",
        fix="Write the lower port first.",
        sources=(f"{_API}: PortRange",),
    ),
    # Elastic IP addresses ---------------------------------------------------------------------
    Constraint(
        "E9697",
        f"{_EC2}EIPAssociation",
        "An association of an address names the address twice, or not at all.",
        must=All(
            AtMostOne(Present("AllocationId"), Present("EIP")),
            Either(Present("AllocationId"), Present("EIP")),
        ),
        message=(
            "Association {id} has both `AllocationId` and `EIP`",
            "Association {id} has neither `AllocationId` nor `EIP`",
        ),
        fix="Write `AllocationId: !GetAtt <address>.AllocationId`.",
        error_messages=(
            "You may specify public IP or allocation id, but not both in the same call",
        ),
        sources=("AWS's error message, reproduced by badmintoncryer/cdk-preflight",),
    ),
)
