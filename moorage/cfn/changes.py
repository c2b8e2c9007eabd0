"""Two versions of the same templates: what stays, goes, comes, and what an update replaces.

CloudFormation matches resources by logical ID. One whose create-only properties change is made
anew, and so is one whose create-only property refers to such a one. The new resource is made
first; what it replaces, or what left the template, is deleted after that, so both stand for a
while and must not need the same place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from moorage.cfn.nodes import Node
from moorage.cfn.values import Attr, Text
from moorage.cfn.view import Resource, Stack, View

CreateOnly = Callable[[str], Iterable[str]]
"""The create-only properties of a type, as its schema has them: `/properties/Name`."""

_NAMES = {
    "AWS::EC2::SecurityGroup": "GroupName",
    "AWS::ElastiCache::CacheCluster": "ClusterName",
    "AWS::RDS::DBCluster": "DBClusterIdentifier",
    "AWS::RDS::DBInstance": "DBInstanceIdentifier",
}

_PLACES: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "AWS::EC2::Route": (
        ("RouteTableId", "DestinationCidrBlock"),
        ("RouteTableId", "DestinationIpv6CidrBlock"),
        ("RouteTableId", "DestinationPrefixListId"),
    ),
    "AWS::EC2::Subnet": (("VpcId", "CidrBlock"),),
    "AWS::EC2::SubnetRouteTableAssociation": (("SubnetId",),),
    "AWS::EC2::VPCGatewayAttachment": (("VpcId", "InternetGatewayId"),),
    "AWS::ElasticLoadBalancingV2::Listener": (("LoadBalancerArn", "Port"),),
    "AWS::ElasticLoadBalancingV2::ListenerRule": (("ListenerArn", "Priority"),),
    "AWS::Route53::RecordSet": (
        ("HostedZoneId", "Name", "Type", "SetIdentifier"),
        ("HostedZoneName", "Name", "Type", "SetIdentifier"),
    ),
}
"""Properties that no two resources of a type can share: the first of each must be there."""


def name_property(kind: str) -> str:
    """The property that gives a resource its physical name: `ServiceName`, or `Name`."""
    return _NAMES.get(kind) or f"{kind.split('::')[-1]}Name"


@dataclass(frozen=True)
class Pair:
    """A resource before and after."""

    old: Resource
    new: Resource

    @cached_property
    def changed(self) -> tuple[str, ...]:
        """The properties that change, by name."""
        keys = dict.fromkeys([*_keys(self.old.props), *_keys(self.new.props)])
        return tuple(
            key for key in keys if settled(self.old.props[key]) != settled(self.new.props[key])
        )


@dataclass(frozen=True, eq=False)
class Comparison:
    """Templates of one environment before and after, each side in the order of deployment."""

    old: View
    new: View
    create_only: CreateOnly

    @cached_property
    def stacks(self) -> list[tuple[Stack, Stack]]:
        """The stacks that stay, by their names."""
        before = {stack.name: stack for stack in self.old.stacks}
        return [(before[one.name], one) for one in self.new.stacks if one.name in before]

    @cached_property
    def gone_stacks(self) -> list[Stack]:
        after = {stack.name for stack in self.new.stacks}
        return [stack for stack in self.old.stacks if stack.name not in after]

    @cached_property
    def pairs(self) -> list[Pair]:
        return [
            Pair(old.resources[name], resource)
            for old, new in self.stacks
            for name, resource in new.resources.items()
            if name in old.resources
        ]

    @cached_property
    def removed(self) -> list[Resource]:
        """Resources that leave a stack that stays."""
        return [
            resource
            for old, new in self.stacks
            for name, resource in old.resources.items()
            if name not in new.resources
        ]

    @cached_property
    def added(self) -> list[Resource]:
        """Resources that come, those of new stacks too."""
        kept = {id(pair.new) for pair in self.pairs}
        return [
            resource
            for stack in self.new.stacks
            for resource in stack.resources.values()
            if id(resource) not in kept
        ]

    def kept(self, new: Resource) -> Resource | None:
        """What a resource was before."""
        return self._before.get(id(new))

    @cached_property
    def _before(self) -> dict[int, Resource]:
        return {id(pair.new): pair.old for pair in self.pairs}

    @cached_property
    def replaced(self) -> dict[Resource, tuple[Pair, str]]:
        """The resources that an update makes anew, each with the property that is the reason; for
        the rest of `Pair` see there. Follows references until nothing more is replaced."""
        found: dict[Resource, tuple[Pair, str]] = {}
        todo = [pair for pair in self.pairs if pair.old.type == pair.new.type]
        while True:
            new = {
                pair.new: (pair, reason)
                for pair in todo
                if pair.new not in found
                for reason in [self._reason(pair, found)]
                if reason
            }
            if not new:
                return found
            found |= new

    def _reason(self, pair: Pair, replaced: Mapping[Resource, Any]) -> str:
        for pointer in self.create_only(pair.new.type):
            steps = pointer.removeprefix("/properties/").split("/")
            for old, new in zip(
                _at(pair.old.props, steps), _at(pair.new.props, steps), strict=False
            ):
                if settled(old) != settled(new) or any(one in replaced for one in mentioned(new)):
                    return steps[0]
        return ""

    def places(self, resource: Resource, *, after: bool) -> Iterator[tuple[Any, ...]]:
        """What a resource holds that no other may hold at the same time: its name and, for some
        types, a port, a priority or an address range."""
        name = resource[name_property(resource.type)]
        if name.absent and resource.type.startswith("AWS::ElasticLoadBalancingV2::"):
            name = resource["Name"]
        if name.present and not name.unknown:
            yield (resource.type, settled(name))
        for keys in _PLACES.get(resource.type, ()):
            if (
                resource[keys[0]].present
                and resource[keys[1] if len(keys) > 1 else keys[0]].present
            ):
                fresh = any(
                    after and one in self.replaced
                    for key in keys
                    for one in mentioned(resource[key])
                )
                if not fresh:
                    yield (resource.type, keys, *(settled(resource[key]) for key in keys))


def _keys(node: Node) -> list[str]:
    return [key for key, _ in node.pairs]


def _at(node: Node, steps: list[str]) -> list[Node]:
    """The nodes at a path, of which `*` means every item."""
    nodes = [node]
    for step in steps:
        nodes = [inner for one in nodes for inner in (one.items if step == "*" else (one[step],))]
    return nodes


def settled(node: Node) -> Any:
    """A node's value in a form that is equal where both versions mean the same."""
    value = node.value
    if isinstance(value, Mapping):
        return tuple(sorted((key, settled(inner)) for key, inner in node.pairs))
    if isinstance(value, list):
        return tuple(settled(one) for one in node.items)
    if isinstance(value, Attr | Text):
        return repr([_named(part) for part in node.parts])
    text = node.text
    return repr(value) if text is None else text


def _named(part: Any) -> Any:
    """A part of a text, with a resource's name in place of the resource."""
    if isinstance(part, Attr):
        return ("of", part.resource.stack.name, part.resource.id, part.name)
    return part if isinstance(part, str) else repr(part)


def mentioned(node: Node) -> Iterator[Resource]:
    """The resources that a value refers to, at any depth."""
    for part in node.parts:
        if isinstance(part, Attr):
            yield part.resource
    for inner in (*node.items, *(one for _, one in node.pairs)):
        yield from mentioned(inner)
