"""The bodies of dashboards: their structure, their places, and what they refer to."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from dashboard_schema import SCHEMA
from jsonschema import Draft7Validator
from stack_bodies import build_bodies, service

DASHBOARD = "AWS::CloudWatch::Dashboard"
STACKS: dict[str, Any] = {
    "cluster": {"container_insights": "on"},
    "public": {"template": "alb", "certificate": []},
    "old": {
        "template": "alb",
        "existing": {
            "listener": "arn:aws:elasticloadbalancing:eu-central-1:123456789012:"
            "listener/app/old/0a1b2c3d/4e5f6a7b",
            "security_group": "sg-0123456789abcdef0",
        },
    },
    "edge": {"template": "nlb"},
    "notifications": {"subscriptions": {"email": ["operations@example.com"]}},
    "web": service(
        container={"ports": [8080]},
        desired_count=2,
        expose=[{"via": "public", "paths": ["/*"], "health_check": {"path": "/healthz"}}],
        alarms=True,
        dashboard=True,
    ),
    "relay": service(
        container={"ports": [8080]},
        desired_count=2,
        expose=[{"via": "edge", "port": "8080/tcp", "clients": ["10.0.0.0/8"]}],
        dashboard=True,
    ),
    "mailer": {
        "template": "worker",
        "containers": {"mailer": {"image": "ecr:shop/mailer:1"}},
        "dashboard": True,
    },
    "overview": {"template": "dashboard"},
}


def dashboards() -> dict[str, dict[str, Any]]:
    """The templates of stacks with a dashboard."""
    bodies = build_bodies(**STACKS)
    return {
        name: body
        for name, body in bodies.items()
        if any(each["Type"] == DASHBOARD for each in body["Resources"].values())
    }


def source(body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The text of the dashboard's body, and the variables of Fn::Sub."""
    substitution = body["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    return (substitution, {}) if isinstance(substitution, str) else tuple(substitution)


def widgets(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The widgets, with the name of each reference in its place."""
    text = re.sub(r"\$\{([^}]*)\}", r"\1", source(body)[0])
    content = json.loads(text)
    assert list(Draft7Validator(SCHEMA).iter_errors(content)) == []
    found: list[dict[str, Any]] = content["widgets"]
    return found


BODIES = dashboards()
every = pytest.mark.parametrize("name", ["web", "relay", "mailer", "overview"])


def test_these_stacks_have_a_dashboard() -> None:
    assert BODIES.keys() == {"web", "relay", "mailer", "overview"}


@every
def test_a_body_has_the_documented_structure_and_no_spaces_between_its_parts(name: str) -> None:
    assert widgets(BODIES[name])
    text = source(BODIES[name])[0]
    assert text == json.dumps(json.loads(text), separators=(",", ":"))


@every
def test_no_two_widgets_overlap(name: str) -> None:
    taken: set[tuple[int, int]] = set()
    for widget in widgets(BODIES[name]):
        assert widget["x"] + widget["width"] <= 24
        cells = {
            (widget["x"] + column, widget["y"] + row)
            for column in range(widget["width"])
            for row in range(widget["height"])
        }
        assert not cells & taken
        taken |= cells


@every
def test_every_reference_is_to_the_stack_or_an_import(name: str) -> None:
    text, variables = source(BODIES[name])
    used = set(re.findall(r"\$\{([^}]*)\}", text))
    local = {reference.split(".")[0] for reference in used if not reference.startswith("AWS::")}
    assert local - variables.keys() <= BODIES[name]["Resources"].keys()
    assert variables.keys() <= local
    assert all(value.keys() == {"Fn::ImportValue"} for value in variables.values())
    exports = [value["Fn::ImportValue"] for value in variables.values()]
    assert len(set(exports)) == len(exports)


def test_bodies_are_the_same_in_every_build() -> None:
    assert {name: source(body) for name, body in dashboards().items()} == {
        name: source(body) for name, body in BODIES.items()
    }


def titles(name: str) -> list[str]:
    return [widget["properties"]["title"] for widget in widgets(BODIES[name])]


def test_the_dashboard_of_a_service_shows_its_alarms_requests_and_tasks() -> None:
    place = "public, port 8080 of web"
    assert titles("web") == [
        "Alarms",
        f"Requests: {place}",
        f"Response time, seconds: {place}",
        f"Health checks: {place}",
        "CPU and memory, percent",
        "Tasks",
    ]
    alarms = set(re.findall(r"\$\{(\w+Alarm)\.Arn\}", source(BODIES["web"])[0]))
    kinds = {name: each["Type"] for name, each in BODIES["web"]["Resources"].items()}
    assert alarms == {name for name, kind in kinds.items() if kind == "AWS::CloudWatch::Alarm"}


def test_the_dashboard_of_a_worker_shows_its_queues() -> None:
    assert titles("mailer") == [
        "CPU and memory, percent",
        "Tasks",
        "Messages",
        "Age of messages, seconds",
    ]


def test_the_dashboard_of_the_environment_finds_services_by_cluster_and_load_balancer() -> None:
    text = source(BODIES["overview"])[0]
    assert r"ClusterName=\"${ClusterName}\" MetricName=\"CPUUtilization\"" in text
    assert r"LoadBalancer=\"app/old/0a1b2c3d\" MetricName=\"TargetResponseTime\"" in text
    assert "Unhealthy targets: edge" in titles("overview")


def test_the_golden_dashboards_have_the_documented_structure() -> None:
    texts = [
        re.sub(r"''", "'", re.sub(r"\n +", " ", match))
        for path in sorted(Path("tests/golden/alarms/out/prod").glob("*.yaml"))
        for match in re.findall(r"- '(\{\"widgets\".*?\})'\n", path.read_text(), re.DOTALL)
    ]
    assert len(texts) == 4
    for text in texts:
        assert list(Draft7Validator(SCHEMA).iter_errors(json.loads(text))) == []
