"""The stages of a pipeline and their actions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from troposphere import codepipeline

from ..builds.filters import push_filter
from .params import DeployedEnvironment, Params
from .steps import IMAGES, PUSHED

SOURCE = "Source"
"""The name of the action with the source code, of its artifact and its variables."""


def stages(params: Params, projects: Mapping[str, Any]) -> Iterator[codepipeline.Stages]:
    """The stages; `projects` are the names of the CodeBuild projects by their logical IDs."""
    yield codepipeline.Stages(Name="Source", Actions=list(_sources(params)))
    if actions := list(_build_actions(params, projects)):
        yield codepipeline.Stages(Name="Build", Actions=actions)
    for name, deployed in params.deployed.items():
        if deployed.approval:
            yield codepipeline.Stages(
                Name=f"Approve-{name}",
                Actions=list(_approval(name, deployed, params, projects)),
            )
        yield _deployment(name, deployed, params, projects)


def _action(name: str, category: str, provider: str, **more: Any) -> codepipeline.Actions:
    kind = codepipeline.ActionTypeId(Category=category, Owner="AWS", Provider=provider, Version="1")
    return codepipeline.Actions(Name=name, ActionTypeId=kind, **more)


def _sources(params: Params) -> Iterator[codepipeline.Actions]:
    """AWS CodePipeline user guide, "CodeStarSourceConnection for Bitbucket Cloud, GitHub, ...",
    "CodeCommit source action reference" and "Amazon ECR source action reference"."""
    source = params.source
    if source.codecommit:
        provider = "CodeCommit"
        configuration: dict[str, Any] = {
            "RepositoryName": source.codecommit,
            "BranchName": source.branch,
            "PollForSourceChanges": "false",
        }
    else:
        provider = "CodeStarSourceConnection"
        configuration = {
            "ConnectionArn": source.connection,
            "FullRepositoryId": source.repository,
            "BranchName": source.branch,
        }
    output = [codepipeline.OutputArtifacts(Name=SOURCE)]
    yield _action(
        SOURCE,
        "Source",
        provider,
        Configuration=configuration,
        OutputArtifacts=output,
        Namespace=SOURCE,
    )
    for target, image in params.pushed_images.items():
        name = image_namespace(target)
        yield _action(
            name,
            "Source",
            "ECR",
            Configuration={"RepositoryName": image.repository, "ImageTag": image.tag},
            OutputArtifacts=[codepipeline.OutputArtifacts(Name=name)],
            Namespace=name,
        )


def image_namespace(target: str) -> str:
    """The name of the source action of an image, and of its variables."""
    return f"Image-{target.replace('/', '-')}"


def pushed_image_options(params: Params) -> str:
    """The options of `moorage deploy` for the images that were pushed, with CodePipeline's
    variables for their digests."""
    return " ".join(
        f"--image {target}=#{{{image_namespace(target)}.ImageDigest}}"
        for target in params.pushed_images
    )


def _image_options(params: Params) -> str:
    built = f"#{{Images.{IMAGES}}}" if params.build else ""
    return " ".join(filter(None, [built, pushed_image_options(params)]))


def variables_text(variables: Mapping[str, str]) -> str:
    """Environment variables of a build, as the configuration of its action."""
    return json.dumps(
        [
            {"name": key, "value": value, "type": "PLAINTEXT"}
            for key, value in variables.items()
            if value
        ],
        separators=(",", ":"),
    )


def _build_action(
    name: str, project: Any, variables: Mapping[str, str], **more: Any
) -> codepipeline.Actions:
    configuration = {"ProjectName": project}
    if any(variables.values()):
        configuration["EnvironmentVariables"] = variables_text(variables)
    category = more.pop("category", "Build")
    inputs = [codepipeline.InputArtifacts(Name=SOURCE)]
    return _action(
        name, category, "CodeBuild", Configuration=configuration, InputArtifacts=inputs, **more
    )


def _build_actions(params: Params, projects: Mapping[str, Any]) -> Iterator[codepipeline.Actions]:
    if params.test or params.check:
        yield _build_action("Test", projects["TestProject"], {}, category="Test", RunOrder=1)
    if params.build:
        images = {PUSHED: pushed_image_options(params)}
        yield _build_action(
            "Images", projects["ImagesProject"], images, Namespace="Images", RunOrder=2
        )


def _approval(
    name: str, deployed: DeployedEnvironment, params: Params, projects: Mapping[str, Any]
) -> Iterator[codepipeline.Actions]:
    """The preview, and the approval with its summary. They are a stage of their own, so that a
    rollback of the deployment does not wait for another approval."""
    assert deployed.approval is not None
    space = f"Preview-{name}"
    yield _build_action(
        "Preview",
        projects[project_id("Preview", name)],
        _deployment_variables(name, deployed, params),
        Namespace=space,
        RunOrder=1,
    )
    data = f"{name}: #{{{space}.PREVIEW}} Complete preview: #{{{space}.LOG}}"
    yield _action(
        "Approve",
        "Approval",
        "Manual",
        Configuration={"CustomData": data},
        RunOrder=2,
        TimeoutInMinutes=deployed.approval.timeout // 60,
    )


def _deployment(
    name: str, deployed: DeployedEnvironment, params: Params, projects: Mapping[str, Any]
) -> codepipeline.Stages:
    optional: dict[str, Any] = {}
    if deployed.rollback:
        optional["OnFailure"] = codepipeline.FailureConditions(Result="ROLLBACK")
    action = _build_action(
        "Deploy",
        projects[project_id("Deploy", name)],
        _deployment_variables(name, deployed, params),
    )
    return codepipeline.Stages(Name=f"Deploy-{name}", Actions=[action], **optional)


def _deployment_variables(
    name: str, deployed: DeployedEnvironment, params: Params
) -> dict[str, str]:
    return {IMAGES: _image_options(params)}


def project_id(step: str, environment: str) -> str:
    """The logical ID of the project of a step for an environment."""
    words = [word.capitalize() for word in environment.split("-")]
    return f"{step}{''.join(words)}Project"


def triggers(params: Params) -> Sequence[codepipeline.PipelineTriggerDeclaration]:
    """The triggers of the pipeline. With one, the default, every push to the branch, does not apply
    (CodePipeline API reference, PipelineTriggerDeclaration)."""
    if not params.triggers:
        return []
    filters = [push_filter(trigger, params.source.branch) for trigger in params.triggers]
    return [
        codepipeline.PipelineTriggerDeclaration(
            ProviderType="CodeStarSourceConnection",
            GitConfiguration=codepipeline.GitConfiguration(SourceActionName=SOURCE, Push=filters),
        )
    ]
