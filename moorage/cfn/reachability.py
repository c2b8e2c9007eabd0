"""Who reaches which port, through the security groups on both sides.

Every answer has three values: True, False, and None where only the deployment knows. A group that
is not in view, a CIDR block or a list that is not known make None; rules stay silent on it.

Facts, from AWS's documentation of security groups and of Elastic Load Balancing:

- A group without egress rules lets everything out; an empty list of rules is no rule. The first
  `SecurityGroupEgress` that is added to it takes that away (aws/aws-cdk#987, aws/aws-cdk#22140).
- The default group of a VPC admits its own members only.
- A Network Load Balancer with security groups is admitted by them, for traffic and for health
  checks, also where client addresses are preserved. One without has only addresses: its own, or
  the clients' where these are preserved; health checks always come from its own.
- Client addresses are preserved for UDP and TCP_UDP, and by default for instance targets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from moorage.cfn import ecs
from moorage.cfn.networks import (
    SECURITY_GROUP,
    SUBNET,
    VPC,
    cidr_blocks,
    find_subnets,
    may_be_modified_elsewhere,
    refers_to,
    subnets_of_load_balancer,
    vpc_of,
)
from moorage.cfn.nodes import Node
from moorage.cfn.view import Resource, View

INGRESS, EGRESS = "Ingress", "Egress"
TriState = bool | None
Ports = tuple[int, int] | None
"""The first and the last of a range; None where they are not known."""
Network = IPv4Network | IPv6Network

EPHEMERAL_PORTS = (32768, 65535)
"""Host ports that Docker may choose where HostPort is 0 or left out.
Source: AWS docs, Amazon ECS API, PortMapping."""

_PEERS = {
    INGRESS: ("SourceSecurityGroupId", "SourceSecurityGroupName", "SourcePrefixListId"),
    EGRESS: ("DestinationSecurityGroupId", "DestinationPrefixListId"),
}
_PROTOCOLS = {"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6", "-1": "-1"}
_NOBODY = tuple(ip_network(one) for one in ("127.0.0.0/8", "255.255.255.255/32", "0.0.0.0/32"))


def any_of(truths: Iterable[TriState]) -> TriState:
    unsure = False
    for one in truths:
        if one:
            return True
        unsure = unsure or one is None
    return None if unsure else False


def all_of(truths: Iterable[TriState]) -> TriState:
    found = any_of(None if one is None else not one for one in truths)
    return None if found is None else not found


# Parties -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Peer:
    """One side of a connection: what security groups can know it by."""

    security_groups: tuple[Node, ...] = ()
    """Properties that name its security groups; a whole VPC stands for its default group."""
    security_groups_known: bool = True
    """Whether it is in no other groups."""
    cidr_blocks: tuple[Network, ...] = ()
    """Its IPv4 addresses; none where they are not known."""
    vpc: Resource | None = None
    is_internet: bool = False
    """Whether it is clients on the internet."""
    is_ipv6: TriState = False


ANY_PEER = Peer(security_groups_known=False)


def visible_security_groups(party: Peer) -> tuple[Resource, ...] | None:
    """The security groups of a party, if all are in view; a VPC stands for its default group."""
    found = [find_security_group(one) for one in party.security_groups]
    known = [one for one in found if one is not None]
    return (
        tuple(known) if party.security_groups_known and len(known) == len(found) and known else None
    )


def find_security_group(node: Node) -> Resource | None:
    """The security group in view that a property names, or the VPC whose default group it is."""
    attr = node.attr
    if attr is None:
        return None
    is_default = attr.resource.type == VPC and attr.name == "DefaultSecurityGroup"
    return attr.resource if is_default or attr.resource.type == SECURITY_GROUP else None


def is_same_security_group(one: Node, other: Node) -> TriState:
    """Whether two properties name the same security group."""
    first, second = find_security_group(one), find_security_group(other)
    if first is not None and second is not None:
        return first is second
    if first is not None:
        return _owns(first, other)
    if second is not None:
        return _owns(second, one)
    return one.is_same_as(other) if one.resource is None and other.resource is None else None


# Rules of security groups --------------------------------------------------------------------


def security_group_rules(group: Resource, direction: str) -> tuple[tuple[Node, ...], bool]:
    """The rules of a group, in line and separate, and whether there are certainly no others."""
    key = ("group rules", group, direction)
    memo = group.view.cache
    if key not in memo:
        memo[key] = _rules(group, direction)
    found: tuple[tuple[Node, ...], bool] = memo[key]
    return found


def _rules(group: Resource, direction: str) -> tuple[tuple[Node, ...], bool]:
    inline = group[f"SecurityGroup{direction}"] if group.type == SECURITY_GROUP else None
    separate = _separate(group.view, direction)
    truths = [
        (any_of((_owns(group, one["GroupId"]), _owns(group, one["GroupName"]))), one)
        for one in separate
    ]
    certain = [one.props for truth, one in truths if truth]
    complete = None not in [truth for truth, _ in truths] and not may_be_modified_elsewhere(group)
    if inline is None:
        return tuple(certain), complete
    return (*inline.as_list, *certain), complete and inline.all_known


def _separate(view: View, direction: str) -> list[Resource]:
    key = ("separate rules", direction)
    if key not in view.cache:
        view.cache[key] = list(view.resources_of_type(f"{SECURITY_GROUP}{direction}"))
    found: list[Resource] = view.cache[key]
    return found


def _owns(owner: Resource, node: Node) -> TriState:
    named = find_security_group(node)
    if named is not None:
        return named is owner
    return False if refers_to(node, owner) is False else None


def rules_allow(
    owner: Resource, direction: str, protocol: str, ports: Ports, party: Peer
) -> TriState:
    """Whether a group's rules let a connection in from a party, or out to it."""
    found, complete = security_group_rules(owner, direction)
    if direction == EGRESS and not found:
        return True if complete else None
    truths = [rule_covers(one, direction, protocol, ports, party) for one in found]
    if owner.type == VPC:  # its default group, which admits its own members
        truths += [_owns(owner, one) for one in party.security_groups]
        truths += [] if party.security_groups_known else [None]
    if direction == INGRESS and not found and _is_output(owner):
        return None  # another stack may be meant to add rules
    return any_of((*truths, *(() if complete else (None,))))


