"""Routes through an Application Load Balancer: their params, conditions, actions and priorities."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from ipaddress import ip_network
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from troposphere import elasticloadbalancingv2 as elb

from moorage.model import Base, Path, Problem, shown, wrong
from templates.parts.containers import ListenerPort
from templates.parts.fields import Cidr, Different, Some, StackName, different, duration, text
from templates.parts.priorities import (
    band_and_others,
    free_priority,
    is_wild,
    priority,
    specificity,
)
from templates.parts.secrets import JsonSecretRef, dynamic_reference
from templates.parts.target_groups import CookieName, TargetSettings

# Patterns of rule conditions: Application Load Balancers user guide, "Condition types for listener
# rules", and the API reference, RuleCondition.
_PATH = re.compile(r"[A-Za-z0-9_.$/~\"'@:+&*?-]{1,128}")
_HOST = re.compile(r"(?=.{1,128}$)[A-Za-z0-9_*?.-]*\.[A-Za-z]+")


def _path(value: str) -> str:
    if not _PATH.fullmatch(value):
        hint = "Use letters, digits and _-.$/~\"'@:+& with the wildcards * and ?, 128 at most."
        raise wrong("M1107", f"{shown(value)} is not a path", hint)
    if value[0] not in "/*":
        raise wrong("M1107", f"No request has the path `{value}`", f"Write `/{value}`.")
    return value


def _host(value: str) -> str:
    if not _HOST.fullmatch(value):
        hint = "Write one like `shop.example.com` or `*.example.com`: letters after the last dot."
        raise wrong("M1107", f"{shown(value)} is not a host", hint)
    return value


def _header(name: str) -> str:
    """ELB API reference, HttpHeaderConditionConfig: a name of RFC 7230 without wildcards, 40
    characters at most. The host has a condition of its own."""
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'+.^_`|~-]{1,40}", name):
        hint = "Write one like `X-Api-Version`, without wildcards, 40 characters at most."
        raise wrong("M1107", f"{shown(name)} is not the name of a header", hint)
    if name.lower() == "host":
        raise wrong("M1107", "The host is no header to ask for", "Use `hosts:`.")
    return name


def _headers(value: dict[str, list[str]]) -> dict[str, list[str]]:
    names = [name.lower() for name in value]
    for name in value:
        if names.count(name.lower()) > 1:
            raise wrong("M1107", f"The header {shown(name)} stands twice", "Keep one of them.")
    return value


PathPattern = Annotated[str, AfterValidator(_path)]
Host = Annotated[str, AfterValidator(_host)]
HeaderName = Annotated[str, AfterValidator(_header)]
HeaderValue = Annotated[str, Field(min_length=1, max_length=128)]
HeaderValues = Annotated[Some[HeaderValue], Field(min_length=1), AfterValidator(different)]
Headers = Annotated[dict[HeaderName, HeaderValues], AfterValidator(_headers)]
Method: Any = text(r"[A-Z_-]{1,40}", "a method in capitals", "POST")
RouteName: Any = text(r"[a-z][a-z0-9-]{0,59}", "a name of lower-case letters and digits", "docs")
HttpsUrl = text(r"https://\S+", "an https address", "https://login.example.com/oauth2/token")


class Oidc(Base):
    """An identity provider that speaks OpenID Connect."""

    issuer: HttpsUrl = Field(description="The provider's issuer.")  # type: ignore[valid-type]
    authorization_endpoint: HttpsUrl = Field(description="Where users log in.")  # type: ignore[valid-type]
    token_endpoint: HttpsUrl = Field(description="Where codes become tokens.")  # type: ignore[valid-type]
    user_info_endpoint: HttpsUrl = Field(description="Where claims are read.")  # type: ignore[valid-type]
    client_id: str = Field(min_length=1, description="Id of the client at the provider.")
    client_secret: JsonSecretRef = Field(
        description="`secretsmanager:<name or ARN>:<json-key>`; CloudFormation reads it as it "
        "deploys."
    )


class Cognito(Base):
    """An Amazon Cognito user pool."""

    user_pool: text(  # type: ignore[valid-type]
        r"arn:aws[a-z-]*:cognito-idp:[a-z0-9-]+:\d{12}:userpool/\S+",
        "the ARN of a user pool",
        "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_AbCdEfGhI",
    ) = Field(description="ARN of the user pool.")
    client_id: str = Field(
        min_length=1, description="Id of the app client, which needs a client secret."
    )
    domain: str = Field(min_length=1, description="Domain of the user pool, or its prefix.")


class Authenticate(Base):
    """Who must log in before a request is passed on. Needs HTTPS."""

    oidc: Oidc | None = Field(None, description="An OpenID Connect provider.")
    cognito: Cognito | None = Field(None, description="A Cognito user pool.")
    scope: str = Field("openid", min_length=1, description="What is asked of the provider.")
    session_cookie: CookieName | None = Field(None, description="Name of the session's cookie.")
    session_timeout: duration(1, 604800) = Field(  # type: ignore[valid-type]
        604800, description="How long a session lasts."
    )
    on_unauthenticated_request: Literal["authenticate", "allow", "deny"] = Field(
        "authenticate", description="What becomes of a request without a session."
    )


class Redirect(Base):
    """Sends the client elsewhere. What is left out stays as in the request."""

    protocol: Literal["HTTP", "HTTPS"] | None = Field(None, description="Other protocol.")
    host: str | None = Field(None, min_length=1, max_length=128, description="Other host.")
    port: int | None = Field(
        None, ge=1, le=65535, description="Other port; with `protocol` 80 or 443, as is usual."
    )
    path: str | None = Field(
        None,
        min_length=1,
        max_length=128,
        description="Other path; `#{path}` stands for the request's.",
    )
    query: str | None = Field(
        None, max_length=128, description="Other query; `#{query}` for the request's."
    )
    status_code: Literal[301, 302] = Field(302, description="301 is remembered by clients.")


def _status(value: int) -> int:
    if value // 100 not in (2, 4, 5):
        hint = "Write 200 to 299 or 400 to 599; for 301 and 302 there is `redirect:`."
        raise wrong("M1105", f"{shown(value)} cannot be the status of an answer", hint)
    return value


Status = Annotated[int, AfterValidator(_status)]


class FixedResponse(Base):
    """Answers by itself."""

    status_code: Status = Field(503, description="Status, 2XX, 4XX or 5XX.")
    content_type: Literal[
        "text/plain", "text/css", "text/html", "application/javascript", "application/json"
    ] = Field("text/plain", description="Type of the body.")
    message_body: str | None = Field(None, max_length=1024, description="The body.")


class QueryString(Base):
    """A parameter of the query."""

    key: str | None = Field(
        None, min_length=1, max_length=128, description="Its name; left out: any."
    )
    value: str = Field(
        min_length=1, max_length=128, description="Its value, with wildcards * and ?."
    )


class Route(TargetSettings):
    """A listener rule: which requests, and what becomes of them.

    All kinds of conditions that are given must hold; of several values of one kind, one must.
    """

    via: StackName = Field(description="Stack of the load balancer.")
    name: RouteName | None = Field(
        None,
        description="Names the rule in the template. Needed where two routes lead to one port, "
        "and for `redirect` and `fixed_response`. It should not change: a new name is a new rule.",
    )
    container: str | None = Field(
        None, description="Container that takes the requests; the only one where there is one."
    )
    port: ListenerPort | None = Field(
        None,
        description="ALB: the container's port; the only one where there is one. NLB: the "
        "listener's port with its protocol: `443/tls`, `8443/tcp`, `1234/udp`, `53/tcp_udp`.",
    )
    hosts: Different[Host] = Field([], description="Host names, with wildcards * and ?.")
    paths: Different[PathPattern] = Field([], description="Paths, with wildcards * and ?.")
    headers: Headers = Field({}, description="Headers by name, with their values.")
    methods: Different[Method] = Field([], description="HTTP methods, such as `POST`.")
    query: Different[QueryString] = Field([], description="Parameters of the query.")
    source_ips: Different[Cidr] = Field([], description="Networks that requests come from.")
    priority: int | None = Field(
        None,
        ge=1,
        le=50000,
        description="Order among the listener's rules, lowest first. Left out, it is computed: "
        "the more specific route wins.",
    )
    authenticate: Authenticate | None = Field(None, description="Ask users to log in first.")
    redirect: Redirect | None = Field(None, description="Redirect instead of passing on.")
    fixed_response: FixedResponse | None = Field(None, description="Answer instead.")

    @cached_property
    def asked(self) -> Mapping[str, Sequence[str]]:
        """The values of each kind of condition, but for paths that all requests have: `/*`."""
        return {
            kind: values
            for kind, values in _given(self).items()
            if not (kind == "path-pattern" and {"*", "/*"} & set(values))
        }

    @cached_property
    def specific(self) -> tuple[int, int]:
        """What `specificity` says of it."""
        return band_and_others(self.asked)

    @property
    def forwards(self) -> bool:
        """Whether requests go to a container."""
        return self.redirect is None and self.fixed_response is None


TARGET_SETTINGS = tuple(TargetSettings.model_fields)


# What can be wrong ---------------------------------------------------------------------------

# Quotas of Application Load Balancers: "Condition values per rule" 5. For wildcards the user guide
# has said 5 and 6 in its time; 5 is safe.
MAX_VALUES = 5


def route_problems(route: Route, path: Path, *, https: bool | None) -> Iterator[Problem]:
    """What is wrong with a route by itself; `https` says how clients come, None where unknown."""
    yield from _condition_problems(route, path)
    yield from _action_problems(route, path, https)
    yield from _authenticate_problems(route, path)
    yield from _target_problems(route, path)
    if https is False:
        yield from _https_problems(route, path)
    if https and route.redirect and route.redirect.protocol == "HTTP":
        # ELB API reference, RedirectActionConfig: "You can't redirect HTTPS to HTTP."
        message = f"`{route.via}` speaks HTTPS, and cannot redirect to HTTP"
        hint = "Write `protocol: HTTPS`, or leave it out."
        yield Problem("M1214", (*path, "redirect", "protocol"), message, hint)


def _condition_problems(route: Route, path: Path) -> Iterator[Problem]:
    values = [value for group in _given(route).values() for value in group]
    wildcards = sum(value.count("*") + value.count("?") for value in values)
    if not values:
        hint = 'Add `paths: ["/*"]` for all of them.'
        yield Problem("M1108", path, "The route does not say which requests it takes", hint)
    if len(values) > MAX_VALUES or wildcards > MAX_VALUES:
        what = f"{len(values)} values" if len(values) > MAX_VALUES else f"{wildcards} wildcards"
        hint = f"A listener rule takes {MAX_VALUES}. Split it into two routes with a `name:` each."
        yield Problem("M1215", path, f"The route's conditions hold {what}", hint)


def _action_problems(route: Route, path: Path, https: bool | None) -> Iterator[Problem]:
    actions = [key for key in ("redirect", "fixed_response") if getattr(route, key)]
    if len(actions) > 1:
        yield Problem("M1108", path, "A route cannot redirect and answer", "Keep one of them.")
    if not actions:
        return
    target = ("container", "port", "authenticate", *TARGET_SETTINGS)
    for key in sorted(route.model_fields_set.intersection(target)):
        message = f"`{key}` has no meaning beside `{actions[0]}`"
        yield Problem("M1108", (*path, key), message, "Remove one of them.")
    if route.name is None:
        message = f"A route with `{actions[0]}` needs a name"
        hint = "Add `name:`; it becomes part of the logical ID and should not change."
        yield Problem("M1102", (*path, "name"), message, hint)
    if route.redirect:
        yield from _redirect_problems(route.redirect, (*path, "redirect"), https)


def _target_problems(route: Route, path: Path) -> Iterator[Problem]:
    check = route.health_check
    if check and check.timeout >= check.interval:
        hint = f"Raise the interval above {check.timeout}s, or lower the timeout."
        message = f"The timeout of {check.timeout}s is not below the interval of {check.interval}s"
        yield Problem("M1105", (*path, "health_check"), message, hint)
    if check and check.matcher:
        yield from _matcher_problems(check.matcher, route.protocol_version, path)
    if route.slow_start is not None and route.algorithm != "round_robin":
        # Application Load Balancers user guide, "Slow start mode".
        message = f"`slow_start` cannot be used with `{route.algorithm}`"
        yield Problem("M1108", (*path, "slow_start"), message, "Leave one of them out.")


def _matcher_problems(matcher: str, version: str, path: Path) -> Iterator[Problem]:
    """ELB API reference, Matcher: HTTP codes from 200 to 499, gRPC codes from 0 to 99."""
    low, high = (0, 99) if version == "GRPC" else (200, 499)
    for code in re.findall(r"\d+", matcher):
        if not low <= int(code) <= high:
            message = f"{code} is not a status that can mean healthy for {version}"
            hint = f"Write codes from {low} to {high}."
            at = (*path, "health_check", "matcher")
            yield Problem("M1105", at, message, hint, because=[(*path, "protocol_version")])


def _https_problems(route: Route, path: Path) -> Iterator[Problem]:
    hint = f"Give `{route.via}` a `certificate:`."
    if route.authenticate:
        message = "Users can log in over HTTPS only"
        yield Problem("M1214", (*path, "authenticate"), message, hint)
    if route.protocol_version != "HTTP1" and route.forwards:
        message = f"{route.protocol_version} needs a listener with HTTPS"
        yield Problem("M1214", (*path, "protocol_version"), message, hint)


# What may stand in the parts of a redirect: ELB API reference, RedirectActionConfig.
_REDIRECT_HOST = re.compile(r"(#\{host\}|[A-Za-z0-9.-])+")
_REDIRECT_PATH = re.compile(r"(#\{(host|path|port)\}|[^#?\s])*")
_REDIRECT_QUERY = re.compile(r"(#\{(protocol|host|port|path|query)\}|[^#\s])*")


def _redirect_problems(redirect: Redirect, path: Path, https: bool | None) -> Iterator[Problem]:
    if _leads_back(redirect, https):
        hint = "Say another host, port or path."
        if not https:
            hint = "Say at least one of protocol, host, port or path that is another."
        yield Problem("M1108", path, "The redirect leads back to itself, again and again", hint)
    if redirect.host is not None and not _REDIRECT_HOST.fullmatch(redirect.host):
        hint = "Write one like `www.example.com`, or with the request's: `www.#{host}`."
        yield Problem("M1107", (*path, "host"), f"{shown(redirect.host)} is not a host", hint)
    if redirect.path is not None and not redirect.path.startswith("/"):
        hint = f"Write `/{redirect.path}`."
        yield Problem("M1107", (*path, "path"), "The path does not begin with `/`", hint)
    elif redirect.path is not None and not _REDIRECT_PATH.fullmatch(redirect.path):
        hint = "Write one like `/new/#{path}`; `#{host}` and `#{port}` may stand in it too."
        yield Problem("M1107", (*path, "path"), f"{shown(redirect.path)} is not a path", hint)
    if redirect.query is not None and not _REDIRECT_QUERY.fullmatch(redirect.query):
        hint = "Use `#{query}`, `#{path}`, `#{host}`, `#{port}` or `#{protocol}`; no other `#`."
        yield Problem("M1107", (*path, "query"), f"{shown(redirect.query)} is not a query", hint)
    if redirect.query is not None and redirect.query.startswith("?"):
        hint = f"Write `{redirect.query[1:]}`: the load balancer adds it."
        yield Problem("M1107", (*path, "query"), "The query begins with a `?` of its own", hint)


def _leads_back(redirect: Redirect, https: bool | None) -> bool:
    """Whether nothing changes but the query, which ELB refuses: "not valid because it creates a
    loop". `https` says what the listener speaks, None where that is unknown."""
    same: dict[bool | None, tuple[str | None, int | None]] = {
        True: ("HTTPS", 443),
        False: ("HTTP", 80),
        None: (None, None),
    }
    protocol, port = same[https]
    return (
        redirect.protocol in (None, protocol)
        and redirect.port in (None, port)
        and redirect.host in (None, "#{host}")
        and redirect.path in (None, "/#{path}")
    )


