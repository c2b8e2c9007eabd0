"""Ports as params write them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema

from moorage.findings.wording import shown
from moorage.model import wrong


@dataclass(frozen=True)
class Port:
    """A port that a container or a load balancer listens on."""

    number: int
    protocol: str = "tcp"
    """tcp or udp; a listener's also tls, tcp_udp, quic or tcp_quic"""
    host: int | None = field(default=None, compare=False)
    """A container's: the instance's port that leads to it, 0 for any that is free."""
    name: str = field(default="", compare=False)
    """A container's: by what Service Connect knows it, where it does."""
    app_protocol: str | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return str(self.number) if self.protocol == "tcp" else f"{self.number}/{self.protocol}"


def _port(value: Any) -> Port:
    hint = "Write `8080`, `8080/tcp` or `1234/udp`, from 1 to 65535."
    return _parsed(value, "tcp|udp", hint)


def _container_port(value: Any) -> Port:
    host, colon, port = str(value).rpartition(":")
    if not colon:
        return _port(value)
    hint = "Write the port alone, or a port of the instance before it: `80:8080`."
    match = re.fullmatch(r"\d{1,5}:\d{1,5}(/(tcp|udp))?", str(value))
    if not match:
        raise wrong("M1107", f"{shown(value)} is not a port", hint)
    found = _parsed(port, "tcp|udp", hint)
    return Port(found.number, found.protocol, _parsed(host, "tcp", hint).number)


def _listener_port(value: Any) -> Port:
    hint = "Write `8080`, or with a protocol `443/tls`, `8443/tcp`, `1234/udp` or `53/tcp_udp`."
    return _parsed(value, "tcp|udp|tls|tcp_udp|quic|tcp_quic", hint)


def _parsed(value: Any, protocols: str, hint: str) -> Port:
    match = re.fullmatch(rf"(\d{{1,5}})(?:/({protocols}))?", str(value))
    usable = isinstance(value, int | str) and not isinstance(value, bool)
    if not match or not usable or not 1 <= int(match[1]) <= 65535:
        raise wrong("M1107", f"{shown(value)} is not a port", hint)
    return Port(int(match[1]), match[2] or "tcp")


def _port_schema(protocols: str) -> WithJsonSchema:
    return WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": 65535},
                {"type": "string", "pattern": rf"^\d{{1,5}}(/({protocols}))?$"},
            ]
        }
    )


PortField = Annotated[Port, PlainValidator(_port), _port_schema("tcp|udp")]
"""A port as Docker writes it: `8080`, `1234/udp`."""

ContainerPort = Annotated[
    Port,
    PlainValidator(_container_port),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": 65535},
                {"type": "string", "pattern": r"^(\d{1,5}:)?\d{1,5}(/(tcp|udp))?$"},
            ]
        }
    ),
]
"""A port of a container as Docker writes it, with the instance's before it: `80:8080`."""

ListenerPort = Annotated[
    Port, PlainValidator(_listener_port), _port_schema("tcp|udp|tls|tcp_udp|quic|tcp_quic")
]
"""A port of a container behind an ALB, or one that an NLB listens on: `443/tls`, `1234/udp`."""
