"""Findings about entries of `expose:` through a Network Load Balancer."""

from __future__ import annotations

from typing import Any

import pytest
from nlb_services import (
    ALL,
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
    all_findings,
    body,
    document,
    find_findings,
    stacks,
    without_clients,
)

from moorage.pipeline.validate import validate
from templates import TEMPLATES

# What AWS refuses ----------------------------------------------------------------------------

SEND = {"probe": "send", "send": "a", "expect": "b"}


def _checked(**health_check: Any) -> dict[str, Any]:
    return {**UDP, "health_check": health_check}


def _sidecar(**probe: Any) -> dict[str, Any]:
    return _checked(sidecar={"probe": "echo", **probe})


@pytest.mark.parametrize(
    ("entry", "code", "place"),
    [
        ({"via": "edge"}, "M1102", "port"),
        ({"via": "edge", "port": "1234/udp", **ALL}, "M2531", "health_check"),
        (_checked(interval="10s"), "M2531", "health_check"),
        (_checked(port=9001), "M1205", "health_check.port"),
        (_checked(port="1234/udp"), "M1205", "health_check.port"),
        ({**UDP, "port": "1234/quic"}, "M2501", "port"),
        ({**TCP, "port": "8443/tcp_quic"}, "M2501", "port"),
        ({**UDP, "preserve_client_ip": False}, "M2504", "preserve_client_ip"),
        ({**DNS, "preserve_client_ip": False}, "M2504", "preserve_client_ip"),
        ({"via": "edge", "port": "8443/tls"}, "M1102", "certificate"),
        ({**TCP, "certificate": CERTIFICATE}, "M2503", "certificate"),
        ({**TCP, "alpn_policy": "HTTP2Only"}, "M2503", "alpn_policy"),
        ({**TCP, "target_tls": True}, "M2503", "target_tls"),
        ({**TLS, "source_ip_stickiness": True}, "M2507", "source_ip_stickiness"),
        ({**TLS, "tcp_idle_timeout": "5m"}, "M2508", "tcp_idle_timeout"),
        ({**UDP, "tcp_idle_timeout": "5m"}, "M2508", "tcp_idle_timeout"),
        ({**UDP, "proxy_protocol_v2": True}, "M2505", "proxy_protocol_v2"),
        ({**DNS, "proxy_protocol_v2": True, "health_check": ECHO}, "M2506", "proxy_protocol_v2"),
        ({**TCP, "port": 8444}, "M1205", "port"),
        ({**TCP, "target_port": 8444}, "M1205", "target_port"),
        ({**TCP, "port": 1234}, "M1205", "port"),
        ({**TCP, "port": 80, "target_port": 1234}, "M1205", "port"),
        ({**DNS, "port": "53/tcp_udp"}, "M2532", "health_check"),
        ({**TCP, "container": "ap"}, "M1204", "container"),
        ({**TCP, "hosts": ["a.example.com"]}, "M2552", "hosts"),
        ({**TCP, "source_ips": ["198.51.100.0/24"]}, "M2552", "source_ips"),
        ({**TCP, "stickiness": {}}, "M2552", "stickiness"),
        ({**TCP, "clients": ["198.51.100.0/24", "198.51.100.0/24"]}, "M2306", "clients.1"),
        ({**TCP, "clients": ["2001:db8::/32"]}, "M2307", "clients.0"),
        ({**TCP, "health_check": ECHO}, "M2536", "health_check.sidecar"),
        ({**TLS, "health_check": ECHO}, "M2536", "health_check.sidecar"),
        ({**TCP, "health_check": {"path": "/"}}, "M2535", "health_check.path"),
        ({**TCP, "health_check": {"interval": "5s", "timeout": "6s"}}, "M2420", "health_check"),
        (
            {**TCP, "health_check": {"protocol": "HTTP", "interval": "5s"}},
            "M2420",
            "health_check",
        ),
        (
            {**TCP, "health_check": {"protocol": "HTTP", "matcher": "100-199"}},
            "M2421",
            "health_check.matcher",
        ),
        (_checked(sidecar=SEND, port=9000), "M2537", "health_check.port"),
        (_checked(sidecar=SEND, path="/"), "M2537", "health_check.path"),
        (_checked(sidecar={**SEND, "mode": "http"}, interval="5s"), "M2420", "health_check"),
        (_sidecar(port=9000), "M1206", "health_check.sidecar.port"),
        ({**_sidecar(port=1234), "port": "1234/tcp_udp"}, "M1206", "health_check.sidecar.port"),
        (_sidecar(port="8081/udp"), "M2573", "health_check.sidecar.port"),
        (_sidecar(port=1023), "M2573", "health_check.sidecar.port"),
        (_sidecar(timeout="6s"), "M2572", "health_check.sidecar.timeout"),
        (_sidecar(name="example.com"), "M2571", "health_check.sidecar.name"),
        (_sidecar(send="ping"), "M2571", "health_check.sidecar.send"),
        (_sidecar(probe="send", send="a"), "M2570", "health_check.sidecar"),
        (_sidecar(probe="send", expect="a"), "M2570", "health_check.sidecar"),
        (_sidecar(**SEND | {"expect": "("}), "M2575", "health_check.sidecar.expect"),
        (_sidecar(memory=1024), "M1212", "health_check.sidecar.memory"),
    ],
)
def test_invalid_entries_are_reported(entry: Any, code: str, place: str) -> None:
    codes = find_findings(entry)
    assert (code, f"expose.0.{place}") in codes
    assert {at for _, at in codes} <= {f"expose.0.{place}", "expose.0.health_check.sidecar"}


