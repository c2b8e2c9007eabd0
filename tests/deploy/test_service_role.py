"""Deployments with the service role of the environment."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cloud import Cloud, Deployment
from command_line import main
from fake_aws import make_stack, make_target

from moorage.deploy.change_sets import role_argument
from moorage.deploy.service_role import with_service_role
from moorage.deploy.stack_state import Output, StackState
from moorage.deploy.target import make_target as make_plan_target
from moorage.pipeline.build import build
from moorage.pipeline.write import write
from templates import TEMPLATES

ROLE = "arn:aws:iam::111122223333:role/shop-dev-cloudformation"
TARGET = replace(
    make_target(make_stack("deployment"), make_stack("web")), roles_stack="shop-dev-deployment"
)
PARAMS = """
app: {app}
region: eu-central-1
stacks:
  deployment: {{template: deployment_role}}
  cluster: {{exec_logs: false}}
  web:
    template: ecr
    repositories: {{"{app}/web": {{}}}}
"""


def state(status: str, *outputs: Output) -> dict[str, StackState]:
    name = "shop-dev-deployment"
    return {name: StackState(name, "id", status, outputs=outputs)}


def roles(states: dict[str, StackState]) -> dict[str, Any]:
    stacks = with_service_role(TARGET, states).stacks
    return {stack.name: role_argument(stack) for stack in stacks}


def test_the_role_is_passed_for_all_stacks_but_its_own() -> None:
    states = state("UPDATE_COMPLETE", Output("ServiceRoleArn", ROLE))
    assert roles(states) == {"deployment": {}, "web": {"RoleARN": ROLE}}


@pytest.mark.parametrize(
    "states", [{}, state("REVIEW_IN_PROGRESS"), state("CREATE_COMPLETE")], ids=str
)
def test_without_the_role_the_credentials_of_the_caller_are_used(
    states: dict[str, StackState],
) -> None:
    assert roles(states) == {"deployment": {}, "web": {}}


def environment(cloud: Cloud, folder: Path, app: str, more: str = "") -> Deployment:
    (folder / "params").mkdir()
    (folder / "params/dev.yaml").write_text(PARAMS.format(app=app) + more)
    built = build(folder / "params", "dev", TEMPLATES)
    assert built.plan is not None
    assert built.findings == ()
    write(built.plan, folder / "out")
    return Deployment(cloud, built.plan, folder / "out")


@pytest.mark.parametrize(
    ("role", "of_the_environment"),
    [
        ("arn:aws:iam::111122223333:role/assumed-dev-deploy", True),
        ("arn:aws:iam::111122223333:role/administrator", False),
    ],
)
def test_an_administrator_deploys_the_stack_with_the_roles(
    role: str, of_the_environment: bool, cloud: Cloud, tmp_path: Path
) -> None:
    """With the own credentials, since the role that deploys may not."""
    deployment = environment(cloud, tmp_path, "assumed", f"role: {role}\n")
    target = make_plan_target(deployment.plan)
    assert target.role_for(["deployment"]) == (None if of_the_environment else role)
    assert {target.role_for(names) for names in ([], ["web"], ["deployment", "web"])} == {role}
    script = (deployment.folder / "deploy.sh").read_text().splitlines()
    (line,) = [line for line in script if line.endswith(f"assume_role {role}")]
    condition = '[[ "${chosen[*]-}" == deployment ]] || ' if of_the_environment else ""
    assert line == f"{condition}assume_role {role}"


def stack_roles(deployment: Deployment) -> dict[str, str | None]:
    described = deployment.stacks()
    return {
        name: (stack.get("RoleARN") or "").rpartition("/")[2] or None
        for name, stack in described.items()
    }


def test_the_script_passes_the_role(cloud: Cloud, tmp_path: Path) -> None:
    deployment = environment(cloud, tmp_path, "rolescript")
    first = deployment.run("deployment")
    assert first.returncode == 0, first.stdout
    then = deployment.run()
    assert then.returncode == 0, then.stdout
    name = "rolescript-dev-cloudformation"
    assert stack_roles(deployment) == {"deployment": None, "cluster": name, "web": name}


def test_the_command_passes_the_role(
    cloud: Cloud,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    deployment = environment(cloud, tmp_path, "rolecommand")
    for name, value in cloud.environ().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    options = ["--params", str(tmp_path / "params"), "--endpoint-url", cloud.url, "--yes"]
    assert main(["deploy", "dev", "deployment", *options]) == 0, capsys.readouterr()
    assert main(["deploy", "dev", *options]) == 0, capsys.readouterr()
    name = "rolecommand-dev-cloudformation"
    assert stack_roles(deployment) == {"deployment": None, "cluster": name, "web": name}
