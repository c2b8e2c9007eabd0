"""Where the tasks of a stack may connect to: `egress:`.

Without it, a security group allows all connections to the outside. With it, the security group of
the tasks allows what is written, and what the tasks themselves need: HTTPS, for images, logs,
secrets and APIs of AWS; file systems; and the services below `reaches:`. DNS is not filtered by
security groups (Amazon VPC user guide, "Control traffic to your AWS resources using security
groups").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag
from troposphere import GetAtt, ec2

from moorage.facts.addresses import ANY_IPV4, ANY_IPV6
from moorage.facts.network_file_systems import NFS_PORT
from moorage.findings.finding import Path, Problem
from moorage.model import Base, Environment, logical_id

from ..common.exports import import_value
from ..common.fields import Cidr, PrefixListId, SecurityGroupId, ip_version
from .launch_types import LaunchParams, uses_instance_address
from .ports import PortField
from .service_connect import DiscoverableParams, connectable_ports
from .volumes import Volume

_HTTPS = 443


def _kind_of_destination(value: Any) -> str:
    if isinstance(value, str) and value.startswith("sg-"):
        return "security group"
    return "prefix list" if isinstance(value, str) and value.startswith("pl-") else "network"


Destination = Annotated[
    Annotated[SecurityGroupId, Tag("security group")]
    | Annotated[PrefixListId, Tag("prefix list")]
    | Annotated[Cidr, Tag("network")],
    Discriminator(_kind_of_destination),
]
"""A CIDR block, or the id of a prefix list or of a security group."""


class EgressEntry(Base):
    """Destinations that the tasks may connect to."""

    to: list[Destination] = Field(
        min_length=1,
        examples=[["10.0.0.0/16"]],
        description="CIDR blocks, and ids of prefix lists and security groups.",
    )
    ports: list[PortField] = Field(
        min_length=1, examples=[[5432]], description="Ports: `5432`, `514/udp`."
    )


class EgressParams(LaunchParams):
    """Where the tasks of a stack may connect to."""

    egress: list[EgressEntry] | None = Field(
        None,
        examples=[[{"to": ["10.0.0.0/16"], "ports": [5432]}]],
        description="What the tasks may connect to, with `network_mode: awsvpc`: by default "
        "everything. With `[]` or entries, their security group allows these, and what the task "
        "needs: HTTPS to all addresses, its EFS volumes, and the services in `reaches`.",
    )


def egress_problems(params: EgressParams, volumes: Mapping[str, Volume]) -> Iterator[Problem]:
    """Problems of `egress:`: it has no effect, or leaves out what a volume needs."""
    if params.egress is None:
        return
    if uses_instance_address(params.network_mode):
        message = "`egress` needs tasks with their own security group, and with `network_mode: "
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
        **{_destination_property(destination): destination},
    )


def _destination_property(destination: str) -> str:
    kind = _kind_of_destination(destination)
    if kind == "security group":
        return "DestinationSecurityGroupId"
    if kind == "prefix list":
        return "DestinationPrefixListId"
    return "CidrIp" if ip_version(destination) == 4 else "CidrIpv6"


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
            yield _group_rule(title, group, port.protocol, port.number, f"To {name}")


def _volume_rules(volumes: Mapping[str, Volume]) -> Iterator[ec2.SecurityGroupEgress]:
    efs_volumes = [volume.efs for volume in volumes.values() if volume.efs]
    if any(volume.existing is None for volume in efs_volumes):
        group = GetAtt("MountTargetSecurityGroup", "GroupId")
        yield _group_rule("NfsEgress", group, "tcp", NFS_PORT, "NFS to the mount targets")
    existing = {volume.existing.security_group for volume in efs_volumes if volume.existing}
    for group_id in sorted(group for group in existing if group):
        title = logical_id(group_id, "NfsEgress")
        yield _group_rule(title, group_id, "tcp", NFS_PORT, "NFS to the mount targets")


def _group_rule(
    title: str, group: Any, protocol: str, port: int, description: str
) -> ec2.SecurityGroupEgress:
    return ec2.SecurityGroupEgress(
        title,
        Description=description,
        GroupId=GetAtt("SecurityGroup", "GroupId"),
        IpProtocol=protocol,
        FromPort=port,
        ToPort=port,
        DestinationSecurityGroupId=group,
    )
