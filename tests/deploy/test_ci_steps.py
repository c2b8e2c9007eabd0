"""From a commit to a service that runs the new image, by the shell steps that `moorage ci` writes,
with stand-ins for docker and gh, and AWS on loopback."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from build_tools import Tools, commit
from ci_steps import Runner, parse, path_with, run_github_job, run_gitlab_job, write_program
from cloud import Cloud, read_all_stacks
from command_line import main

ROOT = Path(__file__).parents[2]
PARAMS = """\
app: {app}
region: {region}
account: "123456789012"
role: arn:aws:iam::${{account}}:role/${{app}}-${{env}}-deploy
stacks:
  deployment: {{template: deployment_role}}
  registry: {{template: ecr, repositories: {{{app}/web: {{}}}}}}
  network: {{cidr: 10.20.0.0/16, availability_zones: 2, egress: nat}}
  cluster: {{exec_logs: false}}
  web:
    template: service
    memory: 1024
    containers:
      web: {{image: "ecr:{app}/web:1.4.2", build: web}}
  ci:
    template: ci_role
    {ci}
"""
GH = """\
echo "$*" >> "$GH_CALLS"
case "$*" in
  *pulls/*) cat "$GH_COMMENTS.state" ;;
  *--jq*) cat "$GH_COMMENTS" ;;
  *POST*) cp comment.md "$GH_COMMENTS.body"; echo 4711 > "$GH_COMMENTS" ;;
  *PATCH*) cp comment.md "$GH_COMMENTS.body" ;;
esac
"""
"""A stand-in for gh, which knows the ID of the comment once it was posted."""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    (home / "params").mkdir(parents=True)
    (home / "web").mkdir()
    (home / "web/Dockerfile").write_text("FROM scratch\nCOPY page /\n")
    (home / "web/page").write_text("hello\n")
    (home / ".gitignore").write_text("*.sarif\npreview*.txt\ncomment.md\nimages.env\n")
    monkeypatch.chdir(home)
    return home


def make_runner(cloud: Cloud, home: Path, **more: str) -> Runner:
    """A runner with docker, gh and moorage on its PATH."""
    tools = Tools(home.parent / "bin")
    tools.install("docker", ecr=cloud.url)
    write_program(tools.folder, "moorage", f'exec {sys.executable} {ROOT}/build.py "$@"\n')
    write_program(tools.folder, "gh", GH)
    write_program(tools.folder, "apt-get", "true\n")
    comments = home.parent / "comments"
    comments.touch()
    places = {"GH_CALLS": str(home.parent / "calls"), "GH_COMMENTS": str(comments)}
    environ = {**cloud.environ(), **places, **more}
    return Runner(home, {**environ, "PATH": path_with(tools.folder)})


def prepare(cloud: Cloud, home: Path, params: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The params, committed with out/, and the stacks that an administrator deploys once."""
    (home / "params/dev.yaml").write_text(params)
    assert main(["build"]) == 0
    commit(home)
    for name, value in cloud.environ().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    roles = ("deployment", "registry", "ci")
    assert main(["deploy", "dev", *roles, "--no-role", "--yes"]) == 0


def running_image(cloud: Cloud, app: str, region: str) -> str:
    """The image of the service's task definition."""
    ecs = cloud.client("ecs", region)
    cluster = next(arn for arn in ecs.list_clusters()["clusterArns"] if app in arn)
    service = ecs.list_services(cluster=cluster)["serviceArns"][0]
    described = ecs.describe_services(cluster=cluster, services=[service])["services"][0]
    found = ecs.describe_task_definition(taskDefinition=described["taskDefinition"])
    image: str = found["taskDefinition"]["containerDefinitions"][0]["image"]
    return image


def pushed_digest(cloud: Cloud, app: str, region: str, home: Path) -> str:
    """The digest of the image of the commit that is checked out, whose tag begins with its hash."""
    words = ["git", "-C", str(home), "rev-parse", "--short=12", "HEAD"]
    tag = subprocess.check_output(words, text=True).strip()
    ecr: Any = cloud.client("ecr", region)
    images = ecr.describe_images(repositoryName=f"{app}/web")["imageDetails"]
    (digest,) = [image["imageDigest"] for image in images if image["imageTags"][0].startswith(tag)]
    return str(digest)


def change(home: Path, name: str, old: str, new: str) -> None:
    """A commit that changes a file."""
    path = home / name
    path.write_text(path.read_text().replace(old, new))
    author = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    subprocess.run(["git", "-C", str(home), *author, "commit", "-qam", "change"], check=True)


def test_a_commit_runs_by_the_steps_of_github(
    cloud: Cloud, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    app, region = "cihub", "eu-north-1"
    trust = "github: {repository: octo-org/shop}"
    prepare(cloud, home, PARAMS.format(app=app, region=region, ci=trust), monkeypatch)
    capsys.readouterr()
    assert main(["ci", "github", "--install", "true"]) == 0
    workflow = parse(capsys.readouterr().out)
    runner = make_runner(cloud, home, GITHUB_REPOSITORY="octo-org/shop")

    run_github_job(runner, workflow, "check", {})
    report = json.loads((home / "moorage.sarif").read_text())
    assert report["runs"][0]["tool"]["driver"]["name"].lower() == "moorage"

    outputs = run_github_job(runner, workflow, "push-dev", {})
    digest = pushed_digest(cloud, app, region, home)
    assert outputs["needs.push-dev.outputs.images"] == f"--image web={digest}"
    run_github_job(runner, workflow, "deploy-dev", outputs)
    assert running_image(cloud, app, region).endswith(f"/{app}/web@{digest}")

    # A pull request that changes the memory: its preview shows that, and not the image.
    change(home, "params/dev.yaml", "memory: 1024", "memory: 2048")
    context = {"github.token": "token", "github.event.pull_request.number": "7"}
    run_github_job(runner, workflow, "preview-dev", context)
    run_github_job(runner, workflow, "preview-dev", context, step="Comment")
    calls = (home.parent / "calls").read_text()
    comments = "repos/octo-org/shop/issues/7/comments"
    assert f"--method POST {comments} --field body=@comment.md" in calls
    assert "--method PATCH repos/octo-org/shop/issues/comments/4711 " in calls
    body = (home.parent / "comments.body").read_text()
    assert body.startswith("<!-- moorage diff dev -->\n### `moorage diff dev`\n~~~~text\n")
    assert re.search(r"Memory: 1024 -> 2048", body)
    assert "web.Image" not in body


def test_a_commit_runs_by_the_steps_of_gitlab(
    cloud: Cloud, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    app, region = "cilab", "eu-west-3"
    trust = "gitlab: {project: group/shop}"
    prepare(cloud, home, PARAMS.format(app=app, region=region, ci=trust), monkeypatch)
    capsys.readouterr()
    assert main(["ci", "gitlab", "--install", "true"]) == 0
    pipeline = parse(capsys.readouterr().out)
    runner = make_runner(cloud, home)
    # The token of the job is all that it has.
    keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    environ = {key: value for key, value in runner.environ.items() if key not in keys}
    runner = Runner(home, {**environ, "CI_PROJECT_ID": "1", "CI_PIPELINE_ID": "2"})
    role = "arn:aws:iam::123456789012:role/"
    variables = {f"DEV_{name}_ROLE_ARN": role + name for name in ("PUSH", "DEPLOY", "PULL_REQUEST")}

    images = run_gitlab_job(runner, pipeline, "push-dev", variables)
    digest = pushed_digest(cloud, app, region, home)
    assert images == {"DEV_IMAGES": f"--image web={digest}"}
    run_gitlab_job(runner, pipeline, "deploy-dev", {**variables, **images})
    assert running_image(cloud, app, region).endswith(f"/{app}/web@{digest}")
    run_gitlab_job(runner, pipeline, "preview-dev", variables)
    assert "Nothing to change" in (home / "preview-dev.txt").read_text()


PREVIEW = """\
app: previewed
region: eu-west-2
account: "123456789012"
shares: {env: dev, stacks: [cluster, network]}
stacks:
  web:
    template: service
    containers:
      web: {image: "ecr:previewed/web:1.4.2", build: web}
"""


def test_a_pull_request_gets_an_environment_until_it_is_closed(
    cloud: Cloud, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    app, region = "previewed", "eu-west-2"
    trust = "gitlab: {project: group/previewed, url: https://gitlab.example.com}"
    (home / "params/preview.yaml").write_text(PREVIEW)
    prepare(cloud, home, PARAMS.format(app=app, region=region, ci=trust), monkeypatch)
    assert main(["deploy", "dev", "network", "cluster", "--no-role", "--yes"]) == 0
    capsys.readouterr()
    assert main(["ci", "github", "--previews", "--install", "true"]) == 0
    workflow = parse(capsys.readouterr().out)
    runner = make_runner(cloud, home)
    state = home.parent / "comments.state"
    context = {"github.token": "token", "github.event.pull_request.number": "7"}

    def preview_stacks() -> list[str]:
        stacks = read_all_stacks(cloud.client("cloudformation", region))
        names = [stack["StackName"] for stack in stacks]
        return [name for name in names if name.startswith(f"{app}-preview-")]

    # It was closed before the job began: nothing would delete what it creates.
    state.write_text("closed\n")
    run_github_job(runner, workflow, "deploy-preview", context)
    assert preview_stacks() == []

    state.write_text("open\n")
    run_github_job(runner, workflow, "deploy-preview", context)
    assert preview_stacks() == [f"{app}-preview-7-web"]
    digest = pushed_digest(cloud, app, region, home)
    assert running_image(cloud, app, region).endswith(f"/{app}/web@{digest}")

    run_github_job(runner, workflow, "delete-preview", context)
    assert preview_stacks() == []
