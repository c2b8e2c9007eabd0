"""Listeners of a Network Load Balancer: where they lead, and what comes out.

A service owns its listeners and target groups and the security-group rules of both sides. Facts:
Network Load Balancers user guide ("Listeners", "Target groups", "Edit target group attributes",
"Update the security groups") and the Elastic Load Balancing API reference (TargetGroupAttribute,
ListenerAttribute).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from troposphere import GetAtt, Ref, ec2, ecs
from troposphere import elasticloadbalancingv2 as elb

from moorage.model import logical_id

from ...load_balancers import nlb
from ...load_balancers.clients import find_address_property
from ...tasks.containers import Containers, choose_container
from ...tasks.ports import Port
from ..alb.target_groups import HealthCheck
from ..health_sidecar.sidecar import Sidecar
from ..params import Exposure

TRANSPORTS: dict[str, tuple[str, ...]] = {
    "tcp": ("tcp",),
    "tls": ("tcp",),
    "udp": ("udp",),
    "tcp_udp": ("tcp", "udp"),
}
"""What travels on the wire for each protocol of a listener."""
IDLE_TIMEOUT = 350
"""Seconds; ELB's own."""


@dataclass(frozen=True)
class Flow:
    """A listener and the container's port that it leads to."""

    route: Exposure
    listener: Port
    container: str
    number: int
    """The container's port."""

    @property
    def listener_title(self) -> str:
        """Logical ID of the listener: by load balancer and port, of which ELB takes a second one as
        little as CloudFormation. Its protocol is updated in place."""
        return logical_id(self.route.via, str(self.listener.number), "Listener")

    @property
    def target_group_title(self) -> str:
        """Logical ID of the target group, which another protocol makes anew."""
        protocol = f"{self.listener.protocol}{self.listener.number}"
        return logical_id(self.route.via, protocol, "TargetGroup")

    @property
    def transports(self) -> tuple[str, ...]:
        return TRANSPORTS[self.listener.protocol]

    @property
    def sidecar(self) -> Sidecar | None:
        check = self.route.health_check
        return check.sidecar if check else None

    @property
    def health_port(self) -> int:
        """The TCP port that the load balancer asks."""
        check = self.route.health_check
        if self.sidecar:
            return self.sidecar.port.number
        return check.port.number if check and check.port else self.number

    @property
    def noticed(self) -> int:
        """Seconds after which the load balancer has noticed that the port is closed."""
        return noticed(self.route.health_check or HealthCheck())

    @property
    def preserves_client_ip(self) -> bool:
        """Whether a task sees the client's address. For UDP always."""
        return preserves_client_ip(self.route, self.listener)

    def by_ipv6(self, balancer: nlb.Handle) -> bool:
        """Whether packets come to the task over IPv6: UDP through a dualstack load balancer does,
        all of it (Network Load Balancers user guide, "IP address type")."""
        return balancer.dualstack and "udp" in self.transports

    @property
    def opened(self) -> list[tuple[str, int]]:
        """What the load balancer sends to the task, and where it asks for its health."""
        asked = ("tcp", self.health_port)
        return sorted({asked, *((transport, self.number) for transport in self.transports)})


def noticed(check: HealthCheck) -> int:
    """Seconds after which a load balancer has noticed that nobody answers any more."""
    return int(check.interval) * check.unhealthy_threshold


def preserves_client_ip(route: Exposure, port: Port) -> bool:
    """Whether packets to a port of the load balancer reach the task with the client's address."""
    return "udp" in TRANSPORTS[port.protocol] or bool(route.preserve_client_ip)


def flow(route: Exposure, containers: Containers) -> Flow | None:
    """Where a listener leads; None where that cannot be told."""
    name = choose_container(route.container, containers)
    if route.port is None or route.port.protocol not in TRANSPORTS or name not in containers:
        return None
    number = route.target_port or route.port.number
    transports = TRANSPORTS[route.port.protocol]
    if not any(Port(number, one) in containers[name].ports for one in transports):
        return None
    return Flow(route, route.port, name, number)


def flows(streams: Sequence[Exposure], containers: Containers) -> tuple[Flow, ...]:
    """All listeners of a service that lead somewhere."""
    found = (flow(route, containers) for route in streams)
    return tuple(one for one in found if one is not None)


def asks_by_http(check: HealthCheck) -> bool:
    """Whether an answer has a path and a status; otherwise a connection is the answer."""
    return check.sidecar.mode == "http" if check.sidecar else check.protocol in ("HTTP", "HTTPS")


