"""Resources of entries of `expose:` through a Network Load Balancer."""

from __future__ import annotations

from typing import Any

import pytest
from nlb_services import (
    CERTIFICATE,
    CLIENT_GROUP,
    DNS,
    ECHO,
    EXISTING_NLB,
    GROUP,
    INTERNAL,
    NLB,
    OPEN,
    TCP,
    TLS,
    UDP,
    UNHEALTHY,
    Rule,
    all_findings,
    attributes,
    body,
    find_findings,
    properties,
    rules,
    sidecar,
    stacks,
    without_clients,
)

# Listener, target group and attachment -------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "listens", "targets", "checked"),
    [
        (UDP, ("UDP", 1234), ("UDP", 1234), ("TCP", "8080")),
        (DNS, ("TCP_UDP", 54), ("TCP_UDP", 54), ("TCP", "traffic-port")),
        ({**DNS, "health_check": ECHO}, ("TCP_UDP", 54), ("TCP_UDP", 54), ("TCP", "8080")),
        (TCP, ("TCP", 8443), ("TCP", 8443), ("TCP", "traffic-port")),
        (TLS, ("TLS", 443), ("TCP", 8443), ("TCP", "traffic-port")),
        ({**TLS, "target_tls": True}, ("TLS", 443), ("TLS", 8443), ("TCP", "traffic-port")),
        (
            {**TCP, "health_check": {"protocol": "HTTPS"}},
            ("TCP", 8443),
            ("TCP", 8443),
            ("HTTPS", "traffic-port"),
        ),
        (
            {**UDP, "health_check": {"port": 9000, "protocol": "HTTP"}},
            ("UDP", 1234),
            ("UDP", 1234),
            ("HTTP", "9000"),
        ),
        (
            {**UDP, "health_check": {"sidecar": {"probe": "none", "mode": "http", "port": 8081}}},
            ("UDP", 1234),
            ("UDP", 1234),
            ("HTTP", "8081"),
        ),
    ],
)
def test_listener_and_target_group_for_each_protocol(
    entry: Any, listens: Any, targets: Any, checked: Any
) -> None:
    resources = body(entry)
    (listener,) = properties(resources, "Listener")
    (group,) = properties(resources, "TargetGroup")
    (service,) = properties(resources, "Service")
    assert (listener["Protocol"], listener["Port"]) == listens
    assert listener["LoadBalancerArn"] == {"Fn::ImportValue": "shop-dev-edge-LoadBalancerArn"}
    assert (group["Protocol"], group["Port"]) == targets
    assert (group["HealthCheckProtocol"], group["HealthCheckPort"]) == checked
    assert group["TargetType"] == "ip"
    assert ("Matcher" in group, "HealthCheckPath" in group) == (checked[0] != "TCP",) * 2
    (action,) = listener["DefaultActions"]
    (attached,) = service["LoadBalancers"]
    assert attached["TargetGroupArn"] == action["TargetGroupArn"]
    assert (attached["ContainerName"], attached["ContainerPort"]) == ("app", targets[1])


def test_no_resource_has_a_physical_name_that_prevents_its_replacement() -> None:
    (group,) = properties(body(UDP), "TargetGroup")
    assert "Name" not in group


def test_the_service_waits_for_its_listeners_and_rules() -> None:
    resources = body(UDP, TLS, TCP)
    entries = ("::Listener", "::SecurityGroupIngress", "::SecurityGroupEgress")
    awaited = {name for name, resource in resources.items() if resource["Type"].endswith(entries)}
    assert set(resources["Service"]["DependsOn"]) == awaited


def test_settings_of_a_tls_listener() -> None:
    entry = {**TLS, "alpn_policy": "HTTP2Only", "ssl_policy": "ELBSecurityPolicy-TLS13-1-2-2021-06"}
    (listener,) = properties(body(entry), "Listener")
    assert listener["Certificates"] == [{"CertificateArn": CERTIFICATE}]
    assert listener["SslPolicy"] == "ELBSecurityPolicy-TLS13-1-2-2021-06"
    assert listener["AlpnPolicy"] == ["HTTP2Only"]
    assert "ListenerAttributes" not in listener


