"""M2500 to M2549: listeners of a Network Load Balancer."""

from __future__ import annotations

from moorage.findings.codes.code import Code
from moorage.findings.codes.in_templates import ALLOWED, NO_EFFECT, PARAMS, PROGRAM

_GUIDE = "Network Load Balancers user guide"
_LISTENERS = f'{_GUIDE}, "Listeners for your Network Load Balancers"'
_CLIENT_IP = f'{_GUIDE}, "Client IP preservation"'
_HEALTH = f'{_GUIDE}, "Health checks for Network Load Balancer target groups"'
_ATTRIBUTES = "Elastic Load Balancing API reference, TargetGroupAttribute"
_TARGET_GROUP = "Elastic Load Balancing API reference, CreateTargetGroup"

_PROTOCOLS = (
    Code(
        "M2501",
        "ECS services cannot be behind QUIC listeners.",
        "Each target of a QUIC listener is registered with a server ID. ECS registers tasks "
        "without one.",
        "Write the port with `/udp`: QUIC then passes through, but a client whose IP address "
        "changes can reach another task.",
        """\
expose:
  - {via: edge, port: 443/udp, health_check: {port: 8080}}  # udp, not quic
""",
        (_LISTENERS,),
        rules=("E9234",),
    ),
    Code(
        "M2502",
        "A load balancer with cross-zone load balancing and zonal shift does not support UDP.",
        "Zonal shift of a load balancer with cross-zone load balancing works for TCP and TLS "
        "target groups only.",
        "Remove `cross_zone` or `zonal_shift` from the load balancer, or use another one.",
        """\
stacks:
  edge: {template: nlb, zonal_shift: true}  # without `cross_zone: true`
""",
        ('ARC developer guide, "Network Load Balancers"',),
        rules=("W9389",),
    ),
    Code(
        "M2503",
        "The setting is for TLS listeners only.",
        "Only a TLS listener has a certificate, a security policy, an ALPN policy and TLS to its "
        "targets.",
        "Write the port with `/tls`, or remove the setting.",
        """\
expose:
  - via: edge
    port: 443/tls  # a TLS listener
    certificate: arn:aws:acm:eu-central-1:123456789012:certificate/1234abcd
""",
        (_LISTENERS,),
        rules=(
            "E9451",
            "E9505",
            "E9508",
        ),
    ),
    Code(
        "M2504",
        "Client IP preservation cannot be turned off for UDP.",
        "Client IP preservation is always on for UDP and TCP_UDP target groups.",
        "Remove `preserve_client_ip: false`.",
        """\
expose:
  - {via: edge, port: 53/udp, health_check: {sidecar: {probe: dns}}}  # without `preserve_client_ip`
""",
        (_CLIENT_IP,),
        rules=("E9588",),
    ),
    Code(
        "M2505",
        "UDP listeners have no proxy protocol.",
        "The load balancer adds the header of proxy protocol version 2 to TCP data. A container "
        "behind a UDP listener sees the IP address of the client itself.",
        "Remove `proxy_protocol_v2`.",
        """\
expose:
  - {via: edge, port: 53/udp, health_check: {sidecar: {probe: dns}}}  # without `proxy_protocol_v2`
""",
        (f'{_GUIDE}, "Proxy protocol"',),
        not_in_templates="AWS accepts the attribute and ignores it.",
    ),
    Code(
        "M2506",
        "The health sidecar sends no proxy protocol header.",
        "With `proxy_protocol_v2` the container expects the header before the data of each "
        "connection. The probe of the health sidecar has none, so it would fail.",
        "Remove `proxy_protocol_v2`, or check the health by `port:`.",
        """\
expose:
  - via: edge
    port: 53/tcp_udp
    health_check: {port: 8080}  # not `sidecar:`
    proxy_protocol_v2: true
""",
        (f'{_GUIDE}, "Proxy protocol"',),
        not_in_templates=PROGRAM,
    ),
    Code(
        "M2507",
        "TLS listeners have no stickiness.",
        "Source IP stickiness is not supported for TLS target groups.",
        "Write the port with `/tcp` and let the container speak TLS, or remove "
        "`source_ip_stickiness`.",
        """\
expose:
  - {via: edge, port: 443/tcp, source_ip_stickiness: true}  # tcp, not tls
""",
        (_ATTRIBUTES,),
        rules=("E9588",),
    ),
    Code(
        "M2508",
        "The idle timeout can be set for TCP listeners only.",
        "The attribute `tcp.idle_timeout.seconds` exists for TCP listeners.",
        "Remove `tcp_idle_timeout`.",
        """\
expose:
  - {via: edge, port: 8443/tcp, tcp_idle_timeout: 10m}  # a TCP listener
""",
        ("Elastic Load Balancing API reference, ListenerAttribute",),
        rules=(
            "E9480",
            "E9582",
        ),
    ),
    Code(
        "M2509",
        "Two services listen on the same port of a load balancer.",
        "A Network Load Balancer has one listener for each port, whatever its protocol.",
        "Write another port for one of the services. For TCP and UDP on one port write one entry "
        "with `/tcp_udp`.",
        """\
expose:
  - {via: edge, port: 53/tcp_udp, health_check: {sidecar: {probe: dns}}}  # one listener for both
""",
        (_LISTENERS,),
        rules=("E9470",),
    ),
)

