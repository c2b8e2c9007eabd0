"""What `sidecars:` add to a task: containers, dependencies and permissions.

Problems are in tests/errors/sidecars, whole templates are under tests/golden.
"""

from __future__ import annotations

from typing import Any, get_args

import pytest

from moorage.findings.finding import Finding
from moorage.model import TextFile
from moorage.pipeline.compose import compose
from moorage.pipeline.load import Document
from moorage.pipeline.render import render
from moorage.pipeline.validate import validate
from templates import TEMPLATES
from templates.tasks import otel

IMAGE = "ecr:shop/web:1.4.2"
KEY = "ssm:/shop/datadog"
CONFIGURATION = "service: {extensions: []}\n"
"""The text of every configuration file."""
EVERY_SIDECAR = {
    "datadog": {"api_key": KEY, "dogstatsd": False},
    "otel": True,
    "firelens": {"firehose": "a"},
}


def build_service(
    params: dict[str, Any], **stacks: Any
) -> tuple[dict[str, dict[str, Any]], list[Finding]]:
    """The resources of the service `web`, and the findings."""
    web = {"template": "service", "memory": 1024, "cpu": 512} | params
    web.setdefault("containers", {"web": {"image": IMAGE}})
    data = {
        "app": "shop",
        "region": "eu-central-1",
        "stacks": {"network": {}, "cluster": {}, **stacks, "web": web},
    }
    document = Document(
        "dev", "params/dev.yaml", data, {}, read=lambda name: TextFile(name, CONFIGURATION)
    )
    env, findings = validate(document, TEMPLATES)
    if env is None:
        return {}, findings
    stack = next(stack for stack in compose(env, TEMPLATES) if stack.name == "web")
    rendering, more = render(stack, document, "yaml")
    assert rendering is not None
    return dict(rendering.body["Resources"]), [*findings, *more]


def containers_of(resources: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The container definitions by name."""
    definitions = resources["TaskDefinition"]["Properties"]["ContainerDefinitions"]
    return {definition["Name"]: definition for definition in definitions}


def build_containers(params: dict[str, Any], **stacks: Any) -> dict[str, dict[str, Any]]:
    """The container definitions by name, of a service without findings."""
    resources, findings = build_service(params, **stacks)
    assert findings == []
    return containers_of(resources)


def dependencies(container: dict[str, Any]) -> dict[str, str]:
    return {
        dependency["ContainerName"]: dependency["Condition"]
        for dependency in container.get("DependsOn", [])
    }


def variables(container: dict[str, Any]) -> dict[str, Any]:
    return {item["Name"]: item["Value"] for item in container.get("Environment", [])}


def statements(role: dict[str, Any]) -> dict[str, list[Any]]:
    """The resources of a role's statements by Sid; no Sid occurs twice."""
    policies = role["Properties"].get("Policies", [])
    all_names = [
        statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]
    ]
    by_sid = {statement["Sid"]: statement["Resource"] for statement in all_names}
    assert len(by_sid) == len(all_names)
    return by_sid


def test_without_sidecars_a_container_has_no_dependencies() -> None:
    assert dependencies(build_containers({})["web"]) == {}


def test_other_containers_depend_on_the_sidecars_and_these_on_none() -> None:
    init = {"image": IMAGE, "init": True}
    web = {"image": IMAGE, "depends_on": {"log-router": "HEALTHY"}}
    containers = build_containers(
        {"sidecars": EVERY_SIDECAR, "containers": {"first": init, "web": web}}
    )
    started = {"datadog-agent": "START", "otel-collector": "START", "log-router": "START"}
    assert dependencies(containers["first"]) == started
    assert dependencies(containers["web"]) == started | {
        "log-router": "HEALTHY",
        "first": "SUCCESS",
    }
    assert [dependencies(containers[name]) for name in started] == [{}, {}, {}]


def test_of_the_sidecars_only_the_log_router_is_essential() -> None:
    containers = build_containers({"sidecars": EVERY_SIDECAR})
    essential = {name for name, container in containers.items() if container["Essential"]}
    assert essential == {"web", "log-router"}
    restarted = {name for name, container in containers.items() if "RestartPolicy" in container}
    assert restarted == {"datadog-agent", "otel-collector"}


