"""Messages between two processes: values of JSON through a pair of sockets."""

from __future__ import annotations

import json
import socket
from typing import Any

_SIZE = 8


class ClosedError(Exception):
    """The other side has ended."""


def send(connection: socket.socket, value: Any) -> None:
    """Sends a value of JSON. Raises ClosedError."""
    payload = json.dumps(value).encode()
    try:
        connection.sendall(len(payload).to_bytes(_SIZE, "big") + payload)
    except OSError as error:
        raise ClosedError from error


def receive(connection: socket.socket) -> Any:
    """Waits for a value. Raises ClosedError."""
    return json.loads(_read(connection, int.from_bytes(_read(connection, _SIZE), "big")))


def _read(connection: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        try:
            part = connection.recv(min(size - len(parts), 1 << 20))
        except OSError as error:
            raise ClosedError from error
        if not part:
            raise ClosedError
        parts += part
    return bytes(parts)
