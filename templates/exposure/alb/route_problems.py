"""Problems of a route that do not depend on other routes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from moorage.facts.load_balancing import (
    ALB_MATCHER_CODES,
    ALGORITHM_WITHOUT_STICKINESS,
    ALGORITHMS_WITHOUT_SLOW_START,
    GRPC_MATCHER_CODES,
)
from moorage.facts.quotas import MAX_VALUES_PER_LISTENER_RULE, MAX_WILDCARDS_PER_LISTENER_RULE
from moorage.facts.status_codes import GRPC_SERVER_FAILURES
from moorage.findings.finding import Path, Problem
from moorage.findings.wording import shown

from .routes import TARGET_GROUP_KEYS, Redirect, Route
from .target_groups import parse_matcher


def route_problems(route: Route, path: Path, *, https: bool | None) -> Iterator[Problem]:
    """Problems of a route; `https` is whether its listener has HTTPS, None if that is unknown."""
    yield from _condition_problems(route, path)
    yield from _action_problems(route, path, https)
    yield from _authenticate_problems(route, path)
    yield from _target_problems(route, path)
    yield from _algorithm_problems(route, path)
    if https is False:
        yield from _https_problems(route, path)
    if https and route.redirect and route.redirect.protocol == "HTTP":
        # ELB API reference, RedirectActionConfig: "You can't redirect HTTPS to HTTP."
        message = f"`{route.via}` has an HTTPS listener, which cannot redirect to HTTP"
        hint = "Write `protocol: HTTPS`, or remove `protocol:`."
        yield Problem("M2404", (*path, "redirect", "protocol"), message, hint)


def _condition_problems(route: Route, path: Path) -> Iterator[Problem]:
    values = [value for group in route.conditions.values() for value in group]
    wildcards = sum(value.count("*") + value.count("?") for value in values)
    if not values:
        hint = (
            "Add a condition, such as `hosts: [shop.example.com]` or `paths: [/api/*]`. "
            'All requests match `paths: ["/*"]`.'
        )
        yield Problem("M2400", path, "The route has no condition", hint)
    limit, wildcard_limit = MAX_VALUES_PER_LISTENER_RULE, MAX_WILDCARDS_PER_LISTENER_RULE[0]
    if len(values) > limit or wildcards > wildcard_limit:
        excess = f"{len(values)} values" if len(values) > limit else f"{wildcards} wildcards"
        message = f"The conditions have {excess}, and a listener rule allows {limit}"
        yield Problem("M1215", path, message, "Write two routes, each with a `name:`.")


def _action_problems(route: Route, path: Path, https: bool | None) -> Iterator[Problem]:
    actions = [key for key in ("redirect", "fixed_response") if getattr(route, key)]
    if len(actions) > 1:
        message = "The route has `redirect:` and `fixed_response:`, which exclude each other"
        yield Problem("M2401", path, message, "Keep one of them.")
    if not actions:
        return
    forward_keys = ("container", "port", "authenticate", *TARGET_GROUP_KEYS)
    for key in sorted(route.model_fields_set.intersection(forward_keys)):
        message = f"`{key}` cannot be combined with `{actions[0]}`, which forwards no request"
        hint = f"Remove `{key}:` or `{actions[0]}:`."
        yield Problem("M2402", (*path, key), message, hint)
    if route.name is None:
        message = f"A route with `{actions[0]}` needs a name"
        hint = "Add `name:`. It is part of the logical ID, and changing it replaces the rule."
        yield Problem("M1102", (*path, "name"), message, hint)
    if route.redirect:
        yield from _redirect_problems(route.redirect, (*path, "redirect"), https)


def _target_problems(route: Route, path: Path) -> Iterator[Problem]:
    check = route.health_check
    if check and check.timeout >= check.interval:
        hint = f"Write an `interval` above {check.timeout}s, or a shorter `timeout`."
        message = (
            f"The timeout of {check.timeout}s is not shorter than the interval of {check.interval}s"
        )
        yield Problem("M2420", (*path, "health_check"), message, hint)
    if check and check.matcher:
        yield from _matcher_problems(check.matcher, route.protocol_version, path)
    if route.slow_start is not None and route.algorithm in ALGORITHMS_WITHOUT_SLOW_START:
        message = f"`slow_start` cannot be combined with the algorithm `{route.algorithm}`"
        hint = "Remove `slow_start:`, or write `algorithm: round_robin`."
        yield Problem("M2422", (*path, "slow_start"), message, hint)


def _algorithm_problems(route: Route, path: Path) -> Iterator[Problem]:
    if route.stickiness and route.algorithm == ALGORITHM_WITHOUT_STICKINESS:
        message = f"`stickiness` cannot be combined with the algorithm `{route.algorithm}`"
        hint = "Remove `stickiness:`, or write `algorithm: round_robin`."
        yield Problem("M2425", (*path, "stickiness"), message, hint)


def _matcher_problems(matcher: str, version: str, path: Path) -> Iterator[Problem]:
    matcher_path = (*path, "health_check", "matcher")
    if version == "GRPC" and (failures := parse_matcher(matcher) & GRPC_SERVER_FAILURES.keys()):
        names = ", ".join(GRPC_SERVER_FAILURES[code] for code in sorted(failures)[:3])
        message = f"A task that answers with an error is healthy: {matcher} includes {names}"
        hint = 'Write `matcher: "0"`, or the codes that the service answers when it works.'
        yield Problem("M2424", matcher_path, message, hint, level="warning")
    low, high = GRPC_MATCHER_CODES if version == "GRPC" else ALB_MATCHER_CODES
    for code in re.findall(r"[0-9]+", matcher):
        if not low <= int(code) <= high:
            message = f"{code} is out of the range of status codes for {version}"
            hint = f"Write codes from {low} to {high}."
            because = [(*path, "protocol_version")]
            yield Problem("M2421", matcher_path, message, hint, because=because)


def _https_problems(route: Route, path: Path) -> Iterator[Problem]:
    hint = f"Add `certificate:` to `{route.via}`, or if it has `existing:`, use an HTTPS listener."
    if route.authenticate:
        message = f"`authenticate` needs an HTTPS listener, and `{route.via}` has none"
        yield Problem("M2310", (*path, "authenticate"), message, hint)
    if route.protocol_version != "HTTP1" and route.forwards:
        message = f"{route.protocol_version} needs an HTTPS listener, and `{route.via}` has none"
        yield Problem("M2310", (*path, "protocol_version"), message, hint)


# The syntax of the parts of a redirect: ELB API reference, RedirectActionConfig.
_REDIRECT_HOST = re.compile(r"(#\{host\}|[A-Za-z0-9.-])+")
_REDIRECT_PATH = re.compile(r"(#\{(host|path|port)\}|[^#?\s])*")
_REDIRECT_QUERY = re.compile(r"(#\{(protocol|host|port|path|query)\}|[^#\s])*")


def _redirect_problems(redirect: Redirect, path: Path, https: bool | None) -> Iterator[Problem]:
    if _is_loop(redirect, https):
        keys = (
            "`host:`, `port:` or `path:`" if https else "`protocol:`, `host:`, `port:` or `path:`"
        )
        message = "The redirect is a loop: its target is the URL of the request"
        yield Problem("M2403", path, message, f"Write a {keys} that differs from the request's.")
    if redirect.host is not None and not _REDIRECT_HOST.fullmatch(redirect.host):
        hint = "Write a host like `www.example.com`, or `www.#{host}` with the request's host."
        yield Problem("M2404", (*path, "host"), f"{shown(redirect.host)} is not a host", hint)
    if redirect.path is not None and not redirect.path.startswith("/"):
        hint = f"Write `/{redirect.path}`."
        yield Problem("M2404", (*path, "path"), "The path does not begin with `/`", hint)
    elif redirect.path is not None and not _REDIRECT_PATH.fullmatch(redirect.path):
        hint = (
            "Write a path like `/new/#{path}`. It can contain `#{host}`, `#{path}` and `#{port}`."
        )
        yield Problem("M2404", (*path, "path"), f"{shown(redirect.path)} is not a path", hint)
    if redirect.query is not None and not _REDIRECT_QUERY.fullmatch(redirect.query):
        hint = (
            "Write `#` only in `#{query}`, `#{path}`, `#{host}`, `#{port}` and `#{protocol}`, and "
            "no spaces."
        )
        yield Problem("M2404", (*path, "query"), f"{shown(redirect.query)} is not a query", hint)
    if redirect.query is not None and redirect.query.startswith("?"):
        message = "The query begins with `?`, which the load balancer adds"
        hint = f"Write `{redirect.query[1:]}`."
        yield Problem("M2404", (*path, "query"), message, hint)


def _is_loop(redirect: Redirect, https: bool | None) -> bool:
    """Whether the redirect changes nothing except the query, which ELB rejects: "not valid because
    it creates a loop". `https` is whether the listener has HTTPS, None if that is unknown."""
    listeners: dict[bool | None, tuple[str | None, int | None]] = {
        True: ("HTTPS", 443),
        False: ("HTTP", 80),
        None: (None, None),
    }
    protocol, port = listeners[https]
    return (
        redirect.protocol in (None, protocol)
        and redirect.port in (None, port)
        and redirect.host in (None, "#{host}")
        and redirect.path in (None, "/#{path}")
    )


def _authenticate_problems(route: Route, path: Path) -> Iterator[Problem]:
    login = route.authenticate
    if login and (login.oidc is None) == (login.cognito is None):
        providers = "no identity provider" if login.oidc is None else "two identity providers"
        hint = "Write either `oidc:` or `cognito:` below `authenticate:`."
        yield Problem("M2406", (*path, "authenticate"), f"`authenticate` has {providers}", hint)
