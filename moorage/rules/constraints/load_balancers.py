"""Constraints of load balancers: attributes, addresses and what a type of load balancer lacks."""

from __future__ import annotations

from moorage.rules.constraints.combinations import (
    All,
    Attribute,
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
    Count,
    Is,
    Matches,
    NotEmpty,
    Present,
    StartsWith,
    Unique,
)

_LB = "AWS::ElasticLoadBalancingV2::LoadBalancer"
_LISTENER = "AWS::ElasticLoadBalancingV2::Listener"
_RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"
_GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"
_API = "Elastic Load Balancing API reference, version 2015-12-01"
_ALB = "Elastic Load Balancing user guide, Application Load Balancers"
_REPRODUCED = "AWS's error message, reproduced by cdk-preflight"
_ATTRIBUTES = "LoadBalancerAttributes"
_IS_APPLICATION = Is("Type", "application", default="application")
_LOGS = (
    ("E9391", "access_logs.s3", "access logs"),
    ("E9392", "connection_logs.s3", "connection logs"),
    ("E9393", "health_check_logs.s3", "health check logs"),
)
_LOG_BUCKETS = tuple(f"{prefix}.bucket" for _, prefix, _ in _LOGS)
_ENFORCE = "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"
_DUALSTACK = ("dualstack", "dualstack-without-public-ipv4")

