"""Quotas and limits that templates and rules count against.

A quota that AWS raises on request is named as such. Compared with botocore 1.44.5 and cfn-lint
1.58.0 on 2026-11-27, where these have the number. Left out are quotas that are larger than an
environment can be, such as 10,000 clusters or 1,000,000 schedules. The codes
are those that ListServiceQuotas of Service Quotas returns.
"""

from __future__ import annotations

from moorage.records import record


@record
class Quota:
    """A quota of an account in each region, or of each resource of a kind."""

    name: str
    """As Service Quotas and AWS's guides call it."""
    value: int
    """The default."""
    is_adjustable: bool = True
    """Whether AWS raises it on request."""
    service: str = ""
    """The code of the service in Service Quotas, where Moorage asks for the value there."""
    code: str = ""
    """The code of the quota in Service Quotas."""


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
MAX_MANAGED_POLICY_CHARACTERS = 6_144
"""White space does not count."""
MAX_ROLE_NAME = 64
MAX_INLINE_POLICY_CHARACTERS = 10_240
"""For all inline policies of a role together; white space does not count."""

ROLES = Quota("Roles per account", 1_000)
INSTANCE_PROFILES = Quota("Instance profiles per account", 1_000)

# Amazon VPC user guide, "Amazon VPC quotas".
SECURITY_GROUP_RULES = Quota("Inbound or outbound rules per security group", 60)
"""For each direction and each IP version. A rule that refers to a security group counts as one, a
rule with a prefix list as many as the list may hold."""
GROUPS_PER_INTERFACE = Quota("Security groups per network interface", 5)
MAX_RULES_PER_INTERFACE = 1_000
"""The product of SECURITY_GROUP_RULES and GROUPS_PER_INTERFACE cannot be raised above it."""
SECURITY_GROUPS = Quota("VPC security groups per Region", 2_500)
VPCS = Quota("VPCs per Region", 5, service="vpc", code="L-F678F1CE")
SUBNETS_PER_VPC = Quota("Subnets per VPC", 200)
ELASTIC_IPS = Quota("Elastic IP addresses per Region", 5, service="ec2", code="L-0263D0A3")
NAT_GATEWAYS_PER_ZONE = Quota("NAT gateways per Availability Zone", 5)
INTERFACE_ENDPOINTS_PER_VPC = Quota("Interface and Gateway Load Balancer endpoints per VPC", 50)

# User guides for Application and Network Load Balancers, "Quotas for your Application Load
# Balancers" and "Quotas for your Network Load Balancers".
ALBS = Quota(
    "Application Load Balancers per Region", 50, service="elasticloadbalancing", code="L-53DA6B97"
)
NLBS = Quota(
    "Network Load Balancers per Region", 50, service="elasticloadbalancing", code="L-69A177A2"
)
TARGET_GROUPS = Quota("Target Groups per Region", 3_000)
TARGET_GROUPS_PER_ALB = Quota("Target Groups per Application Load Balancer", 100, False)
RULES_PER_ALB = Quota("Rules per Application Load Balancer", 100)
"""Default actions of listeners do not count."""
LISTENERS_PER_ALB = Quota("Listeners per Application Load Balancer", 50)
LISTENERS_PER_NLB = Quota("Listeners per Network Load Balancer", 50, False)
CERTIFICATES_PER_ALB = Quota("Certificates per Application Load Balancer", 25)
"""Default certificates of listeners do not count."""
CERTIFICATES_PER_NLB = Quota("Certificates per Network Load Balancer", 25)
TARGETS_PER_GROUP = Quota("Targets per Target Group per Region", 1_000)
TARGETS_PER_ALB = Quota("Targets per Application Load Balancer", 1_000)
TARGETS_PER_NLB = Quota("Targets per Network Load Balancer", 3_000)
TARGETS_PER_ZONE_AND_NLB = Quota("Targets per Availability Zone per Network Load Balancer", 500)
"""With cross-zone load balancing, the quota is for the load balancer as a whole."""

# AWS CloudFormation user guide, "Understand CloudFormation quotas"; Application Auto Scaling user
# guide, "Quotas for Application Auto Scaling".
STACKS = Quota("Stacks", 2_000)
ECS_SCALABLE_TARGETS = Quota("Scalable targets per resource type", 3_000)

# Amazon ECS developer guide, "Amazon ECS service quotas", and "Registering multiple target groups
# with an Amazon ECS service".
MAX_CONTAINERS_PER_TASK = 10
MAX_TASK_DEFINITION_BYTES = 64 * 1024
MAX_TARGET_GROUPS_PER_SERVICE = 5
MAX_SECURITY_GROUPS_PER_SERVICE = 5
"""Amazon ECS API reference, AwsVpcConfiguration, securityGroups (botocore 1.44.5)."""
SERVICES_PER_CLUSTER = Quota("Services per cluster", 5_000)
TASKS_PER_SERVICE = Quota("Tasks per service", 5_000)
TASKS_IN_CLOUD_MAP = Quota("Instances per service", 1_000)
"""In AWS Cloud Map, each task of a service with service discovery is an instance."""

MAX_VALUES_PER_LISTENER_RULE = 5
"""Condition values of a rule. User guide for Application Load Balancers, "Quotas for your
Application Load Balancers"."""
MAX_WILDCARDS_PER_LISTENER_RULE = (5, 6)
"""AWS's pages say five in one place and six in another: more than the first may be refused, more
than the second are."""
MAX_HEADER_NAME_LENGTH = 40
"""Characters. Elastic Load Balancing API reference, HttpHeaderConditionConfig."""
MAX_CONDITION_LENGTH = 128
"""Characters of a host or path pattern. Elastic Load Balancing API reference,
HostHeaderConditionConfig and PathPatternConditionConfig."""
LISTENER_RULE_PRIORITIES = (1, 50_000)
"""The first and the last. Elastic Load Balancing API reference, CreateRule, Priority."""
