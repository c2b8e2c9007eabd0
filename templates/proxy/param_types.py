"""Types of the settings of `proxy:`."""

from __future__ import annotations

import re
from ipaddress import IPv4Address
from typing import Annotated, Any

from pydantic import AfterValidator, Field, PlainSerializer, PlainValidator, WithJsonSchema

from moorage.facts.container_definitions import CONTAINER_NAME
from moorage.findings.wording import shown
from moorage.model import wrong
from moorage.records import record

from ..common.fields import duration, text

RESOLVER = "169.254.169.253"
"""The DNS server of the VPC (Amazon VPC user guide, "Understanding Amazon DNS")."""


# Where requests are sent ---------------------------------------------------------------------


@record
class Target:
    """Where a route sends requests: `to:`."""

    scheme: str
    """container, http, https or fastcgi"""
    host: str
    """The name of a container of the task, or an external host."""
    port: int | None
    path: str
    """What replaces the part of the path that the route matched; empty if the path is kept."""

    @property
    def outside(self) -> bool:
        """Whether it is an external host, which nginx looks up in the DNS."""
        return self.scheme in ("http", "https")

    def __str__(self) -> str:
        scheme = "" if self.scheme == "container" else f"{self.scheme}://"
        port = f":{self.port}" if self.port else ""
        return f"{scheme}{self.host}{port}{self.path}"


_TARGET = re.compile(
    r"(?:(?P<scheme>https?|fastcgi)://)?(?P<host>[A-Za-z0-9_.-]+)(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[A-Za-z0-9._~!&()*+,=:@/-]*)?",
    re.ASCII,
)
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*", re.IGNORECASE)
_CONTAINER = re.compile(CONTAINER_NAME)
_FORMS = "Write a container (`web`, `web:3000`), `https://host` or `fastcgi://container:9000`."


def _parse_target(value: Any) -> Target:
    match = _TARGET.fullmatch(value) if isinstance(value, str) else None
    if isinstance(value, str) and "?" in value:
        hint = "Remove it: the query string of the request is always passed on."
        raise wrong("M3040", f"{shown(value)} has a query string", hint)
    port = int(match["port"]) if match and match["port"] else None
    if not match or not (port is None or 1 <= port <= 65535):
        raise wrong("M3040", f"{shown(value)} is not a target of a route", _FORMS)
    scheme, path = match["scheme"] or "container", match["path"] or ""
    external = scheme in ("http", "https")
    if not (_HOST if external else _CONTAINER).fullmatch(match["host"]):
        hint = "Write `https://` before an external host." if "." in match["host"] else _FORMS
        raise wrong("M3040", f"{shown(value)} is not a target of a route", hint)
    if external:
        _check_external_host(match["host"], value)
    if scheme == "fastcgi" and path:
        message = f"{shown(value)} has a path, and FastCGI takes a script instead"
        raise wrong("M3040", message, "Write the folder as `root:`, a single script as `script:`.")
    return Target(scheme, match["host"], port, path)


def _check_external_host(host: str, value: str) -> None:
    """Refuses hosts that are not in the DNS, the only place where nginx looks up a host in a
    variable (ngx_http_core_module, resolver). The task itself and the names of Service Connect are
    in /etc/hosts (Amazon ECS developer guide, "Service Connect components")."""
    if host.lower() == "localhost" or re.fullmatch(r"127(\.[0-9]{1,3}){3}", host):
        hint = "Write the name of its container, such as `web:3000`."
        raise wrong("M3041", f"{shown(value)} is this task, not an external host", hint)
    if "." not in host:
        message = f"{shown(value)} has no domain, so nginx cannot resolve it"
        hint = "Write a container without `http://`, or the full name of a host. Names of Service "
        hint += "Connect are not in the DNS, those of `discovery` are."
        raise wrong("M3041", message, hint)


TargetField = Annotated[
    Target,
    PlainValidator(_parse_target),
    PlainSerializer(str, when_used="json"),
    WithJsonSchema(
        {
            "type": "string",
            "examples": ["web:3000", "https://login.example.com", "fastcgi://php:9000"],
            "takes": "`container[:port][/path]`, `https://host[:port][/path]` or "
            "`fastcgi://container[:port]`",
        }
    ),
]


# Which requests ------------------------------------------------------------------------------