CONSTRAINTS = (
    *(
        Constraint(
            rule_id,
            _LB,
            f"A load balancer has {logs}, but no bucket for them.",
            when=Attribute(_ATTRIBUTES, f"{prefix}.enabled", Is("Value", "true")),
            must=Attribute(_ATTRIBUTES, f"{prefix}.bucket", Present("Value")),
            message=f"Load balancer {{id}} has `{prefix}.enabled`, but no `{prefix}.bucket`",
            fix=f"Write the name of a bucket as `{prefix}.bucket`.",
            error_messages=(f"The key '{prefix}.bucket' must set in order to enable {logs}",),
            sources=(f"{_API}: LoadBalancerAttribute",),
        )
        for rule_id, prefix, logs in _LOGS
    ),
    Constraint(
        "E9394",
        _LB,
        "An Application Load Balancer has cross-zone load balancing turned off.",
        when=_IS_APPLICATION,
        must=Attribute(_ATTRIBUTES, "load_balancing.cross_zone.enabled", Not(Is("Value", "false"))),
        message="Application Load Balancer {id} has `load_balancing.cross_zone.enabled: false`",
        fix="Remove the attribute. A target group can turn it off in `TargetGroupAttributes`.",
        error_messages=(
            "The value for 'load_balancing.cross_zone.enabled' must always be 'true' for an "
            "Application Load Balancer",
        ),
        sources=(f"{_API}: LoadBalancerAttribute",),
    ),
    Constraint(
        "E9395",
        _LB,
        "A load balancer has the same attribute twice.",
        must=Unique(_ATTRIBUTES, ("Key",)),
        message="Load balancer {id} has the same attribute twice",
        fix="Keep one of them.",
        error_messages=("Attribute key '...' has been specified more than once",),
        sources=(_REPRODUCED,),
    ),
    Constraint(
        "E9396",
        f"{_LB} SubnetMappings[]",
        "An Application Load Balancer has a private address.",
        when=Is("/Type", "application", "gateway"),
        must=Absent("PrivateIPv4Address"),
        message="Load balancer {id} has a `PrivateIPv4Address`, which only an internal Network "
        "Load Balancer can have",
        fix="Remove `PrivateIPv4Address`, or write `Type: network` and `Scheme: internal`.",
        error_messages=(
            "You can only specify private IPv4 addresses for Network Load Balancers with scheme "
            "'internal'.",
        ),
        sources=(f"{_API}: SubnetMapping, PrivateIPv4Address",),
    ),
    Constraint(
        "E9397",
        _LB,
        f"A load balancer that is not a Network Load Balancer has {_ENFORCE}.",
        when=Is("Type", "application", "gateway", default="application"),
        must=Absent(_ENFORCE),
        message=f"Load balancer {{id}} has `{_ENFORCE}`, which is for Network Load Balancers",
        fix="Remove it.",
        sources=(f"{_API}: SetSecurityGroups", _REPRODUCED),
    ),
    Constraint(
        "E9398",
        _LB,
        f"A Network Load Balancer without security groups has {_ENFORCE}.",
        when=Is("Type", "network"),
        must=Either(NotEmpty("SecurityGroups"), Absent(_ENFORCE)),
        message=f"Load balancer {{id}} has `{_ENFORCE}`, but no security groups",
        fix="Write `SecurityGroups`, or remove the property.",
        sources=(
            "AWS CloudFormation template reference: AWS::ElasticLoadBalancingV2::LoadBalancer, "
            f"{_ENFORCE}",
        ),
    ),
    Constraint(
        "E9399",
        _LB,
        f"{_ENFORCE} is neither on nor off.",
        must=Matches(_ENFORCE, "on|off"),
        message=f"Load balancer {{id}} has `{_ENFORCE}` with the value {{{_ENFORCE}}}",
        fix='Write `"on"` or `"off"`, with quotation marks.',
        why="YAML reads `on` and `off` without quotation marks as a boolean.",
        sources=(f"{_API}: SetSecurityGroups",),
    ),
    Constraint(
        "E9401",
        _LB,
        "A Gateway Load Balancer has a scheme.",
        when=Is("Type", "gateway"),
        must=Absent("Scheme"),
        message="Gateway Load Balancer {id} has a `Scheme`",
        fix="Remove `Scheme`.",
        error_messages=("Scheme is not supported for Gateway Load Balancers.",),
        sources=(f"{_API}: CreateLoadBalancer, Scheme",),
    ),
    Constraint(
        "E9402",
        _LB,
        "A Gateway Load Balancer has security groups.",
        when=Is("Type", "gateway"),
        must=Not(NotEmpty("SecurityGroups")),
        message="Gateway Load Balancer {id} has security groups",
        fix="Remove `SecurityGroups`.",
        error_messages=("Security Groups are not supported for Gateway Load Balancers.",),
        sources=(f"{_API}: SetSecurityGroups",),
    ),
    Constraint(
        "E9403",
        f"{_LB} SubnetMappings[]",
        "A load balancer has an IPv6 address that its type, scheme or address type excludes.",
        when=Present("IPv6Address"),
        must=All(
            Is("/Type", "network", default="application"),
            Is("/IpAddressType", "dualstack", default="ipv4"),
            Is("/Scheme", "internet-facing", default="internet-facing"),
        ),
        message="Load balancer {id} has an `IPv6Address`, which only an internet-facing dual-stack "
        "Network Load Balancer can have",
        fix="Write `IpAddressType: dualstack` for an internet-facing Network Load Balancer, or "
        "remove `IPv6Address`.",
        sources=(f"{_API}: CreateLoadBalancer, SubnetMappings",),
    ),
    Constraint(
        "E9404",
        _LB,
        "A load balancer that is not a dual-stack Network Load Balancer has source prefixes.",
        when=Is("EnablePrefixForIpv6SourceNat", "on"),
        must=All(
            Is("Type", "network", default="application"),
            Is("IpAddressType", "dualstack", default="ipv4"),
        ),
        message="Load balancer {id} has `EnablePrefixForIpv6SourceNat`, but is not a dual-stack "
        "Network Load Balancer",
        fix="Write `Type: network` and `IpAddressType: dualstack`, or remove the property.",
        error_messages=(
            "'EnablePrefixForIpv6SourceNat' can only be specified for LoadBalancer type 'network'.",
            "'EnablePrefixForIpv6SourceNat' can only be specified when using IpAddressType "
            "'dualstack'.",
        ),
        sources=(f"{_API}: CreateLoadBalancer, EnablePrefixForIpv6SourceNat",),
    ),
    Constraint(
        "E9406",
        f"{_LB} SubnetMappings[]",
        "A source prefix is not a /80.",
        must=Matches("SourceNatIpv6Prefix", r"auto_assigned|[0-9A-Fa-f:]+/80"),
        message="Load balancer {id} has the `SourceNatIpv6Prefix` {SourceNatIpv6Prefix}",
        fix="Write `auto_assigned`, or a block of the subnet that ends with `/80`.",
        sources=(f"{_API}: SubnetMapping, SourceNatIpv6Prefix",),
    ),
    Constraint(
        "E9407",
        f"{_LB} {_ATTRIBUTES}[]",
        "The bucket for the logs of a load balancer is an ARN or a URL.",
        when=Is("Key", *_LOG_BUCKETS),
        must=Not(
            Either(
                IsReference("Value", "AWS::S3::Bucket", "Arn"),
                StartsWith("Value", ("arn:", "s3://", "http://", "https://")),
            )
        ),
        message="The attribute {Key} of load balancer {id} is not the name of a bucket",
        fix="Write the name, `!Ref <bucket>`.",
        sources=(f"{_API}: LoadBalancerAttribute",),
    ),
    Constraint(
        "E9408",
        _LB,
        "An Application Load Balancer writes its logs to a bucket with KMS encryption.",
        when=All(
            _IS_APPLICATION,
            Attribute(_ATTRIBUTES, "access_logs.s3.enabled", Is("Value", "true")),
        ),
        must=Not(
            Attribute(
                _ATTRIBUTES,
                "access_logs.s3.bucket",
                Refers(
                    "Value",
                    "AWS::S3::Bucket",
                    Some(
                        "BucketEncryption.ServerSideEncryptionConfiguration",
                        StartsWith("ServerSideEncryptionByDefault.SSEAlgorithm", ("aws:kms",)),
                    ),
                ),
            )
        ),
        message="Application Load Balancer {id} writes its access logs to a bucket with KMS "
        "encryption, and Elastic Load Balancing cannot use the key",
        fix="Write `SSEAlgorithm: AES256` of the bucket.",
        error_messages=(
            "(in substance) Access Denied for bucket: ... Please check S3bucket permission",
        ),
        sources=(f"{_ALB}: Enable access logs, Create an S3 bucket",),
    ),
    Constraint(
        "E9409",
        _LB,
        "A load balancer other than an internet-facing Application one has an IPAM pool.",
        when=Present("Ipv4IpamPoolId"),
        must=All(
            _IS_APPLICATION,
            Is("Scheme", "internet-facing", default="internet-facing"),
        ),
        message="Load balancer {id} has an `Ipv4IpamPoolId`, which is for internet-facing "
        "Application Load Balancers",
        fix="Remove `Ipv4IpamPoolId`.",
        sources=(f"{_API}: CreateLoadBalancer, IpamPools",),
    ),
    Constraint(
        "E9411",
        f"{_LB} SubnetMappings[]",
        "A Gateway Load Balancer has an Elastic IP address.",
        when=Is("/Type", "gateway"),
        must=Absent("AllocationId"),
        message="Gateway Load Balancer {id} has an Elastic IP address",
        fix="Remove `AllocationId`.",
        error_messages=("Elastic IPs are not supported for load balancers with type 'gateway'",),
        sources=(f"{_API}: CreateLoadBalancer, SubnetMappings",),
    ),
    Constraint(
        "E9412",
        _LB,
        "A load balancer has more than 20 attributes.",
        must=Count(_ATTRIBUTES, 0, 20),
        message="Load balancer {id} has more than 20 attributes",
        fix="Remove attributes whose values are the defaults.",
        sources=(f"{_API}: ModifyLoadBalancerAttributes, Attributes",),
    ),
    Constraint(
        "E9415",
        (f"{_LISTENER} DefaultActions[]", f"{_RULE} Actions[]"),
        "Users log in at a load balancer without public IPv4 addresses.",
        when=Is("Type", "authenticate-oidc", "authenticate-cognito"),
        must=Not(
            Either(
                Refers(
                    "/LoadBalancerArn", _LB, Is("IpAddressType", "dualstack-without-public-ipv4")
                ),
                Refers(
                    "/ListenerArn",
                    _LISTENER,
                    Refers(
                        "LoadBalancerArn",
                        _LB,
                        Is("IpAddressType", "dualstack-without-public-ipv4"),
                    ),
                ),
            )
        ),
        message="An action of {id} has the type {Type}, and its load balancer has no public IPv4 "
        "addresses to reach the identity provider with",
        fix="Write `IpAddressType: dualstack` of the load balancer.",
        why="The load balancer reaches identity providers over IPv4 only, and answers every "
        "request with status 500.",
        sources=(f"{_API}: SetIpAddressType, IpAddressType",),
    ),
    Constraint(
        "E9416",
        (f"{_LISTENER} DefaultActions[]", f"{_RULE} Actions[]"),
        "A load balancer without IPv6 forwards to an IPv6 target group.",
        when=Either(
            Refers("TargetGroupArn", _GROUP, Is("IpAddressType", "ipv6")),
            Some(
                "ForwardConfig.TargetGroups",
                Refers("TargetGroupArn", _GROUP, Is("IpAddressType", "ipv6")),
            ),
        ),
        must=Not(
            Either(
                Refers(
                    "/LoadBalancerArn", _LB, Not(Is("IpAddressType", *_DUALSTACK, default="ipv4"))
                ),
                Refers(
                    "/ListenerArn",
                    _LISTENER,
                    Refers(
                        "LoadBalancerArn",
                        _LB,
                        Not(Is("IpAddressType", *_DUALSTACK, default="ipv4")),
                    ),
                ),
            )
        ),
        message="An action of {id} forwards to an IPv6 target group, and its load balancer has no "
        "IPv6 addresses",
        fix="Write `IpAddressType: dualstack` of the load balancer, or `ipv4` of the target group.",
        sources=("Elastic Load Balancing user guide: Listeners", _REPRODUCED),
    ),
    Constraint(
        "E9417",
        _LB,
        "The prefix for the logs of a load balancer contains AWSLogs.",
        must=Each(
            _ATTRIBUTES,
            Not(
                All(
                    Matches("Value", r".*AWSLogs.*"),
                    Is("Key", *(f"{prefix}.prefix" for _, prefix, _ in _LOGS)),
                )
            ),
        ),
        message="A prefix for the logs of load balancer {id} contains `AWSLogs`",
        fix="Write a prefix without `AWSLogs`, which Elastic Load Balancing appends.",
        sources=(f"{_ALB}: Access logs for your Application Load Balancer, Access log files",),
    ),
    Constraint(
        "E9413",
        "AWS::ElasticLoadBalancingV2::TrustStore",
        "A trust store has no certificates.",
        must=All(Present("CaCertificatesBundleS3Bucket"), Present("CaCertificatesBundleS3Key")),
        message="Trust store {id} has no {key}",
        fix="Write both, for a file with the certificates of the authorities.",
        sources=(f"{_API}: CreateTrustStore",),
    ),
    Constraint(
        "E9414",
        "AWS::ElasticLoadBalancingV2::TrustStoreRevocation",
        "A revocation has no trust store or no revocation list.",
        must=All(Present("TrustStoreArn"), NotEmpty("RevocationContents")),
        message="Revocation {id} has no {key}",
        fix="Write both.",
        sources=(f"{_API}: AddTrustStoreRevocations", _REPRODUCED),
    ),
    Constraint(
        "E9418",
        "AWS::GlobalAccelerator::EndpointGroup EndpointConfigurations[]",
        "An endpoint of an accelerator is given by a name or an address.",
        must=Not(
            Either(
                *(
                    IsReference("EndpointId", _LB, name)
                    for name in ("DNSName", "LoadBalancerName", "LoadBalancerFullName")
                ),
                IsReference("EndpointId", "AWS::EC2::EIP", "Ref"),
                IsReference("EndpointId", "AWS::EC2::EIP", "PublicIp"),
                Matches("EndpointId", r"[0-9.]+|.+\.elb\.amazonaws\.com"),
            )
        ),
        message="An endpoint of {id} is a name or an address",
        fix="Write `!Ref <load balancer>`, or `!GetAtt <Elastic IP>.AllocationId`.",
        sources=("AWS Global Accelerator API reference: EndpointConfiguration, EndpointId",),
    ),
)
