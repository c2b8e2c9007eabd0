"""A stack that holds ECR repositories, to which one pushes before a service of theirs is deployed.

ecr:
  repositories:
    shop/web: {keep_images: 5}
    shop/worker: {expire_untagged_after: 14d, pull_accounts: ["210987654321"]}

A service with `image: ecr:shop/web:1.4.2` is deployed after this stack. The two are never one
stack: a service that waits for its first image would hold up, and then take back, the very
repository that the image must be pushed to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Field
from troposphere import GetAtt, Template

from moorage.findings.finding import Path, Problem
from moorage.model import Base, Environment, logical_id

from ..common.exports import export_output, import_value
from .repositories import Repository, RepositoryName, repository, repository_problems


class Params(Base):
    """ECR repositories. Images name them: `ecr:<repository>:<tag>`."""

    repositories: dict[RepositoryName, Repository] = Field(
        min_length=1,
        max_length=100,
        description="The repositories by name. A repository that another environment of the "
        "account has needs no entry: images find it by name.",
    )


def named(params: Params) -> Iterator[tuple[str, str, Repository]]:
    """Key, name and params of each repository."""
    for key, one in params.repositories.items():
        yield key, one.name or key, one


def handle(name: str, params: Params, env: Environment) -> dict[str, Any]:
    """The URIs of the stack's repositories by name, for other stacks."""
    return {its: import_value(env, name, f"{_title(key)}Uri") for key, its, _ in named(params)}


def repository_uris(env: Environment) -> Mapping[str, Any]:
    """The URIs of all repositories that the environment itself has, by name."""
    return {
        name: uri
        for stack, params in env.of(Params)
        for name, uri in handle(stack, params, env).items()
    }


def _title(key: str) -> str:
    return logical_id(key, "Repository")


def problems(name: str, params: Params, env: Environment) -> Iterator[Problem]:
    """What only the whole can tell."""
    titles: dict[str, str] = {}
    elsewhere = {
        its: f"`stacks.{other}`"
        for other, its_params in env.of(Params)
        if other < name
        for _, its, _ in named(its_params)
    }
    for key, its, one in named(params):
        path: Path = ("repositories", key)
        yield from repository_problems(one, path, env)
        title = _title(key)
        if title in titles:
            message = f"`{titles[title]}` and `{key}` lead to the same logical ID {title}"
            hint = "Give one of them another key, and its name in `name:`."
            yield Problem("M1302", path, message, hint)
        titles.setdefault(title, key)
        if its in elsewhere:
            message = f"{elsewhere[its]} has a repository `{its}` already"
            yield Problem("M1108", path, message, "Keep one of them.")
        elsewhere.setdefault(its, f"`stacks.{name}`")


def compose(name: str, params: Params, env: Environment) -> Template:
    """The repositories, and their URIs and ARNs for others."""
    template = Template(f"{env.app} {env.name}: the ECR repositories `{name}`")
    template.set_version()
    for key, its, one in named(params):
        title = _title(key)
        template.add_resource(repository(title, its, one))
        template.add_output(
            [
                export_output(
                    env, name, f"{title}Uri", GetAtt(title, "RepositoryUri"), f"URI of {its}"
                ),
                export_output(env, name, f"{title}Arn", GetAtt(title, "Arn"), f"ARN of {its}"),
            ]
        )
    return template
