"""The roles of a pipeline, and the projects of its steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from awacs import codebuild as build_actions
from awacs import codepipeline as pipeline_actions
from awacs import ecr as ecr_actions
from awacs import sts
from awacs.aws import Statement
from troposphere import GetAtt, Sub, codebuild
from troposphere.iam import Role

from moorage.model import Environment

from ..builds.filters import Trigger
from ..builds.images import push_statements, repository_arns
from ..builds.project import Project
from ..builds.source import clone_statements, download_statements, project_source
from ..builds.triggers import project_triggers
from ..common.iam import allow, role
from .artifacts import key_arn, read_artifacts, write_artifacts
from .params import Build, DeployedEnvironment, Params
from .stages import project_id
from .steps import deploy_buildspec, images_buildspec, preview_buildspec, test_buildspec


def pipeline_role(params: Params, projects: Sequence[str], env: Environment) -> Role:
    """The role of the pipeline. The documentation of CodePipeline does not say that it sends the
    ARN of the pipeline, so the trust policy has no condition on it."""
    build = [build_actions.BatchGetBuilds, build_actions.StartBuild]
    policies = {
        "Artifacts": write_artifacts(params),
        "Source": download_statements(params.source),
        "Builds": [allow("RunBuilds", build, [GetAtt(title, "Arn") for title in projects])],
        "Images": _image_statements(params, env),
    }
    return role(
        "PipelineRole",
        "codepipeline.amazonaws.com",
        policies,
        env,
        permissions_boundary=params.permissions_boundary,
    )


def _image_statements(params: Params, env: Environment) -> list[Statement]:
    names = sorted({image.repository for image in params.pushed_images.values()})
    if not names:
        return []
    return [allow("FindImages", [ecr_actions.DescribeImages], repository_arns(names, env))]


def start_role(params: Params, pipeline: Any, env: Environment) -> Role:
    """The role with which EventBridge starts the pipeline."""
    start = allow("StartPipeline", [pipeline_actions.StartPipelineExecution], [pipeline])
    return role(
        "StartRole",
        "events.amazonaws.com",
        {"Pipeline": [start]},
        env,
        permissions_boundary=params.permissions_boundary,
    )


# Projects ------------------------------------------------------------------------------------


def projects(name: str, params: Params, env: Environment) -> Iterator[Project]:
    """The projects of the pipeline's steps. Each has a role of its own, so that a step can do only
    what it is for: what is in the repository decides what it runs."""
    stack = env.stack_name(name)
    if params.test or params.check:
        yield _step(
            "TestProject",
            f"{stack}-test",
            "Tests and checks",
            params,
            test_buildspec(params),
            docker=params.docker,
        )
    if params.build:
        yield _step(
            "ImagesProject",
            f"{stack}-images",
            "Builds and pushes images",
            params,
            images_buildspec(params),
            docker=True,
            statements={"Images": _push_statements(params.build, env)},
        )
    for environment, deployed in params.deployed.items():
        if deployed.approval:
            yield _deployment("Preview", stack, environment, deployed, params)
        yield _deployment("Deploy", stack, environment, deployed, params)


def _push_statements(build: Build, env: Environment) -> list[Statement]:
    if build.role:
        return [allow("AssumeRole", [sts.AssumeRole], [build.role])]
    repositories = repository_arns(build.repositories, env)
    find = allow("FindRepositories", [ecr_actions.DescribeRepositories], repositories)
    return [*push_statements(build.repositories, env), find]


def _step(
    title: str,
    name: str,
    description: str,
    params: Params,
    buildspec: str,
    *,
    docker: bool = False,
    statements: Mapping[str, Sequence[Statement]] | None = None,
    variables: Mapping[str, Any] | None = None,
) -> Project:
    return Project(
        title=title,
        name=name,
        description=description,
        params=params,
        source=codebuild.Source(Type="CODEPIPELINE", BuildSpec=buildspec),
        statements={"Artifacts": read_artifacts(params), **(statements or {})},
        variables=variables or {},
        docker=docker,
        shares_vpc_policy=True,
        properties={
            "Artifacts": codebuild.Artifacts(Type="CODEPIPELINE"),
            "EncryptionKey": key_arn(params),
        },
    )


def _deployment(
    step: str, stack: str, environment: str, deployed: DeployedEnvironment, params: Params
) -> Project:
    preview = step == "Preview"
    assumed = (deployed.preview_role or deployed.role) if preview else deployed.role
    return _step(
        project_id(step, environment),
        f"{stack}-{step.lower()}-{environment}",
        f"{step}s {environment}",
        params,
        preview_buildspec(params) if preview else deploy_buildspec(params),
        statements={"Deploy": [allow("AssumeRole", [sts.AssumeRole], [assumed])]},
        variables={
            "ENVIRONMENT": environment,
            "DEPLOY_ROLE": assumed,
            **({"STACKS": " ".join(deployed.stacks)} if deployed.stacks else {}),
        },
    )


def pull_request_project(name: str, params: Params, env: Environment) -> Project:
    """A project that tests and checks pull requests. Its builds run what a pull request contains,
    so its role may only read the repository and write logs."""
    assert params.pull_requests is not None
    requests = params.pull_requests
    trigger = Trigger(pull_requests=True, branches=requests.branches, paths=requests.paths)
    return Project(
        title="PullRequestProject",
        name=f"{env.stack_name(name)}-pull-requests",
        description="Tests and checks pull requests",
        params=params,
        source=project_source(params.source, test_buildspec(params)),
        statements={"Source": list(clone_statements(params.source))},
        docker=params.docker,
        trusted=False,
        shares_vpc_policy=True,
        properties={"Triggers": project_triggers([trigger], params.source)},
    )


def pipeline_arn(name: str) -> Sub:
    """The ARN of the pipeline of that name."""
    place = "arn:${AWS::Partition}:codepipeline:${AWS::Region}:${AWS::AccountId}"
    return Sub(f"{place}:{name}")
