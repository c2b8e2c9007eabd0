"""Images that the real buildah builds, pushed to a real registry on loopback.

Debian's packages buildah and docker-registry; where they are missing, or where the kernel does not
let buildah run, the tests are skipped.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from test_command_lines import BUILD

from moorage.images.command_lines import CommandLine, Tool, build_commands
from moorage.images.programs import find_tool, run_command

DOCKERFILE = """\
FROM scratch AS base
ARG VERSION
LABEL version=$VERSION
COPY page /page
FROM base AS other
COPY Dockerfile /other
FROM base AS final
"""
PROGRAM = """\
#include <stdio.h>
int main(void) {
    char text[100];
    FILE *file = fopen("/run/secrets/npm", "r");
    printf("%zu bytes\\n", file ? fread(text, 1, sizeof text, file) : 0);
    return file == NULL;
}
"""
REGISTRY = """\
version: 0.1
storage: {{filesystem: {{rootdirectory: {folder}}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""


@dataclass(frozen=True)
class Project:
    folder: Path
    registry: str

    def run(self, commands: Iterator[CommandLine]) -> list[str]:
        """Runs the commands. Pushes do not need TLS, as that of ECR would."""
        lines: list[str] = []
        for command in commands:
            words = list(command.words)
            if "push" in words:
                words.insert(words.index("push") + 1, "--tls-verify=false")
            run_command(replace(command, words=tuple(words)), self.folder, lines.append)
        return lines

    def fetch(self, path: str, accept: str) -> dict[str, object]:
        request = urllib.request.Request(f"http://{self.registry}/v2/{path}")
        request.add_header("Accept", accept)
        with urllib.request.urlopen(request) as answer:
            content: dict[str, object] = json.load(answer)
        return content


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    for program in ("buildah", "docker-registry"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    folder = tmp_path_factory.mktemp("project")
    (folder / "services/web").mkdir(parents=True)
    (folder / "services/web/Dockerfile").write_text(DOCKERFILE)
    (folder / "services/web/page").write_text("hello\n")
    home = tmp_path_factory.mktemp("home")
    settings = {
        "BUILDAH_ISOLATION": "chroot",
        "STORAGE_DRIVER": "vfs",
        "CONTAINERS_STORAGE_CONF": str(home / "storage.conf"),
        "REGISTRY_AUTH_FILE": str(home / "auth.json"),
    }
    (home / "auth.json").write_text("{}")
    (home / "storage.conf").write_text(
        f'[storage]\ndriver = "vfs"\ngraphroot = "{home}/root"\nrunroot = "{home}/run"\n'
    )
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        probe = subprocess.run(["buildah", "from", "scratch"], capture_output=True, text=True)
        if probe.returncode:
            pytest.skip(f"buildah does not run here: {probe.stderr.strip()}")
        with _serve_registry(home) as address:
            yield Project(folder, address)


@contextmanager
def _serve_registry(home: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = home / "registry.yml"
    config.write_text(REGISTRY.format(folder=home / "registry", port=port))
    with (
        (home / "log").open("w") as log,
        subprocess.Popen(
            ["docker-registry", "serve", str(config)],
            env={"PATH": os.environ["PATH"]},  # REGISTRY_AUTH_FILE would be a setting of it
            stdout=log,
            stderr=log,
        ) as process,
    ):
        try:
            _wait_for(port)
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < deadline, "the registry does not start"
            time.sleep(0.05)
        else:
            return


OCI = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


def test_an_image_is_built_for_another_cpu_and_pushed(project: Project) -> None:
    tool = find_tool("buildah")
    assert tool == Tool("buildah", "buildah")
    build = replace(BUILD, platforms=("linux/arm64",), args=(("VERSION", "1 2"),), target="final")
    name = f"{project.registry}/shop/web"
    lines = project.run(build_commands(tool, build, f"{name}:v1", push=True))
    assert any("COPY page /page" in line for line in lines)
    manifest = project.fetch("shop/web/manifests/v1", OCI)
    config = manifest["config"]
    assert isinstance(config, dict)
    content = project.fetch(f"shop/web/blobs/{config['digest']}", "*/*")
    assert content["architecture"] == "arm64"
    inner = content["config"]
    assert isinstance(inner, dict)
    assert inner["Labels"]["version"] == "1 2"


def test_a_secret_is_there_while_the_image_is_built_only(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("a C compiler is not installed")
    (tmp_path / "size.c").write_text(PROGRAM)
    binary = tmp_path / "size"
    subprocess.run([compiler, "-static", "-o", binary, tmp_path / "size.c"], check=True)
    (tmp_path / "Dockerfile").write_text(
        'FROM scratch\nCOPY size /size\nRUN --mount=type=secret,id=npm ["/size"]\n'
    )
    monkeypatch.setenv("NPM_TOKEN", "npm_hunter2")
    secrets = (("npm", "env:NPM_TOKEN"),)
    build = replace(BUILD, context=".", dockerfile="Dockerfile", secrets=secrets)
    name = f"{project.registry}/shop/secret:v1"
    elsewhere = replace(project, folder=tmp_path)
    lines = elsewhere.run(build_commands(find_tool("buildah"), build, name, push=True))
    assert f"{len('npm_hunter2')} bytes" in lines
    assert not any("hunter2" in line for line in lines)


def test_an_image_for_two_platforms_has_both_however_often_it_is_built(project: Project) -> None:
    tool = find_tool("buildah")
    build = replace(BUILD, platforms=("linux/amd64", "linux/arm64"))
    for _ in range(2):
        name = f"{project.registry}/shop/web:v2"
        project.run(build_commands(tool, build, name, push=True))
    index = project.fetch("shop/web/manifests/v2", INDEX)
    manifests = index["manifests"]
    assert isinstance(manifests, list)
    assert sorted(each["platform"]["architecture"] for each in manifests) == ["amd64", "arm64"]
