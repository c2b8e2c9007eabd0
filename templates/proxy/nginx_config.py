"""The nginx configuration that `proxy:` means. Pure: params in, text out.

What is easily done wrong, and how it is done here (nginx documentation unless another is named):

- A host in `proxy_pass` is resolved once, at start. In a variable it is resolved anew by `resolver`
  (ngx_http_proxy_module, proxy_pass), for which there must be no path behind it: a path replaces
  the request's, query string and all. A path that changes is changed by `rewrite ... break`.
- nginx neither names the host in the TLS handshake (proxy_ssl_server_name) nor verifies its
  certificate (proxy_ssl_verify) unless told to.
- `proxy_set_header` and `add_header` of a location replace all of those around it, so a location
  that needs one of its own repeats the others.
- A load balancer that reuses a connection which nginx is closing answers 502 (Application Load
  Balancers user guide, "Connection idle timeout"): nginx keeps them open for longer.
- Redirects that nginx makes itself name its own port and `http`, unless absolute_redirect is off.
- Behind a load balancer `$scheme` is always `http`, and `$remote_addr` the load balancer's, unless
  the realip module is told to believe it. Only the last address of X-Forwarded-For is the load
  balancer's word (user guide, "X-Forwarded-For"); with real_ip_recursive those before it are
  believed as well while they are of a known proxy, so it is on only where there are such.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from .params import ErrorPage, Passing, Proxy, ProxyRoute, RateLimit, Target

LONGEST_WORD = 4_000
"""Bytes of a text that surely fit into one word of a configuration, with its quotes."""
SLACK = 5
"""Seconds that are left of the time to stop when nginx ends what is still open."""


@dataclass(frozen=True)
class Surroundings:
    """What a configuration needs to know of the task and its load balancers."""

    endpoints: Mapping[str, tuple[str, int]]
    """Address and first TCP port of each container by its name. On awsvpc all are 127.0.0.1."""
    trusted: Sequence[str]
    """CIDR blocks that load balancers are in."""
    keepalive: int
    """Seconds for which idle connections stay open."""


def configuration(proxy: Proxy, around: Surroundings) -> str:
    """The text of nginx.conf."""
    return "\n".join(
        [
            "worker_processes auto;",
            "worker_rlimit_nofile 8192;",
            f"worker_shutdown_timeout {_seconds(proxy.stop_timeout - SLACK)};",
            "error_log stderr warn;",
            "pid /tmp/nginx.pid;",
            "daemon off;",
            "",
            *_block("events", ["worker_connections 4096;"]),
            "",
            *_block("http", _spaced(_http(proxy, around))),
            "",
        ]
    )


def _http(proxy: Proxy, around: Surroundings) -> Iterator[Sequence[str]]:
    """Groups of lines with an empty line between them."""
    schemes = {route.to.scheme for route in proxy.routes}
    yield ["server_tokens off;", "absolute_redirect off;", *_temporary_paths()]
    yield _log(proxy)
    yield _client_address(proxy, around)
    yield _block(
        "map $http_x_forwarded_for $forwarded_for",
        ["'' $realip_remote_addr;", 'default "$http_x_forwarded_for, $realip_remote_addr";'],
    )
    yield _block(
        "map $http_x_forwarded_proto $forwarded_proto",
        ["'' $scheme;", "default $http_x_forwarded_proto;"],
    )
    if "fastcgi" in schemes:
        yield _block("map $forwarded_proto $forwarded_https", ["https on;", "default '';"])
    if any(route.websocket for route in proxy.routes):
        yield _block("map $http_upgrade $connection_upgrade", ["'' '';", "default upgrade;"])
    if any("$" in (page.body or "") for page in proxy.error_pages):
        yield _block("geo $dollar", ["default '$';"])
    if schemes & {"http", "https"}:
        yield _outside(proxy, tls="https" in schemes)
    if limits := _zones(proxy):
        yield limits
    if proxy.gzip:
        yield [
            "gzip on;",
            "gzip_proxied any;",
            "gzip_vary on;",
            f"gzip_min_length {proxy.gzip.min_length};",
            *_wrapped("gzip_types", proxy.gzip.types),
        ]
    yield _sizes_and_times(proxy, around, fastcgi="fastcgi" in schemes)
    yield _block("server", _spaced(_server(proxy, around)))


def _temporary_paths() -> list[str]:
    """All five: nginx makes them at start, used or not, and may write below /tmp only."""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    return [f"{kind}_temp_path /tmp/nginx_{kind};" for kind in kinds]


def _log(proxy: Proxy) -> list[str]:
    """Numbers where a number is certain; what may be `-` or a list is text."""
    if not proxy.access_log:
        return ["access_log off;"]
    texts = {
        "time": "time_iso8601",
        "client": "remote_addr",
        "method": "request_method",
        "uri": "request_uri",
        "protocol": "server_protocol",
        "host": "http_host",
        "referer": "http_referer",
        "user_agent": "http_user_agent",
        "trace_id": "http_x_amzn_trace_id",
        "upstream": "upstream_addr",
        "upstream_status": "upstream_status",
        "upstream_time": "upstream_response_time",
    }
    numbers = {
        "status": "status",
        "bytes": "body_bytes_sent",
        "request_bytes": "request_length",
        "duration": "request_time",
    }
    fields = [f'"{key}":"${name}"' for key, name in texts.items()]
    fields += [f'"{key}":${name}' for key, name in numbers.items()]
    pieces = [f"    '{field},'" for field in fields[:-1]]
    return [
        "log_format json escape=json '{'",
        *pieces,
        f"    '{fields[-1]}}}';",
        "access_log /dev/stdout json;",
    ]


def _client_address(proxy: Proxy, around: Surroundings) -> list[str]:
    believed = dict.fromkeys([*around.trusted, *proxy.trusted_proxies])
    return [
        *(f"set_real_ip_from {block};" for block in believed),
        "real_ip_header X-Forwarded-For;",
        *(["real_ip_recursive on;"] if proxy.trusted_proxies else []),
    ]


def _outside(proxy: Proxy, *, tls: bool) -> list[str]:
    resolver = proxy.resolver
    servers = " ".join(resolver.addresses)
    family = "" if resolver.ipv6 else " ipv6=off"
    lines = [
        f"resolver {servers} valid={_seconds(resolver.valid)}{family};",
        "resolver_timeout 5s;",
    ]
    if tls:
        lines += [
            "proxy_ssl_server_name on;",
            "proxy_ssl_protocols TLSv1.2 TLSv1.3;",
            "proxy_ssl_verify on;",
            "proxy_ssl_verify_depth 4;",
            f"proxy_ssl_trusted_certificate {proxy.ca_bundle};",
        ]
    return lines


def _zones(proxy: Proxy) -> list[str]:
    found = (_limit(proxy, route) for route in proxy.routes)
    rates = sorted({limit.rate for limit in found if limit})
    key = "$binary_remote_addr"
    return [f"limit_req_zone {key} zone={_zone(rate)}:10m rate={rate};" for rate in rates]


def _limit(proxy: Proxy, route: ProxyRoute) -> RateLimit | None:
    return route.rate_limit or proxy.rate_limit


def _zone(rate: str) -> str:
    return f"clients_{rate.replace('/', '_')}"


def _sizes_and_times(proxy: Proxy, around: Surroundings, *, fastcgi: bool) -> list[str]:
    minute = 60
    times = {
        "connect": proxy.connect_timeout or minute,
        "send": proxy.send_timeout or minute,
        "read": proxy.read_timeout or minute,
    }
    protocols = ("proxy", "fastcgi") if fastcgi else ("proxy",)
    return [
        f"client_max_body_size {proxy.max_body_size or '10m'};",
        # What an Application Load Balancer lets through (its user guide, "HTTP headers limits").
        "large_client_header_buffers 4 16k;",
        f"keepalive_timeout {_seconds(around.keepalive)};",
        "proxy_http_version 1.1;",
        *(
            line
            for protocol in protocols
            for line in (
                *_times(protocol, times),
                f"{protocol}_buffer_size 16k;",
                f"{protocol}_buffers 8 16k;",
                f"{protocol}_busy_buffers_size 32k;",
                *([f"{protocol}_intercept_errors on;"] if proxy.intercept_errors else []),
            )
        ),
    ]


def _times(protocol: str, times: Mapping[str, int | None]) -> list[str]:
    given = {kind: seconds for kind, seconds in times.items() if seconds is not None}
    return [f"{protocol}_{kind}_timeout {_seconds(sec)};" for kind, sec in given.items()]


# The server ----------------------------------------------------------------------------------


def _server(proxy: Proxy, around: Surroundings) -> Iterator[Sequence[str]]:
    fastcgi = any(route.to.scheme == "fastcgi" for route in proxy.routes)
    yield [f"listen {proxy.port};"]
    yield _header_lines(_request_headers(proxy, None))
    if answered := _answer_lines(proxy, None, ("proxy", "fastcgi") if fastcgi else ("proxy",)):
        yield answered
    for page in proxy.error_pages:
        yield _error_page(page)
    yield _block(
        f"location = {proxy.health_path}",
        ["access_log off;", "default_type text/plain;", 'return 200 "ok\\n";'],
    )
    if health := proxy.application_health:
        seconds = {"connect": health.timeout, "send": health.timeout, "read": health.timeout}
        yield _block(
            f"location = {health.path}",
            [
                "access_log off;",
                *_rewrite(f"= {health.path}", health.to.path),
                f"proxy_pass http://{_address(health.to, around)};",
                *_times("proxy", seconds | {"connect": min(health.timeout, 75)}),
            ],
        )
    for route in proxy.routes:
        yield _block(_head(route), _location(proxy, route, around))
    if not any(route.path == "/" for route in proxy.routes):
        yield _block("location /", ["return 404;"])


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
    limit = _limit(proxy, route)
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
        *_times(protocol, times),
        *([f"{protocol}_buffering off;"] if route.streaming else []),
        *([f"{protocol}_request_buffering off;"] if route.streaming else []),
    ]


def _limit_lines(limit: RateLimit) -> list[str]:
    burst = f" burst={limit.burst} nodelay" if limit.burst else ""
    return [f"limit_req zone={_zone(limit.rate)}{burst};", f"limit_req_status {limit.status};"]


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
        *_block(f"location {name}", [f'default_type "{page.content_type}; charset=utf-8";', *said]),
    ]


def _texts(body: str) -> Iterator[str]:
    """A text of several lines, in which `$` is no variable, in as many words as it takes: no word
    may be longer than a buffer (ngx_conf_file.c, NGX_CONF_BUFFER)."""
    piece, size = "", 0
    for letter in plain(body):
        more = len(_quoted(letter).replace("$", "${dollar}").encode())
        if size + more > LONGEST_WORD:
            yield _quoted(piece).replace("$", "${dollar}")
            piece, size = "", 0
        piece, size = piece + letter, size + more
    yield _quoted(piece).replace("$", "${dollar}")


def plain(text: str) -> str:
    """The same text without tabs and without spaces at the ends of lines, which YAML could show
    in one long line only. Neither means anything to nginx."""
    return "\n".join(line.rstrip() for line in text.expandtabs(4).split("\n"))


# Text ----------------------------------------------------------------------------------------


def _seconds(number: int) -> str:
    return f"{number}s"


def word(text: str) -> str:
    """One word of a configuration, in quotes where it needs them.

    >>> word("/api/"), word("a b"), word(""), word(r"\\.php$")
    ('/api/', '"a b"', "''", '\\\\.php$')
    """
    if not text:
        return "''"
    return _quoted(text) if re.search(r"[\s{};#\"']", text) else _escaped(text)


def _quoted(text: str) -> str:
    return '"' + _escaped(text).replace('"', '\\"') + '"'


def _escaped(text: str) -> str:
    """A backslash before some letters is read as an escape, in quotes or without."""
    return re.sub(r"\\(?=[\\\"'trn]|$)", r"\\\\", text)


def _wrapped(name: str, words: Iterable[str]) -> list[str]:
    """A directive with one word to a line."""
    lines = [f"    {one}" for one in words]
    return [name, *lines[:-1], f"{lines[-1]};"] if lines else []


def _block(head: str, lines: Iterable[str]) -> list[str]:
    return [f"{head} {{", *(_indented(line) for line in lines), "}"]


def _indented(line: str) -> str:
    """A line of a text in quotes keeps to the left: spaces would be part of it."""
    first, *rest = line.split("\n")
    return "\n".join([f"    {first}" if first else "", *rest])


def _spaced(groups: Iterable[Sequence[str]]) -> Iterator[str]:
    for index, group in enumerate(groups):
        if index:
            yield ""
        yield from group
