"""What the proxy's tests share: nginx as ECS starts it, and what it leads to, all on loopback.

The configuration is taken out of a built template and started by the container's own command, as
the container's user. Ports, the DNS server and the CA are said in the params; what is rewritten is
the folder `/tmp/`, so that tests do not meet there, and the network that load balancers are in. Of
the golden case R1, whose params are fixed, its tests rewrite a little more.
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
from templates.proxy.real_nginx import find_nginx

NGINX = find_nginx()
needs_nginx = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")

Container = Mapping[str, Any]
VPC = "10.20.0.0/16"


# The container -------------------------------------------------------------------------------


def built(folder: Path, stack: str = "web") -> Container:
    """The proxy's container in the template that a folder of params builds."""
    document, findings = load(folder, "dev")
    assert document is not None, findings
    env, findings = validate(document, TEMPLATES)
    assert env is not None, findings
    composed = next(one for one in compose(env, TEMPLATES) if one.name == stack)
    rendering, findings = render(composed, document, "yaml")
    assert rendering is not None, findings
    body = yaml.load(rendering.text, Loader=_Loader)
    containers = body["Resources"]["TaskDefinition"]["Properties"]["ContainerDefinitions"]
    return next(one for one in containers if one["Name"] == "proxy")


class _Loader(yaml.SafeLoader):
    """Reads templates; what is computed is nothing here."""


_Loader.add_multi_constructor("!", lambda *_: None)


def of(proxy: dict[str, Any], containers: dict[str, Any], home: Path, **more: Any) -> Container:
    """The proxy's container for a `proxy:` in front of containers, behind a load balancer."""
    service = {
        "template": "service",
        "cpu": 256,
        "memory": 512,
        "containers": {name: {"image": "ecr:x:1", **one} for name, one in containers.items()},
        "proxy": proxy,
        "expose": [{"via": "public", "paths": ["/*"], "health_check": {"path": "/nginx-health"}}],
    }
    network = {"cidr": VPC}
    stacks = {"network": network, "cluster": {}, "public": {"template": "alb"}}
    params = {"app": "shop", "region": "eu-central-1"}
    params |= {"stacks": {**stacks, "web": service | more}}
    (home / "params").mkdir(parents=True, exist_ok=True)
    (home / "params/dev.yaml").write_text(yaml.safe_dump(params))
    return built(home / "params")


def text_of(container: Container) -> str:
    """The configuration in a container."""
    variables = {one["Name"]: one["Value"] for one in container["Environment"]}
    return str(variables.get("NGINX_CONF", variables.get("NGINX_SERVERS")))


class Running:
    """An nginx that was started as ECS would start it."""

    def __init__(self, container: Container, port: int, rewrite: Mapping[str, str]) -> None:
        self.port = port
        self.folder = Path(tempfile.mkdtemp(prefix="moorage-nginx-"))
        self.folder.chmod(0o777)
        # The tests' clients are where a load balancer would be.
        vpc = {f"set_real_ip_from {VPC}": "set_real_ip_from 127.0.0.0/8"}
        here = {"/tmp/nginx": f"{self.folder}/nginx", **vpc, **rewrite}
        said = {one["Name"]: one["Value"] for one in container["Environment"]}
        words = [*container["EntryPoint"], *container["Command"]]
        for old, new in here.items():
            said = {name: value.replace(old, new) for name, value in said.items()}
            words = [word.replace(old, new) for word in words]
        user, _, group = str(container.get("User") or "").partition(":")
        as_user = {"user": int(user), "group": int(group), "extra_groups": []} if user else {}
        path = f"{os.environ['PATH']}:{Path(NGINX or '').parent}"
        (heard, out), (read, err) = os.pipe(), os.pipe()
        if os.getuid() == 0 and user:
            # As runc does for a container's user, or nobody could open /dev/stdout (runc, pull
            # request 280).
            os.fchown(out, int(user), int(group))
            os.fchown(err, int(user), int(group))
        self.process = subprocess.Popen(
            words,
            env={"PATH": path, **said},
            stdout=out,
            stderr=err,
            **(as_user if os.getuid() == 0 else {}),  # type: ignore[call-overload]
        )
        os.close(out)
        os.close(err)
        self.log: list[dict[str, Any]] = []
        self.errors: list[str] = []
        self._readers = [
            threading.Thread(target=self._read, args=(heard, self._logged)),
            threading.Thread(target=self._read, args=(read, self.errors.append)),
        ]
        for one in self._readers:
            one.start()

    def _read(self, file: int, heard: Callable[[str], None]) -> None:
        with open(file, encoding="utf-8", errors="replace") as stream:
            for line in stream:
                heard(line)

    def _logged(self, line: str) -> None:
        self.log.append(json.loads(line))

    def __enter__(self) -> Running:
        try:
            until(self._is_up, 10, self.errors)
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
        self.process.terminate()  # at once, and its workers with it, which a kill would leave
        self.process.wait(10)
        for one in self._readers:
            one.join()
        shutil.rmtree(self.folder, ignore_errors=True)

    def ask(
        self,
        path: str,
        method: str = "GET",
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """What a request is answered."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        given = {"Host": "shop.example", **(headers or {})}
        with contextlib.closing(connection):
            connection.request(method, path, body, given)
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())


class Answer:
    """A status, headers by their names, and a body."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = {name.lower(): value for name, value in headers.items()}
        self.body = body

    @property
    def seen(self) -> dict[str, Any]:
        """What the upstream was asked, where it is one that tells."""
        assert self.status == 200, (self.status, self.body[:500])
        found: dict[str, Any] = json.loads(self.body)
        return found


def running(container: Container, port: int, **rewrite: str) -> Running:
    """nginx with a container's configuration. `rewrite` is what stands otherwise here."""
    return Running(container, port, rewrite)


def until(happened: Callable[[], bool], within: float, detail: object = "") -> float:
    """Seconds until something has happened, which must be soon."""
    began = time.monotonic()
    while not happened():
        assert time.monotonic() - began < within, f"not within {within:g} s: {detail}"
        time.sleep(0.01)
    return time.monotonic() - began


@contextlib.contextmanager
def port() -> Iterator[int]:
    """A port that no other test has, here or in another process, on any address of loopback."""
    while True:
        number = random.randrange(10_000, 32_000)
        with contextlib.ExitStack() as held:
            try:
                lock = held.enter_context(socket.socket(socket.AF_UNIX))
                lock.bind(f"\0moorage-test-port-{number}")
                for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
                    with socket.socket(socket.AF_INET, kind) as trial:
                        trial.bind(("", number))
            except OSError:
                continue
            yield number
            return
