"""Endpoint services (AWS PrivateLink) that tasks and container instances call.

Amazon ECS developer guide, "Amazon ECS interface VPC endpoints (AWS PrivateLink)" (read on
2026-11-27); Amazon ECR user guide, "Amazon ECR interface VPC endpoints (AWS PrivateLink)".
"""

from __future__ import annotations

import re

TASK_SERVICES = ("ecr.api", "ecr.dkr", "logs", "secretsmanager", "ssm", "ssmmessages")
"""The services that a task on Fargate calls when it starts and, for ECS Exec (`ssmmessages`),
later, by interface endpoints. The layers of an image come from S3."""

SERVICES_WITH_POLICY = ("ecr.api", "ecr.dkr", "logs", "secretsmanager", "ssm")
"""Those of them whose user guides describe policies for their endpoints: Amazon ECR, "Amazon ECR
interface VPC endpoints (AWS PrivateLink)"; Secrets Manager, "Using an AWS Secrets Manager VPC
endpoint" (both titles found on 2026-11-27); CloudWatch Logs, "Using CloudWatch Logs with interface
VPC endpoints"; Systems Manager, "Improve the security of EC2 instances by using VPC endpoints for
Systems Manager" (these two titles could not be looked up again)."""

AGENT_SERVICES = ("ecs", "ecs-agent", "ecs-telemetry")
"""The services that the ECS agent of a container instance calls, in addition to TASK_SERVICES."""

GATEWAY_SERVICES = ("s3", "dynamodb")
"""The services with gateway endpoints. Amazon VPC user guide, "Gateway endpoints"."""

_DEFAULT_PREFIX = "com.amazonaws"

# From InterfaceVpcEndpointAwsService of the AWS CDK: only ECR's two services among those above have
# another prefix.
_ECR_PREFIXES = {
    "cn": "cn.com.amazonaws",
    "eusc-de": "eu.amazonaws",
    "us-iso": "gov.ic.c2s",
    "us-isob": "gov.sgov.sc2s",
    "us-isof": "gov.ic.hci.csp",
    "eu-isoe": "uk.adc-e.cloud",
}

SERVICE_NAME = re.compile(r"(?:cn\.)?com\.amazonaws\.[^.]+\.(.+)")
"""The full name of an endpoint service; the group is the service, such as `ecr.api`."""


def build_service_name(service: str, region: str) -> str:
    """The full name of one of the services above in a region.

    >>> build_service_name("logs", "eu-west-1"), build_service_name("ecr.api", "cn-north-1")
    ('com.amazonaws.eu-west-1.logs', 'cn.com.amazonaws.cn-north-1.ecr.api')
    """
    group = region.rsplit("-", 2)[0] if service in ("ecr.api", "ecr.dkr") else ""
    return f"{_ECR_PREFIXES.get(group, _DEFAULT_PREFIX)}.{region}.{service}"
