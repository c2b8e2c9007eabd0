"""Constraints of records, hosted zones and health checks of Route 53, and of certificates."""

from __future__ import annotations

from moorage.rules.constraints.combinations import (
    All,
    AtMostOne,
    Each,
    Either,
    IsReference,
    Not,
    Refers,
)
from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.predicates import (
    Absent,
    EndsWith,
    Is,
    IsTrue,
    Matches,
    NotEmpty,
    Predicate,
    Present,
    SameAs,
    StartsWith,
)
from moorage.rules.constraints.relations import IsDeployedTo

_RECORD = "AWS::Route53::RecordSet"
_RECORDS = (_RECORD, "AWS::Route53::RecordSetGroup RecordSets[]")
_ZONE = "AWS::Route53::HostedZone"
_CHECK = "AWS::Route53::HealthCheck HealthCheckConfig"
_CERTIFICATE = "AWS::CertificateManager::Certificate"
_LB = "AWS::ElasticLoadBalancingV2::LoadBalancer"
_DISTRIBUTION = "AWS::CloudFront::Distribution"
_LOG_GROUP = "AWS::Logs::LogGroup"
_API = "Amazon Route 53 API reference, version 2013-04-01"
_ACM = "AWS Certificate Manager API reference"
_REPRODUCED = "AWS's error message, reproduced by cdk-preflight"
_CLOUDFRONT_ZONES = ("Z2FDTNDATAQYW2", "Z3RFFRIM2A3IF5")
"""The hosted zone of all distributions, and that of those in China."""
_POLICIES: tuple[Predicate, ...] = (
    *(
        Present(name)
        for name in (
            "Weight",
            "Region",
            "Failover",
            "GeoLocation",
            "GeoProximityLocation",
            "CidrRoutingConfig",
            "AZAffinity",
        )
    ),
    IsTrue("MultiValueAnswer"),
)
"""Each routing policy of a record."""
_WEB_CHECKS = ("HTTP", "HTTPS", "HTTP_STR_MATCH", "HTTPS_STR_MATCH")
_ENDPOINT_CHECKS = (*_WEB_CHECKS, "TCP")
_ALARM, _CALCULATED = "CLOUDWATCH_METRIC", "CALCULATED"
_SETTINGS = {
    "SearchString": ("HTTP_STR_MATCH", "HTTPS_STR_MATCH"),
    "ResourcePath": _WEB_CHECKS,
    "AlarmIdentifier": (_ALARM,),
    "InsufficientDataHealthStatus": (_ALARM,),
    "ChildHealthChecks": (_CALCULATED,),
    "HealthThreshold": (_CALCULATED,),
    "IPAddress": (*_ENDPOINT_CHECKS, "RECOVERY_CONTROL"),
    "Port": (*_ENDPOINT_CHECKS, "RECOVERY_CONTROL"),
    "Regions": _ENDPOINT_CHECKS,
}
"""The settings of a health check, and the types that have them."""
_NAME = r"(\*\.)?([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9-]{1,63}"
"""A name of a certificate: a whole host name, whose first label can be `*`."""
_IS_BALANCER = IsReference("AliasTarget.DNSName", _LB)
_IS_DISTRIBUTION = IsReference("AliasTarget.DNSName", _DISTRIBUTION)

