"""Rules by which load balancers reach tasks through ports of their instances.

They are in the stack of the cluster, each once: several services share the security group of the
instances, and EC2 refuses a duplicate rule.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from troposphere import ec2

from moorage.model import logical_id

from ..tasks.launch_types import InstanceOpening, LaunchType
from . import capacity


def instance_rules(
    openings: Collection[InstanceOpening], groups: Mapping[LaunchType, Any]
) -> Iterator[Any]:
    """The rules of both sides for each opening; `groups` are the security groups of the instances
    of each kind."""
    for opening in sorted(openings):
        group, balancer = groups.get(opening.launch), opening.security_group
        if group is None or balancer is None:
            continue
        first, last = opening.first_port, opening.last_port
        ports = str(first) if first == last else f"{first}To{last}"
        via = opening.load_balancer
        title = logical_id(
            capacity.LOGICAL_ID_PREFIXES[opening.launch], "From", via, f"{opening.protocol}{ports}"
        )
        shared = {"IpProtocol": opening.protocol, "FromPort": first, "ToPort": last}
        yield ec2.SecurityGroupIngress(
            f"{title}Ingress",
            Description=f"From load balancer {via}",
            GroupId=group,
            SourceSecurityGroupId=balancer,
            **shared,
        )
        yield ec2.SecurityGroupEgress(
            f"{title}Egress",
            Description="To the instances of a cluster",
            GroupId=balancer,
            DestinationSecurityGroupId=group,
            **shared,
        )
