"""Which jobs assume which role: the conditions of the trust policies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from awacs.aws import Allow, Condition, Principal, Statement, StringEquals, StringLike
from awacs.sts import AssumeRoleWithWebIdentity
from troposphere import Ref, Sub

from moorage.facts.ci_tokens import (
    CLAIM_KEY_PARTITION,
    GITHUB_PULL_REQUEST,
    GITHUB_URL,
    github_environment,
    github_ref,
    github_subjects,
    gitlab_subject,
)
from moorage.facts.regions import partition
from moorage.model import Environment
from moorage.records import record

from .params import GitHub, GitLab, Params


@record
class Trust:
    """The jobs that assume a role: their subjects, and their refs if the subject has none."""

    subjects: tuple[str, ...]
    refs: tuple[str, ...] = ()


@record
class Jobs:
    """The jobs of the repository by what they do."""

    push: Trust
    deploy: Trust
    pull_request: Trust


def issuer(params: Params) -> str:
    """The URL of the identity provider."""
    source = params.github or params.gitlab
    assert source is not None  # reported by problems
    return source.url


def find_jobs(params: Params, env: Environment) -> Jobs:
    """Which jobs push images, deploy, and check pull requests."""
    if params.github is not None:
        return _github_jobs(params.github, env)
    assert params.gitlab is not None  # reported by problems
    return _gitlab_jobs(params.gitlab)


def _refs(source: GitHub | GitLab) -> Iterator[tuple[str, str]]:
    yield from (("branch", name) for name in source.branches)
    yield from (("tag", name) for name in source.tags)


def _github_jobs(github: GitHub, env: Environment) -> Jobs:
    refs = [github_ref(kind, name) for kind, name in _refs(github)]
    pushing = [s for ref in refs for s in github_subjects(github.repository, f"ref:{ref}")]
    environment = github_environment(github.environment or env.name)
    reads_ref = github.url == GITHUB_URL and partition(env.region) == CLAIM_KEY_PARTITION
    return Jobs(
        Trust(tuple(pushing)),
        Trust(
            tuple(github_subjects(github.repository, environment)), tuple(refs) if reads_ref else ()
        ),
        Trust(tuple(github_subjects(github.repository, GITHUB_PULL_REQUEST))),
    )


def _gitlab_jobs(gitlab: GitLab) -> Jobs:
    """The subject of a job of GitLab has no environment, so the refs are all that differs."""
    named = Trust(
        tuple(
            gitlab_subject(project, kind, name)
            for project in gitlab.project
            for kind, name in _refs(gitlab)
        )
    )
    anything = tuple(gitlab_subject(project, "branch", "*") for project in gitlab.project)
    return Jobs(named, named, Trust(anything))


def trust_statement(params: Params, trust: Trust) -> Statement:
    """The statement of a trust policy: tokens of the issuer for the audience, of these jobs."""
    url = issuer(params)
    key = url.removeprefix("https://")
    provider = (
        Ref("Provider")
        if params.provider == "create"
        else Sub(f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:oidc-provider/{key}")
    )
    exact: dict[str, Any] = {f"{key}:aud": params.audience}
    patterns: dict[str, Any] = {}
    for claim, values in (("sub", trust.subjects), ("ref", trust.refs)):
        if values:
            (patterns if _has_wildcard(values) else exact)[f"{key}:{claim}"] = [*values]
    conditions = [StringEquals(exact), *([StringLike(patterns)] if patterns else [])]
    return Statement(
        Effect=Allow,
        Principal=Principal("Federated", provider),
        Action=[AssumeRoleWithWebIdentity],
        Condition=Condition(conditions),
    )


def _has_wildcard(values: Sequence[str]) -> bool:
    return any(wildcard in value for value in values for wildcard in "*?")
