"""The containers, permissions and references that `sidecars:` adds to a task.

What is wrong with them is in tests/errors/sidecars, whole templates are under tests/golden.
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
OWN = "service: {extensions: []}\n"


def built(web: dict[str, Any], **stacks: Any) -> tuple[dict[str, Any], list[Finding]]:
    """The resources of the service `web`, and what was found on the way."""
    service = {"template": "service", "memory": 1024, "cpu": 512} | web
    service.setdefault("containers", {"web": {"image": IMAGE}})
    data = {
        "app": "shop",
        "region": "eu-central-1",
        "stacks": {"network": {}, "cluster": {}, **stacks, "web": service},
    }
    document = Document("dev", "params/dev.yaml", data, {}, read=lambda name: TextFile(name, OWN))
    env, findings = validate(document, TEMPLATES)
    if env is None:
        return {}, findings
    stack = next(one for one in compose(env, TEMPLATES) if one.name == "web")
    rendering, faults = render(stack, document, "yaml")
    assert rendering is not None
    return dict(rendering.body["Resources"]), [*findings, *faults]


def task(web: dict[str, Any], **stacks: Any) -> dict[str, dict[str, Any]]:
    """The container definitions of a service that has nothing wrong, by name."""
    resources, findings = built(web, **stacks)
    assert findings == []
    definitions = resources["TaskDefinition"]["Properties"]["ContainerDefinitions"]
    return {one["Name"]: one for one in definitions}


def waits(container: dict[str, Any]) -> dict[str, str]:
    return {one["ContainerName"]: one["Condition"] for one in container.get("DependsOn", [])}


def allowed(role: dict[str, Any]) -> dict[str, list[Any]]:
    """What a role is allowed to do: resources by the Sid of their statement, which is unique."""
    policies = role["Properties"].get("Policies", [])
    found = [one for policy in policies for one in policy["PolicyDocument"]["Statement"]]
    by_sid = {one["Sid"]: one["Resource"] for one in found}
    assert len(by_sid) == len(found)
    return by_sid


ALL = {"datadog": {"api_key": KEY, "dogstatsd": False}, "otel": True, "firelens": {"firehose": "a"}}


def test_without_sidecars_no_container_waits() -> None:
    assert waits(task({})["web"]) == {}


def test_the_application_starts_after_its_sidecars() -> None:
    init = {"image": IMAGE, "init": True}
    containers = {"first": init, "web": {"image": IMAGE, "depends_on": {"log-router": "HEALTHY"}}}
    found = task({"sidecars": ALL, "containers": containers})
    sidecars = {"datadog-agent": "START", "otel-collector": "START", "log-router": "START"}
    assert waits(found["first"]) == sidecars
    assert waits(found["web"]) == sidecars | {"log-router": "HEALTHY", "first": "SUCCESS"}
    assert [waits(found[name]) for name in sidecars] == [{}, {}, {}]


def test_only_the_log_router_is_essential() -> None:
    found = task({"sidecars": ALL})
    essential = {name for name, one in found.items() if one["Essential"]}
    assert essential == {"web", "log-router"}
    assert {name for name, one in found.items() if "RestartPolicy" in one} == {
        "datadog-agent",
        "otel-collector",
    }


def test_all_output_but_that_of_the_log_router_goes_through_it() -> None:
    drivers = {
        name: one["LogConfiguration"]["LogDriver"] for name, one in task({"sidecars": ALL}).items()
    }
    assert drivers.pop("log-router") == "awslogs"
    assert set(drivers.values()) == {"awsfirelens"}


def test_the_api_key_is_a_secret_and_read_once() -> None:
    both = {
        "datadog": {"api_key": KEY},
        "firelens": {"http": {"url": "http://logs.shop.internal/in", "header": KEY}},
    }
    resources, findings = built({"sidecars": both})
    assert findings == []
    assert len(allowed(resources["ExecutionRole"])["ReadParameters"]) == 1
    assert "ReadParameters" not in allowed(resources["TaskRole"])
    options = task({"sidecars": both})["web"]["LogConfiguration"]["Options"]
    assert (options["Port"], options["tls"], options["URI"]) == ("80", "Off", "/in")


@pytest.mark.parametrize(
    ("destination", "resource"),
    [
        ({"cloudwatch": {"log_group": "/a"}}, ":log-group:/a:*"),
        ({"s3": {"bucket": "logs", "prefix": "/web/"}}, ":s3:::logs/web/*"),
        ({"firehose": "shop-logs"}, ":deliverystream/shop-logs"),
    ],
)
def test_the_task_role_is_allowed_to_send_to_the_destination_only(
    destination: dict[str, Any], resource: str
) -> None:
    resources, findings = built({"sidecars": {"firelens": destination}})
    assert findings == []
    may = allowed(resources["TaskRole"])
    assert may.keys() == {"SendLogs"}
    assert str(may["SendLogs"][0]["Fn::Sub"]).endswith(resource)


def test_with_bridge_mode_containers_link_to_the_agent() -> None:
    cluster = {"capacity": {"ec2": {}}}
    web = {
        "launch": "ec2",
        "network_mode": "bridge",
        "sidecars": {"datadog": {"api_key": KEY}},
        "containers": {"web": {"image": IMAGE, "ports": [8126]}},
    }
    resources, findings = built(web, cluster=cluster)
    assert [(one.code, one.level) for one in findings] == [("M2748", "warning")]
    agent, web = (
        {one["Name"]: one["Value"] for one in found.get("Environment", [])} | found
        for found in sorted(
            resources["TaskDefinition"]["Properties"]["ContainerDefinitions"],
            key=lambda one: str(one["Name"]),
        )
    )
    assert web["DD_AGENT_HOST"] == "datadog-agent"
    assert web["Links"] == ["datadog-agent"]
    assert agent["DD_APM_NON_LOCAL_TRAFFIC"] == "true"
    assert "ECS_FARGATE" not in agent


def test_a_collector_without_health_check_extension_is_not_checked() -> None:
    assert "HealthCheck" in task({"sidecars": {"otel": True}})["otel-collector"]
    own = task({"sidecars": {"otel": {"config_file": "otel.yaml"}}})["otel-collector"]
    assert "HealthCheck" not in own
    assert own["Environment"] == [{"Name": "AOT_CONFIG_CONTENT", "Value": OWN}]


def test_every_name_of_a_configuration_is_known() -> None:
    assert set(get_args(otel.ConfigName)) == otel._CONFIGS.keys()


def test_more_containers_than_ecs_allows() -> None:
    many = {f"c{number}": {"image": IMAGE} for number in range(10)}
    _, findings = built({"containers": many, "sidecars": {"otel": True}})
    assert [one.code for one in findings] == ["M2747"]
