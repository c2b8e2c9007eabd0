"""The params of a route through an Application Load Balancer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from moorage.facts.arn_patterns import arn_pattern
from moorage.facts.quotas import LISTENER_RULE_PRIORITIES, MAX_CONDITION_LENGTH
from moorage.findings.wording import shown
from moorage.model import Base, wrong

from ...common.fields import Cidr, StackName, UniqueList, duration, text
from ...common.references import External
from ...common.request_conditions import Headers, Host
from ...tasks.ports import ListenerPort
from ...tasks.secrets import JsonSecretRef
from .specificity import Conditions, compute_specificity
from .target_groups import CookieName, TargetGroupSettings

# The values of rule conditions: Application Load Balancers user guide, "Condition types for
# listener rules", and the API reference, RuleCondition.
_PATH = re.compile(rf"[A-Za-z0-9_.$/~\"'@:+&*?-]{{1,{MAX_CONDITION_LENGTH}}}")


def _validate_path(value: str) -> str:
    if not _PATH.fullmatch(value):
        hint = "Write at most 128 letters, digits, _-.$/~\"'@:+& and the wildcards * and ?."
        raise wrong("M2410", f"{shown(value)} is not a path pattern", hint)
    if value[0] not in "/*":
        raise wrong(
            "M2410", f"`{value}` matches no request: paths begin with `/`", f"Write `/{value}`."
        )
    return value


PathPattern = Annotated[str, AfterValidator(_validate_path)]
Method = Annotated[str, text(r"[A-Z_-]{1,40}", "an HTTP method in upper case", "POST")]
RouteName = Annotated[
    str, text(r"[a-z][a-z0-9-]{0,59}", "a name of lower-case letters and digits", "docs")
]
HttpsUrl = Annotated[
    str, text(r"https://\S+", "an HTTPS URL", "https://login.example.com/oauth2/token")
]


class Oidc(Base):
    """An identity provider with OpenID Connect."""

    issuer: HttpsUrl = Field(description="Issuer identifier of the provider.")
    authorization_endpoint: HttpsUrl = Field(
        description="Authorization endpoint, where users log in."
    )
    token_endpoint: HttpsUrl = Field(description="Token endpoint.")
    user_info_endpoint: HttpsUrl = Field(
        description="User info endpoint, which returns the claims."
    )
    client_id: str = Field(
        min_length=1, description="ID of the client that is registered with the provider."
    )
    client_secret: JsonSecretRef = Field(
        description="Secret of the client: `secretsmanager:<name or ARN>:<json-key>`. "
        "CloudFormation reads the value during the deployment."
    )


UserPoolArn = Annotated[
    str,
    text(
        arn_pattern("cognito-idp", "userpool/[A-Za-z0-9_-]+"),
        "the ARN of a user pool",
        "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_AbCdEfGhI",
    ),
]


class Cognito(Base):
    """An Amazon Cognito user pool."""

    user_pool: External[UserPoolArn] = Field(description="ARN of the user pool.")
    client_id: str = Field(
        min_length=1, description="ID of the app client, which must have a client secret."
    )
    domain: str = Field(
        min_length=1, description="Domain of the user pool, or the prefix of a Cognito domain."
    )


class Authenticate(Base):
    """Authentication of users before a request is forwarded. Needs HTTPS."""

    oidc: Oidc | None = Field(None, description="An OpenID Connect provider.")
    cognito: Cognito | None = Field(None, description="A Cognito user pool.")
    scope: str = Field(
        "openid", min_length=1, description="OAuth scope that is requested from the provider."
    )
    session_cookie: CookieName | None = Field(None, description="Name of the session cookie.")
    session_timeout: Annotated[int, duration(1, 604800)] = Field(
        604800, description="Duration of a session."
    )
    on_unauthenticated_request: Literal["authenticate", "allow", "deny"] = Field(
        "authenticate", description="Action for a request without a session."
    )


class Redirect(Base):
    """A redirect. Parts of the URL that are not set are those of the request."""

    protocol: Literal["HTTP", "HTTPS"] | None = Field(None, description="Protocol of the target.")
    host: str | None = Field(
        None,
        min_length=1,
        max_length=MAX_CONDITION_LENGTH,
        description="Host of the target; `#{host}` is the request's.",
    )
    port: int | None = Field(
        None, ge=1, le=65535, description="Port of the target. Default with `protocol`: 80 or 443."
    )
    path: str | None = Field(
        None,
        min_length=1,
        max_length=MAX_CONDITION_LENGTH,
        description="Path of the target; `#{path}` is the request's, without its leading `/`.",
    )
    query: str | None = Field(
        None,
        max_length=MAX_CONDITION_LENGTH,
        description="Query of the target, without `?`; `#{query}` is the request's.",
    )
    status_code: Literal[301, 302] = Field(
        302, description="301 (permanent, which clients cache) or 302."
    )


def _validate_status(value: int) -> int:
    if value // 100 not in (2, 4, 5):
        hint = "Write 200 to 299 or 400 to 599. For 301 and 302 use `redirect:`."
        raise wrong("M2405", f"{shown(value)} cannot be the status of a fixed response", hint)
    return value


Status = Annotated[int, AfterValidator(_validate_status)]


class FixedResponse(Base):
    """A fixed response of the load balancer."""

    status_code: Status = Field(503, description="HTTP status: 2XX, 4XX or 5XX.")
    content_type: Literal[
        "text/plain", "text/css", "text/html", "application/javascript", "application/json"
    ] = Field("text/plain", description="Content type of the body.")
    message_body: str | None = Field(None, max_length=1024, description="Body of the response.")


class QueryString(Base):
    """A parameter of the query string."""

    key: str | None = Field(
        None,
        min_length=1,
        max_length=MAX_CONDITION_LENGTH,
        description="Name of the parameter. Default: any.",
    )
    value: str = Field(
        min_length=1,
        max_length=MAX_CONDITION_LENGTH,
        description="Value of the parameter, with wildcards * and ?.",
    )


class Route(TargetGroupSettings):
    """A listener rule: conditions on the request and an action.

    A request must match a value of each kind of condition that is set.
    """

    via: StackName = Field(description="Stack of the load balancer.")
    name: RouteName | None = Field(
        None,
        description="Name of the rule, which is part of its logical ID. Required for two routes to "
        "the same port, and for `redirect` and `fixed_response`. Changing it replaces the rule.",
    )
    container: str | None = Field(
        None, description="Container that receives the requests. Default: the only container."
    )
    port: ListenerPort | None = Field(
        None,
        description="ALB: port of the container. Default: its only TCP port. NLB: port and "
        "protocol of the listener: `443/tls`, `8443/tcp`, `1234/udp`, `53/tcp_udp`.",
    )
    hosts: UniqueList[Host] = Field([], description="Host names, with wildcards * and ?.")
    paths: UniqueList[PathPattern] = Field([], description="Paths, with wildcards * and ?.")
    headers: Headers = Field({}, description="Headers by name, with their values.")
    methods: UniqueList[Method] = Field(
        [], description="HTTP methods in upper case, such as `POST`."
    )
    query: UniqueList[QueryString] = Field([], description="Parameters of the query string.")
    source_ips: UniqueList[Cidr] = Field([], description="CIDR blocks of the clients.")
    priority: int | None = Field(
        None,
        ge=LISTENER_RULE_PRIORITIES[0],
        le=LISTENER_RULE_PRIORITIES[1],
        description="Priority of the rule; the lowest is evaluated first. Default: computed, so "
        "that a more specific route precedes a less specific one.",
    )
    authenticate: Authenticate | None = Field(None, description="Authenticate users first.")
    redirect: Redirect | None = Field(
        None, description="Redirect requests instead of forwarding them."
    )
    fixed_response: FixedResponse | None = Field(
        None, description="Return a fixed response instead of forwarding requests."
    )

    @cached_property
    def conditions(self) -> Conditions:
        """The conditions with their values sorted, in lower case if the load balancer ignores case
        (ELB API reference, RuleCondition)."""
        headers = {f"http-header {name.lower()}": values for name, values in self.headers.items()}
        conditions: dict[str, Sequence[str]] = {
            "host-header": self.hosts,
            "path-pattern": self.paths,
            "http-request-method": self.methods,
            "query-string": [f"{pair.key or ''}={pair.value}" for pair in self.query],
            "source-ip": self.source_ips,
            **headers,
        }
        case_sensitive = ("path-pattern", "http-request-method")
        return {
            kind: sorted({value if kind in case_sensitive else value.lower() for value in values})
            for kind, values in conditions.items()
            if values
        }

    @cached_property
    def effective_conditions(self) -> Conditions:
        """The conditions without paths that every request matches, such as `/*`."""
        return {
            kind: values
            for kind, values in self.conditions.items()
            if not (kind == "path-pattern" and {"*", "/*"} & set(values))
        }

    @cached_property
    def specificity(self) -> tuple[int, int]:
        """The specificity of the conditions, as `compute_specificity` returns it."""
        return compute_specificity(self.effective_conditions)

    @property
    def forwards(self) -> bool:
        """Whether requests are forwarded to a container."""
        return self.redirect is None and self.fixed_response is None


TARGET_GROUP_KEYS = tuple(TargetGroupSettings.model_fields)
