"""M3000 to M3099: the nginx proxy."""

from __future__ import annotations

from moorage.findings.codes.code import Code

_NGINX = "nginx documentation"

_SERVICE = (
    Code(
        "M3050",
        "A container has the name of the proxy.",
        "The containers of a task have different names, and `proxy:` adds one with the name "
        "`proxy`.",
        "Rename the container, or write it as `proxy:`.",
        """\
proxy: {routes: [{path: /, to: web}]}
containers:
  web: {image: "ecr:shop/web:1.4.2", ports: [3000]}
""",
    ),
    Code(
        "M3051",
        "Only root is allowed to listen on the port of the proxy.",
        "On Linux, ports below 1024 need root or a capability, which ECS adds for no other user.",
        "Write a port from 1024. Clients do not see it: load balancers connect to it.",
        """\
proxy: {port: 8080, routes: [{path: /, to: web}]}
""",
        ("ip(7)", "aws/containers-roadmap, issue 1721"),
    ),
    Code(
        "M3052",
        "The setting has no effect with a configuration file.",
        "With `config:`, nginx runs with this file and not with a configuration from the params.",
        "Write it into the file, or remove `config:`.",
        """\
proxy: {config: nginx/web.conf, port: 8080}
""",
    ),
    Code(
        "M3053",
        "The user cannot write the configuration file.",
        "The container writes the configuration to /etc/nginx before it starts nginx. In the "
        "default image only root is allowed to.",
        "Remove `user`, or write an `image:` in which the user can write to /etc/nginx.",
        """\
proxy: {config: nginx/web.conf}
""",
    ),
    Code(
        "M3054",
        "The setting has no effect on the proxy.",
        "It belongs to another setting, which is not there.",
        "Remove it, or add the setting that the message names.",
        """\
proxy:
  intercept_errors: true
  error_pages: [{statuses: [502], body: Sorry}]
  routes: [{path: /, to: web}]
""",
    ),
    Code(
        "M3055",
        "Two settings of the proxy are for the same requests.",
        "Each path and each regular expression becomes a `location`, and nginx does not start with "
        "the same one twice. A status has one error page.",
        "Remove one of them, or write another path.",
        """\
proxy:
  routes: [{path: /api, to: api}, {path: /, to: web}]
""",
        ("nginx documentation, ngx_http_core_module, location",),
    ),
    Code(
        "M3056",
        "A setting of the proxy needs exactly one of two keys.",
        "A route takes requests by a `path` or by a `match`, and an error page is a `body` or a "
        "file at a `path`.",
        "Write one of the two keys.",
        """\
proxy:
  routes: [{path: /, to: web}]
""",
    ),
    Code(
        "M3057",
        "A route with `match` has a path in `to`.",
        "nginx replaces the part of the path that a prefix matches. With a regular expression "
        "there is no such part.",
        "Remove the path from `to`.",
        """\
proxy:
  routes: [{match: "^/img/", to: web}]
""",
        ("nginx documentation, ngx_http_proxy_module, proxy_pass",),
    ),
    Code(
        "M3058",
        "nginx cannot verify the certificate of an IP address.",
        "nginx compares the names in the certificate with the host, and does not read IP addresses "
        "in it.",
        "Write the name of the host, or `verify: false`.",
        """\
proxy:
  routes: [{path: /, to: "https://backend.example.com"}]
""",
        ("OpenSSL, X509_check_host",),
    ),
    Code(
        "M3059",
        "The proxy sends requests to itself.",
        "The request would never reach a container that answers.",
        "Write the name of the container that answers.",
        """\
proxy:
  routes: [{path: /, to: web}]
""",
    ),
    Code(
        "M3060",
        "The load balancer closes the connection before the proxy does.",
        "A load balancer closes a connection without data after its `idle_timeout`, whatever the "
        "`read_timeout` of the proxy is.",
        "Lower `read_timeout`, or raise `idle_timeout` of the load balancer.",
        """\
public: {template: alb, idle_timeout: 120s}
web: {template: service, proxy: {read_timeout: 120s, routes: [{path: /, to: web}]}}
""",
        ('Application Load Balancers user guide, "Connection idle timeout"',),
    ),
    Code(
        "M3061",
        "The proxy closes connections that the load balancer still uses.",
        "A load balancer sends the next request over an idle connection. If nginx closes it at the "
        "same time, the client gets the status 502.",
        "Remove `keepalive_timeout`, or write more than the `idle_timeout` of the load balancer.",
        """\
proxy: {keepalive_timeout: 75s, routes: [{path: /, to: web}]}
""",
        ('Application Load Balancers user guide, "Connection idle timeout"',),
    ),
    Code(
        "M3062",
        "The proxy does not read proxy protocol headers.",
        "The generated configuration takes the header for the beginning of a request, and answers "
        "400.",
        "Write `preserve_client_ip: true` instead of `proxy_protocol_v2`.",
        """\
expose:
  - {via: edge, port: 8443/tcp, preserve_client_ip: true}
""",
        (f"{_NGINX}, ngx_http_core_module, listen",),
    ),
)

CODES: tuple[Code, ...] = _SERVICE
