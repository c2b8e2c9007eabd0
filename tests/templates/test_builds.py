"""Builds and pipelines: what starts them, and what their steps may do."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from moorage.facts.codepipeline import MAX_CONFIGURATION_VALUE
from moorage.pipeline.build import build
from templates import TEMPLATES
from templates.builds.filters import Trigger, filter_group, glob_expression
from templates.pipeline.steps import SUMMARY

PIPELINE = Path("tests/golden/pipeline/params")
BUILDS = Path("tests/golden/codebuild/params")


@pytest.fixture(scope="module")
def pipeline() -> dict[str, Any]:
    return resources(PIPELINE, "tools", "delivery")


def resources(params: Path, env: str, stack: str) -> dict[str, Any]:
    plan = build(params, env, TEMPLATES).plan
    assert plan is not None
    (body,) = (each.rendering.body for each in plan.stacks if each.name == stack)
    found: dict[str, Any] = body["Resources"]
    return found


def statements(role: Any) -> dict[str, Any]:
    """The statements of a role by their Sid."""
    return {
        statement["Sid"]: statement
        for policy in role["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    }


def buildspec(project: Any) -> Any:
    return yaml.safe_load(project["Properties"]["Source"]["BuildSpec"])


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("main", ["main"], ["main2", "a/main", ""]),
        ("release/*", ["release/1.4", "release/"], ["release/1/2", "release"]),
        ("app/**", ["app/a.py", "app/b/c.py"], ["apps/a.py", "lib/app/a.py"]),
        ("v?.*", ["v1.4", "v2.0-rc"], ["v12", "v10.1", "v1x4"]),
        ("**/*.md", ["docs/a.md", "a/b/c.md"], ["a.md", "docs/amd"]),
        ("a+b@c", ["a+b@c"], ["aab@c"]),
    ],
)
def test_a_pattern_matches_as_in_codepipeline(
    pattern: str, matching: list[str], others: list[str]
) -> None:
    expression = re.compile(f"^({glob_expression(pattern)})$")
    assert [name for name in matching if not expression.search(name)] == []
    assert [name for name in others if expression.search(name)] == []


def filters(trigger: Trigger, provider: str = "GITHUB") -> list[dict[str, Any]]:
    return [each.to_dict() for each in filter_group(trigger, "main", provider)]


def test_a_trigger_without_branches_is_for_the_branch_of_the_source() -> None:
    trigger = Trigger(paths=["app/**", "!app/docs/**"])
    assert filters(trigger) == [
        {"Type": "EVENT", "Pattern": "PUSH"},
        {"Type": "HEAD_REF", "Pattern": "^refs/heads/(main)$"},
        {"Type": "FILE_PATH", "Pattern": "^(app/.*)$"},
        {"Type": "FILE_PATH", "Pattern": "^(app/docs/.*)$", "ExcludeMatchedPattern": True},
    ]


def test_only_github_reports_pull_requests_that_are_opened_again() -> None:
    trigger = Trigger(pull_requests=True, branches=["develop"])
    event, base = filters(trigger, "GITLAB")
    assert event["Pattern"] == "PULL_REQUEST_CREATED, PULL_REQUEST_UPDATED"
    assert base == {"Type": "BASE_REF", "Pattern": "^refs/heads/(develop)$"}
    assert filters(trigger)[0]["Pattern"].endswith(", PULL_REQUEST_REOPENED")


def test_environments_are_deployed_in_the_order_of_the_params(tmp_path: Path) -> None:
    """Not in that of their names: what prod gets was in staging before."""
    role = "arn:aws:iam::123456789012:role/deploy"
    (tmp_path / "tools.yaml").write_text(
        "app: shop\nregion: eu-central-1\nstacks:\n  delivery:\n    template: pipeline\n"
        "    source: {codecommit: shop}\n    environments:\n"
        f"      - {{name: staging, role: {role}}}\n"
        f"      - {{name: prod, role: {role}, approval: true}}\n"
    )
    plan = build(tmp_path, "tools", TEMPLATES).plan
    assert plan is not None
    stages = plan.stacks[0].rendering.body["Resources"]["Pipeline"]["Properties"]["Stages"]
    names = [stage["Name"] for stage in stages]
    assert names == ["Source", "Build", "Deploy-staging", "Approve-prod", "Deploy-prod"]


def test_a_pipeline_in_a_vpc_fits_into_a_template(tmp_path: Path) -> None:
    """The permissions for the VPC are written once, not for each step."""
    role = "arn:aws:iam::123456789012:role/deploy"
    names = ("dev", "test", "staging", "prod")
    entries = [f"      - {{name: {name}, role: {role}}}\n" for name in names]
    (tmp_path / "tools.yaml").write_text(
        "app: shop\nregion: eu-central-1\nstacks:\n  network: {egress: nat}\n  delivery:\n"
        "    template: pipeline\n    source: {codecommit: shop}\n    vpc: true\n"
        f"    environments:\n{''.join(entries)}"
    )
    plan = build(tmp_path, "tools", TEMPLATES).plan
    assert plan is not None
    (rendering,) = [stack.rendering for stack in plan.stacks if stack.name == "delivery"]
    resources = rendering.body["Resources"]
    roles = [name for name in resources if name.endswith("ProjectRole")]
    assert len(roles) == len(names) + 1
    for name in roles:
        assert resources[name]["Properties"]["ManagedPolicyArns"] == [{"Ref": "VpcPolicy"}]
    assert rendering.text.count("ec2:CreateNetworkInterfacePermission") == 1


def test_a_step_can_only_assume_the_role_of_its_environment(pipeline: dict[str, Any]) -> None:
    assumed = {
        name.removesuffix("ProjectRole"): statements(role)["AssumeRole"]["Resource"]
        for name, role in pipeline.items()
        if role["Type"] == "AWS::IAM::Role" and "AssumeRole" in statements(role)
    }
    assert assumed == {
        "DeployDev": ["arn:aws:iam::123456789012:role/shop-dev-deploy"],
        "PreviewProd": ["arn:aws:iam::210987654321:role/shop-prod-preview"],
        "DeployProd": ["arn:aws:iam::210987654321:role/shop-prod-deploy"],
    }
    pushing = [name for name, role in pipeline.items() if "PushImages" in str(role)]
    assert pushing == ["ImagesProjectRole"]


def test_a_pull_request_has_no_secrets_and_no_permissions(pipeline: dict[str, Any]) -> None:
    assert statements(pipeline["PullRequestProjectRole"]).keys() == {"WriteLogs", "UseConnection"}
    environment = pipeline["PullRequestProject"]["Properties"]["Environment"]
    assert "EnvironmentVariables" not in environment
    assert not environment["PrivilegedMode"]
    (secret,) = [
        variable
        for variable in pipeline["TestProject"]["Properties"]["Environment"]["EnvironmentVariables"]
        if variable.get("Type") == "SECRETS_MANAGER"
    ]
    assert secret["Name"] == "PIP_INDEX_URL"


def test_only_what_runs_docker_is_privileged(pipeline: dict[str, Any]) -> None:
    privileged = [
        name
        for name, resource in pipeline.items()
        if resource["Type"] == "AWS::CodeBuild::Project"
        and resource["Properties"]["Environment"]["PrivilegedMode"]
    ]
    assert privileged == ["ImagesProject"]


def test_codebuild_assumes_a_role_for_its_project_only(pipeline: dict[str, Any]) -> None:
    for name, resource in pipeline.items():
        if resource["Type"] == "AWS::CodeBuild::Project":
            role = pipeline[f"{name}Role"]["Properties"]
            (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
            (source,) = trust["Condition"]["ArnLike"].values()
            assert source["Fn::Sub"].endswith(f":project/{resource['Properties']['Name']}")
            assert trust["Condition"]["StringEquals"]["aws:SourceAccount"]
            assert role["PermissionsBoundary"]


def test_no_phase_runs_after_a_failure(pipeline: dict[str, Any]) -> None:
    specs = [
        buildspec(resource)
        for resource in pipeline.values()
        if resource["Type"] == "AWS::CodeBuild::Project"
    ]
    assert len(specs) == 6
    assert all(list(spec["phases"]) == ["install", "build"] for spec in specs)


def test_a_network_interface_is_for_codebuild_in_its_subnets_only() -> None:
    role = statements(resources(BUILDS, "dev", "images")["ProjectRole"])
    condition = role["UseInterfaces"]["Condition"]["StringEquals"]
    assert condition["ec2:AuthorizedService"] == "codebuild.amazonaws.com"
    assert len(condition["ec2:Subnet"]) == 2
    assert role["DecryptSecrets"]["Resource"] == [
        "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    ]


PREVIEW = """\
web (shop-prod-web) will be updated
  ~ TaskDefinition  AWS::ECS::TaskDefinition  replaced (routine)
      ContainerDefinitions.web.Image: "a" -> 'b' #{Other.VALUE} \\n $(id) `id` {}[]<>&é
  ~ Database  AWS::RDS::DBInstance  REPLACED