def _is_output(owner: Resource) -> bool:
    """Whether a group leaves its stack for others than those in view."""
    stacks = owner.view.stacks
    outputs = [
        Node(stack, body, ("Outputs", key))
        for stack in stacks
        for key, body in stack.template.outputs.items()
    ]
    leaving = (one for one in outputs if len(stacks) == 1 or one["Export"].absent)
    return any(one["Value"].resource is owner for one in leaving)


def rule_covers(rule: Node, direction: str, protocol: str, ports: Ports, party: Peer) -> TriState:
    """Whether one rule of a group is about this connection."""
    if not isinstance(rule.value, Mapping):
        return None
    return all_of(
        (
            _is_of(rule["IpProtocol"], protocol),
            _spans(rule, protocol, ports),
            _is_with(rule, direction, party),
        )
    )


def _is_of(node: Node, protocol: str) -> TriState:
    kinds = {_PROTOCOLS.get(one, one.lower()) for one in node.choices}
    if not kinds:
        return None
    if kinds <= {protocol, "-1", "all"}:
        return True
    return None if kinds & {protocol, "-1", "all"} else False


def _spans(rule: Node, protocol: str, ports: Ports) -> TriState:
    if any(one in ("-1", "all") for one in rule["IpProtocol"].choices):
        return True
    first, last = _numbers(rule["FromPort"]), _numbers(rule["ToPort"])
    if not first or not last or ports is None:
        return None
    if max(first) <= ports[0] and ports[1] <= min(last):
        return True
    return False if ports[1] < min(first) or max(last) < ports[0] else None


def _numbers(node: Node) -> tuple[int, ...]:
    try:
        return tuple(int(one) for one in node.choices)
    except ValueError:
        return ()


def _is_with(rule: Node, direction: str, party: Peer) -> TriState:
    """Whether the other side of a rule is the party."""
    if party is ANY_PEER:
        return _is_with_anybody(rule, direction)
    truths: list[TriState] = []
    for name in _PEERS[direction]:
        peer = rule[name]
        if peer.absent:
            continue
        if "PrefixList" in name:
            truths.append(None)
            continue
        truths += [is_same_security_group(peer, one) for one in party.security_groups]
        truths += [] if party.security_groups_known else [None]
    if rule["CidrIp"].present:
        truths.append(None if party.is_ipv6 is None else not party.is_ipv6 and _holds(rule, party))
    if rule["CidrIpv6"].present:
        truths.append(False if party.is_ipv6 is False else _is_all(rule["CidrIpv6"]))
    return any_of(truths)


