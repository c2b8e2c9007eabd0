"""CodeBuild: environments, limits, and the names of its events.

AWS CodeBuild API reference (botocore 1.44.8, read on 2026-11-27) unless another source is named.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

Compute = Literal["small", "medium", "large", "xlarge", "2xlarge"]
COMPUTE_TYPES: Mapping[str, str] = {
    name: f"BUILD_GENERAL1_{name.upper()}" for name in get_args(Compute)
}
"""ProjectEnvironment, computeType, for containers on EC2. From 4 GiB and 2 vCPUs for `small` to 144
GiB and 72 vCPUs for `2xlarge`."""

ENVIRONMENT_TYPES: Mapping[str, str] = {"X86_64": "LINUX_CONTAINER", "ARM64": "ARM_CONTAINER"}
"""ProjectEnvironment, type, by the CPU architecture."""

IMAGES: Mapping[str, str] = {
    "X86_64": "aws/codebuild/amazonlinux-x86_64-standard:5.0",
    "ARM64": "aws/codebuild/amazonlinux-aarch64-standard:3.0",
}
"""The images of Amazon Linux 2023 by the CPU architecture. AWS CodeBuild user guide, "EC2 compute
images"."""

PYTHON_RUNTIME = "3.13"
"""A version of Python that both images have. aws/aws-codebuild-docker-images on GitHub,
runtimes.yml of al/x86_64/standard/5.0 and al/aarch64/standard/3.0."""

TIMEOUT_MINUTES = (5, 2160)
"""BuildTimeOut."""
MAX_SUBNETS = 16
MAX_SECURITY_GROUPS = 5
"""VpcConfig, subnets and securityGroupIds."""

MAX_PROJECT_NAME = 150
"""ProjectName."""

APPROVERS: Mapping[str, tuple[str, ...]] = {
    "GITHUB": ("GITHUB_WRITE", "GITHUB_MAINTAIN", "GITHUB_ADMIN"),
    "GITLAB": ("GITLAB_DEVELOPER", "GITLAB_MAINTAINER", "GITLAB_OWNER"),
    "BITBUCKET": ("BITBUCKET_WRITE", "BITBUCKET_ADMIN"),
}
"""Who can change the source repository, by the type of the source. PullRequestBuildPolicy,
approverRoles."""

LAMBDA_ENVIRONMENTS = ("LINUX_LAMBDA_CONTAINER", "ARM_LAMBDA_CONTAINER")
WINDOWS_ENVIRONMENTS = (
    "WINDOWS_CONTAINER",
    "WINDOWS_SERVER_2019_CONTAINER",
    "WINDOWS_SERVER_2022_CONTAINER",
    "WINDOWS_EC2",
)
"""EnvironmentType."""
LAMBDA_COMPUTE_PREFIX = "BUILD_LAMBDA_"
"""Of the compute types for these environments on Lambda. ComputeType."""
CURATED_IMAGE = "aws/codebuild/"
"""With what the names of CodeBuild's own images begin."""

SOURCES_OF_GIT = (
    "CODECOMMIT",
    "GITHUB",
    "GITHUB_ENTERPRISE",
    "GITLAB",
    "GITLAB_SELF_MANAGED",
    "BITBUCKET",
    "CODEPIPELINE",
)
"""Sources that may have submodules. A pipeline can pass a clone of a repository."""
SOURCES_WITH_STATUS = (
    "GITHUB",
    "GITHUB_ENTERPRISE",
    "GITLAB",
    "GITLAB_SELF_MANAGED",
    "BITBUCKET",
)
"""ProjectSource, reportBuildStatus."""
SOURCES_WITHOUT_BADGE = ("S3", "NO_SOURCE", "CODEPIPELINE")
"""AWS's error messages, reproduced by cdk-preflight."""
SOURCES_WITHOUT_WEBHOOK = ("CODEPIPELINE", "S3", "CODECOMMIT")
"""AWS CodeBuild user guide, "Use webhooks with AWS CodeBuild", which names those with webhooks."""
VARIABLE_ACTIONS: Mapping[str, str] = {
    "PARAMETER_STORE": "ssm:GetParameters",
    "SECRETS_MANAGER": "secretsmanager:GetSecretValue",
}
"""What the role needs for a variable of a type. EnvironmentVariable, type."""
ARTIFACTS_OF_SECONDARY = ("S3", "CODEPIPELINE")
RESERVED_VARIABLE_PREFIX = "CODEBUILD_"
SETTING_PREFIX = "CODEBUILD_CONFIG_"
"""Of the reserved variables that projects may set: CODEBUILD_CONFIG_AUTO_DISCOVER and its _DIR.
AWS CodeBuild user guide, "Auto-discover reports in CodeBuild"."""
MAX_SECONDARY = 12
"""Secondary sources, and secondary artifacts, of a project."""
MAX_DESCRIPTION = 255
BATCH_MINUTES = (5, 2160)
"""AWS's error messages, reproduced by cdk-preflight, for these five."""
