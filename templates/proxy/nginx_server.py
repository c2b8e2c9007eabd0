"""The `server` block of the generated nginx configuration: its locations, headers and error
pages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from moorage.records import record

from .nginx_text import block_lines, format_seconds, normalize_whitespace, quote, quote_word
from .param_types import Target
from .params import ErrorPage, Proxy, ProxyRoute, RateLimit, RequestSettings

LONGEST_WORD = 4_000
"""Bytes of text that fit into one word together with its quotes; nginx reads 4,095."""


_WEBSOCKET_TIMEOUT = 3600
"""Seconds for which a WebSocket may be silent by default."""


@record
class ProxyContext:
    """The task and the load balancers around a proxy."""

    endpoints: Mapping[str, tuple[str, int]]
    """Address and first TCP port of each container, by its name. In awsvpc mode all addresses are
    127.0.0.1."""
    trusted: Sequence[str]
    """CIDR blocks from which X-Forwarded-For is trusted: those of the load balancers."""
    keepalive: int
    """Seconds for which idle connections are kept open."""


def server_lines(proxy: Proxy, context: ProxyContext) -> Iterator[Sequence[str]]:
    """The lines inside of `server`, in groups."""
    fastcgi = any(route.to.scheme == "fastcgi" for route in proxy.routes)
    yield [f"listen {proxy.port};"]
    yield _header_lines(_request_headers(proxy, None))
    protocols = ("proxy", "fastcgi") if fastcgi else ("proxy",)
    if response_headers := _response_header_lines(proxy, None, protocols):
        yield response_headers
    for page in proxy.error_pages:
        yield _error_page_lines(page)
    yield block_lines(
        f"location = {proxy.health_path}",
        ["access_log off;", "default_type text/plain;", 'return 200 "ok\\n";'],
    )
    if health := proxy.application_health:
        seconds = {"connect": health.timeout, "send": health.timeout, "read": health.timeout}
        yield block_lines(
            f"location = {health.path}",
            [
                "access_log off;",
                *_rewrite_lines(f"= {health.path}", health.to.path),
                f"proxy_pass http://{_address(health.to, context)};",
                *timeout_lines("proxy", seconds | {"connect": min(health.timeout, 75)}),
            ],
        )
    for route in proxy.routes:
        yield block_lines(_location_head(route), _location_lines(proxy, route, context))
    if not any(route.path == "/" for route in proxy.routes):
        yield block_lines("location /", ["return 404;"])


def _location_head(route: ProxyRoute) -> str:
    if route.match is not None:
        return f"location {'~*' if route.ignore_case else '~'} {quote_word(route.match)}"
    return f"location {location_path(route)}"


def location_path(route: ProxyRoute) -> str:
    """The path of a route as it is in a location: `/api/`, or `= /login`."""
    return re.sub(r"^= ?", "= ", route.path or "/")


def _location_lines(proxy: Proxy, route: ProxyRoute, context: ProxyContext) -> list[str]:
    protocol = "fastcgi" if route.to.scheme == "fastcgi" else "proxy"
    default = _WEBSOCKET_TIMEOUT if route.websocket else None
    timeouts = {
        "connect": route.connect_timeout,
        "send": route.send_timeout or default,
        "read": route.read_timeout or default,
    }
    limit = find_rate_limit(proxy, route)
    pass_lines = _fastcgi_lines if protocol == "fastcgi" else _http_lines
    return [
        *(_rate_limit_lines(limit) if limit else []),
        *([f"client_max_body_size {route.max_body_size};"] if route.max_body_size else []),
        *pass_lines(proxy, route, context),
        *(
            _response_header_lines(proxy, route, (protocol,))
            if route.response_headers or route.hide_headers
            else []
        ),
        *timeout_lines(protocol, timeouts),
        *([f"{protocol}_buffering off;"] if route.streaming else []),
        *([f"{protocol}_request_buffering off;"] if route.streaming else []),
    ]


def _rate_limit_lines(limit: RateLimit) -> list[str]:
    burst = f" burst={limit.burst} nodelay" if limit.burst else ""
    return [f"limit_req zone={zone_name(limit.rate)}{burst};", f"limit_req_status {limit.status};"]


def _rewrite_lines(matched: str, path: str) -> list[str]:
    """Replaces the part of the path that a location matched; no lines if there is no new path.

    Exactly one slash separates the new path from the rest of the request's path.
    """
    if not path:
        return []
    if matched.startswith("="):
        return [f"rewrite ^ {quote_word(path)} break;"]
    base, pattern = path.rstrip("/"), re.escape(matched)
    if matched.endswith("/"):
        base += "/"
    elif not base:
        base, pattern = "/", f"{pattern}/?"
    return [f"rewrite {quote_word(f'(?s)^{pattern}(.*)')} {quote_word(f'{base}$1')} break;"]


def _http_lines(proxy: Proxy, route: ProxyRoute, context: ProxyContext) -> list[str]:
    """Lines that send requests to a container or an external host, with the headers that differ
    from the server's. `set` comes before `rewrite ... break`, after which nginx ignores it
    (ngx_http_rewrite_module, break)."""
    to = route.to
    rewrite = _rewrite_lines(route.path or "", to.path)
    headers = _request_headers(proxy, route)
    differs = headers != _request_headers(proxy, None)
    header_lines = _header_lines(headers) if differs else []
    if not to.outside:
        return [*rewrite, f"proxy_pass http://{_address(to, context)};", *header_lines]
    port = f":{to.port}" if to.port else ""
    names = [f"proxy_ssl_name {to.host};"] if to.scheme == "https" else []
    return [
        f"set $upstream {to.host};",
        *rewrite,
        f"proxy_pass {to.scheme}://$upstream{port};",
        *names,
        *(["proxy_ssl_verify off;"] if to.scheme == "https" and not route.verify else []),
        *header_lines,
    ]


def _address(to: Target, context: ProxyContext) -> str:
    address, port = context.endpoints.get(to.host, ("127.0.0.1", 80))
    return f"{address}:{to.port or port}"


def _fastcgi_lines(proxy: Proxy, route: ProxyRoute, context: ProxyContext) -> list[str]:
    """Lines that send requests to a FastCGI server. Source of the variables: the file
    fastcgi_params of nginx, and RFC 3875, 4.1."""
    name = route.script or "$fastcgi_script_name"
    path_info = {} if route.script else {"PATH_INFO": "$fastcgi_path_info"}
    variables = {
        "SCRIPT_FILENAME": f"$document_root{name}",
        "SCRIPT_NAME": name,
        "DOCUMENT_ROOT": "$document_root",
        **path_info,
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
        "REDIRECT_STATUS": "200",  # a PHP that is built to require it refuses to run without it
        "HTTP_PROXY": "''",  # httpoxy: otherwise set by a client's header `Proxy`
    }
    request_headers = _merge_headers(proxy.request_headers, route.request_headers)
    headers = {
        f"HTTP_{name.upper().replace('-', '_')}": quote_word(value)
        for name, value in request_headers.items()
    }
    split = [] if route.script else [r"fastcgi_split_path_info ^(.+?\.php)(/.*)$;"]
    return [
        f"root {route.root};",
        *split,
        f"fastcgi_pass {_address(route.to, context)};",
        *(f"fastcgi_param {key} {value};" for key, value in {**variables, **headers}.items()),
    ]


# Headers -------------------------------------------------------------------------------------


def _request_headers(proxy: Proxy, route: ProxyRoute | None) -> dict[str, str]:
    """The headers of requests that nginx sends on a route, or by default if there is no route."""
    to = route.to if route else None
    external = to is not None and to.outside
    host = f"{to.host}:{to.port}" if to and to.port else to.host if to else ""
    websocket = route is not None and route.websocket
    defaults = {
        "Host": host if external else "$http_host",
        "X-Real-IP": "$remote_addr",
        "X-Forwarded-For": "$forwarded_for",
        "X-Forwarded-Proto": "$forwarded_proto",
        "X-Forwarded-Host": "$http_host",
        "Proxy": "",
        "Connection": "$connection_upgrade" if websocket else "",
        **({"Upgrade": "$http_upgrade"} if websocket else {}),
    }
    settings = _merge_headers(proxy.request_headers, route.request_headers if route else {})
    return _merge_headers(defaults, settings)


def _merge_headers(base: Mapping[str, str], overrides: Mapping[str, str]) -> dict[str, str]:
    """The headers of `base` and `overrides`, which replace those with the same name in any case."""
    replaced = {key.lower() for key in overrides}
    unchanged = {key: value for key, value in base.items() if key.lower() not in replaced}
    return unchanged | dict(overrides)


def _header_lines(headers: Mapping[str, str]) -> list[str]:
    return [f"proxy_set_header {name} {quote_word(value)};" for name, value in headers.items()]


def _response_header_lines(
    proxy: RequestSettings, route: RequestSettings | None, protocols: Sequence[str]
) -> list[str]:
    """The headers that are added to responses, and those that are hidden."""
    added: dict[str, str] = {}
    hidden: dict[str, str] = {}
    for settings in [proxy, *([route] if route else [])]:
        added = _merge_headers(added, settings.response_headers)
        names = (*settings.hide_headers, *settings.response_headers)
        hidden |= {name.lower(): name for name in names}
    return [
        *(f"add_header {name} {quote_word(value)} always;" for name, value in added.items()),
        *(f"{protocol}_hide_header {name};" for protocol in protocols for name in hidden.values()),
    ]


# Error pages ---------------------------------------------------------------------------------


def _error_page_lines(page: ErrorPage) -> list[str]:
    statuses = " ".join(str(status) for status in page.statuses)
    if page.path:
        return [f"error_page {statuses} {page.path};"]
    name = f"@page_{page.statuses[0]}"
    first, *more = list(_split_body(page.body or "")) or ["''"]
    parts = {f"$page_{number}": text for number, text in enumerate([first, *more], 1)}
    response = [f"return 200 {first};"]
    if more:
        response = [f"set {variable} {text};" for variable, text in parts.items()]
        response.append(f'return 200 "{"".join(parts)}";')
    content_type = f'default_type "{page.content_type}; charset=utf-8";'
    return [
        f"error_page {statuses} {name};",
        *block_lines(f"location {name}", [content_type, *response]),
    ]


def _split_body(body: str) -> Iterator[str]:
    """A text as quoted words, none longer than nginx reads (ngx_conf_file.c, NGX_CONF_BUFFER). A
    `$` in it does not begin a variable."""
    piece, size = "", 0
    for letter in normalize_whitespace(body):
        more = len(_quote_literally(letter).encode())
        if size + more > LONGEST_WORD:
            yield _quote_literally(piece)
            piece, size = "", 0
        piece, size = piece + letter, size + more
    yield _quote_literally(piece)


def _quote_literally(text: str) -> str:
    return quote(text).replace("$", "${dollar}")


# Limits and timeouts -------------------------------------------------------------------------


def find_rate_limit(proxy: Proxy, route: ProxyRoute) -> RateLimit | None:
    """The rate limit of a route, if it has one."""
    return route.rate_limit or proxy.rate_limit


def zone_name(rate: str) -> str:
    """The name of the shared memory zone in which requests of a rate are counted."""
    return f"clients_{rate.replace('/', '_')}"


def timeout_lines(protocol: str, timeouts: Mapping[str, int | None]) -> list[str]:
    """The directives for timeouts, in seconds by kind: `connect`, `send` and `read`."""
    return [
        f"{protocol}_{kind}_timeout {format_seconds(seconds)};"
        for kind, seconds in timeouts.items()
        if seconds is not None
    ]
