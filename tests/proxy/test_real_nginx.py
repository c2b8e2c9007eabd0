"""Mistakes that the installed nginx reports, and things that exist only in the container."""

from __future__ import annotations

from pathlib import Path

import pytest

from moorage.findings.finding import Finding
from moorage.pipeline.build import build
from templates import TEMPLATES
from templates.proxy.nginx_run import find_nginx, run_nginx
from templates.proxy.real_nginx import find_refusal

NGINX = find_nginx() or ""
pytestmark = pytest.mark.skipif(not NGINX, reason="nginx is not installed")

HTTP = "events {{}}\nhttp {{\nserver {{\nlisten 8080;\n{}\n}}\n}}\n"


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("root /a; root /b;", '"root" directive is duplicate', 5),
        ("gzip maybe;", 'invalid value "maybe" in "gzip" directive', 5),
        ("location ~ ( { return 200; }", "missing closing parenthesis", 5),
        ("client_max_body_size 1x;", "invalid value", 5),
        ("listen 8080;", "a duplicate listen 8080", 5),
        ("listen 443 ssl;", 'no "ssl_certificate" is defined', 3),
        ("proxy_ssl_verify on; location / { proxy_pass https://a; }", "no proxy_ssl_trusted", None),
        ("location / {\nproxy_pass ftp://host.example;\n}", "invalid URL prefix", 6),
        ("add_header A\n'b\nc' d\n  e;", "invalid number of arguments", 8),
        ("location ~ a\n{ proxy_pass http://a/b; }", '"proxy_pass" cannot have URI part', 6),
        ("types { text/css css; a { } }", 'unexpected "{"', 5),
        ("access_log /a of_nobody;", 'unknown log format "of_nobody"', 5),
        # The rest of a configuration with files of the image is tested as well.
        ("ssl_certificate /a; ssl_certificate_key /b; error_log /c;\ngzip maybe;", "invalid", 6),
        ("proxy_ssl_trusted_certificate /a; include /b; root /c;\ngzip maybe;", "invalid", 6),
        ("set_real_ip_from a.example; listen unix:/a;\ngzip maybe;", "invalid", 6),
    ],
)
def test_a_mistake_is_reported_with_its_line(text: str, message: str, line: int | None) -> None:
    refusal = find_refusal(NGINX, HTTP.format(text))
    assert refusal is not None
    assert message in refusal.message
    assert (refusal.line, refusal.unknown) == (line, False)


@pytest.mark.parametrize(
    "text",
    [
        "location / { proxy_pass http://frontend:3000; }",
        "location / { proxy_pass 'http://frontend:3000/a b'; }",
        "location / { proxy_pass https://no.such.host.example/path; }",
        "location / { fastcgi_pass php:9000; include fastcgi_params; }",
        "include /etc/nginx/of-the-image/*.conf; include /etc/nginx/of-the-image/one.conf;",
        "access_log /of/the/image/access.log; error_log /of/the/image/error.log;",
        "listen 80; listen 443 ssl; ssl_certificate /a.pem; ssl_certificate_key /a.key;",
        "location / { proxy_pass https://10.0.0.1; proxy_ssl_trusted_certificate /a.pem; }",
        "location / { root /of/the/image; auth_basic_user_file /a; client_body_temp_path /a; }",
        "resolver ns.example.com; location / { return 200; }",
        "set_real_ip_from proxy.example.com; listen name.example.com:80;",
        "location / { proxy_pass http://10.0.0.1; proxy_cache of_the_image; }",
        "location / { uwsgi_pass suwsgi://app:3031; } location /a { proxy_pass HTTP://a?b=c; }",
        "location / { proxy_pass http://unix:/run/app.sock:/; } location /b { grpc_pass app:1; }",
        "listen [::]:8080; listen *:81 default_server; listen 127.0.0.1:8080; listen localhost:1;",
        "ssl_client_certificate /a; ssl_verify_client on; listen 444 ssl; ssl_certificate data:a; "
        "ssl_certificate_key engine:a:b; ssl_dhparam /c; ssl_conf_command Options a;",
        "js_set $a main.a; location / { return 200 $a; }",
    ],
)
def test_files_that_only_the_container_has_are_not_mistakes(text: str) -> None:
    assert find_refusal(NGINX, HTTP.format(text)) is None


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
def test_users_modules_and_members_of_upstreams_are_no_mistake(text: str) -> None:
    assert find_refusal(NGINX, text) is None


