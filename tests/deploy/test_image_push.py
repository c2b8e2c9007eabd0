"""`moorage image` as a user runs it: with stand-ins for the programs, and ECR on loopback."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from build_tools import BUILDX, NO_BUILDX, Tools, commit
from cloud import Cloud
from command_line import main

ROOT = Path(__file__).parents[2]
HOST = "123456789012.dkr.ecr.{region}.amazonaws.com"
PARAMS = """\
app: {app}
region: {region}
stacks:
  network: {{}}
  cluster: {{}}
  registry: {{template: ecr, repositories: {{{app}/web: {{}}, {app}/tools: {{}}}}}}
  web:
    template: service
    cpu_architecture: ARM64
    containers:
      web: {{image: "ecr:{app}/web", build: web}}
      tools:
        image: "ecr:{app}/tools:7"
        build: {{context: ., dockerfile: tools.Dockerfile, target: cli}}
        essential: false
  migrate:
    template: one_off
    cpu_architecture: ARM64
    containers:
      app: {{image: "ecr:{app}/web:1.4.2", build: {{context: web}}, command: [migrate]}}
"""


@pytest.fixture(autouse=True)
def credentials(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the server, and no others."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in cloud.environ().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tools:
    """An empty PATH, apart from git."""
    tools = Tools(tmp_path / "bin")
    tools.install()
    monkeypatch.setenv("PATH", str(tools.folder))
    return tools


def project(folder: Path, app: str, region: str, params: str = PARAMS) -> list[str]:
    """A project under git. Returns the arguments that name its environment."""
    home = folder / "home"
    (home / "params").mkdir(parents=True)
    (home / "params/dev.yaml").write_text(params.format(app=app, region=region))
    (home / "web").mkdir()
    (home / "web/Dockerfile").write_text("FROM scratch\nCOPY page /\n")
    (home / "web/page").write_text("hello\n")
    (home / "tools.Dockerfile").write_text("FROM scratch AS cli\n")
    commit(home)
    return ["dev", "--params", str(home / "params")]


def head(folder: Path) -> str:
    words = ["git", "-C", str(folder / "home"), "rev-parse", "--short=12", "HEAD"]
    return subprocess.check_output(words, text=True).strip()


def pushed_tag(cloud: Cloud, region: str, repository: str) -> str:
    """The only tag of a repository."""
    images = cloud.client("ecr", region).list_images(repositoryName=repository)["imageIds"]
    (tag,) = (image["imageTag"] for image in images)
    return str(tag)


def create(cloud: Cloud, region: str, *repositories: str, mutability: str = "IMMUTABLE") -> None:
    for name in repositories:
        cloud.client("ecr", region).create_repository(
            repositoryName=name, imageTagMutability=mutability
        )


def digest(cloud: Cloud, region: str, repository: str, tag: str) -> str:
    (image,) = cloud.client("ecr", region).describe_images(
        repositoryName=repository, imageIds=[{"imageTag": tag}]
    )["imageDetails"]
    return str(image["imageDigest"])


# From nothing to a service -----------------------------------------------------------------------


def test_an_image_is_built_pushed_and_deployed_from_nothing(
    cloud: Cloud, tools: Tools, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    region, app = "eu-west-3", "fromgit"
    where = project(tmp_path, app, region)
    tools.install("docker", ecr=cloud.url)
    assert main(["image", "push", *where]) == 1
    shown = capsys.readouterr().err
    assert (
        f"there is no repository {app}/tools in the account 123456789012, {region}. `moorage "
        "deploy dev registry` creates it, then push again" in shown
    )
    assert tools.calls() == [], "nothing is built for nothing"

    assert main(["deploy", *where, "--yes", "registry", "network", "cluster"]) == 0
    assert main(["deploy", *where, "--yes", "migrate"]) == 1
    assert "moorage image push dev migrate" in capsys.readouterr().out
    assert main(["image", "push", *where]) == 0
    host = HOST.format(region=region)
    captured = capsys.readouterr()
    web_tag, cli_tag = (pushed_tag(cloud, region, f"{app}/{name}") for name in ("web", "tools"))
    assert re.fullmatch(f"{head(tmp_path)}-[0-9a-f]{{8}}", web_tag)
    assert web_tag != cli_tag
    web = digest(cloud, region, f"{app}/web", web_tag)
    cli = digest(cloud, region, f"{app}/tools", cli_tag)
    assert captured.out == (
        f"{host}/{app}/tools:{cli_tag}: built for linux/arm64\n"
        f"  {cli}\n"
        f"{host}/{app}/web:{web_tag}: built for linux/arm64\n"
        f"  {web}\n"
        "To deploy:\n"
        f"  moorage deploy dev --image migrate={web} --image web={web} --image web/tools={cli}\n"
    )
    build = "docker buildx build --platform linux/arm64 --file"
    assert tools.lines() == [
        f"docker login --username AWS --password-stdin {host}",
        f"{build} ./tools.Dockerfile --tag {host}/{app}/tools:{cli_tag} --target cli "
        "--provenance=false --push .",
        f"{build} ./web/Dockerfile --tag {host}/{app}/web:{web_tag} "
        "--provenance=false --push ./web",
    ]
    options = captured.out.splitlines()[-1].split()[3:]
    assert main(["deploy", *where, "--yes", *options]) == 0
    assert f"{app}-dev-web) will be created" in capsys.readouterr().out
    ecs = cloud.client("ecs", region)
    task = ecs.describe_task_definition(taskDefinition=f"{app}-dev-web")["taskDefinition"]
    images = {item["name"]: item["image"] for item in task["containerDefinitions"]}
    assert images == {"web": f"{host}/{app}/web@{web}", "tools": f"{host}/{app}/tools@{cli}"}


def test_a_second_push_of_a_commit_builds_nothing(
    cloud: Cloud, tools: Tools, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    region, app = "eu-west-3", "twice"
    where = project(tmp_path, app, region)
    tools.install("docker", ecr=cloud.url)
    create(cloud, region, f"{app}/web", f"{app}/tools")
    assert main(["image", "push", *where, "web", "--format", "json"]) == 0
    capsys.readouterr()
    assert tools.calls()
    assert main(["image", "push", *where, "web", "--format", "json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert tools.calls() == []
    assert [image["existed"] for image in result["images"]] == [True, True]
    tag = pushed_tag(cloud, region, f"{app}/web")
    web = digest(cloud, region, f"{app}/web", tag)
    assert result["images"][1] == {
        "containers": ["migrate", "web"],
        "repository": f"{app}/web",
        "uri": f"{HOST.format(region=region)}/{app}/web",
        "tag": tag,
        "digest": web,
        "platforms": ["linux/arm64"],
        "existed": True,
    }
    assert result["options"][:2] == ["--image", f"migrate={web}"]
    (tmp_path / "home/web/page").write_text("changed\n")
    assert main(["image", "push", *where, "migrate", "--format", "options"]) == 0
    (build,) = (line for line in tools.lines() if " build " in line)
    dirty = rf"{app}/web:({head(tmp_path)}-dirty-[0-9a-f]{{12}}-{tag[-8:]}) "
    found = re.search(dirty, build)
    assert found is not None, "another content has another tag"
    web = digest(cloud, region, f"{app}/web", found[1])
    assert capsys.readouterr().out == f"--image migrate={web} --image web={web}\n"


# Other programs ------------------------------------------------------------------------------


SEVERAL = """\
app: {app}
region: {region}
stacks:
  registry: {{template: ecr, repositories: {{{app}/web: {{immutable_tags: false}}}}}}
  network: {{}}
  cluster: {{}}
  web:
    template: service
    containers:
      web:
        image: ecr:{app}/web
        build:
          context: web
          cache_from: ["ecr:{app}/web:cache", type=gha]
          cache_to: ["ecr:{app}/web:cache"]
  mailer:
    template: worker
    cpu_architecture: ARM64
    containers:
      mailer: {{image: "ecr:{app}/web", build: web}}