Nothing to change: cluster, network
"""


def summary(pipeline: dict[str, Any], folder: Path, text: str) -> str:
    """The summary of a preview, as the step exports it."""
    (folder / "preview").write_text(text)
    command = buildspec(pipeline["PreviewProdProject"])["phases"]["build"]["commands"][-1]
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "CODEBUILD_BUILD_URL": "https://x"}
    script = f'set -o pipefail\n{command}\nprintf %s "$PREVIEW"'
    run = subprocess.run(
        ["bash", "-c", script], env=environ, capture_output=True, text=True, check=True
    )
    return run.stdout


def test_a_summary_begins_with_stacks_and_replacements(
    pipeline: dict[str, Any], tmp_path: Path
) -> None:
    assert summary(pipeline, tmp_path, PREVIEW) == (
        "web (shop-prod-web) will be updated | Nothing to change: cluster, network | "
        "~ Database AWS::RDS::DBInstance REPLACED | "
        "~ TaskDefinition AWS::ECS::TaskDefinition replaced (routine) | "
        "ContainerDefinitions.web.Image: a -> b Other.VALUE n (id) id > | "
    )


def test_the_text_of_an_approval_fits(pipeline: dict[str, Any], tmp_path: Path) -> None:
    long = summary(pipeline, tmp_path, "web (shop-prod-web) will be updated\n" * 100)
    assert len(long) == SUMMARY
    (approve,) = [
        action["Configuration"]["CustomData"]
        for stage in pipeline["Pipeline"]["Properties"]["Stages"]
        for action in stage["Actions"]
        if action["ActionTypeId"]["Provider"] == "Manual"
    ]
    url = "https://eu-central-1.console.aws.amazon.com/codesuite/" + "x" * 150
    text = approve.replace("#{Preview-prod.PREVIEW}", long).replace("#{Preview-prod.LOG}", url)
    assert "#{" not in text
    assert len(text) <= MAX_CONFIGURATION_VALUE
