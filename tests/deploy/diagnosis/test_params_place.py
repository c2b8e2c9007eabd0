"""From a diagnosis to the line of the params."""

from __future__ import annotations

from pathlib import Path

import pytest

from moorage.deploy.diagnosis.build_diagnosis import diagnosis
from moorage.deploy.diagnosis.matching import find_known
from moorage.deploy.diagnosis.params_place import (
    PARAMS,
    ParamsPlace,
    find_params_place,
    find_property_place,
)
from moorage.findings.report import dotted
from moorage.pipeline.document import Document
from moorage.pipeline.load import load
from templates import TEMPLATES
from templates.exposure.params import ExposeEntry
from templates.tasks.containers import Container

DEV = """\
app: kelp
region: eu-central-1
stacks:
  web:
    template: service
    memory: 512
    containers:
      app:
        image: "ecr:kelp/web:2026.11.3"
        secrets:
          KEY: "ssm:/kelp/dev/key"
          DATABASE_URL: "secretsmanager:kelp/dev/database:url"
      cron: {image: "ecr:kelp/cron:1", memory: 128}
    proxy: {routes: [{path: /, to: app}]}
    sidecars: {datadog: {}}
    expose:
      - {via: public, container: app, paths: [/api/*], health_check: {path: /healthz}}
      - via: edge
        container: cron
        port: 53/tcp
      - {via: public, name: old, redirect: {path: /}}
    overrides:
      Resources:
        Service:
          Properties:
            HealthCheckGracePeriodSeconds: 0
    release: {strategy: canary, rollback_on: [target_5xx]}
  api:
    template: service
    containers:
      api: {image: "ecr:kelp/api:1"}
    expose:
      - {via: public, paths: ["/*"]}
"""


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Document:
    folder = tmp_path_factory.mktemp("params")
    (folder / "dev.yaml").write_text(DEV)
    document, _ = load(folder, "dev")
    assert document is not None
    return document


def find(document: Document, message: str, container: str = "", stack: str = "web") -> str:
    known = find_known(message)
    assert known is not None
    found = diagnosis(
        known,
        message,
        stack=stack,
        logical_id="Service",
        resource_type="AWS::ECS::Service",
        container=container,
    )
    return show(find_params_place(found, document))


def show(found: ParamsPlace) -> str:
    missing = f" ({found.missing})" if found.missing else ""
    return f"{found.place.line} {dotted(found.path)}{missing}"


PULL = (
    "CannotPullContainerError: failed to resolve ref "
    "1.dkr.ecr.x.amazonaws.com/kelp/web:2026.11.3: not found"
)
OOM = "OutOfMemoryError: Container killed due to memory usage"
JSON_KEY = "retrieved secret from Secrets Manager did not contain json key url"
PARAMETER = "Fetching secret data from SSM Parameter Store in x: invalid parameters: /kelp/dev/key"
UNHEALTHY = "Target.Timeout: Request timed out (target group {})"


@pytest.mark.parametrize(
    ("message", "container", "stack", "expected"),
    [
        (PULL, "app", "web", "9 stacks.web.containers.app.image"),
        (PULL, "", "web", "9 stacks.web.containers.app.image"),
        (PULL, "proxy", "web", "14 stacks.web.proxy"),
        (PULL, "datadog-agent", "web", "15 stacks.web.sidecars"),
        (OOM, "cron", "web", "13 stacks.web.containers.cron.memory"),
        (OOM, "app", "web", "6 stacks.web.memory"),
        (OOM, "api", "api", "28 stacks.api (memory)"),
        (JSON_KEY, "", "web", "12 stacks.web.containers.app.secrets.DATABASE_URL"),
        (PARAMETER, "app", "web", "11 stacks.web.containers.app.secrets.KEY"),
        (PARAMETER.replace("key", "other"), "app", "web", "10 stacks.web.containers.app.secrets"),
        (
            UNHEALTHY.format("PublicApp8080TargetGroup"),
            "",
            "web",
            "17 stacks.web.expose[0].health_check.path",
        ),
        (UNHEALTHY.format("x"), "", "api", "33 stacks.api.expose[0]"),
        ("Capacity is unavailable at this time", "", "api", "28 stacks.api"),
        (
            "(service web) deployment failed: alarm detected.",
            "",
            "web",
            "27 stacks.web.release.rollback_on",
        ),
        ("ECS was unable to parse the response from x", "", "web", "27 stacks.web.release"),
        ("Rate exceeded", "", "api", "28 stacks.api"),
    ],
)
def test_a_diagnosis_leads_to_the_line(
    message: str, container: str, stack: str, expected: str, document: Document
) -> None:
    assert find(document, message, container, stack) == expected


def test_an_override_of_the_property_wins(document: Document) -> None:
    path = "stacks.web.overrides.Resources.Service.Properties.HealthCheckGracePeriodSeconds"
    found = find_property_place(document, "web", "Service", ["HealthCheckGracePeriodSeconds"])
    assert show(found) == f"26 {path}"
    # The task stopped, but the property belongs to another resource of the stack.
    found = find_property_place(document, "web", "Other", ["HealthCheckGracePeriodSeconds"])
    assert show(found) == f"26 {path}"
    found = find_property_place(document, "api", "Service", ["HealthCheckGracePeriodSeconds"])
    assert show(found) == "28 stacks.api (health_check_grace_period)"


def test_a_stack_that_is_not_in_the_params(document: Document) -> None:
    assert find_property_place(document, "gone", "Service", ["Memory"]).path == ("stacks",)


def test_every_key_exists() -> None:
    """Each key that a user is sent to is one that the params can have."""
    stacks = {key for kind in TEMPLATES.values() for key in kind.Params.model_fields}
    containers, entries = {*Container.model_fields}, {*ExposeEntry.model_fields}
    for keys in PARAMS.values():
        for key in filter(None, keys):
            head, _, rest = key.partition(".")
            names = {"{container}": containers, "{expose}": entries}.get(head, stacks)
            name = rest.split(".")[0] if head.startswith("{") else head
            assert not name or name in names, key


def test_params_of_the_project_itself() -> None:
    document, _ = load(Path("params"), "dev")
    assert document is not None
    message = "retrieved secret did not contain json key url"
    found = find_params_place(
        diagnosis(
            find_known(message),
            message,
            stack="migrate",
            logical_id="TaskDefinition",
            resource_type="AWS::ECS::TaskDefinition",
        ),
        document,
    )
    line = Path("params/base.yaml").read_text().splitlines()[found.place.line - 1]
    assert found.place.file == "params/base.yaml"
    assert "DATABASE_URL" in line