def _is_with_anybody(rule: Node, direction: str) -> TriState:
    if any(rule[name].present for name in _PEERS[direction]) or rule["CidrIpv6"].present:
        return True
    blocks = cidr_blocks(rule["CidrIp"])
    if any(block.version == 4 and _inside(block, _NOBODY) for block in blocks):
        return False
    return rule["CidrIp"].present


def _is_all(node: Node) -> TriState:
    return True if any(one.prefixlen == 0 for one in cidr_blocks(node)) else None


def _inside(block: Any, others: Iterable[Any]) -> bool:
    return any(block.subnet_of(one) for one in others if one.version == block.version)


def _holds(rule: Node, party: Peer) -> TriState:
    """Whether the CIDR block of a rule holds a party's addresses."""
    node = rule["CidrIp"]
    blocks = cidr_blocks(node)
    if not blocks:
        return _is_vpcs(node, party)
    block: Any = blocks[0]
    if block.prefixlen == 0:
        return True
    if _inside(block, _NOBODY):
        return False
    if party.is_internet:
        return not block.is_private
    theirs: list[Any] = [one for one in party.cidr_blocks if one.version == block.version]
    if theirs:
        if all(one.subnet_of(block) for one in theirs):
            return True
        return None if any(one.overlaps(block) for one in theirs) else False
    return None


def _is_vpcs(node: Node, party: Peer) -> TriState:
    """What a CIDR block that is no literal says: whether it is the party's own VPC's."""
    vpc = node.resource
    is_block = node.attr is not None and node.attr.name == "CidrBlock"
    if is_block and vpc is not None and vpc.type in (VPC, SUBNET):
        if party.is_internet:
            return False
        return True if vpc is party.vpc else None
    if party.is_internet:
        # A parameter whose default is private is meant to be the range of the VPC.
        return False if _is_private(node.default) else None
    if party.vpc is not None and node.is_same_as(party.vpc["CidrBlock"]):
        return True
    return None


def _is_private(text: str | None) -> bool:
    try:
        return ip_network(text or "", strict=False).is_private
    except ValueError:
        return False


def allows_ingress(target: Peer, protocol: str, ports: Ports, source: Peer) -> TriState:
    """Whether the groups of the target let in a connection from the source."""
    return _through(target, INGRESS, protocol, ports, source)


def allows_egress(source: Peer, protocol: str, ports: Ports, target: Peer) -> TriState:
    """Whether the groups of the source let out a connection to the target."""
    return _through(source, EGRESS, protocol, ports, target)


def _through(owner: Peer, direction: str, protocol: str, ports: Ports, other: Peer) -> TriState:
    if not owner.security_groups and owner.security_groups_known:
        return True  # nothing filters
    truths: list[TriState] = []
    for node in owner.security_groups:
        found = find_security_group(node)
        truths.append(
            None if found is None else rules_allow(found, direction, protocol, ports, other)
        )
    return any_of((*truths, *(() if owner.security_groups_known else (None,))))


def can_reach(source: Peer, protocol: str, ports: Ports, target: Peer) -> TriState:
    """Whether a connection passes the groups of both sides."""
    return all_of(
        (
            allows_egress(source, protocol, ports, target),
            allows_ingress(target, protocol, ports, source),
        )
    )


# The parties of a service --------------------------------------------------------------------


def _in_groups(listed: Node, vpc: Resource | None, **more: Any) -> Peer:
    """A party in the groups of a list, or in its VPC's default group where there is no list."""
    if listed.present:
        return Peer(tuple(listed.as_list), listed.all_known, vpc=vpc, **more)
    if vpc is None:
        return Peer(security_groups_known=False, **more)
    default = Node(vpc.stack, {"Fn::GetAtt": [vpc.id, "DefaultSecurityGroup"]}, vpc.body.path)
    return Peer((default,), vpc=vpc, **more)


def _blocks(found: Iterable[Resource] | None) -> tuple[Network, ...]:
    """The CIDR blocks of subnets; those of their VPCs where only these are known."""
    blocks: list[Network] = []
    for one in found or ():
        own = cidr_blocks(one["CidrBlock"])
        if not own:
            return ()
        blocks += own
    return tuple(blocks)


def _vpc(found: Iterable[Resource] | None) -> Resource | None:
    vpcs = {vpc_of(one) for one in found or ()}
    return vpcs.pop() if len(vpcs) == 1 else None


