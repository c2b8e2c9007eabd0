"""Constraints of certificates, DNS, web ACLs, CloudFront and VPC endpoints."""

from __future__ import annotations

from moorage.rules.constraints.combinations import All, Not, Refers, Some
from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.predicates import (
    Count,
    EndsWith,
    Is,
    IsTrue,
    Length,
    Matches,
    NotEmpty,
)
from moorage.rules.constraints.relations import (
    CreatedAfter,
    HasReferrer,
    IsPseudoParameter,
    NoOther,
    PolicyAllows,
)

_ENDPOINT = "AWS::EC2::VPCEndpoint"
_LB = "AWS::ElasticLoadBalancingV2::LoadBalancer"
_LISTENER = "AWS::ElasticLoadBalancingV2::Listener"

CONSTRAINTS = (
    Constraint(
        "E9431",
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
        "E9432",
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
        "E9433",
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
        "E9606",
        _ENDPOINT,
        "A gateway endpoint has security groups.",
        when=Is("VpcEndpointType", "Gateway", default="Gateway"),
        must=Not(NotEmpty("SecurityGroupIds")),
        message="Endpoint {id} is a gateway endpoint, which has no security groups",
        fix="Remove `SecurityGroupIds`, or write `VpcEndpointType: Interface`.",
        sources=("Amazon EC2 API reference: CreateVpcEndpoint, SecurityGroupId",),
        failure_ids=("net-gateway-endpoint-with-security-group",),
    ),
    Constraint(
        "E9434",
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
        error_messages=(
            "NetworkAclEntryAlreadyExists: The network acl entry identified by ... already exists",
        ),
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
        "E9435",
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
        "E9608",
        _ENDPOINT,
        "The policy of an ECR endpoint does not allow GetAuthorizationToken.",
        when=All(Is("VpcEndpointType", "Interface"), EndsWith("ServiceName", (".ecr.api",))),
        must=PolicyAllows("PolicyDocument", "ecr:GetAuthorizationToken"),
        message="The policy of endpoint {id} does not allow `ecr:GetAuthorizationToken` on `*`",
        fix="Allow `ecr:GetAuthorizationToken` on `Resource: '*'`; the action has no other "
        "resource.",
        why="Without the token no task can pull its image, so none starts.",
        error_messages=(
            "ResourceInitializationError: unable to pull secrets or registry auth: ... "
            "AccessDeniedException ... no VPC endpoint policy allows the "
            "ecr:GetAuthorizationToken action",
        ),
        sources=("Amazon ECR user guide: Amazon ECR interface VPC endpoints",),
        failure_ids=("net-ecr-endpoint-policy-without-token",),
    ),
    Constraint(
        "E9609",
        _ENDPOINT,
        "An interface endpoint of S3 needs a gateway endpoint in its VPC.",
        when=All(
            Is("VpcEndpointType", "Interface"),
            EndsWith("ServiceName", (".s3",)),
            IsTrue("PrivateDnsEnabled"),
            Is("DnsOptions.PrivateDnsOnlyForInboundResolverEndpoint", "OnlyInboundResolver"),
        ),
        must=HasReferrer(
            "VpcId",
            _ENDPOINT,
            "VpcId",
            All(
                Is("VpcEndpointType", "Gateway", default="Gateway"),
                EndsWith("ServiceName", (".s3",)),
            ),
        ),
        message="Endpoint {id} has private DNS for inbound resolvers only, and its VPC has no "
        "gateway endpoint of S3",
        fix="Add a gateway endpoint of S3 to the VPC, and write `DependsOn` with its name.",
        sources=("AWS PrivateLink guide: Private DNS for Amazon S3",),
        failure_ids=("net-s3-private-dns-without-gateway-endpoint",),
    ),
    Constraint(
        "E9437",
        "AWS::GlobalAccelerator::EndpointGroup EndpointConfigurations[]",
        "An accelerator preserves client addresses for a load balancer with a TLS listener.",
        when=All(
            IsTrue("ClientIPPreservationEnabled"),
            Refers("EndpointId", _LB, Is("Type", "network")),
        ),
        must=Not(HasReferrer("EndpointId", _LISTENER, "LoadBalancerArn", Is("Protocol", "TLS"))),
        message="Endpoint group {id} preserves client addresses for a Network Load Balancer with a "
        "TLS listener",
        fix="Write `ClientIPPreservationEnabled: false`, or use a TCP listener.",
        sources=("AWS Global Accelerator developer guide: Client IP address preservation",),
        failure_ids=("ga-client-ip-with-tls-listener",),
    ),
    Constraint(
        "E9881",
        "AWS::ECR::ReplicationConfiguration ReplicationConfiguration.Rules[].Destinations[]",
        "A registry replicates to itself.",
        when=IsPseudoParameter("RegistryId", "AWS::AccountId"),
        must=Not(IsPseudoParameter("Region", "AWS::Region")),
        message="A destination of {id} is the registry itself",
        fix="Write another region, or the ID of another account.",
        error_messages=("Replication destination cannot be the same as the source registry",),
        sources=("badmintoncryer/cdk-preflight, pf-ecr-replication-destination",),
        failure_ids=("ecr-replication-to-itself",),
    ),
)
