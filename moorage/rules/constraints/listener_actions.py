"""Constraints of the actions and conditions of listeners and listener rules."""

from __future__ import annotations

from moorage.facts.quotas import MAX_CONDITION_LENGTH, MAX_HEADER_NAME_LENGTH
from moorage.rules.constraints.combinations import All, AtMostItems, Each, Either, Not, Refers, Some
from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.predicates import (
    Absent,
    Count,
    Is,
    Length,
    Matches,
    NotEmpty,
    Present,
    StartsWith,
    Unique,
    Within,
)

_LB = "AWS::ElasticLoadBalancingV2::LoadBalancer"
_LISTENER = "AWS::ElasticLoadBalancingV2::Listener"
_RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"
_API = "Elastic Load Balancing API reference, version 2015-12-01"
_FINAL = ("forward", "redirect", "fixed-response")


def _in_actions(part: str = "") -> tuple[str, str]:
    """A part of each action of listeners and listener rules."""
    suffix = f".{part}" if part else ""
    return f"{_LISTENER} DefaultActions[]{suffix}", f"{_RULE} Actions[]{suffix}"


_CONFIGURATIONS = (
    ("E9462", "redirect", "RedirectConfig"),
    ("E9463", "fixed-response", "FixedResponseConfig"),
    ("E9464", "authenticate-oidc", "AuthenticateOidcConfig"),
    ("E9466", "authenticate-cognito", "AuthenticateCognitoConfig"),
    ("E9467", "jwt-validation", "JwtValidationConfig"),
)
"""The property that each type of action needs."""

_FIELDS = (
    ("E9490", "http-header", "HttpHeaderConfig"),
    ("E9491", "query-string", "QueryStringConfig"),
    ("E9492", "http-request-method", "HttpRequestMethodConfig"),
    ("E9493", "source-ip", "SourceIpConfig"),
)
"""The property that each field of a condition needs; `host-header` and `path-pattern` can also have
`Values`."""

