"""Facts about CodeBuild and CodePipeline are those of botocore's models."""

from __future__ import annotations

from typing import Any, get_args

import botocore.session

from moorage.facts import codebuild, codepipeline


def shapes(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def test_codebuild_has_these_environments_and_sizes() -> None:
    model = shapes("codebuild")
    assert set(codebuild.COMPUTE_TYPES.values()) <= set(model.shape_for("ComputeType").enum)
    assert set(codebuild.ENVIRONMENT_TYPES.values()) <= set(model.shape_for("EnvironmentType").enum)
    roles = {role for listed in codebuild.APPROVERS.values() for role in listed}
    assert roles <= set(model.shape_for("PullRequestBuildApproverRole").enum)
    assert codebuild.APPROVERS.keys() <= set(model.shape_for("SourceType").enum)


def test_the_limits_of_codebuild() -> None:
    model = shapes("codebuild")
    minutes = model.shape_for("BuildTimeOut").metadata
    assert (minutes["min"], minutes["max"]) == codebuild.TIMEOUT_MINUTES
    assert model.shape_for("Subnets").metadata["max"] == codebuild.MAX_SUBNETS
    assert model.shape_for("SecurityGroupIds").metadata["max"] == codebuild.MAX_SECURITY_GROUPS


def test_the_limits_of_codepipeline() -> None:
    model = shapes("codepipeline")
    assert get_args(codepipeline.ExecutionMode) == ("SUPERSEDED", "QUEUED", "PARALLEL")
    assert set(get_args(codepipeline.ExecutionMode)) == set(model.shape_for("ExecutionMode").enum)
    limits = {
        "PipelineName": codepipeline.MAX_PIPELINE_NAME,
        "GitPushFilterList": codepipeline.MAX_PUSH_FILTERS,
        "GitBranchPatternList": codepipeline.MAX_PATTERNS,
        "GitTagPatternList": codepipeline.MAX_PATTERNS,
        "GitFilePathPatternList": codepipeline.MAX_PATTERNS,
        "GitBranchNamePattern": codepipeline.MAX_PATTERN,
        "ActionConfigurationValue": codepipeline.MAX_CONFIGURATION_VALUE,
    }
    assert {name: model.shape_for(name).metadata["max"] for name in limits} == limits
    minutes = model.shape_for("ActionTimeout").metadata
    assert (minutes["min"], minutes["max"]) == codepipeline.APPROVAL_MINUTES
