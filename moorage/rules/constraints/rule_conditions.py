"""Constraints of the conditions and transforms of listener rules."""

from __future__ import annotations

from moorage.facts.load_balancing import NLB_PROTOCOLS
from moorage.rules.constraints.combinations import All, Each, Either, Not, Refers
from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.predicates import (
    Count,
    Is,
    Length,
    Matches,
    NotEmpty,
    Present,
)

_LB = "AWS::ElasticLoadBalancingV2::LoadBalancer"
_LISTENER = "AWS::ElasticLoadBalancingV2::Listener"
_RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"
_API = "Elastic Load Balancing API reference, version 2015-12-01"
_ALB = "Elastic Load Balancing user guide, Application Load Balancers"
_REPRODUCED = "AWS's error message, reproduced by cdk-preflight"
_BLOCK = (
    r"[0-9.]+/([0-9]|[12][0-9]|3[0-2])|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*/([0-9]{1,2}|1[01][0-9]|12[0-8])"
)
_LISTS = (
    "HostHeaderConfig",
    "PathPatternConfig",
    "HttpHeaderConfig",
    "QueryStringConfig",
    "HttpRequestMethodConfig",
    "SourceIpConfig",
)
"""The properties of a condition that have a list of values."""


def _each_value(config: str, predicate: Each | Not | Matches) -> All:
    """A statement about the values of a field, in both places that can have them."""
    return All(Each(f"{config}.Values", predicate), Each("Values", predicate))


CONSTRAINTS = (
    Constraint(
        "E9571",
        _RULE,
        "A listener rule has no condition.",
        must=Count("Conditions", 1, 100),
        message="Listener rule {id} has no condition",
        fix="Write a condition. Only the default action of the listener has none.",
        error_messages=("A condition must be specified",),
        sources=(f"{_API}: CreateRule, Conditions",),
    ),
    Constraint(
        "E9572",
        f"{_RULE} Conditions[]",
        "A condition of the field host-header or path-pattern has no values.",
        must=Either(
            Not(Is("Field", "host-header", "path-pattern")),
            NotEmpty("Values"),
            NotEmpty("RegexValues"),
            All(Is("Field", "host-header"), NotEmpty("HostHeaderConfig")),
            All(Is("Field", "path-pattern"), NotEmpty("PathPatternConfig")),
        ),
        message="A condition of listener rule {id} has the field {Field}, but no values",
        fix="Write `HostHeaderConfig` for `host-header`, `PathPatternConfig` for `path-pattern`, "
        "with `Values`.",
        error_messages=("For conditions of type '...', you must specify the following fields",),
        sources=(f"{_API}: RuleCondition",),
    ),
    Constraint(
        "E9573",
        tuple(f"{_RULE} Conditions[].{config}" for config in _LISTS),
        "A condition has no values, or both texts and regular expressions.",
        must=All(
            Either(NotEmpty("Values"), NotEmpty("RegexValues"), Present("IpAddressType")),
            Not(All(NotEmpty("Values"), NotEmpty("RegexValues"))),
        ),
        message=(
            "A condition of listener rule {id} has no values",
            "A condition of listener rule {id} has both `Values` and `RegexValues`",
        ),
        fix="Write `Values` or `RegexValues`, not both, with at least one value.",
        error_messages=("You must provide exactly one of the following: ['Values' 'RegexValues']",),
        sources=(f"{_API}: RuleCondition", _REPRODUCED),
    ),
    Constraint(
        "E9575",
        f"{_RULE} Conditions[]",
        "A host name of a condition has characters that host names do not have.",
        when=Is("Field", "host-header"),
        must=_each_value("HostHeaderConfig", Not(Matches("", r".*[^A-Za-z0-9.*?_-].*|[0-9.]+"))),
        message="A condition of listener rule {id} has the host name {actual}, which is a URL, an "
        "address, or has invalid characters",
        fix="Write the host name alone, without protocol, port and path.",
        error_messages=("Condition value '...' contains a character that is not valid",),
        sources=(f"{_API}: RuleCondition, Values",),
    ),
    Constraint(
        "E9576",
        f"{_RULE} Conditions[].HttpHeaderConfig",
        "The name of a header has invalid characters.",
        must=Matches("HttpHeaderName", r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"),
        message="A condition of listener rule {id} has the header name {HttpHeaderName}",
        fix="Write letters, digits and hyphens, without colon and spaces.",
        sources=(f"{_API}: HttpHeaderConditionConfig, HttpHeaderName",),
    ),
    Constraint(
        "E9577",
        f"{_RULE} Conditions[]",
        "A path pattern never matches, or has invalid characters.",
        when=Is("Field", "path-pattern"),
        must=All(
            _each_value("PathPatternConfig", Matches("", r"[/*?].*")),
            _each_value("PathPatternConfig", Not(Matches("", r".*[\s{}()|^<>\[\]#].*"))),
        ),
        message=(
            "Listener rule {id} has the path pattern {actual}, which does not begin with `/` and "
            "never matches",
            "Listener rule {id} has the path pattern {actual}, with characters that path patterns "
            "cannot have",
        ),
        fix="Begin the pattern with `/`, and use only the wildcards `*` and `?`. For regular "
        "expressions write `RegexValues`.",
        error_messages=("Condition value '...' contains a character that is not valid",),
        sources=(f"{_API}: RuleCondition, Values", f"{_ALB}: Condition types for listener rules"),
    ),
    Constraint(
        "E9598",
        f"{_RULE} Conditions[].SourceIpConfig",
        "A condition compares the source with something other than a CIDR block.",
        must=Each("Values", Matches("", _BLOCK)),
        message="A condition of listener rule {id} has {actual}, which is not a CIDR block",
        fix="Write a block such as `203.0.113.7/32`.",
        error_messages=("The specified value '...' is not a valid CIDR block",),
        sources=(f"{_API}: SourceIpConditionConfig, Values",),
    ),
    Constraint(
        "E9596",
        _RULE,
        "A listener of a Network Load Balancer without IPv6 has a rule.",
        when=Refers("ListenerArn", _LISTENER, Is("Protocol", *NLB_PROTOCOLS)),
        must=Refers(
            "ListenerArn",
            _LISTENER,
            Refers("LoadBalancerArn", _LB, Is("IpAddressType", "dualstack", default="ipv4")),
        ),
        message="Listener rule {id} belongs to a Network Load Balancer that is not dual-stack",
        fix="Write `IpAddressType: dualstack` of the load balancer, or the action as the default "
        "action of the listener.",
        sources=(f"{_API}: CreateRule",),
    ),
    Constraint(
        "E9599",
        (
            f"{_RULE} Transforms[].UrlRewriteConfig.Rewrites[]",
            f"{_RULE} Transforms[].HostHeaderRewriteConfig.Rewrites[]",
        ),
        "A rewrite has a text of more than 1,024 characters.",
        must=All(Length("Regex", 1, 1024), Length("Replace", 0, 1024)),
        message="A rewrite of listener rule {id} has a {key} of more than 1,024 characters",
        fix="Write up to 1,024 characters.",
        sources=(f"{_API}: RewriteConfig",),
    ),
)
