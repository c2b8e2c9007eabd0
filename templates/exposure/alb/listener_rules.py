"""Conditions and actions of a listener rule, which is what a route becomes."""

from __future__ import annotations

from typing import Any

from troposphere import elasticloadbalancingv2 as elb

from ...tasks.secrets import dynamic_reference
from .routes import Authenticate, QueryString, Redirect, Route


def conditions(route: Route) -> list[elb.Condition]:
    """The rule's conditions, kinds in a fixed order."""
    plain = {
        "host-header": ("HostHeaderConfig", elb.HostHeaderConfig, route.hosts),
        "path-pattern": ("PathPatternConfig", elb.PathPatternConfig, route.paths),
        "http-request-method": (
            "HttpRequestMethodConfig",
            elb.HttpRequestMethodConfig,
            route.methods,
        ),
        "source-ip": ("SourceIpConfig", elb.SourceIpConfig, route.source_ips),
    }
    result = [
        elb.Condition(Field=field, **{key: config(Values=sorted(values))})
        for field, (key, config, values) in plain.items()
        if values
    ]
    result += [
        elb.Condition(
            Field="http-header",
            HttpHeaderConfig=elb.HttpHeaderConfig(HttpHeaderName=name, Values=sorted(values)),
        )
        for name, values in sorted(route.headers.items())
    ]
    pairs = sorted(route.query, key=lambda one: (one.key or "", one.value))
    if pairs:
        result.append(
            elb.Condition(
                Field="query-string",
                QueryStringConfig=elb.QueryStringConfig(Values=[_pair(one) for one in pairs]),
            )
        )
    return result


def _pair(one: QueryString) -> elb.QueryStringKeyValue:
    key = {"Key": one.key} if one.key is not None else {}
    return elb.QueryStringKeyValue(Value=one.value, **key)


def actions(route: Route, target_group: Any) -> list[elb.ListenerRuleAction]:
    """The rule's actions: log in first, where that is asked, then one that ends it."""
    last = _last_action(route, target_group, order=2 if route.authenticate else None)
    return [_login(route.authenticate), last] if route.authenticate else [last]


def _last_action(route: Route, target_group: Any, order: int | None) -> elb.ListenerRuleAction:
    at = {"Order": order} if order else {}
    if route.redirect:
        return elb.ListenerRuleAction(
            Type="redirect", RedirectConfig=_redirect_config(route.redirect), **at
        )
    if route.fixed_response:
        answer = route.fixed_response
        body = {"MessageBody": answer.message_body} if answer.message_body else {}
        config = elb.FixedResponseConfig(
            StatusCode=str(answer.status_code), ContentType=answer.content_type, **body
        )
        return elb.ListenerRuleAction(Type="fixed-response", FixedResponseConfig=config, **at)
    return elb.ListenerRuleAction(Type="forward", TargetGroupArn=target_group, **at)


def _redirect_config(redirect: Redirect) -> elb.RedirectConfig:
    """With a protocol goes its port, for ELB would keep the one that the request came to."""
    usual = {"HTTP": 80, "HTTPS": 443, None: None}[redirect.protocol]
    port = redirect.port or usual
    given = {
        "Protocol": redirect.protocol,
        "Host": redirect.host,
        "Port": str(port) if port else None,
        "Path": redirect.path,
        "Query": redirect.query,
    }
    return elb.RedirectConfig(
        StatusCode=f"HTTP_{redirect.status_code}",
        **{key: value for key, value in given.items() if value is not None},
    )


def _login(login: Authenticate) -> elb.ListenerRuleAction:
    shared = {
        "Scope": login.scope,
        "SessionTimeout": login.session_timeout,
        "OnUnauthenticatedRequest": login.on_unauthenticated_request,
        **({"SessionCookieName": login.session_cookie} if login.session_cookie else {}),
    }
    if login.cognito:
        config = elb.AuthenticateCognitoConfig(
            UserPoolArn=login.cognito.user_pool,
            UserPoolClientId=login.cognito.client_id,
            UserPoolDomain=login.cognito.domain,
            **shared,
        )
        return elb.ListenerRuleAction(
            Type="authenticate-cognito", Order=1, AuthenticateCognitoConfig=config
        )
    assert login.oidc is not None
    return elb.ListenerRuleAction(
        Type="authenticate-oidc",
        Order=1,
        AuthenticateOidcConfig=elb.ListenerRuleAuthenticateOidcConfig(
            Issuer=login.oidc.issuer,
            AuthorizationEndpoint=login.oidc.authorization_endpoint,
            TokenEndpoint=login.oidc.token_endpoint,
            UserInfoEndpoint=login.oidc.user_info_endpoint,
            ClientId=login.oidc.client_id,
            ClientSecret=dynamic_reference(login.oidc.client_secret),
            **shared,
        ),
    )
