"""An environment with an ECR stack: deploy.sh waits until its images are pushed."""

from __future__ import annotations

import json
from pathlib import Path

from cloud import MANIFEST, Cloud, Deployment, built

PARAMS = """\
app: crates
region: {region}
stacks:
  network: {}
  cluster: {}
  ecr:
    repositories:
      api/web: {keep_images: 5, immutable_tags: {exclusions: [latest]}}
      api/tools: {pull_accounts: ["210987654321"], keep: false}
  web:
    template: service
    containers:
      web: {image: "ecr:api/web:1.4.2"}
      tools: {image: "ecr:api/tools:7", essential: false}
"""


def _crates(cloud: Cloud, folder: Path, region: str) -> Deployment:
    (folder / "params").mkdir()
    (folder / "params/dev.yaml").write_text(PARAMS.replace("{region}", region))
    return built(folder / "params", "dev", cloud, folder / "out")


def test_a_service_waits_for_its_images(cloud: Cloud, tmp_path: Path) -> None:
    deployment = _crates(cloud, tmp_path, "eu-west-1")
    ecr = deployment.client("ecr")
    for repository, tag in (("api/tools", "7"), ("api/web", "1.4.2")):
        process = deployment.run()
        assert process.returncode == 1, process.stdout
        assert f"the repository with name '{repository}'" in process.stdout
        push = f"  docker push 123456789012.dkr.ecr.eu-west-1.amazonaws.com/{repository}:{tag}\n"
        again = f"bash {deployment.folder / 'deploy.sh'}"
        assert process.stdout.endswith(f"{push}Push the image, then run again: {again}\n")
        assert deployment.stacks().keys() == {"network", "cluster", "ecr"}
        ecr.put_image(repositoryName=repository, imageManifest=MANIFEST, imageTag=tag)
    process = deployment.run()
    assert process.returncode == 0, process.stdout
    (service,) = deployment.services()
    task = deployment.task_definition(service["taskDefinition"])
    registry = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
    assert {container["image"] for container in task["containerDefinitions"]} == {
        f"{registry}/api/web:1.4.2",
        f"{registry}/api/tools:7",
    }
    _as_the_params_say(deployment)


def _as_the_params_say(deployment: Deployment) -> None:
    ecr = deployment.client("ecr")
    repositories = {
        repository["repositoryName"]: repository
        for repository in ecr.describe_repositories()["repositories"]
    }
    web, tools = repositories["api/web"], repositories["api/tools"]
    assert web["imageScanningConfiguration"] == {"scanOnPush": True}
    assert web["encryptionConfiguration"] == {"encryptionType": "AES256"}
    assert web["imageTagMutability"] == "IMMUTABLE_WITH_EXCLUSION"
    assert tools["imageTagMutability"] == "IMMUTABLE"
    policy = ecr.get_lifecycle_policy(repositoryName="api/web")["lifecyclePolicyText"]
    (rule,) = json.loads(policy)["rules"]
    assert rule["selection"] == {
        "tagStatus": "any",
        "countType": "imageCountMoreThan",
        "countNumber": 5,
    }
    policy = ecr.get_repository_policy(repositoryName="api/tools")["policyText"]
    (statement,) = json.loads(policy)["Statement"]
    assert statement["Principal"] == {"AWS": ["arn:aws:iam::210987654321:root"]}


def test_a_preview_names_the_image_and_goes_on(cloud: Cloud, tmp_path: Path) -> None:
    deployment = _crates(cloud, tmp_path, "eu-west-2")
    assert deployment.run("network", "cluster", "ecr").returncode == 0
    process = deployment.run("--preview", "--role-arn", "arn:aws:iam::123456789012:role/x")
    assert "docker push" in process.stdout
    assert "  Add  Service  AWS::ECS::Service" in process.stdout
    assert process.returncode == 0, process.stdout
    assert "web" not in deployment.stacks()