def test_timeout_and_interval_can_be_equal_for_tcp() -> None:
    assert find_findings({**TCP, "health_check": {"interval": "5s"}}) == []


def test_a_port_of_a_container_for_tcp_and_for_udp() -> None:
    container = {"ports": [54, "54/udp"]}
    assert ("M2556", "expose.0.port") in find_findings(
        {**DNS, "health_check": ECHO}, container=container
    )
    apart = {
        "container": {"ports": ["54/udp"]},
        "more": {"tcp": {"image": "ecr:a:1", "ports": [54]}},
    }
    assert find_findings({**DNS, "container": "app", "health_check": ECHO}, **apart) == []


def test_keys_of_a_network_load_balancer_behind_an_application_load_balancer() -> None:
    entry = {"via": "public", "port": 8443, "paths": ["/*"], "target_port": 9000, "clients": []}
    public = {"template": "alb", "certificate": []}
    codes = find_findings({**entry, "clients": ["198.51.100.0/24"]}, public=public)
    assert codes == [("M2551", "expose.0.clients"), ("M2551", "expose.0.target_port")]


@pytest.mark.parametrize(
    ("check", "place"),
    [(ECHO, "health_check.sidecar"), ({"protocol": "TCP"}, "health_check.protocol")],
)
def test_health_checks_that_an_application_load_balancer_does_not_have(
    check: Any, place: str
) -> None:
    entry = {"via": "public", "port": 8443, "paths": ["/*"], "health_check": check}
    assert find_findings(entry, public={"template": "alb", "certificate": []}) == [
        ("M2555", f"expose.0.{place}")
    ]


def test_one_port_of_a_load_balancer_belongs_to_one_service() -> None:
    other = {
        "template": "service",
        "desired_count": 2,
        "containers": {"app": {"image": "ecr:b:1", "ports": [8443]}},
        "expose": [TCP],
    }
    assert ("M2509", "expose.0.port") in find_findings(TCP, rival=other)
    assert find_findings(
        {**DNS, "port": "53/tcp_udp", "health_check": ECHO}, {**UDP, "port": "53/udp"}
    )[-1] == ("M2509", "expose.1.port")


