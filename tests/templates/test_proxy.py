"""A service with `proxy:`: the container of the proxy, its load balancers, and its nginx.conf.

The running nginx is tested in tests/proxy, complete templates in tests/golden.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from moorage.findings.finding import Finding
from moorage.model import TextFile
from moorage.pipeline.compose import compose
from moorage.pipeline.load import Document
from moorage.pipeline.render import render
from moorage.pipeline.validate import validate
from templates import TEMPLATES
from templates.proxy.nginx_text import quote_word

Body = dict[str, Any]
ROUTES = [{"path": "/", "to": "web"}]
WEB = {"image": "ecr:web:1", "ports": [3000]}
LISTENER = (
    "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/old/50dc6c49/f2f7dc8e"
)
EXISTING = {
    "vpc": "vpc-0123456789abcdef0",
    "public_subnets": ["subnet-0000000000000000a", "subnet-0000000000000000b"],
    "private_subnets": ["subnet-0000000000000000c", "subnet-0000000000000000d"],
}


def built(
    proxy: Body, service: Body | None = None, stacks: Body | None = None, file: str = ""
) -> tuple[Body, list[Finding]]:
    """The template of a service with a proxy behind a load balancer, and the findings."""
    web = {"template": "service", "containers": {"web": WEB}, "proxy": {"routes": ROUTES} | proxy}
    if "config" in proxy:
        web["proxy"] = proxy
    web["expose"] = [{"via": "public", "paths": ["/*"]}]
    all_stacks = {"network": {"cidr": "10.20.0.0/16", "egress": "nat"}, "cluster": {}}
    all_stacks |= {
        "public": {"template": "alb", "certificate": []},
        **(stacks or {}),
        "web": web | (service or {}),
    }
    data = {"app": "shop", "region": "eu-central-1", "stacks": all_stacks}
    read = (lambda name: TextFile(f"params/{name}", file)) if file else None
    document = Document("dev", "params/dev.yaml", data, {}, read=read)
    env, findings = validate(document, TEMPLATES)
    if env is None:
        return {}, findings
    stack = next(stack for stack in compose(env, TEMPLATES) if stack.name == "web")
    rendering, faults = render(stack, document, "yaml")
    assert rendering is not None, faults
    return dict(rendering.body), findings


def containers(body: Body) -> Body:
    listed = body["Resources"]["TaskDefinition"]["Properties"]["ContainerDefinitions"]
    return {definition["Name"]: definition for definition in listed}


def text(body: Body) -> str:
    (variable,) = containers(body)["proxy"]["Environment"]
    return str(variable["Value"])


def codes(findings: list[Finding]) -> list[str]:
    return [finding.code for finding in findings]


def test_expose_entries_without_a_container_are_for_the_proxy() -> None:
    expose = [
        {"via": "public", "paths": ["/*"]},
        {"via": "public", "paths": ["/raw/*"], "container": "web"},
    ]
    body, findings = built({"port": 5000}, {"expose": expose})
    assert findings == []
    balancers = body["Resources"]["Service"]["Properties"]["LoadBalancers"]
    targets = [(entry["ContainerName"], entry["ContainerPort"]) for entry in balancers]
    assert targets == [("proxy", 5000), ("web", 3000)]
    assert {"Public5000Ingress", "Public3000Ingress"} <= body["Resources"].keys()


def test_the_proxy_has_no_capabilities_and_stops_first() -> None:
    check = {"command": "wget -q -O /dev/null http://127.0.0.1:3000"}
    inside = {"web": WEB | {"health_check": check}, "php": {"image": "ecr:php:1", "ports": [9000]}}
    inside["other"] = {"image": "ecr:other:1"}
    routes = [*ROUTES, {"match": r"\.php$", "to": "fastcgi://php", "root": "/var/www"}]
    body, findings = built({"routes": routes}, {"containers": inside})
    assert findings == []
    proxy = containers(body)["proxy"]
    assert proxy["User"] == "101:101"
    assert proxy["LinuxParameters"] == {"Capabilities": {"Drop": ["ALL"]}}
    waits = {entry["ContainerName"]: entry["Condition"] for entry in proxy["DependsOn"]}
    assert waits == {"php": "START", "web": "HEALTHY"}
    assert proxy["StopTimeout"] == 30
    assert "worker_shutdown_timeout 25s;" in text(body)


@pytest.mark.parametrize(
    ("stacks", "expose", "proxy", "trusted"),
    [
        ({}, None, {}, ["10.20.0.0/16"]),
        ({"network": {"existing": EXISTING}}, None, {}, ["10.0.0.0/8", "172.16.0.0/12"]),
        ({"network": {"existing": EXISTING | {"cidr": "10.9.0.0/16"}}}, None, {}, ["10.9.0.0/16"]),
        (
            {"edge": {"template": "nlb", "scheme": "internal"}},
            [{"via": "edge", "port": 8080}],
            {},
            [],
        ),
        ({}, [], {}, []),
        ({}, None, {"trusted_proxies": ["192.0.2.0/24"]}, ["10.20.0.0/16", "192.0.2.0/24"]),
    ],
)
def test_x_forwarded_for_is_trusted_from_application_load_balancers_only(
    stacks: Body, expose: list[Body] | None, proxy: Body, trusted: list[str]
) -> None:
    service = {} if expose is None else {"expose": expose}
    if "edge" in stacks:
        service["desired_count"] = 2  # type: ignore[assignment]
    body, findings = built(proxy, service, stacks)
    assert findings == []
    written = re.findall("set_real_ip_from (.*);", text(body))
    assert written[: len(trusted)] == trusted
    assert bool(written) is bool(trusted)
    assert ("real_ip_recursive on;" in text(body)) is ("trusted_proxies" in proxy)


@pytest.mark.parametrize(
    ("balancer", "proxy", "seconds"),
    [
        ({}, {}, 75),
        ({"idle_timeout": "30s"}, {}, 75),
        ({"idle_timeout": "300s"}, {}, 315),
        ({}, {"keepalive_timeout": "90s"}, 90),
        ({"existing": {"listener": LISTENER, "security_group": "sg-0123456789abcdef0"}}, {}, 75),
    ],
)
def test_nginx_keeps_idle_connections_longer_than_load_balancers_do(
    balancer: Body, proxy: Body, seconds: int
) -> None:
    body, findings = built(
        proxy, stacks={"public": {"template": "alb", **(balancer or {"certificate": []})}}
    )
    assert findings == []
    assert f"keepalive_timeout {seconds}s;" in text(body)


def test_too_much_cpu_or_memory_is_reported_at_the_proxy() -> None:
    _, findings = built({"cpu": 300, "memory": 900})
    assert [(finding.code, finding.path[2:]) for finding in findings] == [
        ("M1212", ("containers",)),
        ("M1212", ("proxy", "memory")),
    ]


def test_the_port_of_the_proxy_must_be_free() -> None:
    _, findings = built({"port": 3000})
    assert [(finding.code, finding.path[2:]) for finding in findings] == [
        ("M1206", ("proxy", "port"))
    ]


def test_a_mutable_image_tag_is_reported_at_the_proxy() -> None:
    _, findings = built({"image": "nginx:latest"})
    assert [(finding.code, finding.level, finding.path[2:]) for finding in findings] == [
        ("M1219", "warning", ("proxy", "image"))
    ]


def test_a_port_below_1024_requires_root() -> None:
    assert codes(built({"port": 80})[1]) == ["M3051"]
    body, findings = built({"port": 80, "user": "root"})
    assert findings == []
    assert "LinuxParameters" not in containers(body)["proxy"]


def test_two_services_may_both_have_a_proxy() -> None:
    other = {"template": "service", "containers": {"web": WEB}, "proxy": {"routes": ROUTES}}
    other["expose"] = [{"via": "public", "paths": ["/other/*"]}]
    assert built({}, stacks={"other": other})[1] == []
    other["expose"] = [{"via": "public", "paths": ["/*"]}]
    assert codes(built({}, stacks={"other": other})[1]) == ["M2430"]


FILE = "server {\n    listen 8080;\n    location / { proxy_pass http://127.0.0.1:3000; }\n}\n"


def test_a_file_with_servers_is_written_to_conf_d() -> None:
    body, findings = built({"config": "web.conf"}, file=FILE)
    assert findings == []
    proxy = containers(body)["proxy"]
    assert text(body) == FILE
    assert proxy["Environment"][0]["Name"] == "NGINX_SERVERS"
    assert proxy["Command"][0].endswith(
        "> /etc/nginx/conf.d/default.conf && exec nginx -g 'daemon off;'"
    )
    assert "User" not in proxy
    assert proxy["DependsOn"] == [{"ContainerName": "web", "Condition": "START"}]


@pytest.mark.parametrize(("more", "foreground"), [("", " -g 'daemon off;'"), ("daemon off;\n", "")])
def test_a_complete_file_is_written_to_nginx_conf(more: str, foreground: str) -> None:
    file = f"{more}events {{}}\nhttp {{\n{FILE}}}\n"
    body, findings = built({"config": "web.conf"}, file=file)
    assert findings == []
    proxy = containers(body)["proxy"]
    assert proxy["Environment"][0]["Name"] == "NGINX_CONF"
    assert proxy["Command"][0].endswith(f"> /etc/nginx/nginx.conf && exec nginx{foreground}")


def test_lines_of_a_file_keep_their_numbers() -> None:
    body, _ = built({"config": "web.conf"}, file=f"\n\n# tab\t  \n{FILE}\n\n")
    assert text(body) == f"\n\n# tab\n{FILE}"


def test_a_file_that_cannot_be_read_is_a_finding() -> None:
    _, findings = built({"config": "web.conf"})
    assert codes(findings) == ["M1001"]


@pytest.mark.parametrize(
    ("plain", "written"),
    [
        ("a", "a"),
        ("", "''"),
        ("a b", '"a b"'),
        ('a"b', r'"a\"b"'),
        ("a;b{c}#", '"a;b{c}#"'),
        (r"\.php$", r"\.php$"),
        (r"\d\\", r"\d\\\\"),
        (r"a\tb", r"a\\tb"),
        ("it's", '"it\'s"'),
    ],
)
def test_words_are_quoted_if_necessary(plain: str, written: str) -> None:
    assert quote_word(plain) == written
