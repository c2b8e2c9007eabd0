"""Traffic and health checks that load balancers send to the tasks of services."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from moorage.cfn import ecs
from moorage.cfn.peers import Peer, instance_peer, load_balancer_peer, task_peer
from moorage.cfn.security_group_rules import Ports
from moorage.cfn.stack import Resource
from moorage.cfn.tristate import TriState
from moorage.cfn.view import View
from moorage.facts.host_ports import DYNAMIC_HOST_PORTS
from moorage.facts.load_balancing import UDP_PROTOCOLS
from moorage.records import record

_NLB_TRANSPORTS = {
    "TCP_UDP": ("tcp", "udp"),
    "UDP": ("udp",),
    "TCP": ("tcp",),
    "TLS": ("tcp",),
}
_ALB_TRANSPORTS = {"HTTP": ("tcp",), "HTTPS": ("tcp",)}
"""Transport protocols by the protocol of the target group."""


@record
class TargetTraffic:
    """A kind of connection from a load balancer to the tasks of a service."""

    attachment: ecs.TargetGroupAttachment
    load_balancer: Resource
    target_group: Resource
    is_health_check: bool
    protocol: str
    """`tcp` or `udp`."""
    ports: Ports
    """Ports of the targets."""
    source: Peer
    """The peer that the targets see: the load balancer, or its clients."""
    load_balancer_peer: Peer
    target: Peer


def find_target_traffic(view: View) -> list[TargetTraffic]:
    """Traffic and health checks from every load balancer to every service in the view."""
    return view.cached(
        "target traffic",
        lambda: [
            traffic
            for attachment in ecs.target_group_attachments(view)
            for group in [attachment.target_group.resource]
            if group is not None and group.type == ecs.TARGET_GROUP
            for load_balancer in ecs.load_balancers_of_target_group(view, group)
            for traffic in _traffic_of_attachment(attachment, group, load_balancer)
        ],
    )


def _traffic_of_attachment(
    attachment: ecs.TargetGroupAttachment, group: Resource, load_balancer: Resource
) -> Iterator[TargetTraffic]:
    lb_type = ecs.load_balancer_type(load_balancer)
    target = _target_peer(attachment.service, group)
    if lb_type not in ("application", "network") or target is None:
        return
    lb_peer = replace(load_balancer_peer(load_balancer), is_ipv6=_uses_ipv6(group))
    transports = _ALB_TRANSPORTS if lb_type == "application" else _NLB_TRANSPORTS
    for protocol in transports.get(group["Protocol"].text or "", ()):
        if _may_accept(attachment, attachment.container_port, protocol):
            is_nlb = lb_type == "network"
            yield TargetTraffic(
                attachment=attachment,
                load_balancer=load_balancer,
                target_group=group,
                is_health_check=False,
                protocol=protocol,
                ports=_target_ports(attachment),
                source=_client_peer(load_balancer, lb_peer, group) if is_nlb else lb_peer,
                load_balancer_peer=lb_peer,
                target=target,
            )
    for ports in _health_check_ports(attachment, group):
        yield TargetTraffic(
            attachment=attachment,
            load_balancer=load_balancer,
            target_group=group,
            is_health_check=True,
            protocol="tcp",
            ports=ports,
            source=lb_peer,
            load_balancer_peer=lb_peer,
            target=target,
        )


def _target_peer(service: Resource, group: Resource) -> Peer | None:
    """The targets that a service registers in a target group; None if its network mode does not
    match the target type, or if that is unknown."""
    task = ecs.task_definition_of(service)
    mode = ecs.network_mode(task) if task else None
    network, target_type = service["NetworkConfiguration"], ecs.target_type(group)
    if target_type == "ip" and network.present and mode in ("awsvpc", None):
        return task_peer(service)
    if target_type == "instance" and network.absent and mode in ("bridge", "host"):
        return instance_peer(group.view)
    return None


def _uses_ipv6(group: Resource) -> TriState:
    address_type = group["IpAddressType"]
    if address_type.absent:
        return False
    return None if address_type.text is None else address_type.text == "ipv6"


def _client_peer(load_balancer: Resource, lb_peer: Peer, group: Resource) -> Peer:
    """The peer that targets see behind a Network Load Balancer: identified by the security groups
    of the load balancer, and by the addresses of the clients if they are preserved."""
    is_preserved = preserves_client_ip(group)
    if is_preserved is False:
        return lb_peer
    scheme = load_balancer["Scheme"]
    is_internet_facing = scheme.absent or scheme.text == "internet-facing"
    return Peer(
        lb_peer.security_groups,
        lb_peer.security_groups_known,
        is_internet=bool(is_preserved and is_internet_facing),
        is_ipv6=lb_peer.is_ipv6,
    )


def preserves_client_ip(group: Resource) -> TriState:
    """Whether the targets of a Network Load Balancer see the IP addresses of the clients.
    Source: AWS docs, Edit target group attributes for your Network Load Balancer."""
    protocol, target_type = group["Protocol"].text, ecs.target_type(group)
    if protocol in UDP_PROTOCOLS:
        return True
    attributes = ecs.attributes(group, "TargetGroupAttributes")
    if "preserve_client_ip.enabled" in attributes:
        return attributes["preserve_client_ip.enabled"].flag
    if not group["TargetGroupAttributes"].all_known or protocol is None or target_type is None:
        return None
    return target_type == "instance"


# Ports ---------------------------------------------------------------------------------------


def _health_check_ports(attachment: ecs.TargetGroupAttachment, group: Resource) -> Iterator[Ports]:
    """The ports of health checks; none if no container listens there, which is another problem."""
    port = group["HealthCheckPort"]
    if port.absent or port.text == "traffic-port":
        if _may_accept(attachment, attachment.container_port, "tcp"):
            yield _target_ports(attachment)
        return
    on_instance = _network_mode(attachment) in ("bridge", "host")
    if on_instance or _may_accept(attachment, port.number, "tcp"):
        yield None if port.number is None else (port.number, port.number)


def _may_accept(attachment: ecs.TargetGroupAttachment, port: int | None, protocol: str) -> bool:
    """Whether a container may have a port mapping for this port."""
    mappings = _known_port_mappings(ecs.task_definition_of(attachment.service))
    return port is None or mappings is None or (port, protocol) in mappings


def _known_port_mappings(task: Resource | None) -> set[tuple[int, str]] | None:
    """Container port and protocol of all port mappings of a task; None unless all are known."""
    if task is None:
        return None
    return task.view.cached(("known port mappings", task), lambda: _find_port_mappings(task))


def _find_port_mappings(task: Resource) -> set[tuple[int, str]] | None:
    containers = ecs.containers(task)
    if not containers or not all(container["PortMappings"].fully_known for container in containers):
        return None
    return {
        (port, protocol)
        for container in containers
        for port, protocol, _ in ecs.port_mappings(container)
    }


def _target_ports(attachment: ecs.TargetGroupAttachment) -> Ports:
    """The port of the targets: the container port, or the host port in network mode bridge."""
    port = attachment.container_port
    if _network_mode(attachment) != "bridge":
        return None if port is None else (port, port)
    task = ecs.task_definition_of(attachment.service)
    container = ecs.find_container(task, attachment.container_name or "") if task else None
    for container_port, _, mapping in ecs.port_mappings(container) if container else ():
        if container_port == port:
            host_port = mapping["HostPort"]
            if host_port.absent or host_port.number == 0:
                return DYNAMIC_HOST_PORTS
            return None if host_port.number is None else (host_port.number, host_port.number)
    return None


def _network_mode(attachment: ecs.TargetGroupAttachment) -> str | None:
    task = ecs.task_definition_of(attachment.service)
    return ecs.network_mode(task) if task else None
