"""Target traffic."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from moorage.cfn import ecs
from moorage.cfn.peers import (
    Peer,
    instance_peer,
    load_balancer_peer,
    task_peer,
)
from moorage.cfn.security_group_rules import Ports
from moorage.cfn.tristate import TriState
from moorage.cfn.view import Resource, View
from moorage.facts.host_ports import DYNAMIC_HOST_PORTS


@dataclass(frozen=True)
class TargetTraffic:
    """What a load balancer sends to the tasks of a service."""

    attachment: ecs.TargetGroupAttachment
    load_balancer: Resource
    target_group: Resource
    """The target group."""
    is_health_check: bool
    protocol: str
    ports: Ports
    source: Peer
    load_balancer_peer: Peer
    target: Peer


def find_target_traffic(view: View) -> list[TargetTraffic]:
    """Traffic and health checks of every load balancer in view to every service in view."""
    if "flows" not in view.cache:
        view.cache["flows"] = [
            flow
            for attachment in ecs.target_group_attachments(view)
            for group in [attachment.target_group.resource]
            if group is not None and group.type == ecs.TARGET_GROUP
            for load_balancer in ecs.load_balancers_of_target_group(view, group)
            for flow in _flows(attachment, group, load_balancer)
        ]
    found: list[TargetTraffic] = view.cache["flows"]
    return found


def _flows(
    attachment: ecs.TargetGroupAttachment, group: Resource, load_balancer: Resource
) -> Iterator[TargetTraffic]:
    kind, task = ecs.load_balancer_type(load_balancer), ecs.task_definition_of(attachment.service)
    mode = ecs.network_mode(task) if task else None
    network = attachment.service["NetworkConfiguration"]
    if kind not in ("application", "network") or ecs.target_type(group) not in ("ip", "instance"):
        return
    if ecs.target_type(group) == "ip":
        if network.absent or mode not in ("awsvpc", None):
            return
        target = task_peer(attachment.service)
    else:
        if network.present or task is None or mode not in ("bridge", "host"):
            return
        target = instance_peer(group.view)
    family = group["IpAddressType"]
    is_v6 = False if family.absent else None if family.text is None else family.text == "ipv6"
    side = load_balancer_peer(load_balancer)
    near = Peer(
        side.security_groups, side.security_groups_known, side.cidr_blocks, side.vpc, is_ipv6=is_v6
    )
    for is_health_check, protocol, ports in _ports(attachment, group, task, mode, kind):
        source = near
        if not is_health_check and kind == "network":
            source = _clients(load_balancer, near, preserves_client_ip(group))
        yield TargetTraffic(
            attachment,
            load_balancer,
            group,
            is_health_check,
            protocol,
            ports,
            source,
            near,
            target,
        )


def _clients(load_balancer: Resource, near: Peer, preserved: TriState) -> Peer:
    """Who targets see behind a Network Load Balancer: its groups, but the clients' addresses
    where these are preserved."""
    if preserved is False:
        return near
    scheme = load_balancer["Scheme"]
    internet = scheme.absent or scheme.text == "internet-facing"
    is_internet = bool(preserved and internet)
    return Peer(
        near.security_groups,
        near.security_groups_known,
        is_internet=is_internet,
        is_ipv6=near.is_ipv6,
    )


def preserves_client_ip(group: Resource) -> TriState:
    """Whether a Network Load Balancer's targets see the addresses of the clients.
    Source: AWS docs, Edit target group attributes for your Network Load Balancer."""
    protocol, kind = group["Protocol"].text, ecs.target_type(group)
    if protocol in ("UDP", "TCP_UDP", "QUIC", "TCP_QUIC"):
        return True
    listed = group["TargetGroupAttributes"]
    given = ecs.attributes(group, "TargetGroupAttributes").get("preserve_client_ip.enabled")
    if given is not None:
        return given.flag
    if not listed.all_known or protocol is None or kind is None:
        return None
    return kind == "instance"


def _ports(
    attachment: ecs.TargetGroupAttachment,
    group: Resource,
    task: Resource | None,
    mode: str | None,
    kind: str,
) -> Iterator[tuple[bool, str, Ports]]:
    """Whether it is a health check, its protocol and its port at the target; without those that
    no container takes, which is another fault."""
    protocol = group["Protocol"].text
    carried = {"TCP_UDP": ("tcp", "udp"), "UDP": ("udp",), "TCP": ("tcp",), "TLS": ("tcp",)}
    if kind == "application":
        carried = {"HTTP": ("tcp",), "HTTPS": ("tcp",)}
    taken = _taken(task)
    port = attachment.container_port
    for one in carried.get(protocol or "", ()):
        if port is None or taken is None or (port, one) in taken:
            yield False, one, _at_target(attachment, task, mode, port)
    check = group["HealthCheckPort"]
    if check.absent or check.text == "traffic-port":
        if port is None or taken is None or (port, "tcp") in taken:
            yield True, "tcp", _at_target(attachment, task, mode, port)
        return
    number = check.number
    on_host = mode in ("bridge", "host")
    if on_host or number is None or taken is None or (number, "tcp") in taken:
        yield True, "tcp", None if number is None else (number, number)


def _taken(task: Resource | None) -> set[tuple[int, str]] | None:
    """The ports and protocols that the containers of a task take, where all are known."""
    if task is None:
        return None
    found = {
        (port, protocol)
        for container in ecs.containers(task)
        for port, protocol, _ in ecs.port_mappings(container)
    }
    mappings = [one["PortMappings"] for one in ecs.containers(task)]
    return found if all(mapping.fully_known for mapping in mappings) and mappings else None


def _at_target(
    attachment: ecs.TargetGroupAttachment, task: Resource | None, mode: str | None, port: int | None
) -> Ports:
    """The port of a target: the container's, or the host's where that is another."""
    if mode != "bridge":
        return None if port is None else (port, port)
    found = ecs.find_container(task, attachment.container_name or "") if task else None
    for port_mapping, _, mapping in ecs.port_mappings(found) if found else ():
        if port_mapping == port:
            host = mapping["HostPort"]
            if host.absent or host.number == 0:
                return DYNAMIC_HOST_PORTS
            return None if host.number is None else (host.number, host.number)
    return None
