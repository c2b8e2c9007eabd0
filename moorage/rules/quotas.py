"""Quotas: more of something than AWS allows, or than it allows unless a quota is raised.

What else an account has is not known, so each number is a minimum.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from moorage.cfn import ecs
from moorage.cfn.nodes import Node
from moorage.cfn.quota_counts import (
    GroupRuleCount,
    LoadBalancerCount,
    Owner,
    count_by_load_balancer,
    count_group_rules,
    count_tasks,
    services_by_load_balancer,
)
from moorage.cfn.security_group_rules import EGRESS
from moorage.cfn.stack import Resource
from moorage.cfn.text_sizes import json_bytes
from moorage.cfn.view import View
from moorage.facts import quotas
from moorage.facts.quotas import Quota
from moorage.rules.message_parts import join_and
from moorage.rules.rule import Problem, problem, rule

_ALB = "AWS docs: Quotas for your Application Load Balancers"
_NLB = "AWS docs: Quotas for your Network Load Balancers"
_VPC = "AWS docs: Amazon VPC quotas"
_ECS = "AWS docs: Amazon ECS service quotas"
_CERTIFICATES = "certificates in addition to the default ones"


def advise_request(needed: Iterable[tuple[Quota, int]]) -> str:
    """What to request from AWS, as the beginning of a sentence."""
    words = [f"at least {number:,} for the quota `{quota.name}`" for quota, number in needed]
    return f"Request {join_and(words)} before the deployment"


def name_owner(owner: Owner) -> str:
    return f"`{owner.id if isinstance(owner, Resource) else owner}`"


# Load balancers ------------------------------------------------------------------------------


@rule(
    "E9985",
    "A load balancer has more target groups or listeners than AWS allows.",
    error_messages=("TooManyUniqueTargetGroupsPerLoadBalancer",),
    fix="Distribute the services over several load balancers: an Application Load Balancer has 100 "
    "target groups, a Network Load Balancer 50 listeners. AWS does not raise these quotas.",
    sources=(_ALB, _NLB),
)
def more_than_a_load_balancer_can_have(view: View) -> Iterator[Problem]:
    """The listeners of an Application Load Balancer and their rules forward to 100 different target
    groups at most, and a Network Load Balancer has 50 listeners at most. The deployment of a
    service that would exceed that fails. The templates of an environment are counted together."""
    for count in count_by_load_balancer(view):
        groups, listeners = list(count.target_groups.values()), count.listeners
        if count.kind == "application" and len(groups) > quotas.TARGET_GROUPS_PER_ALB.value:
            most = quotas.TARGET_GROUPS_PER_ALB.value
            yield problem(
                _place(count, groups[most]),
                f"The listeners and rules of {name_owner(count.load_balancer)} forward to "
                f"{len(groups)} target groups, and an Application Load Balancer has at most {most}",
                "Move some of the services to another load balancer: AWS does not raise this "
                "quota.",
            )
        if count.kind == "network" and len(listeners) > quotas.LISTENERS_PER_NLB.value:
            most = quotas.LISTENERS_PER_NLB.value
            yield problem(
                _place(count, listeners[most].body),
                f"{name_owner(count.load_balancer)} has {len(listeners)} listeners, and a Network "
                f"Load Balancer has at most {most}",
                "Move some of the listeners to another load balancer: AWS does not raise this "
                "quota.",
            )


@rule(
    "W9986",
    "A load balancer needs a higher quota.",
    error_messages=("TooManyRules", "TooManyCertificates", "TooManyListeners", "TooManyTargets"),
    fix="Request a higher quota before the deployment, or distribute the services over several "
    "load balancers.",
    sources=(_ALB, _NLB),
)
def load_balancer_needs_higher_quota(view: View) -> Iterator[Problem]:
    """Unless the quota of the account is raised, an Application Load Balancer has 100 rules, 50
    listeners, 25 certificates in addition to the default ones of its listeners, and 1,000 targets.
    A Network Load Balancer has 25 certificates and 3,000 targets: at most 500 in each Availability
    Zone, or 500 in total with cross-zone load balancing."""
    targets = services_by_load_balancer(view)
    for count in count_by_load_balancer(view):
        owner = count.load_balancer
        for quota, what, nodes in _adjustable_counts(count):
            if len(nodes) > quota.value:
                above = nodes[quota.value]
                yield problem(
                    above if what is _CERTIFICATES else _place(count, above),
                    f"{name_owner(owner)} has {len(nodes)} {what}, and the quota is {quota.value}",
                    f"{advise_request([(quota, len(nodes))])}, or use another load balancer for "
                    f"some of them.",
                )
        if isinstance(owner, Resource):
            tasks = [count_tasks(service) for service in targets.get(owner, ())]
            for quota, most in _target_quotas(owner):
                if sum(tasks) > most >= max(tasks):
                    yield problem(
                        owner,
                        f"The services behind {name_owner(owner)} can have {sum(tasks):,} tasks "
                        f"together, and the quota is {most:,} targets",
                        f"{advise_request([(quota, sum(tasks))])}, or use another load balancer "
                        f"for some of the services.",
                    )
                    break


def _adjustable_counts(count: LoadBalancerCount) -> Iterator[tuple[Quota, str, list[Node]]]:
    """The quotas of a load balancer, what they count, and where that is."""
    extra = [
        node for key, node in count.certificates.items() if key not in count.default_certificates
    ]
    if count.kind == "application":
        yield quotas.RULES_PER_ALB, "listener rules", [rule.body for rule in count.rules]
        listeners = [listener.body for listener in count.listeners]
        yield quotas.LISTENERS_PER_ALB, "listeners", listeners
        yield quotas.CERTIFICATES_PER_ALB, _CERTIFICATES, extra
    if count.kind == "network":
        yield quotas.CERTIFICATES_PER_NLB, _CERTIFICATES, extra


def _target_quotas(load_balancer: Resource) -> Iterator[tuple[Quota, int]]:
    """Quotas of targets, with the number of targets that a load balancer can have by each."""
    kind = ecs.load_balancer_type(load_balancer)
    if kind == "application":
        yield quotas.TARGETS_PER_ALB, quotas.TARGETS_PER_ALB.value
    if kind == "network":
        attributes = ecs.attributes(load_balancer, "LoadBalancerAttributes")
        cross_zone = attributes.get("load_balancing.cross_zone.enabled")
        lists = load_balancer["Subnets"], load_balancer["SubnetMappings"]
        zones = max(len(node.items) for node in lists) or 1
        by_zone = quotas.TARGETS_PER_ZONE_AND_NLB
        yield by_zone, by_zone.value * (1 if cross_zone and cross_zone.flag else zones)
        yield quotas.TARGETS_PER_NLB, quotas.TARGETS_PER_NLB.value


def _place(count: LoadBalancerCount, node: Node) -> Node:
    """The load balancer, if it is in the templates; otherwise the first thing above the quota."""
    owner = count.load_balancer
    return owner.body if isinstance(owner, Resource) else node


# Security groups -----------------------------------------------------------------------------


@rule(
    "W9987",
    "A security group needs a higher quota for its rules.",
    error_messages=("RulesPerSecurityGroupLimitExceeded",),
    fix="Request a higher quota before the deployment, join adjacent CIDR blocks, or use another "
    "load balancer or security group for some of the rules.",
    sources=(_VPC, "AWS docs: Error codes for the Amazon EC2 API"),
)
def group_needs_higher_quota(view: View) -> Iterator[Problem]:
    """A security group has 60 inbound and 60 outbound rules for each IP version unless the quota of
    the account is raised. A rule that refers to a security group counts for both IP versions, and a
    prefix list as its maximum number of entries. The templates of an environment are counted
    together: each service adds an outbound rule to the security group of its load balancer."""
    for count in count_group_rules(view):
        if quotas.SECURITY_GROUP_RULES.value < count.most <= quotas.MAX_RULES_PER_INTERFACE:
            groups = quotas.MAX_RULES_PER_INTERFACE // count.most
            also = ""
            if groups < quotas.GROUPS_PER_INTERFACE.value:
                also = f", and at most {groups} for `{quotas.GROUPS_PER_INTERFACE.name}`"
            yield problem(
                _place_of_rules(count),
                f"{_describe_rules(count)}, and the quota is {quotas.SECURITY_GROUP_RULES.value}",
                f"{advise_request([(quotas.SECURITY_GROUP_RULES, count.most)])}{also}; or "
                f"{_how_to_reduce(count)}.",
            )


@rule(
    "E9988",
    "A security group has more rules than AWS allows.",
    fix="Join adjacent CIDR blocks, or use several security groups or load balancers.",
    sources=(_VPC,),
)
def more_rules_than_a_group_can_have(view: View) -> Iterator[Problem]:
    """The quota for rules of a security group can be raised, but its product with the quota for
    security groups of a network interface is at most 1,000."""
    for count in count_group_rules(view):
        if count.most > quotas.MAX_RULES_PER_INTERFACE:
            yield problem(
                _place_of_rules(count),
                f"{_describe_rules(count)}, and no quota allows more than "
                f"{quotas.MAX_RULES_PER_INTERFACE:,}",
                f"Instead, {_how_to_reduce(count)}.",
            )


def _describe_rules(count: GroupRuleCount) -> str:
    direction = "outbound" if count.direction == EGRESS else "inbound"
    version = "IPv4" if count.ipv4 >= count.ipv6 else "IPv6"
    message = (
        f"Security group {name_owner(count.group)} has {count.most:,} {direction} {version} rules"
    )
    (name, number), *others = count.by_template
    if not others:
        is_home = isinstance(count.group, Resource) and count.group.stack.name == name
        return message if is_home else f"{message}, which are in {name}"
    if 2 * number > len(count.nodes):
        return f"{message}, of which {number} in {name}"
    return f"{message}, which are in {len(others) + 1} templates"


def _how_to_reduce(count: GroupRuleCount) -> str:
    blocks = sum(node["CidrIp"].present or node["CidrIpv6"].present for node in count.nodes)
    if 2 * blocks > len(count.nodes):
        return "write adjacent CIDR blocks as one"
    if count.direction == EGRESS:
        return "use another load balancer for some of the services"
    return "allow a block of addresses instead of single security groups"


def _place_of_rules(count: GroupRuleCount) -> Node:
    """The security group or its inline rules; for one that exists, the last rule."""
    if not isinstance(count.group, Resource):
        return count.nodes[-1]
    inline = count.group[f"SecurityGroup{count.direction}"]
    is_most = 2 * len(inline.as_list) > len(count.nodes)
    return inline if is_most else count.group.body


# Services and tasks --------------------------------------------------------------------------


@rule(
    "E9989",
    "A service has more security groups than ECS allows.",
    error_messages=("(in substance) There's a limit of 5 security groups that can be specified",),
    fix="Use at most five security groups.",
    sources=(_ECS, "AWS docs: ECS API reference, AwsVpcConfiguration (securityGroups)"),
    failure_ids=("svc-six-security-groups",),
)
def too_many_groups_of_service(view: View) -> Iterator[Problem]:
    """ECS accepts at most five security groups for the network interfaces of tasks, whatever the
    quota of the account is."""
    for service in ecs.services(view):
        groups = service.props.at("NetworkConfiguration", "AwsvpcConfiguration", "SecurityGroups")
        number = sum(not group.optional for group in groups.items)
        if number > quotas.MAX_SECURITY_GROUPS_PER_SERVICE:
            yield problem(
                groups,
                f"The tasks of `{service.id}` have {number} security groups, and ECS accepts "
                f"{quotas.MAX_SECURITY_GROUPS_PER_SERVICE}",
                "Put the rules of some of them into one group.",
            )


@rule(
    "W9990",
    "A service has more tasks than the quotas of the account allow.",
    fix="Request higher quotas before the deployment, or write a lower number of tasks.",
    sources=(_ECS, _ALB, _NLB),
)
def service_needs_higher_quota(view: View) -> Iterator[Problem]:
    """Unless quotas are raised, a service has 5,000 tasks, of which AWS Cloud Map registers 1,000
    for service discovery, and a target group or an Application Load Balancer has 1,000 targets."""
    load_balancers: dict[Resource, list[Resource]] = {}
    for load_balancer, services in services_by_load_balancer(view).items():
        for service in services:
            load_balancers.setdefault(service, []).append(load_balancer)
    for service in ecs.services(view):
        tasks = count_tasks(service)
        limits = [(quotas.TASKS_PER_SERVICE, quotas.TASKS_PER_SERVICE.value)]
        if service["ServiceRegistries"].items:
            limits.append((quotas.TASKS_IN_CLOUD_MAP, quotas.TASKS_IN_CLOUD_MAP.value))
        if service in load_balancers:
            limits.append((quotas.TARGETS_PER_GROUP, quotas.TARGETS_PER_GROUP.value))
        for load_balancer in dict.fromkeys(load_balancers.get(service, ())):
            limits += _target_quotas(load_balancer)
        needed = {quota: tasks for quota, limit in limits if tasks > limit}
        if needed:
            least = min(limit for quota, limit in limits if quota in needed)
            yield problem(
                service,
                f"Service `{service.id}` can have {tasks:,} tasks, and the quotas allow {least:,}",
                f"{advise_request(needed.items())}, or write a lower number.",
            )


@rule(
    "E9991",
    "A task definition is larger than ECS allows.",
    error_messages=("Actual length: '...'. Max allowed length is '65536' bytes.",),
    fix="Move containers to another service; keep long texts in an image, in a file in S3 "
    "(EnvironmentFiles) or in Parameter Store (Secrets).",
    sources=(_ECS, "awsdocs/amazon-ecs-developer-guide#149"),
)
def task_definition_too_large(view: View) -> Iterator[Problem]:
    """A task definition has at most ten containers and 64 KiB. What only the deployment knows, such
    as the ARN of a role, is not counted here."""
    for task in ecs.task_definitions(view):
        containers = ecs.containers(task)
        number = sum(not container.optional for container in containers)
        if number > quotas.MAX_CONTAINERS_PER_TASK:
            yield problem(
                task["ContainerDefinitions"],
                f"Task definition `{task.id}` has {number} containers, and ECS accepts "
                f"{quotas.MAX_CONTAINERS_PER_TASK}",
                "Move some of the containers to another task definition.",
            )
        size = json_bytes(task.props.raw)
        if size > quotas.MAX_TASK_DEFINITION_BYTES:
            largest = max(containers, key=lambda container: json_bytes(container.raw), default=None)
            yield problem(
                largest or task["ContainerDefinitions"],
                f"Task definition `{task.id}` has {size:,} bytes, and ECS accepts "
                f"{quotas.MAX_TASK_DEFINITION_BYTES:,}",
                "Move long texts into an image, a file in S3 (EnvironmentFiles) or Parameter Store "
                "(Secrets).",
            )


RULES = (
    more_than_a_load_balancer_can_have,
    load_balancer_needs_higher_quota,
    group_needs_higher_quota,
    more_rules_than_a_group_can_have,
    too_many_groups_of_service,
    service_needs_higher_quota,
    task_definition_too_large,
)