def test_the_same_existing_load_balancer_with_two_names() -> None:
    edge = {"template": "nlb", "existing": EXISTING_NLB}
    entries = (without_clients(TCP), {**without_clients(TCP), "via": "rival"})
    assert find_findings(*entries, edge=edge, rival=edge) == [("M2509", "expose.1.port")]


def test_two_sidecars_on_one_port() -> None:
    entries = (UDP, {**UDP, "port": "53/udp"})
    assert find_findings(*entries) == [("M1206", "expose.1.health_check.sidecar.port")]


def test_two_sidecars_for_one_port() -> None:
    other = {**_sidecar(port=8081), "via": "rival"}
    place = "expose.1.health_check.sidecar"
    assert find_findings(UDP, other, rival=INTERNAL) == [("M2540", place)]


def test_a_container_with_the_name_of_the_sidecar() -> None:
    more = {"health-1234": {"image": "ecr:a:1"}}
    codes = find_findings({**UDP, "container": "app"}, more=more)
    assert ("M2746", "expose.0.health_check.sidecar") in codes


def test_more_containers_than_ecs_allows() -> None:
    more = {f"c{number}": {"image": "ecr:a:1"} for number in range(9)}
    codes = find_findings({**UDP, "container": "app"}, more=more)
    assert codes == [("M2747", "expose.0.health_check.sidecar")]


def test_more_sidecars_than_fit_into_a_template() -> None:
    ports = range(2000, 2005)
    entries = [{**_sidecar(port=port + 1000), "port": f"{port}/udp"} for port in ports]
    options = {"container": {"ports": [f"{port}/udp" for port in ports]}}
    place = "expose.4.health_check.sidecar"
    assert find_findings(*entries, **options) == [("M2542", place)]
    assert find_findings(*entries[1:], **options) == []


def test_the_sidecar_takes_its_share_of_the_task() -> None:
    assert find_findings(UDP, container={"cpu": 224}) == []
    assert find_findings(UDP, container={"cpu": 225}) == [("M1212", "containers")]
    assert find_findings(UDP, container={"memory": 448}) == []
    assert find_findings(UDP, container={"memory": 449}) == [("M1212", "containers")]
    assert find_findings(UDP, container={"memory": 512, "memory_reservation": 448}) == []
    assert find_findings(UDP, container={"memory_reservation": 449}) == [("M1212", "containers")]


def test_an_image_of_the_sidecar_that_cannot_be_pulled() -> None:
    place = "expose.0.health_check.sidecar.image"
    closed = {"egress": "endpoints"}
    assert find_findings(UDP, edge=INTERNAL, network=closed) == [("M2709", place)]
    mirror = _sidecar(image="ecr:base/python:3.13.1")
    assert find_findings(mirror, edge=INTERNAL, network=closed) == []


def test_an_image_of_the_sidecar_that_is_not_pinned() -> None:
    place = "expose.0.health_check.sidecar.image"
    assert find_findings(_sidecar(image="python:latest")) == [("M1219", place)]


def test_clients_are_required_where_there_is_no_default() -> None:
    edge = {"template": "nlb", "existing": {"arn": NLB, "security_group": GROUP}}
    assert find_findings(without_clients(TCP), edge=edge) == [("M1102", "expose.0.clients")]
    edge = {"template": "nlb", "existing": EXISTING_NLB}
    assert find_findings(without_clients(UDP), edge=edge) == [("M1102", "expose.0.clients")]


def test_clients_that_cannot_be_restricted() -> None:
    assert find_findings({**TCP, "clients": ["198.51.100.0/24"]}, edge=OPEN) == [
        ("M2516", "expose.0.clients")
    ]
    kept = {**TCP, "preserve_client_ip": True}
    assert find_findings({**kept, "clients": ["198.51.100.0/24"]}, edge=OPEN) == []
    assert find_findings({**kept, "clients": [CLIENT_GROUP]}, edge=OPEN) == [
        ("M2513", "expose.0.clients.0")
    ]
    far = {"edge": {**OPEN, "ip_address_type": "dualstack"}, "network": {"ipv6": True}}
    assert find_findings({**kept, "clients": ["2001:db8::/32"]}, **far) == [
        ("M2518", "expose.0.clients")
    ]
    assert find_findings(kept, **far) == []
    assert find_findings(UDP, **far) == [("M2517", "expose.0.via")]


