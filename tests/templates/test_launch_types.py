"""Containers in the network modes, and how load balancers reach them on instances."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from stack_bodies import build_bodies, properties

from moorage.pipeline.compose import compose
from moorage.pipeline.load import Document
from moorage.pipeline.validate import validate
from templates import TEMPLATES
from templates.tasks.containers import Container
from templates.tasks.launch_types import apply_network_mode


def nginx_and_php() -> dict[str, Container]:
    nginx = {"image": "nginx:1.27.3", "ports": [80], "address_of": {"PHP_HOST": "php"}}
    return {
        "nginx": Container.model_validate(nginx),
        "php": Container.model_validate({"image": "php:8.4", "ports": ["9000:9001"]}),
    }


@pytest.mark.parametrize("mode", ["awsvpc", "host"])
def test_containers_that_share_an_address_reach_each_other_at_127_0_0_1(mode: Any) -> None:
    nginx = apply_network_mode(nginx_and_php(), mode)["nginx"]
    assert nginx.environment == {"PHP_HOST": "127.0.0.1"}
    assert nginx.links == []
    assert [port.host for port in nginx.ports] == [None]


def test_in_network_mode_bridge_containers_have_links_and_ports_of_the_instance() -> None:
    containers = apply_network_mode(nginx_and_php(), "bridge")
    assert containers["nginx"].environment == {"PHP_HOST": "php"}
    assert containers["nginx"].links == ["php"]
    assert [port.host for port in containers["nginx"].ports] == [0]
    assert [port.host for port in containers["php"].ports] == [9000]


def test_a_load_balancer_reaches_the_proxy_in_network_mode_bridge() -> None:
    web = {
        "template": "service",
        "launch": "ec2",
        "network_mode": "bridge",
        "proxy": {"routes": [{"path": "/", "to": "app"}]},
        "containers": {"app": {"image": "ecr:shop/app:1", "ports": [8080]}},
        "expose": [{"via": "public", "paths": ["/*"]}],
    }
    bodies = build_bodies(
        cluster={"capacity": {"ec2": True}}, public={"template": "alb", "certificate": []}, web=web
    )
    rule = properties(bodies["cluster"]["Resources"], "Ec2FromPublicTcp32768To65535Ingress")
    assert (rule["FromPort"], rule["ToPort"]) == (32768, 65535)
    definitions = properties(bodies["web"]["Resources"], "TaskDefinition")["ContainerDefinitions"]
    proxy = next(definition for definition in definitions if definition["Name"] != "app")
    assert proxy["Links"] == ["app"]
    assert "127.0.0.1" not in yaml.safe_dump(proxy.get("Environment", []))


def test_a_privileged_container_on_instances_is_built_with_a_warning() -> None:
    job = {
        "template": "worker",
        "launch": "ec2",
        "containers": {"job": {"image": "ecr:shop/job:1", "privileged": True}},
    }
    stacks = {"network": {}, "cluster": {"capacity": {"ec2": True}}, "job": job}
    data = {"app": "shop", "region": "eu-central-1", "stacks": stacks}
    env, findings = validate(Document("dev", "params/dev.yaml", data, {}), TEMPLATES)
    assert [(finding.level, finding.code) for finding in findings] == [("warning", "M2712")]
    assert env is not None
    stack = next(stack for stack in compose(env, TEMPLATES) if stack.name == "job")
    (container,) = properties(stack.body["Resources"], "TaskDefinition")["ContainerDefinitions"]
    assert container["Privileged"] is True