def _authenticate_problems(route: Route, path: Path) -> Iterator[Problem]:
    login = route.authenticate
    if login and (login.oidc is None) == (login.cognito is None):
        hint = "Write either `oidc:` or `cognito:` below it."
        yield Problem("M1108", (*path, "authenticate"), "It names no provider, or two", hint)


def clash(
    one: Route, other: Route, numbers: tuple[int, int] | None = None, taken: Collection[int] = ()
) -> tuple[str, str] | None:
    """Why two routes of one listener cannot both stand, and what to do about it.

    `numbers` are their priorities, `taken` those of all routes of the listener.
    """
    hint = "Change one's conditions, or give one a `priority:` (the lowest is first)."
    if not _given(one) or not _given(other):
        return None  # which is a finding of its own
    if one.asked == other.asked:
        return "takes the same requests", "Change the conditions of one of them."
    if one.priority is None and other.priority is None and _as_specific(one, other):
        return "takes some of the same requests and is as specific", hint
    mine, its = numbers or (priority(one), priority(other))
    if mine == its:
        free = free_priority(one, {mine, *taken})
        what = f"Write `priority: {free}`, which is free and keeps the order, at the one of the two"
        hint = f"{what} that is not deployed yet." if free else hint
        return f"has the same priority, {mine},", hint
    return None


