"""Listeners of a Network Load Balancer, their targets and their resources.

The stack of a service contains its listeners and target groups, and the security group rules of
both sides. Sources: Network Load Balancers user guide ("Listeners", "Target groups", "Edit target
group attributes", "Update the security groups") and Elastic Load Balancing API reference
(TargetGroupAttribute, ListenerAttribute).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from troposphere import GetAtt, Ref, ec2, ecs
from troposphere import elasticloadbalancingv2 as elb

from moorage.facts.load_balancing import DEFAULT_TCP_IDLE_TIMEOUT
from moorage.findings.finding import Path
from moorage.model import logical_id
from moorage.records import record
from moorage.references import Reference, sort_key

from ...common.security_groups import source_property
from ...tasks.containers import Containers, choose_container
from ...tasks.ports import Port
from ..alb.target_groups import HealthCheck
from ..health_sidecar.sidecar import Sidecar
from ..params import ExposeEntry
from ..target_pairs import Pairs, forward_action, shift_settings
from ..used_load_balancers import UsedNlb

TRANSPORTS: dict[str, tuple[str, ...]] = {
    "tcp": ("tcp",),
    "tls": ("tcp",),
    "udp": ("udp",),
    "tcp_udp": ("tcp", "udp"),
}
"""The transport protocols of each protocol of a listener."""


@record
class NlbTarget:
    """A port of a container behind a Network Load Balancer: a listener and its target group."""

    index: int
    """The index of its entry below `expose:`."""
    entry: ExposeEntry
    load_balancer: UsedNlb
    listener: Port
    container: str
    number: int
    """The container's port."""

    @property
    def listener_title(self) -> str:
        """Logical ID of the listener, from load balancer and port: a load balancer has one listener
        for each port. A change of the protocol updates it in place."""
        return logical_id(self.entry.via, str(self.listener.number), "Listener")

    @property
    def target_group_title(self) -> str:
        """Logical ID of the target group. It contains the protocol, whose change replaces the
        target group."""
        protocol = f"{self.listener.protocol}{self.listener.number}"
        return logical_id(self.entry.via, protocol, "TargetGroup")

    @property
    def transports(self) -> tuple[str, ...]:
        return TRANSPORTS[self.listener.protocol]

    @property
    def sidecar(self) -> Sidecar | None:
        check = self.entry.health_check
        return check.sidecar if check else None

    @property
    def health_port(self) -> int:
        """The TCP port that the load balancer sends health checks to."""
        check = self.entry.health_check
        if self.sidecar:
            return self.sidecar.port.number
        return check.port.number if check and check.port else self.number

    @property
    def detection_time(self) -> int:
        """Seconds until the load balancer has detected that the port is closed."""
        return detection_time(self.entry.health_check or HealthCheck.unvalidated())

    @property
    def preserves_client_ip(self) -> bool:
        return preserves_client_ip(self.entry, self.listener)

    @property
    def uses_ipv6(self) -> bool:
        """Whether packets reach the task over IPv6, as all UDP packets of a dualstack load balancer
        do (Network Load Balancers user guide, "IP address type")."""
        return self.load_balancer.handle.dualstack and "udp" in self.transports

    @property
    def task_ports(self) -> list[tuple[str, int]]:
        """The ports that the load balancer sends packets and health checks to, as pairs of
        transport protocol and number."""
        traffic = {(transport, self.number) for transport in self.transports}
        return sorted({("tcp", self.health_port), *traffic})


@record
class NlbListener:
    """An `expose:` entry through a Network Load Balancer."""

    stack: str
    """The stack of the service."""
    index: int
    """Its index below `expose:`."""
    entry: ExposeEntry
    load_balancer: UsedNlb
    target: NlbTarget | None
    """None if the container or its port does not exist."""

    @property
    def path(self) -> Path:
        return ("expose", self.index)

    @property
    def place(self) -> str:
        """Its place in the params, for messages of other stacks."""
        return f"stacks.{self.stack}.expose[{self.index}]"


def detection_time(check: HealthCheck) -> int:
    """Seconds until a load balancer has detected that a target does not answer."""
    return int(check.interval) * check.unhealthy_threshold


def preserves_client_ip(entry: ExposeEntry, port: Port) -> bool:
    """Whether packets keep the IP address of the client. For UDP they always do."""
    return "udp" in TRANSPORTS[port.protocol] or bool(entry.preserve_client_ip)


def resolve_listener(
    stack: str, index: int, entry: ExposeEntry, load_balancer: UsedNlb, containers: Containers
) -> NlbListener:
    return NlbListener(
        stack=stack,
        index=index,
        entry=entry,
        load_balancer=load_balancer,
        target=_resolve_target(index, entry, load_balancer, containers),
    )


def _resolve_target(
    index: int, entry: ExposeEntry, load_balancer: UsedNlb, containers: Containers
) -> NlbTarget | None:
    name = choose_container(entry.container, containers)
    if entry.port is None or entry.port.protocol not in TRANSPORTS or name not in containers:
        return None
    number = entry.target_port or entry.port.number
    transports = TRANSPORTS[entry.port.protocol]
    if not any(Port(number, transport) in containers[name].ports for transport in transports):
        return None
    return NlbTarget(index, entry, load_balancer, entry.port, name, number)


