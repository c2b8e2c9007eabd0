"""Constraints of CodeBuild's projects."""

from __future__ import annotations

from moorage.facts.codebuild import (
    ARTIFACTS_OF_SECONDARY,
    BATCH_MINUTES,
    CURATED_IMAGE,
    LAMBDA_COMPUTE_PREFIX,
    LAMBDA_ENVIRONMENTS,
    MAX_DESCRIPTION,
    MAX_PROJECT_NAME,
    MAX_SECONDARY,
    MAX_SECURITY_GROUPS,
    MAX_SUBNETS,
    RESERVED_VARIABLE_PREFIX,
    SETTING_PREFIX,
    SOURCES_OF_GIT,
    SOURCES_WITH_STATUS,
    SOURCES_WITHOUT_BADGE,
    SOURCES_WITHOUT_WEBHOOK,
    WINDOWS_ENVIRONMENTS,
)
from moorage.rules.constraints.combinations import All, Among, Each, Either, Not, Some
from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.predicates import (
    Absent,
    Contains,
    Count,
    Is,
    IsTrue,
    Length,
    NotEmpty,
    Present,
    StartsWith,
    Unique,
    Within,
)

_PROJECT = "AWS::CodeBuild::Project"
_API = "AWS CodeBuild API reference"
_GUIDE = "AWS CodeBuild user guide"
_REPRODUCED = "AWS's error message, reproduced by cdk-preflight"
_ENVIRONMENT = f"{_PROJECT} Environment"
_BUILDS_IMAGE = (
    r"(?m)(^|&&|;|[\[,])\s*(- +)?['\"]?docker (build|buildx build|push) "  # no comment, no echo
)
_IS_PRIVILEGED = IsTrue("Environment.PrivilegedMode")