def may_clash(one: Route, other: Route) -> bool:
    """Whether it is worth a closer look: computed priorities of different bands never meet."""
    chosen = one.priority is not None or other.priority is not None
    return chosen or specificity(one) == specificity(other)


def _as_specific(one: Route, other: Route) -> bool:
    """Whether nothing but chance would say which of two routes takes a request."""
    return specificity(one) == specificity(other) and _overlap(one, other)


def _overlap(one: Route, other: Route) -> bool:
    """Whether a request can match both: every kind of condition that both have must allow it."""
    mine, theirs = one.asked, other.asked
    return all(
        any(_meet(kind, value, its) for value in mine[kind] for its in theirs[kind])
        for kind in mine.keys() & theirs.keys()
    )


def _meet(kind: str, one: str, other: str) -> bool:
    """Whether something matches two values of one kind of condition."""
    if kind == "source-ip":
        networks = ip_network(one), ip_network(other)
        return networks[0].version == networks[1].version and networks[0].overlaps(networks[1])
    if kind == "http-request-method":
        return one == other
    if kind == "query-string":
        one, other = (f"*{text}" if text.startswith("=") else text for text in (one, other))
    return _patterns_meet(one, other) if is_wild(one + other) else one == other


def hides(one: Route, other: Route) -> bool:
    """Whether one route takes all requests that are meant for a narrower one, where it is asked
    first. Only what is certain counts."""
    mine, theirs = one.asked, other.asked
    return mine != theirs and all(
        kind in theirs
        and all(any(_covers(kind, value, its) for value in values) for its in theirs[kind])
        for kind, values in mine.items()
    )


