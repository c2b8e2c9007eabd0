"""The fake AWS over HTTP, for commands that run in processes of their own.

moto's parsers and serializers translate between requests and the fake's methods. The time is
counted in requests: it goes on by `tick` seconds with each, so that nothing waits in fact.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Thread
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

import botocore.session
from fake_aws import FakeAws, RefusalError
from moto.core.model import ServiceModel
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.serialize import get_serializer_class

_NAMES = {"elasticloadbalancing": "elbv2"}
"""Services whose names in signatures are not botocore's."""


@cache
def _model(service: str) -> Any:
    loader = botocore.session.get_session().get_component("data_loader")
    return ServiceModel(loader.load_service_model(service, "service-2"), service)


class ServedAws:
    """A fake AWS, and the address where it is served."""

    def __init__(self, aws: FakeAws) -> None:
        self.aws = aws
        self.url = ""
        self.tick = 0.0
        """Seconds that go by with each request."""
        self.held: set[str] = set()
        """Operations that are not answered until they are released."""
        self._lock = Condition()

    def hold(self, operation: str) -> None:
        with self._lock:
            self.held.add(operation)

    def release(self) -> None:
        """Answers everything."""
        with self._lock:
            self.held.clear()
            self._lock.notify_all()

    def finish(self) -> None:
        """Ends everything that is under way, and lets time go on from now."""
        with self._lock:
            self.aws.time += 1000
            self.tick = 100

    def answer(self, headers: Any, body: bytes) -> tuple[int, str, bytes]:
        """Status, content type and body of the answer to a request."""
        scope = re.search(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/", headers["Authorization"])
        assert scope is not None
        service = _NAMES.get(scope[1], scope[1])
        values = dict(parse_qsl(body.decode(), keep_blank_values=True)) if body else {}
        target = headers.get("X-Amz-Target", "")
        operation = _model(service).operation_model(target.split(".")[-1] or values["Action"])
        protocol = "json" if target else "query"
        request = {"body": body, "headers": headers, "values": values, "url_path": "/"}
        given = PROTOCOL_PARSERS[protocol](operation).parse(request)
        with self._lock:
            self.aws.log.append(operation.name)
            self._lock.wait_for(lambda: operation.name not in self.held)
            self.aws.time += self.tick
            try:
                if waiting := self.aws.refusals.get(operation.name):
                    raise waiting.pop(0)
                result = getattr(self.aws, operation.name)(**given) or {}
            except RefusalError as refusal:
                return _refusal(refusal, protocol)
        response = get_serializer_class(service, protocol)(operation).serialize(result)
        return 200, response["headers"]["Content-Type"], str(response["body"]).encode()

    def environ(self) -> dict[str, str]:
        """The environment variables of a command that calls this AWS only."""
        nowhere = os.path.join(os.sep, "nonexistent")
        ours = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return ours | {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_CONFIG_FILE": nowhere,
            "AWS_SHARED_CREDENTIALS_FILE": nowhere,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


def _refusal(refusal: RefusalError, protocol: str) -> tuple[int, str, bytes]:
    if protocol == "json":
        body = json.dumps({"__type": refusal.code, "message": refusal.message})
        return 400, "application/x-amz-json-1.1", body.encode()
    error = f"<Code>{refusal.code}</Code><Message>{escape(refusal.message)}</Message>"
    body = f"<ErrorResponse><Error>{error}</Error><RequestId>1</RequestId></ErrorResponse>"
    return 400, "text/xml", body.encode()


@contextmanager
def serve(aws: FakeAws) -> Iterator[ServedAws]:
    """Serves a fake AWS on loopback."""
    served = ServedAws(aws)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, kind, answer = served.answer(self.headers, body)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            with suppress(OSError):  # the client has ended
                self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            """Does not log requests."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    served.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield served
    finally:
        served.release()
        server.shutdown()
        server.server_close()
        thread.join()
