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

from collections.abc import Iterator, Sequence

from .nginx_server import Surroundings, rate_limit_of, server_lines, timeout_lines, zone_name
from .nginx_text import block, seconds, spaced, wrapped
from .params import Proxy

SLACK = 5
"""Seconds that are left of the time to stop when nginx ends what is still open."""


def configuration(proxy: Proxy, around: Surroundings) -> str:
    """The text of nginx.conf."""
    return "\n".join(
        [
            "worker_processes auto;",
            "worker_rlimit_nofile 8192;",
            f"worker_shutdown_timeout {seconds(proxy.stop_timeout - SLACK)};",
            "error_log stderr warn;",
            "pid /tmp/nginx.pid;",
            "daemon off;",
            "",
            *block("events", ["worker_connections 4096;"]),
            "",
            *block("http", spaced(_http(proxy, around))),
            "",
        ]
    )


def _http(proxy: Proxy, around: Surroundings) -> Iterator[Sequence[str]]:
    """Groups of lines with an empty line between them."""
    schemes = {route.to.scheme for route in proxy.routes}
    yield ["server_tokens off;", "absolute_redirect off;", *_temporary_paths()]
    yield _log(proxy)
    yield _client_address(proxy, around)
    yield block(
        "map $http_x_forwarded_for $forwarded_for",
        ["'' $realip_remote_addr;", 'default "$http_x_forwarded_for, $realip_remote_addr";'],
    )
    yield block(
        "map $http_x_forwarded_proto $forwarded_proto",
        ["'' $scheme;", "default $http_x_forwarded_proto;"],
    )
    if "fastcgi" in schemes:
        yield block("map $forwarded_proto $forwarded_https", ["https on;", "default '';"])
    if any(route.websocket for route in proxy.routes):
        yield block("map $http_upgrade $connection_upgrade", ["'' '';", "default upgrade;"])
    if any("$" in (page.body or "") for page in proxy.error_pages):
        yield block("geo $dollar", ["default '$';"])
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
            *wrapped("gzip_types", proxy.gzip.types),
        ]
    yield _sizes_and_times(proxy, around, fastcgi="fastcgi" in schemes)
    yield block("server", spaced(server_lines(proxy, around)))


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
        f"resolver {servers} valid={seconds(resolver.valid)}{family};",
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
    found = (rate_limit_of(proxy, route) for route in proxy.routes)
    rates = sorted({limit.rate for limit in found if limit})
    key = "$binary_remote_addr"
    return [f"limit_req_zone {key} zone={zone_name(rate)}:10m rate={rate};" for rate in rates]


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
        f"keepalive_timeout {seconds(around.keepalive)};",
        "proxy_http_version 1.1;",
        *(
            line
            for protocol in protocols
            for line in (
                *timeout_lines(protocol, times),
                f"{protocol}_buffer_size 16k;",
                f"{protocol}_buffers 8 16k;",
                f"{protocol}_busy_buffers_size 32k;",
                *([f"{protocol}_intercept_errors on;"] if proxy.intercept_errors else []),
            )
        ),
    ]
