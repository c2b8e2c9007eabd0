"""Constraints of CloudFront distributions, as far as they are in front of a load balancer."""

from __future__ import annotations

from moorage.rules.constraints.combinations import (
    All,
    Each,
    Either,
    IsReference,
    Not,
    Refers,
    Some,
)
from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.predicates import (
    Absent,
    AtMost,
    Count,
    Is,
    IsTrue,
    Matches,
    NotEmpty,
    Predicate,
    Present,
    StartsWith,
    Unique,
    Within,
)
from moorage.rules.constraints.relations import HasReferrer, IsDeployedTo

_DISTRIBUTION = "AWS::CloudFront::Distribution"
_CONFIG = f"{_DISTRIBUTION} DistributionConfig"
_BEHAVIORS = (f"{_CONFIG}.DefaultCacheBehavior", f"{_CONFIG}.CacheBehaviors[]")
_ORIGIN = f"{_CONFIG}.Origins[]"
_LB = "AWS::ElasticLoadBalancingV2::LoadBalancer"
_LISTENER = "AWS::ElasticLoadBalancingV2::Listener"
_ACL = "AWS::WAFv2::WebACL"
_BUCKET = "AWS::S3::Bucket"
_CERTIFICATE = "AWS::CertificateManager::Certificate"
_API = "Amazon CloudFront API reference, version 2020-05-31"
_GUIDE = "Amazon CloudFront developer guide"
_READ = ("GET", "HEAD")
_WRITE = ("OPTIONS", "PUT", "POST", "PATCH", "DELETE")


def _has_exactly(*methods: str) -> All:
    """The allowed methods are exactly these."""
    return All(
        Count("AllowedMethods", len(methods), len(methods)),
        Each("AllowedMethods", Is("", *methods)),
    )


def _is_port(path: str) -> Predicate:
    """The port of an origin is one that CloudFront connects to."""
    return Either(Absent(path), Is(path, "80", "443"), Within(path, 1024, 65535))