def test_udp_over_ipv6_to_tasks_without_ipv6_addresses() -> None:
    existing = {"arn": NLB, "security_group": GROUP, "ip_address_type": "dualstack"}
    edge = {"template": "nlb", "existing": existing}
    entry = {**UDP, "clients": ["198.51.100.0/24"]}
    assert find_findings(entry, edge=edge) == [("M2554", "expose.0.via")]
    assert find_findings(entry, edge=edge, network={"ipv6": True}) == []
    assert find_findings({**TCP, "clients": ["198.51.100.0/24"]}, edge=edge) == []
    vpc = {"vpc": "vpc-0123456789abcdef0", "private_subnets": ["subnet-0123456789abcdef0"]}
    assert find_findings(entry, edge=edge, network={"existing": vpc}) == [("M2554", "expose.0.via")]
    assert find_findings(entry, edge=edge, network={"existing": {**vpc, "ipv6": True}}) == []


def test_a_port_of_the_other_transport_is_named() -> None:
    entry = {**TCP, "port": 5, "target_port": 1234}
    (finding,) = all_findings(stacks(entry))
    assert finding.message == (
        "Container `app` has port 1234/udp, but the listener does not forward UDP"
    )
    assert finding.hint == "Write `port: 5/udp`, or add 1234 to its `ports`."


@pytest.mark.parametrize("word", ["none", "dns", True, "ping"])
def test_a_word_instead_of_the_map_of_a_sidecar(word: Any) -> None:
    entry = {**UDP, "health_check": {"sidecar": word}}
    (finding,) = all_findings(stacks(entry))
    assert (finding.code, finding.path[-1]) == ("M1103", "sidecar")
    assert finding.hint.startswith("Write `{probe: ")


def test_unknown_security_policies() -> None:
    nonsense = {**TLS, "ssl_policy": "ELBSecurityPolicy-TLS13-1-2-Nonsense"}
    (finding,) = all_findings(stacks(nonsense))
    assert (finding.level, finding.code, finding.path[-1]) == ("warning", "M2304", "ssl_policy")
    assert finding.hint.startswith("Did you mean `ELBSecurityPolicy-TLS13-1-2-")
    assert find_findings({**TLS, "ssl_policy": "ELBSecurityPolicy-TLS13-1-2-FIPS-PQ-2025-09"}) == []
    assert find_findings({**TLS, "ssl_policy": "ELBSecurityPolicy-2016-08"}) == []


def test_an_invalid_stack_name_is_reported_once() -> None:
    all_stacks = {**stacks({**TCP, "via": "myEdge"}), "myEdge": {"template": "nlb"}}
    (finding,) = all_findings(all_stacks)
    assert finding.path == ("stacks", "myEdge")
    all_stacks = stacks({**TCP, "via": "myEdge"})
    (finding,) = all_findings(all_stacks)
    assert finding.path[2:] == ("expose", 0, "via")


def test_proxy_protocol_on_a_tcp_listener() -> None:
    assert find_findings({**DNS, "proxy_protocol_v2": True}) == []


def test_a_security_group_of_clients_with_public_addresses() -> None:
    entry = {**TCP, "clients": [CLIENT_GROUP]}
    assert find_findings(entry) == [("M2514", "expose.0.clients.0")]
    assert find_findings(entry, edge=INTERNAL) == []


def test_ipv6_clients_of_an_internal_load_balancer() -> None:
    dualstack = {"edge": {**INTERNAL, "ip_address_type": "dualstack"}, "network": {"ipv6": True}}
    (finding,) = all_findings(stacks(without_clients(TCP), **dualstack))
    assert (finding.level, finding.code) == ("warning", "M2308")
    assert "`clients: [10.0.0.0/16]`" in finding.hint
    assert "::/0" not in finding.hint, "a hint does not open the listener to more clients"
    assert find_findings({**TCP, "clients": ["10.0.0.0/16", "::/0"]}, **dualstack) == []


