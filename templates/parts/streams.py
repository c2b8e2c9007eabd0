"""Listeners of a Network Load Balancer: their params, what can be wrong, and what comes out.

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

from moorage.model import Environment, Path, Problem, logical_id
from templates import nlb
from templates.parts.certificates import certificate_problems
from templates.parts.clients import address_property, client_problems
from templates.parts.containers import Containers, Port, led_to, led_to_problems
from templates.parts.exposure import Exposure
from templates.parts.sidecar import (
    MAX_DRAIN,
    Sidecar,
    container_name,
    drain,
    sidecar_problems,
)
from templates.parts.target_groups import HealthCheck

TRANSPORTS: dict[str, tuple[str, ...]] = {
    "tcp": ("tcp",),
    "tls": ("tcp",),
    "udp": ("udp",),
    "tcp_udp": ("tcp", "udp"),
}
"""What travels on the wire for each protocol of a listener."""


MAX_CONTAINERS = 10
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
    def base(self) -> str:
        """What its logical IDs begin with: load balancer, protocol and port of the listener."""
        return logical_id(self.route.via, f"{self.listener.protocol}{self.listener.number}")

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
        return _noticed(self.route.health_check or HealthCheck())

    @property
    def preserves_client_ip(self) -> bool:
        """Whether a task sees the client's address. For UDP always."""
        return _preserves_client_ip(self.route, self.listener)

    @property
    def opened(self) -> list[tuple[str, int]]:
        """What the load balancer sends to the task, and where it asks for its health."""
        asked = ("tcp", self.health_port)
        return sorted({asked, *((transport, self.number) for transport in self.transports)})


def _noticed(check: HealthCheck) -> int:
    return int(check.interval) * check.unhealthy_threshold


def _preserves_client_ip(route: Exposure, port: Port) -> bool:
    return "udp" in TRANSPORTS[port.protocol] or bool(route.preserve_client_ip)


def flow(route: Exposure, containers: Containers) -> Flow | None:
    """Where a listener leads; None where that cannot be told."""
    name = led_to(route.container, containers)
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


# What can be wrong ---------------------------------------------------------------------------


def stream_problems(
    route: Exposure, path: Path, containers: Containers, balancer: nlb.Handle, env: Environment
) -> Iterator[Problem]:
    """What is wrong with one listener."""
    port = route.port
    if port is None:
        hint = "Write the listener's port with its protocol: `443/tls`, `1234/udp`."
        yield Problem("M1102", (*path, "port"), "`port` is missing", hint)
        return
    if port.protocol not in TRANSPORTS:
        yield Problem(
            "M1214",
            (*path, "port"),
            "A target of a QUIC listener needs a server id, and ECS registers tasks without one",
            f"Write `{port.number}/udp`: QUIC passes through, but a client that changes its "
            "address may reach another task.",
        )
        return
    if balancer.shifts_across_zones and "udp" in TRANSPORTS[port.protocol]:
        message = f"`{route.via}` has `cross_zone` and `zonal_shift`, which exclude UDP together"
        hint = f"Remove one of them at `{route.via}`, or use another load balancer."
        yield Problem("M1214", (*path, "port"), message, hint)
    yield from _place_problems(route, port, path, containers)
    yield from _protocol_problems(route, port, path, env)
    yield from _client_problems(route, port, path, balancer)
    yield from _health_problems(route, port, path, containers)


def _place_problems(
    route: Exposure, port: Port, path: Path, containers: Containers
) -> Iterator[Problem]:
    name = led_to(route.container, containers)
    if name not in containers:
        yield from led_to_problems(route.container, path, containers)
        return
    number = route.target_port or port.number
    key = "target_port" if route.target_port else "port"
    because = [("containers", name, "ports"), (*path, "container")]
    both = {Port(number, "tcp"), Port(number, "udp")} <= set(containers[name].ports)
    if both:
        yield Problem(
            "M1220",
            (*path, key),
            f"Container `{name}` has port {number} as TCP and as UDP",
            "ECS cannot put it behind a load balancer. Remove one of the two from its `ports`: on "
            "Fargate that list only names what is registered, and the other is reached as well. "
            "Or give it to a second container.",
            because=because,
        )
    elif flow(route, containers) is None:
        wanted = " or ".join(str(Port(number, one)) for one in TRANSPORTS[port.protocol])
        message = f"Container `{name}` has no port {wanted}"
        hint = "Add it to its `ports`, or say `target_port:` here if it listens elsewhere."
        yield Problem("M1205", (*path, key), message, hint, because=because)


