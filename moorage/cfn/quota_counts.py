"""Counts for quotas of AWS, over the templates of an environment.

Existing resources, such as a listener that the templates refer to by its ARN, are counted as well.
What else they have is not known, so every count is a lower bound.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field

from moorage.cfn import ecs
from moorage.cfn.networks import SECURITY_GROUP
from moorage.cfn.nodes import Node
from moorage.cfn.peers import find_security_group
from moorage.cfn.security_group_rules import EGRESS, INGRESS
from moorage.cfn.stack import Resource
from moorage.cfn.view import View

Owner = Resource | str
"""A resource of the templates, or the ID or ARN of an existing one."""

_LISTENER_ARN = re.compile(r"(.*:)listener(?:-rule)?/((?:app|net)/[^/]*/[^/]*)/.*")
_PREFIX_LISTS = ("SourcePrefixListId", "DestinationPrefixListId")


# Rules of security groups --------------------------------------------------------------------


@dataclass
class GroupRuleCount:
    """The rules of a security group in one direction."""

    group: Owner
    direction: str
    ipv4: int = 0
    ipv6: int = 0
    nodes: list[Node] = field(default_factory=list)

    @property
    def most(self) -> int:
        """The larger of the two numbers: the quota is the same for both IP versions."""
        return max(self.ipv4, self.ipv6)

    @property
    def by_template(self) -> list[tuple[str, int]]:
        """The templates that the rules are in, with the number of rules, most rules first."""
        return Counter(node.stack.name for node in self.nodes).most_common()


def count_group_rules(view: View) -> list[GroupRuleCount]:
    """The rules of all security groups, inline and separate ones."""
    counts: dict[tuple[Owner, str], GroupRuleCount] = {}
    for group, direction, rule in _group_rules(view):
        count = counts.setdefault((group, direction), GroupRuleCount(group, direction))
        weight = _prefix_list_entries(rule)
        is_for_both = rule["CidrIp"].absent and rule["CidrIpv6"].absent
        count.ipv4 += weight if is_for_both or rule["CidrIp"].present else 0
        count.ipv6 += weight if is_for_both or rule["CidrIpv6"].present else 0
        count.nodes.append(rule)
    for (group, direction), count in counts.items():
        # Without inline outbound rules, the group keeps EC2's default rule, which allows all IPv4.
        if direction == EGRESS and isinstance(group, Resource):
            count.ipv4 += group["SecurityGroupEgress"].empty
    return list(counts.values())


def _group_rules(view: View) -> Iterator[tuple[Owner, str, Node]]:
    for direction in (INGRESS, EGRESS):
        for group in view.resources_of_type(SECURITY_GROUP):
            for rule in group[f"SecurityGroup{direction}"].as_list:
                if not rule.optional:
                    yield group, direction, rule
        for separate in view.resources_of_type(f"{SECURITY_GROUP}{direction}"):
            owner = find_security_group(separate["GroupId"]) or separate["GroupId"].text
            if owner is not None:
                yield owner, direction, separate.props


def _prefix_list_entries(rule: Node) -> int:
    """The number of rules that a rule counts as: the size of its prefix list, if that is known."""
    for key in _PREFIX_LISTS:
        prefix_list = rule[key].resource
        if prefix_list is not None and prefix_list.type == "AWS::EC2::PrefixList":
            return prefix_list["MaxEntries"].number or 1
    return 1


# Load balancers ------------------------------------------------------------------------------


@dataclass
class LoadBalancerCount:
    """The listeners, rules, target groups and certificates of a load balancer."""

    load_balancer: Owner
    kind: str | None
    """`application` or `network`; None if unknown."""
    listeners: list[Resource] = field(default_factory=list)
    rules: list[Resource] = field(default_factory=list)
    target_groups: dict[Hashable, Node] = field(default_factory=dict)
    certificates: dict[Hashable, Node] = field(default_factory=dict)
    """Additional certificates, besides the default ones."""
    default_certificates: set[Hashable] = field(default_factory=set)


def count_by_load_balancer(view: View) -> list[LoadBalancerCount]:
    """Counts of all load balancers that the templates create or extend."""
    counts: dict[Owner, LoadBalancerCount] = {}

    def count_of(listener_arn: Node, listener: Resource | None) -> LoadBalancerCount | None:
        owner = _load_balancer(listener_arn, listener)
        if owner is None:
            return None
        return counts.setdefault(owner, LoadBalancerCount(owner, _kind(owner)))

    for forwarder in view.resources_of_type(ecs.LISTENER, ecs.LISTENER_RULE):
        count = count_of(forwarder["ListenerArn"], ecs.listener_of(forwarder))
        if count is None:
            continue
        is_listener = forwarder.type == ecs.LISTENER
        (count.listeners if is_listener else count.rules).append(forwarder)
        for node in ecs.forwarded_target_groups(forwarder):
            count.target_groups.setdefault(_identity(node), node)
        for certificate in forwarder["Certificates"].items[:1] if is_listener else ():
            count.default_certificates.add(_identity(certificate["CertificateArn"]))
    for added in view.resources_of_type(f"{ecs.LISTENER}Certificate"):
        arn = added["ListenerArn"]
        count = count_of(arn, ecs.resource_of_type(arn, ecs.LISTENER))
        nodes = [certificate["CertificateArn"] for certificate in added["Certificates"].items]
        if count is not None:
            for node in nodes:
                count.certificates.setdefault(_identity(node), node)
    return list(counts.values())


def _load_balancer(listener_arn: Node, listener: Resource | None) -> Owner | None:
    if listener is not None:
        node = listener["LoadBalancerArn"]
        return ecs.resource_of_type(node, ecs.LOAD_BALANCER) or node.text
    match = _LISTENER_ARN.fullmatch(listener_arn.text or "")
    return f"{match[1]}loadbalancer/{match[2]}" if match else None


def _kind(owner: Owner) -> str | None:
    if isinstance(owner, Resource):
        return ecs.load_balancer_type(owner)
    kinds = {"/app/": "application", "/net/": "network"}
    return next((kind for mark, kind in kinds.items() if f"loadbalancer{mark}" in owner), None)


def _identity(node: Node) -> Hashable:
    """Equal for two properties with the same value."""
    return node.resource or node.text or str(node.value)


# Tasks ---------------------------------------------------------------------------------------


def count_tasks(service: Resource) -> int:
    """The largest number of tasks that a service may have, as far as it is known."""
    targets = ecs.scalable_targets_by_service(service.view).get(service, [])
    counts = [service["DesiredCount"], *(target["MaxCapacity"] for target in targets)]
    return max(node.number or 0 for node in counts)


def services_by_load_balancer(view: View) -> dict[Resource, list[Resource]]:
    """The services whose tasks are targets of each load balancer, once for each target group."""
    services: dict[Resource, list[Resource]] = {}
    for attachment in ecs.target_group_attachments(view):
        group = attachment.target_group.resource
        is_alternate = "AdvancedConfiguration" in attachment.target_group.path
        if group is not None and not is_alternate:
            for load_balancer in ecs.load_balancers_of_target_group(view, group):
                services.setdefault(load_balancer, []).append(attachment.service)
    return services
