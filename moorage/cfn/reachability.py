"""Whether the security groups of both sides allow a connection.

Answers are True, False, or None if only the deployment knows: a security group that is not in the
view, a CIDR block or a list with unknown values. Rules report nothing for None.

Facts from the AWS documentation of security groups and of Elastic Load Balancing:

- A security group without egress rules allows all outbound traffic. An empty list of rules has the
  same effect. The first `SecurityGroupEgress` resource added to it removes that default rule
  (aws/aws-cdk#987, aws/aws-cdk#22140).
- The default security group of a VPC allows inbound traffic from its own members only.
- If a Network Load Balancer has security groups, rules of targets can refer to them for traffic and
  for health checks, even if client IP addresses are preserved. Without security groups, rules have
  to allow IP addresses: those of the load balancer, or those of the clients if they are preserved.
  Health checks always come from the addresses of the load balancer.
- Client IP addresses are preserved for UDP and TCP_UDP, and by default for targets of type
  instance.
"""

from __future__ import annotations

from moorage.cfn.peers import Peer, find_security_group
from moorage.cfn.security_group_rules import EGRESS, INGRESS, Ports, rules_allow
from moorage.cfn.tristate import TriState, any_of


def allows_ingress(target: Peer, protocol: str, ports: Ports, source: Peer) -> TriState:
    """Whether the security groups of the target allow a connection from the source."""
    return _groups_allow(target, INGRESS, protocol, ports, source)


def allows_egress(source: Peer, protocol: str, ports: Ports, target: Peer) -> TriState:
    """Whether the security groups of the source allow a connection to the target."""
    return _groups_allow(source, EGRESS, protocol, ports, target)


def _groups_allow(
    member: Peer, direction: str, protocol: str, ports: Ports, remote: Peer
) -> TriState:
    """Whether any security group of `member` allows the connection with `remote`."""
    if not member.security_groups and member.security_groups_known:
        return True  # without security groups, nothing is filtered
    answers: list[TriState] = [] if member.security_groups_known else [None]
    for node in member.security_groups:
        group = find_security_group(node)
        answers.append(
            None if group is None else rules_allow(group, direction, protocol, ports, remote)
        )
    return any_of(answers)
