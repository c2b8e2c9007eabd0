"""Where tasks run: types of instances, containers as they run, what load balancers send there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from moorage.model import Environment
from moorage.pipeline.build import build
from templates import TEMPLATES
from templates.cluster.capacity import Capacity, handles, is_graviton
from templates.tasks.containers import Container
from templates.tasks.launch_types import apply_network_mode

ARM = [
    "a1.large",
    "t4g.small",
    "m7g.large",
    "c7gn.xlarge",
    "im4gn.large",
    "g5g.xlarge",
    "x2gd.large",
]
X86 = ["t3.small", "g5.xlarge", "g4dn.xlarge", "c7i-flex.large", "m5a.large", "u-6tb1.metal"]


@pytest.mark.parametrize("kind", ARM)
def test_graviton_is_known_by_its_name(kind: str) -> None:
    assert is_graviton(kind)


@pytest.mark.parametrize("kind", X86)
def test_what_is_not_graviton(kind: str) -> None:
    assert not is_graviton(kind)


def containers() -> dict[str, Container]:
    nginx = {"image": "nginx:1.27.3", "ports": [80], "address_of": {"PHP_HOST": "php"}}
    return {
        "nginx": Container.model_validate(nginx),
        "php": Container.model_validate({"image": "php:8.4", "ports": ["9000:9001"]}),
    }


@pytest.mark.parametrize("mode", ["awsvpc", "host"])
def test_containers_that_share_an_address_are_at_127_0_0_1(mode: Any) -> None:
    nginx = apply_network_mode(containers(), mode)["nginx"]
    assert nginx.environment == {"PHP_HOST": "127.0.0.1"}
    assert nginx.links == []
    assert [one.host for one in nginx.ports] == [None]


def test_containers_on_a_bridge_are_linked_and_get_ports_of_the_instance() -> None:
    found = apply_network_mode(containers(), "bridge")
    assert found["nginx"].environment == {"PHP_HOST": "php"}
    assert found["nginx"].links == ["php"]
    assert [one.host for one in found["nginx"].ports] == [0]
    assert [one.host for one in found["php"].ports] == [9000]


PROXIED = """\
app: shop
region: eu-west-1
stacks:
  network: {}
  cluster: {capacity: {ec2: true}}
  public: {template: alb}
  web:
    template: service
    launch: ec2
    network_mode: bridge
    proxy:
      routes: [{path: /, to: app}]
    containers: {app: {image: "ecr:shop/app:1", ports: [8080]}}
    expose: [{via: public, paths: ["/*"]}]
"""


def test_a_proxy_on_a_bridge_is_reached_too(tmp_path: Path) -> None:
    (tmp_path / "dev.yaml").write_text(PROXIED)
    built = build(tmp_path, "dev", TEMPLATES)
    assert built.plan is not None, built.findings
    bodies = {one.name: one.rendering.body["Resources"] for one in built.plan.stacks}
    rule = bodies["cluster"]["Ec2FromPublicTcp32768To65535Ingress"]["Properties"]
    assert (rule["FromPort"], rule["ToPort"]) == (32768, 65535)
    task = bodies["web"]["TaskDefinition"]["Properties"]
    proxy = next(one for one in task["ContainerDefinitions"] if one["Name"] != "app")
    assert proxy["Links"] == ["app"]
    assert "127.0.0.1" not in yaml.safe_dump(proxy.get("Environment", []))


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (["m7g.*", "c7gn.large"], "ARM64"),
        (["m7i.*", "m7a.*"], "X86_64"),
        (["m7g.*", "m7i.*"], None),
        (["m7*"], None),
        (["*"], None),
        ([], None),
    ],
)
def test_what_managed_instances_run_is_known_where_all_types_tell_it(
    patterns: list[str], expected: str | None
) -> None:
    capacity = Capacity.model_validate({"managed_instances": {"instance_types": patterns}})
    environment = Environment("dev", "shop", "eu-central-1", None, {}, None, {})
    assert handles("cluster", capacity, environment)["managed_instances"].architecture == expected