def _vpc(public: int, private: int) -> dict[str, Any]:
    ids = [f"subnet-{number:017x}" for number in range(public + private)]
    named = {"public_subnets": ids[:public], "private_subnets": ids[public:]}
    return {"existing": {"vpc": "vpc-0123456789abcdef0", "cidr": "10.0.0.0/16", **named}}


@pytest.mark.parametrize(
    ("edge", "public", "private", "codes"),
    [
        ({"template": "nlb"}, 1, 3, ["M2561"]),
        ({"template": "nlb", "cross_zone": True}, 1, 3, []),
        ({"template": "nlb"}, 2, 2, []),
        (INTERNAL, 1, 3, []),
        ({"template": "alb", "certificate": []}, 2, 3, ["M2561"]),
        ({"template": "alb", "certificate": []}, 3, 3, []),
        ({"template": "alb", "scheme": "internal"}, 2, 3, []),
    ],
)
def test_tasks_in_zones_without_their_load_balancer(
    edge: Any, public: int, private: int, codes: list[str]
) -> None:
    entry = {
        "via": "edge",
        "port": 8443,
        **({"paths": ["/*"]} if edge["template"] == "alb" else {}),
        **(ALL if edge["template"] == "nlb" and edge is not INTERNAL else {}),
    }
    options = {"edge": edge, "network": _vpc(public, private), "service": {"desired_count": 3}}
    assert find_findings(entry, **options) == [(code, "expose.0.via") for code in codes]


def test_more_target_groups_than_ecs_allows_over_both_kinds_of_load_balancers() -> None:
    ports = [8001, 8002, 8003, 8004, 8005]
    container = {"ports": [*ports, "1234/udp"]}
    entries = [{**TCP, "port": port} for port in ports[:3]]
    routes = [{"via": "public", "port": port, "paths": [f"/{port}"]} for port in ports[3:]]
    options = {"container": container, "public": {"template": "alb", "certificate": []}}
    assert find_findings(*entries, *routes, **options) == []
    assert find_findings(*entries, *routes, UDP, **options) == [("M1216", "expose")]


@pytest.mark.parametrize("entry", [UDP, TLS, DNS, {"via": "edge", "paths": [], "port": 1}])
def test_an_unknown_load_balancer_is_the_only_finding_of_its_entry(entry: Any) -> None:
    """It may be meant for either kind of load balancer."""
    parsed = document(stacks({**entry, "via": "egde"}))
    _, (finding,) = validate(parsed, TEMPLATES)
    assert (finding.code, finding.path[-1]) == ("M1201", "via")
    assert finding.hint == "Write `edge`."


def test_access_logs_without_a_listener_that_is_logged() -> None:
    logged = {"template": "nlb", "access_logs": True}
    (finding,) = all_findings(stacks(TCP, UDP, edge=logged))
    assert (finding.level, finding.code) == ("warning", "M2322")
    assert finding.path == ("stacks", "edge", "access_logs")
    assert find_findings(TCP, TLS, edge=logged) == []
    assert find_findings(edge=logged) == [], "other stacks may contain its listeners"


def test_names_of_both_kinds_that_result_in_one_logical_id() -> None:
    route = {"via": "edge-tcp", "port": 8443, "paths": ["/*"]}
    all_stacks = {**stacks(TCP, route), "edge-tcp": {"template": "alb", "certificate": []}}
    findings = all_findings(all_stacks)
    assert [(finding.code, finding.path[2:]) for finding in findings] == [("M1302", ("expose",))]


