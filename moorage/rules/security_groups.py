"""Security groups: their VPCs, and how messages name them and their rules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from moorage.cfn import ecs, networks, peers, security_group_rules
from moorage.cfn.nodes import Node
from moorage.cfn.peers import Peer
from moorage.cfn.stack import Resource
from moorage.cfn.view import View
from moorage.rules.message_parts import join_or
from moorage.rules.rule import Problem, problem, rule


def describe_groups(groups: tuple[Resource, ...]) -> str:
    """Security groups in words. A VPC is in the place of its default security group."""
    return join_or(
        f"security group `{group.id}`"
        if group.type == networks.SECURITY_GROUP
        else f"the default security group of VPC `{group.id}`"
        for group in groups
    )


def reference_to_group(peer: Peer, user: Resource) -> str | None:
    """`!GetAtt` of the first security group of a peer, if it is in the stack of the resource that
    is to refer to it."""
    groups = peers.visible_security_groups(peer)
    if not groups or groups[0].type != networks.SECURITY_GROUP:
        return None
    return f"!GetAtt {groups[0].id}.GroupId" if groups[0].stack is user.stack else None


def rules_property(group: Resource, direction: str) -> Node:
    """The property of a security group, or of one of its separate rules, to show a problem at."""
    if group.type != networks.SECURITY_GROUP:
        return group.body
    inline = group[f"SecurityGroup{direction}"]
    rules = security_group_rules.rules_of_security_group(group, direction).rules
    return rules[0] if inline.absent and rules else inline


def hint_for_rule(group: Resource, direction: str, traffic: str, peer: str) -> str:
    """How to allow traffic (`tcp 443`) from or to a peer in a security group."""
    if group.type != networks.SECURITY_GROUP:
        return (
            f"Use a security group with an {direction.lower()} rule for {traffic} {peer} instead "
            f"of the default security group."
        )
    return f"In `{group.id}`, add an {direction.lower()} rule for {traffic} {peer}."


@rule(
    "E9680",
    "A security group is in another VPC than the resource that uses it.",
    error_messages=(
        "Invalid request provided: CreateService error: Security group sg-... does not appear to "
        "belong to the same VPC as the input subnets.",
        "InvalidConfigurationRequest: One or more security groups are invalid",
    ),
    fix="Write the VpcId of the subnets in the security group. Without VpcId it is created in the "
    "default VPC of the account, or not at all if there is none.",
    sources=("aws/aws-dotnet-deploy#735", "mludvig/aws-ethereum-miner#12"),
    failure_ids=("sg-without-vpc-id",),
)
def security_group_in_other_vpc(view: View) -> Iterator[Problem]:
    """A security group without VpcId is created in the default VPC of the account. Services, load
    balancers, endpoints and mount targets only accept security groups in the VPC of their
    subnets."""
    for group in view.resources_of_type(networks.SECURITY_GROUP):
        vpc_id = group["VpcId"]
        for user, vpc in _users_of_groups(view).get(group, ()):
            if vpc_id.absent or _is_other_vpc(vpc_id, vpc):
                resource = vpc.resource
                has_reference = resource is not None and resource.stack is group.stack
                yield problem(
                    vpc_id,
                    f"Security group `{group.id}` has no VpcId, so it is created in the default "
                    f"VPC, and AWS rejects it for `{user.id}`, which is in the VPC of its subnets"
                    if vpc_id.absent
                    else f"Security group `{group.id}` is in another VPC than `{user.id}`, which "
                    f"uses it, and AWS rejects that",
                    f"Write `VpcId: !Ref {resource.id}`."
                    if resource is not None and has_reference
                    else f"Write the VpcId of the subnets of `{user.id}`.",
                )
                break


def _is_other_vpc(first: Node, second: Node) -> bool:
    for node, resource in ((first, second.resource), (second, first.resource)):
        if resource is not None:
            return networks.refers_to(node, resource) is False
    return first.is_same_as(second) is False


def _users_of_groups(view: View) -> dict[Resource, list[tuple[Resource, Node]]]:
    """The resources that use each security group, with a VpcId of their VPC."""
    return view.cached("users of groups", lambda: _find_users_of_groups(view))


def _find_users_of_groups(view: View) -> dict[Resource, list[tuple[Resource, Node]]]:
    users: dict[Resource, list[tuple[Resource, Node]]] = {}
    for user, groups, vpcs in _uses_of_groups(view):
        for node in groups.items:
            group = peers.find_security_group(node)
            if group is not None:
                present = [(user, vpc) for vpc in vpcs if vpc.present]
                users.setdefault(group, []).extend(present)
    return users


def _uses_of_groups(view: View) -> Iterator[tuple[Resource, Node, list[Node]]]:
    """Resources with their lists of security groups and the VpcIds that show their VPC."""
    target_groups_of = _group_target_groups(view)
    for service in ecs.services(view):
        network = service.props.at("NetworkConfiguration", "AwsvpcConfiguration")
        vpcs = [subnet["VpcId"] for subnet in networks.find_subnets(network["Subnets"])]
        vpcs += [group["VpcId"] for group in target_groups_of[service]]
        yield service, network["SecurityGroups"], vpcs
    for load_balancer in view.resources_of_type(ecs.LOAD_BALANCER):
        subnets = networks.subnets_of_load_balancer(load_balancer) or ()
        vpcs = [subnet["VpcId"] for subnet in subnets] or [
            group["VpcId"] for group in target_groups_of[load_balancer]
        ]
        yield load_balancer, load_balancer["SecurityGroups"], vpcs
    for endpoint in view.resources_of_type(networks.VPC_ENDPOINT):
        yield endpoint, endpoint["SecurityGroupIds"], [endpoint["VpcId"]]
    for mount_target in view.resources_of_type("AWS::EFS::MountTarget"):
        subnet = mount_target["SubnetId"].resource
        yield mount_target, mount_target["SecurityGroups"], [subnet["VpcId"]] if subnet else []


def _group_target_groups(view: View) -> Mapping[Resource, Sequence[Resource]]:
    """The target groups of services, and those that load balancers forward to."""
    groups: defaultdict[Resource, list[Resource]] = defaultdict(list)
    for attachment in ecs.target_group_attachments(view):
        if attachment.target_group.resource is not None:
            groups[attachment.service].append(attachment.target_group.resource)
    for group in view.resources_of_type(ecs.TARGET_GROUP):
        for load_balancer in ecs.load_balancers_of_target_group(view, group):
            groups[load_balancer].append(group)
    return groups


RULES = (security_group_in_other_vpc,)