_CLIENTS = (
    Code(
        "M2511",
        "No client is allowed to connect.",
        "`clients: []` adds no inbound rule to the security group of the load balancer, and the "
        "group that the stack creates has no other rules for this listener.",
        "Write the clients.",
        """\
expose:
  - {via: edge, port: 8443/tcp, clients: [10.0.0.0/16]}  # not an empty list
""",
        rules=("E9693",),
    ),
    Code(
        "M2513",
        "The load balancer has no security group in which to allow a security group.",
        "A security group as a client becomes a rule in the security group of the load balancer. "
        "If the load balancer has none, the rules are in the security group of the tasks and "
        "allow IP addresses.",
        "Write the IP addresses of the clients.",
        """\
expose:
  - {via: edge, port: 8443/tcp, clients: [10.0.0.0/16]}  # IP addresses
""",
        not_in_templates=PARAMS,
    ),
    Code(
        "M2514",
        "A security group does not match clients with public IP addresses.",
        "A rule with a source security group matches private IP addresses of its members. Clients "
        "reach an internet-facing load balancer from their public ones.",
        "Write the public IP addresses of the clients, or use an internal load balancer.",
        """\
stacks:
  edge: {template: nlb, scheme: internal}  # clients use their private IP addresses
""",
        ('Amazon VPC user guide, "Security group rules"',),
        not_in_templates=ALLOWED,
    ),
    Code(
        "M2516",
        "The clients cannot be restricted.",
        "Without a security group of the load balancer, the security group of the tasks allows the "
        "clients. It sees the IP address of the load balancer instead of theirs unless client IP "
        "addresses are preserved.",
        "Write `preserve_client_ip: true`, or use a load balancer with a security group.",
        """\
expose:
  - via: edge
    port: 8443/tcp
    preserve_client_ip: true  # required by `clients` without a security group
    clients: [10.0.0.0/16]
""",
        (_CLIENT_IP,),
        not_in_templates=ALLOWED,
    ),
    Code(
        "M2517",
        "UDP through a dualstack load balancer needs a security group of the load balancer.",
        "Health checks come from IPv6 addresses of the load balancer that the params do not "
        "contain, so the security group of the tasks cannot allow them.",
        "Write `ip_address_type: ipv4`, or use a load balancer with a security group.",
        """\
stacks:
  network: {ipv6: true}
  edge: {template: nlb, ip_address_type: dualstack, security_group: true}  # the default
""",
        (_CLIENT_IP,),
        not_in_templates=ALLOWED,
    ),
    Code(
        "M2518",
        "Tasks do not see the IPv6 address of a client.",
        "On the way to IPv4 tasks, a dualstack load balancer replaces the IPv6 address of a client "
        "with its own IPv4 address. The security group of the tasks would have to allow all IPv6 "
        "clients.",
        "Use a load balancer with a security group, or write IPv4 clients only.",
        """\
stacks:
  network: {ipv6: true}
  edge: {template: nlb, ip_address_type: dualstack, security_group: true}  # the default
""",
        (_CLIENT_IP,),
        not_in_templates=ALLOWED,
    ),
    Code(
        "M2519",
        "Two services add the same rule to a security group.",
        "EC2 refuses the second rule with `InvalidPermission.Duplicate`. Existing load balancers "
        "can share a security group.",
        "Allow the clients in the security group itself, and write `clients: []` in both entries.",
        """\
expose:
  - {via: edge, port: 8443/tcp, clients: []}  # the existing security group allows them
""",
        ('Amazon EC2 API reference, "Error codes for the Amazon EC2 API"',),
        rules=("E9681",),
    ),
    Code(
        "M2521",
        "Every address on the internet can connect to a listener.",
        "Without `clients:`, a listener of an internet-facing load balancer is open to all "
        "addresses. Few protocols over TCP or UDP are meant for everyone. There is no finding for "
        "a TLS listener.",
        "Write the addresses of the clients. If everyone is meant to connect, write `clients: "
        '["0.0.0.0/0"]`, and `"::/0"` for IPv6.',
        """\
expose:
  - {via: edge, port: 6514/tcp, clients: [198.51.100.0/24]}
""",
        ("AWS Security Hub user guide, EC2.18",),
        not_in_templates=ALLOWED,
    ),
)

