"""The container that answers a load balancer's health check for a UDP service.

A Network Load Balancer checks health over TCP or HTTP, for UDP as well (Network Load Balancers user
guide, "Health checks for Network Load Balancer target groups"). The sidecar opens its port only
while the UDP service of its task really answers a probe. docs/health-sidecar.md tells more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path as FilePath
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, WithJsonSchema

from moorage.findings.finding import Path, Problem
from moorage.findings.wording import shown
from moorage.model import Base, wrong

from ...common.fields import duration, format_duration, text
from ...tasks.containers import Container, Port, PortField
from ...tasks.images import Image

PROGRAM = FilePath(__file__).with_name("program.py")
IMAGE = "public.ecr.aws/docker/library/python:3.13.14-alpine3.24"
NOBODY = "65534:65534"
MIN_PORT = 1024
"""Ports below are for root or a capability (ip(7)), which ECS adds for nobody else
(aws/containers-roadmap issue 1721)."""
_STOP = 120
"""Seconds between SIGTERM and SIGKILL at most (Amazon ECS API reference, ContainerDefinition,
stopTimeout)."""
_SLACK = 15
"""Seconds of these that are left when the drain is over."""
MAX_DRAIN = _STOP - _SLACK


def _without_nul(value: str) -> str:
    """The argument of a program ends at a NUL (execve(2))."""
    if "\0" in value:
        plain = shown(value.replace("\0", r"\0"))
        message = f"{plain} holds a NUL, which no argument of a command can"
        raise wrong("M1107", message, "Write the bytes below `send_hex:` or `expect_hex:`.")
    return value


def _expression(value: str) -> str:
    """One for bytes: the program encodes its arguments as UTF-8."""
    try:
        re.compile(value.encode())
    except (re.error, OverflowError, RecursionError) as error:
        reason = error if isinstance(error, re.error) else "it is too large"
        message = f"{shown(value)} is not a regular expression: {reason}"
        raise wrong("M1107", message, "Write one for bytes, such as `^OK` or `\\x01$`.") from None
    return value


def _dns_name(value: str) -> str:
    """RFC 1035, 2.3.4: labels of 1 to 63 letters, 253 in all as text; `.` is the root."""
    label = r"[A-Za-z0-9_-]{1,63}"
    if value != "." and not re.fullmatch(rf"(?=.{{1,253}}\.?$){label}(\.{label})*\.?", value):
        hint = "Write one like `example.com`: up to 63 letters between dots, 253 in all."
        raise wrong("M1107", f"{shown(value)} is not a DNS name", hint)
    return value


Hex = Annotated[str, text(r"([0-9a-fA-F]{2})+", "bytes in hexadecimal", "01ff00")]
Text = Annotated[str, AfterValidator(_without_nul)]
DnsName = Annotated[
    str,
    AfterValidator(_dns_name),
    WithJsonSchema({"type": "string", "takes": "a DNS name such as `example.com`"}),
]


class Sidecar(Base):
    """A container that answers the health check while the UDP service answers a probe."""

    probe: Literal["dns", "ntp", "echo", "send", "none"] = Field(
        description="What the service is asked: a DNS query, an NTP request, bytes that must come "
        "back (`echo`), bytes of your own (`send`), or nothing: `none` only watches that the port "
        "is bound, and cannot see a service that hangs."
    )
    name: DnsName | None = Field(None, description="Name that `dns` asks for; the root's servers.")
    send: Text | None = Field(None, description="What `send` sends, as text.")
    send_hex: Hex | None = Field(None, description="What `send` sends, in hexadecimal.")
    expect: Annotated[Text, AfterValidator(_expression)] | None = Field(
        None, description="Regular expression that the reply to `send` must match."
    )
    expect_hex: Hex | None = Field(None, description="The reply, in hexadecimal.")
    port: PortField = Field(Port(8080), description="TCP port that it answers on, 1024 or above.")
    mode: Literal["tcp", "http"] = Field("tcp", description="What the load balancer asks by.")
    interval: Annotated[int, duration(1, 300)] = Field(5, description="Time between probes.")
    timeout: Annotated[int, duration(1, 60)] = Field(2, description="Time that a reply may take.")
    rise: int = Field(1, ge=1, le=100, description="Good probes in a row that open the port.")
    fall: int = Field(3, ge=1, le=100, description="Bad probes in a row that close it.")
    drain: Annotated[int, duration(0, MAX_DRAIN)] | None = Field(
        None,
        description="Time for which the service goes on when a task stops, behind a closed port. "
        "Default: what the load balancer needs to notice, `interval` x `unhealthy_threshold` of "
        f"the health check, {MAX_DRAIN}s at most. `0s` stops both at once.",
    )
    image: Image = Field(IMAGE, description="An image with Python 3.9 or newer as `python3`.")
    cpu: int = Field(32, ge=1, description="CPU units of the task's that it gets.")
    memory: int = Field(64, ge=32, description="MiB of the task's that it gets.")


def sidecar_problems(params: Sidecar, path: Path) -> Iterator[Problem]:
    """What is wrong with a sidecar by itself."""
    sends = [key for key in ("send", "send_hex") if getattr(params, key) is not None]
    expects = [key for key in ("expect", "expect_hex") if getattr(params, key) is not None]
    if params.probe == "send":
        if len(sends) != 1:
            hint = "Write either `send:` or `send_hex:`."
            yield Problem("M1108", path, "The probe needs one thing to send", hint)
        if len(expects) != 1:
            hint = "Write either `expect:` or `expect_hex:`."
            yield Problem("M1108", path, "The probe needs one thing to expect", hint)
    else:
        for key in (*sends, *expects):
            message = f"`{key}` has no meaning for the probe `{params.probe}`"
            yield Problem("M1220", (*path, key), message, "Remove it, or write `probe: send`.")
    if params.name is not None and params.probe != "dns":
        message = f"`name` has no meaning for the probe `{params.probe}`"
        yield Problem("M1220", (*path, "name"), message, "Remove it, or write `probe: dns`.")
    if params.timeout > params.interval:
        hint = f"Write at most `{params.interval}s`, or raise `interval`."
        message = f"The timeout of {params.timeout}s is above the interval of {params.interval}s"
        yield Problem("M1105", (*path, "timeout"), message, hint)
    if params.port.protocol != "tcp":
        message = "Load balancers ask over TCP"
        yield Problem("M1107", (*path, "port"), message, f"Write `{params.port.number}`.")
    elif params.port.number < MIN_PORT:
        message = f"Only root may listen on port {params.port.number}, and the sidecar is not root"
        hint = f"Write one from {MIN_PORT}: the load balancer asks it, and no client needs to know."
        yield Problem("M1105", (*path, "port"), message, hint)


@cache
def program() -> str:
    """The source of what runs in the sidecar, word for word."""
    return PROGRAM.read_text(encoding="utf-8")


def container_name(udp_port: int) -> str:
    """Name of the sidecar for the service on a port."""
    return f"health-{udp_port}"


def drain(params: Sidecar, noticed: int) -> int:
    """Seconds that a sidecar stays behind its closed port, which is `noticed` after so many."""
    return min(noticed, MAX_DRAIN) if params.drain is None else params.drain


def sidecar_container(
    params: Sidecar, service: str, udp_port: int, noticed: int, *, ipv6: bool = False
) -> Container:
    """The sidecar of one container's UDP port; `noticed` as in `drain`, `ipv6` where that is what
    packets come by, as a service may listen on one kind of addresses only.

    It waits for the service to start. ECS stops containers in the reverse order, so the sidecar
    gets its SIGTERM first, closes its port, and the service runs on until the sidecar has ended.
    """
    arguments = _arguments(params, udp_port, noticed, "::1" if ipv6 else None)
    return Container.model_validate(
        {
            "image": params.image,
            "command": ["python3", "-u", "-c", program(), *arguments],
            "ports": [str(params.port)],
            "cpu": params.cpu,
            "memory": params.memory,
            "user": NOBODY,
            "readonly_root_filesystem": True,
            "drop_capabilities": ["ALL"],
            "health_check": {"command": _alive(params.port.number)},
            "depends_on": {service: "START"},
            "stop_timeout": format_duration(drain(params, noticed) + _SLACK),
        }
    )


def _arguments(params: Sidecar, udp_port: int, noticed: int, host: str | None) -> list[str]:
    given = {
        "--listen": params.port.number,
        "--mode": params.mode,
        "--probe": params.probe,
        "--host": host,
        "--port": udp_port,
        "--name": params.name,
        "--send": params.send,
        "--send-hex": params.send_hex,
        "--expect": params.expect,
        "--expect-hex": params.expect_hex,
        "--interval": params.interval,
        "--timeout": params.timeout,
        "--rise": params.rise,
        "--fall": params.fall,
        "--drain": drain(params, noticed),
    }
    return [f"{flag}={value}" for flag, value in given.items() if value is not None]


def _alive(port: int) -> list[str]:
    """ECS's own check of the sidecar: its loop answers, whether the service does or not."""
    ask = (
        "import socket; s = socket.socket(socket.AF_UNIX); s.settimeout(3); "
        f"s.connect('\\0health-sidecar-{port}'); raise SystemExit(not s.recv(1))"
    )
    return ["CMD", "python3", "-ISc", ask]
