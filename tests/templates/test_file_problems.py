"""Mistakes in files that params name, beside correct ones: those of nginx, and buildspecs."""

from __future__ import annotations

from pathlib import Path

import pytest

from moorage.pipeline.load import load
from moorage.pipeline.validate import validate
from templates import TEMPLATES

PARAMS = """\
app: shop
region: eu-central-1
stacks:
  network: {}
  cluster: {}
  web:
    template: service
    containers: {web: {image: "ecr:shop/web:1", ports: [3000]}}
    proxy: {config: nginx.conf%s}
"""
BUILD = """\
app: shop
region: eu-central-1
stacks:
  build:
    template: codebuild
    source: {codecommit: shop}
    buildspec_file: buildspec.yml
"""
CONFIG = "events {}\nhttp { server { listen 8080; location / { %s } } }\n"
CORRECT = CONFIG % "return 200;"
LARGEST = 51_200
"""Bytes of a template (CloudFormation quotas)."""


def found(folder: Path, text: str, **files: str) -> list[tuple[str, str, str]]:
    """Code, path below the stack, and file of each finding."""
    for name, content in {"dev_yaml": text, **files}.items():
        (folder / name.replace("_", ".")).write_text(content)
    document, unread = load(folder, "dev")
    assert document is not None, unread
    return [
        (finding.code, ".".join(map(str, finding.path[2:])), Path(finding.place.file).name)
        for finding in validate(document, TEMPLATES)[1]
    ]


def test_a_correct_configuration_has_no_findings(tmp_path: Path) -> None:
    assert found(tmp_path, PARAMS % ", port: 8080", nginx_conf=CORRECT) == []


def test_a_mistake_in_a_configuration_is_reported_in_its_file(tmp_path: Path) -> None:
    wrong = CONFIG % "return 200"
    reported = found(tmp_path, PARAMS % "", nginx_conf=wrong)
    assert reported == [("M3001", "proxy.config", "nginx.conf")]


@pytest.mark.parametrize(("more", "is_too_large"), [(0, False), (1, True)])
def test_a_configuration_that_fits_into_no_template(
    tmp_path: Path, more: int, is_too_large: bool
) -> None:
    comment = "#" * (LARGEST + more - len(CORRECT) - 1) + "\n"
    reported = found(tmp_path, PARAMS % "", nginx_conf=CORRECT + comment)
    assert reported == [("M1303", "proxy.config", "nginx.conf")] * is_too_large


@pytest.mark.parametrize(("count", "is_too_large"), [(1, False), (20, True)])
def test_a_generated_configuration_that_fits_into_no_template(
    tmp_path: Path, count: int, is_too_large: bool
) -> None:
    headers = ", ".join(f"A{number}: {'a' * 3000}" for number in range(count))
    routes = f"routes: [{{path: /, to: web, request_headers: {{{headers}}}}}]"
    text = PARAMS.replace("config: nginx.conf%s", routes)
    assert found(tmp_path, text) == [("M1303", "proxy", "dev.yaml")] * is_too_large


def test_settings_beside_a_configuration_have_no_effect(tmp_path: Path) -> None:
    reported = found(tmp_path, PARAMS % ", read_timeout: 60s", nginx_conf=CORRECT)
    assert reported == [("M3052", "proxy.read_timeout", "dev.yaml")]


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ("", None),
        (", user: root", None),
        (', user: "0:0"', None),
        (", user: nginx", "proxy.user"),
        (', user: "101:101"', "proxy.user"),
        (', user: "101:101", image: "ecr:shop/nginx:1"', None),
    ],
)
def test_only_root_can_write_the_configuration_in_the_default_image(
    tmp_path: Path, settings: str, path: str | None
) -> None:
    expected = [("M3053", path, "dev.yaml")] if path else []
    assert found(tmp_path, PARAMS % settings, nginx_conf=CORRECT) == expected


def test_a_configuration_is_named_by_text(tmp_path: Path) -> None:
    number = (PARAMS % "").replace("nginx.conf", "5")
    assert found(tmp_path, number) == [("M1103", "proxy.config", "dev.yaml")]


def test_a_project_has_one_buildspec(tmp_path: Path) -> None:
    spec = "version: 0.2\nphases: {build: {commands: [make]}}\n"
    assert found(tmp_path, BUILD, buildspec_yml=spec) == []
    both = f"{BUILD}    buildspec: ci/build.yml\n"
    assert found(tmp_path, both) == [("M3709", "buildspec", "dev.yaml")]
