"""The nginx configuration of a proxy, generated from its params.

Common mistakes with nginx, and how the generated configuration avoids them (source: the nginx
documentation, unless stated otherwise):

- A host in `proxy_pass` is looked up once, when nginx starts. A host in a variable is looked up
  again by the `resolver` (ngx_http_proxy_module, proxy_pass). Then no path may follow it, because
  that path would replace the path and the query string of the request; `rewrite ... break` changes
  the path.
- By default nginx neither sends the name of the host in the TLS handshake (proxy_ssl_server_name)
  nor verifies the certificate (proxy_ssl_verify).
- `proxy_set_header` and `add_header` in a location replace all headers of the blocks around it, so
  a location that sets a header repeats the others.
- A load balancer that reuses a connection while nginx closes it answers 502 (Application Load
  Balancers user guide, "Connection idle timeout"), so nginx keeps connections open for longer.
- Redirects of nginx itself contain its own port and `http`, unless absolute_redirect is off.
- Behind a load balancer `$scheme` is always `http`, and `$remote_addr` is the load balancer, unless
  the realip module trusts it. Only the last address in X-Forwarded-For is added by the load
  balancer (user guide, "X-Forwarded-For"). With real_ip_recursive, earlier ones are used too if the
  proxies behind them are trusted, so it is on only if there are trusted proxies.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .nginx_server import ProxyContext, find_rate_limit, server_lines, timeout_lines, zone_name
from .nginx_text import block_lines, format_seconds, separate_groups, wrap_words
from .params import Proxy

_TIMEOUT = 60
"""Seconds; the default of all timeouts."""
_STOP_MARGIN = 5
"""Seconds before the end of the stop timeout at which nginx closes connections that are open."""


def generate_configuration(proxy: Proxy, context: ProxyContext) -> str:
    """The text of nginx.conf."""
    return "\n".join(
        [
            "worker_processes auto;",
            "worker_rlimit_nofile 8192;",
            f"worker_shutdown_timeout {format_seconds(proxy.stop_timeout - _STOP_MARGIN)};",
            "error_log stderr warn;",
            "pid /tmp/nginx.pid;",
            "daemon off;",
            "",
            *block_lines("events", ["worker_connections 4096;"]),
            "",
            *block_lines("http", separate_groups(_http(proxy, context))),
            "",
        ]
    )


def _http(proxy: Proxy, context: ProxyContext) -> Iterator[Sequence[str]]:
    """The lines inside of `http`, in groups."""
    schemes = {route.to.scheme for route in proxy.routes}
    yield ["server_tokens off;", "absolute_redirect off;", *_temporary_paths()]
    yield _log_lines(proxy)
    yield _client_address_lines(proxy, context)
    yield block_lines(
        "map $http_x_forwarded_for $forwarded_for",
        ["'' $realip_remote_addr;", 'default "$http_x_forwarded_for, $realip_remote_addr";'],
    )
    yield block_lines(
        "map $http_x_forwarded_proto $forwarded_proto",
        ["'' $scheme;", "default $http_x_forwarded_proto;"],
    )
    if "fastcgi" in schemes:
        yield block_lines("map $forwarded_proto $forwarded_https", ["https on;", "default '';"])
    if any(route.websocket for route in proxy.routes):
        yield block_lines("map $http_upgrade $connection_upgrade", ["'' '';", "default upgrade;"])
    if any("$" in (page.body or "") for page in proxy.error_pages):
        yield block_lines("geo $dollar", ["default '$';"])
    if schemes & {"http", "https"}:
        yield _external_host_lines(proxy, tls="https" in schemes)
    if limits := _rate_limit_lines(proxy):
        yield limits
    if proxy.gzip:
        yield [
            "gzip on;",
            "gzip_proxied any;",
            "gzip_vary on;",
            f"gzip_min_length {proxy.gzip.min_length};",
            *wrap_words("gzip_types", proxy.gzip.types),
        ]
    yield _limit_lines(proxy, context, fastcgi="fastcgi" in schemes)
    yield block_lines("server", separate_groups(server_lines(proxy, context)))


def _temporary_paths() -> list[str]:
    """Paths below /tmp, the only folder that nginx's user can write to. All five kinds are set,
    because nginx creates them when it starts, used or not."""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    return [f"{kind}_temp_path /tmp/nginx_{kind};" for kind in kinds]


def _log_lines(proxy: Proxy) -> list[str]:
    """The access log in JSON. Values that may be `-` or a list are strings."""
    if not proxy.access_log:
        return ["access_log off;"]
    strings = {
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
    fields = [f'"{key}":"${name}"' for key, name in strings.items()]
    fields += [f'"{key}":${name}' for key, name in numbers.items()]
    pieces = [f"    '{field},'" for field in fields[:-1]]
    return [
        "log_format json escape=json '{'",
        *pieces,
        f"    '{fields[-1]}}}';",
        "access_log /dev/stdout json;",
    ]


def _client_address_lines(proxy: Proxy, context: ProxyContext) -> list[str]:
    trusted = dict.fromkeys([*context.trusted, *proxy.trusted_proxies])
    return [
        *(f"set_real_ip_from {block};" for block in trusted),
        "real_ip_header X-Forwarded-For;",
        *(["real_ip_recursive on;"] if proxy.trusted_proxies else []),
    ]


def _external_host_lines(proxy: Proxy, *, tls: bool) -> list[str]:
    resolver = proxy.resolver
    servers = " ".join(resolver.addresses)
    family = "" if resolver.ipv6 else " ipv6=off"
    lines = [
        f"resolver {servers} valid={format_seconds(resolver.valid)}{family};",
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


def _rate_limit_lines(proxy: Proxy) -> list[str]:
    limits = (find_rate_limit(proxy, route) for route in proxy.routes)
    rates = sorted({limit.rate for limit in limits if limit})
    key = "$binary_remote_addr"
    return [f"limit_req_zone {key} zone={zone_name(rate)}:10m rate={rate};" for rate in rates]


def _limit_lines(proxy: Proxy, context: ProxyContext, *, fastcgi: bool) -> list[str]:
    timeouts = {
        "connect": proxy.connect_timeout or _TIMEOUT,
        "send": proxy.send_timeout or _TIMEOUT,
        "read": proxy.read_timeout or _TIMEOUT,
    }
    protocols = ("proxy", "fastcgi") if fastcgi else ("proxy",)
    return [
        f"client_max_body_size {proxy.max_body_size or '10m'};",
        # The limit of an Application Load Balancer (user guide, "HTTP headers limits").
        "large_client_header_buffers 4 16k;",
        f"keepalive_timeout {format_seconds(context.keepalive)};",
        "proxy_http_version 1.1;",
        *(
            line
            for protocol in protocols
            for line in (
                *timeout_lines(protocol, timeouts),
                f"{protocol}_buffer_size 16k;",
                f"{protocol}_buffers 8 16k;",
                f"{protocol}_busy_buffers_size 32k;",
                *([f"{protocol}_intercept_errors on;"] if proxy.intercept_errors else []),
            )
        ),
    ]
