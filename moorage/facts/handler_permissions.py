"""The IAM actions that CloudFormation needs for a resource type.

The table in handler_permissions.json is written by tools/handler_permissions.py, which names its
sources. What follows it here is missing in the schemas.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

_LISTENER_CERTIFICATES = ("Add", "Remove", "Describe")
_ADDITIONS: Mapping[str, tuple[str, ...]] = {
    # No handlers in their schemas. Elastic Load Balancing and CodeBuild API references, Actions.
    "AWS::ElasticLoadBalancingV2::ListenerCertificate": tuple(
        f"elasticloadbalancing:{verb}ListenerCertificates" for verb in _LISTENER_CERTIFICATES
    ),
    "AWS::CodeBuild::Project": (
        *(f"codebuild:{verb}Project" for verb in ("Create", "Update", "Delete")),
        *(f"codebuild:{verb}Webhook" for verb in ("Create", "Update", "Delete")),
        "codebuild:BatchGetProjects",
        "iam:PassRole",
    ),
    # The schema has the action of the older prefix only. An action needs the prefix that the ARN
    # of the connection has: AWS CodePipeline user guide, "Add permissions to the CodePipeline
    # service role", on connections.
    "AWS::CodePipeline::Pipeline": ("codeconnections:PassConnection",),
    # Elastic Load Balancing user guide, "Elastic Load Balancing API permissions".
    "AWS::ElasticLoadBalancingV2::LoadBalancer": (
        *("ec2:DescribeAccountAttributes", "ec2:DescribeAddresses"),
        *("ec2:DescribeInternetGateways", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets"),
        *("ec2:DescribeVpcs", "iam:CreateServiceLinkedRole"),
    ),
    "AWS::ElasticLoadBalancingV2::TargetGroup": (
        *("ec2:DescribeInstances", "ec2:DescribeInternetGateways", "ec2:DescribeSubnets"),
        "ec2:DescribeVpcs",
    ),
    # With a customer managed key. AWS Secrets Manager user guide, "Secret encryption and
    # decryption"; Amazon RDS user guide, "Encrypting Amazon RDS resources" and "Password management
    # with Amazon RDS and AWS Secrets Manager", permissions.
    "AWS::SecretsManager::Secret": ("kms:Decrypt", "kms:GenerateDataKey"),
    "AWS::RDS::DBInstance": ("kms:Decrypt", "kms:GenerateDataKey"),
    "AWS::RDS::DBCluster": (
        *("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"),
    ),
    # Amazon ECS developer guide, "IAM permissions required for Amazon ECS service auto scaling";
    # what it names of ECS, the service itself needs as well.
    "AWS::ApplicationAutoScaling::ScalingPolicy": (
        *("cloudwatch:DeleteAlarms", "cloudwatch:DescribeAlarms", "cloudwatch:PutMetricAlarm"),
    ),
}
"""Actions that are missing in the table, by type."""


@cache
def _table() -> Any:
    path = files("moorage.facts").joinpath("handler_permissions.json")
    return json.loads(path.read_text(encoding="utf-8"))


def find_actions(resource_type: str) -> tuple[str, ...]:
    """The actions with which CloudFormation creates, reads, updates, tags and deletes a resource;
    none for a type that is not in the table."""
    listed = _table()["types"].get(resource_type, ())
    return tuple(sorted({*listed, *_ADDITIONS.get(resource_type, ())}))


def find_kinds(action: str) -> frozenset[str]:
    """The kinds of resources with known ARNs that IAM can limit an action to; none for an action
    that must be allowed on `*`."""
    return frozenset(_table()["kinds"].get(action, ()))


# Actions that depend on the properties -----------------------------------------------------------

OPTIONAL_ACTIONS: Mapping[str, tuple[str, ...]] = {
    "ec2:AcceptAddressTransfer": ("transferaddress",),
    "logs:CreateLogDelivery": ("dataprotectionpolicy", "traffictype"),
    "logs:DeleteResourcePolicy": ("resourcepolicy",),
    "logs:PutResourcePolicy": ("resourcepolicy",),
}
"""Actions that are needed only with certain properties, as for OPTIONAL_SERVICES, and that reach
more than the resource."""

OPTIONAL_SERVICES: Mapping[str, tuple[str, ...]] = {
    "amplify": (),
    "apigateway": (),
    "apprunner": (),
    "appsync": (),
    "bedrock-agentcore": (),
    "cognito-idp": ("cognito",),
    "firehose": ("firehose", "dataprotectionpolicy"),
    "kinesis": ("kinesis",),
    "kms": ("kms", "sse", "encryption"),
    "lambda": ("lambda",),
    "logs": ("log",),
    "managed-fleets": ("managedfleet",),
    "s3": ("s3", "bucket"),
    "s3tables": ("s3table", "metadatatable"),
    "secretsmanager": ("secret", "masteruser"),
    "vpc-lattice": ("lattice",),
    "vpce": ("vpce",),
}
"""The services that some resource types use only with certain properties: words of which one is in
their names or values. An action of such a service, other than that of the type itself, is needed
only then."""
