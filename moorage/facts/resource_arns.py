"""ARNs of resources whose names are known before the deployment, by resource type.

The forms are those of the Service Authorization Reference. A generated name begins with the name
of the stack only for the types for which the CloudFormation user guide shows it, in the examples
of `Ref`: the others have the name that the template gives them, or none that is known. The names
of parameters of Parameter Store are those of aws-cloudformation-resource-providers-ssm.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from moorage.records import record

ROOT = "arn:${AWS::Partition}"
HERE = "${AWS::Region}:${AWS::AccountId}"


@record
class NamedType:
    """How the ARNs of the resources of a type contain their names, as `{name}`."""

    name: str
    """The property with the name."""
    arns: Mapping[str, str]
    """By the kind of resource that IAM calls them. A kind can be a part of the resource."""
    generated: str = "{stack}"
    """How a generated name begins: with the name of the stack, or with the logical ID (`{id}`);
    empty where that is not known."""
    lower: bool = False
    """Whether a generated name has lower case letters only."""
    path: str = ""
    """The property with the path that comes before the name."""
    suffix: str = ""
    """What follows the ARN in the policies of some actions; the others have the ARN alone."""
    of: Mapping[str, str] = field(default_factory=dict)
    """Other placeholders of the ARNs, by the property with the resource that they name."""


def _regional(service: str, kinds: Mapping[str, str]) -> dict[str, str]:
    return {kind: f"{ROOT}:{service}:{HERE}:{rest}" for kind, rest in kinds.items()}


def _iam(kind: str) -> dict[str, str]:
    return {kind: f"{ROOT}:iam::${{AWS::AccountId}}:{kind}{{path}}{{name}}"}


NAMED_TYPES: Mapping[str, NamedType] = {
    "AWS::IAM::Role": NamedType("RoleName", _iam("role"), path="Path"),
    "AWS::IAM::InstanceProfile": NamedType(
        "InstanceProfileName", _iam("instance-profile"), path="Path"
    ),
    "AWS::IAM::ManagedPolicy": NamedType("ManagedPolicyName", _iam("policy"), path="Path"),
    # CloudWatch Logs API reference, LogGroup, arn: in policies, the actions for tags have the ARN
    # without the suffix, and all other actions have it with the suffix.
    "AWS::Logs::LogGroup": NamedType(
        "LogGroupName", _regional("logs", {"log-group": "log-group:{name}"}), suffix=":*"
    ),
    "AWS::ECS::Cluster": NamedType("ClusterName", _regional("ecs", {"cluster": "cluster/{name}"})),
    "AWS::ECS::Service": NamedType(
        "ServiceName",
        _regional(
            "ecs",
            {
                "service": "service/{cluster}/{name}",
                "service-deployment": "service-deployment/{cluster}/{name}/*",
            },
        ),
        generated="",
        of={"cluster": "Cluster"},
    ),
    "AWS::ECS::TaskDefinition": NamedType(
        "Family", _regional("ecs", {"task-definition": "task-definition/{name}:*"}), generated=""
    ),
    "AWS::ECR::Repository": NamedType(
        "RepositoryName", _regional("ecr", {"repository": "repository/{name}"}), lower=True
    ),
    "AWS::SQS::Queue": NamedType("QueueName", _regional("sqs", {"queue": "{name}"})),
    "AWS::SNS::Topic": NamedType("TopicName", _regional("sns", {"topic": "{name}"})),
    "AWS::S3::Bucket": NamedType(
        "BucketName",
        {"bucket": f"{ROOT}:s3:::{{name}}", "object": f"{ROOT}:s3:::{{name}}/*"},
        lower=True,
    ),
    "AWS::DynamoDB::Table": NamedType(
        "TableName",
        _regional("dynamodb", {"table": "table/{name}", "index": "table/{name}/index/*"}),
    ),
    "AWS::CloudWatch::Alarm": NamedType(
        "AlarmName", _regional("cloudwatch", {"alarm": "alarm:{name}"})
    ),
    "AWS::CloudWatch::Dashboard": NamedType(
        "DashboardName",
        {"dashboard": f"{ROOT}:cloudwatch::${{AWS::AccountId}}:dashboard/{{name}}"},
        generated="",
    ),
    "AWS::Events::Rule": NamedType(
        "Name", _regional("events", {"rule-on-default-event-bus": "rule/{name}"})
    ),
    "AWS::Lambda::Function": NamedType(
        "FunctionName", _regional("lambda", {"function": "function:{name}"})
    ),
    "AWS::SSM::Parameter": NamedType(
        "Name", _regional("ssm", {"parameter": "parameter/{name}"}), generated="CFN-{id}"
    ),
}

REFERRING_TYPES: Mapping[str, tuple[str, str]] = {
    "AWS::IAM::Policy": ("Roles", "AWS::IAM::Role"),
    "AWS::IAM::RolePolicy": ("RoleName", "AWS::IAM::Role"),
    "AWS::S3::BucketPolicy": ("Bucket", "AWS::S3::Bucket"),
    "AWS::SNS::Subscription": ("TopicArn", "AWS::SNS::Topic"),
    "AWS::SNS::TopicPolicy": ("Topics", "AWS::SNS::Topic"),
    "AWS::SQS::QueuePolicy": ("Queues", "AWS::SQS::Queue"),
    "AWS::ECS::ClusterCapacityProviderAssociations": ("Cluster", "AWS::ECS::Cluster"),
}
"""Types whose resources are a part of other resources: the property with these, and their type."""

KINDS: frozenset[str] = frozenset(kind for named in NAMED_TYPES.values() for kind in named.arns)
"""The kinds of resources that have a known ARN."""

LONGEST_PREFIX = 24
"""The characters of a stack's name, or of a logical ID, with which a generated name certainly
begins: CloudFormation shortens both if the name would be too long for its type, of which 64
characters are the least."""

GLOBAL_SERVICES = frozenset(
    {"cloudfront", "iam", "organizations", "route53", "s3", "shield", "sts", "wafv2"}
)
"""The services with requests that go to another region than that of the stack. IAM user guide,
"AWS global condition context keys", aws:RequestedRegion."""
