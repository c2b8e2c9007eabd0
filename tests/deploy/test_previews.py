"""`moorage preview`: environments of pull requests on the load balancer of another environment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cloud import Cloud, built, read_all_stacks
from command_line import main

from moorage.commands.preview import normalize_name

BASE = """
app: harbor
region: eu-central-1
stacks:
  network: {egress: public}
  cluster: {}
  public: {template: alb, certificate: []}
  web:
    template: service
    containers:
      web: {image: "public.ecr.aws/nginx/nginx:1.27.3", ports: [8080]}
    expose:
      - {via: public, hosts: ["${env}.example.com"]}
"""
PREVIEW = "shares: {env: dev, stacks: [cluster, public]}\nstacks: {web: {desired_count: 1}}\n"


@pytest.fixture(autouse=True)
def credentials(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the server, and no others."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in cloud.environ().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)


def write_params(folder: Path, preview: str = PREVIEW) -> list[str]:
    """Writes params, and returns the arguments that name them."""
    (folder / "base.yaml").write_text(BASE)
    (folder / "dev.yaml").write_text("tags: {kind: shared}\n")
    (folder / "preview.yaml").write_text(preview)
    return ["--params", str(folder)]


def names(cloud: Cloud) -> set[str]:
    stacks = read_all_stacks(cloud.client("cloudformation", "eu-central-1"))
    return {s["StackName"] for s in stacks if s["StackName"].startswith("harbor-")}


@pytest.fixture(scope="module")
def dev(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The stacks of the environment whose stacks are shared, deployed once."""
    folder = tmp_path_factory.mktemp("dev")
    write_params(folder)
    process = built(folder, "dev", cloud, folder / "out").run()
    assert process.returncode == 0, process.stdout
    return names(cloud)


def test_previews_come_and_go_beside_the_environment_whose_stacks_they_share(
    cloud: Cloud, dev: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = write_params(tmp_path)
    assert main(["preview", "list", *where]) == 0
    assert capsys.readouterr().out.endswith("No previews\n")

    assert main(["preview", "up", "123", *where, "--yes"]) == 0
    assert capsys.readouterr().out.endswith("http://preview-123.example.com/\n")
    assert main(["preview", "up", "Feature/X", *where, "--yes"]) == 0
    branch = normalize_name("Feature/X")
    both = {"harbor-preview-123-web", f"harbor-preview-{branch}-web"}
    assert names(cloud) == dev | both
    capsys.readouterr()
    assert main(["preview", "list", *where]) == 0
    assert capsys.readouterr().out == f"123  web CREATE_COMPLETE\n{branch}  web CREATE_COMPLETE\n"

    assert main(["preview", "up", "123", *where, "--yes"]) == 0, "its own rule is no conflict"
    assert "Nothing to change: web\n" in capsys.readouterr().out
    assert main(["status", "preview-123", *where]) == 0
    assert "web (harbor-preview-123-web)  CREATE_COMPLETE" in capsys.readouterr().out

    assert main(["preview", "down", "123", *where, "--yes"]) == 0
    assert main(["preview", "down", "Feature/X", *where, "--yes"]) == 0
    assert names(cloud) == dev
    capsys.readouterr()
    assert main(["preview", "down", "123", *where, "--yes"]) == 0
    assert capsys.readouterr().out == "Nothing to delete\n"


def test_a_route_or_priority_that_is_in_use_prevents_a_deployment(
    cloud: Cloud, dev: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = write_params(tmp_path)
    elb = cloud.client("elbv2", "eu-central-1")
    pages = cloud.client("cloudformation", "eu-central-1").get_paginator("list_exports").paginate()
    exports = {each["Name"]: each["Value"] for page in pages for each in page["Exports"]}
    listener = exports["harbor-dev-public-HttpListenerArn"]
    reply = {"StatusCode": "200", "ContentType": "text/plain"}
    fixed = [{"Type": "fixed-response", "FixedResponseConfig": reply}]
    host = {"Field": "host-header", "HostHeaderConfig": {"Values": ["preview-5.example.com"]}}
    rule = elb.create_rule(ListenerArn=listener, Priority=7, Conditions=[host], Actions=fixed)
    arn = rule["Rules"][0]["RuleArn"]
    assert main(["preview", "up", "5", *where, "--yes"]) == 1
    shown = capsys.readouterr().err
    assert f"error M4003 stacks.web: The route is also that of the rule {arn}." in shown
    assert "preview-5: nothing was deployed" in shown
    elb.delete_rule(RuleArn=arn)

    priority = "stacks: {web: {expose: [{via: public, hosts: ['${env}.x.org'], priority: 40}]}}\n"
    where = write_params(tmp_path, PREVIEW.splitlines()[0] + "\n" + priority)
    assert main(["preview", "up", "6", *where, "--yes"]) == 0
    (rule,) = [
        each
        for each in elb.describe_rules(ListenerArn=listener)["Rules"]
        if each["Priority"] == "40"
    ]
    tags = [{"Key": "env", "Value": "preview-6"}, {"Key": "stack", "Value": "web"}]
    elb.add_tags(ResourceArns=[rule["RuleArn"]], Tags=tags)  # CloudFormation does this itself
    capsys.readouterr()
    assert main(["preview", "up", "7", *where, "--yes"]) == 1
    shown = capsys.readouterr().err
    assert "error M4004 stacks.web: The priority 40 is also that of `web` of `preview-6`." in shown
    assert "Write `priority: 41` at the route" in shown
    assert names(cloud) == dev | {"harbor-preview-6-web"}
    assert main(["preview", "down", "6", *where, "--yes"]) == 0


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("123", "123"),
        ("abc-1", "abc-1"),
        ("Abc-1", "abc-1-e2d1f2"),
        ("feature/ABC-1", "feature-abc-1-x"),
        ("a" * 30, f"{'a' * 20}-x"),
        ("-a-", "a-x"),
        ("\u00e9", "x"),
    ],
)
def test_names_of_branches_become_parts_of_names_of_stacks(name: str, expected: str) -> None:
    normal = normalize_name(name)
    stem = expected.rpartition("-")[0] if normal != name else expected
    assert normal.startswith(stem)
    assert len(normal) <= 27
    assert normalize_name(f"{name}!") != normal


def test_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["preview", "up", "1", "--params", str(tmp_path)]) == 2
    assert "preview.yaml`. See docs/previews.md" in capsys.readouterr().err
    where = write_params(tmp_path)
    assert main(["preview", "up", *where]) == 2
    assert "takes a name, such as the number of the pull request" in capsys.readouterr().err
    assert main(["preview", "list", "1", *where]) == 2
    assert "preview list takes no name" in capsys.readouterr().err