CONSTRAINTS = (
    Constraint(
        "E9422",
        _RECORDS,
        "An alias to a load balancer has another hosted zone, name or record type.",
        when=_IS_BALANCER,
        must=All(
            IsReference("AliasTarget.DNSName", _LB, "DNSName"),
            Not(Is("AliasTarget.HostedZoneId", *_CLOUDFRONT_ZONES)),
            Not(SameAs("AliasTarget.HostedZoneId", "HostedZoneId")),
            Not(Is("Type", "CNAME", "TXT", "MX", "NS", "SRV", "PTR", "CAA", "SPF")),
        ),
        message=(
            "The alias of record {id} does not have the `DNSName` of its load balancer",
            "The alias of record {id} to a load balancer has the hosted zone of CloudFront",
            "The alias of record {id} to a load balancer has the hosted zone of the record itself",
            "The alias of record {id} to a load balancer has the type {Type}",
        ),
        fix="Write `Type: A`, `DNSName: !GetAtt <load balancer>.DNSName` and "
        "`HostedZoneId: !GetAtt <load balancer>.CanonicalHostedZoneID`.",
        error_messages=(
            "Tried to create an alias that targets ..., type A in zone ..., but the alias target "
            "name does not lie within the target zone",
        ),
        sources=(f"{_API}: AliasTarget, HostedZoneId",),
    ),
    Constraint(
        "E9423",
        _RECORDS,
        "An alias to a distribution has another hosted zone, or evaluates its health.",
        when=_IS_DISTRIBUTION,
        must=All(
            Matches("AliasTarget.HostedZoneId", "|".join(_CLOUDFRONT_ZONES)),
            Not(IsTrue("AliasTarget.EvaluateTargetHealth")),
        ),
        message=(
            "The alias of record {id} does not have the hosted zone of CloudFront",
            "The alias of record {id} to a distribution has `EvaluateTargetHealth: true`",
        ),
        fix=f"Write `HostedZoneId: {_CLOUDFRONT_ZONES[0]}` and `EvaluateTargetHealth: false`.",
        sources=(f"{_API}: AliasTarget, HostedZoneId, EvaluateTargetHealth",),
    ),
    Constraint(
        "E9424",
        _RECORDS,
        "A record has neither values nor an alias, or both.",
        must=All(
            AtMostOne(Present("AliasTarget"), Present("ResourceRecords")),
            Either(Present("AliasTarget"), Present("ResourceRecords")),
            Either(Absent("ResourceRecords"), Present("TTL"), Present("AliasTarget")),
        ),
        message=(
            "Record {id} has both `AliasTarget` and `ResourceRecords`",
            "Record {id} has neither `AliasTarget` nor `ResourceRecords`",
            "Record {id} has `ResourceRecords`, but no `TTL`",
        ),
        fix="Write `TTL` and `ResourceRecords`, or `AliasTarget` without them.",
        error_messages=("Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords]",),
        sources=(f"{_API}: ResourceRecordSet",),
    ),
    Constraint(
        "W9426",
        _RECORDS,
        "An IPv6 alias leads to a load balancer without IPv6.",
        when=Is("Type", "AAAA"),
        must=Not(
            Refers(
                "AliasTarget.DNSName",
                _LB,
                Not(
                    Is(
                        "IpAddressType",
                        "dualstack",
                        "dualstack-without-public-ipv4",
                        default="ipv4",
                    )
                ),
            )
        ),
        message="Record {id} has the type `AAAA`, and its load balancer has no IPv6 addresses",
        fix="Write `IpAddressType: dualstack` of the load balancer, or remove the record.",
        why="The name has no answer for IPv6.",
        sources=(f"{_API}: AliasTarget, DNSName",),
    ),
    Constraint(
        "E9427",
        _RECORDS,
        "A record has a routing policy without an identifier, or an identifier without a policy.",
        must=All(
            Either(Absent("SetIdentifier"), *_POLICIES),
            *(Either(Present("SetIdentifier"), Not(policy)) for policy in _POLICIES),
        ),
        message=(
            "Record {id} has a `SetIdentifier`, but no routing policy",
            *("Record {id} has {key}, but no `SetIdentifier`",) * len(_POLICIES),
        ),
        fix="Write `SetIdentifier` together with `Weight`, `Region`, `Failover` or another policy.",
        error_messages=("Missing field 'SetIdentifier'",),
        sources=(f"{_API}: ResourceRecordSet, SetIdentifier",),
    ),
    Constraint(
        "E9428",
        _RECORDS,
        "A record has two routing policies, or several answers and an alias.",
        must=All(
            AtMostOne(*_POLICIES),
            Not(
                All(
                    IsTrue("MultiValueAnswer"),
                    Either(Present("AliasTarget"), Is("Type", "CNAME")),
                )
            ),
        ),
        message=(
            "Record {id} has two routing policies",
            "Record {id} has `MultiValueAnswer`, but is an alias or a `CNAME`",
        ),
        fix="Keep one routing policy.",
        sources=(f"{_API}: ResourceRecordSet, MultiValueAnswer", _REPRODUCED),
    ),
    Constraint(
        "E9429",
        _RECORDS,
        "A primary record cannot fail over.",
        when=Is("Failover", "PRIMARY"),
        must=Either(
            Present("HealthCheckId"),
            IsTrue("AliasTarget.EvaluateTargetHealth"),
        ),
        message="The primary record {id} has no health check",
        fix="Write `EvaluateTargetHealth: true` of the alias, or `HealthCheckId`.",
        error_messages=(
            "A non-alias primary ResourceRecordSet must have an associated health check",
        ),
        sources=(f"{_API}: ResourceRecordSet, Failover",),
    ),
    Constraint(
        "E9093",
        (_RECORD, "AWS::Route53::RecordSetGroup"),
        "The name of a hosted zone does not end with a dot.",
        must=EndsWith("HostedZoneName", (".",)),
        message="{id} has the `HostedZoneName` {HostedZoneName}, which does not end with a dot",
        fix="Append a dot, or write `HostedZoneId`.",
        error_messages=("No hosted zones named ... found",),
        sources=("AWS CloudFormation template reference: AWS::Route53::RecordSet, HostedZoneName",),
    ),
    Constraint(
        "E9094",
        _CHECK,
        "A health check of Route 53 has no endpoint that it can reach.",
        when=All(Is("Type", *_ENDPOINT_CHECKS), Not(Is("EndpointType", "PRIVATE"))),
        must=All(
            Either(Present("FullyQualifiedDomainName"), Present("IPAddress")),
            Not(Refers("FullyQualifiedDomainName", _LB, Is("Scheme", "internal"))),
            Not(IsReference("FullyQualifiedDomainName", _LB, "Ref")),
            Not(StartsWith("FullyQualifiedDomainName", ("http://", "https://"))),
            Not(
                Matches(
                    "IPAddress",
                    r"(10|127)\..*|192\.168\..*|172\.(1[6-9]|2[0-9]|3[01])\..*|169\.254\..*",
                )
            ),
        ),
        message=(
            "Health check {id} has neither a `FullyQualifiedDomainName` nor an `IPAddress`",
            "Health check {id} checks an internal load balancer, which Route 53 cannot reach over "
            "the internet",
            "The `FullyQualifiedDomainName` of health check {id} is the ARN of a load balancer",
            "The `FullyQualifiedDomainName` of health check {id} is the URL {actual}",
            "Health check {id} has the private address {actual}, which Route 53 cannot reach over "
            "the internet",
        ),
        fix="Write the host name of a public endpoint, without protocol and path. For an internal "
        "load balancer use `Type: CLOUDWATCH_METRIC`.",
        sources=(f"{_API}: HealthCheckConfig, IPAddress, FullyQualifiedDomainName",),
    ),
    Constraint(
        "E9095",
        _CHECK,
        "A health check of Route 53 has a setting of another type.",
        must=All(
            *(Either(Absent(name), Is("Type", *types)) for name, types in _SETTINGS.items()),
            Either(Not(IsTrue("EnableSNI")), Is("Type", "HTTPS", "HTTPS_STR_MATCH")),
        ),
        message="Health check {id} has the type {Type}, which has no {key}",
        fix="Remove the setting.",
        sources=(f"{_API}: HealthCheckConfig", _REPRODUCED),
    ),
    Constraint(
        "E9096",
        _CHECK,
        "A health check of Route 53 lacks what its type needs, or has another interval.",
        must=All(
            Either(Not(Is("Type", "HTTP_STR_MATCH", "HTTPS_STR_MATCH")), Present("SearchString")),
            Either(Not(Is("Type", _CALCULATED)), NotEmpty("ChildHealthChecks")),
            Either(Not(Is("Type", "RECOVERY_CONTROL")), Present("RoutingControlArn")),
            Matches("RequestInterval", "10|30"),
        ),
        message=(
            "Health check {id} has the type {Type}, but no `SearchString`",
            "Health check {id} has the type {Type}, but no `ChildHealthChecks`",
            "Health check {id} has the type {Type}, but no `RoutingControlArn`",
            "Health check {id} has a `RequestInterval` of {actual} seconds",
        ),
        fix="Write `SearchString`, `ChildHealthChecks` or `RoutingControlArn` as the type needs, "
        "and `RequestInterval: 10` or `30`.",
        sources=(f"{_API}: HealthCheckConfig", _REPRODUCED),
    ),
    Constraint(
        "E9097",
        _ZONE,
        "A hosted zone has no domain name.",
        must=All(
            Present("Name"),
            Not(Matches("Name", r".*://.*|.*\s.*|\*.*|\.+|.*\.\..*")),
            Either(Matches("Name", r"[^.]+\..+"), NotEmpty("VPCs")),
        ),
        message=(
            "Hosted zone {id} has no `Name`",
            "Hosted zone {id} has the `Name` {Name}, which is not a domain name",
            "The public hosted zone {id} has the `Name` {Name}, which is not a whole domain name",
        ),
        fix="Write a domain name such as `example.com`. Only a private zone can have a name "
        "without a dot.",
        sources=(f"{_API}: CreateHostedZone, Name",),
    ),
    Constraint(
        "E9098",
        f"{_ZONE} QueryLoggingConfig",
        "The queries of a hosted zone cannot be logged.",
        must=All(
            Either(Absent("CloudWatchLogsLogGroupArn"), Not(NotEmpty("/VPCs"))),
            All(
                Not(Matches("CloudWatchLogsLogGroupArn", r"arn:[^:]+:logs:(?!us-east-1:)[^:]+:.+")),
                Either(
                    Not(IsReference("CloudWatchLogsLogGroupArn", _LOG_GROUP)),
                    IsDeployedTo("CloudWatchLogsLogGroupArn", "us-east-1"),
                ),
            ),
        ),
        message=(
            "The private hosted zone {id} logs queries, which only public ones can",
            "The log group for the queries of hosted zone {id} is not in us-east-1",
        ),
        fix="Remove `QueryLoggingConfig` of a private zone; create the log group of a public zone "
        "in us-east-1.",
        sources=(f"{_API}: CreateQueryLoggingConfig",),
    ),
    Constraint(
        "E9099",
        _CERTIFICATE,
        "A name of a certificate is not a host name.",
        must=All(Matches("DomainName", _NAME), Each("SubjectAlternativeNames", Matches("", _NAME))),
        message="Certificate {id} has the name {actual}, which is not a host name",
        fix="Write whole host names, such as `www.example.com`, or `*.example.com` for all names "
        "of one level.",
        sources=(f"{_ACM}: RequestCertificate, DomainName",),
    ),
    Constraint(
        "E9425",
        _CERTIFICATE,
        "A certificate has a key or a validation that cannot be requested.",
        when=Absent("CertificateAuthorityArn"),
        must=All(
            Matches("KeyAlgorithm", "RSA_2048|EC_prime256v1|EC_secp384r1"),
            Matches("ValidationMethod", "DNS|EMAIL|HTTP"),
        ),
        message="Certificate {id} has the {key} {actual}, which ACM does not offer",
        fix="Write `RSA_2048`, `EC_prime256v1` or `EC_secp384r1`, and `ValidationMethod: DNS`.",
        sources=(f"{_ACM}: RequestCertificate, KeyAlgorithm, ValidationMethod",),
    ),
)
