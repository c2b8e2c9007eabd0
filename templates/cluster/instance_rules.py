"""Security group rules that let load balancers reach tasks through ports of their instances.

They are in the stack of the cluster because several services share the security group of the
instances: in the stacks of the services, EC2 would refuse the second of two equal rules.
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
    """For each opening, an inbound rule of the instances and an outbound rule of the load balancer.
    `groups` has the security group of the instances of each launch type."""
    for opening in sorted(openings):
        group, balancer_group = groups.get(opening.launch), opening.security_group
        if group is None or balancer_group is None:
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
            SourceSecurityGroupId=balancer_group,
            **shared,
        )
        yield ec2.SecurityGroupEgress(
            f"{title}Egress",
            Description="To the instances of a cluster",
            GroupId=balancer_group,
            DestinationSecurityGroupId=group,
            **shared,
        )
