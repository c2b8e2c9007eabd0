"""Constraints of load balancers, listeners, listener rules and target groups."""

from __future__ import annotations

from moorage.facts.load_balancing import RESERVED_COOKIE_PREFIX
from moorage.rules.constraints.combinations import (
    All,
    Attribute,
    Each,
    Either,
    IsReference,
    Not,
    Refers,
)
from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.predicates import (
    Absent,
    Count,
    Is,
    IsTrue,
    Matches,
    NotEmpty,
    Present,
    SameAs,
    StartsWith,
    Unique,
)
from moorage.rules.constraints.relations import CreatedAfter

_LB = "AWS::ElasticLoadBalancingV2::LoadBalancer"
_LISTENER = "AWS::ElasticLoadBalancingV2::Listener"
_RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"
_GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"
_API = "Elastic Load Balancing API reference, version 2015-12-01"
_ALB = "Elastic Load Balancing user guide, Application Load Balancers"
_NLB = "Elastic Load Balancing user guide, Network Load Balancers"
_ATTRIBUTES = "TargetGroupAttributes"
_TERMINATION = "target_health_state.unhealthy.connection_termination.enabled"
_DRAINING = "target_health_state.unhealthy.draining_interval_seconds"
_CONTENT_TYPES = (
    "text/plain",
    "text/css",
    "text/html",
    "application/javascript",
    "application/json",
)


def _in_actions(part: str = "") -> tuple[str, str]:
    """A part of each action of listeners and listener rules."""
    suffix = f".{part}" if part else ""
    return f"{_LISTENER} DefaultActions[]{suffix}", f"{_RULE} Actions[]{suffix}"