def _protocol_problems(
    route: Exposure, port: Port, path: Path, env: Environment
) -> Iterator[Problem]:
    protocol = port.protocol
    given = route.model_fields_set
    if protocol == "tls":
        if route.certificate is None:
            hint = "Write the ARN of a certificate in ACM, or use `/tcp` to pass TLS through."
            message = "`certificate` is missing, and a TLS listener needs one"
            yield Problem("M1102", (*path, "certificate"), message, hint)
        else:
            yield from certificate_problems([route.certificate], (*path, "certificate"), env)
    for key in ("certificate", "ssl_policy", "alpn_policy", "target_tls"):
        if protocol != "tls" and key in given:
            hint = f"Write `port: {port.number}/tls`, or remove it."
            yield Problem("M1220", (*path, key), f"`{key}` is for TLS listeners", hint)
    if "udp" in TRANSPORTS[protocol] and route.preserve_client_ip is False:
        message = "The client's address cannot be taken out of UDP packets"
        hint = "Remove it: for UDP it is always preserved."
        yield Problem("M1220", (*path, "preserve_client_ip"), message, hint)
    if protocol == "tls" and route.source_ip_stickiness:
        message = "TLS listeners cannot keep clients on a task"
        hint = "Use `/tcp` and let the container speak TLS, or remove it."
        yield Problem("M1220", (*path, "source_ip_stickiness"), message, hint)
    if protocol != "tcp" and route.tcp_idle_timeout is not None:
        message = "Only the idle timeout of TCP listeners can be set"
        yield Problem("M1220", (*path, "tcp_idle_timeout"), message, "Remove it.")


def _client_problems(
    route: Exposure, port: Port, path: Path, balancer: nlb.Handle
) -> Iterator[Problem]:
    if balancer.security_group is None and not _preserves_client_ip(route, port):
        yield from _open_problems(route, path)
        return
    if balancer.security_group is None and balancer.dualstack:
        yield from _far_problems(route, port, path)
    if route.clients is None and balancer.clients_default is None:
        hint = "Name who may connect, such as `clients: [10.0.0.0/16]`."
        message = "`clients` is missing: nothing tells who may connect by default"
        yield Problem("M1102", (*path, "clients"), message, hint)
    clients = route.clients or []
    yield from client_problems(clients, (*path, "clients"))
    for index, client in enumerate(clients):
        if client.startswith("sg-") and balancer.security_group is None:
            message = f"`{route.via}` has no security group that could admit `{client}`"
            hint = "Name the clients' addresses."
            yield Problem("M1214", (*path, "clients", index), message, hint)
        if ":" in client and not balancer.dualstack:
            message = f"`{client}` can never connect: `{route.via}` has IPv4 addresses only"
            hint = f"Remove it, or write `ip_address_type: dualstack` at `{route.via}`."
            yield Problem("M1220", (*path, "clients", index), message, hint)


def _open_problems(route: Exposure, path: Path) -> Iterator[Problem]:
    """Clients that nobody could tell apart: the tasks see the load balancer's address only."""
    if route.clients is not None:
        message = (
            f"`{route.via}` has no security group, and tasks see its address, not the client's"
        )
        hint = "Write `preserve_client_ip: true`, so that tasks judge by it, or remove `clients`."
        because = [(*path, "preserve_client_ip")]
        yield Problem("M1214", (*path, "clients"), message, hint, because=because)


def _far_problems(route: Exposure, port: Port, path: Path) -> Iterator[Problem]:
    """Where addresses are translated on the way, tasks see IPv6 addresses of the load balancer's
    (Network Load Balancers user guide, "Client IP preservation"), which the params do not tell."""
    if "udp" in TRANSPORTS[port.protocol]:
        message = f"Health checks come from IPv6 addresses of `{route.via}` that nothing tells"
        hint = "UDP needs `ip_address_type: ipv4` there, or a load balancer with a security group."
        yield Problem("M1214", (*path, "via"), message, hint)
    elif any(":" in client for client in route.clients or ()):
        message = f"Tasks see IPv6 clients with the IPv4 address of `{route.via}`"
        hint = "Use a load balancer with a security group, or name IPv4 clients only."
        yield Problem("M1214", (*path, "clients"), message, hint)


def _health_problems(
    route: Exposure, port: Port, path: Path, containers: Containers
) -> Iterator[Problem]:
    check = route.health_check
    here = (*path, "health_check")
    told = check is not None and (check.port is not None or check.sidecar is not None)
    if port.protocol == "udp" and not told:
        yield Problem(
            "M1214",
            here,
            "A load balancer cannot check health over UDP",
            "Write `health_check: {sidecar: {probe: ...}}` with dns, ntp, echo, send or none; "
            "or `health_check: {port: ...}` with a TCP port of the task.",
        )
    if check is None:
        return
    if check.sidecar:
        yield from _sidecar_problems(route, port, here, check, containers)
    elif check.port is not None:
        listened = any(check.port in one.ports for one in containers.values())
        if not listened or check.port.protocol != "tcp":
            message = f"No container of the task listens on TCP port {check.port.number}"
            hint = "Add it to the `ports` of the container that answers."
            yield Problem("M1205", (*here, "port"), message, hint, because=[("containers",)])
    yield from _check_problems(check, here)