"""


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        (
            "docker",
            [
                "docker buildx build --platform linux/amd64,linux/arm64 --file ./web/Dockerfile "
                "--tag {web}:v1 --cache-from type=registry,ref={web}:cache --cache-from type=gha "
                "--cache-to type=registry,ref={web}:cache,mode=max,image-manifest=true,"
                "oci-mediatypes=true --provenance=false --push ./web",
            ],
        ),
        (
            "podman",
            [
                "podman manifest rm {web}:v1",
                "podman build --platform linux/amd64,linux/arm64 --file ./web/Dockerfile "
                "--manifest {web}:v1 --layers --cache-from {web} --cache-to {web} ./web",
                "podman manifest push --all {web}:v1 docker://{web}:v1",
            ],
        ),
        (
            "buildah",
            [
                "buildah manifest rm {web}:v1",
                "buildah build --platform linux/amd64,linux/arm64 --file ./web/Dockerfile "
                "--manifest {web}:v1 --layers --cache-from {web} --cache-to {web} ./web",
                "buildah manifest push --all {web}:v1 docker://{web}:v1",
            ],
        ),
        (
            "finch",
            [
                "finch build --platform linux/amd64,linux/arm64 --file ./web/Dockerfile "
                "--tag {web}:v1 --cache-from type=registry,ref={web}:cache --cache-from type=gha "
                "--cache-to type=registry,ref={web}:cache,mode=max,image-manifest=true,"
                "oci-mediatypes=true ./web",
                "finch push --all-platforms {web}:v1",
            ],
        ),
    ],
)
def test_each_program_builds_for_all_tasks_that_run_an_image(
    cloud: Cloud,
    tools: Tools,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    program: str,
    expected: list[str],
) -> None:
    region, app = "eu-north-1", f"with-{program}"
    where = project(tmp_path, app, region, SEVERAL)
    tools.install(program, ecr=cloud.url)
    create(cloud, region, f"{app}/web", mutability="MUTABLE")
    assert main(["image", "push", *where, "--tag", "v1", "web"]) == 0
    captured = capsys.readouterr()
    host = HOST.format(region=region)
    login, *rest = tools.lines()
    assert login == f"{program} login --username AWS --password-stdin {host}"
    assert rest == [line.format(web=f"{host}/{app}/web") for line in expected]
    web = digest(cloud, region, f"{app}/web", "v1")
    assert f"  moorage deploy dev --image mailer={web} --image web={web}\n" in captured.out
    if program in ("podman", "buildah"):
        assert f"{program} does not support the cache type=gha, which is left out" in captured.err


def test_the_password_is_on_stdin_only(
    cloud: Cloud, tools: Tools, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = project(tmp_path, "quiet", "eu-south-1")
    tools.install("docker", "finch", ecr=cloud.url)
    create(cloud, "eu-south-1", "quiet/web", "quiet/tools")
    assert main(["image", "push", *where, "--tool", "finch"]) == 0
    calls = tools.calls()
    assert calls[0]["words"][:2] == ["finch", "login"]
    password = calls[0]["stdin"]
    assert password
    assert not any(password in word for call in calls for word in call["words"])
    assert password not in "".join(capsys.readouterr())
    home = str(tmp_path / "home")
    assert {call["folder"] for call in calls} == {home}
    assert main(["image", "push", *where, "--tag", "v2", "--no-login"]) == 0
    assert not any(" login " in line for line in tools.lines())


def test_images_are_built_without_an_account(
    tools: Tools, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    where = project(tmp_path, "local", "eu-south-2", SEVERAL)
    tools.install("docker", answers=NO_BUILDX)
    assert main(["image", "build", *where]) == 1
    assert "docker needs its plugin buildx for several platforms" in capsys.readouterr().err
    tools.install("podman")
    assert main(["image", "build", *where, "--tool", "podman", "--tag", "v1"]) == 0
    assert tools.lines() == [
        "podman manifest rm local/web:v1",
        "podman build --platform linux/amd64,linux/arm64 --file ./web/Dockerfile "
        "--manifest local/web:v1 ./web",
    ]
    assert capsys.readouterr().out == "local/web:v1: built for linux/amd64, linux/arm64\n"
    tools.install("finch")
    assert main(["image", "build", *where, "--tool", "finch", "--format", "json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["options"] == [], "there is nothing to deploy"
    assert [image["digest"] for image in result["images"]] == [None]


def test_a_podman_that_is_called_docker_is_podman(tools: Tools, tmp_path: Path) -> None:
    where = project(tmp_path, "disguise", "eu-south-2")
    tools.install("docker", answers={"docker --version": ["podman version 4.3.1", 0]})
    assert main(["image", "build", *where, "migrate", "--tag", "1"]) == 0
    assert tools.lines() == [
        "docker build --platform linux/arm64 --file ./web/Dockerfile --tag disguise/web:1 ./web"
    ]


def test_docker_without_buildx_builds_and_pushes(
    cloud: Cloud, tools: Tools, tmp_path: Path
) -> None:
    region, app = "eu-south-2", "plain"
    where = project(tmp_path, app, region)
    tools.install("docker", ecr=cloud.url, answers=NO_BUILDX)
    create(cloud, region, f"{app}/web")
    assert main(["image", "push", *where, "migrate", "--tag", "1"]) == 0
    uri = f"{HOST.format(region=region)}/{app}/web:1"
    assert tools.lines()[1:] == [
        f"docker build --platform linux/arm64 --file ./web/Dockerfile --tag {uri} ./web",
        f"docker push {uri}",
    ]


# Secrets and arguments ---------------------------------------------------------------------------

SECRETS = """\
app: {app}
region: {region}
stacks:
  network: {{}}
  cluster: {{}}
  web:
    template: service
    containers:
      web:
        image: ecr:{app}/web:1
        build:
          context: web
          args: {{NODE_VERSION: 22, DEBUG: false}}
          secrets: {{npm: "env:NPM_TOKEN", npmrc: "file:web/.npmrc"}}