def _covers(kind: str, wide: str, narrow: str) -> bool:
    """Whether all that matches one value of a condition matches another one too."""
    if kind == "source-ip":
        outer, inner = ip_network(wide), ip_network(narrow)
        return (
            outer.version == inner.version
            and outer.prefixlen <= inner.prefixlen
            and outer.overlaps(inner)
        )
    if kind == "http-request-method":
        return wide == narrow
    wide = f"*{wide}" if kind == "query-string" and wide.startswith("=") else wide
    letters = {"*": ".*", "?": "[^*]"}
    pattern = "".join(letters.get(letter) or re.escape(letter) for letter in wide)
    return re.fullmatch(pattern, narrow, re.DOTALL) is not None


def _patterns_meet(one: str, other: str) -> bool:
    """Whether some text matches two patterns: the beginnings that can be alike, row by row."""
    row = [not other[:end].strip("*") for end in range(len(other) + 1)]
    for letter in one:
        following = [row[0] and letter == "*"]
        for at, its in enumerate(other):
            if "*" in (letter, its):
                following.append(row[at + 1] or following[at])
            else:
                following.append(row[at] and (letter == its or "?" in (letter, its)))
        row = following
    return row[-1]


def _given(route: Route) -> Mapping[str, Sequence[str]]:
    """The values of each kind of condition, sorted; in small letters where their case is nothing to
    a load balancer (ELB API reference, RuleCondition)."""
    headers = {f"http-header {key.lower()}": values for key, values in route.headers.items()}
    every: dict[str, Sequence[str]] = {
        "host-header": route.hosts,
        "path-pattern": route.paths,
        "http-request-method": route.methods,
        "query-string": [f"{one.key or ''}={one.value}" for one in route.query],
        "source-ip": route.source_ips,
        **headers,
    }
    exact = ("path-pattern", "http-request-method")
    return {
        kind: sorted({value if kind in exact else value.lower() for value in values})
        for kind, values in every.items()
        if values
    }


# What comes out ------------------------------------------------------------------------------


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
