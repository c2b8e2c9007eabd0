"""`role:` in the params: the commands and deploy.sh act as that role, in its account."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import boto3
import pytest
from cloud import Cloud, built
from command_line import main

from moorage.deploy.role import assume_role

ACCOUNT = "222233334444"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/ops/deploy"
PARAMS = """
app: {app}
region: eu-central-1
account: "{account}"
role: arn:aws:iam::${{account}}:role/ops/deploy
stacks:
  cluster: {{exec_logs: false}}
"""


@pytest.fixture(autouse=True)
def credentials(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of another account."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in cloud.environ().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)


def project(folder: Path, app: str, account: str = ACCOUNT) -> Path:
    params = folder / "params"
    params.mkdir()
    (params / "dev.yaml").write_text(PARAMS.format(app=app, account=account))
    return params


def as_role(cloud: Cloud) -> boto3.Session:
    """A session with the credentials of the role."""
    sts = cloud.client("sts", "eu-central-1")
    keys = sts.assume_role(RoleArn=ROLE, RoleSessionName="test")["Credentials"]
    names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
    return boto3.Session(*(keys[name] for name in names), region_name="eu-central-1")


def stacks(client: Any, app: str) -> list[str]:
    pages = client.get_paginator("describe_stacks").paginate()
    found = [stack for page in pages for stack in page["Stacks"]]
    return [stack["StackName"] for stack in found if stack["StackName"].startswith(app)]


def test_commands_act_in_the_account_of_the_role(
    cloud: Cloud, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["dev", "--params", str(project(tmp_path, "roled"))]
    assert main(["deploy", *where, "--yes"]) == 0
    theirs = as_role(cloud).client("cloudformation", endpoint_url=cloud.url)
    assert stacks(theirs, "roled") == ["roled-dev-cluster"]
    assert stacks(cloud.client("cloudformation", "eu-central-1"), "roled") == []
    assert main(["status", *where]) == 0
    assert main(["why", *where]) == 0
    assert "nothing is known to be failing" in capsys.readouterr().out
    assert main(["destroy", *where, "--yes"]) == 0
    assert stacks(theirs, "roled") == []


def test_no_role_uses_the_credentials_as_they_are(
    cloud: Cloud, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = cloud.client("sts", "eu-central-1").get_caller_identity()["Account"]
    where = ["dev", "--params", str(project(tmp_path, "roleless", own)), "--no-role"]
    assert main(["diff", *where]) == 0
    assert main(["deploy", *where, "--yes"]) == 0
    assert "cluster (roleless-dev-cluster) will be created" in capsys.readouterr().out
    assert stacks(cloud.client("cloudformation", "eu-central-1"), "roleless")
    assert main(["destroy", *where, "--yes"]) == 0


def test_a_session_of_the_role_does_not_assume_it_again(cloud: Cloud) -> None:
    session = as_role(cloud)
    assert assume_role(session, ROLE, cloud.url) is session
    assert assume_role(session, f"{ROLE}ment", cloud.url) is not session


def test_deploy_sh_acts_in_the_account_of_the_role(cloud: Cloud, tmp_path: Path) -> None:
    deployment = built(project(tmp_path, "scripted"), "dev", cloud, tmp_path / "out")
    process = deployment.run()
    assert process.returncode == 0, process.stdout
    assert process.stdout.startswith(f"scripted dev: account {ACCOUNT}, region eu-central-1\n")
    theirs = as_role(cloud).client("cloudformation", endpoint_url=cloud.url)
    assert stacks(theirs, "scripted") == ["scripted-dev-cluster"]
