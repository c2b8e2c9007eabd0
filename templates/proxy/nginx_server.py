"""The `server` block of the nginx configuration that `proxy:` means."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from .fields import Target
from .nginx_text import block, plain, quoted, seconds, word
from .params import ErrorPage, Passing, Proxy, ProxyRoute, RateLimit

LONGEST_WORD = 4_000
"""Bytes of a text that surely fit into one word of a configuration, with its quotes."""


@dataclass(frozen=True)
class Surroundings:
    """What a configuration needs to know of the task and its load balancers."""

    endpoints: Mapping[str, tuple[str, int]]
    """Address and first TCP port of each container by its name. On awsvpc all are 127.0.0.1."""
    trusted: Sequence[str]
    """CIDR blocks that load balancers are in."""
    keepalive: int
    """Seconds for which idle connections stay open."""


def server_lines(proxy: Proxy, around: Surroundings) -> Iterator[Sequence[str]]:
    fastcgi = any(route.to.scheme == "fastcgi" for route in proxy.routes)
    yield [f"listen {proxy.port};"]
    yield _header_lines(_request_headers(proxy, None))
    if answered := _answer_lines(proxy, None, ("proxy", "fastcgi") if fastcgi else ("proxy",)):
        yield answered
    for page in proxy.error_pages:
        yield _error_page(page)
    yield block(
        f"location = {proxy.health_path}",
        ["access_log off;", "default_type text/plain;", 'return 200 "ok\\n";'],
    )
    if health := proxy.application_health:
        seconds = {"connect": health.timeout, "send": health.timeout, "read": health.timeout}
        yield block(
            f"location = {health.path}",
            [
                "access_log off;",
                *_rewrite(f"= {health.path}", health.to.path),
                f"proxy_pass http://{_address(health.to, around)};",
                *timeout_lines("proxy", seconds | {"connect": min(health.timeout, 75)}),
            ],
        )
    for route in proxy.routes:
        yield block(_head(route), _location(proxy, route, around))
    if not any(route.path == "/" for route in proxy.routes):
        yield block("location /", ["return 404;"])


def _head(route: ProxyRoute) -> str:
    if route.match is not None:
        return f"location {'~*' if route.ignore_case else '~'} {word(route.match)}"
    return f"location {location_path(route)}"


def location_path(route: ProxyRoute) -> str:
    """The path of a route as nginx writes it: `/api/`, or `= /login`."""
    return re.sub(r"^= ?", "= ", route.path or "/")


def _location(proxy: Proxy, route: ProxyRoute, around: Surroundings) -> list[str]:
    protocol = "fastcgi" if route.to.scheme == "fastcgi" else "proxy"
    long = 3600 if route.websocket else None
    times = {
        "connect": route.connect_timeout,
        "send": route.send_timeout or long,
        "read": route.read_timeout or long,
    }
    limit = rate_limit_of(proxy, route)
    asked = _script(proxy, route, around) if protocol == "fastcgi" else _pass(proxy, route, around)
    return [
        *(_limit_lines(limit) if limit else []),
        *([f"client_max_body_size {route.max_body_size};"] if route.max_body_size else []),
        *asked,
        *(
            _answer_lines(proxy, route, (protocol,))
            if route.response_headers or route.hide_headers
            else []
        ),
        *timeout_lines(protocol, times),
        *([f"{protocol}_buffering off;"] if route.streaming else []),
        *([f"{protocol}_request_buffering off;"] if route.streaming else []),
    ]


def _limit_lines(limit: RateLimit) -> list[str]:
    burst = f" burst={limit.burst} nodelay" if limit.burst else ""
    return [f"limit_req zone={zone_name(limit.rate)}{burst};", f"limit_req_status {limit.status};"]


def _rewrite(matched: str, path: str) -> list[str]:
    """What changes the part of the path that a location matched; nothing where it stays. The one
    slash between it and the rest is kept, whichever of the two it was written in."""
    if not path:
        return []
    if matched.startswith("="):
        return [f"rewrite ^ {word(path)} break;"]
    base, found = path.rstrip("/"), re.escape(matched)
    if matched.endswith("/"):
        base += "/"
    elif not base:
        base, found = "/", f"{found}/?"
    return [f"rewrite {word(f'(?s)^{found}(.*)')} {word(f'{base}$1')} break;"]


def _pass(proxy: Proxy, route: ProxyRoute, around: Surroundings) -> list[str]:
    """Where the request is sent, and the headers that differ from the server's. What is set must
    be so before a `rewrite ... break`, after which nothing is (ngx_http_rewrite_module, break)."""
    to = route.to
    rewrite = _rewrite(route.path or "", to.path)
    headers = _request_headers(proxy, route)
    usual = _request_headers(proxy, None)
    own = _header_lines(headers) if headers != usual else []
    if not to.outside:
        return [*rewrite, f"proxy_pass http://{_address(to, around)};", *own]
    port = f":{to.port}" if to.port else ""
    names = [f"proxy_ssl_name {to.host};"] if to.scheme == "https" else []
    return [
        f"set $upstream {to.host};",
        *rewrite,
        f"proxy_pass {to.scheme}://$upstream{port};",
        *names,
        *(["proxy_ssl_verify off;"] if to.scheme == "https" and not route.verify else []),
        *own,
    ]


def _address(to: Target, around: Surroundings) -> str:
    address, port = around.endpoints.get(to.host, ("127.0.0.1", 80))
    return f"{address}:{to.port or port}"


def _script(proxy: Proxy, route: ProxyRoute, around: Surroundings) -> list[str]:
    """Source of the variables: nginx's own file fastcgi_params, and RFC 3875, 4.1."""
    name = route.script or "$fastcgi_script_name"
    named = {} if route.script else {"PATH_INFO": "$fastcgi_path_info"}
    variables = {
        "SCRIPT_FILENAME": f"$document_root{name}",
        "SCRIPT_NAME": name,
        "DOCUMENT_ROOT": "$document_root",
        **named,
        "QUERY_STRING": "$query_string",
        "REQUEST_METHOD": "$request_method",
        "REQUEST_URI": "$request_uri",
        "DOCUMENT_URI": "$document_uri",
        "CONTENT_TYPE": "$content_type",
        "CONTENT_LENGTH": "$content_length",
        "GATEWAY_INTERFACE": "CGI/1.1",
        "SERVER_PROTOCOL": "$server_protocol",
        "SERVER_SOFTWARE": "nginx",
        "REQUEST_SCHEME": "$forwarded_proto",
        "HTTPS": "$forwarded_https if_not_empty",
        "REMOTE_ADDR": "$remote_addr",
        "REMOTE_PORT": "$remote_port",
        "SERVER_ADDR": "$server_addr",
        "SERVER_PORT": "$server_port",
        "SERVER_NAME": "$host",
        "REDIRECT_STATUS": "200",  # without it a PHP that was built for it refuses to run
        "HTTP_PROXY": "''",  # httpoxy: a client's header `Proxy` would be this variable
    }
    own = _merged(proxy.request_headers, route.request_headers)
    headers = {f"HTTP_{key.upper().replace('-', '_')}": word(value) for key, value in own.items()}
    split = [] if route.script else [r"fastcgi_split_path_info ^(.+?\.php)(/.*)$;"]
    return [
        f"root {route.root};",
        *split,
        f"fastcgi_pass {_address(route.to, around)};",
        *(f"fastcgi_param {key} {value};" for key, value in {**variables, **headers}.items()),
    ]