_HEALTH_CHECKS = (
    Code(
        "M2531",
        "A UDP listener has no health check.",
        "A load balancer checks health over TCP or HTTP, for UDP target groups as well.",
        "Write `health_check: {sidecar: {probe: ...}}` with `dns`, `ntp`, `echo`, `send` or "
        "`none`; or `health_check: {port: ...}` with a TCP port of the task.",
        """\
expose:
  - {via: edge, port: 53/udp, health_check: {sidecar: {probe: dns}}}  # checks the UDP port
""",
        (_HEALTH,),
        rules=("E9555",),
    ),
    Code(
        "M2532",
        "No container is known to listen on the TCP port of the health check.",
        "A TCP_UDP target group is checked over TCP on its own port. If nothing listens there, "
        "all tasks are unhealthy.",
        "Add a `health_check:` with a `sidecar:` or a `port:`, or add the port to the `ports` of "
        "the container that listens on it.",
        """\
expose:
  - {via: edge, port: 53/tcp_udp, health_check: {sidecar: {probe: dns}}}  # in place of TCP 53
""",
        (_HEALTH,),
        rules=(
            "W9561",
            "E9558",
        ),
    ),
    Code(
        "M2535",
        "The setting has no effect on a health check over TCP.",
        "A health check over TCP only opens a connection; a path and a status exist over HTTP.",
        "Add `protocol: HTTP`, or remove the setting.",
        """\
expose:
  - {via: edge, port: 8443/tcp, health_check: {protocol: HTTP, path: /healthz}}  # over HTTP
""",
        (_HEALTH,),
        rules=("E9567",),
    ),
    Code(
        "M2536",
        "Health sidecars are for UDP only.",
        "A health sidecar answers health checks in place of a UDP service, which a load balancer "
        "cannot check. A TCP port is checked itself.",
        "Remove `sidecar:`.",
        """\
expose:
  - {via: edge, port: 8443/tcp}  # without `health_check: {sidecar: ...}`
""",
        ("docs/health-sidecar.md",),
        not_in_templates=PROGRAM,
    ),
    Code(
        "M2537",
        "The setting has no effect with a health sidecar.",
        "With `sidecar:`, the load balancer checks the port of the sidecar, over the protocol of "
        "its `mode`.",
        "Remove the setting. Write `port` and `mode` below `sidecar:`.",
        """\
expose:
  - via: edge
    port: 53/udp
    health_check:
      sidecar: {probe: dns, port: 9090}  # the port of the sidecar
""",
        ("docs/health-sidecar.md",),
        not_in_templates=NO_EFFECT,
    ),
    Code(
        "M2539",
        "The drain of a health sidecar is too short.",
        "When a task stops, the health sidecar closes its port and keeps the UDP service running "
        "for `drain`. The load balancer continues to send packets until it has detected the "
        "closed port, which takes `interval` x `unhealthy_threshold`.",
        "Remove `drain`, or raise it. If the load balancer needs more than 105s, lower `interval` "
        "or `unhealthy_threshold`.",
        """\
expose:
  - via: edge
    port: 53/udp
    health_check: {sidecar: {probe: dns}, interval: 10s, unhealthy_threshold: 3}  # no `drain`
""",
        ("docs/health-sidecar.md",),
        not_in_templates=PROGRAM,
    ),
    Code(
        "M2540",
        "Two entries have different health sidecars for one port.",
        "A task has one health sidecar for each UDP port.",
        "Write the same `sidecar:` in both entries.",
        """\
expose:
  - {via: public-edge, port: 53/udp, health_check: {sidecar: {probe: dns}}}
  - {via: internal-edge, port: 53/udp, health_check: {sidecar: {probe: dns}}}  # the same
""",
        ("docs/health-sidecar.md",),
        not_in_templates=PROGRAM,
    ),
    Code(
        "M2541",
        "A health sidecar cannot probe a port over both IPv4 and IPv6.",
        "UDP packets of a dualstack load balancer reach the tasks over IPv6, and those of an IPv4 "
        "load balancer over IPv4. The health sidecar probes the port over one of them.",
        "Use load balancers with the same `ip_address_type`, or check one by `port:`.",
        """\
expose:
  - {via: public-edge, port: 53/udp, health_check: {sidecar: {probe: dns}}}
  - {via: internal-edge, port: 53/udp, health_check: {port: 8080}}  # without the sidecar
""",
        (f'{_GUIDE}, "IP address type"',),
        not_in_templates=PROGRAM,
    ),
    Code(
        "M2542",
        "The task has too many health sidecars for a template.",
        "The program of a health sidecar is part of its container definition, some 11 kB. "
        "CloudFormation accepts templates of 51,200 bytes in a request.",
        "Move some ports to another service, or check their health by a TCP `port:`.",
        """\
expose:
  - {via: edge, port: 53/udp, health_check: {port: 8080}}  # without a sidecar
""",
        ('CloudFormation user guide, "Understand CloudFormation quotas"',),
        not_in_templates="CloudFormation accepts larger templates from S3.",
    ),
)

CODES: tuple[Code, ...] = (*_PROTOCOLS, *_CLIENTS, *_HEALTH_CHECKS)