def test_a_partial_configuration_is_tested_in_an_http_block() -> None:
    assert find_refusal(NGINX, "server { listen 8080; }\n", part=True) is None
    refusal = find_refusal(NGINX, "server {\n listen 8080;\n oops;\n}\n", part=True)
    assert refusal is not None
    assert (refusal.line, refusal.unknown) == (3, True)


def test_an_error_that_another_nginx_may_not_have_is_a_warning() -> None:
    for text in ("of_tomorrow on;", "location / { return 200 $of_tomorrow; }"):
        refusal = find_refusal(NGINX, HTTP.format(text))
        assert refusal is not None
        assert refusal.unknown


def test_nothing_is_reported_without_nginx() -> None:
    assert find_refusal("/no/such/nginx", "events {}") is None


# Isolation from this machine -----------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "error_log {0}/a;\npid {0}/b;\nevents {{}}\nhttp {{\nclient_body_temp_path {0}/c; "
        "access_log {0}/d;\nserver {{ }}\n}}\n",
        '"error_log" {0}/a debug; events {{}} http {{ "access_log" /dev/..{0}/b; }}',
        "events {{}} http {{ proxy_cache_path {0}/a keys_zone=a:1m; fastcgi_cache_path {0}/b "
        "keys_zone=b:1m; }}",
        "events {{}} http {{ server {{ location / {{ if ($host) {{ access_log {0}/a; }} }} }} }}",
        "events {{}} stream {{ error_log {0}/a; }}",
        "events {{}} http {{ map $host $a {{ include {0}/../*; }} }}",
        "\x0b# a; error_log {0}/a;\nevents {{}}",
    ],
)
def test_no_file_that_a_configuration_names_is_written(text: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    find_refusal(NGINX, text.format(home))
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(
    "text",
    [
        "{} {};\nevents {{}}",
        '"{}" {};\nevents {{}}',
        "'{}' {};\nevents {{}}",
        "events {{}} http {{ server {{ {} {}; }} }}",
        "events {{}} http {{ a ${{{{ b; {} {}; }} }} }}",
    ],
)
@pytest.mark.parametrize("name", ["load_module", "include"])
def test_nothing_is_loaded_or_included(text: str, name: str, tmp_path: Path) -> None:
    """nginx would name the file that it cannot read."""
    file = tmp_path / "x.so"
    file.write_text("no module;")
    refusal = find_refusal(NGINX, text.format(name, file))
    assert refusal is None or str(file) not in refusal.message


def test_a_text_that_cannot_be_parsed_is_left_to_the_other_checks(tmp_path: Path) -> None:
    assert find_refusal(NGINX, "events {") is None
    assert run_nginx(NGINX, "events {", tmp_path) is not None


# In a build ----------------------------------------------------------------------------------

PARAMS = """app: shop
region: eu-central-1
stacks:
  network: {egress: nat}
  cluster: {}
  public: {template: alb, certificate: []}
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
    every = build(home, "dev", TEMPLATES).findings
    return [finding for finding in every if finding.code in ("M3030", "M3031")]


def test_a_mistake_in_a_file_is_reported_at_its_line(tmp_path: Path) -> None:
    text = "\nserver {\n\tlisten 8080;   \n\tlocation / {\n\t\tclient_max_body_size 1x;\n\t}\n}\n"
    (finding,) = findings(tmp_path, "{config: web.conf}", {"web.conf": text})
    assert str(finding.place) == f"{tmp_path}/web.conf:5"
    assert (finding.level, finding.path) == ("error", ("stacks", "web", "proxy", "config"))
    assert "invalid value" in finding.message


def test_a_word_that_is_not_known_is_a_warning(tmp_path: Path) -> None:
    text = "events {}\nhttp {\n  server { listen 8080;\n    of_tomorrow on;\n }\n}\n"
    (finding,) = findings(tmp_path, "{config: web.conf}", {"web.conf": text})
    assert str(finding.place) == f"{tmp_path}/web.conf:4"
    assert (finding.code, finding.level) == ("M3031", "warning")


def test_a_mistake_in_a_generated_configuration_is_reported_at_the_proxy(tmp_path: Path) -> None:
    headers = "{A: '$of_tomorrow'}"
    proxy = f"{{routes: [{{path: /, to: web}}], request_headers: {headers}}}"
    (finding,) = findings(tmp_path, proxy)
    assert finding.place.line == 10
    assert 'unknown "of_tomorrow" variable' in finding.message


def test_an_expression_that_nginx_refuses(tmp_path: Path) -> None:
    (finding,) = findings(tmp_path, "{routes: [{match: 'a\\K(?<=b+)', to: web}]}")
    assert finding.level == "error"
    assert "in `location ~ " in finding.message