@pytest.mark.parametrize(
    ("before", "after"),
    [(UDP, UDP | {"port": "1234/tcp_udp"}), (TLS, TLS | {"port": "443/tcp"})],
)
def test_another_protocol_on_the_same_port_is_an_update(before: Any, after: Any) -> None:
    """ELB refuses a second listener on a port, and EC2 a second rule like the first. CloudFormation
    creates new resources before it deletes old ones, so those that stay keep their logical IDs."""
    after = {key: value for key, value in after.items() if key != "certificate"}
    old, new = body(before), body(after)
    for kind in "::Listener", "::TargetGroup", "Ingress", "Egress":
        old_names, new_names = (
            {name for name, resource in resources.items() if resource["Type"].endswith(kind)}
            for resources in (old, new)
        )
        if kind == "::TargetGroup":
            assert old_names.isdisjoint(new_names)
            continue
        same = {name for name in old_names if any(old[name] == new[later] for later in new_names)}
        assert (old_names if kind == "::Listener" else same) <= new_names


def test_ports_whose_listeners_have_the_same_logical_id() -> None:
    entries = ({**DNS, "port": 53}, {**DNS, "via": "edge-5", "port": 3, "target_port": 53})
    options = {"container": {"ports": [53]}}
    all_stacks = {**stacks(*entries, **options), "edge-5": {"template": "nlb"}}
    findings = all_findings(all_stacks)
    assert [(finding.code, finding.path[2:]) for finding in findings] == [("M1302", ("expose",))]


# Zones ---------------------------------------------------------------------------------------

FIXED = {"template": "nlb", "elastic_ips": True}
CHOSEN = {**INTERNAL, "private_addresses": ["10.0.0.10", "10.0.32.10"]}


@pytest.mark.parametrize(
    ("edge", "count", "level"),
    [
        ({"template": "nlb"}, 1, "warning"),
        ({"template": "nlb"}, 2, None),
        ({"template": "nlb"}, 0, None),
        ({"template": "nlb", "cross_zone": True}, 1, None),
        (FIXED, 1, "error"),
        (CHOSEN, 1, "error"),
        ({**FIXED, "cross_zone": True}, 1, None),
        ({"template": "nlb", "existing": {"arn": NLB, "security_group": GROUP}}, 1, None),
    ],
)
def test_an_address_without_a_task_in_its_zone(edge: Any, count: int, level: str | None) -> None:
    entry = {**TCP, "clients": ["198.51.100.0/24"]}
    parsed = document(stacks(entry, edge=edge, service={"desired_count": count}))
    levels = [
        (finding.level, finding.code, finding.path[2:])
        for finding in validate(parsed, TEMPLATES)[1]
    ]
    assert levels == ([(level, "M2560", ("desired_count",))] if level else [])


def test_an_address_in_a_zone_without_subnets_of_the_tasks() -> None:
    subnets = [f"subnet-0123456789abcdef{number}" for number in range(3)]
    vpc = {"vpc": "vpc-0123456789abcdef0", "public_subnets": subnets[:2]}
    existing_network = {"existing": {**vpc, "private_subnets": subnets[2:]}}
    service = {"desired_count": 4}
    (finding,) = all_findings(stacks(TCP, network=existing_network, service=service))
    assert (finding.level, finding.code) == ("warning", "M2560")
    assert finding.hint == "Write `cross_zone: true` in `edge`."


@pytest.mark.parametrize(
    ("entry", "options", "codes"),
    [
        (without_clients(TCP), {}, ["M2521"]),
        (without_clients(UDP), {}, ["M2521"]),
        (without_clients(TLS), {}, []),
        (TCP, {}, []),
        ({**TCP, "clients": ["198.51.100.0/24"]}, {}, []),
        (without_clients(TCP), {"edge": INTERNAL}, []),
    ],
)
def test_a_listener_that_is_open_to_everyone_is_a_warning_unless_it_is_written(
    entry: dict[str, Any], options: dict[str, Any], codes: list[str]
) -> None:
    _, findings = validate(document(stacks(entry, **options)), TEMPLATES)
    assert [finding.code for finding in findings] == codes
