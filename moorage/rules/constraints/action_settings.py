"""Constraints of the settings of actions: order, logins, tokens, redirects and weights."""

from __future__ import annotations

from moorage.facts.load_balancing import NLB_PROTOCOLS
from moorage.rules.constraints.combinations import (
    All,
    AtMostOne,
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
    IsTrue,
    Length,
    Matches,
    Predicate,
    Present,
    StartsWith,
    Within,
)

_LISTENER = "AWS::ElasticLoadBalancingV2::Listener"
_RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"
_GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"
_POOL = "AWS::Cognito::UserPool"
_CLIENT = "AWS::Cognito::UserPoolClient"
_API = "Elastic Load Balancing API reference, version 2015-12-01"
_ALB = "Elastic Load Balancing user guide, Application Load Balancers"
_NLB = "Elastic Load Balancing user guide, Network Load Balancers"
_REPRODUCED = "AWS's error message, reproduced by cdk-preflight"
_MAX_SESSION = 604800
"""Seconds of a login and of the stickiness between target groups: seven days."""
_CONFIGURATIONS = {
    "RedirectConfig": "redirect",
    "FixedResponseConfig": "fixed-response",
    "AuthenticateOidcConfig": "authenticate-oidc",
    "AuthenticateCognitoConfig": "authenticate-cognito",
    "JwtValidationConfig": "jwt-validation",
    "ForwardConfig": "forward",
    "TargetGroupArn": "forward",
}
"""The properties of an action, and the type that each is for."""


def _in_actions(part: str = "") -> tuple[str, str]:
    """A part of each action of listeners and listener rules."""
    suffix = f".{part}" if part else ""
    return f"{_LISTENER} DefaultActions[]{suffix}", f"{_RULE} Actions[]{suffix}"


def _has_protocol(*protocols: str) -> Either:
    """The listener, or the listener of the rule, has one of these protocols."""
    return Either(
        Is("/Protocol", *protocols), Refers("/ListenerArn", _LISTENER, Is("Protocol", *protocols))
    )


def _forwards_to(predicate: Predicate) -> Either:
    """The action forwards to a target group for which a statement holds."""
    return Either(
        Refers("TargetGroupArn", _GROUP, predicate),
        Some("ForwardConfig.TargetGroups", Refers("TargetGroupArn", _GROUP, predicate)),
    )


def _has_group(predicate: Predicate) -> Some:
    """One of several target groups of `ForwardConfig` has a property."""
    return Some("TargetGroups", Refers("TargetGroupArn", _GROUP, predicate))