@pytest.mark.parametrize(
    ("settings", "seconds"), [({}, "350"), ({"tcp_idle_timeout": "1h"}, "3600")]
)
def test_the_idle_timeout_of_tcp_is_always_set(settings: Any, seconds: str) -> None:
    (listener,) = properties(body({**TCP, **settings}), "Listener")
    assert listener["ListenerAttributes"] == [{"Key": "tcp.idle_timeout.seconds", "Value": seconds}]


def test_all_attributes_are_set_so_that_an_update_resets_each() -> None:
    usual = {
        "deregistration_delay.timeout_seconds": "60",
        "deregistration_delay.connection_termination.enabled": "false",
        "preserve_client_ip.enabled": "false",
        "proxy_protocol_v2.enabled": "false",
    }
    still = {"stickiness.enabled": "false", "stickiness.type": "source_ip"}
    unhealthy = {UNHEALTHY: "true"}
    assert attributes(body(TCP)) == usual | still | unhealthy
    assert attributes(body(TLS)) == usual | unhealthy
    kept = {key: value for key, value in usual.items() if not key.startswith("preserve")}
    cut = {"deregistration_delay.connection_termination.enabled": "true"}
    assert attributes(body(UDP)) == kept | still | cut
    settings = {
        "deregistration_delay": "5m",
        "connection_termination": True,
        "preserve_client_ip": True,
        "proxy_protocol_v2": True,
        "source_ip_stickiness": True,
    }
    assert attributes(body({**TCP, **settings})) == {
        "deregistration_delay.timeout_seconds": "300",
        "deregistration_delay.connection_termination.enabled": "true",
        "preserve_client_ip.enabled": "true",
        "proxy_protocol_v2.enabled": "true",
        "stickiness.enabled": "true",
        "stickiness.type": "source_ip",
        UNHEALTHY: "true",
    }


def test_zonal_shift_with_cross_zone_load_balancing_excludes_udp_and_keeps_connections() -> None:
    edge = {"template": "nlb", "cross_zone": True, "zonal_shift": True}
    for entry in (TCP, TLS):
        assert attributes(body(entry, edge=edge))[UNHEALTHY] == "false"
    for entry in (UDP, DNS):
        assert find_findings(entry, edge=edge) == [("M2502", "expose.0.port")]
        assert find_findings(entry, edge=edge | {"zonal_shift": False}) == []
        assert find_findings(entry, edge=edge | {"cross_zone": False}) == []


@pytest.mark.parametrize(
    ("entry", "kind"), [(UDP, "ipv6"), (DNS, "ipv6"), (TCP, None), (TLS, None)]
)
def test_udp_on_a_dualstack_load_balancer_needs_targets_with_ipv6(entry: Any, kind: Any) -> None:
    dualstack = {"template": "nlb", "ip_address_type": "dualstack"}
    (group,) = properties(body(entry, edge=dualstack, network={"ipv6": True}), "TargetGroup")
    assert group.get("IpAddressType") == kind


# Security groups -----------------------------------------------------------------------------


def _through(protocol: str, port: int) -> set[Rule]:
    """Rules of both sides: from the security group of the load balancer to that of the tasks."""
    return {
        ("Ingress", "tasks", protocol, port, "edge"),
        ("Egress", "edge", protocol, port, "tasks"),
    }


def test_the_load_balancer_is_allowed_to_reach_udp_and_the_sidecar_only() -> None:
    assert rules(body(without_clients(UDP), edge=INTERNAL)) == {
        ("Ingress", "edge", "udp", 1234, "10.0.0.0/16"),
        *_through("udp", 1234),
        *_through("tcp", 8080),
    }


def test_clients_are_allowed_at_the_listener_and_the_load_balancer_at_the_container() -> None:
    clients = ["203.0.113.0/24", "pl-0123456789abcdef0", CLIENT_GROUP]
    assert rules(body({**TLS, "clients": clients}, edge=INTERNAL)) == {
        *(("Ingress", "edge", "tcp", 443, client) for client in clients),
        *_through("tcp", 8443),
    }


