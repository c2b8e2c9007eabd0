"""What stands below `proxy:` of a service: an nginx in front of the containers of its task.

proxy:
  port: 8080
  routes:
    - {path: /, to: frontend}
    - {path: "= /v1/login", to: "https://login.example.com"}
    - {match: '\\.php$', to: "fastcgi://php:9000", root: /var/www/public}
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from moorage.model import Base

from ..common.fields import Cidr, ConfigFile, Duration, Some, Switch, UniqueList, duration
from ..tasks.containers import HealthCheck, User
from ..tasks.images import Image
from .fields import (
    RESOLVER,
    ConnectTimeout,
    Expression,
    Folder,
    HeaderName,
    HeaderValue,
    MediaType,
    OwnPath,
    Rate,
    RoutePath,
    ServerAddress,
    Size,
    Status,
    TargetField,
    Timeout,
    check_body,
)

IMAGE = "public.ecr.aws/docker/library/nginx:1.30.5-alpine-slim"
"""nginx's own image in its smallest form, from the copy of Docker's official images that AWS keeps:
no rate limit of Docker Hub's is in the way."""
PORT = 8080
NGINX = "101:101"
"""User and group `nginx` of that image (nginx/docker-nginx, stable/alpine-slim/Dockerfile)."""
CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
"""Where Alpine's and Debian's packages of the CA certificates put them."""


class RateLimit(Base):
    """How many requests a client may send, by its address. Each task counts for itself."""

    rate: Rate = Field(description="Requests of one address, per second or minute: `10r/s`.")
    burst: int = Field(
        0, ge=0, le=100_000, description="Requests beyond the rate that are still let through."
    )
    status: Status = Field(429, description="What the others are answered.")


class Passing(Base):
    """What holds for all routes and can be said of one of them."""

    connect_timeout: ConnectTimeout | None = Field(
        None, description="Time in which a connection must be made; 60s if not said."
    )
    read_timeout: Timeout | None = Field(
        None,
        description="Time between two reads of an answer; 60s if not said, 1h for a `websocket`. "
        "A load balancer gives up by its own `idle_timeout`.",
    )
    send_timeout: Timeout | None = Field(
        None, description="Time between two writes of a request; 60s, or 1h, as for reads."
    )
    max_body_size: Size | None = Field(
        None,
        description="Largest body of a request, such as `200m`, or `0` for any; `10m` if not said.",
    )
    request_headers: dict[HeaderName, HeaderValue] = Field(
        {},
        description="Headers set for the application, beside Host, X-Real-IP and "
        "X-Forwarded-For, -Proto and -Host. An empty text removes one. May hold nginx's variables.",
    )
    response_headers: dict[HeaderName, HeaderValue] = Field(
        {}, description="Headers of every answer, in place of the application's own."
    )
    hide_headers: UniqueList[HeaderName] = Field(
        [], description="Headers of the application's answers that are not passed on."
    )
    rate_limit: RateLimit | None = Field(None, description="How often one client may ask.")


class ProxyRoute(Passing):
    """Which requests, and where they are sent. nginx asks `= ` paths first, then `match` in the
    order written here, then the longest path."""

    path: RoutePath | None = Field(
        None, description="Beginning of the path, or `= /path` for exactly that one."
    )
    match: Expression | None = Field(
        None, description="Regular expression (PCRE) that the path must match."
    )
    ignore_case: bool = Field(False, description="Whether `match` takes A for a.")
    to: TargetField = Field(
        description="A container of the task (`web`, or `web:3000` where it has more than one "
        "port), a host outside (`https://host`), or `fastcgi://container`. A path behind it "
        "replaces what `path` matched; the query string is always kept."
    )
    root: Folder | None = Field(
        None, description="FastCGI: folder of the scripts in the container that runs them."
    )
    script: OwnPath | None = Field(
        None, description="FastCGI: the one script that answers all, such as `/index.php`."
    )
    websocket: bool = Field(False, description="Pass WebSockets on.")
    streaming: bool = Field(
        False, description="Pass bodies on as they come, in both directions, and keep none."
    )
    verify: bool = Field(True, description="`https://`: whether its certificate is verified.")


class ErrorPage(Base):
    """What is shown for errors."""

    statuses: Annotated[list[Status], Field(min_length=1)] = Field(
        description="The errors: `[500, 502, 503, 504]`."
    )
    body: Annotated[str, AfterValidator(check_body)] | None = Field(
        None, description="The page itself."
    )
    content_type: MediaType = Field("text/html", description="What `body` is.")
    path: OwnPath | None = Field(None, description="Or a path that the routes answer.")