# What comes out ------------------------------------------------------------------------------


def stream_target_group(
    one: Flow, vpc: Any, balancer: nlb.Handle, *, through_instance: bool = False
) -> elb.TargetGroup:
    """A target group of addresses, or of instances; nameless: a name blocks its replacement."""
    shifted = balancer.shifts_across_zones
    check = one.route.health_check or HealthCheck()
    http = asks_by_http(check)
    protocol = (check.protocol or "HTTP") if http else "TCP"
    own_port = one.health_port == one.number and "tcp" in one.transports
    asked = (
        {
            "HealthCheckPath": check.path or "/",
            "Matcher": elb.Matcher(HttpCode=check.matcher or "200-399"),
        }
        if http
        else {}
    )
    return elb.TargetGroup(
        one.target_group_title,
        TargetType="instance" if through_instance else "ip",
        VpcId=vpc,
        Port=one.number,
        Protocol=_target_protocol(one),
        HealthCheckEnabled=True,
        HealthCheckProtocol=protocol,
        HealthCheckPort="traffic-port" if own_port else str(one.health_port),
        HealthCheckIntervalSeconds=check.interval,
        HealthCheckTimeoutSeconds=check.timeout,
        HealthyThresholdCount=check.healthy_threshold,
        UnhealthyThresholdCount=check.unhealthy_threshold,
        TargetGroupAttributes=[
            elb.TargetGroupAttribute(Key=key, Value=value)
            for key, value in _attributes(one, shifted=shifted).items()
        ],
        **asked,
        **({"IpAddressType": "ipv6"} if one.by_ipv6(balancer) else {}),
    )


def _target_protocol(one: Flow) -> str:
    """What the container is spoken to by: what the listener speaks, but for TLS that ends there."""
    if one.listener.protocol == "tls" and not one.route.target_tls:
        return "TCP"
    return one.listener.protocol.upper()


def _attributes(one: Flow, *, shifted: bool) -> dict[str, str]:
    """All of them always: one that is left out keeps the value it had (Elastic Load Balancing API
    reference, ModifyTargetGroupAttributes), so that what is removed here would go on there.

    But for those that the protocol decides on: UDP keeps clients' addresses, TLS no client. Where
    the params are silent the values are ELB's own (the same, TargetGroupAttribute).

    Zonal shift across zones asks for TCP or TLS, and that connections to unhealthy targets stay
    (ARC developer guide, "Network Load Balancers").
    """
    route = one.route
    udp, tls = "udp" in one.transports, one.listener.protocol == "tls"
    cut = udp if route.connection_termination is None else route.connection_termination
    values: dict[str, Any] = {
        "deregistration_delay.timeout_seconds": route.deregistration_delay,
        "deregistration_delay.connection_termination.enabled": cut,
        "preserve_client_ip.enabled": None if udp else bool(route.preserve_client_ip),
        "proxy_protocol_v2.enabled": route.proxy_protocol_v2,
        "stickiness.enabled": None if tls else route.source_ip_stickiness,
        "stickiness.type": None if tls else "source_ip",
        "target_health_state.unhealthy.connection_termination.enabled": (
            None if udp else not shifted
        ),
    }
    return {key: str(value).lower() for key, value in values.items() if value is not None}


def stream_listener(one: Flow, balancer: nlb.Handle) -> elb.Listener:
    """The listener, in the service's own stack: one port leads to one service."""
    # Always there, as an attribute that is left out keeps the value it had.
    idle = one.route.tcp_idle_timeout or IDLE_TIMEOUT
    timeout = elb.ListenerAttribute(Key="tcp.idle_timeout.seconds", Value=str(idle))
    return elb.Listener(
        one.listener_title,
        LoadBalancerArn=balancer.load_balancer,
        Port=one.listener.number,
        Protocol=one.listener.protocol.upper(),
        DefaultActions=[elb.Action(Type="forward", TargetGroupArn=Ref(one.target_group_title))],
        **_tls(one.route),
        **({"ListenerAttributes": [timeout]} if one.listener.protocol == "tcp" else {}),
    )


def _tls(route: Exposure) -> dict[str, Any]:
    if route.certificate is None:
        return {}
    alpn = {"AlpnPolicy": [route.alpn_policy]} if route.alpn_policy else {}
    certificate = elb.Certificate(CertificateArn=route.certificate)
    return {"Certificates": [certificate], "SslPolicy": route.ssl_policy, **alpn}


