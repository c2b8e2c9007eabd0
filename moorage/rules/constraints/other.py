"""Constraints of scaling, certificates, DNS, web ACLs, CloudFront and VPC endpoints."""

from __future__ import annotations

from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.predicates import (
    Absent,
    Count,
    Is,
    Length,
    Matches,
    Not,
    NotEmpty,
    Present,
    Refers,
    Some,
    Unique,
)
from moorage.rules.constraints.relations import CreatedAfter, NoOther

_SCALING = "Application Auto Scaling API reference"
_POLICY = "AWS::ApplicationAutoScaling::ScalingPolicy"
_METRIC = f"{_POLICY} TargetTrackingScalingPolicyConfiguration.PredefinedMetricSpecification"

CONSTRAINTS = (
    Constraint(
        "E9391",
        "AWS::CertificateManager::Certificate",
        "The first name of a certificate has more than 64 characters.",
        must=Length("DomainName", 1, 64),
        message="The `DomainName` of certificate {id} has more than 64 characters",
        fix="Write a shorter name first, and the long one in `SubjectAlternativeNames`.",
        sources=("AWS Certificate Manager API reference: RequestCertificate, DomainName",),
        failure_ids=("acm-first-name-over-64",),
    ),
    Constraint(
        "E9351",
        "AWS::ServiceDiscovery::Service DnsConfig",
        "A CNAME record is combined with another record.",
        when=Some("DnsRecords", Is("Type", "CNAME")),
        must=Count("DnsRecords", 1, 1),
        message="Service {id} of Cloud Map has a `CNAME` record and another record",
        fix="Keep the `CNAME` record, or the others.",
        sources=("AWS Cloud Map API reference: DnsRecord, Type",),
        failure_ids=("sd-cname-beside-a-record",),
    ),
    Constraint(
        "E9392",
        "AWS::CloudFront::Distribution DistributionConfig.ViewerCertificate",
        "The certificate of a distribution is not in us-east-1.",
        when=Matches("AcmCertificateArn", "arn:.*"),
        must=Matches("AcmCertificateArn", "arn:[^:]*:acm:us-east-1:.*"),
        message="The certificate of distribution {id} is in another region than us-east-1",
        fix="Write the ARN of a certificate in us-east-1.",
        sources=("Amazon CloudFront API reference: ViewerCertificate",),
        failure_ids=("cf-certificate-not-in-us-east-1",),
    ),
    Constraint(
        "E9393",
        "AWS::CloudFront::Distribution DistributionConfig.Logging",
        "CloudFront writes its logs to a bucket without ACLs.",
        must=Refers(
            "Bucket",
            "AWS::S3::Bucket",
            Some(
                "OwnershipControls.Rules",
                Is("ObjectOwnership", "BucketOwnerPreferred", "ObjectWriter"),
            ),
        ),
        message="The bucket for the logs of distribution {id} has no ACLs",
        fix="Write `ObjectOwnership: BucketOwnerPreferred` in the bucket's `OwnershipControls`.",
        sources=("Amazon CloudFront developer guide: Standard logging (legacy)",),
        failure_ids=("cf-logs-bucket-without-acls",),
    ),
    Constraint(
        "E9681",
        "AWS::EC2::SecurityGroup",
        "Two ingress rules differ only in their description.",
        must=Unique(
            "SecurityGroupIngress",
            (
                "IpProtocol",
                "FromPort",
                "ToPort",
                "CidrIp",
                "CidrIpv6",
                "SourcePrefixListId",
                "SourceSecurityGroupId",
                "SourceSecurityGroupName",
                "SourceSecurityGroupOwnerId",
            ),
        ),
        message="Two ingress rules of security group {id} are the same rule",
        fix="Remove one of them.",
        why="EC2 has the rule only once. When one of the two is removed later, the port is closed.",
        sources=("Amazon VPC user guide: Security group rules",),
        failure_ids=("sg-same-rule-twice-inline",),
    ),
    Constraint(
        "E9606",
        "AWS::EC2::VPCEndpoint",
        "A gateway endpoint has security groups.",
        when=Is("VpcEndpointType", "Gateway", default="Gateway"),
        must=Not(NotEmpty("SecurityGroupIds")),
        message="Endpoint {id} is a gateway endpoint, which has no security groups",
        fix="Remove `SecurityGroupIds`, or write `VpcEndpointType: Interface`.",
        sources=("Amazon EC2 API reference: CreateVpcEndpoint, SecurityGroupId",),
        failure_ids=("net-gateway-endpoint-with-security-group",),
    ),
    Constraint(
        "E9394",
        "AWS::WAFv2::WebACLAssociation",
        "A web ACL for CloudFront is associated with a load balancer.",
        must=Refers("WebACLArn", "AWS::WAFv2::WebACL", Is("Scope", "REGIONAL")),
        message="The web ACL of association {id} has the scope `CLOUDFRONT`",
        fix="Write `Scope: REGIONAL` of the web ACL.",
        sources=("AWS WAF API reference: AssociateWebACL, WebACLArn",),
        failure_ids=("waf-cloudfront-acl-on-balancer",),
    ),
    Constraint(
        "E9607",
        "AWS::EC2::NetworkAclEntry",
        "Two entries of a network ACL have the same number.",
        must=NoOther(("NetworkAclId", "Egress", "RuleNumber"), {"Egress": "false"}),
        message="Entry {id} has the number {RuleNumber} of another entry of its network ACL in the "
        "same direction",
        fix="Write another `RuleNumber`.",
        error_messages=("The network acl entry identified by ... already exists.",),
        sources=("Amazon EC2 API reference: CreateNetworkAclEntry, RuleNumber",),
        failure_ids=("net-acl-entry-number-twice",),
    ),
    Constraint(
        "E9931",
        "AWS::EC2::Route",
        "A route to a transit gateway may be created before its attachment.",
        must=CreatedAfter(
            "TransitGatewayId", "AWS::EC2::TransitGatewayAttachment", "TransitGatewayId"
        ),
        message="Route {id} may be created before the attachment of its transit gateway",
        fix="Write `DependsOn: <attachment>`.",
        why="`Ref` of the transit gateway does not wait for the attachment, and EC2 refuses a "
        "route to a gateway that the VPC is not attached to.",
        error_messages=(
            "InvalidTransitGatewayID.NotFound: The transitGateway ID 'tgw-...' does not exist",
        ),
        sources=("Amazon VPC user guide: Routing for a transit gateway",),
        failure_ids=("net-transit-route-before-attachment",),
    ),
    Constraint(
        "E9932",
        "AWS::EC2::VPC",
        "A VPC may be created before its IPAM pool has a block.",
        must=CreatedAfter("Ipv4IpamPoolId", "AWS::EC2::IPAMPoolCidr", "IpamPoolId"),
        message="VPC {id} may be created before its IPAM pool has a block",
        fix="Write `DependsOn: <IPAMPoolCidr>`.",
        why="`Ref` of the pool does not wait for its blocks, and without one the pool allocates no "
        "addresses.",
        sources=("AWS CloudFormation template reference: AWS::EC2::VPC, Ipv4IpamPoolId",),
        failure_ids=("net-vpc-before-its-ipam-pool-has-a-block",),
    ),
    Constraint(
        "E9395",
        "AWS::Route53::RecordSet",
        "A name with a CNAME record has another record.",
        must=NoOther(
            ("HostedZoneId", "Name"),
            this=Not(Is("Type", "CNAME")),
            other=Is("Type", "CNAME"),
        ),
        message="Record {id} has the same name as a `CNAME` record",
        fix="Replace the `CNAME` by an alias record, or write another name.",
        error_messages=(
            "RRSet of type TXT with DNS name ... is not permitted because a conflicting RRSet of "
            "type CNAME with the same DNS name already exists in zone ...",
        ),
        sources=("Amazon Route 53 developer guide: Supported DNS record types, CNAME",),
        failure_ids=("r53-cname-beside-another-record",),
    ),
    Constraint(
        "E9396",
        "AWS::Route53::RecordSet",
        "An alias record has a TTL.",
        when=Present("AliasTarget"),
        must=Absent("TTL"),
        message="Record {id} is an alias, and has a `TTL`",
        fix="Remove `TTL`: Route 53 uses that of the target.",
        sources=("Amazon Route 53 API reference: ResourceRecordSet, TTL",),
        failure_ids=("r53-alias-with-ttl",),
    ),
)
