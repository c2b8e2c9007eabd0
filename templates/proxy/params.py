"""The params of `proxy:`: an nginx in front of the containers of a service's task.

proxy:
  port: 8080
  routes:
    - {path: /, to: frontend}
    - {path: "= /v1/login", to: "https://login.example.com"}
    - {match: '\\.php$', to: "fastcgi://php:9000", root: /var/www/public}
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from moorage.model import Base

from ..common.fields import Cidr, ConfigFile, Duration, OneOrMany, Switch, UniqueList, duration
from ..tasks.containers import HealthCheck, User
from ..tasks.images import Image
from .param_types import (
    RESOLVER,
    ConnectTimeout,
    Expression,
    Folder,
    HeaderName,
    HeaderValue,
    MediaType,
    PageBody,
    PlainPath,
    Rate,
    RoutePath,
    ServerAddress,
    Size,
    Status,
    TargetField,
    Timeout,
)

IMAGE = "public.ecr.aws/docker/library/nginx:1.30.5-alpine-slim"
"""The smallest of nginx's official images, from the copy that AWS keeps of Docker's official
images, to which Docker Hub's rate limits do not apply."""
PORT = 8080
NGINX = "101:101"
"""The user and group `nginx` of that image (nginx/docker-nginx, stable/alpine-slim/Dockerfile)."""
CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
"""Where the packages of CA certificates of Alpine and Debian install them."""


class RateLimit(Base):
    """A limit for the requests of each client address. Each task counts requests separately."""

    rate: Rate = Field(
        description="Requests that one address may send per second or minute: `10r/s`, `30r/m`."
    )
    burst: int = Field(
        0, ge=0, le=100_000, description="Requests above the rate that are still accepted."
    )
    status: Status = Field(429, description="Status code for the requests that are refused.")


class RequestSettings(Base):
    """Settings for all routes, each of which a route can replace."""

    connect_timeout: ConnectTimeout | None = Field(
        None, description="Time in which a connection must be established. Default: 60s."
    )
    read_timeout: Timeout | None = Field(
        None,
        description="Time between two reads of a response. Default: 60s, or 1h on a route with "
        "`websocket`. The load balancer closes the connection after its own `idle_timeout`.",
    )
    send_timeout: Timeout | None = Field(
        None,
        description="Time between two writes of a request. Default: 60s, or 1h on a route with "
        "`websocket`.",
    )
    max_body_size: Size | None = Field(
        None,
        description="Largest body of a request, such as `200m`; `0` for no limit. Default: `10m`.",
    )
    request_headers: dict[HeaderName, HeaderValue] = Field(
        {},
        description="Headers of the requests to the application, in addition to Host, X-Real-IP "
        "and X-Forwarded-For, -Proto and -Host. An empty text removes a header. The values may "
        "contain variables of nginx.",
    )
    response_headers: dict[HeaderName, HeaderValue] = Field(
        {}, description="Headers added to every response; they replace those of the application."
    )
    hide_headers: UniqueList[HeaderName] = Field(
        [], description="Headers that are removed from the responses of the application."
    )
    rate_limit: RateLimit | None = Field(
        None, description="Limits the requests of each client. Default: no limit."
    )


class ProxyRoute(RequestSettings):
    """Requests, and where they are sent. nginx tries paths with `= ` first, then each `match` in
    the order of the list, then the longest path."""

    path: RoutePath | None = Field(
        None, description="Beginning of the path, or `= /path` for exactly this path."
    )
    match: Expression | None = Field(
        None, description="Regular expression (PCRE) that the path must match."
    )
    ignore_case: bool = Field(False, description="Whether `match` ignores upper and lower case.")
    to: TargetField = Field(
        description="A container of the task (`web`, or `web:3000` if it has several ports), an "
        "external host (`https://host`), or `fastcgi://container`. A path after it replaces what "
        "`path` matched; the query string is always kept."
    )
    root: Folder | None = Field(
        None, description="FastCGI: folder of the scripts, in the container that runs them."
    )
    script: PlainPath | None = Field(
        None, description="FastCGI: one script for all requests, such as `/index.php`."
    )
    websocket: bool = Field(False, description="Pass on WebSocket connections.")
    streaming: bool = Field(
        False, description="Pass on bodies of requests and responses without buffering them."
    )
    verify: bool = Field(
        True, description="Whether the certificate of an `https://` host is verified."
    )


class ErrorPage(Base):
    """The response to errors."""

    statuses: Annotated[list[Status], Field(min_length=1)] = Field(
        description="Status codes of the errors: `[500, 502, 503, 504]`."
    )
    body: PageBody | None = Field(None, description="Text of the page.")
    content_type: MediaType = Field("text/html", description="Media type of `body`.")
    path: PlainPath | None = Field(
        None, description="Path of the page, which a route serves, instead of `body`."
    )


