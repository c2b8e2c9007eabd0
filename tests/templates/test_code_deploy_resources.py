"""`release: {strategy: codedeploy}`: the service, its deployment group and the request."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from test_service import ROUTE, body

from moorage.facts.codedeploy import CONFIGURATIONS, HOOKS
from templates.tasks.code_deploy import CodeDeploy


def _built(release: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The resources of a service that CodeDeploy deploys."""
    release = {"strategy": "codedeploy", **release}
    found: dict[str, Any] = body(expose=[ROUTE], release=release, **more)["Resources"]
    return found


def _app_spec(built: dict[str, Any]) -> Any:
    text = built["CodeDeployRequest"]["Properties"]["Value"]["Fn::Sub"]
    request = json.loads(text)
    assert request["applicationName"] == "${CodeDeployApplication}"
    assert request["deploymentGroupName"] == "${CodeDeployDeploymentGroup}"
    assert request["revision"]["revisionType"] == "AppSpecContent"
    return json.loads(request["revision"]["appSpecContent"]["content"])


def test_cloudformation_never_changes_what_the_service_runs() -> None:
    service = _built({})["Service"]
    assert service["Properties"]["TaskDefinition"] == "shop-dev-web"
    assert "TaskDefinition" in service["DependsOn"]
    assert service["Properties"]["DeploymentController"] == {"Type": "CODE_DEPLOY"}
    configuration = service["Properties"]["DeploymentConfiguration"]
    assert configuration == {"MinimumHealthyPercent": 100, "MaximumPercent": 200}
    (attached,) = service["Properties"]["LoadBalancers"]
    assert "AdvancedConfiguration" not in attached


def test_the_app_spec_has_all_settings_that_codedeploy_would_default() -> None:
    spec = _app_spec(_built({}, platform_version="1.4.0"))
    assert spec == {
        "version": 0.0,
        "Resources": [
            {
                "TargetService": {
                    "Type": "AWS::ECS::Service",
                    "Properties": {
                        "TaskDefinition": "${TaskDefinition}",
                        "LoadBalancerInfo": {"ContainerName": "app", "ContainerPort": 8080},
                        "PlatformVersion": "1.4.0",
                        "CapacityProviderStrategy": [{"CapacityProvider": "FARGATE", "Weight": 1}],
                    },
                }
            }
        ],
    }


def test_hooks_are_in_the_order_of_their_events() -> None:
    hooks = {key: f"f-{index}" for index, key in enumerate(reversed(HOOKS))}
    test = {"port": 8443, "clients": ["198.51.100.0/24"]}
    spec = _app_spec(_built({"hooks": hooks, "test": test}))
    assert [list(hook) for hook in spec["Hooks"]] == [[event] for event in HOOKS.values()]
    assert spec["Hooks"][0] == {"BeforeInstall": "f-4"}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_configurations_have_the_names_of_codedeploy(name: str) -> None:
    built = _built({"configuration": name})
    group = built["CodeDeployDeploymentGroup"]["Properties"]
    assert group["DeploymentConfigName"] == CONFIGURATIONS[name][0]
    assert "CodeDeployConfiguration" not in built
    numbers = [int(number) for number in re.findall(r"\d+", CONFIGURATIONS[name][0])]
    shift = 0
    if numbers:
        percent, minutes = numbers
        shift = minutes if name.startswith("canary") else 100 // percent * minutes
    assert CONFIGURATIONS[name][1] == shift


def test_the_timeout_of_a_deployment_includes_all_of_its_waits() -> None:
    params = CodeDeploy.model_validate({"strategy": "codedeploy", "terminate_after": "1h"})
    own = {"kind": "linear", "percent": 30, "interval": "5m"}
    longer = CodeDeploy.model_validate(
        {
            "strategy": "codedeploy",
            "configuration": own,
            "wait": "30m",
            "terminate_after": "1h",
            "hooks": {"before_install": "a", "after_install": "b"},
        }
    )
    minutes = {"steady": 60, "margin": 15, "termination": 60}
    assert params.maximum_duration == sum(minutes.values()) * 60
    more = {"hooks": 2 * 60, "wait": 30, "four steps": 4 * 5}
    assert longer.maximum_duration == params.maximum_duration + sum(more.values()) * 60