"""


def test_secrets_are_passed_by_name(
    tools: Tools, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    where = project(tmp_path, "hush", "eu-west-3", SECRETS)
    tools.install("docker")
    monkeypatch.delenv("NPM_TOKEN", raising=False)
    assert main(["image", "build", *where]) == 1
    home = tmp_path / "home"
    assert capsys.readouterr().err == (
        "web: the environment variable NPM_TOKEN, for the build secret `npm`, is not set\n"
        f"web: there is no file `web/.npmrc`, for the build secret `npmrc`, in `{home}`\n"
        "build.py: dev: nothing was built\n"
    )
    monkeypatch.setenv("NPM_TOKEN", "npm_hunter2")
    (home / "web/.npmrc").write_text("npm_hunter2")
    assert main(["image", "build", *where, "--tag", "1"]) == 0
    assert tools.lines() == [
        "docker buildx build --platform linux/amd64 --file ./web/Dockerfile --tag hush/web:1 "
        "--build-arg DEBUG=false --build-arg NODE_VERSION=22 --secret id=npm,env=NPM_TOKEN "
        "--secret id=npmrc,src=./web/.npmrc --provenance=false --load ./web"
    ]
    assert "hunter2" not in "".join(capsys.readouterr())


# Refusals and failures ---------------------------------------------------------------------------


def fails(argv: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """The exit code of a command that fails, and its last line."""
    capsys.readouterr()
    code = main(argv)
    shown = "".join(capsys.readouterr())
    assert code != 0
    assert "Traceback" not in shown
    return code, shown.splitlines()[-1].removeprefix("build.py: ")


def test_what_cannot_be_built(
    tools: Tools, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    where = project(tmp_path, "refused", "eu-west-3")
    home = tmp_path / "home"
    tools.install()
    code, shown = fails(["image", "build", *where], capsys)
    assert (code, shown.split(". ")[0]) == (
        1,
        "none of docker, podman, finch, buildah is on the PATH, and images need one",
    )
    assert "docker: https://docs.docker.com/engine/install/; podman: " in shown
    code, shown = fails(["image", "build", *where, "--tool", "finch"], capsys)
    assert "finch is not on the PATH" in shown
    tools.install("docker")
    code, shown = fails(["image", "build", *where, "network"], capsys)
    assert (code, shown) == (
        2,
        "`network` has no container with `build:`. Stacks that have: migrate, web",
    )
    code, shown = fails(["image", "build", *where, "--project", str(home / "nothing")], capsys)
    assert (code, shown) == (2, f"there is no folder `{home}/nothing`")
    code, shown = fails(["image", "build", *where, "--project", str(home / "web")], capsys)
    assert (code, shown) == (1, "dev: nothing was built")
    (home / "tools.Dockerfile").unlink()
    (home / "tools.Dockerfile").symlink_to("/etc/passwd")
    assert main(["image", "build", *where]) == 1
    assert (
        "web/tools: `tools.Dockerfile` leads out of the project. Name a folder around it with "
        "--project\n" in capsys.readouterr().err
    )
    (home / ".git").rename(tmp_path / "git")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    code, shown = fails(["image", "build", *where], capsys)
    assert code == 2
    assert shown.startswith("there is no commit to name the images after: not a git repository")
    assert shown.endswith("Write --tag")
    assert tools.calls() == []
    with pytest.raises(SystemExit):
        main(["image", "build", *where, "--tag", "a b"])
    assert "'a b' is not a tag" in capsys.readouterr().err


def test_one_registry_only(
    tools: Tools, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    targets = 'targets: {{accounts: ["123456789012"], regions: [{region}]}}\nstacks:'
    where = project(tmp_path, "sets", "eu-west-3", SECRETS.replace("stacks:", targets, 1))
    code, shown = fails(["image", "push", *where], capsys)
    assert code == 2
    assert shown.startswith("`image push` works in one account and region, and dev has `targets`")


COMPOSE = """\
app: {app}
region: {region}
stacks:
  network: {{}}
  cluster: {{}}
  web:
    template: service
    containers:
      web:
        image: ecr:{app}/web:1
        build: {{context: web, dockerfile: Dockerfile}}
