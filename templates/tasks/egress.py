"""Where the tasks of a stack may connect to: `egress:`.

Without it, the security group of the tasks allows all outbound connections. With it, the group
allows the entries, and what the tasks themselves need: HTTPS for images, logs, secrets and APIs of
AWS; file systems; and the services below `reaches:`. Security groups do not filter DNS (Amazon VPC
user guide, "Control traffic to your AWS resources using security groups").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import Field
from troposphere import GetAtt, ec2

from moorage.facts.addresses import ANY_IPV4, ANY_IPV6
from moorage.facts.network_file_systems import NFS_PORT
from moorage.findings.finding import Path, Problem
from moorage.model import Base, Environment, logical_id

from ..common.exports import import_value
from ..common.security_groups import Peer, destination_property
from .launch_types import LaunchParams, uses_instance_address
from .ports import PortField
from .service_connect import DiscoverableParams, connectable_ports
from .volumes import Volume

_HTTPS = 443


class EgressEntry(Base):
    """Destinations that the tasks may connect to."""

    to: list[Peer] = Field(
        min_length=1,
        examples=[["10.0.0.0/16"]],
        description="CIDR blocks, and IDs of prefix lists and security groups.",
    )
    ports: list[PortField] = Field(
        min_length=1, examples=[[5432]], description="Ports: `5432`, `514/udp`."
    )


class EgressParams(LaunchParams):
    """Where the tasks of a stack may connect to."""

    egress: list[EgressEntry] | None = Field(
        None,
        examples=[[{"to": ["10.0.0.0/16"], "ports": [5432]}]],
        description="With `network_mode: awsvpc`, what the tasks may connect to. Default: "
        "everything. With entries, or with `[]`, their security group allows only the entries and "
        "what the task needs: HTTPS to all addresses, its EFS volumes, and the services in "
        "`reaches`.",
    )


def egress_problems(params: EgressParams, volumes: Mapping[str, Volume]) -> Iterator[Problem]:
    """Problems of `egress:`: it has no effect, or leaves out what a volume needs."""
    if params.egress is None:
        return
    if uses_instance_address(params.network_mode):
        message = "`egress` needs tasks with their own security group, but with `network_mode: "
        message += f"{params.network_mode}` they have that of their instances"
        hint = "Write `network_mode: awsvpc`, or remove `egress`."
        yield Problem("M2725", ("egress",), message, hint, because=[("network_mode",)])
        return
    allowed = {port.number for entry in params.egress for port in entry.ports}
    for name, volume in volumes.items():
        existing = volume.efs.existing if volume.efs else None
        if existing and existing.security_group is None and NFS_PORT not in allowed:
            path: Path = ("egress",)
            message = f"The volume `{name}` cannot be mounted: `egress` does not allow NFS, and "
            message += "the security group of its mount targets is unknown"
            hint = (
                f"Write `security_group:` below `existing:` of the volume, or add port {NFS_PORT} "
            )
            hint += "to `egress`."
            because = [("volumes", name, "efs", "existing")]
            yield Problem("M2733", path, message, hint, because=because)


def egress_property(
    params: EgressParams, *, dualstack: bool
) -> dict[str, list[ec2.SecurityGroupRule]]:
    """The SecurityGroupEgress property of the security group; empty without `egress:`."""
    if params.egress is None:
        return {}
    blocks = [ANY_IPV4, *([ANY_IPV6] if dualstack else [])]
    rules = {(block, "tcp", _HTTPS): "HTTPS" for block in blocks}
    for entry in params.egress:
        for port in entry.ports:
            for destination in entry.to:
                key = (destination, port.protocol, port.number)
                rules.setdefault(key, f"To {destination}")
    return {
        "SecurityGroupEgress": [
            _rule(destination, protocol, port, description)
            for (destination, protocol, port), description in rules.items()
        ]
    }


def _rule(destination: str, protocol: str, port: int, description: str) -> ec2.SecurityGroupRule:
    return ec2.SecurityGroupRule(
        Description=description,
        IpProtocol=protocol,
        FromPort=port,
        ToPort=port,
        **{destination_property(destination): destination},
    )


def egress_resources(
    params: EgressParams, volumes: Mapping[str, Volume], reaches: Sequence[str], env: Environment
) -> Iterator[ec2.SecurityGroupEgress]:
    """Rules to security groups of the stack itself and of other stacks: file systems, and the
    services below `reaches:`."""
    if params.egress is None:
        return
    yield from _volume_rules(volumes)
    for name in sorted(reaches):
        server = env.params_of(name, DiscoverableParams)
        for port in connectable_ports(server) if server else ():
            title = logical_id("to", name, port.protocol, str(port.number), "Egress")
            group = import_value(env, name, "SecurityGroupId")
            yield group_rule(title, group, port.protocol, port.number, f"To {name}")


def _volume_rules(volumes: Mapping[str, Volume]) -> Iterator[ec2.SecurityGroupEgress]:
    efs_volumes = [volume.efs for volume in volumes.values() if volume.efs]
    if any(volume.existing is None for volume in efs_volumes):
        group = GetAtt("MountTargetSecurityGroup", "GroupId")
        yield group_rule("NfsEgress", group, "tcp", NFS_PORT, "NFS to the mount targets")
    existing = {volume.existing.security_group for volume in efs_volumes if volume.existing}
    for group_id in sorted(group for group in existing if group):
        title = logical_id(group_id, "NfsEgress")
        yield group_rule(title, group_id, "tcp", NFS_PORT, "NFS to the mount targets")


def group_rule(
    title: str, group: Any, protocol: str, port: int, description: str
) -> ec2.SecurityGroupEgress:
    """A rule that allows the tasks to connect to the members of a security group."""
    return ec2.SecurityGroupEgress(
        title,
        Description=description,
        GroupId=GetAtt("SecurityGroup", "GroupId"),
        IpProtocol=protocol,
        FromPort=port,
        ToPort=port,
        DestinationSecurityGroupId=group,
    )