CONSTRAINTS = (
    Constraint(
        "E9381",
        _LB,
        "A dual-stack load balancer is in a subnet without IPv6.",
        when=Is("IpAddressType", "dualstack", "dualstack-without-public-ipv4"),
        must=Each(
            "Subnets",
            Refers(
                "",
                "AWS::EC2::Subnet",
                Either(Present("Ipv6CidrBlock"), Present("Ipv6IpamPoolId"), Present("Ipv6Native")),
            ),
        ),
        message="Load balancer {id} has the IP address type {IpAddressType}, but one of its "
        "subnets has no IPv6 block",
        fix="Write `Ipv6CidrBlock` of the subnet, or `IpAddressType: ipv4`.",
        sources=(f"{_API}: CreateLoadBalancer, IpAddressType",),
        failure_ids=("lb-dualstack-in-ipv4-subnets",),
    ),
    Constraint(
        "E9382",
        _LB,
        "Two subnets of a Network Load Balancer have the same Elastic IP address.",
        must=Unique("SubnetMappings", ("AllocationId",), where=Present("AllocationId")),
        message="Two subnets of load balancer {id} have the same `AllocationId`",
        fix="Write an Elastic IP address of its own for each subnet.",
        sources=(f"{_API}: SubnetMapping",),
        failure_ids=("nlb-one-elastic-ip-for-two-subnets",),
    ),
    Constraint(
        "E9384",
        f"{_LB} SubnetMappings[]",
        "An AllocationId is the address of an Elastic IP address, not its ID.",
        must=Not(IsReference("AllocationId", "AWS::EC2::EIP", "Ref")),
        message="The `AllocationId` of load balancer {id} is the `Ref` of an Elastic IP address, "
        "which is its address",
        fix="Write `!GetAtt <Elastic IP>.AllocationId`.",
        sources=("AWS CloudFormation template reference: AWS::EC2::EIP, return values",),
        failure_ids=("nlb-elastic-ip-by-ref",),
    ),
    Constraint(
        "E9385",
        _LB,
        "A Network Load Balancer has the IP address type dualstack-without-public-ipv4.",
        when=Is("Type", "network", "gateway"),
        must=Not(Is("IpAddressType", "dualstack-without-public-ipv4")),
        message="Load balancer {id} is of the type {Type}, and only an Application Load Balancer "
        "can have the IP address type `dualstack-without-public-ipv4`",
        fix="Write `ipv4` or `dualstack`.",
        sources=(f"{_API}: CreateLoadBalancer, IpAddressType",),
        failure_ids=("nlb-without-public-ipv4",),
    ),
    Constraint(
        "E9451",
        _LISTENER,
        "A listener without TLS has a certificate.",
        when=Is("Protocol", "HTTP", "TCP", "UDP", "TCP_UDP", "QUIC", "TCP_QUIC"),
        must=Not(NotEmpty("Certificates")),
        message="Listener {id} has the protocol {Protocol} and a certificate",
        fix="Write `Protocol: HTTPS` or `TLS`, or remove `Certificates`.",
        sources=(f"{_API}: CreateListener, Certificates",),
        failure_ids=("alb-certificate-on-http-listener",),
    ),
    Constraint(
        "E9452",
        _LISTENER,
        "A listener has two default certificates.",
        must=Count("Certificates", 0, 1),
        message="Listener {id} has more than one certificate in `Certificates`",
        fix="Keep the default certificate, and add the others by "
        "AWS::ElasticLoadBalancingV2::ListenerCertificate.",
        error_messages=("Up to '1' certificate ARNs can be specified, but '2' were specified",),
        sources=(f"{_API}: CreateListener, Certificates",),
        failure_ids=("alb-two-default-certificates",),
    ),
    Constraint(
        "E9454",
        _in_actions("ForwardConfig.TargetGroupStickinessConfig"),
        "Stickiness between target groups has no duration.",
        when=IsTrue("Enabled"),
        must=Present("DurationSeconds"),
        message="The target group stickiness of {id} is enabled, but has no `DurationSeconds`",
        fix="Write `DurationSeconds`, from 1 to 604800.",
        sources=(f"{_API}: TargetGroupStickinessConfig",),
        failure_ids=("alb-group-stickiness-without-duration",),
    ),
    Constraint(
        "E9455",
        _in_actions("FixedResponseConfig"),
        "A fixed response has a content type that is not supported.",
        must=Either(Absent("ContentType"), Is("ContentType", *_CONTENT_TYPES)),
        message="The fixed response of {id} has the content type {ContentType}",
        fix="Write `text/plain`, `text/css`, `text/html`, `application/javascript` or "
        "`application/json`, without a charset.",
        sources=(f"{_API}: FixedResponseActionConfig, ContentType",),
        failure_ids=("alb-fixed-response-content-type",),
    ),
    Constraint(
        "E9457",
        _in_actions(),
        "A forward action has a TargetGroupArn that is not the only one of ForwardConfig.",
        when=All(Present("TargetGroupArn"), NotEmpty("ForwardConfig.TargetGroups")),
        must=All(
            Count("ForwardConfig.TargetGroups", 1, 1),
            SameAs("TargetGroupArn", "ForwardConfig.TargetGroups.0.TargetGroupArn"),
        ),
        message="A forward action of {id} has a `TargetGroupArn` and other target groups in "
        "`ForwardConfig`",
        fix="Remove `TargetGroupArn`, or `ForwardConfig`.",
        sources=(f"{_API}: Action, TargetGroupArn",),
        failure_ids=("alb-forward-names-two-groups-in-two-ways",),
    ),
    Constraint(
        "E9458",
        _in_actions("AuthenticateCognitoConfig"),
        "The app client that users log in with has no client secret.",
        must=Refers("UserPoolClientId", "AWS::Cognito::UserPoolClient", IsTrue("GenerateSecret")),
        message="The Cognito app client of {id} has no client secret",
        fix="Write `GenerateSecret: true` of the app client.",
        sources=(f"{_ALB}: Authenticate users, Prepare to use Amazon Cognito",),
        failure_ids=("alb-cognito-client-without-secret",),
    ),
    Constraint(
        "E9486",
        f"{_RULE} Conditions[]",
        "A condition compares the header Host.",
        when=Is("Field", "http-header"),
        must=Not(Matches("HttpHeaderConfig.HttpHeaderName", "(?i:host)")),
        message="A condition of listener rule {id} compares the header `Host`, which `http-header` "
        "cannot",
        fix="Write `Field: host-header` and the names in `HostHeaderConfig`.",
        sources=(f"{_API}: HttpHeaderConditionConfig, HttpHeaderName",),
        failure_ids=("alb-header-condition-on-host",),
    ),
    Constraint(
        "E9487",
        f"{_RULE} Conditions[].HttpRequestMethodConfig",
        "A condition compares a method that is not in capital letters.",
        must=Each("Values", Matches("", "[A-Z_-]{1,40}")),
        message="A condition of listener rule {id} has a method that is not in capital letters",
        fix="Write capital letters, hyphens and underscores, up to 40 characters.",
        sources=(f"{_API}: HttpRequestMethodConditionConfig, Values",),
        failure_ids=("alb-method-condition-in-lower-case",),
    ),
    Constraint(
        "E9488",
        f"{_RULE} Conditions[].PathPatternConfig",
        "A condition compares the path with a query string.",
        must=Each("Values", Not(Matches("", r"[^?]*\?[A-Za-z0-9_.~%*-]+=.*"))),
        message="A condition of listener rule {id} compares the path with a query string, which "
        "the path does not contain",
        fix="Compare the path alone, and write `Field: query-string` for the query string.",
        why="`?` in a path pattern is any one character, so the rule never matches.",
        sources=(f"{_API}: PathPatternConditionConfig, Values",),
        failure_ids=("alb-path-condition-with-query",),
    ),
    Constraint(
        "E9489",
        _RULE,
        "A listener rule has two transforms of the same type.",
        must=Unique("Transforms", ("Type",)),
        message="Listener rule {id} has two transforms of the same type",
        fix="Keep one transform of each type.",
        sources=(f"{_API}: CreateRule, Transforms",),
        failure_ids=("alb-two-url-rewrites",),
    ),
    Constraint(
        "E9531",
        _GROUP,
        "Connections to unhealthy targets cannot be terminated for UDP.",
        when=Is("Protocol", "UDP", "TCP_UDP"),
        must=Attribute(_ATTRIBUTES, _TERMINATION, Not(Is("Value", "true"))),
        message="Target group {id} has the protocol {Protocol}, for which connections to "
        "unhealthy targets cannot be terminated",
        fix=f"Remove `{_TERMINATION}`.",
        sources=(f"{_NLB}: Edit target group attributes",),
        failure_ids=("tg-unhealthy-termination-on-udp",),
    ),
    Constraint(
        "E9534",
        _GROUP,
        "The cookie of an application has a reserved name.",
        must=Attribute(
            _ATTRIBUTES,
            "stickiness.app_cookie.cookie_name",
            Not(StartsWith("Value", (RESERVED_COOKIE_PREFIX,))),
        ),
        message="The application cookie of target group {id} has a name that begins with `AWSALB`",
        fix="Write another name. `AWSALB`, `AWSALBAPP` and `AWSALBTG` are reserved.",
        sources=(f"{_API}: TargetGroupAttribute",),
        failure_ids=("tg-app-cookie-with-reserved-name",),
    ),
    Constraint(
        "E9535",
        _GROUP,
        "Anomaly mitigation is on without the algorithm weighted_random.",
        when=Attribute(
            _ATTRIBUTES,
            "load_balancing.algorithm.anomaly_mitigation",
            Is("Value", "on"),
        ),
        must=Attribute(
            _ATTRIBUTES, "load_balancing.algorithm.type", Is("Value", "weighted_random")
        ),
        message="Target group {id} has anomaly mitigation, but not the algorithm `weighted_random`",
        fix="Write `load_balancing.algorithm.type: weighted_random`, or turn anomaly mitigation "
        "off.",
        sources=(f"{_ALB}: Automatic target weights",),
        failure_ids=("tg-anomaly-mitigation-with-round-robin",),
    ),
    Constraint(
        "E9536",
        _GROUP,
        "Unhealthy targets have a draining interval, but their connections are terminated.",
        when=All(
            Attribute(_ATTRIBUTES, _DRAINING, Present("Value")),
            Attribute(_ATTRIBUTES, _DRAINING, Not(Is("Value", "0"))),
        ),
        must=Attribute(_ATTRIBUTES, _TERMINATION, Is("Value", "false", default="true")),
        message="Target group {id} has a draining interval for unhealthy targets, whose "
        "connections are terminated",
        fix=f"Write `{_TERMINATION}: false`, or remove `{_DRAINING}`.",
        sources=(f"{_NLB}: Edit target group attributes",),
        failure_ids=("tg-draining-interval-with-termination",),
    ),
    Constraint(
        "E9538",
        _GROUP,
        "A target group may be created before Elastic Load Balancing can invoke its function.",
        when=Is("TargetType", "lambda"),
        must=CreatedAfter("Targets.0.Id", "AWS::Lambda::Permission", "FunctionName"),
        message="Target group {id} may be created before the permission to invoke its function",
        fix="Write `DependsOn: <permission>`.",
        why="A function is only registered if Elastic Load Balancing has permission to invoke it.",
        error_messages=(
            "elasticloadbalancing principal does not have permission to invoke ... "
            "from target group ...",
        ),
        sources=(f"{_ALB}: Use Lambda functions as targets",),
        failure_ids=("tg-function-before-its-permission",),
    ),
    Constraint(
        "E9386",
        f"{_LB} SubnetMappings[]",
        "A dual-stack load balancer with a UDP listener has no source prefix in a subnet.",
        when=All(
            Is("/Type", "network"),
            Is("/IpAddressType", "dualstack"),
            Is("/EnablePrefixForIpv6SourceNat", "on"),
        ),
        must=Present("SourceNatIpv6Prefix"),
        message="Load balancer {id} has `EnablePrefixForIpv6SourceNat`, but a subnet without "
        "`SourceNatIpv6Prefix`",
        fix="Write `SourceNatIpv6Prefix: auto_assigned`.",
        sources=(f"{_API}: SubnetMapping, SourceNatIpv6Prefix",),
    ),
    Constraint(
        "E9459",
        _LISTENER,
        "A UDP listener belongs to a dual-stack load balancer without source prefixes.",
        when=All(
            Is("Protocol", "UDP", "TCP_UDP"),
            Refers("LoadBalancerArn", _LB, Is("IpAddressType", "dualstack")),
        ),
        must=Refers("LoadBalancerArn", _LB, Is("EnablePrefixForIpv6SourceNat", "on")),
        message="Listener {id} has the protocol {Protocol}, and its load balancer is dual-stack "
        "without `EnablePrefixForIpv6SourceNat`",
        fix='Write `EnablePrefixForIpv6SourceNat: "on"` and, for each subnet, '
        "`SourceNatIpv6Prefix: auto_assigned`.",
        sources=(f"{_NLB}: Update the IP address types",),
        failure_ids=("udp-dualstack-without-prefix",),
    ),
)
