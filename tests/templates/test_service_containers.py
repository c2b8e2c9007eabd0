"""Containers and outputs of services, and updates of them."""

from __future__ import annotations

from typing import Any

from service_stacks import (
    EXISTING_ALB,
    IMAGE,
    LISTENER,
    REGION,
    ROUTE,
    WEB,
    body,
    built,
    of_type,
    resources,
)

from moorage.pipeline.compose import compose
from moorage.pipeline.load import Document
from moorage.pipeline.validate import validate
from templates import TEMPLATES

# Containers ----------------------------------------------------------------------------------


def definition(**container: Any) -> dict[str, Any]:
    (definition,) = resources(container=container)["TaskDefinition"]["ContainerDefinitions"]
    return definition


def test_omitted_settings_are_left_to_ecs() -> None:
    assert definition().keys() == {
        "Name",
        "Image",
        "Essential",
        "PortMappings",
        "LogConfiguration",
    }


def test_ports_keep_their_protocol() -> None:
    assert definition(ports=[8080, "53/udp"])["PortMappings"] == [
        {"ContainerPort": 8080, "Protocol": "tcp"},
        {"ContainerPort": 53, "Protocol": "udp"},
    ]


def test_variables_are_text_sorted_by_name() -> None:
    variables = {"B": 1, "A": True, "C": "x", "D": 0.5}
    assert definition(environment=variables)["Environment"] == [
        {"Name": "A", "Value": "true"},
        {"Name": "B", "Value": "1"},
        {"Name": "C", "Value": "x"},
        {"Name": "D", "Value": "0.5"},
    ]


def test_a_cpu_of_zero_is_passed_on() -> None:
    assert definition(cpu=0)["Cpu"] == 0


def test_a_health_check_written_as_text_runs_in_a_shell() -> None:
    check = definition(health_check={"command": "true", "start_period": "0s"})["HealthCheck"]
    assert check["Command"] == ["CMD-SHELL", "true"]
    assert check["StartPeriod"] == 0


def test_linux_parameters() -> None:
    container = {"init_process_enabled": True, "drop_capabilities": ["ALL"]}
    assert definition(**container)["LinuxParameters"] == {
        "InitProcessEnabled": True,
        "Capabilities": {"Drop": ["ALL"]},
    }


def test_images_of_the_registry_of_the_account_are_written_in_full() -> None:
    host = "${AWS::AccountId}.dkr.ecr.${AWS::Region}.${AWS::URLSuffix}"
    assert definition(image="ecr:shop/web:1")["Image"] == {"Fn::Sub": f"{host}/shop/web:1"}
    assert definition()["Image"] == IMAGE


# What others may use -------------------------------------------------------------------------


def test_exports() -> None:
    outputs = body()["Outputs"]
    exported = {output["Export"]["Name"] for output in outputs.values() if "Export" in output}
    assert exported == {"shop-dev-web-SecurityGroupId", "shop-dev-web-TaskRoleArn"}


def findings(fields: dict[str, Any], **stacks: Any) -> list[tuple[str, str]]:
    """Code and path of each finding; the texts are under tests/errors."""
    service = {"template": "service", "containers": {"app": WEB}, **fields}
    _, all_findings = built(
        {"public": {"template": "alb", "certificate": []}, **stacks, "web": service}
    )
    return [(finding.code, ".".join(map(str, finding.path))) for finding in all_findings]


def service(**route: Any) -> dict[str, Any]:
    return {"template": "service", "containers": {"app": WEB}, "expose": [ROUTE | route]}


def test_services_of_two_listeners_do_not_conflict() -> None:
    inner = {"template": "alb", "scheme": "internal"}
    assert findings({"expose": [ROUTE]}, inner=inner, other=service(via="inner")) == []


def test_services_with_the_same_conditions_on_one_listener_conflict() -> None:
    clash = [("M2430", "stacks.web.expose.0")]
    assert findings({"expose": [ROUTE]}, other=service()) == clash
    twice = {name: {"template": "alb", "existing": EXISTING_ALB} for name in ("public", "again")}
    assert findings({"expose": [ROUTE]}, other=service(via="again"), **twice) == clash


def test_listeners_that_share_a_security_group_have_one_rule() -> None:
    other = EXISTING_ALB | {"listener": LISTENER.replace("f2f7dc8e", "aaaaaaaa")}
    stacks = {
        "public": {"template": "alb", "existing": EXISTING_ALB},
        "second": {"template": "alb", "existing": other},
    }
    template = body(expose=[ROUTE, ROUTE | {"via": "second"}], stacks=stacks)
    assert len(of_type("SecurityGroupIngress", template)) == 1
    assert len(of_type("SecurityGroupEgress", template)) == 1
    assert len(of_type("TargetGroup", template)) == 2


# Updates: what the second of two builds must not do to what the first one deployed -------------

SITE = [{"via": "public", "paths": ["/*"]}]


def priorities(**fields: Any) -> dict[str, int]:
    rules = of_type("ListenerRule", body(expose=SITE, **fields))
    return {name: rule["Priority"] for name, rule in rules.items()}


def test_a_rule_with_another_name_has_another_priority() -> None:
    """CloudFormation creates the new rule first, and a listener has each priority once."""
    before = priorities(container={"ports": [3000]})
    after = priorities(container={"ports": [3001]})
    assert before.keys().isdisjoint(after)
    assert set(before.values()).isdisjoint(after.values())


def test_the_same_route_of_another_stack_has_another_priority() -> None:
    both = {}
    for name in ("web", "site"):
        data = {"network": {}, "cluster": {}, "public": {"template": "alb", "certificate": []}}
        service = {"template": "service", "containers": {"app": WEB}, "expose": SITE}
        document = Document("dev", "dev.yaml", {"app": "shop", "region": REGION,
                            "stacks": {**data, name: service}}, {})  # fmt: skip
        env, _ = validate(document, TEMPLATES)
        assert env is not None
        stack = next(stack for stack in compose(env, TEMPLATES) if stack.name == name)
        (rule,) = of_type("ListenerRule", stack.body).values()
        both[name] = rule["Priority"]
    assert both["web"] != both["site"]


def test_removing_the_last_route_removes_the_target_group() -> None:
    assert resources()["Service"]["LoadBalancers"] == []
