"""All rules, in the order of their numbers, and the topics that the numbers belong to.

A new rule takes a free number of its topic and is listed in the `RULES` of its module; a new
module is imported and listed here.
"""

from __future__ import annotations

import re

from moorage.rules import (
    access_logs,
    account_quotas,
    action_order,
    alb_targets,
    build_roles,
    capacity_providers,
    cidr_blocks,
    codedeploy,
    codedeploy_hook,
    codedeploy_role,
    codedeploy_target_groups,
    container_logging,
    containers,
    creation_order,
    custom_resources,
    dashboards,
    deployment_hooks,
    deployment_settings,
    deployments,
    dns_records,
    duplicate_group_rules,
    dynamic_references,
    ecr,
    efs,
    event_delivery,
    execution_role,
    execution_role_secrets,
    exports,
    fargate_services,
    fargate_tasks,
    gateways,
    health_checks,
    hosted_rotation,
    iam_roles,
    identity_providers,
    images,
    infrastructure_roles,
    intrinsic_functions,
    listener_rules,
    listeners,
    load_balancer_security_groups,
    load_balancer_subnets,
    load_balancers,
    log_groups,
    mount_targets,
    network_acls,
    networking,
    pipeline_actions,
    port_mappings,
    queue_keys,
    quotas,
    resolved_secrets,
    resource_names,
    resource_signals,
    scaling,
    scaling_to_zero,
    scheduled_run_task,
    secret_json_keys,
    secrets,
    security_groups,
    service_connect,
    service_discovery,
    service_load_balancers,
    service_roles,
    service_settings,
    services,
    state_machines,
    subscriptions,
    target_group_vpcs,
    target_groups,
    target_roles,
    task_overrides,
    task_role,
    task_security_groups,
    traffic_shifting,
    unique_values,
    unmounted_volumes,
    unpeered_groups,
    volumes,
)
from moorage.rules.constraints import CONSTRAINTS
from moorage.rules.rule import Rule

_DNS = "DNS, certificates, web ACLs and CloudFront"
_LOAD_BALANCERS = "Load balancers"
_LISTENERS = "Listeners and listener rules"
_TARGET_GROUPS = "Target groups"

TOPICS: dict[range, str] = {
    range(9000, 9060): "Builds, pipelines, queues and events",
    range(9080, 9100): _DNS,
    range(9100, 9180): "Task definitions and containers",
    range(9180, 9220): "Fargate and capacity providers",
    range(9220, 9290): "Services",
    range(9290, 9350): "Deployments",
    range(9350, 9380): "Service discovery and Service Connect",
    range(9380, 9419): _LOAD_BALANCERS,
    range(9419, 9430): _DNS,
    range(9430, 9431): _LOAD_BALANCERS,
    range(9431, 9450): _DNS,
    range(9450, 9530): _LISTENERS,
    range(9530, 9571): _TARGET_GROUPS,
    range(9571, 9585): _LISTENERS,
    range(9585, 9596): _TARGET_GROUPS,
    range(9596, 9600): _LISTENERS,
    range(9600, 9632): "Networking",
    range(9632, 9680): "Auto Scaling groups and launch templates",
    range(9680, 9683): "Security groups",
    range(9683, 9690): "Networking",
    range(9690, 9697): "Security groups",
    range(9697, 9705): "Networking",
    range(9705, 9716): "Security groups",
    range(9716, 9730): "Scaling and alarms",
    range(9730, 9810): "IAM roles and permissions",
    range(9810, 9840): "KMS keys and secret stores",
    range(9840, 9870): "Log groups, file systems and storage",
    range(9870, 9900): "ECR repositories",
    range(9900, 9930): "Scaling and alarms",
    range(9930, 9985): "CloudFormation: order, names, replacement and deletion",
    range(9985, 10000): "Quotas",
    range(9060, 9080): "Scaling and alarms",
}
"""The numbers of each topic, which can have several ranges."""

RULES: tuple[Rule, ...] = tuple(
    sorted(
        (
            *containers.RULES,
            *unique_values.RULES,
            *dynamic_references.RULES,
            *duplicate_group_rules.RULES,
            *scheduled_run_task.RULES,
            *queue_keys.RULES,
            *unpeered_groups.RULES,
            *alb_targets.RULES,
            *network_acls.RULES,
            *mount_targets.RULES,
            *unmounted_volumes.RULES,
            *action_order.RULES,
            *intrinsic_functions.RULES,
            *dns_records.RULES,
            *port_mappings.RULES,
            *images.RULES,
            *identity_providers.RULES,
            *scaling_to_zero.RULES,
            *container_logging.RULES,
            *secrets.RULES,
            *resolved_secrets.RULES,
            *secret_json_keys.RULES,
            *exports.RULES,
            *custom_resources.RULES,
            *hosted_rotation.RULES,
            *resource_signals.RULES,
            *volumes.RULES,
            *fargate_tasks.RULES,
            *fargate_services.RULES,
            *capacity_providers.RULES,
            *service_load_balancers.RULES,
            *services.RULES,
            *service_settings.RULES,
            *deployments.RULES,
            *deployment_settings.RULES,
            *deployment_hooks.RULES,
            *traffic_shifting.RULES,
            *infrastructure_roles.RULES,
            *pipeline_actions.RULES,
            *event_delivery.RULES,
            *service_roles.RULES,
            *target_roles.RULES,
            *build_roles.RULES,
            *state_machines.RULES,
            *task_overrides.RULES,
            *codedeploy.RULES,
            *codedeploy_target_groups.RULES,
            *codedeploy_hook.RULES,
            *service_discovery.RULES,
            *service_connect.RULES,
            *load_balancers.RULES,
            *load_balancer_subnets.RULES,
            *access_logs.RULES,
            *listeners.RULES,
            *listener_rules.RULES,
            *target_groups.RULES,
            *target_group_vpcs.RULES,
            *health_checks.RULES,
            *networking.RULES,
            *cidr_blocks.RULES,
            *gateways.RULES,
            *security_groups.RULES,
            *load_balancer_security_groups.RULES,
            *task_security_groups.RULES,
            *iam_roles.RULES,
            *execution_role_secrets.RULES,
            *execution_role.RULES,
            *task_role.RULES,
            *codedeploy_role.RULES,
            *subscriptions.RULES,
            *log_groups.RULES,
            *efs.RULES,
            *ecr.RULES,
            *scaling.RULES,
            *dashboards.RULES,
            *creation_order.RULES,
            *resource_names.RULES,
            *quotas.RULES,
            *account_quotas.RULES,
            *(constraint.rule() for constraint in CONSTRAINTS),
        ),
        key=lambda rule: rule.id[1:],
    ),
)


def topic_of(rule: Rule) -> str:
    """The topic that a rule's number belongs to."""
    number = int(rule.id[1:])
    return next(topic for numbers, topic in TOPICS.items() if number in numbers)


def page_of(rule: Rule) -> str:
    """The name of the page with a rule, below `docs/rules`, without its extension."""
    return page_name(topic_of(rule))


def url_of(rule: Rule) -> str:
    """The address of the section about a rule."""
    pages = "https://github.com/moorage/moorage/blob/main/docs/rules"
    return f"{pages}/{page_of(rule)}.md#{rule.id.lower()}"


def page_name(topic: str) -> str:
    """The name of the page of a topic.

    >>> page_name("CloudFormation: order, names, replacement and deletion")
    'cloudformation'
    >>> page_name("IAM roles and permissions")
    'iam-roles-and-permissions'
    """
    return "-".join(re.findall(r"[a-z0-9]+", topic.partition(":")[0].partition(",")[0].lower()))