def checks_over_http(check: HealthCheck) -> bool:
    """Whether a health check is an HTTP request; otherwise it only opens a connection."""
    return check.sidecar.mode == "http" if check.sidecar else check.protocol in ("HTTP", "HTTPS")


# Resources -----------------------------------------------------------------------------------


def nlb_target_group(
    title: str, target: NlbTarget, vpc: Any, *, through_instance: bool
) -> elb.TargetGroup:
    """A target group of IP addresses, or of instances. It has no name, which would prevent its
    replacement."""
    shifts_across_zones = target.load_balancer.handle.shifts_across_zones
    check = target.entry.health_check or HealthCheck.unvalidated()
    http = checks_over_http(check)
    protocol = (check.protocol or "HTTP") if http else "TCP"
    checks_traffic_port = target.health_port == target.number and "tcp" in target.transports
    http_settings = (
        {
            "HealthCheckPath": check.path or "/",
            "Matcher": elb.Matcher(HttpCode=check.matcher or "200-399"),
        }
        if http
        else {}
    )
    return elb.TargetGroup(
        title,
        TargetType="instance" if through_instance else "ip",
        VpcId=vpc,
        Port=target.number,
        Protocol=_target_protocol(target),
        HealthCheckEnabled=True,
        HealthCheckProtocol=protocol,
        HealthCheckPort="traffic-port" if checks_traffic_port else str(target.health_port),
        HealthCheckIntervalSeconds=check.interval,
        HealthCheckTimeoutSeconds=check.timeout,
        HealthyThresholdCount=check.healthy_threshold,
        UnhealthyThresholdCount=check.unhealthy_threshold,
        TargetGroupAttributes=[
            elb.TargetGroupAttribute(Key=key, Value=value)
            for key, value in _attributes(target, shifts_across_zones).items()
        ],
        **http_settings,
        **({"IpAddressType": "ipv6"} if target.uses_ipv6 else {}),
    )


def _target_protocol(target: NlbTarget) -> str:
    """The protocol of the listener, unless it terminates TLS."""
    if target.listener.protocol == "tls" and not target.entry.target_tls:
        return "TCP"
    return target.listener.protocol.upper()


def _attributes(target: NlbTarget, shifts_across_zones: bool) -> dict[str, str]:
    """The attributes, all of which are always set: one that is left out keeps its previous value
    (Elastic Load Balancing API reference, ModifyTargetGroupAttributes), so removing it from the
    params would not reset it. The defaults are those of Elastic Load Balancing (the same,
    TargetGroupAttribute).

    Attributes that the protocol determines are left out: UDP preserves client IP addresses, and TLS
    has no stickiness.

    Zonal shift with cross-zone load balancing requires TCP or TLS, and that connections to
    unhealthy targets are not terminated (ARC developer guide, "Network Load Balancers").
    """
    entry = target.entry
    udp, tls = "udp" in target.transports, target.listener.protocol == "tls"
    terminates = udp if entry.connection_termination is None else entry.connection_termination
    values: dict[str, Any] = {
        "deregistration_delay.timeout_seconds": entry.deregistration_delay,
        "deregistration_delay.connection_termination.enabled": terminates,
        "preserve_client_ip.enabled": None if udp else bool(entry.preserve_client_ip),
        "proxy_protocol_v2.enabled": entry.proxy_protocol_v2,
        "stickiness.enabled": None if tls else entry.source_ip_stickiness,
        "stickiness.type": None if tls else "source_ip",
        "target_health_state.unhealthy.connection_termination.enabled": (
            None if udp else not shifts_across_zones
        ),
    }
    return {key: str(value).lower() for key, value in values.items() if value is not None}


def nlb_listener(
    title: str, target: NlbTarget, pairs: Pairs, *, port: int | None = None
) -> elb.Listener:
    """The listener, on its own port or on `port`."""
    # Always set, because an attribute that is left out keeps its previous value.
    idle = target.entry.tcp_idle_timeout or DEFAULT_TCP_IDLE_TIMEOUT
    timeout = elb.ListenerAttribute(Key="tcp.idle_timeout.seconds", Value=str(idle))
    return elb.Listener(
        title,
        LoadBalancerArn=target.load_balancer.handle.load_balancer,
        Port=port or target.listener.number,
        Protocol=target.listener.protocol.upper(),
        DefaultActions=[
            elb.Action(Type="forward", **forward_action(target.target_group_title, pairs))
        ],
        **_tls_properties(target.entry),
        **({"ListenerAttributes": [timeout]} if target.listener.protocol == "tcp" else {}),
    )


def _tls_properties(entry: ExposeEntry) -> dict[str, Any]:
    if entry.certificate is None:
        return {}
    alpn = {"AlpnPolicy": [entry.alpn_policy]} if entry.alpn_policy else {}
    certificate = elb.Certificate(CertificateArn=entry.certificate)
    return {"Certificates": [certificate], "SslPolicy": entry.ssl_policy, **alpn}


