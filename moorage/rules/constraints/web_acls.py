"""Constraints of web ACLs, their associations, rules and logs."""

from __future__ import annotations

from moorage.rules.constraints.combinations import (
    All,
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
    Matches,
    NotEmpty,
    Present,
    StartsWith,
    Unique,
)
from moorage.rules.constraints.relations import IsDeployedTo, NoOther

_LB = "AWS::ElasticLoadBalancingV2::LoadBalancer"
_ACL = "AWS::WAFv2::WebACL"
_GROUP = "AWS::WAFv2::RuleGroup"
_IP_SET = "AWS::WAFv2::IPSet"
_ASSOCIATION = "AWS::WAFv2::WebACLAssociation"
_LOGGING = "AWS::WAFv2::LoggingConfiguration"
_API = "AWS WAF API reference, version 2019-07-29"
_REPRODUCED = "AWS's error message, reproduced by cdk-preflight"
_PREFIX = ("aws-waf-logs-",)
_DESTINATIONS = {
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::KinesisFirehose::DeliveryStream": "DeliveryStreamName",
}
"""The types of destinations of logs, and the property of their name."""
_UNPROTECTED = (
    "AWS::ElasticLoadBalancingV2::Listener",
    "AWS::ElasticLoadBalancingV2::TargetGroup",
    "AWS::CloudFront::Distribution",
    "AWS::ECS::Service",
)
_RULE_GROUPS = ("ManagedRuleGroupStatement", "RuleGroupReferenceStatement")
_RATE = "RateBasedStatement"
_USES_GROUP = Either(*(Present(f"Statement.{name}") for name in _RULE_GROUPS))
_NOT_NESTED = (*_RULE_GROUPS, _RATE)
_BLOCK_4 = r"[0-9.]+/([1-9]|[12][0-9]|3[0-2])"
_BLOCK_6 = r"[0-9A-Fa-f]*:[0-9A-Fa-f:.]*/([1-9]|[1-9][0-9]|1[01][0-9]|12[0-8])"


def _in_rules(part: str = "") -> tuple[str, str]:
    """A part of each rule of web ACLs and rule groups."""
    suffix = f".{part}" if part else ""
    return f"{_ACL} Rules[]{suffix}", f"{_GROUP} Rules[]{suffix}"