def load_balancer_peer(load_balancer: Resource) -> Peer:
    """A load balancer as its targets see it, where client addresses are not preserved."""
    found = subnets_of_load_balancer(load_balancer)
    vpc, blocks = _vpc(found), _blocks(found)
    listed = load_balancer["SecurityGroups"]
    kind = ecs.load_balancer_type(load_balancer)
    if kind == "network" and listed.absent:
        return Peer(vpc=vpc, cidr_blocks=blocks)
    if kind not in ("application", "network"):
        return Peer(security_groups_known=False)
    return _in_groups(listed, vpc, cidr_blocks=blocks)


def task_peer(service: Resource) -> Peer:
    """The tasks of a service in awsvpc mode."""
    network = service.props.at("NetworkConfiguration", "AwsvpcConfiguration")
    if network.absent or network.unknown:
        return Peer(security_groups_known=False)
    listed = network["Subnets"]
    found = find_subnets(listed)
    known = found if len(found) == len(listed.items) else ()
    return _in_groups(network["SecurityGroups"], _vpc(found), cidr_blocks=_blocks(known))


def instance_peer(view: View) -> Peer:
    """The container instances, where one auto scaling group in view is all there is of them."""
    groups = list(view.resources_of_type("AWS::AutoScaling::AutoScalingGroup"))
    if len(groups) != 1 or any(view.resources_of_type("AWS::EC2::Instance", "AWS::EC2::SpotFleet")):
        return Peer(security_groups_known=False)
    providers = view.resources_of_type("AWS::ECS::CapacityProvider")
    if not all(one["ManagedInstancesProvider"].absent for one in providers):
        return Peer(security_groups_known=False)
    launch = groups[0]["LaunchConfigurationName"].resource
    if launch is not None and launch.type == "AWS::AutoScaling::LaunchConfiguration":
        return _listed(launch["SecurityGroups"])
    template = groups[0].props.at("LaunchTemplate", "LaunchTemplateId").resource
    if template is not None and template.type == "AWS::EC2::LaunchTemplate":
        data = template["LaunchTemplateData"]
        interfaces = data["NetworkInterfaces"]
        if interfaces.absent:
            return _listed(data["SecurityGroupIds"])
        if len(interfaces.items) == 1:
            return _listed(interfaces[0]["Groups"])
    return Peer(security_groups_known=False)


def _listed(node: Node) -> Peer:
    return Peer(tuple(node.items), node.present and node.all_known)


# From a load balancer to the tasks -----------------------------------------------------------


@dataclass(frozen=True)
class TargetTraffic:
    """What a load balancer sends to the tasks of a service."""

    attachment: ecs.TargetGroupAttachment
    load_balancer: Resource
    target_group: Resource
    """The target group."""
    is_health_check: bool
    protocol: str
    ports: Ports
    source: Peer
    load_balancer_peer: Peer
    target: Peer


def find_target_traffic(view: View) -> list[TargetTraffic]:
    """Traffic and health checks of every load balancer in view to every service in view."""
    if "flows" not in view.cache:
        view.cache["flows"] = [
            flow
            for attachment in ecs.target_group_attachments(view)
            for group in [attachment.target_group.resource]
            if group is not None and group.type == ecs.TARGET_GROUP
            for load_balancer in ecs.load_balancers_of_target_group(view, group)
            for flow in _flows(attachment, group, load_balancer)
        ]
    found: list[TargetTraffic] = view.cache["flows"]
    return found


def _flows(
    attachment: ecs.TargetGroupAttachment, group: Resource, load_balancer: Resource
) -> Iterator[TargetTraffic]:
    kind, task = ecs.load_balancer_type(load_balancer), ecs.task_definition_of(attachment.service)
    mode = ecs.network_mode(task) if task else None
    network = attachment.service["NetworkConfiguration"]
    if kind not in ("application", "network") or ecs.target_type(group) not in ("ip", "instance"):
        return
    if ecs.target_type(group) == "ip":
        if network.absent or mode not in ("awsvpc", None):
            return
        target = task_peer(attachment.service)
    else:
        if network.present or task is None or mode not in ("bridge", "host"):
            return
        target = instance_peer(group.view)
    family = group["IpAddressType"]
    is_v6 = False if family.absent else None if family.text is None else family.text == "ipv6"
    side = load_balancer_peer(load_balancer)
    near = Peer(
        side.security_groups, side.security_groups_known, side.cidr_blocks, side.vpc, is_ipv6=is_v6
    )
    for is_health_check, protocol, ports in _ports(attachment, group, task, mode, kind):
        source = near
        if not is_health_check and kind == "network":
            source = _clients(load_balancer, near, preserves_client_ip(group))
        yield TargetTraffic(
            attachment,
            load_balancer,
            group,
            is_health_check,
            protocol,
            ports,
            source,
            near,
            target,
        )


