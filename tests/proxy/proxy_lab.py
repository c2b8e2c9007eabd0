"""Runs nginx as ECS would run it, with the configuration of a built template, on loopback.

The configuration is taken from the template and started with the command and the user of the
container. The params set the ports, the DNS server and the CA. Two things are replaced: the folder
/tmp, so that tests do not share files, and the network that load balancers are in.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from moorage.pipeline.compose import compose
from moorage.pipeline.load import load
from moorage.pipeline.render import render
from moorage.pipeline.validate import validate
from templates import TEMPLATES
from templates.proxy.nginx_run import find_nginx

NGINX = find_nginx()
needs_nginx = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")

Container = Mapping[str, Any]
VPC = "10.20.0.0/16"


# The container -------------------------------------------------------------------------------


def build_proxy(folder: Path, stack: str = "web") -> Container:
    """The proxy's container definition in the template that is built from a folder of params."""
    document, findings = load(folder, "dev")
    assert document is not None, findings
    env, findings = validate(document, TEMPLATES)
    assert env is not None, findings
    composed = next(spec for spec in compose(env, TEMPLATES) if spec.name == stack)
    rendering, findings = render(composed, document, "yaml")
    assert rendering is not None, findings
    body = yaml.load(rendering.text, Loader=_Loader)
    containers = body["Resources"]["TaskDefinition"]["Properties"]["ContainerDefinitions"]
    return next(container for container in containers if container["Name"] == "proxy")


class _Loader(yaml.SafeLoader):
    """Reads templates; intrinsic functions become None."""


_Loader.add_multi_constructor("!", lambda *_: None)


def build_container(
    proxy: dict[str, Any], containers: dict[str, Any], home: Path, **more: Any
) -> Container:
    """The proxy's container definition for `proxy:` of a service behind an ALB."""
    service = {
        "template": "service",
        "cpu": 256,
        "memory": 512,
        "containers": {name: {"image": "ecr:x:1"} | params for name, params in containers.items()},
        "proxy": proxy,
        "expose": [{"via": "public", "paths": ["/*"], "health_check": {"path": "/nginx-health"}}],
    }
    network = {"cidr": VPC}
    stacks = {"network": network, "cluster": {}, "public": {"template": "alb", "certificate": []}}
    params = {"app": "shop", "region": "eu-central-1"}
    params |= {"stacks": {**stacks, "web": service | more}}
    (home / "params").mkdir(parents=True, exist_ok=True)
    (home / "params/dev.yaml").write_text(yaml.safe_dump(params))
    return build_proxy(home / "params")


def configuration_of(container: Container) -> str:
    """The nginx configuration in a container definition."""
    variables = {entry["Name"]: entry["Value"] for entry in container["Environment"]}
    return str(variables.get("NGINX_CONF", variables.get("NGINX_SERVERS")))


class Running:
    """An nginx, started as ECS would start it."""

    def __init__(self, container: Container, port: int, rewrite: Mapping[str, str]) -> None:
        self.port = port
        self.folder = Path(tempfile.mkdtemp(prefix="moorage-nginx-"))
        self.folder.chmod(0o777)
        # The tests' clients are where a load balancer would be.
        vpc = {f"set_real_ip_from {VPC}": "set_real_ip_from 127.0.0.0/8"}
        replacements = {"/tmp/nginx": f"{self.folder}/nginx", **vpc, **rewrite}
        variables = {entry["Name"]: entry["Value"] for entry in container["Environment"]}
        words = [*container["EntryPoint"], *container["Command"]]
        for old, new in replacements.items():
            variables = {name: value.replace(old, new) for name, value in variables.items()}
            words = [word.replace(old, new) for word in words]
        user, _, group = str(container.get("User") or "").partition(":")
        as_user = {"user": int(user), "group": int(group), "extra_groups": []} if user else {}
        path = f"{os.environ['PATH']}:{Path(NGINX or '').parent}"
        (stdout, out), (stderr, err) = os.pipe(), os.pipe()
        if os.getuid() == 0 and user:
            # runc does this for the user of a container; otherwise that user could not open
            # /dev/stdout (runc, pull request 280).
            os.fchown(out, int(user), int(group))
            os.fchown(err, int(user), int(group))
        self.process = subprocess.Popen(
            words,
            env={"PATH": path, **variables},
            stdout=out,
            stderr=err,
            **(as_user if os.getuid() == 0 else {}),  # type: ignore[call-overload]
        )
        os.close(out)
        os.close(err)
        self.log: list[dict[str, Any]] = []
        self.errors: list[str] = []
        self._readers = [
            threading.Thread(target=self._read, args=(stdout, self._add_log_line)),
            threading.Thread(target=self._read, args=(stderr, self.errors.append)),
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, file: int, add: Callable[[str], None]) -> None:
        with open(file, encoding="utf-8", errors="replace") as stream:
            for line in stream:
                add(line)

    def _add_log_line(self, line: str) -> None:
        self.log.append(json.loads(line))

    def __enter__(self) -> Running:
        try:
            wait_until(self._is_up, 10, self.errors)
        except BaseException:
            self.__exit__()
            raise
        return self

    def _is_up(self) -> bool:
        assert self.process.poll() is None, "".join(self.errors)
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True
        return False

    def __exit__(self, *_: object) -> None:
        self.process.terminate()  # ends its workers too, which a kill would not
        self.process.wait(10)
        for reader in self._readers:
            reader.join()
        shutil.rmtree(self.folder, ignore_errors=True)

    def request(
        self,
        path: str,
        method: str = "GET",
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Sends a request to nginx."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        all_headers = {"Host": "shop.example", **(headers or {})}
        with contextlib.closing(connection):
            connection.request(method, path, body, all_headers)
            response = connection.getresponse()
            return Response(response.status, dict(response.getheaders()), response.read())


class Response:
    """A status code, headers by name in lower case, and a body."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = {name.lower(): value for name, value in headers.items()}
        self.body = body

    @property
    def received(self) -> dict[str, Any]:
        """The request as the upstream received it, which it returns in its response."""
        assert self.status == 200, (self.status, self.body[:500])
        received: dict[str, Any] = json.loads(self.body)
        return received


def start_nginx(container: Container, port: int, **rewrite: str) -> Running:
    """nginx with the configuration of a container, with some texts of it replaced."""
    return Running(container, port, rewrite)


def wait_until(happened: Callable[[], bool], within: float, detail: object = "") -> float:
    """Waits until something has happened, and returns the seconds that it took."""
    began = time.monotonic()
    while not happened():
        assert time.monotonic() - began < within, f"not within {within:g} s: {detail}"
        time.sleep(0.01)
    return time.monotonic() - began


@contextlib.contextmanager
def reserve_port() -> Iterator[int]:
    """A port that no other test uses, in this process or another one."""
    while True:
        number = random.randrange(10_000, 32_000)
        with contextlib.ExitStack() as stack:
            try:
                lock = stack.enter_context(socket.socket(socket.AF_UNIX))
                lock.bind(f"\0moorage-test-port-{number}")
                for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
                    with socket.socket(socket.AF_INET, kind) as trial:
                        trial.bind(("", number))
            except OSError:
                continue
            yield number
            return
