"""A CodeBuild project that builds and pushes images, or runs a buildspec of your own.

codebuild:
  source:
    github: acme/shop
    connection: arn:aws:codeconnections:eu-central-1:123456789012:connection/1234abcd-12ab-34cd
  images:
    shop/web: {dockerfile: docker/web/Dockerfile}
  triggers:
    - {branches: [main]}

A push to the branch builds each image and pushes it to its ECR repository, with the commit as its
tag. Without `triggers`, builds are started by hand: `aws codebuild start-build`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from awacs.aws import Statement
from pydantic import Field
from troposphere import Template

from moorage.findings.finding import Path, Problem
from moorage.model import Environment

from .builds.buildspec import buildspec_text
from .builds.filters import Trigger, trigger_problems
from .builds.images import (
    REGISTRY,
    BuiltImage,
    image_problems,
    push_commands,
    push_statements,
    registry_host,
)
from .builds.params import BuildParams, build_problems
from .builds.project import Project, project_resources, shared_resources
from .builds.source import Source, clone_statements, project_source, source_problems
from .builds.triggers import project_triggers
from .common.exports import export_output
from .common.fields import ConfigFile, text
from .ecr.repositories import RepositoryName

_Path = Annotated[
    str,
    text(r"(?!/)(?!.*\.\.)[A-Za-z0-9._/@+-]{1,200}", "a path in the source", "ci/buildspec.yml"),
]


class Params(BuildParams):
    """A CodeBuild project."""

    source: Source | None = Field(
        None, description="The repository with the source code. Default: none."
    )
    images: dict[RepositoryName, BuiltImage] = Field(
        {},
        examples=[{"shop/web": {"dockerfile": "docker/web/Dockerfile"}}],
        description="The images to build and push, by the ECR repository, in the same account and "
        "region. With a buildspec of your own, the project may push to these repositories, and the "
        "buildspec does it.",
    )
    buildspec: _Path | None = Field(
        None, description="Path of a buildspec in the source, instead of the generated one."
    )
    buildspec_file: ConfigFile | None = Field(
        None, description="A buildspec in the folder of the params, which the template contains."
    )
    docker: bool = Field(
        False,
        description="Whether a buildspec of your own runs docker, for which builds need the "
        "privileged mode.",
    )
    triggers: list[Trigger] = Field(
        [],
        examples=[[{"branches": ["main"]}, {"tags": ["v*"]}]],
        description="The pushes and pull requests that start a build. Default: none.",
    )
    concurrent_builds: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        None, description="Number of builds that may run at once. Others fail to start."
    )


# Problems ------------------------------------------------------------------------------------


def problems(name: str, params: Params, env: Environment) -> Iterator[Problem]:
    """Problems of a project."""
    if params.source:
        yield from source_problems(params.source, ("source",))
    yield from build_problems(params, env)
    yield from image_problems(params.images, params.secrets, env)
    yield from _buildspec_problems(params)
    yield from _trigger_problems(params)


def _buildspec_problems(params: Params) -> Iterator[Problem]:
    own = [key for key in ("buildspec", "buildspec_file") if getattr(params, key)]
    if len(own) == 2:
        message = "The project has `buildspec` and also `buildspec_file`"
        yield Problem("M3709", ("buildspec",), message, "Remove one of the two.")
    elif not own and not params.images:
        message = "The project has nothing to do"
        hint = "Write `images:`, or `buildspec:` for one of your own."
        yield Problem("M3709", (), message, hint)
    if params.source is None and (params.buildspec or (params.images and not own)):
        path: Path = ("buildspec",) if params.buildspec else ("images",)
        message = f"`{path[0]}` needs the source code, and the project has none"
        yield Problem("M3710", path, message, "Add `source:`.", because=[("source",)])
    if params.docker and not own:
        message = "`docker` has no effect without a buildspec of your own"
        yield Problem("M3711", ("docker",), message, "Remove `docker`.")


def _trigger_problems(params: Params) -> Iterator[Problem]:
    """A push to CodeCommit sends no webhook, and a pull request must not push images: its author
    decides what is built."""
    codecommit = params.source and params.source.codecommit
    if params.triggers and (params.source is None or codecommit):
        message = "Only GitHub, GitLab and Bitbucket start builds of a project"
        hint = "Remove `triggers`; a stack of template `pipeline` can start with a push to "
        hint += "CodeCommit."
        yield Problem("M3712", ("triggers",), message, hint, because=[("source",)])
    for index, trigger in enumerate(params.triggers):
        path: Path = ("triggers", index)
        yield from trigger_problems(trigger, path)
        if trigger.pull_requests and params.images:
            message = "A pull request would run with the permission to push images"
            hint = "Remove `pull_requests`, and add a project without `images` for them."
            because = [("images",)]
            yield Problem("M3713", (*path, "pull_requests"), message, hint, because=because)


# Resources -----------------------------------------------------------------------------------


def compose(name: str, params: Params, env: Environment) -> Template:
    """The project, its role and its log group."""
    template = Template(f"{env.app} {env.name}: the builds `{name}`")
    template.set_version()
    template.add_resource(list(shared_resources(params, env)))
    project = _project(name, params, env)
    template.add_resource(list(project_resources(project, env)))
    description = "Name of the CodeBuild project"
    template.add_output(export_output(env, name, "ProjectName", project.name, description))
    return template


def _project(name: str, params: Params, env: Environment) -> Project:
    generated = not (params.buildspec or params.buildspec_file)
    return Project(
        title="Project",
        name=env.stack_name(name),
        description=f"The builds {name} of {env.app} {env.name}",
        params=params,
        source=project_source(params.source, _buildspec(params)),
        statements={
            "Source": list(clone_statements(params.source)) if params.source else [],
            "Images": _image_statements(params, env),
        },
        variables={REGISTRY: registry_host()} if params.images else {},
        docker=generated or params.docker,
        properties=_properties(params),
    )


def _image_statements(params: Params, env: Environment) -> Sequence[Statement]:
    return list(push_statements(params.images, env)) if params.images else []


def _buildspec(params: Params) -> str:
    if params.buildspec_file:
        return params.buildspec_file.text
    if params.buildspec:
        return params.buildspec
    return buildspec_text({"build": push_commands(params.images, params.cpu_architecture)})


def _properties(params: Params) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    if params.source:
        properties["SourceVersion"] = params.source.branch
        if params.triggers:
            properties["Triggers"] = project_triggers(params.triggers, params.source)
    if params.concurrent_builds:
        properties["ConcurrentBuildLimit"] = params.concurrent_builds
    return properties
