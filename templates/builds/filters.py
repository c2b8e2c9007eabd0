"""Which pushes and pull requests start a build or a pipeline.

Patterns are globs, as those of CodePipeline: `*` is any text without a slash, `**` any text, `?` a
character. CodeBuild has regular expressions, which are made of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, Field
from troposphere import codebuild, codepipeline

from moorage.facts.codepipeline import MAX_PATTERN, MAX_PATTERNS, MAX_PUSH_FILTERS
from moorage.findings.finding import Path, Problem
from moorage.model import Base

from ..common.fields import OneOrMany, reject_duplicates, text

EXCLUDED = "!"
"""Begins a pattern of what does not start anything."""

_Pattern = Annotated[
    str,
    text(
        rf"!?[A-Za-z0-9._/*?+@-]{{1,{MAX_PATTERN}}}",
        "a pattern of names, in which `*` is any text without a slash and `**` any text",
        "release/*",
    ),
]
Patterns = Annotated[OneOrMany[_Pattern], AfterValidator(reject_duplicates)]


class PushTrigger(Base):
    """A push that starts a build. All keys of an entry must match, and one pattern of each."""

    branches: Patterns = Field(
        [],
        examples=[["main", "release/*"]],
        description="Patterns of branches; those that begin with `!` are excluded. Default, unless "
        "the entry has `tags`: the branch of the source.",
    )
    paths: Patterns = Field(
        [],
        examples=[["app/**", "!app/docs/**"]],
        description="Patterns of the files that have changed; those that begin with `!` are "
        "excluded.",
    )
    tags: Patterns = Field(
        [],
        examples=[["v*"]],
        description="Patterns of Git tags, instead of `branches` and `paths`.",
    )


class Trigger(PushTrigger):
    """A push or a pull request that starts a build."""

    pull_requests: bool = Field(
        False,
        description="Build pull requests, instead of pushes, whose target `branches` has. Those of "
        "forks wait for a comment of somebody who can write to the repository.",
    )


def trigger_problems(trigger: PushTrigger, path: Path) -> Iterator[Problem]:
    """Tags along with branches or paths: no push has both."""
    others = [key for key in ("branches", "paths") if getattr(trigger, key)]
    others += ["pull_requests"] if isinstance(trigger, Trigger) and trigger.pull_requests else []
    if trigger.tags and others:
        message = f"The trigger has `tags` and `{others[0]}`, so no push starts it"
        hint = f"Write two entries: one with `tags`, and one with `{others[0]}`."
        yield Problem("M3702", path, message, hint, because=[(*path, "tags")])


def pipeline_trigger_problems(triggers: Sequence[PushTrigger], path: Path) -> Iterator[Problem]:
    """More filters or patterns than CodePipeline accepts."""
    if len(triggers) > MAX_PUSH_FILTERS:
        message = f"A pipeline has at most {MAX_PUSH_FILTERS} triggers, not {len(triggers)}"
        yield Problem("M3703", path, message, "Join entries: each can have several patterns.")
    for index, trigger in enumerate(triggers):
        for key in ("branches", "paths", "tags"):
            for patterns in split_patterns(getattr(trigger, key)):
                if len(patterns) > MAX_PATTERNS:
                    message = f"CodePipeline accepts {MAX_PATTERNS} patterns, not {len(patterns)}"
                    hint = "Write wider patterns, such as `release/**`."
                    yield Problem("M3703", (*path, index, key), message, hint)


def split_patterns(patterns: Sequence[str]) -> tuple[list[str], list[str]]:
    """The patterns of what is included, and of what is excluded, without the `!`."""
    included = [pattern for pattern in patterns if not pattern.startswith(EXCLUDED)]
    excluded = [pattern[1:] for pattern in patterns if pattern.startswith(EXCLUDED)]
    return included, excluded


# CodeBuild -----------------------------------------------------------------------------------

_PULL_REQUESTS = ("PULL_REQUEST_CREATED", "PULL_REQUEST_UPDATED")


def filter_group(trigger: Trigger, branch: str, provider: str) -> list[codebuild.WebhookFilter]:
    """The filters of a trigger, all of which an event must pass: AWS CodeBuild API reference,
    WebhookFilter. Only GitHub reports that a pull request is opened again."""
    reopened = ("PULL_REQUEST_REOPENED",) if provider == "GITHUB" else ()
    events = (*_PULL_REQUESTS, *reopened) if trigger.pull_requests else ("PUSH",)
    group = [codebuild.WebhookFilter(Type="EVENT", Pattern=", ".join(events))]
    if trigger.tags:
        group += _reference_filters("HEAD_REF", "refs/tags/", trigger.tags)
    else:
        kind = "BASE_REF" if trigger.pull_requests else "HEAD_REF"
        group += _reference_filters(kind, "refs/heads/", trigger.branches or [branch])
    return [*group, *_reference_filters("FILE_PATH", "", trigger.paths)]


def _reference_filters(
    kind: str, prefix: str, patterns: Sequence[str]
) -> Iterator[codebuild.WebhookFilter]:
    for names, excluded in zip(split_patterns(patterns), (False, True), strict=True):
        if names:
            expressions = "|".join(map(glob_expression, names))
            optional = {"ExcludeMatchedPattern": True} if excluded else {}
            yield codebuild.WebhookFilter(
                Type=kind, Pattern=f"^{prefix}({expressions})$", **optional
            )


def glob_expression(pattern: str) -> str:
    """A glob as a regular expression.

    >>> glob_expression("app/**"), glob_expression("v?.*")
    ('app/.*', 'v[^/]\\\\.[^/]*')
    """
    parts = re.split(r"(\*\*|\*|\?)", pattern)
    wildcards = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(wildcards.get(part) or re.escape(part).replace(r"\-", "-") for part in parts)


# CodePipeline --------------------------------------------------------------------------------


def push_filter(trigger: PushTrigger, branch: str) -> codepipeline.GitPushFilter:
    """The filter of a trigger for pushes. Without branches and tags, it is for the branch of the
    source."""
    if trigger.tags:
        return codepipeline.GitPushFilter(
            Tags=codepipeline.GitTagFilterCriteria(**_criteria(trigger.tags))
        )
    branches = codepipeline.GitBranchFilterCriteria(**_criteria(trigger.branches or [branch]))
    paths: dict[str, Any] = {}
    if trigger.paths:
        criteria = codepipeline.GitFilePathFilterCriteria(**_criteria(trigger.paths))
        paths = {"FilePaths": criteria}
    return codepipeline.GitPushFilter(Branches=branches, **paths)


def _criteria(patterns: Sequence[str]) -> dict[str, list[str]]:
    included, excluded = split_patterns(patterns)
    criteria = {"Includes": included, "Excludes": excluded}
    return {key: value for key, value in criteria.items() if value}
