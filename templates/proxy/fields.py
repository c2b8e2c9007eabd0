"""Types of the fields below `proxy:`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Annotated, Any

from pydantic import AfterValidator, Field, PlainSerializer, PlainValidator, WithJsonSchema

from moorage.findings.wording import shown
from moorage.model import wrong

from ..common.fields import duration, text

RESOLVER = "169.254.169.253"
"""The VPC's own DNS server (Amazon VPC user guide, "Understanding Amazon DNS")."""


@dataclass(frozen=True)
class Target:
    """Where a route leads."""

    scheme: str
    """container, http, https or fastcgi"""
    host: str
    """The name of a container of the task, or a host outside."""
    port: int | None
    path: str
    """What replaces the part of the path that the route matched; empty where that stays."""

    @property
    def outside(self) -> bool:
        """Whether it is a host that is asked by its name in the DNS."""
        return self.scheme in ("http", "https")

    def __str__(self) -> str:
        scheme = "" if self.scheme == "container" else f"{self.scheme}://"
        port = f":{self.port}" if self.port else ""
        return f"{scheme}{self.host}{port}{self.path}"


_TARGET = re.compile(
    r"(?:(?P<scheme>https?|fastcgi)://)?(?P<host>[A-Za-z0-9_.-]+)(?::(?P<port>\d{1,5}))?"
    r"(?P<path>/[A-Za-z0-9._~!&()*+,=:@/-]*)?"
)
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*", re.IGNORECASE)
_CONTAINER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,254}")
_TO = "Write a container (`web`, `web:3000`), `https://host` or `fastcgi://container:9000`."


def _check_outside(host: str, value: str) -> None:
    """nginx asks the DNS alone for a host that it resolves anew (ngx_http_core_module, resolver).
    What stands in /etc/hosts only is not there: this task itself, and the names of Service Connect
    (Amazon ECS developer guide, "Service Connect components")."""
    if host.lower() == "localhost" or re.fullmatch(r"127(\.\d{1,3}){3}", host):
        hint = "Write the name of its container, such as `web:3000`."
        raise wrong("M1107", f"{shown(value)} is this task, and no host outside", hint)
    if "." not in host:
        message = f"{shown(value)} is a name without a domain, which the DNS does not know"
        hint = "Write a container without `http://`, or the whole name of a host: names of Service "
        raise wrong(
            "M1107", message, f"{hint}Connect are not in the DNS, those of `discovery` are."
        )


def _target(value: Any) -> Target:
    match = _TARGET.fullmatch(value) if isinstance(value, str) else None
    if isinstance(value, str) and "?" in value:
        hint = "Leave it out: the query string of the request is passed on."
        raise wrong("M1107", f"{shown(value)} holds a query string", hint)
    port = int(match["port"]) if match and match["port"] else None
    if not match or not (port is None or 1 <= port <= 65535):
        raise wrong("M1107", f"{shown(value)} is not what a route can lead to", _TO)
    scheme, path = match["scheme"] or "container", match["path"] or ""
    outside = scheme in ("http", "https")
    if not (_HOST if outside else _CONTAINER).fullmatch(match["host"]):
        hint = "Write `https://` before a host outside." if "." in match["host"] else _TO
        raise wrong("M1107", f"{shown(value)} is not what a route can lead to", hint)
    if outside:
        _check_outside(match["host"], value)
    if scheme == "fastcgi" and path:
        message = f"{shown(value)} holds a path, and FastCGI asks for a script"
        raise wrong("M1107", message, "Write the folder as `root:`, one script as `script:`.")
    return Target(scheme, match["host"], port, path)


