"""Routes through an Application Load Balancer: their params."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from moorage.findings.wording import shown
from moorage.model import Base, wrong

from ...common.fields import Cidr, Some, StackName, UniqueList, duration, text, unique
from ...tasks.containers import ListenerPort
from ...tasks.secrets import JsonSecretRef
from .priorities import band_and_others
from .target_groups import CookieName, TargetSettings

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
HeaderValues = Annotated[Some[HeaderValue], Field(min_length=1), AfterValidator(unique)]
Headers = Annotated[dict[HeaderName, HeaderValues], AfterValidator(_headers)]
Method = Annotated[str, text(r"[A-Z_-]{1,40}", "a method in capitals", "POST")]
RouteName = Annotated[
    str, text(r"[a-z][a-z0-9-]{0,59}", "a name of lower-case letters and digits", "docs")
]
HttpsUrl = Annotated[
    str, text(r"https://\S+", "an https address", "https://login.example.com/oauth2/token")
]


class Oidc(Base):
    """An identity provider that speaks OpenID Connect."""

    issuer: HttpsUrl = Field(description="The provider's issuer.")
    authorization_endpoint: HttpsUrl = Field(description="Where users log in.")
    token_endpoint: HttpsUrl = Field(description="Where codes become tokens.")
    user_info_endpoint: HttpsUrl = Field(description="Where claims are read.")
    client_id: str = Field(min_length=1, description="Id of the client at the provider.")
    client_secret: JsonSecretRef = Field(
        description="`secretsmanager:<name or ARN>:<json-key>`; CloudFormation reads it as it "
        "deploys."
    )


class Cognito(Base):
    """An Amazon Cognito user pool."""

    user_pool: Annotated[
        str,
        text(
            r"arn:aws[a-z-]*:cognito-idp:[a-z0-9-]+:\d{12}:userpool/\S+",
            "the ARN of a user pool",
            "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_AbCdEfGhI",
        ),
    ] = Field(description="ARN of the user pool.")
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
    session_timeout: Annotated[int, duration(1, 604800)] = Field(
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
    hosts: UniqueList[Host] = Field([], description="Host names, with wildcards * and ?.")
    paths: UniqueList[PathPattern] = Field([], description="Paths, with wildcards * and ?.")
    headers: Headers = Field({}, description="Headers by name, with their values.")
    methods: UniqueList[Method] = Field([], description="HTTP methods, such as `POST`.")
    query: UniqueList[QueryString] = Field([], description="Parameters of the query.")
    source_ips: UniqueList[Cidr] = Field([], description="Networks that requests come from.")
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
            for kind, values in given(self).items()
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


def given(route: Route) -> Mapping[str, Sequence[str]]:
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
