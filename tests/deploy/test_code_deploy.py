"""Services that CodeDeploy deploys: what deploy.sh asks CloudFormation for, and what CodeDeploy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cloud import Cloud, Deployment, built

from moorage.deploy.rehearsal.code_deploy import checked_app_spec

PARAMS = """
app: {app}
region: eu-central-1
stacks:
  network: {{}}
  cluster: {{}}
  public: {{template: alb}}
  web:
    template: service
    platform_version: 1.4.0
    containers:
      web:
        image: "public.ecr.aws/nginx/nginx:{tag}"
        ports: [8080]
        environment: {environment}
    expose: [{{via: public, paths: ["/*"]}}]
    release:
      strategy: codedeploy
      test: {{port: 8443, clients: [10.0.0.0/8]}}
      hooks: {{after_allow_traffic: smoke, before_install: prepare}}
"""


def _built(cloud: Cloud, folder: Path, app: str, tag: str = "1", environment: str = "{}") -> Any:
    params = folder / "params"
    params.mkdir(exist_ok=True)
    text = PARAMS.format(app=app, tag=tag, environment=environment)
    (params / "dev.yaml").write_text(text)
    return built(params, "dev", cloud, folder / "out")


def _deployments(deployment: Deployment) -> list[Any]:
    """CodeDeploy's deployments of the service."""
    deploy, ids = deployment.client("codedeploy"), deployment.ids("web")
    names = deploy.list_deployments(
        applicationName=ids["CodeDeployApplication"],
        deploymentGroupName=ids["CodeDeployDeploymentGroup"],
    )["deployments"]
    return [deploy.get_deployment(deploymentId=name)["deploymentInfo"] for name in names]


def _running(deployment: Deployment) -> str:
    """The task definition of the primary task set."""
    (service,) = deployment.services()
    (running,) = [
        task_set["taskDefinition"]
        for task_set in service["taskSets"]
        if task_set["status"] == "PRIMARY"
    ]
    return str(running)


def _weights(deployment: Deployment) -> dict[str, int]:
    ids = deployment.ids("web")
    names = {arn: name for name, arn in ids.items()}
    rules = deployment.client("elbv2").describe_rules(RuleArns=[ids["PublicWeb8080ListenerRule"]])
    groups = rules["Rules"][0]["Actions"][0]["ForwardConfig"]["TargetGroups"]
    return {names[group["TargetGroupArn"]]: group["Weight"] for group in groups}


@pytest.fixture(scope="module")
def released(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> tuple[Deployment, str, str]:
    """A service that was created and then deployed once more, with what deploy.sh printed."""
    folder = tmp_path_factory.mktemp("released")
    first = _built(cloud, folder, "green")
    created = first.run()
    assert created.returncode == 0, created.stdout
    second = _built(cloud, folder, "green", tag="2")
    updated = second.run()
    assert updated.returncode == 0, updated.stdout
    return second, created.stdout, updated.stdout


def test_the_creation_of_a_service_needs_no_deployment(released: Any) -> None:
    _, created, _ = released
    assert "The service of green-dev-web runs arn:" in created
    assert "CodeDeploy deploys" not in created


def test_a_new_task_definition_is_deployed_by_codedeploy(released: Any) -> None:
    deployment, _, updated = released
    revision = deployment.ids("web")["TaskDefinition"]
    assert f"CodeDeploy deploys {revision} in place of {revision.removesuffix('2')}1:" in updated
    assert "InProgress after" in updated
    assert "Succeeded after" in updated
    assert _running(deployment) == revision
    (made,) = _deployments(deployment)
    spec = made["revision"]["appSpecContent"]["content"]
    assert checked_app_spec(spec) == {
        "TaskDefinition": revision,
        "LoadBalancerInfo": {"ContainerName": "web", "ContainerPort": 8080},
        "PlatformVersion": "1.4.0",
        "CapacityProviderStrategy": [{"CapacityProvider": "FARGATE", "Weight": 1}],
    }
    assert json.loads(spec)["Hooks"] == [
        {"BeforeInstall": "prepare"},
        {"AfterAllowTraffic": "smoke"},
    ]


def test_the_old_revision_stays_registered(released: Any) -> None:
    deployment, _, _ = released
    old = deployment.ids("web")["TaskDefinition"][:-1] + "1"
    assert deployment.task_definition(old)["status"] == "ACTIVE"


def test_a_second_run_deploys_nothing(released: Any) -> None:
    deployment, _, _ = released
    events = deployment.events()
    process = deployment.run()
    assert process.returncode == 0, process.stdout
    assert len(_deployments(deployment)) == 1
    assert deployment.events() == events
    live = {"PublicWeb8080TargetGroup": 0, "PublicWeb8080AlternateTargetGroup": 100}
    assert _weights(deployment) == live


def test_a_preview_deploys_nothing(released: Any, cloud: Cloud, tmp_path: Path) -> None:
    deployment, _, _ = released
    process = _built(cloud, tmp_path, "green", tag="3").run("--preview")
    assert process.returncode == 0, process.stdout
    assert "  Modify  TaskDefinition  AWS::ECS::TaskDefinition" in process.stdout
    assert len(_deployments(deployment)) == 1
    assert _running(deployment) == deployment.ids("web")["TaskDefinition"]


def test_a_failed_deployment_ends_the_script_with_its_reason(
    released: Any, cloud: Cloud, tmp_path: Path
) -> None:
    deployment, _, _ = released
    before = _running(deployment)
    broken = _built(cloud, tmp_path, "green", environment="{EXIT_CODE: '1'}")
    for count in (2, 3):
        process = broken.run()
        assert process.returncode == 1
        assert "The deployment of green-dev-web did not succeed:" in process.stdout
        assert "timed out while waiting for the replacement task set" in process.stdout
        assert "The rollback is in progress." in process.stdout
        assert _running(broken) == before
        assert len(_deployments(broken)) == count, "the next run tries it again"