CONSTRAINTS = (
    Constraint(
        "E9000",
        _PROJECT,
        "A project builds an image without privileged mode.",
        when=All(
            Is("Environment.Type", "LINUX_CONTAINER", "ARM_CONTAINER"),
            Contains("Source.BuildSpec", _BUILDS_IMAGE),
            Absent("Environment.DockerServer"),
            Absent("Environment.Fleet"),
            Not(Contains("Source.BuildSpec", "DOCKER_(HOST|CONTEXT)|docker context|--driver")),
            Not(Some("Environment.EnvironmentVariables", Is("Name", "DOCKER_HOST"))),
        ),
        must=_IS_PRIVILEGED,
        message="Project {id} builds an image, but not in privileged mode",
        fix="Write `PrivilegedMode: true` in `Environment`.",
        why="Without privileged mode no Docker daemon runs, so each build fails.",
        error_messages=(
            "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker "
            "daemon running?",
        ),
        sources=(f"{_API}: ProjectEnvironment, privilegedMode",),
    ),
    Constraint(
        "E9002",
        _ENVIRONMENT,
        "The compute type or the privileged mode of a project does not fit its environment.",
        must=All(
            Either(
                All(
                    StartsWith("ComputeType", (LAMBDA_COMPUTE_PREFIX,)),
                    Is("Type", *LAMBDA_ENVIRONMENTS),
                ),
                All(
                    Not(StartsWith("ComputeType", (LAMBDA_COMPUTE_PREFIX,))),
                    Not(Is("Type", *LAMBDA_ENVIRONMENTS)),
                ),
            ),
            Not(
                All(
                    IsTrue("PrivilegedMode"),
                    Is("Type", *WINDOWS_ENVIRONMENTS, *LAMBDA_ENVIRONMENTS),
                )
            ),
        ),
        message="Project {id} has a compute type ({ComputeType}) or privileged mode that the "
        "environment {Type} does not have",
        fix=f"Write `{LAMBDA_COMPUTE_PREFIX}*` in environments on Lambda and `BUILD_GENERAL1_*` in "
        f"others; to build images, `LINUX_CONTAINER` or `ARM_CONTAINER`.",
        error_messages=(
            "Compute type ... is not supported for ...",
            "Cannot specify privilegedMode for lambda compute",
            "PrivilegedMode is not supported for ... projects",
        ),
        sources=(f"{_API}: ProjectEnvironment, computeType", _REPRODUCED),
    ),
    Constraint(
        "E9003",
        _PROJECT,
        "Only one of source and artifacts of a project is that of a pipeline.",
        must=Either(
            All(Is("Source.Type", "CODEPIPELINE"), Is("Artifacts.Type", "CODEPIPELINE")),
            Not(Either(Is("Source.Type", "CODEPIPELINE"), Is("Artifacts.Type", "CODEPIPELINE"))),
        ),
        message="Project {id} has the source {Source.Type} and the artifacts {Artifacts.Type}",
        fix="Write `CODEPIPELINE` for both if a pipeline runs the project, otherwise for neither.",
        error_messages=(
            "Invalid input: when using CodePipeline both sourceType, and artifactType must be set "
            "to: CODEPIPELINE",
        ),
        sources=("cloudposse/terraform-aws-codebuild#23", _REPRODUCED),
    ),
    Constraint(
        "E9004",
        (f"{_PROJECT} Source", f"{_PROJECT} SecondarySources[]"),
        "The location of a source is missing, or there is no source that has one.",
        must=Either(
            All(Is("Type", "NO_SOURCE"), Absent("Location")),
            Is("Type", "CODEPIPELINE"),
            All(Not(Is("Type", "NO_SOURCE", "CODEPIPELINE")), Present("Location")),
        ),
        message="Project {id} has a source of the type {Type}, which does not fit its `Location`",
        fix="Write `Location` with the repository or bucket, or `Type: NO_SOURCE` without it.",
        error_messages=(
            "Project source location is required",
            "Invalid input: source location must be empty for source type NO_SOURCE",
        ),
        sources=(f"{_API}: ProjectSource, location",),
    ),
    Constraint(
        "E9005",
        (f"{_PROJECT} Source", f"{_PROJECT} SecondarySources[]"),
        "A source has a setting for other sources.",
        must=All(
            Either(Absent("ReportBuildStatus"), Is("Type", *SOURCES_WITH_STATUS)),
            Either(Absent("GitSubmodulesConfig"), Is("Type", *SOURCES_OF_GIT)),
        ),
        message="Project {id} has `ReportBuildStatus` or `GitSubmodulesConfig`, which its source "
        "{Type} does not support",
        fix="Remove the setting.",
        error_messages=(
            "Source type ... does not support ReportBuildStatus",
            "Git submodules config is not supported for ... source",
        ),
        sources=(f"{_API}: ProjectSource, reportBuildStatus", _REPRODUCED),
    ),
    Constraint(
        "E9006",
        (f"{_PROJECT} Artifacts", f"{_PROJECT} SecondaryArtifacts[]"),
        "A project without artifacts has a setting for artifacts.",
        when=Is("Type", "NO_ARTIFACTS"),
        must=All(
            Not(Is("EncryptionDisabled", "true")),
            Absent("Location"),
        ),
        message="Project {id} has `Type: NO_ARTIFACTS` with `EncryptionDisabled` or `Location`",
        fix="Remove the setting, or write `Type: S3`.",
        error_messages=(
            "Invalid artifacts: artifact type NO_ARTIFACTS should have null location",
            "Invalid artifacts: artifact type NO_ARTIFACTS should have null encryptionDisabled",
        ),
        sources=(f"{_API}: ProjectArtifacts, encryptionDisabled", _REPRODUCED),
    ),
    Constraint(
        "E9008",
        f"{_PROJECT} Cache",
        "The cache of a project lacks what its type needs.",
        must=All(
            Either(Not(Is("Type", "LOCAL")), NotEmpty("Modes")),
            Either(Not(Is("Type", "S3")), Present("Location")),
            Either(
                Not(Some("Modes", Is("", "LOCAL_SOURCE_CACHE"))),
                Not(Is("/Source.Type", "NO_SOURCE")),
            ),
        ),
        message="Project {id} has a cache of the type {Type} without `Modes`, without `Location` "
        "or without a source",
        fix="Write `Modes` for the type `LOCAL`, `Location` with bucket and prefix for `S3`, and "
        "`LOCAL_SOURCE_CACHE` only for a project with a source.",
        error_messages=(
            "At least one mode must be provided for cache type: LOCAL",
            "Invalid cache: location must be a valid S3 bucket, followed by slash and the prefix",
            "Cache mode LOCAL_SOURCE_CACHE is not available for source type NO_SOURCE",
        ),
        sources=(f"{_API}: ProjectCache", _REPRODUCED),
    ),
    Constraint(
        "W9020",
        f"{_PROJECT} Cache",
        "A project caches the layers of images without privileged mode.",
        when=Some("Modes", Is("", "LOCAL_DOCKER_LAYER_CACHE")),
        must=IsTrue("/Environment.PrivilegedMode"),
        message="Project {id} has the cache `LOCAL_DOCKER_LAYER_CACHE`, but no privileged mode",
        fix="Write `PrivilegedMode: true` in `Environment`, or remove the mode.",
        sources=(f"{_API}: ProjectCache, modes",),
    ),
    Constraint(
        "E9009",
        _ENVIRONMENT,
        "The credentials for pulling the image of a project do not fit.",
        must=All(
            Either(
                Not(StartsWith("Image", (CURATED_IMAGE,))),
                Not(Is("ImagePullCredentialsType", "SERVICE_ROLE")),
            ),
            Either(
                Absent("RegistryCredential"),
                Is("ImagePullCredentialsType", "SERVICE_ROLE"),
            ),
        ),
        message="Project {id} pulls the image {Image} with the wrong `ImagePullCredentialsType`",
        fix="Write `CODEBUILD` for images of CodeBuild, and `SERVICE_ROLE` for a registry with "
        "`RegistryCredential`.",
        error_messages=(
            "Invalid input: cannot use a CodeBuild curated image with imagePullCredentialsType "
            "SERVICE_ROLE",
        ),
        sources=(f"{_API}: ProjectEnvironment, imagePullCredentialsType, and RegistryCredential",),
    ),
    Constraint(
        "E9010",
        _PROJECT,
        "A variable of a project exists twice, or has a reserved name.",
        must=All(
            Unique("Environment.EnvironmentVariables", ("Name",)),
            Each(
                "Environment.EnvironmentVariables",
                Either(
                    Not(StartsWith("Name", (RESERVED_VARIABLE_PREFIX,))),
                    StartsWith("Name", (SETTING_PREFIX,)),
                ),
            ),
        ),
        message="Project {id} has two variables with the same name, or one that begins with "
        f"`{RESERVED_VARIABLE_PREFIX}`",
        fix="Write another name.",
        error_messages=(
            "EnvironmentVariable name cannot be duplicated",
            "No user environment variables can start with CODEBUILD_",
        ),
        sources=(_REPRODUCED,),
    ),
    Constraint(
        "E9011",
        _PROJECT,
        "A project exceeds a limit of CodeBuild.",
        must=All(
            Count("VpcConfig.Subnets", 0, MAX_SUBNETS),
            Count("VpcConfig.SecurityGroupIds", 0, MAX_SECURITY_GROUPS),
            Count("SecondarySources", 0, MAX_SECONDARY),
            Count("SecondaryArtifacts", 0, MAX_SECONDARY),
            Within("BuildBatchConfig.TimeoutInMins", *BATCH_MINUTES),
            Within("ConcurrentBuildLimit", 1, None),
            Length("Name", 2, MAX_PROJECT_NAME),
            Length("Description", 0, MAX_DESCRIPTION),
        ),
        message="{key} of project {id} is not within the limits of CodeBuild",
        fix=f"Write at most {MAX_SUBNETS} subnets, {MAX_SECURITY_GROUPS} security groups, "
        f"{MAX_SECONDARY} secondary sources and artifacts, a batch timeout from "
        f"{BATCH_MINUTES[0]} to {BATCH_MINUTES[1]} minutes, a limit of one build or more, and "
        f"a name of at most {MAX_PROJECT_NAME} and a description of at most {MAX_DESCRIPTION} "
        f"characters.",
        error_messages=(
            "Invalid vpc config: the maximum number of subnets is 16",
            "Invalid vpc config: the maximum number of security groups is 5",
            "Project level concurrent builds limit should be greater than 0",
        ),
        sources=(f"{_GUIDE}: Quotas for AWS CodeBuild", _REPRODUCED),
    ),
    Constraint(
        "E9012",
        _PROJECT,
        "A secondary source or secondary artifacts have no identifier of their own.",
        must=All(
            Each("SecondarySources", Present("SourceIdentifier")),
            Each("SecondaryArtifacts", Present("ArtifactIdentifier")),
            Unique("SecondarySources", ("SourceIdentifier",), Present("SourceIdentifier")),
            Unique("SecondaryArtifacts", ("ArtifactIdentifier",), Present("ArtifactIdentifier")),
            Each("SecondaryArtifacts", Is("Type", *ARTIFACTS_OF_SECONDARY)),
            Each(
                "SecondarySourceVersions",
                Among("SourceIdentifier", "/SecondarySources", "SourceIdentifier"),
            ),
        ),
        message="Project {id} has a secondary source, a version of it or secondary artifacts that "
        "cannot be identified, or artifacts that are not in S3",
        fix="Write a different `SourceIdentifier` or `ArtifactIdentifier` for each, `Type: S3` for "
        "artifacts, and versions only of secondary sources.",
        error_messages=(
            "Invalid input: sourceIdentifier cannot be duplicated",
            "Invalid input: artifactIdentifier is required for secondary artifacts",
            "Invalid input: secondary source identifier does not exist",
        ),
        sources=(_REPRODUCED,),
    ),
    Constraint(
        "E9014",
        _PROJECT,
        "A project mounts a file system without privileged mode, or without a directory.",
        must=All(
            Either(Absent("FileSystemLocations"), _IS_PRIVILEGED),
            Each("FileSystemLocations", Contains("Location", ":")),
        ),
        message="Project {id} mounts a file system without privileged mode, or without a directory",
        fix="Write `PrivilegedMode: true` in `Environment`, and `<DNS name>:/<directory>` as "
        "`Location`.",
        error_messages=(
            "Privileged Mode has to be set for projects with File System Locations",
            "File System Location is invalid, should be in the form "
            "'FileSystemDNS':'FileSystemDirectory'",
        ),
        sources=(_REPRODUCED,),
    ),
    Constraint(
        "E9015",
        f"{_PROJECT} LogsConfig.S3Logs",
        "A project writes its logs to S3, but to no bucket.",
        when=Is("Status", "ENABLED"),
        must=Present("Location"),
        message="Project {id} writes its logs to S3 without a `Location`",
        fix="Write `Location: <bucket>/<prefix>`.",
        error_messages=(
            "Invalid logsConfig: s3Logs location must be provided if status is 'ENABLED'",
        ),
        sources=(_REPRODUCED,),
    ),
    Constraint(
        "E9016",
        f"{_PROJECT} Triggers.FilterGroups[]",
        "A group of webhook filters has no filter for the event.",
        when=NotEmpty(""),
        must=Some("", Is("Type", "EVENT")),
        message="A group of filters of the webhook of project {id} has no filter of the type "
        "`EVENT`",
        fix="Add `{Type: EVENT, Pattern: PUSH}` to the group.",
        sources=(f"{_API}: CreateWebhook, filterGroups",),
    ),
    Constraint(
        "E9017",
        _PROJECT,
        "A project whose source has no webhooks or badges has one.",
        must=All(
            Not(
                All(
                    IsTrue("Triggers.Webhook"),
                    Is("Source.Type", *SOURCES_WITHOUT_WEBHOOK),
                )
            ),
            Not(All(IsTrue("BadgeEnabled"), Is("Source.Type", *SOURCES_WITHOUT_BADGE))),
        ),
        message="Project {id} has a webhook or a badge with the source {Source.Type}",
        fix="Remove `BadgeEnabled`, and `Triggers`: a pipeline or a rule of EventBridge starts "
        "builds of this source.",
        error_messages=("Build badges are not supported for ... source",),
        sources=(f"{_GUIDE}: Use webhooks with AWS CodeBuild", _REPRODUCED),
    ),
)
