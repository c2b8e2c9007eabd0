"""The container that answers a load balancer's health check for a UDP service.

A Network Load Balancer checks health over TCP or HTTP, also for UDP listeners (Network Load
Balancers user guide, "Health checks for Network Load Balancer target groups"). The sidecar listens
on its TCP port only while the UDP service of its task answers a probe. docs/health-sidecar.md
describes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path as FilePath
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, WithJsonSchema

from moorage.facts.fargate import MAX_STOP_TIMEOUT
from moorage.findings.finding import Path, Problem
from moorage.findings.wording import shown
from moorage.model import Base, wrong

from ...common.fields import duration, format_duration, text
from ...tasks.containers import Container
from ...tasks.images import Image
from ...tasks.ports import FIRST_UNPRIVILEGED_PORT, Port, PortField

PROGRAM = FilePath(__file__).with_name("program.py")
IMAGE = "public.ecr.aws/docker/library/python:3.13.14-alpine3.24"
UNPRIVILEGED_USER = "65534:65534"

OPEN_FILES = 1024
"""Limit of file descriptors. The program needs 272 for 256 clients, and serves fewer clients with
fewer descriptors. Without this limit it would get that of the instance's Docker daemon."""
_EXIT_TIME = 15
"""Seconds that the sidecar has to exit after the drain."""
MAX_DRAIN = MAX_STOP_TIMEOUT - _EXIT_TIME


def _reject_nul(value: str) -> str:
    """Reject NUL characters: an argument of a program ends at one (execve(2))."""
    if "\0" in value:
        visible = shown(value.replace("\0", r"\0"))
        message = f"{visible} contains a NUL character"
        raise wrong("M1022", message, "Write the bytes below `send_hex:` or `expect_hex:`.")
    return value


def _validate_expression(value: str) -> str:
    """A regular expression for bytes: the program encodes its arguments as UTF-8."""
    try:
        re.compile(value.encode())
    except (re.error, OverflowError, RecursionError) as error:
        reason = error if isinstance(error, re.error) else "it is too large"
        message = f"{shown(value)} is not a regular expression: {reason}"
        hint = "Write a Python regular expression for bytes, such as `^OK` or `\\x01$`."
        raise wrong("M2575", message, hint) from None
    return value


def _validate_dns_name(value: str) -> str:
    """RFC 1035, 2.3.4: labels of 1 to 63 characters, at most 253 in total; `.` is the root."""
    label = r"[A-Za-z0-9_-]{1,63}"
    if value != "." and not re.fullmatch(rf"(?=.{{1,253}}\.?$){label}(\.{label})*\.?", value):
        hint = "Write a name like `example.com`: at most 63 characters between dots, 253 in total."
        raise wrong("M2576", f"{shown(value)} is not a DNS name", hint)
    return value


Hex = Annotated[str, text(r"([0-9a-fA-F]{2})+", "bytes in hexadecimal", "01ff00")]
Text = Annotated[str, AfterValidator(_reject_nul)]
DnsName = Annotated[
    str,
    AfterValidator(_validate_dns_name),
    WithJsonSchema({"type": "string", "takes": "a DNS name such as `example.com`"}),
]


class Sidecar(Base):
    """A container that answers health checks while the UDP service answers probes."""

    probe: Literal["dns", "ntp", "echo", "send", "none"] = Field(
        description="What is sent to the service: a DNS query (`dns`), an NTP request (`ntp`), "
        "bytes that it must send back (`echo`) or your own bytes (`send`). `none` sends nothing: "
        "it only checks that a socket is bound to the port, and does not notice a service that "
        "hangs."
    )
    name: DnsName | None = Field(
        None, description="Name that `dns` queries. Default: the root zone, for its name servers."
    )
    send: Text | None = Field(None, description="What `send` sends, as text.")
    send_hex: Hex | None = Field(None, description="What `send` sends, in hexadecimal.")
    expect: Annotated[Text, AfterValidator(_validate_expression)] | None = Field(
        None, description="Regular expression that is searched for in the reply to `send`."
    )
    expect_hex: Hex | None = Field(
        None, description="The complete reply to `send`, in hexadecimal."
    )
    port: PortField = Field(Port(8080), description="TCP port of the sidecar, 1024 or higher.")
    mode: Literal["tcp", "http"] = Field("tcp", description="Protocol of the health check.")
    interval: Annotated[int, duration(1, 300)] = Field(5, description="Time between probes.")
    timeout: Annotated[int, duration(1, 60)] = Field(
        2, description="Time after which a probe fails."
    )
    rise: int = Field(
        1, ge=1, le=100, description="Consecutive successful probes until it listens."
    )
    fall: int = Field(
        3, ge=1, le=100, description="Consecutive failed probes until it stops listening."
    )
    drain: Annotated[int, duration(0, MAX_DRAIN)] | None = Field(
        None,
        description="When the task is stopped, time for which the service continues to run after "
        "the sidecar has stopped listening. Default: the time until the load balancer notices, "
        f"`interval` x `unhealthy_threshold` of the health check, at most {MAX_DRAIN}s. `0s` stops "
        "the service immediately.",
    )
    image: Image = Field(IMAGE, description="An image with Python 3.9 or later as `python3`.")
    cpu: int = Field(32, ge=1, description="CPU units; a part of those of the task.")
    memory: int = Field(64, ge=32, description="Memory in MiB; a part of that of the task.")


