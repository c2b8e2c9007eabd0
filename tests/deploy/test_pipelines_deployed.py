"""A pipeline, deployed and run: from a commit to services in two accounts that run its image."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
from cloud import MANIFEST, Cloud, Deployment, built
from code_build import Machine
from code_pipeline import Execution, source_actions

COMMIT = "89abcdef0123456789abcdef0123456789abcdef"
REGION = "eu-central-1"
TOOLS, PROD = "123456789012", "333344445555"
REGISTRY = f"{TOOLS}.dkr.ecr.{REGION}.amazonaws.com"
PIPELINE = f"""
app: piped
region: {REGION}
stacks:
  images:
    template: ecr
    repositories:
      piped/web: {{pull_accounts: ["{PROD}"]}}
      piped/api: {{immutable_tags: false, pull_accounts: ["{PROD}"]}}
  delivery:
    template: pipeline
    source:
      github: acme/shop
      connection: arn:aws:codeconnections:{REGION}:{TOOLS}:connection/1234abcd-12ab-34cd
    directory: infra
    install: "true"
    test: [test -f params/dev.yaml]
    check: [python3 -m moorage build --out "$HOME/out"]
    build: {{environment: dev, stacks: [web], repositories: [piped/web]}}
    pushed_images:
      api: {{repository: piped/api}}
    environments:
      - {{name: dev, role: "arn:aws:iam::{TOOLS}:role/deploy"}}
      - name: prod
        role: arn:aws:iam::{PROD}:role/deploy
        approval: true
        stacks: [network, cluster, web, api]
"""
BASE = f"""
app: pipedshop
region: {REGION}
stacks:
  network: {{egress: public}}
  cluster: {{exec_logs: false}}
  web:
    template: service
    containers:
      web: {{image: "{REGISTRY}/piped/web:0", build: {{context: app}}}}
  api:
    template: service
    containers:
      api: {{image: "{REGISTRY}/piped/api:0"}}
"""


@pytest.fixture(scope="module")
def deployment(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """The pipeline, in an account for tools."""
    folder = tmp_path_factory.mktemp("piped")
    (folder / "params").mkdir()
    (folder / "params" / "tools.yaml").write_text(PIPELINE)
    deployed = built(folder / "params", "tools", cloud, folder / "out")
    process = deployed.run()
    assert process.returncode == 0, process.stdout
    return deployed


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository, as CodePipeline downloads it: without git."""
    folder = tmp_path_factory.mktemp("shop")
    params = folder / "infra" / "params"
    params.mkdir(parents=True)
    (params / "base.yaml").write_text(BASE)
    (params / "dev.yaml").write_text(f'account: "{TOOLS}"\n')
    (params / "prod.yaml").write_text(f'account: "{PROD}"\n')
    (folder / "infra" / "templates").symlink_to(Path("templates").resolve())
    (folder / "infra" / "app").mkdir()
    (folder / "infra" / "app" / "Dockerfile").write_text("FROM scratch\n")
    return folder


@pytest.fixture
def credentials(cloud: Cloud) -> Iterator[str]:
    """The address from which builds get the credentials of their role."""
    keys = {
        "AccessKeyId": "test",
        "SecretAccessKey": "test",
        "Token": "test",
        "Expiration": "2099-01-01T00:00:00Z",
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(keys).encode())

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


def execution(
    deployment: Deployment, cloud: Cloud, source: Path, folder: Path, credentials: str
) -> Execution:
    machine = Machine(cloud, REGION, folder, {"AWS_CONTAINER_CREDENTIALS_FULL_URI": credentials})
    pipeline = deployment.client("codepipeline").get_pipeline(name="piped-tools-delivery")
    codebuild = deployment.client("codebuild")
    ecr = deployment.client("ecr")
    with suppress(ecr.exceptions.ImageAlreadyExistsException):
        ecr.put_image(repositoryName="piped/api", imageManifest=MANIFEST, imageTag="latest")
    (api,) = ecr.describe_images(repositoryName="piped/api")["imageDetails"]
    return Execution(
        pipeline=pipeline["pipeline"],
        machine=machine,
        project=lambda name: codebuild.batch_get_projects(names=[name])["projects"][0],
        source=source,
        commit=COMMIT,
        variables={"Image-api.ImageDigest": api["imageDigest"]},
    )


def images(cloud: Cloud, account: str) -> dict[str, str]:
    """The images of the services in an account, by container."""
    keys = cloud.client("sts", REGION).assume_role(
        RoleArn=f"arn:aws:iam::{account}:role/test", RoleSessionName="test"
    )["Credentials"]
    names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
    session = boto3.Session(*(keys[name] for name in names), region_name=REGION)
    ecs = session.client("ecs", endpoint_url=cloud.url)
    found = {}
    for cluster in [arn for arn in ecs.list_clusters()["clusterArns"] if "pipedshop" in arn]:
        arns = ecs.list_services(cluster=cluster)["serviceArns"]
        for service in ecs.describe_services(cluster=cluster, services=arns)["services"]:
            definition = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])
            for container in definition["taskDefinition"]["containerDefinitions"]:
                found[container["name"]] = container["image"]
    return found


def test_a_commit_is_deployed_to_one_environment_after_the_other(
    deployment: Deployment, cloud: Cloud, source: Path, tmp_path: Path, credentials: str
) -> None:
    run = execution(deployment, cloud, source, tmp_path, credentials)
    assert dict(source_actions(run.pipeline)) == {
        "Source": "CodeStarSourceConnection",
        "Image-api": "ECR",
    }
    approvals: list[str] = []

    def reject(text: str) -> bool:
        approvals.append(text)
        return False

    run.approve = reject
    assert run.run() == "Approve-prod", [*run.builds.values()][-1].output
    digest = run.variables["Images.IMAGES"].removeprefix("--image web=")
    expected = {
        "web": f"{REGISTRY}/piped/web@{digest}",
        "api": f"{REGISTRY}/piped/api@{run.variables['Image-api.ImageDigest']}",
    }
    assert images(cloud, TOOLS) == expected
    assert images(cloud, PROD) == {}, "what is not approved is not deployed"
    (text,) = approvals
    assert text.startswith("prod: ")
    assert "web (pipedshop-prod-web) will be created" in text
    assert f"Complete preview: https://{REGION}.console.aws.amazon.com/" in text
    assert "+ TaskDefinition" in run.builds["Approve-prod.Preview"].output

    assert run.run_stage("Deploy-prod"), run.builds["Deploy-prod.Deploy"].output
    assert images(cloud, PROD) == expected
    assert list(run.builds) == [
        *("Build.Test", "Build.Images"),
        *("Deploy-dev.Deploy", "Approve-prod.Preview", "Deploy-prod.Deploy"),
    ]
    pushed = f"--tag {REGISTRY}/piped/web:{COMMIT[:12]}"
    assert [pushed in line for line in run.machine.docker_log()].count(True) == 1