CONSTRAINTS = (
    Constraint(
        "E9080",
        _ASSOCIATION,
        "A web ACL is associated with a resource that it cannot protect.",
        must=Not(
            Either(
                Refers("ResourceArn", _LB, Is("Type", "network", "gateway")),
                *(IsReference("ResourceArn", name) for name in _UNPROTECTED),
                Matches("ResourceArn", r"arn:[^:]+:elasticloadbalancing:.+/(net|gwy)/.+"),
                Matches("ResourceArn", r"arn:[^:]+:cloudfront:.+"),
            )
        ),
        message="Association {id} has a resource that a web ACL cannot protect",
        fix="Write the ARN of an Application Load Balancer. A distribution has its web ACL in "
        "`WebACLId`.",
        error_messages=("The ARN isn't valid. A valid ARN begins with arn:",),
        sources=(f"{_API}: AssociateWebACL, ResourceArn",),
    ),
    Constraint(
        "E9081",
        (f"{_ASSOCIATION} WebACLArn", f"{_LOGGING} ResourceArn"),
        "A web ACL is not given by its ARN.",
        must=Not(
            Either(*(IsReference("", _ACL, name) for name in ("Ref", "Id", "LabelNamespace")))
        ),
        message="{id} names the web ACL, but not by its ARN",
        fix="Write `!GetAtt <web ACL>.Arn`; `Ref` is the name, the ID and the scope.",
        error_messages=("The ARN isn't valid. A valid ARN begins with arn:",),
        sources=("AWS CloudFormation template reference: AWS::WAFv2::WebACL, return values",),
    ),
    Constraint(
        "E9082",
        _ASSOCIATION,
        "A resource is associated with two web ACLs.",
        must=NoOther(("ResourceArn",)),
        message="Association {id} has the same resource as another one",
        fix="Keep one association, with one web ACL.",
        why="A resource has one web ACL at most.",
        sources=(f"{_API}: AssociateWebACL",),
    ),
    Constraint(
        "E9083",
        f"{_ACL} Rules[]",
        "A rule of a web ACL has two actions, or none.",
        must=Either(
            All(Present("Action"), Absent("OverrideAction")),
            All(Present("OverrideAction"), Absent("Action")),
        ),
        message="Rule {Name} of web ACL {id} does not have exactly one of `Action` and "
        "`OverrideAction`",
        fix="Write `OverrideAction` for a rule group, and `Action` for any other statement.",
        error_messages=(
            "You have used none or multiple values for a field that requires exactly one value.",
        ),
        sources=(f"{_API}: Rule, Action",),
    ),
    Constraint(
        "E9084",
        f"{_ACL} Rules[]",
        "A rule of a web ACL has an action that does not fit its statement.",
        when=Not(All(Present("Action"), Present("OverrideAction"))),
        must=All(
            Either(Absent("Action"), Not(_USES_GROUP)),
            Either(Absent("OverrideAction"), _USES_GROUP),
            Either(Absent("Action.Allow"), Absent(f"Statement.{_RATE}")),
        ),
        message=(
            "Rule {Name} of web ACL {id} has an `Action`, but its statement is a rule group",
            "Rule {Name} of web ACL {id} has an `OverrideAction`, but its statement is not a rule "
            "group",
            "The rate-based rule {Name} of web ACL {id} has the action `Allow`",
        ),
        fix="Write `OverrideAction: {None: {}}` for a rule group, `Action` for any other "
        "statement, and another action than `Allow` for a rate-based one.",
        error_messages=("A reference in your rule statement is not valid.",),
        sources=(f"{_API}: Rule, OverrideAction", _REPRODUCED),
    ),
    Constraint(
        "E9085",
        (*_in_rules("Action"), *_in_rules("OverrideAction"), f"{_ACL} DefaultAction"),
        "An action of a web ACL is not exactly one action.",
        must=Count("", 1, 1),
        message="An action of {id} is not exactly one action",
        fix="Write one action, such as `{Block: {}}`.",
        error_messages=("EXACTLY_ONE_CONDITION_REQUIRED",),
        sources=(f"{_API}: RuleAction", _REPRODUCED),
    ),
    Constraint(
        "E9086",
        (_ACL, _GROUP),
        "Two rules of a web ACL have the same priority or name.",
        must=All(Unique("Rules", ("Priority",)), Unique("Rules", ("Name",))),
        message=(
            "Two rules of {id} have the priority {actual}",
            "Two rules of {id} have the name {actual}",
        ),
        fix="Write a priority and a name of its own for each rule.",
        error_messages=("You have a duplicate priority. Priorities must be unique.",),
        sources=(f"{_API}: Rule, Priority",),
    ),
    Constraint(
        "E9087",
        (_ACL, _GROUP, _IP_SET, "AWS::WAFv2::RegexPatternSet"),
        "A web ACL for CloudFront is not in us-east-1.",
        when=Is("Scope", "CLOUDFRONT"),
        must=IsDeployedTo("Scope", "us-east-1"),
        message="{id} has the scope `CLOUDFRONT`, which exists in us-east-1 only",
        fix="Deploy it in us-east-1, or write `Scope: REGIONAL` for a load balancer.",
        error_messages=("The scope is not valid.",),
        sources=(f"{_API}: CreateWebACL, Scope",),
    ),
    Constraint(
        "E9088",
        (*_in_rules("Statement.AndStatement"), *_in_rules("Statement.OrStatement")),
        "A combined statement has one part, or contains a rule group or a rate limit.",
        must=All(
            Count("Statements", 2, 1000),
            Each("Statements", All(*(Absent(name) for name in _NOT_NESTED))),
        ),
        message=(
            "A combined statement of {id} has fewer than two parts",
            "A combined statement of {id} contains a {key}, which must be the only statement of a "
            "rule",
        ),
        fix="Write at least two statements, and rule groups and rate limits as rules of their own.",
        error_messages=("A reference in your rule statement is not valid.",),
        sources=(f"{_API}: Statement", _REPRODUCED),
    ),
    Constraint(
        "E9089",
        _in_rules(f"Statement.{_RATE}"),
        "A rate-based statement lacks what its aggregation needs.",
        must=All(
            Either(Not(Is("AggregateKeyType", "FORWARDED_IP")), Present("ForwardedIPConfig")),
            Either(Not(Is("AggregateKeyType", "CONSTANT")), Present("ScopeDownStatement")),
            Either(Not(Is("AggregateKeyType", "CUSTOM_KEYS")), NotEmpty("CustomKeys")),
            Either(Is("AggregateKeyType", "CUSTOM_KEYS"), Absent("CustomKeys")),
        ),
        message=(
            "The rate-based statement of {id} counts by `FORWARDED_IP`, but has no "
            "`ForwardedIPConfig`",
            "The rate-based statement of {id} counts by `CONSTANT`, but has no "
            "`ScopeDownStatement`",
            "The rate-based statement of {id} counts by `CUSTOM_KEYS`, but has no `CustomKeys`",
            "The rate-based statement of {id} has `CustomKeys`, but another `AggregateKeyType` "
            "than `CUSTOM_KEYS`",
        ),
        fix="Write `ForwardedIPConfig` for `FORWARDED_IP`, `ScopeDownStatement` for `CONSTANT`, "
        "and `CustomKeys` for `CUSTOM_KEYS` only.",
        error_messages=("A required field is missing from the parameter.",),
        sources=(f"{_API}: RateBasedStatement, AggregateKeyType",),
    ),
    Constraint(
        "E9090",
        _LOGGING,
        "The logs of a web ACL have two destinations, or one with a wrong name.",
        must=All(
            Count("LogDestinationConfigs", 1, 1),
            Each(
                "LogDestinationConfigs",
                All(
                    *(
                        Not(Refers("", kind, Either(Absent(name), Not(StartsWith(name, _PREFIX)))))
                        for kind, name in _DESTINATIONS.items()
                    ),
                    Matches(
                        "",
                        r"arn:[^:]+:(logs:.*:log-group:|s3:::|firehose:.*:deliverystream/)"
                        r"aws-waf-logs-.*",
                    ),
                ),
            ),
        ),
        message=(
            "The logs of {id} do not have exactly one destination",
            "The destination of the logs of {id} has a name that does not begin with "
            "`aws-waf-logs-`",
        ),
        fix="Write one log group, bucket or delivery stream with a name such as "
        "`aws-waf-logs-web`. A generated name does not begin with it.",
        error_messages=("The ARN isn't valid. A valid ARN begins with arn:",),
        sources=(f"{_API}: PutLoggingConfiguration",),
    ),
    Constraint(
        "E9091",
        _IP_SET,
        "An address of an IP set is not a block of its version.",
        must=Each(
            "Addresses",
            Either(
                All(Matches("", _BLOCK_4), Is("/IPAddressVersion", "IPV4")),
                All(Matches("", _BLOCK_6), Is("/IPAddressVersion", "IPV6")),
            ),
        ),
        message="IP set {id} of the version {/IPAddressVersion} has the address {actual}",
        fix="Write blocks such as `203.0.113.7/32` for `IPV4`, and `2001:db8::/32` for `IPV6`.",
        error_messages=("The parameter contains formatting that is not valid.",),
        sources=(f"{_API}: CreateIPSet, Addresses",),
    ),
)
