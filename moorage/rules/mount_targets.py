"""File systems and mount targets of EFS: Availability Zones, addresses and VPCs."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from ipaddress import IPv4Address, IPv4Network

from moorage.cfn import ecs
from moorage.cfn.nodes import Node
from moorage.cfn.stack import Resource
from moorage.cfn.values import identity
from moorage.cfn.view import View
from moorage.rules.rule import Problem, problem, rule

_FILE_SYSTEM = "AWS::EFS::FileSystem"
_MOUNT_TARGET = "AWS::EFS::MountTarget"
_SUBNET = "AWS::EC2::Subnet"


def _subnet_of(mount_target: Resource) -> Resource | None:
    return ecs.resource_of_type(mount_target["SubnetId"], _SUBNET)


def _zone(subnet: Resource) -> Node:
    return subnet["AvailabilityZone"]


def _pairs_of_a_file_system(view: View) -> Iterator[tuple[Resource, Resource]]:
    """Each mount target, and each earlier one of the same file system."""
    by_file_system: dict[Hashable, list[Resource]] = {}
    for mount_target in view.resources_of_type(_MOUNT_TARGET):
        file_system = mount_target["FileSystemId"]
        if file_system.present:
            earlier = by_file_system.setdefault(identity(file_system.value), [])
            yield from ((mount_target, other) for other in earlier)
            earlier.append(mount_target)


@rule(
    "E9866",
    "A mount target is in the wrong Availability Zone.",
    error_messages=(
        "MountTargetConflict",
        "File System Availability Zone does not match.",
    ),
    fix="Write a subnet in another Availability Zone. The mount target of a One Zone file system "
    "must be in the zone of the file system.",
    sources=("Amazon EFS API reference: CreateMountTarget",),
)
def mount_target_in_wrong_zone(view: View) -> Iterator[Problem]:
    """A file system has at most one mount target in each Availability Zone, which all subnets of
    the zone use. A One Zone file system has one, in its own zone."""
    for mount_target, other in _pairs_of_a_file_system(view):
        if _is_in_one_zone(mount_target):
            yield problem(
                mount_target["SubnetId"],
                f"Mount target `{mount_target.id}` is the second one of a file system that is in "
                f"one Availability Zone, after `{other.id}`",
                "Keep the one in the zone of the file system.",
            )
            continue
        subnet, other_subnet = _subnet_of(mount_target), _subnet_of(other)
        if subnet is None or other_subnet is None or subnet is other_subnet:
            continue
        if _zone(subnet).present and _zone(subnet).is_same_as(_zone(other_subnet)):
            yield problem(
                mount_target["SubnetId"],
                f"Subnet `{subnet.id}` of mount target `{mount_target.id}` is in the Availability "
                f"Zone of `{other_subnet.id}`, where `{other.id}` already is",
                "Write a subnet in another Availability Zone, or remove the mount target.",
            )
    for mount_target in view.resources_of_type(_MOUNT_TARGET):
        file_system = _file_system_of(mount_target)
        subnet = _subnet_of(mount_target)
        if file_system is None or subnet is None:
            continue
        zone = file_system["AvailabilityZoneName"]
        if zone.present and _zone(subnet).present and zone.is_same_as(_zone(subnet)) is False:
            yield problem(
                mount_target["SubnetId"],
                f"Subnet `{subnet.id}` of mount target `{mount_target.id}` is in another "
                f"Availability Zone than the One Zone file system `{file_system.id}`",
                "Write a subnet in the zone of the file system.",
            )


def _file_system_of(mount_target: Resource) -> Resource | None:
    return ecs.resource_of_type(mount_target["FileSystemId"], _FILE_SYSTEM)


def _is_in_one_zone(mount_target: Resource) -> bool:
    file_system = _file_system_of(mount_target)
    return file_system is not None and file_system["AvailabilityZoneName"].certainly_present


@rule(
    "E9862",
    "The address of a mount target is not one of its subnet.",
    error_messages=("Address does not fall within the subnet's address range",),
    fix="Write an address of the subnet, or remove IpAddress.",
    sources=("Amazon EFS API reference: CreateMountTarget, IpAddress",),
)
def address_outside_subnet(view: View) -> Iterator[Problem]:
    """A mount target has an address of its subnet, which EFS selects if IpAddress is absent."""
    for mount_target in view.resources_of_type(_MOUNT_TARGET):
        subnet, address = _subnet_of(mount_target), mount_target["IpAddress"]
        block = subnet["CidrBlock"] if subnet else None
        if subnet and block and _is_outside(address.text, block.text):
            yield problem(
                address,
                f"The address `{address.text}` of mount target `{mount_target.id}` is not in the "
                f"block `{block.text}` of subnet `{subnet.id}`",
                "Write an address of the subnet, or remove IpAddress.",
            )


def _is_outside(address: str | None, block: str | None) -> bool:
    try:
        return IPv4Address(address or "") not in IPv4Network(block or "", strict=False)
    except ValueError:
        return False


@rule(
    "E9863",
    "An Availability Zone is not in the region of its file system.",
    error_messages=(
        "Invalid Availability Zone Name provided.",
        "Region and Availability Zone must match.",
    ),
    fix="Write a zone of the region, such as `!Sub ${AWS::Region}a`.",
    sources=(
        "Amazon EFS API reference: CreateFileSystem, AvailabilityZoneName",
        "AWS's error message, reproduced by cdk-preflight",
    ),
)
def zone_in_another_region(view: View) -> Iterator[Problem]:
    """The name of an Availability Zone is that of its region and a letter. A file system is in the
    region of its stack, and its replica in the Region that the destination names."""
    for file_system in view.resources_of_type(_FILE_SYSTEM):
        destinations = file_system["ReplicationConfiguration"]["Destinations"].items
        pairs = (
            (file_system["AvailabilityZoneName"], file_system.stack.template.region),
            *((item["AvailabilityZoneName"], item["Region"].text) for item in destinations),
        )
        for zone, region in pairs:
            if zone.text and region and not zone.text.startswith(region):
                yield problem(
                    zone,
                    f"The Availability Zone `{zone.text}` of file system `{file_system.id}` is not "
                    f"in the region {region}",
                    "Write a zone of the region, or remove AvailabilityZoneName.",
                )


@rule(
    "E9867",
    "The mount targets of a file system are in two VPCs.",
    error_messages=(
        "requested subnet for new mount target is not in the same VPC as existing mount targets",
    ),
    fix="Use subnets of one VPC for all mount targets of a file system.",
    sources=("Amazon EFS API reference: CreateMountTarget",),
)
def mount_targets_of_two_vpcs(view: View) -> Iterator[Problem]:
    """A file system can be mounted from one VPC, in which all its mount targets are."""
    for mount_target, other in _pairs_of_a_file_system(view):
        subnet, other_subnet = _subnet_of(mount_target), _subnet_of(other)
        if subnet and other_subnet and _are_in_two_vpcs(subnet, other_subnet):
            yield problem(
                mount_target["SubnetId"],
                f"Subnet `{subnet.id}` of mount target `{mount_target.id}` is in another VPC than "
                f"mount target `{other.id}` of the same file system",
                "Write a subnet of the same VPC.",
            )


def _are_in_two_vpcs(first: Resource, second: Resource) -> bool:
    vpcs = first["VpcId"], second["VpcId"]
    return all(vpc.present for vpc in vpcs) and vpcs[0].is_same_as(vpcs[1]) is False


RULES = (
    mount_target_in_wrong_zone,
    address_outside_subnet,
    zone_in_another_region,
    mount_targets_of_two_vpcs,
)