CONSTRAINTS = (
    *(
        Constraint(
            rule_id,
            _in_actions(),
            f"An action of the type {action} has no {key}.",
            when=Is("Type", action),
            must=Present(key),
            message=f"An action of {{id}} has the type `{action}`, but no `{key}`",
            fix=f"Write `{key}`.",
            sources=(f"{_API}: Action, {key}",),
        )
        for rule_id, action, key in _CONFIGURATIONS
    ),
    Constraint(
        "E9461",
        _in_actions(),
        "A forward action has no target group.",
        when=Is("Type", "forward"),
        must=Either(Present("TargetGroupArn"), NotEmpty("ForwardConfig.TargetGroups")),
        message="A forward action of {id} has no target group",
        fix="Write `TargetGroupArn`, or the target groups in `ForwardConfig`.",
        sources=(f"{_API}: Action, TargetGroupArn, ForwardConfig",),
    ),
    Constraint(
        "E9468",
        _LISTENER,
        "A listener has two routing actions, or none.",
        must=All(
            AtMostItems("DefaultActions", 1, Is("Type", *_FINAL)),
            Some("DefaultActions", Is("Type", *_FINAL)),
        ),
        message="The default actions of listener {id} do not include exactly one of the types "
        "`forward`, `redirect` and `fixed-response`",
        fix="Write exactly one of them, as the last action.",
        sources=(f"{_API}: Action",),
    ),
    Constraint(
        "E9494",
        _RULE,
        "A listener rule has two routing actions, or none.",
        must=All(
            AtMostItems("Actions", 1, Is("Type", *_FINAL)),
            Some("Actions", Is("Type", *_FINAL)),
        ),
        message="The actions of listener rule {id} do not include exactly one of the types "
        "`forward`, `redirect` and `fixed-response`",
        fix="Write exactly one of them, as the last action.",
        sources=(f"{_API}: Action",),
    ),
    Constraint(
        "E9469",
        _in_actions("RedirectConfig"),
        "A redirect leads to the same URL.",
        must=Not(
            All(
                Is("Protocol", "#{protocol}", default="#{protocol}"),
                Is("Host", "#{host}", default="#{host}"),
                Is("Port", "#{port}", default="#{port}"),
                Is("Path", "/#{path}", default="/#{path}"),
            )
        ),
        message="The redirect of {id} changes neither protocol, host, port nor path",
        fix='Change at least one of them, for example `Protocol: HTTPS` and `Port: "443"`.',
        why="The redirect would be a loop.",
        sources=(f"{_API}: RedirectActionConfig",),
    ),
    Constraint(
        "E9472",
        f"{_LISTENER} DefaultActions[]",
        "An HTTPS listener redirects to HTTP.",
        when=Is("/Protocol", "HTTPS"),
        must=Not(Is("RedirectConfig.Protocol", "HTTP")),
        message="HTTPS listener {id} redirects to HTTP",
        fix="Write `HTTPS` or `#{protocol}`.",
        sources=(f"{_API}: RedirectActionConfig, Protocol",),
    ),
    Constraint(
        "E9495",
        f"{_RULE} Actions[]",
        "A rule of an HTTPS listener redirects to HTTP.",
        when=Refers("/ListenerArn", _LISTENER, Is("Protocol", "HTTPS")),
        must=Not(Is("RedirectConfig.Protocol", "HTTP")),
        message="Listener rule {id} of an HTTPS listener redirects to HTTP",
        fix="Write `HTTPS` or `#{protocol}`.",
        sources=(f"{_API}: RedirectActionConfig, Protocol",),
    ),
    Constraint(
        "E9473",
        _in_actions("AuthenticateOidcConfig"),
        "An endpoint of an identity provider is not an HTTPS URL.",
        must=All(
            StartsWith("Issuer", ("https://",)),
            StartsWith("AuthorizationEndpoint", ("https://",)),
            StartsWith("TokenEndpoint", ("https://",)),
            StartsWith("UserInfoEndpoint", ("https://",)),
        ),
        message="An endpoint of the identity provider of {id} does not begin with `https://`",
        fix="Write the full URL, with `https://`.",
        sources=(f"{_API}: AuthenticateOidcActionConfig",),
    ),
    Constraint(
        "E9474",
        (*_in_actions("AuthenticateOidcConfig"), *_in_actions("AuthenticateCognitoConfig")),
        "An authentication action has more than ten parameters.",
        must=Count("AuthenticationRequestExtraParams", 0, 10),
        message="An authentication action of {id} has more than 10 parameters",
        fix="Write up to 10 in `AuthenticationRequestExtraParams`.",
        sources=(f"{_API}: AuthenticateOidcActionConfig, AuthenticationRequestExtraParams",),
    ),
    Constraint(
        "E9475",
        f"{_LISTENER} DefaultActions[]",
        "A listener without HTTPS authenticates users.",
        when=Is("Type", "authenticate-oidc", "authenticate-cognito", "jwt-validation"),
        must=Is("/Protocol", "HTTPS"),
        message="Listener {id} has an action of the type {Type}, but not the protocol HTTPS",
        fix="Write `Protocol: HTTPS` and a certificate.",
        sources=(f"{_API}: Action, Type",),
    ),
    Constraint(
        "E9496",
        f"{_RULE} Actions[]",
        "A rule of a listener without HTTPS authenticates users.",
        when=Is("Type", "authenticate-oidc", "authenticate-cognito", "jwt-validation"),
        must=Refers("/ListenerArn", _LISTENER, Is("Protocol", "HTTPS")),
        message="Listener rule {id} has an action of the type {Type}, but its listener not the "
        "protocol HTTPS",
        fix="Use an HTTPS listener.",
        sources=(f"{_API}: Action, Type",),
    ),
    Constraint(
        "E9476",
        _in_actions("JwtValidationConfig.AdditionalClaims[]"),
        "A JWT claim is always validated.",
        must=Not(Is("Name", "exp", "iss", "nbf", "iat")),
        message="The JWT validation of {id} has the claim {Name}, which is always validated",
        fix="Remove the claim.",
        sources=(f"{_API}: JwtValidationActionAdditionalClaim, Name",),
    ),
    Constraint(
        "E9477",
        _in_actions("JwtValidationConfig.AdditionalClaims[]"),
        "A value of a JWT claim contains spaces.",
        when=Is("Format", "space-separated-values"),
        must=Each("Values", Not(Matches("", r".*\s.*"))),
        message="A value of the JWT claim {Name} of {id} contains spaces",
        fix="Write each value on its own.",
        sources=(f"{_API}: JwtValidationActionAdditionalClaim, Values",),
    ),
    *(
        Constraint(
            rule_id,
            f"{_RULE} Conditions[]",
            f"A condition of the field {field} has no {key}.",
            when=Is("Field", field),
            must=Present(key),
            message=f"A condition of listener rule {{id}} has the field `{field}`, but no `{key}`",
            fix=f"Write `{key}`.",
            sources=(f"{_API}: RuleCondition, {key}",),
        )
        for rule_id, field, key in _FIELDS
    ),
    Constraint(
        "E9497",
        _RULE,
        "A listener rule has two conditions of the same field.",
        must=Unique(
            "Conditions",
            ("Field",),
            where=Is("Field", "http-request-method", "host-header", "path-pattern", "source-ip"),
        ),
        message="Listener rule {id} has two conditions of the same field",
        fix="Write the values in one condition. Only `http-header` and `query-string` can be "
        "repeated.",
        sources=(f"{_API}: RuleCondition",),
    ),
    Constraint(
        "E9498",
        f"{_RULE} Conditions[]",
        "A rule of a Network Load Balancer has a condition other than source-ip.",
        when=Refers(
            "/ListenerArn",
            _LISTENER,
            Is("Protocol", "TCP", "TLS", "UDP", "TCP_UDP", "QUIC", "TCP_QUIC"),
        ),
        must=Is("Field", "source-ip"),
        message="Listener rule {id} belongs to a Network Load Balancer, and has the condition "
        "{Field}",
        fix="Write `Field: source-ip`, or use an Application Load Balancer.",
        sources=(f"{_API}: RuleCondition",),
    ),
    Constraint(
        "E9499",
        f"{_RULE} Conditions[]",
        "A host name of a condition has no dot.",
        when=Is("Field", "host-header"),
        must=All(
            Each("HostHeaderConfig.Values", Matches("", r".*\..*")),
            Each("Values", Matches("", r".*\..*")),
        ),
        message="A host name in the conditions of listener rule {id} has no dot",
        fix="Write the whole name, such as `www.example.com` or `*.example.com`.",
        sources=(f"{_API}: HostHeaderConditionConfig, Values",),
    ),
    Constraint(
        "E9501",
        f"{_RULE} Conditions[]",
        f"A value of a condition has more than {MAX_CONDITION_LENGTH} characters.",
        must=All(
            Each("Values", Length("", 1, MAX_CONDITION_LENGTH)),
            Each("HostHeaderConfig.Values", Length("", 1, MAX_CONDITION_LENGTH)),
            Each("PathPatternConfig.Values", Length("", 1, MAX_CONDITION_LENGTH)),
            Each("HttpHeaderConfig.Values", Length("", 1, MAX_CONDITION_LENGTH)),
            Each("RegexValues", Length("", 1, MAX_CONDITION_LENGTH)),
            Each("HostHeaderConfig.RegexValues", Length("", 1, MAX_CONDITION_LENGTH)),
            Each("PathPatternConfig.RegexValues", Length("", 1, MAX_CONDITION_LENGTH)),
            Each("HttpHeaderConfig.RegexValues", Length("", 1, MAX_CONDITION_LENGTH)),
            Each("QueryStringConfig.Values", Length("Key", 1, MAX_CONDITION_LENGTH)),
            Each("QueryStringConfig.Values", Length("Value", 1, MAX_CONDITION_LENGTH)),
        ),
        message="A value in the conditions of listener rule {id} is empty or has more than 128 "
        "characters",
        fix="Write 1 to 128 characters.",
        sources=(f"{_API}: RuleCondition, Values",),
    ),
    Constraint(
        "E9502",
        f"{_RULE} Conditions[].HttpHeaderConfig",
        "The name of a header has more than 40 characters.",
        must=Length("HttpHeaderName", 1, MAX_HEADER_NAME_LENGTH),
        message="A header name in the conditions of listener rule {id} has more than 40 characters",
        fix="Write up to 40 characters.",
        sources=(f"{_API}: HttpHeaderConditionConfig, HttpHeaderName",),
    ),
    Constraint(
        "E9503",
        f"{_RULE} Conditions[]",
        "A condition of a field without regular expressions has RegexValues.",
        when=NotEmpty("RegexValues"),
        must=Is("Field", "http-header", "host-header", "path-pattern"),
        message="A condition of listener rule {id} has `RegexValues` for the field {Field}",
        fix="Remove `RegexValues`, or use `http-header`, `host-header` or `path-pattern`.",
        sources=(f"{_API}: RuleCondition, RegexValues",),
    ),
    Constraint(
        "E9504",
        f"{_RULE} Transforms[]",
        "A transform has no configuration of its type.",
        must=Either(
            All(Is("Type", "url-rewrite"), Present("UrlRewriteConfig")),
            All(Is("Type", "host-header-rewrite"), Present("HostHeaderRewriteConfig")),
            Not(Is("Type", "url-rewrite", "host-header-rewrite")),
        ),
        message="A transform of listener rule {id} has the type {Type}, but not its configuration",
        fix="Write `UrlRewriteConfig` for `url-rewrite`, `HostHeaderRewriteConfig` for "
        "`host-header-rewrite`.",
        sources=(f"{_API}: RuleTransform",),
    ),
    Constraint(
        "E9478",
        _in_actions("ForwardConfig"),
        "A forward action has more than five target groups.",
        must=Count("TargetGroups", 1, 5),
        message="A forward action of {id} has more than 5 target groups, or none",
        fix="Write 1 to 5 target groups.",
        sources=("Elastic Load Balancing user guide: Quotas for your Application Load Balancers",),
    ),
    Constraint(
        "E9479",
        _in_actions("ForwardConfig.TargetGroups[]"),
        "The weight of a target group is out of range.",
        must=Within("Weight", 0, 999),
        message="A target group of {id} has the weight {Weight}",
        fix="Write 0 to 999.",
        sources=(f"{_API}: TargetGroupTuple, Weight",),
    ),
    Constraint(
        "E9483",
        _LISTENER,
        "A listener of a Gateway Load Balancer has a protocol or a port.",
        when=Refers("LoadBalancerArn", _LB, Is("Type", "gateway")),
        must=All(Absent("Protocol"), Absent("Port")),
        message="Listener {id} belongs to a Gateway Load Balancer, which has no protocol and no "
        "port",
        fix="Remove `Protocol` and `Port`.",
        sources=(f"{_API}: CreateListener, Protocol, Port",),
    ),
)
