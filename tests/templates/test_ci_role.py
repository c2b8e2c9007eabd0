"""Which jobs the roles of a `ci_role` stack trust, and what these may do.

Problems are in tests/errors/ci-roles, whole templates in tests/golden/ci.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import pytest
from stack_bodies import build_bodies

from moorage.facts.ci_tokens import GITHUB_URL, GITLAB_URL

GITHUB = GITHUB_URL.removeprefix("https://")
GITLAB = GITLAB_URL.removeprefix("https://")
MAIN = {"sub": "repo:octo/shop:ref:refs/heads/main", "ref": "refs/heads/main"}
DEPLOYING = {"sub": "repo:octo/shop:environment:dev", "ref": "refs/heads/main"}
PULL_REQUEST = {"sub": "repo:octo/shop:pull_request", "ref": "refs/pull/1/merge"}
DEPLOYER = "arn:aws:iam::123456789012:role/deploy"
ROLES = ("PushRole", "DeployRole", "PullRequestRole")


def build(**params: Any) -> dict[str, Any]:
    """The properties of the resources of a `ci_role` stack, by logical ID."""
    stack = {
        "template": "ci_role",
        "repositories": ["shop/web"],
        "deploy_roles": [DEPLOYER],
        **params,
    }
    resources = build_bodies(ci=stack)["ci"]["Resources"]
    return {name: resource["Properties"] for name, resource in resources.items()}


def build_github(**github: Any) -> dict[str, Any]:
    return build(github={"repository": "octo/shop", **github})


def trusts(role: dict[str, Any], issuer: str, **claims: str) -> bool:
    """Whether IAM lets a job with these claims assume the role."""
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    claims = {"aud": "sts.amazonaws.com", **claims}
    for operator, wanted in statement["Condition"].items():
        for key, values in wanted.items():
            name, claim = key.rsplit(":", 1)
            value = claims.get(claim)
            patterns = values if isinstance(values, list) else [values]
            fits = fnmatchcase if operator == "StringLike" else str.__eq__
            if name != issuer or value is None or not any(fits(value, p) for p in patterns):
                return False
    return True


def trusted(resources: dict[str, Any], issuer: str, **claims: str) -> list[str]:
    return [name for name in ROLES if trusts(resources[name], issuer, **claims)]


def actions(role: dict[str, Any]) -> Iterator[str]:
    for policy in role["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            yield from statement["Action"]


def test_each_job_of_github_can_assume_its_role_only() -> None:
    resources = build_github()
    assert trusted(resources, GITHUB, **MAIN) == ["PushRole"]
    assert trusted(resources, GITHUB, **DEPLOYING) == ["DeployRole"]
    assert trusted(resources, GITHUB, **PULL_REQUEST) == ["PullRequestRole"]


def test_pull_requests_deploy_their_environments_with_other_roles_only() -> None:
    assert "PreviewRole" not in build_github()
    role = "arn:aws:iam::123456789012:role/previews"
    previews = build(github={"repository": "octo/shop"}, preview_roles=[role])["PreviewRole"]
    assert trusts(previews, GITHUB, **PULL_REQUEST)
    assert not trusts(previews, GITHUB, **MAIN)
    assert not trusts(previews, GITHUB, **{**PULL_REQUEST, "sub": "repo:fork/shop:pull_request"})
    (policy,) = previews["Policies"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Action"] == ["sts:AssumeRole"]
    assert statement["Resource"] == [role]


@pytest.mark.parametrize(
    "claims",
    [
        {**MAIN, "sub": "repo:octo/shop2:ref:refs/heads/main"},
        {**MAIN, "sub": "repo:octo/shop:ref:refs/heads/other"},
        {**MAIN, "sub": "repo:octo@1/shop@2:ref:refs/heads/main"},
        {**MAIN, "sub": "repo:octo/shop:ref:refs/heads/release/1"},
        {**MAIN, "sub": "repo:octo/shop:ref:refs/tags/main"},
        {**MAIN, "aud": "https://github.com/octo"},
        {**DEPLOYING, "ref": "refs/heads/feature"},
        {**DEPLOYING, "sub": "repo:octo/shop:environment:prod"},
        {**DEPLOYING, "sub": "repo:octo/shop2:environment:dev"},
        {**PULL_REQUEST, "sub": "repo:fork/shop:pull_request"},
    ],
    ids=str,
)
def test_other_jobs_of_github_can_assume_no_role(claims: dict[str, str]) -> None:
    assert trusted(build_github(), GITHUB, **claims) == []


def test_tokens_of_another_issuer_can_assume_no_role() -> None:
    assert trusted(build_github(), GITLAB, **MAIN) == []


def test_a_pattern_of_branches_trusts_no_other_repository() -> None:
    resources = build_github(branches=["main", "release/*"], tags=["v*"])
    for ref in ("refs/heads/main", "refs/heads/release/1/2", "refs/tags/v1.2.3"):
        assert trusted(resources, GITHUB, sub=f"repo:octo/shop:ref:{ref}") == ["PushRole"]
    assert not trusted(resources, GITHUB, sub="repo:octo/shop:ref:refs/heads/feature/release/1")
    assert not trusted(resources, GITHUB, sub="repo:evil/shop:ref:refs/heads/release/1")


def test_both_forms_of_subjects_can_be_trusted_at_once() -> None:
    resources = build(github={"repository": ["octo/shop", "octo@1/shop@2"]})
    assert trusted(resources, GITHUB, **MAIN) == ["PushRole"]
    immutable = "repo:octo@1/shop@2:ref:refs/heads/main"
    assert trusted(resources, GITHUB, sub=immutable) == ["PushRole"]
    assert not trusted(resources, GITHUB, sub="repo:octo@9/shop@2:ref:refs/heads/main")


def test_an_environment_with_a_colon_is_escaped_as_in_tokens() -> None:
    resources = build_github(environment="prod:eu")
    claims = {"sub": "repo:octo/shop:environment:prod%3Aeu", "ref": "refs/heads/main"}
    assert trusted(resources, GITHUB, **claims) == ["DeployRole"]


def test_the_ref_of_an_environments_job_is_not_a_condition_key_everywhere() -> None:
    """STS reads it from tokens of github.com, in commercial regions."""
    url = "https://github.example.com/_services/token"
    resources = build_github(url=url)
    issuer = url.removeprefix("https://")
    assert trusted(resources, issuer, sub=DEPLOYING["sub"]) == ["DeployRole"]


def test_jobs_of_gitlab() -> None:
    resources = build(gitlab={"project": "group/sub/shop", "tags": ["v*"]})
    subject = "project_path:group/sub/shop:ref_type:branch:ref:{}"
    assert trusted(resources, GITLAB, sub=subject.format("main")) == [*ROLES]
    assert trusted(resources, GITLAB, sub=subject.format("feature")) == ["PullRequestRole"]
    tag = "project_path:group/sub/shop:ref_type:tag:ref:v1"
    assert trusted(resources, GITLAB, sub=tag) == ["PushRole", "DeployRole"]
    fork = "project_path:fork/shop:ref_type:branch:ref:main"
    assert trusted(resources, GITLAB, sub=fork) == []


def test_pull_requests_can_change_nothing() -> None:
    allowed = set(actions(build_github()["PullRequestRole"]))
    assert allowed == {
        *(f"cloudformation:{verb}ChangeSet" for verb in ("Create", "Delete", "Describe")),
        *("cloudformation:DescribeStacks", "cloudformation:ListStacks"),
        *("cloudformation:DescribeEvents", "cloudformation:GetTemplate"),
        *("cloudformation:TagResource", "cloudformation:UntagResource"),
        *("ecr:DescribeImages", "ssm:DescribeParameters"),
    }


def test_a_job_that_pushes_images_cannot_deploy() -> None:
    assert {action.split(":")[0] for action in actions(build_github()["PushRole"])} == {"ecr"}


def test_an_environment_of_github_with_another_name() -> None:
    resources = build_github(environment="production")
    assert trusted(resources, GITHUB, **DEPLOYING) == []
    claims = {**DEPLOYING, "sub": "repo:octo/shop:environment:production"}
    assert trusted(resources, GITHUB, **claims) == ["DeployRole"]


def test_roles_that_could_do_nothing_are_left_out() -> None:
    github = {"repository": "octo/shop"}
    resources = build(github=github, repositories=[], pull_requests=False)
    assert resources.keys() == {"Provider", "DeployRole"}
    (statement,) = resources["DeployRole"]["Policies"][0]["PolicyDocument"]["Statement"]
    assert (statement["Action"], statement["Resource"]) == (["sts:AssumeRole"], [DEPLOYER])
    resources = build(github=github, deploy_roles=[], provider="existing")
    assert resources.keys() == {"PushRole", "PullRequestRole"}


def test_the_role_of_a_deployment_role_stack_is_assumed_once() -> None:
    stacks = {
        "deployment": {"template": "deployment_role"},
        "ci": {"template": "ci_role", "github": {"repository": "octo/shop"}},
    }
    bodies = build_bodies(**stacks)
    resources = bodies["ci"]["Resources"]
    (statement,) = resources["DeployRole"]["Properties"]["Policies"][0]["PolicyDocument"][
        "Statement"
    ]
    role = "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/shop-dev-"
    assert statement["Resource"] == [{"Fn::Sub": f"{role}deploy"}]
    preview = resources["PullRequestRole"]["Properties"]["Policies"][0]["PolicyDocument"]
    (passed,) = [item for item in preview["Statement"] if item["Action"] == ["iam:PassRole"]]
    assert passed["Resource"] == [{"Fn::Sub": f"{role}cloudformation"}]
    written = {**stacks["ci"], "deploy_roles": ["arn:aws:iam::123456789012:role/shop-dev-deploy"]}
    resources = build_bodies(**{**stacks, "ci": written})["ci"]["Resources"]
    (statement,) = resources["DeployRole"]["Properties"]["Policies"][0]["PolicyDocument"][
        "Statement"
    ]
    assert statement["Resource"] == written["deploy_roles"]