class Gzip(Base):
    """Compression of answers that are not compressed yet."""

    types: UniqueList[MediaType] = Field(
        [
            *("application/javascript", "application/json", "application/manifest+json"),
            *("application/xml", "image/svg+xml", "text/css", "text/javascript", "text/plain"),
            "text/xml",
        ],
        description="Media types beside `text/html`, which always is.",
    )
    min_length: int = Field(1024, ge=20, description="Bytes from which it is worth while.")


class Resolver(Base):
    """Who is asked for the addresses of hosts outside, and for how long an answer holds."""

    addresses: Annotated[Some[ServerAddress], Field(min_length=1)] = Field(
        [RESOLVER], description="DNS servers; the VPC's own where none is said."
    )
    valid: Annotated[int, duration(1, 3600)] = Field(
        5, description="Time for which an answer holds, whatever it says itself."
    )
    ipv6: bool = Field(False, description="Whether IPv6 addresses are used.")


class ApplicationHealth(Base):
    """A path that is healthy only while the application is."""

    path: OwnPath = Field(description="The path that is asked here.")
    to: TargetField = Field(
        description="The container that is asked, and its own path: `web/healthz`."
    )
    timeout: Timeout = Field(5, description="Time that its answer may take.")


class Proxy(Passing):
    """An nginx in front of the other containers: a container named `proxy`, made from these params
    alone. Ways of `expose:` that name no container lead to it.

    It runs as nginx's own user, not as root, and keeps what it writes below /tmp. It stops before
    the containers that it leads to, and finishes what it has begun.
    """

    port: int = Field(PORT, ge=1, le=65535, description="TCP port that it listens on.")
    routes: list[ProxyRoute] = Field([], description="Where requests are sent.")
    config: ConfigFile | None = Field(
        None,
        description="A configuration of your own instead: a file, named from the params' folder. "
        "A whole one, or only its `server` blocks, which come to /etc/nginx/conf.d/default.conf.",
    )
    image: Image = Field(IMAGE, description="An image with nginx and a shell.")
    user: User | None = Field(
        None,
        description=f"User (and group) to run as; `{NGINX}` for a generated configuration, the "
        "image's own for one of yours.",
    )
    cpu: int | None = Field(None, ge=0, description="CPU units of the task's that it gets.")
    memory: int | None = Field(None, ge=6, description="MiB at which it is killed.")
    memory_reservation: int | None = Field(None, ge=6, description="MiB that are kept for it.")
    init_process_enabled: bool = Field(
        False, description="Run an init process that passes on signals and reaps children."
    )
    stop_timeout: Annotated[int, duration(10, 120)] = Field(
        30, description="Time that requests have to end when the task stops."
    )
    health_check: HealthCheck | None = Field(None, description="A check inside the container.")
    keepalive_timeout: Duration | None = Field(
        None,
        description="Time for which an idle connection stays open: 15s more than the longest "
        "`idle_timeout` of the load balancers that lead here, and 75s at least. If it ended before "
        "theirs, they would answer 502 now and then.",
    )
    trusted_proxies: UniqueList[Cidr] = Field(
        [],
        description="Addresses of proxies before the load balancer, CloudFront's for example, "
        "whose word on the client's address is taken. The load balancer's always is.",
    )
    gzip: Switch[Gzip] = Field(Gzip(), description="Compress answers; `false` for never.")
    error_pages: list[ErrorPage] = Field([], description="Pages for errors.")
    intercept_errors: bool = Field(
        False, description="Whether these pages also replace the application's own errors."
    )
    access_log: bool = Field(
        True, description="Log requests as JSON, to where the containers' output goes."
    )
    health_path: OwnPath = Field(
        "/nginx-health", description="Path that nginx answers by itself, unlogged."
    )
    application_health: ApplicationHealth | None = Field(
        None, description="A path that asks the application whether it is well, unlogged."
    )
    resolver: Resolver = Field(Resolver(), description="How hosts outside are found.")
    ca_bundle: Folder = Field(
        CA_BUNDLE, description="File in the image with the CAs that certificates are verified by."
    )


CONTAINER_KEYS = frozenset(
    {
        *("port", "image", "user", "cpu", "memory", "memory_reservation", "init_process_enabled"),
        *("stop_timeout", "health_check"),
    }
)
"""What can be said beside `config:`: all else would say what the file does."""
