"""The ECS service of a stack."""

from __future__ import annotations

from botocore.exceptions import ClientError

from moorage.deploy.aws import Aws, AwsError, aws_errors
from moorage.deploy.target import DeployStack


def find_service(aws: Aws, stack: DeployStack) -> str:
    """The ARN of the service. Raises AwsError if the stack has none, or is not deployed."""
    try:
        with aws_errors():
            pages = aws.cloudformation.get_paginator("list_stack_resources").paginate(
                StackName=stack.stack_name
            )
            for page in pages:
                for item in page["StackResourceSummaries"]:
                    if item["ResourceType"] == "AWS::ECS::Service":
                        return item.get("PhysicalResourceId", "")
    except AwsError as error:
        cause = error.__cause__
        if isinstance(cause, ClientError) and "does not exist" in str(cause):
            raise AwsError(f"{stack.stack_name} is not deployed yet") from error
        raise
    raise AwsError(f"{stack.name} has no ECS service")
