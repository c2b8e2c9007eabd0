"""Quotas and limits that templates and rules count against.

A quota that AWS raises on request is named as such. Compared with botocore 1.44.5 and cfn-lint
1.58.0 on 2026-11-27, where these have the number.
"""

from __future__ import annotations

# AWS CloudFormation user guide, "Understand CloudFormation quotas"; API reference, CreateStack,
# TemplateBody and StackName.
MAX_TEMPLATE_BYTES = 51_200
"""The size of a template in the request itself; a template in an S3 bucket can be larger."""
MAX_RESOURCES = 500
MAX_OUTPUTS = 200
MAX_PARAMETERS = 200
MAX_STACK_NAME = 128
MAX_LOGICAL_ID = 255

# IAM user guide, "IAM and AWS STS quotas".
MANAGED_POLICIES_PER_ROLE = 10
MAX_MANAGED_POLICIES_PER_ROLE = 20
"""The value up to which AWS raises MANAGED_POLICIES_PER_ROLE."""
MAX_INLINE_POLICY_CHARACTERS = 10_240
"""Of all inline policies of a role together; white space does not count."""

SECURITY_GROUP_RULES = 60
"""For each direction and each IP version; it can be raised. A rule with a prefix list counts as
many as the list may hold. Amazon VPC user guide, "Amazon VPC quotas" (read on 2026-11-27)."""

# Amazon ECS developer guide, "Amazon ECS service quotas", and "Registering multiple target groups
# with an Amazon ECS service".
MAX_CONTAINERS_PER_TASK = 10
MAX_TASK_DEFINITION_BYTES = 64 * 1024
MAX_TARGET_GROUPS_PER_SERVICE = 5

MAX_VALUES_PER_LISTENER_RULE = 5
"""Condition values of a rule. User guide for Application Load Balancers, "Quotas for your
Application Load Balancers"."""
MAX_CONDITION_LENGTH = 128
"""Characters of a host or path pattern. Elastic Load Balancing API reference,
HostHeaderConditionConfig and PathPatternConditionConfig."""
LISTENER_RULE_PRIORITIES = (1, 50_000)
"""The first and the last. Elastic Load Balancing API reference, CreateRule, Priority."""
