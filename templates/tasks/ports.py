"""Ports, as they are written in params."""

from __future__ import annotations

import re
from dataclasses import field
from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from moorage.findings.wording import shown
from moorage.model import wrong
from moorage.records import record

FIRST_UNPRIVILEGED_PORT = 1024
"""Lower ports need root or a capability (ip(7)), which ECS does not add for other users
(aws/containers-roadmap issue 1721)."""


@record
class Port:
    """A port that a container or a load balancer listens on."""

    number: int
    protocol: str = "tcp"
    """`tcp` or `udp`; for listeners also `tls`, `tcp_udp`, `quic` or `tcp_quic`."""
    host: int | None = field(default=None, compare=False)
    """Containers only: the port of the instance, 0 for a free port that Docker chooses."""
    name: str = field(default="", compare=False)
    """Containers only: the name of the port mapping, which Service Connect refers to."""
    app_protocol: str | None = field(default=None, compare=False)
    """Containers only: the application protocol, for Service Connect."""

    def __str__(self) -> str:
        return str(self.number) if self.protocol == "tcp" else f"{self.number}/{self.protocol}"


def _validate_port(value: Any) -> Port:
    hint = "Write a port from 1 to 65535: `8080`, `8080/tcp` or `1234/udp`."
    return _parse_port(value, "tcp|udp", hint)


def _validate_container_port(value: Any) -> Port:
    host, colon, container = str(value).rpartition(":")
    if not colon:
        return _validate_port(value)
    hint = "Write the container's port, or the instance's port and the container's: `80:8080`."
    match = re.fullmatch(r"[0-9]{1,5}:[0-9]{1,5}(/(tcp|udp))?", str(value))
    if not match:
        raise wrong("M2601", f"{shown(value)} is not a port", hint)
    port = _parse_port(container, "tcp|udp", hint)
    return Port(port.number, port.protocol, _parse_port(host, "tcp", hint).number)


def _validate_listener_port(value: Any) -> Port:
    hint = "Write `8080`, or with a protocol `443/tls`, `8443/tcp`, `1234/udp` or `53/tcp_udp`."
    return _parse_port(value, "tcp|udp|tls|tcp_udp|quic|tcp_quic", hint)


def _parse_port(value: Any, protocols: str, hint: str) -> Port:
    match = re.fullmatch(rf"([0-9]{{1,5}})(?:/({protocols}))?", str(value))
    is_scalar = isinstance(value, int | str) and not isinstance(value, bool)
    if not match or not is_scalar or not 1 <= int(match[1]) <= 65535:
        raise wrong("M2601", f"{shown(value)} is not a port", hint)
    return Port(int(match[1]), match[2] or "tcp")


def _port_schema(protocols: str) -> WithJsonSchema:
    return WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": 65535},
                {"type": "string", "pattern": rf"^[0-9]{{1,5}}(/({protocols}))?$"},
            ]
        }
    )


def _format_port(port: Port) -> int | str:
    """The port as it is written in params; an integer if the protocol is TCP."""
    text = str(port) if port.host is None else f"{port.host}:{port}"
    return int(text) if text.isdecimal() else text


_AS_WRITTEN = PlainSerializer(_format_port, when_used="json")

PortField = Annotated[Port, PlainValidator(_validate_port), _AS_WRITTEN, _port_schema("tcp|udp")]
"""A port with its protocol: `8080`, `1234/udp`."""

ContainerPort = Annotated[
    Port,
    PlainValidator(_validate_container_port),
    _AS_WRITTEN,
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": 65535},
                {"type": "string", "pattern": r"^([0-9]{1,5}:)?[0-9]{1,5}(/(tcp|udp))?$"},
            ]
        }
    ),
]
"""A port of a container, with a port of the instance before it if one is fixed: `80:8080`."""

ListenerPort = Annotated[
    Port,
    PlainValidator(_validate_listener_port),
    _AS_WRITTEN,
    _port_schema("tcp|udp|tls|tcp_udp|quic|tcp_quic"),
]
"""A port of an `expose:` entry, with the protocol of a listener: `443/tls`, `1234/udp`."""
