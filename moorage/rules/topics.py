"""The topics of rules: which numbers they have, and which page below `docs/rules` is about them."""

from __future__ import annotations

import re

from moorage.rules.rule import Rule

TOPICS: dict[str, tuple[range, ...]] = {
    "Task definitions and containers": (range(9100, 9180),),
    "Fargate and capacity providers": (range(9180, 9220),),
    "Services": (range(9220, 9290),),
    "Deployments": (range(9290, 9350),),
    "Service discovery and Service Connect": (range(9350, 9380),),
    "Load balancers": (
        range(9380, 9419),
        range(9430, 9431),
    ),
    "DNS, certificates, web ACLs and CloudFront": (
        range(9080, 9100),
        range(9419, 9430),
        range(9431, 9450),
    ),
    "Listeners and listener rules": (
        range(9450, 9530),
        range(9571, 9585),
        range(9596, 9600),
    ),
    "Target groups": (
        range(9530, 9571),
        range(9585, 9596),
    ),
    "Networking": (
        range(9600, 9632),
        range(9683, 9690),
        range(9697, 9705),
    ),
    "Security groups": (
        range(9680, 9683),
        range(9690, 9697),
        range(9705, 9716),
    ),
    "Auto Scaling groups and launch templates": (range(9632, 9680),),
    "Scaling and alarms": (
        range(9060, 9080),
        range(9716, 9730),
        range(9900, 9930),
    ),
    "IAM roles and permissions": (range(9730, 9810),),
    "KMS keys and secret stores": (range(9810, 9840),),
    "Log groups, file systems and storage": (range(9840, 9870),),
    "ECR repositories": (range(9870, 9900),),
    "Builds, pipelines, queues and events": (range(9000, 9060),),
    "CloudFormation: order, names, replacement and deletion": (range(9930, 9985),),
    "Quotas": (range(9985, 10000),),
}
"""The numbers of each topic, in the order of their pages."""


def topic_of(rule: Rule) -> str:
    """The topic that a rule's number belongs to."""
    number = int(rule.id[1:])
    return next(topic for topic in TOPICS if any(number in numbers for numbers in TOPICS[topic]))


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
