"""The params of a `ci_role` stack."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from moorage.facts.ci_tokens import (
    AUDIENCE,
    GITHUB_REPOSITORY,
    GITHUB_URL,
    GITLAB_PROJECT,
    GITLAB_URL,
    MAX_AUDIENCE,
    MAX_SESSION,
    MIN_SESSION,
    PROVIDER_URL,
    REF_NAME,
)
from moorage.findings.wording import capitalize, shown
from moorage.model import Base, wrong

from ..common.fields import (
    OneOrMany,
    PolicyArn,
    RoleArn,
    UniqueList,
    duration,
    reject_duplicates,
    text,
)
from ..common.policy_statements import UserStatement
from ..ecr.repositories import RepositoryName


def _check_repository(value: str, pattern: str, what: str, example: str) -> str:
    if "*" in value or "?" in value:
        message = f"{capitalize(shown(value))} would let other repositories assume the roles"
        raise wrong("M3801", message, f"Write the whole name, such as `{example}`.")
    if not re.fullmatch(pattern, value):
        name = re.sub(r"^(https?://|git@)[^/:]+[/:]|\.git$|/$", "", value)
        meant = name if name != value and re.fullmatch(pattern, name) else ""
        hint = f"Write `{meant}`." if meant else f"Write for example `{example}`."
        raise wrong("M3802", f"{capitalize(shown(value))} is not {what}", hint)
    return value


def _check_github_repository(value: str) -> str:
    what = "a repository of GitHub, with the IDs of both owner and repository or without"
    return _check_repository(value, GITHUB_REPOSITORY, what, "octo-org/shop")


def _check_project(value: str) -> str:
    return _check_repository(value, GITLAB_PROJECT, "the path of a project of GitLab", "group/shop")


def _check_ref(value: str) -> str:
    if value.startswith("refs/"):
        name = re.sub(r"^refs/(heads/|tags/)?", "", value)
        raise wrong(
            "M3803", f"{capitalize(shown(value))} is not a name but a ref", f"Write `{name}`."
        )
    if re.fullmatch(r"[*?]+", value):
        message = f"{capitalize(shown(value))} lets every branch or tag deploy"
        raise wrong("M3804", message, "Name them, or write a beginning, such as `release/*`.")
    return value


_Ref = Annotated[
    str,
    text(rf"({REF_NAME}|[*?])+", "the name of a branch or a tag, or a pattern with `*`", "main"),
    AfterValidator(_check_ref),
]


class _Refs(Base):
    """The branches and tags whose jobs push images and deploy."""

    branches: UniqueList[_Ref] = Field(
        ["main"],
        description="Branches whose jobs may push images and deploy. Protect them from pushes "
        "without a review.",
    )
    tags: UniqueList[_Ref] = Field(
        [], examples=[["v*"]], description="Tags whose jobs may push images and deploy."
    )


class GitHub(_Refs):
    """A repository of GitHub whose workflows assume the roles."""

    repository: Annotated[
        OneOrMany[Annotated[str, AfterValidator(_check_github_repository)]],
        AfterValidator(reject_duplicates),
    ] = Field(
        min_length=1,
        examples=["octo-org/shop"],
        description="The repository, as the subject of its tokens has it: "
        "`octo-org@123456/shop@456789` if it was created, renamed or transferred after July 15, "
        "2026, or changed to such subjects, and `octo-org/shop` if not. A list for several, or for "
        "both forms.",
    )
    environment: (
        Annotated[str, text(r"[^*?\n]{1,255}", "the name of a GitHub environment", "production")]
        | None
    ) = Field(
        None,
        description="The GitHub environment whose jobs deploy. Default: the name of this "
        "environment. Add protection rules to it, such as reviewers.",
    )
    url: Annotated[str, text(PROVIDER_URL, "the URL of a token issuer", GITHUB_URL)] = Field(
        GITHUB_URL,
        description="The issuer of the tokens; `https://HOSTNAME/_services/token` for GitHub "
        "Enterprise Server.",
    )


class GitLab(_Refs):
    """A project of GitLab whose pipelines assume the roles."""

    project: Annotated[
        OneOrMany[Annotated[str, AfterValidator(_check_project)]], AfterValidator(reject_duplicates)
    ] = Field(
        min_length=1,
        examples=["group/shop"],
        description="The path of the project, or of several. Its setting "
        "`ci_id_token_sub_claim_components` must have its default.",
    )
    url: Annotated[str, text(PROVIDER_URL, "the URL of a GitLab server", GITLAB_URL)] = Field(
        GITLAB_URL, description="The URL of the server. AWS must reach it through the internet."
    )


class Params(Base):
    """Roles that jobs of GitHub Actions or GitLab CI assume with the CI's own tokens."""

    github: GitHub | None = Field(None, description="The repository of GitHub.")
    gitlab: GitLab | None = Field(None, description="The project of GitLab.")
    provider: Literal["create", "existing"] = Field(
        "create",
        description="Create the OIDC identity provider, or use the one that the account has for "
        "this URL. There is one for all environments and projects of an account.",
    )
    audience: Annotated[
        str, text(rf"[!-~]{{1,{MAX_AUDIENCE}}}", "an audience of tokens", AUDIENCE)
    ] = Field(
        AUDIENCE,
        description="The audience of the tokens. An existing provider must have it.",
    )
    repositories: UniqueList[RepositoryName] = Field(
        [],
        description="ECR repositories of this account and region that jobs push to, besides those "
        "of the environment's `ecr` stacks.",
    )
    deploy_roles: UniqueList[RoleArn] = Field(
        [],
        description="Roles that the deployment job assumes, besides the `role` of the environment "
        "and that of its `deployment_role` stack. They must trust the `DeployRole` of this stack.",
    )
    statements: list[UserStatement] = Field(
        [], description="What else the deployment job may do, as statements of an IAM policy."
    )
    managed_policies: UniqueList[PolicyArn] = Field(
        [], description="ARNs of policies to attach to the role of the deployment job."
    )
    pull_requests: bool = Field(
        True,
        description="Create a role for pull requests or merge requests, which may create and read "
        "change sets and not execute them.",
    )
    preview_roles: UniqueList[RoleArn] = Field(
        [],
        description="Roles that jobs of pull requests or merge requests assume, to deploy an "
        "environment for each (`moorage ci --previews`). They must trust the `PreviewRole` of this "
        "stack, and must not be able to change other environments: these jobs run code "
        "that has not been reviewed.",
    )
    session_duration: Annotated[int, duration(MIN_SESSION, MAX_SESSION)] = Field(
        MIN_SESSION,
        description="The longest session of the role of the deployment job. A role that is assumed "
        "from another role has sessions of one hour at most.",
    )
    permissions_boundary: PolicyArn | None = Field(
        None, description="ARN of the permissions boundary of the roles."
    )

    @property
    def is_of_one_ci(self) -> bool:
        """Whether it has either `github` or `gitlab`."""
        return (self.github is None) != (self.gitlab is None)