CONSTRAINTS = (
    *(
        Constraint(
            "E9517" if owner == _LISTENER else "E9522",
            owner,
            f"One of several actions of a {name} has no order.",
            when=Not(Count(key, 0, 1)),
            must=Each(key, Present("Order")),
            message=f"The {name} {{id}} has several actions, and one of them has no `Order`",
            fix="Write `Order` of each action, the highest one for the routing action.",
            sources=(f"{_API}: Action, Order",),
        )
        for owner, name, key in (
            (_LISTENER, "listener", "DefaultActions"),
            (_RULE, "listener rule", "Actions"),
        )
    ),
    Constraint(
        "E9518",
        _in_actions(),
        "An action has the configuration of another type.",
        when=Either(
            *(All(Is("Type", kind), Present(key)) for key, kind in _CONFIGURATIONS.items())
        ),
        must=All(*(Either(Is("Type", kind), Absent(key)) for key, kind in _CONFIGURATIONS.items())),
        message="An action of {id} has the type {Type}, and the configuration of another type",
        fix="Remove the other configuration.",
        sources=(f"{_API}: Action", _REPRODUCED),
    ),
    Constraint(
        "E9521",
        _in_actions("JwtValidationConfig"),
        "A JWT validation has an endpoint without HTTPS, or too many claims or values.",
        must=All(
            StartsWith("JwksEndpoint", ("https://",)),
            Length("JwksEndpoint", 1, 256),
            Length("Issuer", 1, 256),
            Count("AdditionalClaims", 0, 10),
            Each("AdditionalClaims", Count("Values", 1, 10)),
            Each("AdditionalClaims[].Values", Length("", 1, 256)),
        ),
        message=(
            "The JWT validation of {id} has the `JwksEndpoint` {actual}, without `https://`",
            *("The JWT validation of {id} has a {key} of more than 256 characters",) * 2,
            "The JWT validation of {id} has more than 10 claims",
            "The JWT validation of {id} has a claim that does not have 1 to 10 values",
            "The JWT validation of {id} has a value of a claim with more than 256 characters",
        ),
        fix="Write `JwksEndpoint` with `https://`, up to 10 claims with up to 10 values each, and "
        "up to 256 characters in each text.",
        sources=(
            f"{_API}: JwtValidationActionConfig",
            f"{_API}: JwtValidationActionAdditionalClaim",
        ),
    ),
    Constraint(
        "E9523",
        (*_in_actions("AuthenticateOidcConfig"), *_in_actions("AuthenticateCognitoConfig")),
        "The timeout of a login is out of range.",
        must=Within("SessionTimeout", 1, _MAX_SESSION),
        message="An authentication action of {id} has a `SessionTimeout` of {SessionTimeout}",
        fix=f"Write seconds, from 1 to {_MAX_SESSION}.",
        sources=(f"{_API}: AuthenticateOidcActionConfig, SessionTimeout", _REPRODUCED),
    ),
    Constraint(
        "E9524",
        _in_actions("AuthenticateCognitoConfig"),
        "The user pool of a login is not given by its ARN, or its domain not by its name.",
        must=All(
            Not(IsReference("UserPoolArn", _POOL, "Ref")),
            Matches("UserPoolArn", r"arn:[^:]+:cognito-idp:.+"),
            Not(StartsWith("UserPoolDomain", ("http://", "https://"))),
        ),
        message=(
            "The `UserPoolArn` in a Cognito action of {id} is the ID of the user pool",
            "The `UserPoolArn` in a Cognito action of {id} is {actual}, which is not an ARN",
            "The `UserPoolDomain` in a Cognito action of {id} is the URL {actual}",
        ),
        fix="Write `!GetAtt <user pool>.Arn`, and the prefix of the domain or its name without "
        "`https://`.",
        sources=(f"{_API}: AuthenticateCognitoActionConfig",),
    ),
    Constraint(
        "E9525",
        _in_actions("AuthenticateCognitoConfig"),
        "The app client of a login does not support the flow of a load balancer.",
        must=All(
            Refers(
                "UserPoolClientId",
                _CLIENT,
                IsTrue("AllowedOAuthFlowsUserPoolClient"),
            ),
            Refers("UserPoolClientId", _CLIENT, Some("AllowedOAuthFlows", Is("", "code"))),
            Refers(
                "UserPoolClientId",
                _CLIENT,
                Some("CallbackURLs", Matches("", r"https://[^/]+/oauth2/idpresponse")),
            ),
        ),
        message=(
            "The Cognito app client of {id} has no `AllowedOAuthFlowsUserPoolClient: true`",
            "The Cognito app client of {id} does not allow the OAuth flow `code`",
            "The Cognito app client of {id} lacks the callback URL of the load balancer",
        ),
        fix="Write `AllowedOAuthFlows: [code]`, `AllowedOAuthFlowsUserPoolClient: true` and "
        "`CallbackURLs: [https://<host name>/oauth2/idpresponse]`.",
        why="Cognito answers every login with an error.",
        sources=(f"{_ALB}: Authenticate users, Prepare to use Amazon Cognito",),
    ),
    Constraint(
        "E9526",
        _in_actions("RedirectConfig"),
        "A redirect has an invalid path or port.",
        must=All(
            StartsWith("Path", ("/",)),
            Either(
                Absent("Port"),
                Is("Port", "#{port}"),
                All(Matches("Port", "[0-9]+"), Within("Port", 1, 65535)),
            ),
        ),
        message="The redirect of {id} has the {key} {actual}, which is not valid",
        fix="Write an absolute path such as `/#{path}`, and a port from 1 to 65535 or `#{port}`.",
        sources=(f"{_API}: RedirectActionConfig, Path, Port",),
    ),
    Constraint(
        "W9527",
        _in_actions("RedirectConfig"),
        "The query string of a redirect begins with a question mark.",
        must=Not(StartsWith("Query", ("?",))),
        message="The `Query` of the redirect of {id} begins with `?`, which the load balancer adds",
        fix="Write the query string without `?`.",
        sources=(f"{_API}: RedirectActionConfig, Query",),
    ),
    Constraint(
        "E9528",
        _in_actions("ForwardConfig"),
        "One of several target groups has no weight.",
        when=Not(Count("TargetGroups", 0, 1)),
        must=Each("TargetGroups", Present("Weight")),
        message="{id} forwards to several target groups, and one of them has no `Weight`",
        error_messages=("The weight for each target group must be between 0 and 999",),
        fix="Write `Weight` of each target group, from 0 to 999.",
        sources=("aws/aws-cdk#24805", f"{_ALB}: Listeners, Forward actions"),
    ),
    Constraint(
        "E9529",
        _in_actions("ForwardConfig.TargetGroupStickinessConfig"),
        "The duration of the stickiness between target groups is out of range.",
        must=Within("DurationSeconds", 1, _MAX_SESSION),
        message="The target group stickiness of {id} lasts {DurationSeconds} seconds",
        fix=f"Write seconds, from 1 to {_MAX_SESSION}.",
        sources=(f"{_API}: TargetGroupStickinessConfig, DurationSeconds",),
    ),
    Constraint(
        "E9578",
        _in_actions("ForwardConfig"),
        "A TLS listener has stickiness between target groups.",
        when=_has_protocol("TLS"),
        must=Not(IsTrue("TargetGroupStickinessConfig.Enabled")),
        message="TLS listener {id} has stickiness between target groups",
        fix="Remove `TargetGroupStickinessConfig`.",
        sources=(f"{_NLB}: Listeners", _REPRODUCED),
    ),
    Constraint(
        "E9583",
        _in_actions("ForwardConfig"),
        "A forward action has target groups with different protocols or address types.",
        when=_has_protocol(*NLB_PROTOCOLS),
        must=All(
            AtMostOne(
                _has_group(Is("Protocol", "TCP")),
                _has_group(Is("Protocol", "TLS")),
                _has_group(Is("Protocol", "UDP")),
                _has_group(Is("Protocol", "TCP_UDP")),
            ),
            AtMostOne(
                _has_group(Is("IpAddressType", "ipv4", default="ipv4")),
                _has_group(Is("IpAddressType", "ipv6")),
            ),
        ),
        message=(
            "{id} forwards to target groups with different protocols",
            "{id} forwards to target groups with different address types",
        ),
        fix="Write the same `Protocol` and `IpAddressType` of all target groups of the action.",
        sources=(f"{_NLB}: Listeners", _REPRODUCED),
    ),
    Constraint(
        "E9584",
        _in_actions(),
        "A TLS listener forwards to an Application Load Balancer.",
        when=_has_protocol("TLS"),
        must=Not(_forwards_to(Is("TargetType", "alb"))),
        message="{id} forwards to an Application Load Balancer from a TLS listener",
        fix="Write `Protocol: TCP` of the listener.",
        sources=(f"{_NLB}: Use an Application Load Balancer as a target",),
    ),
    Constraint(
        "E9574",
        _in_actions(),
        "A listener of a Network Load Balancer forwards to a Lambda function.",
        when=_has_protocol(*NLB_PROTOCOLS),
        must=Not(_forwards_to(Is("TargetType", "lambda"))),
        message="{id} belongs to a Network Load Balancer, and forwards to a Lambda function",
        fix="Use an Application Load Balancer.",
        sources=(f"{_NLB}: Target groups, Target type",),
    ),
)
