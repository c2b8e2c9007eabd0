"""Ports: how they are parsed, and how the schema writes them as defaults."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from templates.tasks.ports import ContainerPort, ListenerPort, Port, PortField


@pytest.mark.parametrize(
    ("kind", "written", "port", "as_json"),
    [
        (PortField, 8080, Port(8080), 8080),
        (PortField, "8080", Port(8080), 8080),
        (PortField, "8080/tcp", Port(8080), 8080),
        (PortField, "53/udp", Port(53, "udp"), "53/udp"),
        (ContainerPort, "80:8080", Port(8080, host=80), "80:8080"),
        (ContainerPort, "53:5353/udp", Port(5353, "udp", host=53), "53:5353/udp"),
        (ListenerPort, "443/tls", Port(443, "tls"), "443/tls"),
    ],
)
def test_a_port_has_the_form_of_the_params(
    kind: Any, written: int | str, port: Port, as_json: int | str
) -> None:
    adapter: TypeAdapter[Port] = TypeAdapter(kind)
    parsed = adapter.validate_python(written)
    assert (parsed, parsed.host) == (port, port.host)
    assert adapter.dump_python(parsed, mode="json") == as_json
    assert adapter.validate_python(as_json) == port


@pytest.mark.parametrize("written", [0, 65536, True, 8080.5, "http", "80:80", "443/tls", None])
def test_a_value_that_is_not_a_port_is_refused(written: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(PortField).validate_python(written)