def _check_problems(check: HealthCheck, here: Path) -> Iterator[Problem]:
    """Only a check over TCP may take as long as the interval; HTTP statuses are 200 to 599 (Elastic
    Load Balancing API reference, CreateTargetGroup and Matcher; aws/aws-cdk#26031)."""
    http = _asks_by_http(check)
    if check.timeout > check.interval or (http and check.timeout == check.interval):
        hint = f"Raise the interval above {check.timeout}s, or lower the timeout."
        message = f"The timeout of {check.timeout}s is not below the interval of {check.interval}s"
        yield Problem("M1105", here, message, hint)
    for code in re.findall(r"\d+", check.matcher or ""):
        if not 200 <= int(code) <= 599:
            message = f"{code} is not a status that can mean healthy"
            yield Problem("M1105", (*here, "matcher"), message, "Write codes from 200 to 599.")
    if http or check.sidecar:
        return
    for key in ("path", "matcher"):
        if getattr(check, key) is not None:
            message = f"`{key}` has no meaning for a check over TCP"
            hint = "Write `protocol: HTTP` beside it, or remove it."
            yield Problem("M1220", (*here, key), message, hint)


def _asks_by_http(check: HealthCheck) -> bool:
    return check.sidecar.mode == "http" if check.sidecar else check.protocol in ("HTTP", "HTTPS")


def _sidecar_problems(
    route: Exposure, port: Port, here: Path, check: HealthCheck, containers: Containers
) -> Iterator[Problem]:
    sidecar = check.sidecar
    assert sidecar is not None
    if "udp" not in TRANSPORTS[port.protocol]:
        message = "A sidecar answers for UDP services"
        hint = "Remove it: TCP is checked on the service's own port."
        yield Problem("M1220", (*here, "sidecar"), message, hint)
    for key in ("port", "protocol", "path", "matcher"):
        if getattr(check, key) is not None:
            hint = "Remove it: `sidecar:` has a `port` and a `mode`."
            message = f"`{key}` has no meaning beside `sidecar`"
            yield Problem("M1220", (*here, key), message, hint)
    number = sidecar.port.number
    for name, container in containers.items():
        if sidecar.port in container.ports:
            message = f"Port {number} is taken by container `{name}` of the same task"
            hint = "Write another `port:` below `sidecar:`."
            yield Problem("M1206", (*here, "sidecar", "port"), message, hint)
    if number == (route.target_port or port.number) and "tcp" in TRANSPORTS[port.protocol]:
        message = f"Port {number} is the service's own: `{port}` is also for TCP"
        hint = "Write another `port:` below `sidecar:`."
        yield Problem("M1206", (*here, "sidecar", "port"), message, hint)
    if container_name(route.target_port or port.number) in containers:
        message = "A container of the task has the sidecar's name"
        hint = "Rename the container."
        yield Problem("M1302", (*here, "sidecar"), message, hint)
    yield from sidecar_problems(sidecar, (*here, "sidecar"))
    yield from _drain_problems(sidecar, check, here)


def _drain_problems(sidecar: Sidecar, check: HealthCheck, here: Path) -> Iterator[Problem]:
    """A service that ends while packets still come.

    ECS takes a task out of its target groups before it stops it, but for one: on FARGATE_SPOT it
    may do so after the task has stopped (AWS re:Post, "How do I handle Spot termination notices in
    AWS Fargate Spot tasks?"). Hence a warning, and none where somebody wants no drain at all.
    """
    noticed, stays = _noticed(check), drain(sidecar, _noticed(check))
    if not 0 < stays < noticed:
        return
    hint = f"Remove it, or write `{noticed}s`."
    if noticed > MAX_DRAIN:
        hint = f"Let `interval` x `unhealthy_threshold` be {MAX_DRAIN}s at most, and leave it out."
    message = f"The drain ends after {stays}s; the load balancer needs {noticed}s to notice"
    path = here if sidecar.drain is None else (*here, "sidecar", "drain")
    because = [(*here, "interval"), (*here, "unhealthy_threshold")]
    yield Problem("M1105", path, message, hint, level="warning", because=because)


