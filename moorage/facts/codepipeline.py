"""CodePipeline: limits of pipelines, triggers and variables.

AWS CodePipeline API reference (botocore 1.44.8, read on 2026-11-27), and AWS CodePipeline user
guide, "Quotas in AWS CodePipeline".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

ExecutionMode = Literal["SUPERSEDED", "QUEUED", "PARALLEL"]

MAX_PIPELINE_NAME = 100
MAX_STAGE_NAME = 100
MAX_ACTION_NAME = 100

MAX_PUSH_FILTERS = 3
"""GitPushFilterList."""
MAX_PATTERNS = 8
"""GitBranchPatternList, GitFilePathPatternList and GitTagPatternList."""
MAX_PATTERN = 255
"""Characters of a pattern. GitBranchNamePattern."""

MAX_CONFIGURATION_VALUE = 1000
"""Characters of a value in the configuration of an action. ActionConfigurationValue."""

APPROVAL_MINUTES = (5, 86_400)
"""ActionTimeout: how long an action for a manual approval waits."""
DEFAULT_APPROVAL_MINUTES = 7 * 24 * 60
MAX_BUILD_MINUTES = 8 * 60
"""After this time, an action that runs a build fails."""

REQUIRED_CONFIGURATION: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("Source", "CodeCommit"): ("RepositoryName", "BranchName"),
    ("Source", "CodeStarSourceConnection"): ("ConnectionArn", "FullRepositoryId", "BranchName"),
    ("Source", "ECR"): ("RepositoryName",),
    ("Source", "S3"): ("S3Bucket", "S3ObjectKey"),
    ("Build", "CodeBuild"): ("ProjectName",),
    ("Test", "CodeBuild"): ("ProjectName",),
    ("Deploy", "CloudFormation"): ("ActionMode",),
    ("Deploy", "CodeDeploy"): ("ApplicationName", "DeploymentGroupName"),
    ("Deploy", "CodeDeployToECS"): (
        "ApplicationName",
        "DeploymentGroupName",
        "TaskDefinitionTemplateArtifact",
        "AppSpecTemplateArtifact",
    ),
    ("Deploy", "ECS"): ("ClusterName", "ServiceName"),
    ("Deploy", "Lambda"): ("FunctionName",),
    ("Deploy", "S3"): ("BucketName", "Extract"),
    ("Invoke", "Lambda"): ("FunctionName",),
    ("Invoke", "StepFunctions"): ("StateMachineArn",),
}
"""What the configuration of an action must have, by its category and provider. AWS CodePipeline
user guide, "Action structure reference"; also for the constants below."""
CATEGORIES: Mapping[str, tuple[str, ...]] = {
    "CloudFormation": ("Deploy",),
    "CodeBuild": ("Build", "Test"),
    "CodeCommit": ("Source",),
    "CodeDeploy": ("Deploy",),
    "CodeDeployToECS": ("Deploy",),
    "CodeStarSourceConnection": ("Source",),
    "ECR": ("Source",),
    "ECS": ("Deploy",),
    "Lambda": ("Invoke", "Deploy"),
    "Manual": ("Approval",),
    "S3": ("Source", "Deploy"),
    "StepFunctions": ("Invoke",),
}
"""The categories of these providers, whose owner is AWS."""
ARTIFACT_KEYS: Mapping[str, tuple[str, ...]] = {
    "CodeBuild": ("PrimarySource",),
    "CodeDeployToECS": (
        "TaskDefinitionTemplateArtifact",
        "AppSpecTemplateArtifact",
        *(f"Image{number}ArtifactName" for number in range(1, 5)),
    ),
}
"""Keys of the configuration that name an input artifact of the action, by provider."""
PERMISSIONS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("Build", "CodeBuild"): ("codebuild:StartBuild|codebuild:StartBuildBatch",),
    ("Test", "CodeBuild"): ("codebuild:StartBuild|codebuild:StartBuildBatch",),
    ("Deploy", "CodeDeploy"): ("codedeploy:CreateDeployment",),
    ("Source", "CodeStarSourceConnection"): (
        "codestar-connections:UseConnection|codeconnections:UseConnection",
    ),
    ("Deploy", "CodeDeployToECS"): ("codedeploy:CreateDeployment", "ecs:RegisterTaskDefinition"),
    ("Deploy", "ECS"): ("ecs:RegisterTaskDefinition", "ecs:UpdateService"),
    ("Invoke", "Lambda"): ("lambda:InvokeFunction",),
    ("Invoke", "StepFunctions"): ("states:StartExecution",),
}
"""IAM actions that the role of an action needs, by its category and provider; of alternatives,
which `|` separates, one (the same guide, "Add permissions to the CodePipeline service role")."""
V2_PROVIDERS = ("Commands", "ECRBuildAndPublish", "EKS")
"""Providers that pipelines of the type V1 do not have (AWS's error message, reproduced by
cdk-preflight)."""

MAX_STAGES = 50
MAX_VARIABLES = 50
MAX_PULL_REQUEST_FILTERS = 3
RUN_ORDER = (1, 999)
"""ActionRunOrder."""
STAGE_NAME = "[A-Za-z0-9.@_-]{1,100}"
ARTIFACT_NAME = "[A-Za-z0-9_-]{1,100}"
"""StageName and ArtifactName."""
