"""Mount targets of EFS: their Availability Zones and VPCs."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.nodes import Node
from moorage.cfn.view import Resource, View
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
    earlier: list[Resource] = []
    for mount_target in view.resources_of_type(_MOUNT_TARGET):
        for other in earlier:
            if mount_target["FileSystemId"].is_same_as(other["FileSystemId"]):
                yield mount_target, other
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
        file_system = ecs.resource_of_type(mount_target["FileSystemId"], _FILE_SYSTEM)
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


RULES = (mount_target_in_wrong_zone, mount_targets_of_two_vpcs)
