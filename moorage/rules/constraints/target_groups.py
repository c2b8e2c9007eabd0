"""Constraints of target groups: targets, health checks and attributes."""

from __future__ import annotations

from moorage.facts.load_balancing import NLB_PROTOCOLS
from moorage.rules.constraints.combinations import (
    All,
    Attribute,
    Either,
    IsReference,
    Not,
    Refers,
)
from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.predicates import (
    Absent,
    AtMost,
    Count,
    Is,
    IsTrue,
    Matches,
    Present,
    StartsWith,
    Unique,
)

_LB = "AWS::ElasticLoadBalancingV2::LoadBalancer"
_GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"
_API = "Elastic Load Balancing API reference, version 2015-12-01"
_ALB = "Elastic Load Balancing user guide, Application Load Balancers"
_NLB = "Elastic Load Balancing user guide, Network Load Balancers"
_REPRODUCED = "AWS's error message, reproduced by cdk-preflight"
_ATTRIBUTES = "TargetGroupAttributes"
_HTTP = ("HTTP", "HTTPS")
_NOT_HTTP = (*NLB_PROTOCOLS, "GENEVE")
_FAILOVER = ("target_failover.on_deregistration", "target_failover.on_unhealthy")
_CROSS_ZONE = "load_balancing.cross_zone.enabled"
_CODES = r"\s*[0-9]+(\s*-\s*[0-9]+)?(\s*,\s*[0-9]+(\s*-\s*[0-9]+)?)*\s*"
"""Codes and ranges of codes, such as `200,204-299`. E9539 is about their range."""
_HTTP2_ATTRIBUTES = (
    ("waf.http2.traffic_inspection_behavior", ("HTTP2",)),
    ("routing.http2.rst_stream_error_forwarding.enabled", ("HTTP2", "GRPC")),
)


def _is_failover(value: str) -> All:
    """Both attributes for the failover of targets have a value."""
    return All(
        *(
            Attribute(_ATTRIBUTES, key, Is("Value", value, default="no_rebalance"))
            for key in _FAILOVER
        )
    )


_TYPES = (
    (
        "E9568",
        "ip",
        "A target of a target group of addresses is not an address.",
        Not(
            Either(
                StartsWith("Id", ("i-", "arn:")),
                IsReference("Id", "AWS::EC2::Instance", "Ref"),
            )
        ),
        "Write an IP address, or `TargetType: instance`.",
    ),
    (
        "E9586",
        "instance",
        "A target of a target group of instances is not an instance.",
        Not(
            Either(
                StartsWith("Id", ("arn:",)),
                Matches("Id", r"[0-9.]+|[0-9a-fA-F]*:[0-9a-fA-F:]+"),
                IsReference("Id", "AWS::EC2::Instance", "PrivateIp"),
                IsReference("Id", "AWS::EC2::Instance", "PublicIp"),
            )
        ),
        "Write the ID of an instance, or `TargetType: ip`.",
    ),
    (
        "E9587",
        "lambda",
        "The target of a target group of a function is not its ARN.",
        Not(
            Either(
                IsReference("Id", "AWS::Lambda::Function", "Ref"),
                Not(Matches("Id", r"arn:[^:]+:lambda:.+")),
            )
        ),
        "Write the ARN, such as `!GetAtt <function>.Arn`.",
    ),
    (
        "E9589",
        "alb",
        "The target of a target group of load balancers is not an Application Load Balancer.",
        Not(
            Either(
                Not(Matches("Id", r"arn:[^:]+:elasticloadbalancing:.+:loadbalancer/app/.+")),
                Refers("Id", _LB, Is("Type", "network", "gateway")),
                IsReference("Id", _LB, "DNSName"),
                IsReference("Id", _LB, "LoadBalancerFullName"),
            )
        ),
        "Write the ARN of an Application Load Balancer, such as `!Ref <load balancer>`.",
    ),
)
"""For each type of target the rule about the IDs of targets."""

