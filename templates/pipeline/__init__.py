"""A pipeline in CodePipeline, from a push to running services.

delivery:
  template: pipeline
  source:
    github: acme/shop
    connection: arn:aws:codeconnections:eu-central-1:123456789012:connection/1234abcd-12ab-34cd
  test: [make test]
  build: {environment: dev, stacks: [web], repositories: [shop/web]}
  environments:
    - {name: dev, role: "arn:aws:iam::123456789012:role/shop-dev-deploy"}
    - {name: prod, role: "arn:aws:iam::210987654321:role/shop-prod-deploy", approval: true}

A push to the branch is tested, its images are built, pushed to ECR and deployed to dev. Then a
person sees what would change in prod, approves it, and the same images are deployed there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from troposphere import GetAtt, Output, Template, codepipeline

from moorage.findings.finding import Problem
from moorage.model import Environment

from ..builds.project import project_resources, shared_resources, vpc_policy
from ..common.exports import export_output
from .artifacts import artifact_resources, artifact_store
from .events import message_rules, start_rules
from .params import Params
from .problems import pipeline_problems
from .roles import pipeline_arn, pipeline_role, projects, pull_request_project, start_role
from .stages import project_id, stages, triggers

__all__ = ["Params", "compose", "problems"]


def problems(name: str, params: Params, env: Environment) -> Iterator[Problem]:
    """Problems of a pipeline."""
    yield from pipeline_problems(name, params, env)


def compose(name: str, params: Params, env: Environment) -> Template:
    """The pipeline, its projects, roles and artifacts, and the rules that start it."""
    pipeline = env.stack_name(name)
    template = Template(f"{env.app} {env.name}: the pipeline `{name}`")
    template.set_version()
    template.add_resource(list(artifact_resources(params)))
    template.add_resource([*shared_resources(params, env), *vpc_policy(params, env)])
    steps = list(projects(name, params, env))
    for project in steps:
        template.add_resource(list(project_resources(project, env)))
    if params.pull_requests:
        checks = pull_request_project(name, params, env)
        template.add_resource(list(project_resources(checks, env)))
    titles = [project.title for project in steps]
    template.add_resource(pipeline_role(params, titles, env))
    names = {project.title: project.name for project in steps}
    template.add_resource(_pipeline(pipeline, params, names))
    if rules := list(start_rules(pipeline, params)):
        template.add_resource([start_role(params, pipeline_arn(pipeline), env), *rules])
    template.add_resource(list(message_rules(pipeline, params, env)))
    template.add_output(list(_outputs(name, params, env)))
    return template


def _outputs(name: str, params: Params, env: Environment) -> Iterator[Output]:
    """The name of the pipeline, and the roles that the roles of the environments must trust."""
    pipeline = env.stack_name(name)
    yield export_output(env, name, "PipelineName", pipeline, "Name of the pipeline")
    for environment, deployed in params.deployed.items():
        for step in ("Preview", "Deploy") if deployed.approval else ("Deploy",):
            role = f"{project_id(step, environment)}Role"
            description = f"ARN of the role that assumes the role of {environment}"
            yield export_output(env, name, f"{role}Arn", GetAtt(role, "Arn"), description)


def _pipeline(name: str, params: Params, names: dict[str, Any]) -> codepipeline.Pipeline:
    started_by = triggers(params)
    optional = {"Triggers": started_by} if started_by else {}
    return codepipeline.Pipeline(
        "Pipeline",
        Name=name,
        PipelineType="V2",
        ExecutionMode=params.execution_mode,
        RoleArn=GetAtt("PipelineRole", "Arn"),
        ArtifactStore=artifact_store(params),
        Stages=list(stages(params, names)),
        **optional,
    )