def sidecar_problems(params: Sidecar, path: Path) -> Iterator[Problem]:
    """Problems of the params of a sidecar."""
    sends = [key for key in ("send", "send_hex") if getattr(params, key) is not None]
    expects = [key for key in ("expect", "expect_hex") if getattr(params, key) is not None]
    if params.probe == "send":
        if len(sends) != 1:
            requests = "two requests" if sends else "no request"
            hint = "Write either `send:` or `send_hex:`."
            yield Problem("M2570", path, f"The probe `send` has {requests}", hint)
        if len(expects) != 1:
            replies = "two expected replies" if expects else "no expected reply"
            hint = "Write either `expect:` or `expect_hex:`."
            yield Problem("M2570", path, f"The probe `send` has {replies}", hint)
    else:
        for key in (*sends, *expects):
            message = f"`{key}` has no effect with the probe `{params.probe}`"
            yield Problem(
                "M2571", (*path, key), message, f"Remove `{key}`, or write `probe: send`."
            )
    if params.name is not None and params.probe != "dns":
        message = f"`name` has no effect with the probe `{params.probe}`"
        yield Problem("M2571", (*path, "name"), message, "Remove `name`, or write `probe: dns`.")
    if params.timeout > params.interval:
        hint = f"Write at most `{params.interval}s`, or a longer `interval`."
        message = (
            f"The timeout of {params.timeout}s is longer than the interval of {params.interval}s"
        )
        yield Problem("M2572", (*path, "timeout"), message, hint)
    if params.port.protocol != "tcp":
        message = f"`{params.port}` is not a TCP port, and load balancers check health over TCP"
        yield Problem("M2573", (*path, "port"), message, f"Write `{params.port.number}`.")
    elif params.port.number < FIRST_UNPRIVILEGED_PORT:
        message = (
            "The sidecar does not run as root, and only root can listen on port "
            f"{params.port.number}"
        )
        hint = (
            f"Write a port from {FIRST_UNPRIVILEGED_PORT}. Only the load balancer connects to it."
        )
        yield Problem("M2573", (*path, "port"), message, hint)


@cache
def read_program() -> str:
    """The source of the program that runs in the sidecar."""
    return PROGRAM.read_text(encoding="utf-8")


def sidecar_name(udp_port: int) -> str:
    """Name of the sidecar container for a UDP port."""
    return f"health-{udp_port}"


def resolve_drain(params: Sidecar, detection_time: int) -> int:
    """Seconds for which the sidecar keeps running after it has stopped listening: by default
    `detection_time`, after which the load balancer has noticed."""
    return min(detection_time, MAX_DRAIN) if params.drain is None else params.drain


def sidecar_container(
    params: Sidecar, service: str, udp_port: int, detection_time: int, *, ipv6: bool = False
) -> Container:
    """The sidecar for one UDP port of the container `service`.

    `detection_time` is as in `resolve_drain`. `ipv6` is whether the load balancer sends packets
    over IPv6: the probe uses the same IP version, because a service may listen on one of them only.

    The sidecar depends on the service. ECS stops containers in the reverse order, so the sidecar
    gets its SIGTERM first and stops listening, and the service runs until the sidecar has exited.
    """
    arguments = _arguments(params, udp_port, detection_time, "::1" if ipv6 else None)
    return Container.model_validate(
        {
            "image": params.image,
            "command": ["python3", "-u", "-c", read_program(), *arguments],
            "ports": [str(params.port)],
            "cpu": params.cpu,
            "memory": params.memory,
            "user": UNPRIVILEGED_USER,
            "readonly_root_filesystem": True,
            "drop_capabilities": ["ALL"],
            "ulimits": {"nofile": {"soft": OPEN_FILES, "hard": OPEN_FILES}},
            "health_check": {"command": _health_command(params.port.number)},
            "depends_on": {service: "START"},
            "stop_timeout": format_duration(resolve_drain(params, detection_time) + _EXIT_TIME),
        }
    )


def _arguments(params: Sidecar, udp_port: int, detection_time: int, host: str | None) -> list[str]:
    values = {
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
        "--drain": resolve_drain(params, detection_time),
    }
    return [f"{flag}={value}" for flag, value in values.items() if value is not None]


def _health_command(port: int) -> list[str]:
    """The container health check of the sidecar, which passes while its event loop runs, whether or
    not the service answers."""
    program = (
        "import socket; s = socket.socket(socket.AF_UNIX); s.settimeout(3); "
        f"s.connect('\\0health-sidecar-{port}'); raise SystemExit(not s.recv(1))"
    )
    return ["CMD", "python3", "-ISc", program]
