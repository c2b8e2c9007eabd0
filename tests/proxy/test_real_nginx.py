"""What the real nginx says of configurations, and what is not the configuration's fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from moorage.findings.finding import Finding
from moorage.pipeline.build import build
from templates import TEMPLATES
from templates.proxy.real_nginx import installed, refusal

NGINX = installed() or ""
pytestmark = pytest.mark.skipif(not NGINX, reason="nginx is not installed")

HTTP = "events {{}}\nhttp {{\nserver {{\nlisten 8080;\n{}\n}}\n}}\n"


@pytest.mark.parametrize(
    ("text", "said", "line"),
    [
        ("root /a; root /b;", '"root" directive is duplicate', 5),
        ("gzip maybe;", 'invalid value "maybe" in "gzip" directive', 5),
        ("location / {", "unexpected end of file", 8),
        ("location ~ ( { return 200; }", "missing closing parenthesis", 5),
        ("client_max_body_size 1x;", "invalid value", 5),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, said: str, line: int) -> None:
    found = refusal(NGINX, HTTP.format(text))
    assert found is not None
    assert said in found.message
    assert (found.line, found.newer) == (line, False)


@pytest.mark.parametrize(
    "text",
    [
        "location / { proxy_pass http://frontend:3000; }",
        "location / { proxy_pass https://no.such.host.example/path; }",
        "location / { fastcgi_pass php:9000; include fastcgi_params; }",
        "include /etc/nginx/of-the-image/*.conf; include /etc/nginx/of-the-image/one.conf;",
        "access_log /of/the/image/access.log; error_log /of/the/image/error.log;",
        "listen 80; listen 443 ssl; ssl_certificate /a.pem; ssl_certificate_key /a.key;",
        "location / { proxy_pass https://10.0.0.1; proxy_ssl_trusted_certificate /a.pem; }",
        "location / { root /of/the/image; auth_basic_user_file /a; client_body_temp_path /a; }",
        "resolver ns.example.com; location / { return 200; }",
    ],
)
def test_what_only_the_container_has_is_no_fault(text: str) -> None:
    assert refusal(NGINX, HTTP.format(text)) is None


@pytest.mark.parametrize(
    "text",
    [
        "user of-the-image;\npid /of/the/image/pid;\nevents {}\nhttp {}\n",
        "load_module modules/of_the_image.so;\nevents {}\nhttp { of_the_image on; }\n",
        "events {}\nhttp {\nupstream app { server web:3000; server api:3000 backup; }\n"
        "server { location / { proxy_pass http://app/x/; } }\n}\n",
        "# user of\nworker_processes 2; # pid it's\nevents {}\nhttp {}\n",
    ],
)
def test_nor_are_users_modules_and_members_of_upstreams(text: str) -> None:
    assert refusal(NGINX, text) is None


def test_a_part_stands_within_http() -> None:
    assert refusal(NGINX, "server { listen 8080; }\n", part=True) is None
    found = refusal(NGINX, "server {\n listen 8080;\n oops;\n}\n", part=True)
    assert found is not None
    assert (found.line, found.newer) == (3, True)


def test_what_another_nginx_may_know_is_no_error() -> None:
    found = refusal(NGINX, HTTP.format("of_tomorrow on;"))
    assert found is not None
    assert found.newer
    unknown = refusal(NGINX, HTTP.format("location / { return 200 $of_tomorrow; }"))
    assert unknown is not None
    assert unknown.newer


def test_nothing_is_written_where_nginx_would_write(tmp_path: Path) -> None:
    text = f"error_log {tmp_path}/a;\npid {tmp_path}/b;\nevents {{}}\nhttp {{\n"
    text += f"client_body_temp_path {tmp_path}/c; access_log {tmp_path}/d;\nserver {{ }}\n}}\n"
    assert refusal(NGINX, text) is None
    assert list(tmp_path.iterdir()) == []


# In a build ----------------------------------------------------------------------------------

PARAMS = """app: shop
region: eu-central-1
stacks:
  network: {egress: nat}
  cluster: {}
  public: {template: alb}
  web:
    template: service
    containers: {web: {image: "ecr:web:1", ports: [3000]}}
    proxy: %s
    expose: [{via: public, paths: ["/*"], health_check: {path: /nginx-health}}]
"""


def findings(home: Path, proxy: str, files: dict[str, str] | None = None) -> list[Finding]:
    (home / "dev.yaml").write_text(PARAMS % proxy)
    for name, text in (files or {}).items():
        (home / name).write_text(text)
    return [one for one in build(home, "dev", TEMPLATES).findings if one.code == "M1222"]


def test_a_file_of_the_users_is_told_by_its_lines(tmp_path: Path) -> None:
    text = "\nserver {\n\tlisten 8080;   \n\tlocation / {\n\t\tgzip maybe;\n\t}\n}\n"
    (one,) = findings(tmp_path, "{config: web.conf}", {"web.conf": text})
    assert str(one.place) == f"{tmp_path}/web.conf:5"
    assert (one.level, one.path) == ("error", ("stacks", "web", "proxy", "config"))
    assert "invalid value" in one.message


def test_a_whole_file_too_and_a_word_that_is_not_known_is_a_warning(tmp_path: Path) -> None:
    text = "events {}\nhttp {\n  server { listen 8080;\n    of_tomorrow on;\n }\n}\n"
    (one,) = findings(tmp_path, "{config: web.conf}", {"web.conf": text})
    assert str(one.place) == f"{tmp_path}/web.conf:4"
    assert one.level == "warning"


def test_what_params_put_into_a_generated_one_is_told_at_them(tmp_path: Path) -> None:
    (one,) = findings(
        tmp_path, "{routes: [{path: /, to: web}], request_headers: {A: '$of_tomorrow'}}"
    )
    assert one.place.line == 10
    assert 'unknown "of_tomorrow" variable' in one.message


def test_a_match_that_nginx_refuses(tmp_path: Path) -> None:
    (one,) = findings(tmp_path, "{routes: [{match: 'a\\K(?<=b+)', to: web}]}")
    assert one.level == "error"
    assert "in `location ~ " in one.message


def test_a_machine_without_nginx_says_nothing() -> None:
    assert refusal("/no/such/nginx", "events {") is None