def stream_attachment(one: Flow) -> ecs.LoadBalancer:
    """What tells ECS to put the tasks into the target group."""
    return ecs.LoadBalancer(
        ContainerName=one.container,
        ContainerPort=one.number,
        TargetGroupArn=Ref(one.target_group_title),
    )


def stream_rules(
    found: Sequence[Flow], handles: Mapping[str, nlb.Handle], *, through_instance: bool = False
) -> list[Any]:
    """Security-group rules of all listeners, each once: EC2 refuses a second one that says the
    same, as two load balancers in the same subnets would lead to. Those of instances stand in the
    cluster's stack."""
    rules: dict[str, Any] = {}
    for one in found:
        balancer = handles[one.route.via]
        made = _with_group if balancer.security_group is not None else _without_group
        made = _clients_rules if through_instance else made
        for rule in made(one, balancer):
            rules.setdefault(_meaning(rule), rule)
    return list(rules.values())


def _meaning(rule: Any) -> str:
    """What a rule says, without its description."""
    body = rule.to_dict()
    said = {key: value for key, value in body["Properties"].items() if key != "Description"}
    return json.dumps([body["Type"], said], sort_keys=True)


def _clients(one: Flow, balancer: nlb.Handle) -> Sequence[str]:
    clients = balancer.clients_default if one.route.clients is None else one.route.clients
    return clients or ()


def _clients_rules(one: Flow, balancer: nlb.Handle) -> Iterator[Any]:
    """Clients reach the load balancer."""
    for transport in one.transports:
        listens = logical_id(one.route.via, f"{transport}{one.listener.number}")
        for client in _clients(one, balancer):
            yield ec2.SecurityGroupIngress(
                f"{listens}From{_words(client)}",
                Description=f"Clients of port {one.listener.number}",
                GroupId=balancer.security_group,
                **_ports(transport, one.listener.number),
                **{_source(client): client},
            )


def _with_group(one: Flow, balancer: nlb.Handle) -> Iterator[Any]:
    """Clients reach the load balancer, and nobody but the load balancer the tasks.

    Its group stands for it in the tasks' rules, for traffic with the client's address as well
    (Network Load Balancers user guide, "Update the security groups for your NLB").
    """
    yield from _clients_rules(one, balancer)
    tasks = GetAtt("SecurityGroup", "GroupId")
    for transport, number in one.opened:
        title = logical_id(one.route.via, f"{transport}{number}")
        yield ec2.SecurityGroupIngress(
            f"{title}Ingress",
            Description=f"From load balancer {one.route.via}",
            GroupId=tasks,
            SourceSecurityGroupId=balancer.security_group,
            **_ports(transport, number),
        )
        yield ec2.SecurityGroupEgress(
            f"{title}Egress",
            Description="To the tasks of a service",
            GroupId=balancer.security_group,
            DestinationSecurityGroupId=tasks,
            **_ports(transport, number),
        )


def _without_group(one: Flow, balancer: nlb.Handle) -> Iterator[Any]:
    """The load balancer has no group to name: its addresses ask for health, and packets come from
    it or from the clients themselves, by whether the clients' addresses are preserved."""
    nodes = balancer.addresses or ()
    senders = _clients(one, balancer) if one.preserves_client_ip else nodes
    if balancer.dualstack and any(":" in client for client in senders):
        # On the way to IPv4 tasks, IPv6 clients get an address of the load balancer's.
        senders = [*(client for client in senders if ":" not in client), *nodes]
    asked = ("tcp", one.health_port)
    for transport, number in one.opened:
        traffic = senders if number == one.number and transport in one.transports else ()
        checks = nodes if (transport, number) == asked else ()
        for address in sorted({*traffic, *checks}):
            title = logical_id(one.route.via, f"{transport}{number}")
            yield ec2.SecurityGroupIngress(
                f"{title}From{_words(address)}",
                Description=f"Through load balancer {one.route.via}",
                GroupId=GetAtt("SecurityGroup", "GroupId"),
                **_ports(transport, number),
                **{_source(address): address},
            )


def _source(client: str) -> str:
    """The property of an ingress rule that takes such a client."""
    return "SourceSecurityGroupId" if client.startswith("sg-") else find_address_property(client)


def _ports(transport: str, number: int) -> dict[str, Any]:
    return {"IpProtocol": transport, "FromPort": number, "ToPort": number}


def _words(client: str) -> str:
    """A client as part of a logical ID: `10.0.0.0/16` becomes `10x0x0x0x16`, `::/0` `xxx0`."""
    return re.sub(r"[^A-Za-z0-9]", "x", client)
