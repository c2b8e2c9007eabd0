"""The resources of a deployed stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from moorage.deploy.aws import Aws, AwsError, aws_errors

if TYPE_CHECKING:
    from types_boto3_cloudformation.type_defs import StackResourceSummaryTypeDef

CLUSTER = "AWS::ECS::Cluster"
SERVICE = "AWS::ECS::Service"
TASK_DEFINITION = "AWS::ECS::TaskDefinition"


def read_resources(aws: Aws, stack: str) -> list[StackResourceSummaryTypeDef]:
    """All resources of the stack with that name or ID."""
    with aws_errors():
        pages = aws.cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
        return [item for page in pages for item in page["StackResourceSummaries"]]


def read_services(aws: Aws, stack: str) -> list[tuple[str, str]]:
    """The logical IDs and ARNs of the ECS services of a stack."""
    return [
        (resource["LogicalResourceId"], arn)
        for resource in read_resources(aws, stack)
        if resource["ResourceType"] == SERVICE
        and (arn := resource.get("PhysicalResourceId", "")).startswith("arn:")
    ]


def find_service(aws: Aws, stack: str, stack_id: str) -> str:
    """The ARN of the service of a stack. `stack` is its name in the params. Raises AwsError if it
    has none."""
    services = read_services(aws, stack_id)
    if not services:
        raise AwsError(f"{stack} has no ECS service")
    return services[0][1]