TargetField = Annotated[
    Target,
    PlainValidator(_target),
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
"""Where a route leads."""


def _expression(value: str) -> str:
    """One of PCRE's; what only Python's does not know is left to nginx."""
    try:
        re.compile(re.sub(r"\(\?<(?=[A-Za-z_])", "(?P<", value))
    except (re.error, OverflowError, RecursionError) as error:
        if "bad escape" not in str(error) and "unknown extension" not in str(error):
            message = f"{shown(value)} is not a regular expression: {error}"
            raise wrong("M1107", message, "Write one such as `\\.php$`.") from None
    return _plain(value)


def _plain(value: str) -> str:
    """Text that can stand in a configuration: on one line, without what no line can hold."""
    if not value or any(ord(letter) < 32 or ord(letter) == 127 for letter in value):
        message = f"{shown(value)} cannot stand in the configuration"
        raise wrong("M1107", message, "Write it on one line, without tabs.")
    return value


def _header_value(value: str) -> str:
    return _plain(value) if value else value


def _asked(value: str) -> str:
    """A path that requests can have as nginx compares it: decoded, with slashes merged and dots
    resolved, without the query string (nginx documentation, location)."""
    plain = re.sub(r"/\.?(?=/)", "", value.partition("?")[0].partition("*")[0])
    if "?" in value:
        raise wrong("M1107", f"{shown(value)} holds a query string", f"Write `{plain}`.")
    if "*" in value:
        message = f"{shown(value)} holds `*`, which is no wildcard here"
        hint = f"Write `{plain}` for all that begins with it, or an expression as `match:`."
        raise wrong("M1107", message, hint)
    if re.search(r"%[0-9A-Fa-f]{2}", value):
        hint = "Write it decoded, or an expression as `match:`."
        raise wrong("M1107", f"{shown(value)} is encoded, and is compared with what is not", hint)
    if re.search(r"//|/\.\.?(/|$)", value):
        message = f"{shown(value)} is no path that nginx sees: it resolves `//`, `.` and `..`"
        hint = "Leave them out." if "/.." in value else f"Write `{plain}`."
        raise wrong("M1107", message, hint)
    return value


def check_body(value: str) -> str:
    """Text of any lines, as far as a variable of the environment can hold it."""
    if re.search(r"[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f]", value):
        hint = "Leave out what is no letter; new lines and tabs may stand."
        raise wrong("M1107", "A control character cannot stand in a page", hint)
    return value


def _server_address(value: str) -> str:
    """nginx does not start with an address that is none."""
    host, _, port = value.partition(":")
    try:
        IPv4Address(host)
    except ValueError:
        port = "0"
    if port and not 1 <= int(port) <= 65535:
        hint = f"Write one like `{RESOLVER}`."
        raise wrong("M1107", f"{shown(value)} is not the address of a DNS server", hint)
    return value


Expression = Annotated[
    str,
    AfterValidator(_expression),
    WithJsonSchema({"type": "string", "takes": "a regular expression such as `\\.php$`"}),
]
RoutePath = Annotated[
    str,
    text(r"(= ?)?/[^\s{};\"'\\#$]*", "a path, with or without `= ` before it", "/api/"),
    AfterValidator(_asked),
]
OwnPath = Annotated[str, text(r"/[^\s{};\"'\\#$?]*", "a path", "/healthz")]
Folder = Annotated[str, text(r"/[^\s{};\"'\\#$]*", "an absolute path", "/var/www/public")]
HeaderName = Annotated[str, text(r"[A-Za-z0-9-]+", "the name of a header", "X-Frame-Options")]
HeaderValue = Annotated[str, AfterValidator(_header_value)]
Size = Annotated[str, text(r"0|[1-9][0-9]{0,8}[kmg]", "a size in k, m or g", "200m")]
Rate = Annotated[str, text(r"[1-9][0-9]{0,5}r/[sm]", "a rate of requests", "10r/s")]
ServerAddress = Annotated[
    str,
    text(r"\d{1,3}(\.\d{1,3}){3}(:\d{1,5})?", "the address of a DNS server", RESOLVER),
    AfterValidator(_server_address),
]
MediaType = Annotated[str, text(r"[a-z0-9.+-]+/[a-z0-9.+*-]+", "a media type", "application/json")]
Status = Annotated[int, Field(ge=400, le=599)]
Timeout = Annotated[int, duration(1, 86400)]
# nginx documentation, proxy_connect_timeout: "this timeout cannot usually exceed 75 seconds".
ConnectTimeout = Annotated[int, duration(1, 75)]