def test_tcp_and_udp_on_one_port() -> None:
    assert rules(body(DNS)) == {
        ("Ingress", "edge", "tcp", 54, "0.0.0.0/0"),
        ("Ingress", "edge", "udp", 54, "0.0.0.0/0"),
        *_through("udp", 54),
        *_through("tcp", 54),
    }


def test_two_listeners_for_one_port_share_its_rules() -> None:
    assert rules(body(TCP, TLS)) == {
        ("Ingress", "edge", "tcp", 443, "0.0.0.0/0"),
        ("Ingress", "edge", "tcp", 8443, "0.0.0.0/0"),
        *_through("tcp", 8443),
    }


def test_by_default_a_dualstack_load_balancer_allows_ipv4_and_ipv6() -> None:
    dualstack = {"template": "nlb", "ip_address_type": "dualstack"}
    options = {"edge": dualstack, "network": {"ipv6": True}}
    assert rules(body(without_clients(UDP), warnings={"M2521"}, **options)) == {
        ("Ingress", "edge", "udp", 1234, "0.0.0.0/0"),
        ("Ingress", "edge", "udp", 1234, "::/0"),
        *_through("udp", 1234),
        *_through("tcp", 8080),
    }


def test_addresses_that_differ_in_colons_only() -> None:
    dualstack = {"template": "nlb", "ip_address_type": "dualstack"}
    clients = ["1::2:0:0/96", "1:2::/96"]
    created_rules = rules(body({**TCP, "clients": clients}, edge=dualstack, network={"ipv6": True}))
    assert {end for *_, end in created_rules} == {*clients, "edge", "tasks"}


def test_the_security_group_of_an_existing_load_balancer_gets_rules() -> None:
    edge = {"template": "nlb", "existing": {"arn": NLB, "security_group": GROUP}}
    assert rules(body({**TCP, "clients": ["198.51.100.0/24"]}, edge=edge)) == {
        ("Ingress", GROUP, "tcp", 8443, "198.51.100.0/24"),
        ("Ingress", "tasks", "tcp", 8443, GROUP),
        ("Egress", GROUP, "tcp", 8443, "tasks"),
    }


NODES = ("10.0.0.0/19", "10.0.32.0/19")


def test_without_a_security_group_tasks_allow_clients_and_health_checks() -> None:
    edge = {**OPEN, "scheme": "internal"}
    clients = ["10.9.0.0/16", "pl-0123456789abcdef0"]
    assert rules(body({**UDP, "clients": clients}, edge=edge)) == {
        *(("Ingress", "tasks", "udp", 1234, client) for client in clients),
        *(("Ingress", "tasks", "tcp", 8080, node) for node in NODES),
    }


def test_without_a_security_group_tcp_packets_come_from_the_load_balancer() -> None:
    edge = {**OPEN, "scheme": "internal"}
    assert rules(body(without_clients(TCP), edge=edge)) == {
        ("Ingress", "tasks", "tcp", 8443, node) for node in NODES
    }


def test_without_a_security_group_clients_are_allowed_if_their_addresses_are_preserved() -> None:
    edge = {**OPEN, "scheme": "internal"}
    entry = {**TCP, "preserve_client_ip": True, "clients": ["10.9.0.0/16"]}
    checked = {**entry, "health_check": {"port": 9000}}
    nodes = {("Ingress", "tasks", "tcp", 8443, node) for node in NODES}
    client = ("Ingress", "tasks", "tcp", 8443, "10.9.0.0/16")
    assert rules(body(entry, edge=edge)) == {client, *nodes}
    health_checks = {("Ingress", "tasks", "tcp", 9000, node) for node in NODES}
    assert rules(body(checked, edge=edge)) == {client, *health_checks}


def test_an_existing_load_balancer_without_a_security_group() -> None:
    edge = {"template": "nlb", "existing": EXISTING_NLB}
    assert rules(body({**UDP, "clients": ["10.9.0.0/16"]}, edge=edge)) == {
        ("Ingress", "tasks", "udp", 1234, "10.9.0.0/16"),
        ("Ingress", "tasks", "tcp", 8080, "10.7.0.0/24"),
    }
    assert rules(body(without_clients(TCP), edge=edge)) == {
        ("Ingress", "tasks", "tcp", 8443, "10.7.0.0/24")
    }