class Gzip(Base):
    """Compression of responses that are not compressed yet."""

    types: UniqueList[MediaType] = Field(
        [
            *("application/javascript", "application/json", "application/manifest+json"),
            *("application/xml", "image/svg+xml", "text/css", "text/javascript", "text/plain"),
            "text/xml",
        ],
        description="Media types that are compressed, in addition to `text/html`.",
    )
    min_length: int = Field(
        1024, ge=20, description="Minimum size in bytes of a response that is compressed."
    )


class Resolver(Base):
    """How the addresses of external hosts are looked up."""

    addresses: Annotated[OneOrMany[ServerAddress], Field(min_length=1)] = Field(
        [RESOLVER], description="DNS servers. Default: the one of the VPC."
    )
    valid: Annotated[int, duration(1, 3600)] = Field(
        5, description="Time for which an answer is used; replaces its TTL."
    )
    ipv6: bool = Field(False, description="Whether IPv6 addresses are used.")


class ApplicationHealth(Base):
    """A path that is healthy only if the application is."""

    path: PlainPath = Field(description="Path of the proxy.")
    to: TargetField = Field(
        description="The container that answers, and the path there: `web/healthz`."
    )
    timeout: Timeout = Field(5, description="Time in which the container must answer.")


class Proxy(RequestSettings):
    """An nginx in front of the other containers: a container named `proxy`, which is created from
    these params. `expose:` entries without `container` send requests to it.

    It runs as the user `nginx` of its image, not as root, and writes below /tmp only. It stops
    before the containers that it sends requests to, and finishes open requests.
    """

    port: int = Field(PORT, ge=1, le=65535, description="TCP port that it listens on.")
    routes: list[ProxyRoute] = Field([], description="Where requests are sent.")
    config: ConfigFile | None = Field(
        None,
        description="A file with an nginx configuration to use instead, relative to the params' "
        "folder: a complete nginx.conf, or only `server` blocks, which become "
        "/etc/nginx/conf.d/default.conf.",
    )
    image: Image = Field(IMAGE, description="An image with nginx and a shell.")
    user: User | None = Field(
        None,
        description=f"User (and group) that it runs as. Default: `{NGINX}`; with `config`, the "
        "user of the image.",
    )
    cpu: int | None = Field(None, ge=0, description="CPU units reserved for it.")
    memory: int | None = Field(None, ge=6, description="Hard limit of its memory, in MiB.")
    memory_reservation: int | None = Field(
        None, ge=6, description="Memory reserved for it, in MiB."
    )
    init_process_enabled: bool = Field(
        False, description="Run an init process that forwards signals and reaps processes."
    )
    stop_timeout: Annotated[int, duration(10, 120)] = Field(
        30, description="Time in which open requests must end when the task stops."
    )
    health_check: HealthCheck | None = Field(
        None, description="Health check that ECS runs in the container."
    )
    keepalive_timeout: Duration | None = Field(
        None,
        description="Time for which an idle connection is kept open. Default: 15s more than the "
        "longest `idle_timeout` of the load balancers in front of it, at least 75s. A load "
        "balancer answers 502 if nginx closes a connection first.",
    )
    trusted_proxies: UniqueList[Cidr] = Field(
        [],
        description="CIDR blocks of proxies in front of the load balancer, such as CloudFront, "
        "whose X-Forwarded-For is trusted. The load balancer is always trusted.",
    )
    gzip: Switch[Gzip] = Field(
        Gzip.unvalidated(), description="Compress responses; `false` for never."
    )
    error_pages: list[ErrorPage] = Field([], description="Pages for errors.")
    intercept_errors: bool = Field(
        False, description="Whether `error_pages` also replace errors of the application."
    )
    access_log: bool = Field(
        True, description="Write a log of requests, in JSON, to the log of the containers."
    )
    health_path: PlainPath = Field(
        "/nginx-health", description="Path that nginx answers itself, and does not log."
    )
    application_health: ApplicationHealth | None = Field(
        None, description="A path that checks the health of the application, and is not logged."
    )
    resolver: Resolver = Field(
        Resolver.unvalidated(), description="How external hosts are looked up."
    )
    ca_bundle: Folder = Field(
        CA_BUNDLE,
        description="File in the image with the CA certificates for verifying `https://` hosts.",
    )


CONTAINER_KEYS = frozenset(
    {
        *("port", "image", "user", "cpu", "memory", "memory_reservation", "init_process_enabled"),
        *("stop_timeout", "health_check"),
    }
)
"""The keys that are allowed together with `config:`; the file contains all other settings."""