CONSTRAINTS = (
    Constraint(
        "E9440",
        _CONFIG,
        "A distribution has names of its own, but no certificate for them.",
        when=NotEmpty("Aliases"),
        must=Either(
            Present("ViewerCertificate.AcmCertificateArn"),
            Present("ViewerCertificate.IamCertificateId"),
        ),
        message="Distribution {id} has `Aliases`, but no certificate",
        fix="Write `AcmCertificateArn` of a certificate in us-east-1, and "
        "`SslSupportMethod: sni-only`.",
        error_messages=("To add an alternate domain name (CNAME) to a CloudFront distribution",),
        sources=(f"{_API}: ViewerCertificate",),
    ),
    Constraint(
        "E9441",
        _BEHAVIORS,
        "A distribution allows or caches a set of methods that does not exist.",
        must=All(
            Either(
                Absent("AllowedMethods"),
                _has_exactly(*_READ),
                _has_exactly(*_READ, "OPTIONS"),
                _has_exactly(*_READ, *_WRITE),
            ),
            Each("CachedMethods", Is("", *_READ, "OPTIONS")),
        ),
        message="A behavior of distribution {id} has {key} that are not a set that CloudFront "
        "supports",
        fix="Allow GET and HEAD, or GET, HEAD and OPTIONS, or all seven methods; cache GET and "
        "HEAD, or GET, HEAD and OPTIONS.",
        sources=(f"{_API}: AllowedMethods",),
    ),
    Constraint(
        "E9442",
        _BEHAVIORS,
        "A behavior has no cache policy, or old settings beside an origin request policy.",
        must=All(
            Either(Present("CachePolicyId"), Present("ForwardedValues")),
            Either(
                Absent("OriginRequestPolicyId"),
                Present("CachePolicyId"),
                Absent("ForwardedValues"),
            ),
        ),
        message=(
            "A behavior of distribution {id} has no `CachePolicyId`",
            "A behavior of distribution {id} has `ForwardedValues` beside an "
            "`OriginRequestPolicyId`",
        ),
        fix="Write `CachePolicyId`, for example that of the managed policy CachingDisabled.",
        sources=(f"{_API}: CacheBehavior, CachePolicyId",),
    ),
    Constraint(
        "E9443",
        _ORIGIN,
        "An origin has no configuration of its kind.",
        must=Either(
            *(Present(name) for name in ("CustomOriginConfig", "VpcOriginConfig", "S3OriginConfig"))
        ),
        message="Origin {Id} of distribution {id} has no `CustomOriginConfig`",
        fix="Write `CustomOriginConfig` for a load balancer, `VpcOriginConfig` for a VPC origin, "
        "or `S3OriginConfig` for a bucket.",
        error_messages=(
            "Exactly one of CustomOriginConfig, VpcOriginConfig and S3OriginConfig must be "
            "specified",
        ),
        sources=(f"{_API}: Origin",),
    ),
    Constraint(
        "E9444",
        _ORIGIN,
        "An origin has an invalid path, port, protocol policy, timeout or number of attempts.",
        must=All(
            Matches("OriginPath", "(/.*[^/])?"),
            Matches("CustomOriginConfig.OriginProtocolPolicy", "http-only|https-only|match-viewer"),
            _is_port("CustomOriginConfig.HTTPPort"),
            _is_port("CustomOriginConfig.HTTPSPort"),
            Within("ConnectionAttempts", 1, 3),
            Within("ConnectionTimeout", 1, 10),
            Within("CustomOriginConfig.OriginReadTimeout", 1, None),
            Within("CustomOriginConfig.OriginKeepaliveTimeout", 1, None),
            AtMost("CustomOriginConfig.OriginReadTimeout", "ResponseCompletionTimeout"),
        ),
        message=(
            *("Origin {Id} of distribution {id} has an invalid {key}: {actual}",) * 8,
            "Origin {Id} of distribution {id} has an `OriginReadTimeout` of {actual} seconds, more "
            "than its `ResponseCompletionTimeout` of {ResponseCompletionTimeout} seconds",
        ),
        fix="Write a path that begins with `/` and does not end with it, the port 80, 443 or from "
        "1024, `http-only`, `https-only` or `match-viewer`, 1 to 3 attempts, 1 to 10 seconds for a "
        "connection, and a `ResponseCompletionTimeout` of at least `OriginReadTimeout`.",
        sources=(f"{_API}: Origin", f"{_API}: CustomOriginConfig"),
    ),
    Constraint(
        "E9445",
        _ORIGIN,
        "The name of an origin is an ARN or a URL.",
        must=Not(
            Either(
                *(
                    IsReference("DomainName", _LB, name)
                    for name in ("Ref", "LoadBalancerArn", "LoadBalancerFullName")
                ),
                StartsWith("DomainName", ("http://", "https://", "arn:")),
                Matches("DomainName", ".*/.*"),
            )
        ),
        message="The `DomainName` of origin {Id} of distribution {id} is not a host name",
        fix="Write the host name alone, such as `!GetAtt <load balancer>.DNSName`.",
        error_messages=("The parameter origin name cannot contain a colon.",),
        sources=(f"{_API}: Origin, DomainName",),
    ),
    Constraint(
        "E9446",
        _ORIGIN,
        "A distribution sends requests over the internet to an internal load balancer.",
        when=Present("CustomOriginConfig"),
        must=Not(Refers("DomainName", _LB, Is("Scheme", "internal"))),
        message="Origin {Id} of distribution {id} is an internal load balancer, which CloudFront "
        "does not reach over the internet",
        fix="Use AWS::CloudFront::VpcOrigin and `VpcOriginConfig`, or write "
        "`Scheme: internet-facing` of the load balancer.",
        sources=(f"{_GUIDE}: Restrict access with VPC origins",),
    ),
    Constraint(
        "E9447",
        "AWS::CloudFront::VpcOrigin VpcOriginEndpointConfig",
        "A load balancer cannot be a VPC origin.",
        must=All(
            Refers("Arn", _LB, Not(Is("Type", "gateway"))),
            Refers("Arn", _LB, Either(Not(Is("Type", "network")), NotEmpty("SecurityGroups"))),
            Not(HasReferrer("Arn", _LISTENER, "LoadBalancerArn", Is("Protocol", "TLS"))),
            Not(IsReference("Arn", _LB, "DNSName")),
        ),
        message=(
            "VPC origin {id} is a Gateway Load Balancer",
            "VPC origin {id} is a Network Load Balancer without security groups",
            "VPC origin {id} is a Network Load Balancer with a TLS listener",
            "The `Arn` of VPC origin {id} is the DNS name of the load balancer",
        ),
        fix="Write `SecurityGroups` of the Network Load Balancer, or use an Application Load "
        "Balancer; write the ARN, `!Ref <load balancer>`.",
        sources=(f"{_GUIDE}: Restrict access with VPC origins, Prerequisites",),
    ),
    Constraint(
        "E9448",
        _BEHAVIORS,
        "A behavior has gRPC, but not POST or not HTTP/2.",
        when=IsTrue("GrpcConfig.Enabled"),
        must=All(
            Some("AllowedMethods", Is("", "POST")),
            Not(Is("/DistributionConfig.HttpVersion", "http1.1", "http3")),
        ),
        message=(
            "A behavior of distribution {id} has gRPC, but does not allow the method `POST`",
            "A behavior of distribution {id} has gRPC, but the distribution has the `HttpVersion` "
            "{/DistributionConfig.HttpVersion}",
        ),
        fix="Write all seven methods in `AllowedMethods`, and `HttpVersion: http2`.",
        sources=(f"{_API}: GrpcConfig",),
    ),
    Constraint(
        "E9449",
        f"{_CONFIG}.WebACLId",
        "The web ACL of a distribution is regional, or not given by its ARN.",
        must=Not(
            Either(
                IsReference("", _ACL, "Ref"),
                IsReference("", _ACL, "Id"),
                Refers("", _ACL, Is("Scope", "REGIONAL")),
                Matches("", r"arn:[^:]+:wafv2:.+:regional/.+"),
            )
        ),
        message="The `WebACLId` of distribution {id} is a regional web ACL, or not its ARN",
        fix="Write `!GetAtt <web ACL>.Arn` of a web ACL with `Scope: CLOUDFRONT`.",
        sources=(f"{_API}: DistributionConfig, WebACLId",),
    ),
    Constraint(
        "E9419",
        f"{_CONFIG}.Logging",
        "The bucket for the logs of a distribution is not given by its domain name.",
        must=Not(
            Either(
                IsReference("Bucket", _BUCKET, "Ref"),
                IsReference("Bucket", _BUCKET, "Arn"),
                Not(Matches("Bucket", r".+\.s3[.-].*amazonaws\.com(\.cn)?")),
            )
        ),
        message="The bucket for the logs of distribution {id} is not a domain name",
        fix="Write `!GetAtt <bucket>.DomainName`.",
        error_messages=("The parameter Logging Bucket does not refer to a valid S3 bucket.",),
        sources=(f"{_API}: LoggingConfig, Bucket",),
    ),
    Constraint(
        "E9420",
        _CONFIG,
        "Two origins, behaviors or names of a distribution are the same.",
        must=All(
            Unique("Origins", ("Id",)),
            Unique("CacheBehaviors", ("PathPattern",)),
            Unique("Aliases"),
        ),
        message=(
            "Two origins of distribution {id} have the `Id` {actual}",
            "Two behaviors of distribution {id} have the `PathPattern` {actual}",
            "Distribution {id} has the name {actual} twice",
        ),
        fix="Write another value, or remove one of them.",
        sources=(f"{_API}: Origin, Id", "AWS's error message, reproduced by cdk-preflight"),
    ),
    Constraint(
        "E9421",
        f"{_CONFIG}.ViewerCertificate",
        "The certificate of a distribution is in the region of the stack, not in us-east-1.",
        when=IsReference("AcmCertificateArn", _CERTIFICATE),
        must=IsDeployedTo("AcmCertificateArn", "us-east-1"),
        message="The certificate of distribution {id} is created in the region of the stack, and "
        "not in us-east-1",
        fix="Create the certificate in a stack in us-east-1, and write its ARN.",
        sources=(f"{_API}: ViewerCertificate, ACMCertificateArn",),
    ),
)
