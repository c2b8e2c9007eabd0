"""The files that `moorage ci` writes: valid by the published schemas, and consistent in themselves.

tests/deploy/test_ci_steps.py executes their shell steps.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from moorage.ci.environments import Ci, CiEnvironment
from moorage.ci.workflow import build_workflow

DEV = CiEnvironment("dev", "eu-central-1", has_builds=True, environment="dev")
PROD = CiEnvironment(
    "prod-eu",
    "eu-west-1",
    has_builds=True,
    audience="shop",
    environment="production: eu",
    session=7200,
    branches=("main", "release/*"),
    tags=("v*",),
)
ONLY = CiEnvironment("live", "us-east-1", has_builds=False, environment="live")
CASES = [(DEV, PROD), (ONLY,), (ONLY, DEV)]
PREVIEWS = CiEnvironment("preview", "eu-central-1", has_builds=True, audience="shop")
PLAIN = replace(PREVIEWS, has_builds=False)
ACTIONS = {
    "actions/checkout",
    "actions/setup-python",
    "aws-actions/configure-aws-credentials",
    "github/codeql-action/upload-sarif",
}


def parse(
    ci: Ci, *environments: CiEnvironment, previews: CiEnvironment | None = None
) -> dict[str, Any]:
    text = build_workflow(ci, environments, "python -m pip install .", previews)
    assert "@" not in re.sub(r"actions/[a-z-]+@|credentials@|sarif@|=@comment.md", "", text)
    content: dict[str, Any] = YAML(typ="safe", pure=True).load(text)
    return content


def jobs_of_gitlab(content: dict[str, Any]) -> dict[str, Any]:
    return {name: job for name, job in content.items() if "script" in job}


def scripts(content: dict[str, Any]) -> Iterator[str]:
    """The shell scripts of all jobs of either CI."""
    for job in content.get("jobs", {}).values():
        yield from (step["run"] for step in job["steps"] if "run" in step)
    for job in jobs_of_gitlab(content).values():
        yield from job["script"]


@pytest.mark.parametrize("previews", [None, PREVIEWS, PLAIN], ids=["none", "builds", "plain"])
@pytest.mark.parametrize("environments", CASES, ids=len)
@pytest.mark.parametrize(
    ("ci", "options"),
    [
        ("github", ["vendor.github-workflows"]),
        ("gitlab", ["vendor.gitlab-ci", "--data-transform", "gitlab-ci"]),
    ],
)
def test_the_files_fit_the_published_schemas(
    ci: Ci,
    options: list[str],
    environments: tuple[CiEnvironment, ...],
    previews: CiEnvironment | None,
    tmp_path: Path,
) -> None:
    path = tmp_path / "ci.yml"
    path.write_text(build_workflow(ci, environments, "python -m pip install .", previews))
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", *options, str(path)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("environments", CASES, ids=len)
@pytest.mark.parametrize("ci", ["github", "gitlab"])
def test_the_shell_scripts_can_be_parsed(ci: Ci, environments: tuple[CiEnvironment, ...]) -> None:
    found = [*scripts(parse(ci, *environments, previews=PREVIEWS))]
    assert found
    for script in found:
        run = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True)
        assert run.returncode == 0, script + run.stderr


def test_jobs_of_github_follow_each_other() -> None:
    jobs = parse("github", DEV, PROD)["jobs"]
    assert {name: job.get("needs") for name, job in jobs.items()} == {
        "check": None,
        "preview-dev": "check",
        "preview-prod-eu": "check",
        "push-dev": "check",
        "deploy-dev": "push-dev",
        "push-prod-eu": "deploy-dev",
        "deploy-prod-eu": "push-prod-eu",
    }


def test_values_from_other_jobs_are_outputs_of_the_job_before() -> None:
    jobs = parse("github", DEV, PROD)["jobs"]
    for name in ("deploy-dev", "deploy-prod-eu"):
        (used,) = re.findall(r"needs\.([a-z-]+)\.outputs\.([a-z]+)", str(jobs[name]))
        assert used == (jobs[name]["needs"], "images")
        assert used[1] in jobs[used[0]]["outputs"]


def test_jobs_have_no_more_permissions_than_they_need() -> None:
    content = parse("github", DEV, PROD)
    assert content["permissions"] == {"contents": "read"}
    token = {"contents": "read", "id-token": "write"}
    for name, job in content["jobs"].items():
        expected = {
            "check": {"contents": "read", "security-events": "write"},
            "preview": {**token, "pull-requests": "write"},
        }.get(name.split("-")[0], token)
        assert job["permissions"] == expected, name
        assert job["steps"][0]["with"] == {"persist-credentials": False}


def test_only_pushes_change_anything_and_only_pull_requests_of_the_repository_get_a_token() -> None:
    for name, job in parse("github", DEV, PROD)["jobs"].items():
        condition = job.get("if", "")
        if name.startswith("preview"):
            assert "github.event_name == 'pull_request'" in condition
            assert "head.repo.full_name == github.repository" in condition
        elif name != "check":
            assert condition.startswith("github.event_name == 'push' && ")


def test_each_job_assumes_its_own_role() -> None:
    for name, job in parse("github", DEV, PROD)["jobs"].items():
        steps = [step for step in job["steps"] if "credentials" in step.get("uses", "")]
        kind, _, env = name.partition("-")
        if kind == "check":
            assert steps == []
            continue
        role = {"preview": "PULL_REQUEST", "push": "PUSH", "deploy": "DEPLOY"}[kind]
        variable = f"vars.{env.upper().replace('-', '_')}_{role}_ROLE_ARN"
        assert steps[0]["with"]["role-to-assume"] == f"${{{{ {variable} }}}}"
        assert f"{variable} != ''" in job["if"]


def test_a_deployment_is_not_cancelled_and_waits_for_approval() -> None:
    jobs = parse("github", DEV, PROD)["jobs"]
    job = jobs["deploy-prod-eu"]
    assert job["environment"] == "production: eu"
    assert job["concurrency"] == {"group": "deploy-prod-eu", "cancel-in-progress": False}
    (credentials,) = [step["with"] for step in job["steps"] if "aws-" in step.get("uses", "")]
    assert credentials["aws-region"] == "eu-west-1"
    assert credentials["audience"] == "shop"
    assert credentials["role-duration-seconds"] == 7200
    assert "role-duration-seconds" not in str(jobs["deploy-dev"])


def test_all_actions_are_official_and_have_a_version() -> None:
    jobs = parse("github", DEV, PROD)["jobs"]
    used = {step["uses"] for job in jobs.values() for step in job["steps"] if "uses" in step}
    assert {name.split("@")[0] for name in used} == ACTIONS
    assert all(re.fullmatch(r"[a-z/-]+@v[0-9]+", name) for name in used)


def test_every_job_has_a_time_limit() -> None:
    assert all(job["timeout-minutes"] for job in parse("github", DEV, PROD)["jobs"].values())


def test_the_triggers_are_what_the_roles_trust() -> None:
    content = parse("github", DEV, PROD)
    triggers = content["on"]
    assert triggers["push"] == {"branches": ["main", "release/*"], "tags": ["v*"]}
    assert parse("github", DEV)["on"]["push"] == {"branches": ["main"]}
    rules = [rule["if"] for rule in parse("gitlab", DEV, PROD)["workflow"]["rules"]]
    assert rules == [
        '$CI_PIPELINE_SOURCE == "merge_request_event"',
        '$CI_COMMIT_BRANCH == "main"',
        r"$CI_COMMIT_BRANCH =~ /^release\/.*$/",
        "$CI_COMMIT_TAG =~ /^v.*$/",
    ]


def test_without_builds_there_are_no_images() -> None:
    jobs = parse("github", ONLY)["jobs"]
    assert jobs.keys() == {"check", "preview-live", "deploy-live"}
    assert "IMAGES" not in str(jobs)
    content = parse("gitlab", ONLY)
    assert jobs_of_gitlab(content).keys() == {"check", "preview-live", "deploy-live"}


def test_a_preview_keeps_the_images_that_run() -> None:
    for ci in ("github", "gitlab"):
        assert "moorage diff dev --no-role --deployed-images > " in build_workflow(ci, (DEV,), "x")
        assert "moorage diff live --no-role > " in build_workflow(ci, (ONLY,), "x")


def test_images_for_arm_are_built_on_arm() -> None:
    arm = replace(DEV, builds_for_arm=True)
    assert parse("github", arm)["jobs"]["push-dev"]["runs-on"] == "ubuntu-24.04-arm"
    assert parse("github", DEV)["jobs"]["push-dev"]["runs-on"] == "ubuntu-latest"
    assert parse("gitlab", arm)["push-dev"]["tags"] == ["saas-linux-small-arm64"]
    assert "tags" not in parse("gitlab", DEV)["push-dev"]


def test_jobs_of_gitlab() -> None:
    content = parse("gitlab", DEV, PROD)
    jobs = jobs_of_gitlab(content)
    assert content["stages"] == ["check", "preview", "dev", "prod-eu"]
    assert all(job["stage"] in content["stages"] for job in jobs.values())
    for job in jobs.values():
        needed = [need["job"] if isinstance(need, dict) else need for need in job.get("needs", [])]
        assert set(needed) <= jobs.keys()
    for name, manual in (("deploy-dev", None), ("deploy-prod-eu", "manual")):
        assert jobs[name]["rules"][0].get("when") == manual
        assert jobs[name]["resource_group"] == jobs[name]["environment"]
        assert jobs[name]["interruptible"] is False
    assert jobs["preview-dev"]["id_tokens"] == {"AWS_ID_TOKEN": {"aud": "sts.amazonaws.com"}}
    assert jobs["push-prod-eu"]["id_tokens"] == {"AWS_ID_TOKEN": {"aud": "shop"}}


def test_a_job_of_gitlab_waits_for_the_check_even_if_the_job_before_it_is_left_out() -> None:
    jobs = jobs_of_gitlab(parse("gitlab", DEV, PROD))
    for name, before in (
        ("push-dev", []),
        ("deploy-dev", ["push-dev"]),
        ("push-prod-eu", ["deploy-dev"]),
        ("deploy-prod-eu", ["push-prod-eu"]),
    ):
        optional = [{"job": job, "optional": True} for job in before]
        assert jobs[name]["needs"] == [{"job": "check"}, *optional]
    # Without the images of this commit, nothing is deployed.
    assert "$DEV_PUSH_ROLE_ARN" in jobs["deploy-dev"]["rules"][0]["if"]


def test_jobs_run_for_the_branches_of_their_environment_only() -> None:
    jobs = parse("github", DEV, PROD)["jobs"]
    main = "github.ref == 'refs/heads/main'"
    others = (
        "startsWith(github.ref, 'refs/heads/release/') || startsWith(github.ref, 'refs/tags/v')"
    )
    for name in ("push-dev", "deploy-dev"):
        assert jobs[name]["if"].endswith(f" && ({main})")
    # The jobs of dev, which are skipped for a tag, do not prevent those of prod; a failure does.
    after = f" && ({main} || {others}) && !failure() && !cancelled()"
    assert jobs["push-prod-eu"]["if"].endswith(after)
    pushed = " && needs.push-prod-eu.result == 'success'"
    assert jobs["deploy-prod-eu"]["if"].endswith(after + pushed)
    rule = jobs_of_gitlab(parse("gitlab", DEV, PROD))["push-prod-eu"]["rules"][0]["if"]
    assert rule.endswith(
        ' && ($CI_COMMIT_BRANCH == "main" || $CI_COMMIT_BRANCH =~ /^release\\/.*$/ || '
        "$CI_COMMIT_TAG =~ /^v.*$/)"
    )
    for job in parse("github", DEV, ONLY)["jobs"].values():
        assert "github.ref" not in job.get("if", "")


def test_names_with_a_meaning_in_yaml_are_texts() -> None:
    norway = replace(DEV, name="no", environment='a "b"', audience="*")
    job = parse("github", norway)["jobs"]["deploy-no"]
    assert job["environment"] == 'a "b"'
    assert job["steps"][3]["with"]["audience"] == "*"
    text = build_workflow("gitlab", (replace(DEV, name="no"),), "true")
    for line in ('  - "no"', '  stage: "no"', '  environment: "no"', '  resource_group: "no"'):
        assert f"\n{line}\n" in text


@pytest.mark.parametrize("ci", ["github", "gitlab"])
def test_a_command_that_looks_like_a_part_of_the_file_is_kept(ci: Ci) -> None:
    command = "pip install git+https://me@env@v1"
    assert command in build_workflow(ci, (DEV,), command)


def test_the_environment_of_a_pull_request_is_deleted_when_that_is_closed() -> None:
    content = parse("github", DEV, previews=PREVIEWS)
    assert content["on"]["pull_request"]["types"][-1] == "closed"
    jobs = content["jobs"]
    assert jobs["check"]["if"] == "github.event.action != 'closed'"
    deploying, deleting = jobs["deploy-preview"], jobs["delete-preview"]
    assert deploying["concurrency"] == deleting["concurrency"]
    assert deploying["concurrency"]["cancel-in-progress"] is False
    assert deploying["needs"] == "check"
    assert "needs" not in deleting, "it does not depend on the check of what is closed"
    for job, action in ((deploying, "!="), (deleting, "==")):
        assert f"github.event.action {action} 'closed'" in job["if"]
        assert "head.repo.full_name == github.repository" in job["if"]
        assert "vars.PREVIEW_DEPLOY_ROLE_ARN != ''" in job["if"]
        assert "${{" not in job["steps"][-1]["run"]
    base = "${{ github.event.pull_request.base.ref }}"
    assert deleting["steps"][0]["with"] == {"persist-credentials": False, "ref": base}
    assert "--previews" in build_workflow("github", (DEV,), "true", PREVIEWS).splitlines()[0]


def test_gitlab_stops_the_environment_of_a_merge_request() -> None:
    jobs = jobs_of_gitlab(parse("gitlab", DEV, previews=PREVIEWS))
    deploying, deleting = jobs["deploy-preview"], jobs["delete-preview"]
    assert deploying["environment"]["on_stop"] == "delete-preview"
    assert deleting["environment"]["action"] == "stop"
    assert deploying["environment"]["name"] == deleting["environment"]["name"]
    assert deploying["resource_group"] == deleting["resource_group"]
    assert deleting["rules"][0]["when"] == "manual"
    assert deploying["services"] == ["docker:28-dind"]
    assert "services" not in jobs_of_gitlab(parse("gitlab", DEV, previews=PLAIN))["deploy-preview"]


@pytest.mark.parametrize("ci", ["github", "gitlab"])
def test_a_preview_without_builds_runs_the_images_of_the_params(ci: Ci) -> None:
    assert "image push" in str(parse(ci, ONLY, previews=PREVIEWS))
    assert "image push" not in str(parse(ci, ONLY, previews=PLAIN))


def test_the_same_environments_give_the_same_file() -> None:
    first, second = (build_workflow("github", (DEV, PROD), "true") for _ in range(2))
    assert first == second
