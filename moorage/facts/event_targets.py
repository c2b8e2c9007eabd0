"""What schedules, event rules and pipes can send to, and with which parameters.

Amazon EventBridge API reference, PutTargets, Target; Amazon EventBridge Scheduler API reference,
Target; the form of ARNs, Service Authorization Reference.
"""

from __future__ import annotations

from collections.abc import Mapping

ROLE_SERVICES = ("batch", "codebuild", "codepipeline", "ecs", "firehose", "kinesis", "states")
"""Services whose resources a rule calls with a role. EventBridge user guide, "Using resource-based
policies": Lambda, SNS, SQS and CloudWatch Logs have policies instead."""
ROLE_ACTIONS: Mapping[str, str] = {
    "codebuild": "codebuild:StartBuild",
    "codepipeline": "codepipeline:StartPipelineExecution",
    "states": "states:StartExecution",
}
"""What the role of a rule or schedule needs for other targets than ECS. EventBridge user guide,
"Using identity-based policies"."""
SCHEDULE_ACTIONS: Mapping[str, str] = {
    "lambda": "lambda:InvokeFunction",
    "sns": "sns:Publish",
    "sqs": "sqs:SendMessage",
}
"""What only schedules use a role for. EventBridge Scheduler user guide, "Using templated
targets"."""
RULE_PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "BatchParameters": ("batch",),
    "EcsParameters": ("ecs",),
    "KinesisParameters": ("kinesis",),
    "SqsParameters": ("sqs",),
}
"""The services for which parameters of a rule's target are."""
SCHEDULE_PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "EcsParameters": ("ecs",),
    "EventBridgeParameters": ("events",),
    "KinesisParameters": ("kinesis",),
    "SqsParameters": ("sqs",),
}
"""The same for schedules."""
MAX_TASKS = 10
"""That a target starts at a time. EcsParameters, taskCount."""
MAX_SUBNETS = 16
MAX_SECURITY_GROUPS = 5
"""AwsVpcConfiguration."""
MAX_GROUP = 255
"""Characters. EcsParameters, group."""
