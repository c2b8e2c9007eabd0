"""A CodeBuild project, deployed: it builds and pushes images, and a service runs them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cloud import Cloud, Deployment, built
from code_build import Build, Machine
from command_line import main

COMMIT = "0123456789abcdef0123456789abcdef01234567"
CONNECTION = (
    "arn:aws:codeconnections:eu-central-1:123456789012:connection/"
    "1234abcd-12ab-34cd-56ef-1234567890ab"
)
PARAMS = f"""
app: built
region: eu-central-1
stacks:
  network: {{egress: public}}
  cluster: {{exec_logs: false}}
  images:
    template: ecr
    repositories:
      built/web: {{immutable_tags: {{exclusions: [cache]}}}}
      built/worker: {{immutable_tags: {{exclusions: [latest]}}}}
  builds:
    template: codebuild
    cpu_architecture: ARM64
    source: {{github: acme/shop, connection: "{CONNECTION}"}}
    secrets: {{NPM_TOKEN: "secretsmanager:built/npm:token"}}
    images:
      built/web:
        dockerfile: docker/Dockerfile
        target: release
        args: {{TITLE: "Acme's $HOME"}}
        mounts: {{npm: NPM_TOKEN}}
      built/worker: {{context: worker, cache: false, tags: [latest]}}
    triggers: [{{branches: [main]}}, {{tags: ["v*"]}}]
  web:
    template: service
    containers:
      web: {{image: "ecr:built/web:0"}}
"""


@pytest.fixture(scope="module")
def deployment(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    folder = tmp_path_factory.mktemp("built")
    (folder / "params").mkdir()
    (folder / "params" / "dev.yaml").write_text(PARAMS)
    deployed = built(folder / "params", "dev", cloud, folder / "out", with_needs=False)
    process = deployed.run("network", "cluster", "images", "builds")
    assert process.returncode == 0, process.stdout
    return deployed


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source")
    (folder / "Dockerfile").write_text("FROM scratch\n")
    (folder / "worker").mkdir()
    (folder / "worker" / "Dockerfile").write_text("FROM scratch AS worker\n")
    return folder


def run_build(deployment: Deployment, machine: Machine, source: Path, **variables: str) -> Build:
    (project,) = deployment.client("codebuild").batch_get_projects(names=["built-dev-builds"])[
        "projects"
    ]
    variables = {"CODEBUILD_RESOLVED_SOURCE_VERSION": COMMIT, "NPM_TOKEN": "x", **variables}
    return machine.run(project, source, variables)


def tags(deployment: Deployment, repository: str) -> set[str]:
    details: list[Any] = deployment.client("ecr").describe_images(repositoryName=repository)[
        "imageDetails"
    ]
    return {tag for image in details for tag in image["imageTags"]}


def test_a_commit_becomes_images_that_a_service_runs(
    deployment: Deployment,
    cloud: Cloud,
    source: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine = Machine(cloud, "eu-central-1", tmp_path)
    build = run_build(deployment, machine, source, CODEBUILD_WEBHOOK_TRIGGER="branch/main")
    assert build.code == 0, build.output
    assert tags(deployment, "built/web") == {"0123456789ab"}
    assert tags(deployment, "built/worker") == {"0123456789ab", "latest"}
    assert "built/web:0123456789ab is sha256:" in build.output
    registry = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"
    assert machine.docker_log() == [
        f"login --username AWS --password-stdin {registry}",
        "buildx create --driver docker-container --use",
        f"buildx build --push --platform linux/arm64 --tag {registry}/built/web:0123456789ab "
        "--file docker/Dockerfile --target release --build-arg TITLE=Acme's $HOME "
        "--secret id=npm,env=NPM_TOKEN "
        f"--cache-from type=registry,ref={registry}/built/web:cache "
        f"--cache-to type=registry,ref={registry}/built/web:cache,"
        "mode=max,image-manifest=true,oci-mediatypes=true .",
        f"buildx build --push --platform linux/arm64 --tag {registry}/built/worker:0123456789ab "
        f"--tag {registry}/built/worker:latest worker",
    ]
    for name, value in cloud.environ().items():
        monkeypatch.setenv(name, value)
    params = str(deployment.folder.parents[1] / "params")
    image = ["--image", "web=0123456789ab"]
    assert main(["deploy", "dev", "web", "--params", params, "--yes", *image]) == 0
    (service,) = deployment.services()
    definition = deployment.task_definition(service["taskDefinition"])
    (container,) = definition["containerDefinitions"]
    assert container["image"] == f"{registry}/built/web:0123456789ab"


def test_an_image_that_exists_is_not_built_again(
    deployment: Deployment, cloud: Cloud, source: Path, tmp_path: Path
) -> None:
    machine = Machine(cloud, "eu-central-1", tmp_path)
    commit = "f" * 40
    assert (
        run_build(deployment, machine, source, CODEBUILD_RESOLVED_SOURCE_VERSION=commit).code == 0
    )
    machine.docker_log()
    again = run_build(deployment, machine, source, CODEBUILD_RESOLVED_SOURCE_VERSION=commit)
    assert again.code == 0, again.output
    assert "built/web:ffffffffffff exists" in again.output
    assert [line.split()[1] for line in machine.docker_log()] == ["--username", "create"]


def test_a_tag_in_git_names_the_images(
    deployment: Deployment, cloud: Cloud, source: Path, tmp_path: Path
) -> None:
    machine = Machine(cloud, "eu-central-1", tmp_path)
    build = run_build(deployment, machine, source, CODEBUILD_WEBHOOK_TRIGGER="tag/v1.4/final")
    assert build.code == 0, build.output
    assert "v1.4-final" in tags(deployment, "built/web")


def test_a_build_that_fails_ends_at_once(
    deployment: Deployment, cloud: Cloud, source: Path, tmp_path: Path
) -> None:
    machine = Machine(cloud, "eu-central-1", tmp_path)
    machine.tools.set(answers={"docker buildx build": ["it fails", 1]})
    build = run_build(deployment, machine, source, CODEBUILD_RESOLVED_SOURCE_VERSION="e" * 40)
    assert build.code == 1
    assert build.output.count("it fails") == 1
    assert run_build(deployment, machine, source, CODEBUILD_RESOLVED_SOURCE_VERSION="").code == 1