"""


def test_a_dockerfile_relative_to_its_context_is_explained(
    tools: Tools, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = project(tmp_path, "compose", "eu-west-3", COMPOSE)
    tools.install("docker")
    assert main(["image", "build", *where]) == 1
    assert capsys.readouterr().err == (
        f"web: there is no file `Dockerfile` in `{tmp_path / 'home'}`. Write `dockerfile: "
        "web/Dockerfile`\nbuild.py: dev: nothing was built\n"
    )


def test_the_failure_of_a_program_is_explained(
    cloud: Cloud, tools: Tools, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """tests/images/test_programs.py has the causes that are known."""
    where = project(tmp_path, "broken", "ap-south-1")
    create(cloud, "ap-south-1", "broken/web", "broken/tools")
    output = "#5 ERROR: process did not complete\nERROR: failed to solve: exit code: 3"
    tools.install("docker", answers={**BUILDX, "docker buildx build": [output, 17]})
    code, shown = fails(["image", "push", *where], capsys)
    reason = "ended with exit code 17: ERROR: failed to solve: exit code: 3"
    assert (code, shown) == (1, f"`docker buildx build` {reason}")
    assert len(tools.lines()) == 2, "nothing is built after a failure"
    output = "Error saving credentials: error storing credentials - err: exit status 1, out: "
    tools.set(answers={**BUILDX, "docker login": [f"{output}`not implemented`", 1]})
    code, shown = fails(["image", "push", *where], capsys)
    assert code == 1
    assert shown.endswith("helper is installed and logs in by itself: use --no-login")


def test_a_push_that_ecr_does_not_have_is_a_failure(
    cloud: Cloud, tools: Tools, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = project(tmp_path, "lost", "ap-south-1")
    tools.install("docker")
    create(cloud, "ap-south-1", "lost/web", "lost/tools")
    code, shown = fails(["image", "push", *where, "--tag", "1"], capsys)
    assert code == 1
    assert shown.endswith("lost/tools:1 is not in ECR, although it was pushed")


def test_the_program_ends_with_an_interruption(tools: Tools, tmp_path: Path) -> None:
    where = project(tmp_path, "stopped", "eu-west-3")
    tools.install("docker", sleep=60)
    words = [sys.executable, str(ROOT / "build.py"), "image", "build", *where]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while not (tools.folder / "calls").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        shown = process.stderr.read()
    assert process.returncode == 130
    assert shown.endswith("interrupted\n")
    assert "Traceback" not in shown
