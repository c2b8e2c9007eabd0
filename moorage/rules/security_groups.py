"""Security groups and the VPCs they belong to."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs, networks, reachability
from moorage.cfn.nodes import Node
from moorage.cfn.view import Resource, View
from moorage.rules.rule import Problem, problem, rule


@rule(
    "E9680",
    "A security group is in another VPC than what it is for",
    error_messages=(
        "Invalid request provided: CreateService error: Security group sg-... does not appear to "
        "belong to the same VPC as the input subnets.",
        "InvalidConfigurationRequest: One or more security groups are invalid",
    ),
    fix="Write the VpcId of the subnets in the security group. Without VpcId it is made in the "
    "account's default VPC, or fails where there is none.",
    sources=("aws/aws-dotnet-deploy#735", "mludvig/aws-ethereum-miner#12"),
    failure_ids=("sg-without-vpc-id",),
)
def group_in_other_vpc(view: View) -> Iterator[Problem]:
    """Without VpcId a security group is made in the default VPC of the account. A service or a
    load balancer takes groups of the VPC of its subnets only."""
    for group in view.resources_of_type(networks.SECURITY_GROUP):
        own = group["VpcId"]
        for user, vpc in _users(view).get(group, ()):
            if own.absent or _differ(own, vpc):
                made = "made in the default VPC" if own.absent else "in another VPC"
                spelt = f"!Ref {vpc.resource.id}" if vpc.resource else "that of the subnets"
                yield problem(
                    own,
                    f"{group.id} is {made}, while {user.id}, which it is for, is in the VPC of "
                    "its subnets, and AWS refuses the group",
                    f"Write `VpcId: {spelt}`." if vpc.resource else f"Write VpcId: {spelt}.",
                )
                break


def _differ(one: Node, other: Node) -> bool:
    for node, resource in ((one, other.resource), (other, one.resource)):
        if resource is not None:
            return networks.refers_to(node, resource) is False
    return one.is_same_as(other) is False


def _users(view: View) -> dict[Resource, list[tuple[Resource, Node]]]:
    """What uses each security group, with a VpcId that says where it does."""
    if "users of groups" not in view.cache:
        found: dict[Resource, list[tuple[Resource, Node]]] = {}
        for user, listed, vpcs in _uses(view):
            for node in listed.items:
                group = reachability.find_security_group(node)
                if group is not None:
                    given = [(user, one) for one in vpcs if one.present]
                    found.setdefault(group, []).extend(given)
        view.cache["users of groups"] = found
    users: dict[Resource, list[tuple[Resource, Node]]] = view.cache["users of groups"]
    return users


def _uses(view: View) -> Iterator[tuple[Resource, Node, list[Node]]]:
    for service in ecs.services(view):
        network = service.props.at("NetworkConfiguration", "AwsvpcConfiguration")
        targets = [
            one.target_group.resource
            for one in ecs.target_group_attachments(view)
            if one.service is service
        ]
        vpcs = [one["VpcId"] for one in networks.find_subnets(network["Subnets"])]
        vpcs += [one["VpcId"] for one in targets if one is not None]
        yield service, network["SecurityGroups"], vpcs
    for balancer in view.resources_of_type(ecs.LOAD_BALANCER):
        subnets = networks.subnets_of_load_balancer(balancer) or ()
        vpcs = [one["VpcId"] for one in subnets] or _targets_vpcs(view, balancer)
        yield balancer, balancer["SecurityGroups"], vpcs
    for endpoint in view.resources_of_type(networks.VPC_ENDPOINT):
        yield endpoint, endpoint["SecurityGroupIds"], [endpoint["VpcId"]]
    for mount in view.resources_of_type("AWS::EFS::MountTarget"):
        subnet = mount["SubnetId"].resource
        yield mount, mount["SecurityGroups"], [subnet["VpcId"]] if subnet else []


def _targets_vpcs(view: View, balancer: Resource) -> list[Node]:
    return [
        group["VpcId"]
        for group in view.resources_of_type(ecs.TARGET_GROUP)
        if balancer in ecs.load_balancers_of_target_group(view, group)
    ]


def _rules_of(group: Resource, direction: str) -> Node:
    if group.type != networks.SECURITY_GROUP:
        return group.body
    inline = group[f"SecurityGroup{direction}"]
    separate, _ = reachability.security_group_rules(group, direction)
    return separate[0] if inline.absent and separate else inline


def _named(groups: tuple[Resource, ...]) -> str:
    return " or ".join(
        one.id if one.type == networks.SECURITY_GROUP else f"{one.id}'s default security group"
        for one in groups
    )


RULES = (group_in_other_vpc,)
