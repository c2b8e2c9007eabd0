"""`targets:` as a user runs it, against moto over HTTP: two accounts and two regions."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import boto3
import pytest
from cloud import Cloud, read_all_stacks
from command_line import main

OWN, OTHER, THIRD = "123456789012", "222233334444", "333344445555"
CENTRAL, WEST = "eu-central-1", "eu-west-1"
PARAMS = """
app: {app}
region: eu-central-1
targets:
  accounts: ["123456789012", "{other}"]
  regions: [eu-central-1, eu-west-1]
stacks:
  network: {{cidr: 10.20.0.0/16, egress: nat}}
  cluster: {{exec_logs: false}}
  web:
    template: service
    containers: {{web: {{image: "ecr:shop/web:{version}", ports: [8080]}}}}
"""


@pytest.fixture(autouse=True)
def credentials(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the server, and no others."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in cloud.environ().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)


def project(folder: Path, app: str, other: str = OTHER, version: str = "1") -> list[str]:
    """Writes params, and returns the arguments that name them."""
    params = folder / "params"
    params.mkdir(exist_ok=True)
    text = PARAMS.format(app=app, other=other, version=version)
    (params / "prod.yaml").write_text(text)
    return ["prod", "--params", str(params)]


def client(cloud: Cloud, service: str, account: str, region: str) -> Any:
    """A client of another account."""
    role = f"arn:aws:iam::{account}:role/reader"
    sts = cloud.client("sts", region)
    keys = sts.assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
    session = boto3.Session(*(keys[name] for name in names), region_name=region)
    return session.client(service, endpoint_url=cloud.url)  # type: ignore[call-overload]


def read_stacks(cloud: Cloud, app: str, account: str, region: str) -> list[str]:
    """The stack sets whose stacks an account has in a region."""
    found = read_all_stacks(client(cloud, "cloudformation", account, region))
    names = [stack["StackName"] for stack in found]
    prefix = f"StackSet-{app}-prod-"
    return sorted(name.removeprefix(prefix).split("-")[0] for name in names if prefix in name)


def test_an_environment_lives_in_several_accounts_and_regions(
    cloud: Cloud, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = project(tmp_path, "spread")
    assert main(["deploy", *where, "--yes"]) == 0
    shown = capsys.readouterr().out
    assert f"  + {OWN}, {OTHER} in {CENTRAL}, {WEST}\n" in shown
    assert shown.index("network: created") < shown.index("web: creating")
    for account in (OWN, OTHER):
        for region in (CENTRAL, WEST):
            assert read_stacks(cloud, "spread", account, region) == ["cluster", "network", "web"]
            assert_subnets_are_of_the_same_target(cloud, account, region)
    assert main(["deploy", *where]) == 0, "without changes there is nothing to agree to"
    assert capsys.readouterr().out == "Nothing to change: cluster, network, web\n"

    where = project(tmp_path, "spread", other=THIRD, version="2")
    assert main(["diff", *where]) == 0
    shown = capsys.readouterr().out
    assert "  ~ TaskDefinition  AWS::ECS::TaskDefinition  replaced (routine)\n" in shown
    assert "/shop/web:1 -> " in shown
    assert f"  + {THIRD} in {CENTRAL}, {WEST}\n  - {OTHER} in {CENTRAL}, {WEST}: deleted" in shown
    assert main(["deploy", *where, "--yes"]) == 0
    shown = capsys.readouterr().out
    assert shown.index("web: deleting") < shown.index("network: deleting")
    assert read_stacks(cloud, "spread", OTHER, WEST) == []
    assert read_stacks(cloud, "spread", THIRD, WEST) == ["cluster", "network", "web"]

    assert main(["status", *where]) == 0
    shown = capsys.readouterr().out
    assert "web (stack set spread-prod-web)  4 stacks: 4 CURRENT" in shown
    assert f"  {THIRD} {WEST} is CURRENT\n" in shown
    assert main(["why", *where]) == 0
    assert capsys.readouterr().out == "prod: every stack of the stack sets is current\n"

    assert main(["destroy", *where, "network", "--yes"]) == 1
    assert "`web` needs `network`" in capsys.readouterr().err
    assert main(["destroy", *where, "--yes"]) == 0
    shown = capsys.readouterr().out
    assert "  stays in each of them: TaskDefinition  AWS::ECS::TaskDefinition\n" in shown
    assert read_stacks(cloud, "spread", OWN, CENTRAL) == []
    assert main(["destroy", *where, "--yes"]) == 0
    assert capsys.readouterr().out == "Nothing to delete\n"


def assert_subnets_are_of_the_same_target(cloud: Cloud, account: str, region: str) -> None:
    """The import of the subnets was resolved in the same account and region."""
    subnets = client(cloud, "ec2", account, region).describe_subnets()["Subnets"]
    own = {subnet["SubnetId"] for subnet in subnets}
    ecs = client(cloud, "ecs", account, region)
    (cluster,) = [arn for arn in ecs.list_clusters()["clusterArns"] if "spread" in arn]
    services = ecs.list_services(cluster=cluster)["serviceArns"]
    (service,) = ecs.describe_services(cluster=cluster, services=services)["services"]
    used = service["networkConfiguration"]["awsvpcConfiguration"]["subnets"]
    assert used
    assert {*used} <= own


def test_a_failure_in_one_target_is_explained(
    cloud: Cloud, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    group = "/ecs/broken-prod/web"
    client(cloud, "logs", OTHER, WEST).create_log_group(logGroupName=group)
    where = project(tmp_path, "broken")
    params = tmp_path / "params/prod.yaml"
    named = "{Resources: {LogGroup: {Properties: {LogGroupName: " + group + "}}}}"
    params.write_text(params.read_text() + f"    overrides: {named}\n")
    assert main(["deploy", *where, "--yes"]) == 1
    shown = capsys.readouterr()
    assert f"web: {OTHER} {WEST} (stack) CREATE_FAILED: ResourceLogicalId:" in shown.out
    assert f"web: FAILED in {OTHER} {WEST}: ResourceLogicalId:" in shown.err
    assert main(["status", *where]) == 1
    assert f"  !! {OTHER} {WEST} is OUTDATED (FAILED): " in capsys.readouterr().out
    assert main(["why", "prod", "web", *where[1:]]) == 1
    shown = capsys.readouterr()
    assert "web (stack set broken-prod-web): 1 stack is not current\n" in shown.out
    assert f"   FAILED: {OTHER} {WEST}\n" in shown.out
    assert f"{params}:10 stacks.web\n" in shown.out
    assert main(["why", "prod", "web", *where[1:], "--format", "json"]) == 1
    assert json.loads(capsys.readouterr().out)[0]["stack_set"] == "broken-prod-web"
    client(cloud, "logs", OTHER, WEST).delete_log_group(logGroupName=group)
    assert main(["deploy", *where, "--yes"]) == 0
    assert "  ! " in capsys.readouterr().out
    assert main(["status", *where]) == 0
    assert main(["destroy", *where, "--yes", "--format", "json"]) == 0


@pytest.mark.parametrize("command", ["run", "exec", "rollback", "logs", "diff --deployed-images"])
def test_commands_for_one_account_say_so(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = project(tmp_path, "single")
    name, *options = command.split()
    assert main([name, where[0], "web", *where[1:], *options]) == 2
    assert f"`{command}` works in one account and region, and prod has `targets`" in (
        capsys.readouterr().err
    )


def test_deploy_sh_names_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = project(tmp_path, "single")
    out = tmp_path / "out"
    assert main(["build", *where, "--out", str(out)]) == 0
    assert capsys.readouterr().out.endswith("next: moorage deploy prod\n")
    script = ["bash", str(out / "prod/deploy.sh")]
    process = subprocess.run(script, check=False, capture_output=True, text=True)
    assert process.returncode == 2
    assert process.stderr == "prod is deployed by StackSets. Run: moorage deploy prod\n"


def test_a_rehearsal_is_in_one_account(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rehearse", *project(tmp_path, "alone")]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("StackSets is left out: the stacks are rehearsed in one account")
    assert "web (alone-prod-web) will be created" in shown


def test_not_waiting_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = project(tmp_path, "single")
    assert main(["deploy", *where, "--no-wait"]) == 2
    assert "--no-wait does not fit `targets`" in capsys.readouterr().err
    assert main(["deploy", *where]) == 2, "there is no terminal to agree on"
