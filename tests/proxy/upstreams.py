"""Servers that the tests of the proxy send requests to: HTTP, TLS, DNS and PHP-FPM."""

from __future__ import annotations

import base64
import contextlib
import datetime
import hashlib
import json
import shutil
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from proxy_lab import wait_until

PHP = next(
    filter(None, map(shutil.which, ("php-fpm", "php-fpm8.2", "php-fpm8.3", "php-fpm8.4"))), None
)


class Handler(BaseHTTPRequestHandler):
    """Answers with the request that it received, as JSON; some paths do more."""

    protocol_version = "HTTP/1.1"
    server: Upstream  # type: ignore[assignment]

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        digest, size = self._body()
        if path == "/slow":
            time.sleep(float(query["seconds"][0]))
        if path == "/socket":
            return self._socket()
        if path == "/events":
            return self._events()
        status = int(query.get("status", ["200"])[0])
        received = {
            "server": self.server.name,
            "method": self.command,
            "path": self.path,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "bytes": size,
            "sha256": digest,
            "padding": "x" * int(query.get("padding", ["0"])[0]),
        }
        text = json.dumps(received).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.send_header("X-Powered-By", "tests")
        self.end_headers()
        self.wfile.write(text)
        return None

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815

    def _body(self) -> tuple[str, int]:
        digest, size = hashlib.sha256(), 0
        if self.headers.get("Transfer-Encoding") == "chunked":
            while length := int(self.rfile.readline().strip() or b"0", 16):
                self.server.pieces.append(time.monotonic())
                digest.update(self.rfile.read(length))
                size += length
                self.rfile.readline()
            self.rfile.readline()
            return digest.hexdigest(), size
        left = int(self.headers.get("Content-Length", 0))
        while left and (piece := self.rfile.read(min(left, 1 << 20))):
            digest.update(piece)
            size += len(piece)
            left -= len(piece)
        return digest.hexdigest(), size

    def _events(self) -> None:
        """Sends three events, each once the test has received the previous one."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for number in range(3):
            self.wfile.write(f"data: {number}\n\n".encode())
            self.wfile.flush()
            self.server.next_event.wait(10)
            self.server.next_event.clear()
        self.close_connection = True

    def _socket(self) -> None:
        """A WebSocket that echoes messages of up to 125 bytes (RFC 6455)."""
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", accept)
        self.end_headers()
        self.wfile.flush()
        self.close_connection = True
        while len(head := self.rfile.read(2)) == 2 and head[0] & 15 != 8:
            mask = self.rfile.read(4)
            data = self.rfile.read(head[1] & 127)
            text = bytes(letter ^ mask[at % 4] for at, letter in enumerate(data))
            self.wfile.write(bytes([0x81, len(text)]) + text)
            self.wfile.flush()


class Upstream(ThreadingHTTPServer):
    """An HTTP server, with TLS if it has a context."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(
        self, number: int, name: str, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
    ) -> None:
        super().__init__((host, number), Handler)
        self.name = name
        self.next_event = threading.Event()
        self.pieces: list[float] = []
        self.server_names: list[str | None] = []
        if tls is not None:
            tls.sni_callback = lambda _, name, __: self.server_names.append(name)
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,))
        self._thread.start()

    def handle_error(self, *_: Any) -> None:
        """Ignores clients that close the connection, as some tests do."""

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class Dns:
    """A DNS server that has one address for all names; a test may change it."""

    def __init__(self, number: int, address: str) -> None:
        self.address = address
        self.queries: list[tuple[float, str, int]] = []
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", number))
        self.sock.settimeout(0.05)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while not self._done.is_set():
            try:
                data, sender = self.sock.recvfrom(512)
            except TimeoutError:
                continue
            labels, at = [], 12
            while data[at]:
                labels.append(data[at + 1 : at + 1 + data[at]].decode())
                at += 1 + data[at]
            (kind,) = struct.unpack("!H", data[at + 1 : at + 3])
            self.queries.append((time.monotonic(), ".".join(labels), kind))
            address = socket.inet_aton(self.address) if kind == 1 else b""
            # The TTL is an hour; `valid=` of the resolver replaces it.
            answer = b"\xc0\x0c" + struct.pack("!2HIH", 1, 1, 3600, 4) + address if address else b""
            head = data[:2] + struct.pack("!5H", 0x8180, 1, 1 if address else 0, 0, 0)
            self.sock.sendto(head + data[12 : at + 5] + answer, sender)

    def __enter__(self) -> Dns:
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        self.sock.close()


# Certificates --------------------------------------------------------------------------------


class Authority:
    """A CA for the tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "The tests' CA")])
        certificate = self._signed(
            self._name, self._key, x509.BasicConstraints(ca=True, path_length=0)
        )
        self.bundle = folder / "ca.pem"
        self.bundle.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def _signed(self, name: x509.Name, key: Any, extension: x509.ExtensionType) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(extension, critical=False)
            .sign(self._key, hashes.SHA256())
        )

    def server(self, host: str) -> ssl.SSLContext:
        """A TLS context with a certificate for a host."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        certificate = self._signed(name, key, x509.SubjectAlternativeName([x509.DNSName(host)]))
        file = self.folder / f"{host}.pem"
        secret = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        file.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


@pytest.fixture(scope="session")
def authority() -> Iterator[Authority]:
    """A CA whose bundle is in a folder that the user of nginx can read."""
    folder = Path(tempfile.mkdtemp(prefix="moorage-ca-"))
    folder.chmod(0o755)
    yield Authority(folder)
    shutil.rmtree(folder)


# FastCGI -------------------------------------------------------------------------------------

SCRIPT = """<?php
header('Content-Type: application/json');
$body = file_get_contents('php://input');
echo json_encode(['server' => $_SERVER, 'get' => $_GET, 'bytes' => strlen($body)]);
"""


@contextlib.contextmanager
def php(number: int) -> Iterator[Path]:
    """Runs PHP-FPM on a port; yields the folder of its scripts, which return the request."""
    assert PHP
    folder = Path(tempfile.mkdtemp(prefix="moorage-php-"))
    folder.chmod(0o755)
    for name in ("index.php", "report.php"):
        (folder / name).write_text(SCRIPT)
    settings = f"[global]\nerror_log = {folder}/log\ndaemonize = no\n[www]\nuser = nobody\n"
    settings += f"listen = 127.0.0.1:{number}\npm = static\npm.max_children = 2\n"
    (folder / "fpm.conf").write_text(settings)
    command = [PHP, "-n", "-F", "-R", "-y", str(folder / "fpm.conf")]
    quiet: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **quiet) as process:
        try:
            wait_until(lambda: _listens(number), 10, (folder / "log"))
            yield folder
        finally:
            process.terminate()
            process.wait()
            shutil.rmtree(folder)


def _listens(number: int) -> bool:
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", number), timeout=1).close()
        return True
    return False
