"""What CloudFormation StackSets takes, and what it does not.

From the API reference and the user guide of AWS CloudFormation (read on 2026-11-27), and botocore
1.44.5.
"""

from __future__ import annotations

ORGANIZATIONAL_UNIT = "(?:ou-[a-z0-9]{4,32}-[a-z0-9]{8,32}|r-[a-z0-9]{4,32})"
"""The ID of an organizational unit, or of the root of an organization. API reference,
DeploymentTargets, OrganizationalUnitIds."""

EXECUTION_ROLE_NAME = "[a-zA-Z_0-9+=,.@-]{1,64}"
"""API reference, CreateStackSet, ExecutionRoleName."""

MAX_ORGANIZATIONAL_UNITS = 50
"""In one operation. API reference, CreateStackInstances."""

ALREADY_UNDER_WAY = "OperationInProgressException"
"""API reference, UpdateStackSet, Errors: another operation of the same stack set is under way."""

RUNNING = ("RUNNING", "QUEUED", "STOPPING")
"""The statuses of an operation that has not ended. API reference, StackSetOperation."""
UNFINISHED = ("PENDING", "RUNNING")
"""The results of an operation for stacks that it has not finished. API reference,
StackSetOperationResultSummary."""

RESOURCE_REASON = (
    r"ResourceLogicalId:(?P<name>[A-Za-z0-9]+), ResourceType:(?P<type>[A-Za-z0-9:]+), "
    r"ResourceStatusReason:(?P<reason>.+?)\.?$"
)
"""How StackSets reports that a resource failed, as in users' reports: the documentation does not
describe it."""

SUSPENDED = "SKIPPED_SUSPENDED_ACCOUNT"
"""The detailed status of a stack in a suspended account. API reference,
StackInstanceComprehensiveStatus."""

UNKNOWN_ORGANIZATION = ("AccessDeniedException", "AWSOrganizationsNotInUseException")
"""Errors of AWS Organizations where its accounts cannot be listed. AWS Organizations API reference,
ListAccountsForParent and DescribeOrganization."""

NO_TRUSTED_ACCESS = ("aws-cn",)
"""Partitions without service-managed permissions. User guide for China, "Prerequisites for stack
set operations"."""

NESTED = ("AWS::CloudFormation::Stack", "AWS::CloudFormation::Macro")
"""Types that the default execution role of service-managed permissions cannot create, like
transforms. User guide, "Configure a custom execution role template for StackSets"."""

GLOBAL_NAMES = {
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
    "AWS::CloudWatch::Dashboard": "DashboardName",
}
"""Names that an account can have once in all regions together. User guide, "Best practices for
using AWS CloudFormation StackSets" (IAM); template reference, AWS::CloudWatch::Dashboard."""

WORLDWIDE_NAMES = {"AWS::S3::Bucket": "BucketName"}
"""Names that exist once in all accounts together. Amazon S3 user guide, "General purpose bucket
naming rules"."""

REGIONAL = {
    "acm": "certificate",
    "ecs": "resource of Amazon ECS",
    "elasticfilesystem": "file system",
    "elasticloadbalancing": "load balancer, listener or target group",
    "servicediscovery": "namespace",
}
"""Services whose resources are used in their own region only, by the service in their ARNs, and
what they are. ACM user guide, "Supported Regions"; AWS Cloud Map developer guide, "AWS Cloud Map
namespaces". Other accounts can use some of them: Cloud Map developer guide, "Shared AWS Cloud Map
namespaces"."""