def test_an_existing_security_group_that_allows_its_clients_already() -> None:
    edge = {"template": "nlb", "existing": {"arn": NLB, "security_group": GROUP}}
    assert rules(body({**TCP, "clients": []}, edge=edge)) == {
        ("Ingress", "tasks", "tcp", 8443, GROUP),
        ("Egress", GROUP, "tcp", 8443, "tasks"),
    }


def test_no_client_could_connect() -> None:
    for edge in ({"template": "nlb"}, {**OPEN, "scheme": "internal"}):
        entry = {**TCP, "clients": [], "preserve_client_ip": True}
        assert find_findings(entry, edge=edge) == [("M2511", "expose.0.clients")]


def sharing(*clients: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two existing load balancers with one security group, and a service behind the second one."""
    edge = {"template": "nlb", "existing": {"arn": NLB, "security_group": GROUP}}
    other = {"template": "nlb", "existing": {"arn": f"{NLB[:-1]}9", "security_group": GROUP}}
    api = {
        "template": "service",
        "containers": {"app": {"image": "ecr:b:1", "ports": [8443]}},
        "expose": [{**TCP, "via": "public", "clients": list(clients)}],
    }
    return {"edge": edge, "public": other}, {"rival": api}


def test_two_services_that_add_the_same_rule() -> None:
    entry = {**TCP, "clients": ["10.1.0.0/16", "10.0.0.0/16"]}
    for clients, codes in (["10.0.0.0/16"], [("M2519", "expose.0.clients")]), (["10.2.0.0/16"], []):
        balancers, service = sharing(*clients)
        assert find_findings(entry, **balancers, **service) == codes
    balancers, service = sharing()
    assert find_findings({**entry, "clients": []}, **balancers, **service) == []


def test_two_load_balancers_in_the_same_subnets_need_one_rule() -> None:
    edge = {**OPEN, "scheme": "internal"}
    entry = without_clients(TCP)
    assert rules(body(entry, {**entry, "via": "rival"}, edge=edge, rival=edge)) == {
        ("Ingress", "tasks", "tcp", 8443, node) for node in NODES
    }


# The sidecar ---------------------------------------------------------------------------------


def test_the_sidecar_has_no_privileges() -> None:
    container = sidecar(body(UDP))
    assert container["Essential"] is True
    assert container["ReadonlyRootFilesystem"] is True
    assert container["LinuxParameters"] == {"Capabilities": {"Drop": ["ALL"]}}
    assert container["User"] == "65534:65534"
    assert (container["Cpu"], container["Memory"]) == (32, 64)
    assert container["PortMappings"] == [{"ContainerPort": 8080, "Protocol": "tcp"}]
    assert container["HealthCheck"]["Command"][:2] == ["CMD", "python3"]
    assert container["Image"].startswith("public.ecr.aws/docker/library/python:3.")
    assert not container.keys() & {"Secrets", "Environment"}


def test_the_sidecar_starts_after_the_service_and_stops_before_it() -> None:
    container = sidecar(
        body({**UDP, "health_check": {"sidecar": {"probe": "echo", "drain": "45s"}}})
    )
    assert container["DependsOn"] == [{"ContainerName": "app", "Condition": "START"}]
    assert container["StopTimeout"] == 60
    assert "--drain=45" in container["Command"]


@pytest.mark.parametrize(
    ("check", "drain", "stop"),
    [
        ({}, 45, 60),
        ({"interval": "10s", "unhealthy_threshold": 2}, 20, 35),
        ({"interval": "35s", "unhealthy_threshold": 3}, 105, 120),
        ({**ECHO, "sidecar": {"probe": "echo", "drain": "50s"}}, 50, 65),
        ({**ECHO, "sidecar": {"probe": "echo", "drain": "0s"}}, 0, 15),
    ],
)
def test_the_drain_is_as_long_as_the_load_balancer_needs_to_detect_a_closed_port(
    check: Any, drain: int, stop: int
) -> None:
    container = sidecar(body({**UDP, "health_check": {**ECHO, **check}}))
    assert f"--drain={drain}" in container["Command"]
    assert container["StopTimeout"] == stop


def test_the_drain_is_long_enough_for_the_slower_of_two_load_balancers() -> None:
    slow = {**UDP, "via": "rival", "health_check": {**ECHO, "interval": "30s"}}
    for entries in ((UDP, slow), (slow, UDP)):
        container = sidecar(body(*entries, rival={"template": "nlb"}))
        assert ("--drain=90" in container["Command"], container["StopTimeout"]) == (True, 105)


@pytest.mark.parametrize(
    ("check", "path", "hint"),
    [
        (
            {"sidecar": {"probe": "echo", "drain": "44s"}},
            "health_check.sidecar.drain",
            "`drain: 45s`",
        ),
        ({"interval": "36s"}, "health_check", "105s"),
        ({"interval": "36s", "sidecar": {"probe": "echo", "drain": "105s"}},
         "health_check.sidecar.drain", "105s"),
    ],
)  # fmt: skip
def test_a_drain_that_ends_before_the_load_balancer_has_detected_it(
    check: Any, path: str, hint: str
) -> None:
    entry = {**UDP, "health_check": {**ECHO, **check}}
    (finding,) = all_findings(stacks(entry))
    assert (finding.level, finding.code) == ("warning", "M2539")
    assert ".".join(map(str, finding.path)) == f"stacks.web.expose.0.{path}"
    assert hint in finding.hint


def test_arguments_of_the_sidecar() -> None:
    probe = {
        "probe": "send",
        "send_hex": "0a0b",
        "expect": "^ok",
        "port": 8081,
        "mode": "http",
        "interval": "10s",
        "timeout": "3s",
        "rise": 2,
        "fall": 4,
        "cpu": 16,
        "memory": 48,
        "image": "ecr:base/python:3.13.1",
    }
    container = sidecar(body({**UDP, "health_check": {"sidecar": probe}}))
    assert container["Command"][:3] == ["python3", "-u", "-c"]
    assert container["Command"][4:] == [
        "--listen=8081",
        "--mode=http",
        "--probe=send",
        "--port=1234",
        "--send-hex=0a0b",
        "--expect=^ok",
        "--interval=10",
        "--timeout=3",
        "--rise=2",
        "--fall=4",
        "--drain=45",
    ]
    assert (container["Cpu"], container["Memory"]) == (16, 48)


def test_the_sidecar_probes_over_the_ip_version_of_the_packets() -> None:
    dualstack = {"template": "nlb", "ip_address_type": "dualstack"}
    assert "--host=::1" in sidecar(body(UDP, edge=dualstack, network={"ipv6": True}))["Command"]
    assert "--host" not in str(sidecar(body(UDP, network={"ipv6": True}))["Command"][4:])


def test_a_sidecar_cannot_probe_over_both_ip_versions() -> None:
    dualstack = {
        "rival": {"template": "nlb", "ip_address_type": "dualstack"},
        "network": {"ipv6": True},
    }
    place = "expose.1.health_check.sidecar"
    assert find_findings(UDP, {**UDP, "via": "rival"}, **dualstack) == [("M2541", place)]
    assert find_findings({**UDP, "via": "rival"}, UDP, **dualstack) == [("M2541", place)]


def test_a_port_behind_two_load_balancers_has_one_sidecar() -> None:
    resources = body(UDP, {**UDP, "via": "rival"}, rival=INTERNAL)
    (task,) = properties(resources, "TaskDefinition")
    assert [definition["Name"] for definition in task["ContainerDefinitions"]] == [
        "app",
        "health-1234",
    ]
    assert len(properties(resources, "TargetGroup")) == 2


def test_the_execution_role_is_allowed_to_pull_the_image_of_the_sidecar() -> None:
    probe = {"probe": "echo", "image": "ecr:base/python:3.13.1"}
    resources = body({**UDP, "health_check": {"sidecar": probe}})
    assert "repository/base/python" in repr(resources["ExecutionRole"])