def nlb_attachment(target: NlbTarget, pairs: Pairs) -> ecs.LoadBalancer:
    """The entry of `LoadBalancers` with which the ECS service registers its tasks in the target
    group."""
    return ecs.LoadBalancer(
        ContainerName=target.container,
        ContainerPort=target.number,
        TargetGroupArn=Ref(target.target_group_title),
        **shift_settings(target.target_group_title, pairs),
    )


def nlb_security_group_rules(targets: Sequence[NlbTarget], *, through_instance: bool) -> list[Any]:
    """Security group rules of all targets, without the duplicates that two load balancers in the
    same subnets would cause: EC2 refuses them. The rules of instances are in the stack of the
    cluster."""
    rules: dict[str, Any] = {}
    for target in targets:
        has_group = target.load_balancer.handle.security_group is not None
        build = _rules_with_group if has_group else _rules_without_group
        build = _client_rules if through_instance else build
        for rule in build(target):
            rules.setdefault(_duplicate_key(rule), rule)
    return list(rules.values())


def _duplicate_key(resource: Any) -> str:
    """A key that is equal for duplicate rules: the rule without its description."""
    body = resource.to_dict()
    rule = {key: value for key, value in body["Properties"].items() if key != "Description"}
    return json.dumps([body["Type"], rule], sort_keys=True)


def _clients(target: NlbTarget) -> Sequence[str | Reference]:
    default = target.load_balancer.handle.default_clients
    clients = default if target.entry.clients is None else target.entry.clients
    return clients or ()


def _client_rules(target: NlbTarget) -> Iterator[Any]:
    """Rules of the load balancer's security group that allow clients."""
    for transport in target.transports:
        title = logical_id(target.entry.via, f"{transport}{target.listener.number}")
        for client in _clients(target):
            yield ec2.SecurityGroupIngress(
                f"{title}From{_client_id_part(client)}",
                Description=f"Clients of port {target.listener.number}",
                GroupId=target.load_balancer.handle.security_group,
                **_ports(transport, target.listener.number),
                **{source_property(client): client},
            )


def _rules_with_group(target: NlbTarget) -> Iterator[Any]:
    """The load balancer allows clients, and the tasks allow only the load balancer.

    The rules of the tasks name the security group of the load balancer, and so also match packets
    that have the IP address of a client (Network Load Balancers user guide, "Update the security
    groups for your NLB").
    """
    yield from _client_rules(target)
    tasks = GetAtt("SecurityGroup", "GroupId")
    for transport, number in target.task_ports:
        title = logical_id(target.entry.via, f"{transport}{number}")
        yield ec2.SecurityGroupIngress(
            f"{title}Ingress",
            Description=f"From load balancer {target.entry.via}",
            GroupId=tasks,
            SourceSecurityGroupId=target.load_balancer.handle.security_group,
            **_ports(transport, number),
        )
        yield ec2.SecurityGroupEgress(
            f"{title}Egress",
            Description="To the tasks of a service",
            GroupId=target.load_balancer.handle.security_group,
            DestinationSecurityGroupId=tasks,
            **_ports(transport, number),
        )


def _rules_without_group(target: NlbTarget) -> Iterator[Any]:
    """Rules for a load balancer without a security group. Its health checks come from its own IP
    addresses, and so do packets, unless the addresses of clients are preserved."""
    balancer = target.load_balancer.handle
    nodes = balancer.addresses or ()
    senders = _clients(target) if target.preserves_client_ip else nodes
    if balancer.dualstack and any(_is_ipv6(client) for client in senders):
        # Packets of IPv6 clients reach IPv4 tasks from an address of the load balancer.
        senders = [*(client for client in senders if not _is_ipv6(client)), *nodes]
    health = ("tcp", target.health_port)
    for transport, number in target.task_ports:
        traffic = senders if number == target.number and transport in target.transports else ()
        checks = nodes if (transport, number) == health else ()
        for address in sorted({*traffic, *checks}, key=sort_key):
            title = logical_id(target.entry.via, f"{transport}{number}")
            yield ec2.SecurityGroupIngress(
                f"{title}From{_client_id_part(address)}",
                Description=f"Through load balancer {target.entry.via}",
                GroupId=GetAtt("SecurityGroup", "GroupId"),
                **_ports(transport, number),
                **{source_property(address): address},
            )


def _ports(transport: str, number: int) -> dict[str, Any]:
    return {"IpProtocol": transport, "FromPort": number, "ToPort": number}


def _is_ipv6(client: str | Reference) -> bool:
    return source_property(client) == "CidrIpv6"


def _client_id_part(client: str | Reference) -> str:
    """A client as part of a logical ID: `10.0.0.0/16` becomes `10x0x0x0x16`, `::/0` `xxx0`."""
    if not isinstance(client, str):
        return logical_id(*client.words)
    return re.sub(r"[^A-Za-z0-9]", "x", client)
