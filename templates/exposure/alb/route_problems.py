"""What can be wrong with a route by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator

from moorage.facts.quotas import MAX_VALUES_PER_LISTENER_RULE
from moorage.findings.finding import Path, Problem
from moorage.findings.wording import shown

from .routes import TARGET_GROUP_KEYS, Redirect, Route, find_conditions


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
    values = [value for group in find_conditions(route).values() for value in group]
    wildcards = sum(value.count("*") + value.count("?") for value in values)
    if not values:
        hint = 'Add `paths: ["/*"]` for all of them.'
        yield Problem("M1108", path, "The route does not say which requests it takes", hint)
    if len(values) > MAX_VALUES_PER_LISTENER_RULE or wildcards > MAX_VALUES_PER_LISTENER_RULE:
        what = (
            f"{len(values)} values"
            if len(values) > MAX_VALUES_PER_LISTENER_RULE
            else f"{wildcards} wildcards"
        )
        hint = f"A listener rule takes {MAX_VALUES_PER_LISTENER_RULE}. "
        hint += "Split it into two routes with a `name:` each."
        yield Problem("M1215", path, f"The route's conditions hold {what}", hint)


def _action_problems(route: Route, path: Path, https: bool | None) -> Iterator[Problem]:
    actions = [key for key in ("redirect", "fixed_response") if getattr(route, key)]
    if len(actions) > 1:
        yield Problem("M1108", path, "A route cannot redirect and answer", "Keep one of them.")
    if not actions:
        return
    target = ("container", "port", "authenticate", *TARGET_GROUP_KEYS)
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