CONSTRAINTS = (
    *(
        Constraint(
            rule_id,
            f"{_GROUP} Targets[]",
            title,
            when=Is("/TargetType", kind),
            must=must,
            message=f"Target group {{id}} has the target type `{kind}`, and a target with another "
            "kind of ID",
            fix=fix,
            sources=(f"{_API}: TargetDescription, Id",),
        )
        for rule_id, kind, title, must, fix in _TYPES
    ),
    Constraint(
        "E9546",
        _GROUP,
        "Stickiness by the cookie of an application has no cookie name.",
        when=All(
            Attribute(_ATTRIBUTES, "stickiness.enabled", Is("Value", "true")),
            Attribute(_ATTRIBUTES, "stickiness.type", Is("Value", "app_cookie")),
        ),
        must=Attribute(_ATTRIBUTES, "stickiness.app_cookie.cookie_name", Present("Value")),
        message="Target group {id} has stickiness of the type `app_cookie`, but no "
        "`stickiness.app_cookie.cookie_name`",
        fix="Write the name of the cookie.",
        error_messages=(
            "You must set an application cookie name to enable stickiness of type 'app_cookie'",
        ),
        sources=(f"{_ALB}: Sticky sessions",),
    ),
    Constraint(
        "E9547",
        _GROUP,
        "The two attributes for the failover of targets differ.",
        when=Either(*(Attribute(_ATTRIBUTES, key, Present("Value")) for key in _FAILOVER)),
        must=Either(_is_failover("rebalance"), _is_failover("no_rebalance")),
        message="Target group {id} has different values of `target_failover.on_deregistration` and "
        "`target_failover.on_unhealthy`",
        fix="Write both attributes, with the same value.",
        sources=(f"{_API}: TargetGroupAttribute",),
    ),
    Constraint(
        "E9549",
        _GROUP,
        "A target group has the same attribute twice.",
        must=Unique(_ATTRIBUTES, ("Key",)),
        message="Target group {id} has the same attribute twice",
        fix="Keep one of them.",
        error_messages=("Attribute key '...' has been specified more than once",),
        sources=(_REPRODUCED,),
    ),
    Constraint(
        "E9550",
        _GROUP,
        "The health checks of a target group are turned off.",
        when=Is("TargetType", "instance", "ip", "alb", default="instance"),
        must=IsTrue("HealthCheckEnabled", default=True),
        message="Target group {id} has `HealthCheckEnabled: false`, which is for Lambda functions",
        fix="Remove `HealthCheckEnabled`.",
        sources=(f"{_API}: CreateTargetGroup, HealthCheckEnabled",),
    ),
    Constraint(
        "E9551",
        _GROUP,
        "The port of a health check is not a port number.",
        must=Matches(
            "HealthCheckPort",
            r"traffic-port|[1-9]|[1-9][0-9]{1,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}"
            r"|655[0-2][0-9]|6553[0-5]",
        ),
        message="Target group {id} has the `HealthCheckPort` {HealthCheckPort}",
        fix="Write `traffic-port`, or a number from 1 to 65535.",
        sources=(f"{_API}: CreateTargetGroup, HealthCheckPort",),
    ),
    Constraint(
        "E9552",
        _GROUP,
        "A target group of a Lambda function, or for QUIC, has IPv6 addresses.",
        when=Either(Is("TargetType", "lambda"), Is("Protocol", "QUIC", "TCP_QUIC")),
        must=Not(Is("IpAddressType", "ipv6")),
        message="Target group {id} has `IpAddressType: ipv6`, which exists neither for Lambda "
        "functions nor for QUIC",
        fix="Remove `IpAddressType`.",
        sources=(_REPRODUCED,),
    ),
    Constraint(
        "E9554",
        _GROUP,
        "A target group of a function or of a load balancer has two targets.",
        when=Is("TargetType", "lambda", "alb"),
        must=Count("Targets", 0, 1),
        message="Target group {id} has the target type {TargetType}, and more than one target",
        fix="Keep one target.",
        error_messages=(
            "Up to '1' Lambda function target(s) can be registered, but '2' were specified",
        ),
        sources=(f"{_API}: CreateTargetGroup, TargetType",),
    ),
    Constraint(
        "E9556",
        _GROUP,
        "A target group of load balancers has another protocol than TCP.",
        when=Is("TargetType", "alb"),
        must=Not(Is("Protocol", *_HTTP, "TLS", "UDP", "TCP_UDP", "QUIC", "TCP_QUIC")),
        message="Target group {id} has the target type `alb` and the protocol {Protocol}",
        fix="Write `Protocol: TCP`.",
        sources=(f"{_NLB}: Use an Application Load Balancer as a target",),
    ),
    Constraint(
        "E9557",
        _GROUP,
        "The status codes of a health check are not numbers.",
        when=Is("Protocol", *_HTTP, *NLB_PROTOCOLS),
        must=Matches("Matcher.HttpCode", _CODES),
        message="Target group {id} has the status codes {Matcher.HttpCode}",
        fix="Write codes and ranges, such as `200`, `200,204` or `200-399`.",
        error_messages=("Health check matcher HTTP code '...' must be within",),
        sources=(f"{_API}: Matcher, HttpCode",),
    ),
    Constraint(
        "E9560",
        _GROUP,
        "A health check expects gRPC codes, but its target group has another protocol version.",
        must=Either(Is("ProtocolVersion", "GRPC"), Absent("Matcher.GrpcCode")),
        message="Target group {id} has `GrpcCode`, but not `ProtocolVersion: GRPC`",
        fix="Write `ProtocolVersion: GRPC`, or `HttpCode`.",
        sources=(f"{_API}: CreateTargetGroup, Matcher", _REPRODUCED),
    ),
    Constraint(
        "E9562",
        _GROUP,
        "A target group that is not for HTTP has a protocol version.",
        when=Is("Protocol", *_NOT_HTTP),
        must=Absent("ProtocolVersion"),
        message="Target group {id} has the protocol {Protocol} and a `ProtocolVersion`",
        fix="Remove `ProtocolVersion`, or write `Protocol: HTTP`.",
        sources=(f"{_API}: CreateTargetGroup, ProtocolVersion",),
    ),
    Constraint(
        "E9563",
        _GROUP,
        "A protocol version does not exist.",
        must=Matches("ProtocolVersion", "GRPC|HTTP1|HTTP2"),
        message="Target group {id} has the `ProtocolVersion` {ProtocolVersion}",
        fix="Write `HTTP1`, `HTTP2` or `GRPC`.",
        sources=(f"{_API}: CreateTargetGroup, ProtocolVersion",),
    ),
    Constraint(
        "E9565",
        _GROUP,
        "The path of a health check does not begin with a slash.",
        must=StartsWith("HealthCheckPath", ("/",)),
        message="Target group {id} has the `HealthCheckPath` {HealthCheckPath}",
        fix="Write the path alone, such as `/health`.",
        error_messages=("Health check path '...' must begin with a '/' character",),
        sources=(f"{_API}: CreateTargetGroup, HealthCheckPath",),
    ),
    Constraint(
        "E9566",
        _GROUP,
        "A target group that the target optimizer does not support has a TargetControlPort.",
        when=Present("TargetControlPort"),
        must=All(
            Not(Is("Protocol", *_NOT_HTTP)),
            Is("TargetType", "instance", "ip", default="instance"),
        ),
        message="Target group {id} has a `TargetControlPort`, which is for instances and addresses "
        "with HTTP or HTTPS",
        fix="Remove `TargetControlPort`.",
        sources=(f"{_ALB}: Target groups, Target Optimizer",),
    ),
    Constraint(
        "E9590",
        f"{_GROUP} Targets[]",
        "A target of a QUIC target group has no valid server ID.",
        when=Is("/Protocol", "QUIC", "TCP_QUIC"),
        must=All(Present("QuicServerId"), Matches("QuicServerId", "0x[0-9A-Fa-f]{16}")),
        message=(
            "A target of target group {id} has no `QuicServerId`",
            "A target of target group {id} has the `QuicServerId` {actual}",
        ),
        fix="Write `0x` and 16 hexadecimal digits.",
        sources=(f"{_API}: TargetDescription, QuicServerId",),
    ),
    Constraint(
        "E9591",
        f"{_GROUP} Targets[]",
        "A target of a target group without QUIC has a server ID.",
        when=Is("/Protocol", *_HTTP, "TCP", "TLS", "UDP", "TCP_UDP", "GENEVE"),
        must=Absent("QuicServerId"),
        message="A target of target group {id} has a `QuicServerId`, which is for QUIC",
        fix="Remove `QuicServerId`.",
        sources=(f"{_API}: TargetDescription, QuicServerId",),
    ),
    Constraint(
        "E9593",
        f"{_GROUP} Targets[]",
        "A target has an Availability Zone that its type excludes.",
        when=Is("/TargetType", "instance", "alb", "lambda"),
        must=Either(
            Absent("AvailabilityZone"),
            All(Is("/TargetType", "lambda"), Is("AvailabilityZone", "all")),
        ),
        message="Target group {id} has the target type {/TargetType}, and a target with the "
        "`AvailabilityZone` {AvailabilityZone}",
        fix="Remove `AvailabilityZone`. Only targets of the type `ip` have one.",
        sources=(f"{_API}: TargetDescription, AvailabilityZone",),
    ),
    Constraint(
        "E9553",
        _GROUP,
        "A target group has stickiness, but no cross-zone load balancing.",
        when=All(
            Is("Protocol", *_HTTP),
            Attribute(_ATTRIBUTES, _CROSS_ZONE, Is("Value", "false")),
        ),
        must=Attribute(_ATTRIBUTES, "stickiness.enabled", Not(Is("Value", "true"))),
        message=f"Target group {{id}} has stickiness and `{_CROSS_ZONE}: false`",
        fix=f"Remove `{_CROSS_ZONE}`, or `stickiness.enabled`.",
        sources=(f"{_ALB}: Turn off cross-zone load balancing, Considerations",),
    ),
    Constraint(
        "E9594",
        _GROUP,
        "A target group of a Lambda function has no cross-zone load balancing.",
        when=Is("TargetType", "lambda"),
        must=Attribute(_ATTRIBUTES, _CROSS_ZONE, Not(Is("Value", "false"))),
        message=f"Target group {{id}} of a Lambda function has `{_CROSS_ZONE}: false`",
        fix=f"Remove `{_CROSS_ZONE}`.",
        sources=(f"{_ALB}: Turn off cross-zone load balancing, Considerations",),
    ),
    Constraint(
        "E9595",
        _GROUP,
        "The timeout of a health check is longer than its interval.",
        when=Either(Is("Protocol", *_NOT_HTTP), Is("TargetType", "lambda")),
        must=AtMost("HealthCheckTimeoutSeconds", "HealthCheckIntervalSeconds"),
        message="Target group {id} has a health check timeout of {HealthCheckTimeoutSeconds} "
        "seconds and an interval of {HealthCheckIntervalSeconds} seconds",
        fix="Write a `HealthCheckTimeoutSeconds` that is less than `HealthCheckIntervalSeconds`.",
        error_messages=("Health check timeout '...' must be smaller than the interval '...'",),
        sources=(_REPRODUCED,),
    ),
    *(
        Constraint(
            rule_id,
            _GROUP,
            f"A target group without HTTP/2 has the attribute {key}.",
            when=All(
                Is("Protocol", *_HTTP),
                Is("ProtocolVersion", "HTTP1", "HTTP2", "GRPC", default="HTTP1"),
                Not(Is("ProtocolVersion", *versions)),
            ),
            must=Attribute(_ATTRIBUTES, key, Absent("Value")),
            message=f"Target group {{id}} has `{key}`, but not the protocol version "
            f"{' or '.join(versions)}",
            fix=f"Remove the attribute, or write `ProtocolVersion: {versions[0]}`.",
            sources=(f"{_API}: TargetGroupAttribute",),
        )
        for rule_id, (key, versions) in zip(("E9569", "E9548"), _HTTP2_ATTRIBUTES, strict=True)
    ),
)