# Headers -------------------------------------------------------------------------------------


def _request_headers(proxy: Proxy, route: ProxyRoute | None) -> dict[str, str]:
    """The headers that are set for what is asked; those of the server without a route."""
    to = route.to if route else None
    outside = to is not None and to.outside
    host = f"{to.host}:{to.port}" if to and to.port else to.host if to else ""
    socket = route is not None and route.websocket
    usual = {
        "Host": host if outside else "$http_host",
        "X-Real-IP": "$remote_addr",
        "X-Forwarded-For": "$forwarded_for",
        "X-Forwarded-Proto": "$forwarded_proto",
        "X-Forwarded-Host": "$http_host",
        "Proxy": "",
        "Connection": "$connection_upgrade" if socket else "",
        **({"Upgrade": "$http_upgrade"} if socket else {}),
    }
    own = _merged(proxy.request_headers, route.request_headers if route else {})
    return _merged(usual, own)


def _merged(one: Mapping[str, str], over: Mapping[str, str]) -> dict[str, str]:
    """Headers with others laid over them; case tells none apart."""
    replaced = {key.lower() for key in over}
    return {key: value for key, value in one.items() if key.lower() not in replaced} | dict(over)


def _header_lines(headers: Mapping[str, str]) -> list[str]:
    return [f"proxy_set_header {name} {word(value)};" for name, value in headers.items()]


def _answer_lines(proxy: Passing, route: Passing | None, protocols: Sequence[str]) -> list[str]:
    """What is added to answers, and what is hidden of them."""
    ways = [proxy, *([route] if route else [])]
    added: dict[str, str] = {}
    hidden: dict[str, str] = {}
    for way in ways:
        added = _merged(added, way.response_headers)
        names = (*way.hide_headers, *way.response_headers)
        hidden |= {name.lower(): name for name in names}
    hides = [
        f"{protocol}_hide_header {name};" for protocol in protocols for name in hidden.values()
    ]
    return [f"add_header {name} {word(value)} always;" for name, value in added.items()] + hides


# Error pages ---------------------------------------------------------------------------------


def _error_page(page: ErrorPage) -> list[str]:
    statuses = " ".join(str(status) for status in page.statuses)
    if page.path:
        return [f"error_page {statuses} {page.path};"]
    name = f"@page_{page.statuses[0]}"
    first, *more = list(_texts(page.body or "")) or ["''"]
    parts = {f"$page_{number}": text for number, text in enumerate([first, *more], 1)}
    said = (
        [*(f"set {key} {text};" for key, text in parts.items()), f'return 200 "{"".join(parts)}";']
        if more
        else [f"return 200 {first};"]
    )
    return [
        f"error_page {statuses} {name};",
        *block(f"location {name}", [f'default_type "{page.content_type}; charset=utf-8";', *said]),
    ]


def _texts(body: str) -> Iterator[str]:
    """A text of several lines, in which `$` is no variable, in as many words as it takes: no word
    may be longer than a buffer (ngx_conf_file.c, NGX_CONF_BUFFER)."""
    piece, size = "", 0
    for letter in plain(body):
        more = len(quoted(letter).replace("$", "${dollar}").encode())
        if size + more > LONGEST_WORD:
            yield quoted(piece).replace("$", "${dollar}")
            piece, size = "", 0
        piece, size = piece + letter, size + more
    yield quoted(piece).replace("$", "${dollar}")


def rate_limit_of(proxy: Proxy, route: ProxyRoute) -> RateLimit | None:
    return route.rate_limit or proxy.rate_limit


def zone_name(rate: str) -> str:
    return f"clients_{rate.replace('/', '_')}"


def timeout_lines(protocol: str, times: Mapping[str, int | None]) -> list[str]:
    given = {kind: seconds for kind, seconds in times.items() if seconds is not None}
    return [f"{protocol}_{kind}_timeout {seconds(sec)};" for kind, sec in given.items()]