def shared_problems(
    found: Sequence[tuple[Path, Flow]], containers: Containers
) -> Iterator[Problem]:
    """Sidecars of one task that want the same port, or to answer for the same one.

    A task has 10 containers at most (Amazon ECS developer guide, "Amazon ECS service quotas").
    """
    ports: dict[int, Flow] = {}
    services: dict[int, tuple[Path, Flow]] = {}
    for path, one in found:
        if one.sidecar is None:
            continue
        here = (*path, "health_check", "sidecar")
        other = ports.setdefault(one.health_port, one)
        if other.number != one.number:
            message = f"Port {one.health_port} is taken by the sidecar of port {other.number}"
            yield Problem("M1206", (*here, "port"), message, "Write another `port:` here.")
        first, same = services.setdefault(one.number, (path, one))
        if same.sidecar != one.sidecar:
            message = f"`expose[{first[1]}]` has another sidecar for port {one.number}"
            hint = "One sidecar answers for both: write the same at both."
            yield Problem("M1108", here, message, hint)
    if len(services) and len(containers) + len(services) > MAX_CONTAINERS:
        many = f"{len(containers)} and {len(services)}"
        message = f"With its health sidecars the task has more than 10 containers: {many}"
        path, _ = list(services.values())[-1]
        hint = "Move a container to another service, or check health by `port:`."
        yield Problem("M1212", (*path, "health_check", "sidecar"), message, hint)


def listener_clash(one: Exposure, other: Exposure) -> bool:
    """Whether two listeners of one load balancer cannot both stand: a port is taken once, also over
    protocols, and TCP_UDP is there for both on one port."""
    return one.port is not None and other.port is not None and one.port.number == other.port.number


# What comes out ------------------------------------------------------------------------------


def stream_target_group(one: Flow, vpc: Any, balancer: nlb.Handle) -> elb.TargetGroup:
    """A target group of addresses; nameless, because a name blocks its replacement."""
    ipv6, shifted = balancer.dualstack, balancer.shifts_across_zones
    check = one.route.health_check or HealthCheck()
    http = _asks_by_http(check)
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
        f"{one.base}TargetGroup",
        TargetType="ip",
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
        **({"IpAddressType": "ipv6"} if ipv6 and "udp" in one.transports else {}),
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
        f"{one.base}Listener",
        LoadBalancerArn=balancer.load_balancer,
        Port=one.listener.number,
        Protocol=one.listener.protocol.upper(),
        DefaultActions=[elb.Action(Type="forward", TargetGroupArn=Ref(f"{one.base}TargetGroup"))],
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
        TargetGroupArn=Ref(f"{one.base}TargetGroup"),
    )


def stream_rules(found: Sequence[Flow], handles: Mapping[str, nlb.Handle]) -> list[Any]:
    """Security-group rules of all listeners, each once: EC2 refuses a second one that says the
    same, as two load balancers in the same subnets would lead to."""
    rules: dict[str, Any] = {}
    for one in found:
        balancer = handles[one.route.via]
        made = _with_group if balancer.security_group is not None else _without_group
        for rule in made(one, balancer):
            rules.setdefault(_meaning(rule), rule)
    return list(rules.values())


def _meaning(rule: Any) -> str:
    """What a rule says, without its description."""
    body = rule.to_dict()
    said = {key: value for key, value in body["Properties"].items() if key != "Description"}
    return json.dumps([body["Type"], said], sort_keys=True)


def _clients(one: Flow, balancer: nlb.Handle) -> Sequence[str]:
    return one.route.clients or balancer.clients_default or ()


def _with_group(one: Flow, balancer: nlb.Handle) -> Iterator[Any]:
    """Clients reach the load balancer, and nobody but the load balancer the tasks.

    Its group stands for it in the tasks' rules, for traffic with the client's address as well
    (Network Load Balancers user guide, "Update the security groups for your NLB").
    """
    for transport in one.transports:
        for client in _clients(one, balancer):
            yield ec2.SecurityGroupIngress(
                f"{one.base}{transport.capitalize()}From{_words(client)}",
                Description=f"Clients of port {one.listener.number}",
                GroupId=balancer.security_group,
                **_ports(transport, one.listener.number),
                **{_source(client): client},
            )
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
    return "SourceSecurityGroupId" if client.startswith("sg-") else address_property(client)


def _ports(transport: str, number: int) -> dict[str, Any]:
    return {"IpProtocol": transport, "FromPort": number, "ToPort": number}


def _words(client: str) -> str:
    """A client as part of a logical ID: `10.0.0.0/16` becomes `10x0x0x0x16`, `::/0` `xxx0`."""
    return re.sub(r"[^A-Za-z0-9]", "x", client)
