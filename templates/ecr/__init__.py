"""A stack with ECR repositories, to which images are pushed before services use them.

ecr:
  repositories:
    shop/web: {keep_images: 5}
    shop/worker: {expire_untagged_after: 14d, pull_accounts: ["210987654321"]}

A service with `image: ecr:shop/web:1.4.2` is deployed after this stack. They are separate stacks
because the service needs an image in the repository. In one stack, the service would wait for the
image until the deployment fails, and the rollback would delete the repository.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from operator import itemgetter
from typing import Any

from pydantic import Field
from troposphere import GetAtt, Template

from moorage.findings.finding import Path, Problem
from moorage.model import Base, Environment, logical_id

from ..common.exports import export_output, import_value
from .repositories import Repository, RepositoryName, repository, repository_problems


class Params(Base):
    """ECR repositories. Services refer to them with `image: ecr:<repository>:<tag>`."""

    repositories: dict[RepositoryName, Repository] = Field(
        min_length=1,
        max_length=100,
        description="The repositories by name. A repository of another environment in the same "
        "account and region needs no entry: images can refer to it by name.",
    )


def _repositories(params: Params) -> Iterator[tuple[str, str, Repository]]:
    """Key, name and params of each repository."""
    for key, repository_params in params.repositories.items():
        yield key, repository_params.name or key, repository_params


def handle(name: str, params: Params, env: Environment) -> dict[str, Any]:
    """The URIs of the stack's repositories by name, as imports for other stacks."""
    return {
        repository_name: import_value(env, name, f"{repository_id(key)}Uri")
        for key, repository_name, _ in _repositories(params)
    }


def repository_uris(env: Environment) -> Mapping[str, Any]:
    """The URIs of all repositories of the environment's `ecr` stacks, by name."""
    return {
        name: uri
        for stack, params in env.of(Params)
        for name, uri in handle(stack, params, env).items()
    }


def repository_id(key: str) -> str:
    """The logical ID of the repository with that key."""
    return logical_id(key, "Repository")


def problems(name: str, params: Params, env: Environment) -> Iterator[Problem]:
    """Problems of the repositories, and conflicts with other stacks."""
    keys_by_id: dict[str, str] = {}
    own_names: set[str] = set()
    creators = env.resolve_all(_find_creators)
    for key, repository_name, repository_params in _repositories(params):
        path: Path = ("repositories", key)
        yield from repository_problems(repository_params, path, env)
        logical = repository_id(key)
        if logical in keys_by_id:
            message = f"`{keys_by_id[logical]}` and `{key}` result in the same logical ID {logical}"
            hint = f"Write another key, and `name: {repository_name}` below it."
            yield Problem("M1302", path, message, hint)
        keys_by_id.setdefault(logical, key)
        stacks = creators[repository_name]
        earlier = stacks[: bisect_left(stacks, name)]
        if earlier or repository_name in own_names:
            stack = earlier[-1] if earlier else name
            message = f"`stacks.{stack}` also creates a repository `{repository_name}`"
            yield Problem("M2214", path, message, "Remove one of the two.")
        own_names.add(repository_name)


def _find_creators(env: Environment) -> dict[str, list[str]]:
    """The stacks that create each repository, sorted."""
    creators: dict[str, list[str]] = {}
    for stack, params in sorted(env.of(Params), key=itemgetter(0)):
        for _, repository_name, _ in _repositories(params):
            creators.setdefault(repository_name, []).append(stack)
    return creators


def compose(name: str, params: Params, env: Environment) -> Template:
    """The repositories, and exports of their URIs and ARNs."""
    template = Template(f"{env.app} {env.name}: the ECR repositories `{name}`")
    template.set_version()
    for key, repository_name, repository_params in _repositories(params):
        title = repository_id(key)
        uri, arn = GetAtt(title, "RepositoryUri"), GetAtt(title, "Arn")
        template.add_resource(repository(title, repository_name, repository_params))
        template.add_output(
            [
                export_output(env, name, f"{title}Uri", uri, f"URI of {repository_name}"),
                export_output(env, name, f"{title}Arn", arn, f"ARN of {repository_name}"),
            ]
        )
    return template