def _check_expression(value: str) -> str:
    """Refuses text that is not a regular expression. Python checks it; syntax of PCRE that Python
    does not have is left to nginx."""
    try:
        re.compile(re.sub(r"\(\?<(?=[A-Za-z_])", "(?P<", value))
    except (re.error, OverflowError, RecursionError) as error:
        if "bad escape" not in str(error) and "unknown extension" not in str(error):
            message = f"{shown(value)} is not a regular expression: {error}"
            raise wrong("M3043", message, "Write for example `\\.php$`.") from None
    return _check_printable(value)


def _check_path(value: str) -> str:
    """Refuses paths that no request has as nginx compares them: decoded, with slashes merged and
    dots resolved, and without the query string (nginx documentation, location)."""
    normalized = re.sub(r"/\.?(?=/)", "", value.partition("?")[0].partition("*")[0])
    if "?" in value:
        message = f"{shown(value)} has a query string, but nginx compares only the path"
        raise wrong("M3042", message, f"Write `{normalized}`.")
    if "*" in value:
        message = f"{shown(value)} has a `*`, which is not a wildcard in `path`"
        hint = f"Write `{normalized}` for all paths that begin with it, or an expression as "
        hint += "`match:`."
        raise wrong("M3042", message, hint)
    if re.search(r"%[0-9A-Fa-f]{2}", value):
        message = f"{shown(value)} is percent-encoded, but nginx compares it with decoded paths"
        raise wrong("M3042", message, "Write it decoded, or write an expression as `match:`.")
    if re.search(r"//|/\.\.?(/|$)", value):
        message = f"{shown(value)} matches no request: nginx first resolves `//`, `.` and `..`"
        hint = "Remove them." if "/.." in value else f"Write `{normalized}`."
        raise wrong("M3042", message, hint)
    return value


# Texts ---------------------------------------------------------------------------------------


def _check_printable(value: str) -> str:
    """Refuses text that cannot be on one line of a configuration."""
    if not value or any(ord(letter) < 32 or ord(letter) == 127 for letter in value):
        message = f"{shown(value)} is empty, or has a tab, a new line or a control character"
        raise wrong("M3044", message, "Write text on one line, without tabs.")
    return value


def _check_header_value(value: str) -> str:
    return _check_printable(value) if value else value


def _check_body(value: str) -> str:
    """Refuses characters that an environment variable or a YAML file cannot have."""
    if re.search(r"[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f]", value):
        hint = "Remove it; new lines and tabs are allowed."
        raise wrong("M3044", "The page has a control character", hint)
    return value


def _check_server_address(value: str) -> str:
    host, _, port = value.partition(":")
    try:
        IPv4Address(host)
    except ValueError:
        port = "0"
    if port and not 1 <= int(port) <= 65535:
        hint = f"Write one like `{RESOLVER}`."
        raise wrong("M3045", f"{shown(value)} is not the address of a DNS server", hint)
    return value


Expression = Annotated[
    str,
    AfterValidator(_check_expression),
    WithJsonSchema({"type": "string", "takes": "a regular expression such as `\\.php$`"}),
]
RoutePath = Annotated[
    str,
    text(r"(= ?)?/[^\s{};\"'\\#$]*", "a path, with or without `= ` before it", "/api/"),
    AfterValidator(_check_path),
]
PlainPath = Annotated[str, text(r"/[^\s{};\"'\\#$?]*", "a path", "/healthz")]
Folder = Annotated[str, text(r"/[^\s{};\"'\\#$]*", "an absolute path", "/var/www/public")]
HeaderName = Annotated[str, text(r"[A-Za-z0-9-]+", "the name of a header", "X-Frame-Options")]
HeaderValue = Annotated[str, AfterValidator(_check_header_value)]
PageBody = Annotated[str, AfterValidator(_check_body)]
Size = Annotated[str, text(r"0|[1-9][0-9]{0,8}[kmg]", "a size in k, m or g", "200m")]
Rate = Annotated[str, text(r"[1-9][0-9]{0,5}r/[sm]", "a rate of requests", "10r/s")]
ServerAddress = Annotated[
    str,
    text(r"[0-9]{1,3}(\.[0-9]{1,3}){3}(:[0-9]{1,5})?", "the address of a DNS server", RESOLVER),
    AfterValidator(_check_server_address),
]
MediaType = Annotated[str, text(r"[a-z0-9.+-]+/[a-z0-9.+*-]+", "a media type", "application/json")]
Status = Annotated[int, Field(ge=400, le=599)]
Timeout = Annotated[int, duration(1, 86400)]
# nginx documentation, proxy_connect_timeout: "this timeout cannot usually exceed 75 seconds".
ConnectTimeout = Annotated[int, duration(1, 75)]