def _clients(load_balancer: Resource, near: Peer, preserved: TriState) -> Peer:
    """Who targets see behind a Network Load Balancer: its groups, but the clients' addresses
    where these are preserved."""
    if preserved is False:
        return near
    scheme = load_balancer["Scheme"]
    internet = scheme.absent or scheme.text == "internet-facing"
    is_internet = bool(preserved and internet)
    return Peer(
        near.security_groups,
        near.security_groups_known,
        is_internet=is_internet,
        is_ipv6=near.is_ipv6,
    )


def preserves_client_ip(group: Resource) -> TriState:
    """Whether a Network Load Balancer's targets see the addresses of the clients.
    Source: AWS docs, Edit target group attributes for your Network Load Balancer."""
    protocol, kind = group["Protocol"].text, ecs.target_type(group)
    if protocol in ("UDP", "TCP_UDP", "QUIC", "TCP_QUIC"):
        return True
    listed = group["TargetGroupAttributes"]
    given = ecs.attributes(group, "TargetGroupAttributes").get("preserve_client_ip.enabled")
    if given is not None:
        return given.flag
    if not listed.all_known or protocol is None or kind is None:
        return None
    return kind == "instance"


def _ports(
    attachment: ecs.TargetGroupAttachment,
    group: Resource,
    task: Resource | None,
    mode: str | None,
    kind: str,
) -> Iterator[tuple[bool, str, Ports]]:
    """Whether it is a health check, its protocol and its port at the target; without those that
    no container takes, which is another fault."""
    protocol = group["Protocol"].text
    carried = {"TCP_UDP": ("tcp", "udp"), "UDP": ("udp",), "TCP": ("tcp",), "TLS": ("tcp",)}
    if kind == "application":
        carried = {"HTTP": ("tcp",), "HTTPS": ("tcp",)}
    taken = _taken(task)
    port = attachment.container_port
    for one in carried.get(protocol or "", ()):
        if port is None or taken is None or (port, one) in taken:
            yield False, one, _at_target(attachment, task, mode, port)
    check = group["HealthCheckPort"]
    if check.absent or check.text == "traffic-port":
        if port is None or taken is None or (port, "tcp") in taken:
            yield True, "tcp", _at_target(attachment, task, mode, port)
        return
    number = check.number
    on_host = mode in ("bridge", "host")
    if on_host or number is None or taken is None or (number, "tcp") in taken:
        yield True, "tcp", None if number is None else (number, number)


def _taken(task: Resource | None) -> set[tuple[int, str]] | None:
    """The ports and protocols that the containers of a task take, where all are known."""
    if task is None:
        return None
    found = {
        (port, protocol)
        for container in ecs.containers(task)
        for port, protocol, _ in ecs.port_mappings(container)
    }
    mappings = [one["PortMappings"] for one in ecs.containers(task)]
    return found if all(one.fully_known for one in mappings) and mappings else None


def _at_target(
    attachment: ecs.TargetGroupAttachment, task: Resource | None, mode: str | None, port: int | None
) -> Ports:
    """The port of a target: the container's, or the host's where that is another."""
    if mode != "bridge":
        return None if port is None else (port, port)
    found = ecs.find_container(task, attachment.container_name or "") if task else None
    for one, _, mapping in ecs.port_mappings(found) if found else ():
        if one == port:
            host = mapping["HostPort"]
            if host.absent or host.number == 0:
                return EPHEMERAL_PORTS
            return None if host.number is None else (host.number, host.number)
    return None


def vpc_endpoint_peer(endpoint: Resource) -> Peer:
    """The interfaces of an endpoint; in the VPC's default group where none is named."""
    listed = endpoint["SubnetIds"]
    found = find_subnets(listed)
    known = found if len(found) == len(listed.items) else ()
    return _in_groups(endpoint["SecurityGroupIds"], vpc_of(endpoint), cidr_blocks=_blocks(known))
