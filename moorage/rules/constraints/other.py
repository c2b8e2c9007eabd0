"""Constraints of scaling, certificates, DNS, web ACLs, CloudFront and VPC endpoints."""

from __future__ import annotations

from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.predicates import (
    Absent,
    AtMost,
    Count,
    Is,
    Length,
    Matches,
    Not,
    NotEmpty,
    Refers,
    Some,
    Unique,
)

_SCALING = "Application Auto Scaling API reference"
_POLICY = "AWS::ApplicationAutoScaling::ScalingPolicy"
_METRIC = f"{_POLICY} TargetTrackingScalingPolicyConfiguration.PredefinedMetricSpecification"

CONSTRAINTS = (
    Constraint(
        "E9911",
        "AWS::ApplicationAutoScaling::ScalableTarget",
        "The minimum capacity is above the maximum.",
        must=AtMost("MinCapacity", "MaxCapacity"),
        message="Scalable target {id} has the `MinCapacity` {MinCapacity} and the `MaxCapacity` "
        "{MaxCapacity}",
        fix="Lower `MinCapacity`, or raise `MaxCapacity`.",
        sources=(f"{_SCALING}: RegisterScalableTarget",),
        failure_ids=("as-min-above-max",),
    ),
    Constraint(
        "E9912",
        _METRIC,
        "A metric without a resource has a ResourceLabel.",
        when=Not(Is("PredefinedMetricType", "ALBRequestCountPerTarget")),
        must=Absent("ResourceLabel"),
        message="Scaling policy {id} has a `ResourceLabel` for the metric {PredefinedMetricType}",
        fix="Remove `ResourceLabel`. It is only for `ALBRequestCountPerTarget`.",
        sources=(f"{_SCALING}: PredefinedMetricSpecification, ResourceLabel",),
        failure_ids=("as-label-on-a-cpu-metric",),
    ),
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
)