def test_all_logs_but_its_own_go_through_the_log_router() -> None:
    drivers = {
        name: container["LogConfiguration"]["LogDriver"]
        for name, container in build_containers({"sidecars": EVERY_SIDECAR}).items()
    }
    assert drivers.pop("log-router") == "awslogs"
    assert set(drivers.values()) == {"awsfirelens"}


def test_one_secret_for_two_sidecars_is_allowed_once_and_to_the_execution_role_only() -> None:
    sidecars = {
        "datadog": {"api_key": KEY},
        "firelens": {"http": {"url": "http://logs.shop.internal/in", "header": KEY}},
    }
    resources, findings = build_service({"sidecars": sidecars})
    assert findings == []
    assert len(statements(resources["ExecutionRole"])["ReadParameters"]) == 1
    assert "ReadParameters" not in statements(resources["TaskRole"])


def test_a_url_becomes_options_of_the_output() -> None:
    sidecars = {"firelens": {"http": {"url": "http://logs.shop.internal/in"}}}
    options = build_containers({"sidecars": sidecars})["web"]["LogConfiguration"]["Options"]
    assert (options["Port"], options["tls"], options["URI"]) == ("80", "Off", "/in")


@pytest.mark.parametrize(
    ("destination", "resource"),
    [
        ({"cloudwatch": {"log_group": "/a"}}, ":log-group:/a:*"),
        ({"s3": {"bucket": "logs", "prefix": "/web/"}}, ":s3:::logs/web/*"),
        ({"firehose": "shop-logs"}, ":deliverystream/shop-logs"),
    ],
)
def test_the_task_role_allows_the_destination_only(
    destination: dict[str, Any], resource: str
) -> None:
    resources, findings = build_service({"sidecars": {"firelens": destination}})
    assert findings == []
    allowed = statements(resources["TaskRole"])
    assert allowed.keys() == {"SendLogs"}
    assert str(allowed["SendLogs"][0]["Fn::Sub"]).endswith(resource)


def test_in_network_mode_bridge_containers_have_a_link_to_the_agent() -> None:
    params = {
        "launch": "ec2",
        "network_mode": "bridge",
        "sidecars": {"datadog": {"api_key": KEY}},
        "containers": {"web": {"image": IMAGE, "ports": [8126]}},
    }
    resources, findings = build_service(params, cluster={"capacity": {"ec2": {}}})
    assert [(finding.level, finding.path) for finding in findings] == [
        ("warning", ("stacks", "web", "sidecars", "datadog"))
    ]
    containers = containers_of(resources)
    web, agent = containers["web"], containers["datadog-agent"]
    assert variables(web)["DD_AGENT_HOST"] == "datadog-agent"
    assert web["Links"] == ["datadog-agent"]
    assert variables(agent)["DD_APM_NON_LOCAL_TRAFFIC"] == "true"
    assert "ECS_FARGATE" not in variables(agent)


def test_a_configuration_without_health_check_extension_gets_no_health_check() -> None:
    containers = build_containers({"sidecars": {"otel": True}})
    assert "HealthCheck" in containers["otel-collector"]
    otel_params = {"config_file": "otel.yaml"}
    collector = build_containers({"sidecars": {"otel": otel_params}})["otel-collector"]
    assert "HealthCheck" not in collector
    assert variables(collector) == {"AOT_CONFIG_CONTENT": CONFIGURATION}


def test_every_configuration_of_the_params_is_defined() -> None:
    assert set(get_args(otel.ConfigName)) == otel._CONFIGS.keys()


def test_a_configuration_and_a_file_exclude_each_other() -> None:
    params = {"config": "xray", "config_file": "otel.yaml"}
    _, findings = build_service({"sidecars": {"otel": params}})
    assert [finding.code for finding in findings] == ["M2901"]


def test_a_configuration_file_needs_no_host_to_scrape() -> None:
    params = {"config_file": "otel.yaml", "scrape": "127.0.0.1:9090"}
    _, findings = build_service({"sidecars": {"otel": params}})
    assert [finding.code for finding in findings] == ["M2904"]


def test_sidecars_count_as_containers_of_the_task() -> None:
    many = {f"c{number}": {"image": IMAGE} for number in range(10)}
    _, findings = build_service({"containers": many, "sidecars": {"otel": True}})
    assert [finding.path for finding in findings] == [("stacks", "web", "containers")]
