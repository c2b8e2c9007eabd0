"""The conditions and actions of the listener rule of a route."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from troposphere import elasticloadbalancingv2 as elb

from ...tasks.secrets import dynamic_reference
from .routes import Authenticate, QueryString, Redirect, Route


def conditions(route: Route) -> list[elb.Condition]:
    """The rule's conditions, in a fixed order."""
    configs = {
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
        for field, (key, config, values) in configs.items()
        if values
    ]
    result += [
        elb.Condition(
            Field="http-header",
            HttpHeaderConfig=elb.HttpHeaderConfig(HttpHeaderName=name, Values=sorted(values)),
        )
        for name, values in sorted(route.headers.items())
    ]
    pairs = sorted(route.query, key=lambda pair: (pair.key or "", pair.value))
    if pairs:
        result.append(
            elb.Condition(
                Field="query-string",
                QueryStringConfig=elb.QueryStringConfig(
                    Values=[_key_value(pair) for pair in pairs]
                ),
            )
        )
    return result


def _key_value(pair: QueryString) -> elb.QueryStringKeyValue:
    key = {"Key": pair.key} if pair.key is not None else {}
    return elb.QueryStringKeyValue(Value=pair.value, **key)


def actions(route: Route, forward: Mapping[str, Any]) -> list[elb.ListenerRuleAction]:
    """The rule's actions: authentication, if the route has it, then a redirect, a fixed response or
    a forward. `forward` has the properties of the forward action that name target groups."""
    final = _final_action(route, forward, order=2 if route.authenticate else None)
    if route.authenticate is None:
        return [final]
    return [_authenticate_action(route.authenticate), final]


def _final_action(
    route: Route, forward: Mapping[str, Any], order: int | None
) -> elb.ListenerRuleAction:
    optional = {"Order": order} if order else {}
    if route.redirect:
        return elb.ListenerRuleAction(
            Type="redirect", RedirectConfig=_redirect_config(route.redirect), **optional
        )
    if route.fixed_response:
        response = route.fixed_response
        body = {"MessageBody": response.message_body} if response.message_body else {}
        config = elb.FixedResponseConfig(
            StatusCode=str(response.status_code), ContentType=response.content_type, **body
        )
        return elb.ListenerRuleAction(Type="fixed-response", FixedResponseConfig=config, **optional)
    return elb.ListenerRuleAction(Type="forward", **forward, **optional)


def _redirect_config(redirect: Redirect) -> elb.RedirectConfig:
    """A protocol without a port gets its default port, because ELB would keep that of the
    request."""
    default_port = {"HTTP": 80, "HTTPS": 443, None: None}[redirect.protocol]
    port = redirect.port or default_port
    properties = {
        "Protocol": redirect.protocol,
        "Host": redirect.host,
        "Port": str(port) if port else None,
        "Path": redirect.path,
        "Query": redirect.query,
    }
    return elb.RedirectConfig(
        StatusCode=f"HTTP_{redirect.status_code}",
        **{key: value for key, value in properties.items() if value is not None},
    )


def _authenticate_action(authenticate: Authenticate) -> elb.ListenerRuleAction:
    shared = {
        "Scope": authenticate.scope,
        "SessionTimeout": authenticate.session_timeout,
        "OnUnauthenticatedRequest": authenticate.on_unauthenticated_request,
        **(
            {"SessionCookieName": authenticate.session_cookie}
            if authenticate.session_cookie
            else {}
        ),
    }
    if authenticate.cognito:
        config = elb.AuthenticateCognitoConfig(
            UserPoolArn=authenticate.cognito.user_pool,
            UserPoolClientId=authenticate.cognito.client_id,
            UserPoolDomain=authenticate.cognito.domain,
            **shared,
        )
        return elb.ListenerRuleAction(
            Type="authenticate-cognito", Order=1, AuthenticateCognitoConfig=config
        )
    assert authenticate.oidc is not None
    return elb.ListenerRuleAction(
        Type="authenticate-oidc",
        Order=1,
        AuthenticateOidcConfig=elb.ListenerRuleAuthenticateOidcConfig(
            Issuer=authenticate.oidc.issuer,
            AuthorizationEndpoint=authenticate.oidc.authorization_endpoint,
            TokenEndpoint=authenticate.oidc.token_endpoint,
            UserInfoEndpoint=authenticate.oidc.user_info_endpoint,
            ClientId=authenticate.oidc.client_id,
            ClientSecret=dynamic_reference(authenticate.oidc.client_secret),
            **shared,
        ),
    )
