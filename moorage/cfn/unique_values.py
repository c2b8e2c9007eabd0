"""Values that no two resources can have at the same time: a name, a port of a load balancer, a
priority, an address."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from moorage.cfn.nodes import Node
from moorage.cfn.value_comparison import comparable_value, referenced_resources
from moorage.cfn.view import Resource

_ELB = "AWS::ElasticLoadBalancingV2::"

_NAMED_OTHERWISE = {
    "AWS::CloudFront::Function": "Name",
    "AWS::ECS::CapacityProvider": "Name",
    "AWS::EC2::SecurityGroup": "GroupName",
    "AWS::ElastiCache::CacheCluster": "ClusterName",
    "AWS::ElastiCache::ReplicationGroup": "ReplicationGroupId",
    "AWS::Events::Rule": "Name",
    f"{_ELB}LoadBalancer": "Name",
    f"{_ELB}TargetGroup": "Name",
    "AWS::KMS::Alias": "AliasName",
    "AWS::RDS::DBCluster": "DBClusterIdentifier",
    "AWS::RDS::DBInstance": "DBInstanceIdentifier",
    "AWS::SSM::Parameter": "Name",
    "AWS::Scheduler::Schedule": "Name",
    "AWS::SecretsManager::Secret": "Name",
    "AWS::ServiceDiscovery::HttpNamespace": "Name",
    "AWS::ServiceDiscovery::Service": "Name",
}

_WITHIN: Mapping[str, tuple[str, ...]] = {
    "AWS::CodeDeploy::DeploymentGroup": ("ApplicationName",),
    "AWS::EC2::SecurityGroup": ("VpcId",),
    "AWS::ECS::Service": ("Cluster",),
    "AWS::Events::Rule": ("EventBusName",),
    "AWS::Scheduler::Schedule": ("GroupName",),
    "AWS::ServiceDiscovery::Service": ("NamespaceId",),
}
"""The properties within which names are unique, if not in the account and Region."""

_SHARED_NAMES = frozenset({"AWS::IAM::Policy", "AWS::IAM::RolePolicy"})
"""Types whose names are unique within their role only."""

_TOGETHER: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "AWS::EC2::NatGateway": (("AllocationId",),),
    "AWS::EC2::Route": (
        ("RouteTableId", "DestinationCidrBlock"),
        ("RouteTableId", "DestinationIpv6CidrBlock"),
        ("RouteTableId", "DestinationPrefixListId"),
    ),
    "AWS::EC2::Subnet": (("VpcId", "CidrBlock"),),
    "AWS::EC2::SubnetRouteTableAssociation": (("SubnetId",),),
    "AWS::EC2::VPCGatewayAttachment": (("VpcId", "InternetGatewayId"),),
    "AWS::EFS::MountTarget": (("FileSystemId", "SubnetId"),),
    f"{_ELB}Listener": (("LoadBalancerArn", "Port"),),
    f"{_ELB}ListenerRule": (("ListenerArn", "Priority"),),
    "AWS::Route53::RecordSet": (
        ("HostedZoneId", "Name", "Type", "SetIdentifier"),
        ("HostedZoneName", "Name", "Type", "SetIdentifier"),
    ),
}
"""Combinations of properties that are unique; the first two must be present."""

_RULE = ("IpProtocol", "FromPort", "ToPort", "CidrIp", "CidrIpv6")
_RULES: Mapping[str, tuple[str, ...]] = {
    "AWS::EC2::SecurityGroupEgress": (
        *_RULE,
        "DestinationPrefixListId",
        "DestinationSecurityGroupId",
    ),
    "AWS::EC2::SecurityGroupIngress": (*_RULE, "SourcePrefixListId", "SourceSecurityGroupId"),
}


@dataclass(frozen=True)
class UniqueValue:
    """A unique value of a resource; equal keys are the same value."""

    key: tuple[Any, ...]
    node: Node
    description: str
    """As in messages: "the name `web`", "the same VpcId and CidrBlock"."""


def name_property(resource: Resource) -> Node:
    """The property that gives a resource its physical name: `ServiceName`, or `Name`."""
    kind = resource.type
    return resource[_NAMED_OTHERWISE.get(kind) or f"{kind.split('::')[-1]}Name"]


def find_unique_values(
    resource: Resource, replaced: Mapping[Resource, Any] | None = None
) -> Iterator[UniqueValue]:
    """Yields the unique values of a resource, without those that refer to a resource in `replaced`,
    because they differ after its replacement."""
    for value, nodes in _all(resource):
        if replaced is None or not any(
            referenced_resource in replaced
            for node in nodes
            for referenced_resource in referenced_resources(node)
        ):
            yield value


def _all(resource: Resource) -> Iterator[tuple[UniqueValue, list[Node]]]:
    yield from _names(resource)
    kind = resource.type
    for keys in _TOGETHER.get(kind, ()):
        if all(resource[key].present for key in keys[:2]):
            nodes = [resource[key] for key in keys]
            held = [key for key in keys if resource[key].present]
            yield _hold(kind, nodes, resource[keys[:2][-1]], f"the same {_and(held)}"), nodes
    if kind in _RULES:
        nodes = [resource["GroupId"], *(resource[key] for key in _RULES[kind])]
        yield _hold(kind, nodes, resource["GroupId"], "the same rule"), nodes
    if kind == f"{_ELB}LoadBalancer":
        for mapping in resource["SubnetMappings"].items:
            address, private = mapping["AllocationId"], mapping["PrivateIPv4Address"]
            if address.present:
                key = ("AWS::EC2::NatGateway", comparable_value(address))
                yield UniqueValue(key, address, "the same AllocationId"), [address]
            if private.present:
                nodes = [mapping["SubnetId"], private]
                yield _hold("address", nodes, private, "the same PrivateIPv4Address"), nodes
    if kind == "AWS::EC2::VPCEndpoint" and resource["PrivateDnsEnabled"].flag:
        nodes = [resource["VpcId"], resource["ServiceName"]]
        yield _hold(kind, nodes, nodes[1], "the same VpcId and ServiceName"), nodes
    if kind == "AWS::ECS::Service":
        yield from _connect_names(resource)


def _names(resource: Resource) -> Iterator[tuple[UniqueValue, list[Node]]]:
    name = name_property(resource)
    if name.present and not name.unknown and resource.type not in _SHARED_NAMES:
        nodes = [name, *(resource[key] for key in _WITHIN.get(resource.type, ()))]
        what = f"the name `{name.text}`" if name.text else "the same name"
        yield _hold(f"{resource.type} name", nodes, name, what), nodes


def _connect_names(service: Resource) -> Iterator[tuple[UniqueValue, list[Node]]]:
    """The names of Service Connect, which are unique in their namespace."""
    connect = service["ServiceConnectConfiguration"]
    for one in connect["Services"].items:
        name = one["DiscoveryName"] if one["DiscoveryName"].present else one["PortName"]
        nodes = [connect["Namespace"], name]
        what = f"the name `{name.text or ''}` in Service Connect"
        if name.present and not name.unknown:
            yield _hold("connect", nodes, name, what), nodes


def _hold(kind: str, nodes: list[Node], at: Node, what: str) -> UniqueValue:
    return UniqueValue((kind, *map(comparable_value, nodes)), at, what)


def _and(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
