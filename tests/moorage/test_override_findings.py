"""Overrides are judged by the rules: a finding is at the line of the override that causes it."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

import pytest
from command_line import main

from moorage.pipeline.override_causes import Key, _Search

PARAMS = """\
app: shop
region: eu-central-1
stacks:
  network:
    egress: nat
    overrides: {Resources: {Vpc: {Metadata: {Owner: platform}}}}
  cluster: {}
  public: {template: alb, scheme: internal}
  web:
    template: service
    containers: {app: {image: "ecr:shop/web:1", ports: [8080]}}
    expose: [{via: public, paths: ["/*"]}]
    overrides:
      Resources:
        Service: {Metadata: {Owner: team}}
        LogGroup: {Metadata: {Owner: team}}
        # here
"""


def findings(tmp_path: Path, capsys: pytest.CaptureFixture[str], params: str) -> list[str]:
    """Line, code and path of what a build reports; the first of repeated spaces is the line."""
    (tmp_path / "params").mkdir()
    (tmp_path / "params/dev.yaml").write_text(params)
    arguments = ["--params", str(tmp_path / "params"), "--out", str(tmp_path / "out")]
    main(["build", *arguments])
    printed = "".join(capsys.readouterr())
    return re.findall(r"dev\.yaml:(\d+): (?:error|warning) ([EWM]\d{4}) ([^:\s]+)", printed)


@pytest.mark.parametrize(
    ("override", "code", "path"),
    [
        (
            "PublicApp8080TargetGroup: {Properties: {HealthCheckTimeoutSeconds: 60, "
            "HealthCheckIntervalSeconds: 60}}",
            "E9564",
            "PublicApp8080TargetGroup.Properties.HealthCheckTimeoutSeconds",
        ),
        (
            "ExecutionRole: {Properties: {Policies: null}}",
            "E9765",
            "ExecutionRole.Properties",
        ),
        (
            "Provider: {Type: 'AWS::ECS::CapacityProvider', Properties: {Name: aws-x, "
            "AutoScalingGroupProvider: {AutoScalingGroupArn: a}}}",
            "E9204",
            "Provider.Properties.Name",
        ),
        (
            "TaskDefinition: {Properties: {ContainerDefinitions: {app: {StopTimeout: 121}}}}",
            "E9180",
            "TaskDefinition.Properties.ContainerDefinitions",
        ),
        # About a resource that is not overridden:
        (
            "TaskDefinition: {Properties: {ContainerDefinitions: {app: {Name: web}}}}",
            "E9220",
            "TaskDefinition",
        ),
    ],
)
def test_an_override_that_makes_the_template_wrong(
    override: str, code: str, path: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = findings(tmp_path, capsys, PARAMS.replace("# here", override))
    place = f"stacks.web.overrides.Resources.{path}"
    assert [entry for entry in found if entry[1] == code] == [("17", code, place)]


def test_an_override_that_makes_another_stack_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    override = "Vpc: {Metadata: {Owner: platform}}, PrivateRouteA: null"
    without_nat = PARAMS.replace("Vpc: {Metadata: {Owner: platform}}", override)
    found = findings(tmp_path, capsys, without_nat)
    assert ("6", "E9605", "stacks.network.overrides.Resources.PrivateRouteA") in found


def test_what_no_override_causes_is_at_the_stack(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A task on instances with a fixed number of tasks: the override of the service is innocent."""
    latest = PARAMS.replace("ecr:shop/web:1", "public.ecr.aws/shop/web:latest")
    found = findings(tmp_path, capsys, latest)
    assert not [entry for entry in found if "overrides" in entry[2]]


def test_a_part_is_a_cause_only_if_the_finding_goes_with_it() -> None:
    """Each two of three parts are too many: without the first and the last nothing is found."""
    key: Key = ("E9982", "web.yaml", ("Resources",))

    def find_without(parts: Collection[int]) -> frozenset[Key]:
        return frozenset([key] if len({0, 1, 2}.difference(parts)) > 1 else [])

    assert _Search(3, find_without).find_cause(key, range(3)) is None
