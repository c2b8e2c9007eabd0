"""Values that no two resources can have at the same time: names, ports of a load balancer,
priorities, IP addresses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from moorage.cfn.nodes import Node
from moorage.cfn.stack import Resource
from moorage.cfn.value_comparison import comparable_value, referenced_resources
from moorage.cfn.values import Text
from moorage.records import entity

_ELB = "AWS::ElasticLoadBalancingV2::"

_NAME_PROPERTIES = {
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
"""The properties with the physical name, if that is not `<type>Name`."""

_NAME_SCOPES: Mapping[str, tuple[str, ...]] = {
    "AWS::CodeDeploy::DeploymentGroup": ("ApplicationName",),
    "AWS::EC2::SecurityGroup": ("VpcId",),
    "AWS::ECS::Service": ("Cluster",),
    "AWS::Events::Rule": ("EventBusName",),
    "AWS::Scheduler::Schedule": ("GroupName",),
    "AWS::ServiceDiscovery::Service": ("NamespaceId",),
}
"""Properties that limit the scope in which names are unique; by default, it is the account and
region."""

_NOT_UNIQUE_NAMES = frozenset({"AWS::IAM::Policy", "AWS::IAM::RolePolicy"})
"""Types with names that are unique within a role only."""

_UNIQUE_COMBINATIONS: Mapping[str, tuple[tuple[str, ...], ...]] = {
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
"""Combinations of properties that are unique for a type if the first two are present."""

_RULE_PROPERTIES = ("IpProtocol", "FromPort", "ToPort", "CidrIp", "CidrIpv6")
_SECURITY_GROUP_RULES: Mapping[str, tuple[str, ...]] = {
    "AWS::EC2::SecurityGroupEgress": (
        *_RULE_PROPERTIES,
        "DestinationPrefixListId",
        "DestinationSecurityGroupId",
    ),
    "AWS::EC2::SecurityGroupIngress": (
        *_RULE_PROPERTIES,
        "SourcePrefixListId",
        "SourceSecurityGroupId",
    ),
}


@entity
class UniqueValue:
    """A value that only one resource can have at a time."""

    key: tuple[Any, ...]
    """Equal for equal values."""
    node: Node
    """The property to show a problem at."""
    description: str
    """For messages: "the name `web`", "the same VpcId and CidrBlock"."""


def name_property(resource: Resource) -> Node:
    """The property with the physical name of a resource, such as `ServiceName` or `Name`."""
    default = f"{resource.type.split('::')[-1]}Name"
    return resource[_NAME_PROPERTIES.get(resource.type, default)]


def find_unique_values(
    resource: Resource, replaced: Mapping[Resource, Any] | None = None
) -> Iterator[UniqueValue]:
    """The unique values of a resource. Leaves out values whose scope is a resource in `replaced`,
    such as a port of a load balancer that is replaced: the new scope has no such value yet."""
    for value, nodes in _values_with_nodes(resource):
        if replaced is None or not any(
            referenced in replaced for node in nodes for referenced in referenced_resources(node)
        ):
            yield value


def _values_with_nodes(resource: Resource) -> Iterator[tuple[UniqueValue, list[Node]]]:
    """Unique values with the nodes that make up each."""
    resource_type = resource.type
    yield from _names(resource)
    for keys in _UNIQUE_COMBINATIONS.get(resource_type, ()):
        if all(resource[key].present for key in keys[:2]):
            nodes = [resource[key] for key in keys]
            present = [key for key in keys if resource[key].present]
            description = f"the same {_join_and(present)}"
            yield _unique_value(resource_type, nodes, resource[keys[:2][-1]], description), nodes
    if resource_type in _SECURITY_GROUP_RULES:
        keys = ("GroupId", *_SECURITY_GROUP_RULES[resource_type])
        nodes = [resource[key] for key in keys]
        yield _unique_value(resource_type, nodes, resource["GroupId"], "the same rule"), nodes
    if resource_type == f"{_ELB}LoadBalancer":
        yield from _fixed_addresses(resource)
    if resource_type == "AWS::EC2::VPCEndpoint" and resource["PrivateDnsEnabled"].flag:
        nodes = [resource["VpcId"], resource["ServiceName"]]
        description = "the same VpcId and ServiceName"
        yield _unique_value(resource_type, nodes, nodes[1], description), nodes
    if resource_type == "AWS::ECS::Service":
        yield from _service_connect_names(resource)


def _names(resource: Resource) -> Iterator[tuple[UniqueValue, list[Node]]]:
    name = name_property(resource)
    is_known = not name.unknown or isinstance(name.value, Text)
    if name.present and is_known and resource.type not in _NOT_UNIQUE_NAMES:
        nodes = [name, *(resource[key] for key in _NAME_SCOPES.get(resource.type, ()))]
        description = f"the name `{name.text}`" if name.text else "the same name"
        yield _unique_value(f"{resource.type} name", nodes, name, description), nodes


def _fixed_addresses(load_balancer: Resource) -> Iterator[tuple[UniqueValue, list[Node]]]:
    for mapping in load_balancer["SubnetMappings"].items:
        allocation, private = mapping["AllocationId"], mapping["PrivateIPv4Address"]
        if allocation.present:
            # A NAT gateway cannot have the same Elastic IP address either.
            nodes, description = [allocation], "the same AllocationId"
            yield _unique_value("AWS::EC2::NatGateway", nodes, allocation, description), nodes
        if private.present:
            nodes = [mapping["SubnetId"], private]
            yield _unique_value("address", nodes, private, "the same PrivateIPv4Address"), nodes


def _service_connect_names(service: Resource) -> Iterator[tuple[UniqueValue, list[Node]]]:
    """The names of Service Connect, which are unique in their namespace."""
    configuration = service["ServiceConnectConfiguration"]
    for entry in configuration["Services"].items:
        name = entry["DiscoveryName"] if entry["DiscoveryName"].present else entry["PortName"]
        if name.present and not name.unknown:
            nodes = [configuration["Namespace"], name]
            description = f"the name `{name.text or ''}` in Service Connect"
            yield _unique_value("connect", nodes, name, description), nodes


def _unique_value(kind: str, nodes: list[Node], node: Node, description: str) -> UniqueValue:
    return UniqueValue((kind, *map(comparable_value, nodes)), node, description)


def _join_and(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
