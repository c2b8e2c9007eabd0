"""Hypothesis strategies for entries of `expose:`: routes and NLB listeners."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from strategy_parts import (
    CERTIFICATES,
    SERVICE_NAMES,
    USER_POOL,
    WORDS,
    Params,
    can_log_in,
    has_https,
    optional_fields,
    resource_ids,
    some_of,
)


@st.composite
def routes(
    draw: DrawFn, service: str, containers: dict[str, Params], balancers: dict[str, Params]
) -> list[Params]:
    """Up to three routes. Only the first route to a target has settings of the target group."""
    routes: list[Params] = []
    with_settings: set[Any] = set()
    for index in range(draw(st.integers(0, 3))):
        via = draw(st.sampled_from(sorted(balancers)))
        name = f"route-{index}"
        conditions = draw(_conditions())
        kind = draw(st.sampled_from(["forward"] * 6 + ["redirect", "fixed_response"]))
        if kind == "forward":
            target = draw(st.sampled_from(tcp_ports(containers)))
            settings = draw(_target_settings(containers, balancers[via]))
            settings = {} if (via, target) in with_settings else settings
            with_settings.add((via, target))
            login = (
                draw(optional_fields(authenticate=_LOGINS)) if can_log_in(balancers[via]) else {}
            )
            routes.append({"via": via, "name": name, **conditions, **target, **settings, **login})
        else:
            answer = {"redirect": _REDIRECTS, "fixed_response": _RESPONSES}[kind]
            routes.append({"via": via, "name": name, **conditions, kind: draw(answer)})
    return routes


class _Target(dict[str, Any]):
    """Container and port, as keys of a route; hashable."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(self.items()))


def tcp_ports(containers: dict[str, Params]) -> list[_Target]:
    return [
        _Target(container=name, port=port)
        for name, container in sorted(containers.items())
        for port in container["ports"]
        if isinstance(port, int)
    ]


@st.composite
def _conditions(draw: DrawFn) -> Params:
    """A host, paths or both, and at most one condition of another kind."""
    word = draw(WORDS)
    kinds = draw(st.sampled_from(["host", "path", "both"]))
    host = st.sampled_from([f"{word}.example.com", f"*.{word}.example.com"])
    path = st.sampled_from([f"/{word}", f"/{word}/*", f"/{word}*", f"*.{word}", "/*"])
    conditions: Params = {}
    if kinds != "path":
        conditions["hosts"] = [draw(host)]
    if kinds != "host":
        conditions["paths"] = draw(st.lists(path, min_size=1, max_size=2, unique=True))
    return conditions | draw(_MORE_CONDITIONS)


_MORE_CONDITIONS = st.sampled_from(
    [
        {},
        {},
        {},
        {"headers": {"X-Canary": ["yes", "1"]}},
        {"headers": {"User-Agent": "*Chrome*"}},
        {"methods": ["POST", "GET"]},
        {"query": [{"key": "version", "value": "2"}, {"value": "beta"}]},
        {"source_ips": ["10.0.0.0/8"]},
    ]
)


@st.composite
def _target_settings(draw: DrawFn, containers: dict[str, Params], balancer: Params) -> Params:
    versions = ["HTTP1", "HTTP2", "GRPC"] if has_https(balancer) else ["HTTP1"]
    version = draw(st.sampled_from(versions))
    ports = [target["port"] for target in tcp_ports(containers)]
    check = optional_fields(
        path=st.just("/grpc.health.v1.Health/Check" if version == "GRPC" else "/healthz"),
        port=st.sampled_from(ports),
        interval=st.sampled_from(["10s", "5m"]),
        healthy_threshold=st.integers(2, 10),
        matcher=st.just("0" if version == "GRPC" else "200,204"),
    )
    cookies = st.sampled_from([{}, {"duration": "1h"}, {"app_cookie": "session"}])
    return {"protocol_version": version} | draw(
        optional_fields(
            protocol=st.sampled_from(["HTTP", "HTTPS"]),
            health_check=check,
            deregistration_delay=st.sampled_from(["0s", "1h"]),
            stickiness=cookies,
            algorithm=st.sampled_from(["round_robin", "least_outstanding_requests"]),
        )
    )


_LOGINS = st.sampled_from(
    [
        {"cognito": {"user_pool": USER_POOL, "client_id": "abc", "domain": "shop"}},
        {
            "oidc": {
                "issuer": "https://login.example.com",
                "authorization_endpoint": "https://login.example.com/authorize",
                "token_endpoint": "https://login.example.com/token",
                "user_info_endpoint": "https://login.example.com/user",
                "client_id": "abc",
                "client_secret": "secretsmanager:login:secret",
            },
            "session_timeout": "1h",
        },
    ]
)
_REDIRECTS = st.sampled_from(
    [{"host": "new.example.com"}, {"path": "/new/#{path}", "status_code": 301}]
)
_RESPONSES = st.sampled_from([{}, {"status_code": 200, "message_body": "Closed today"}])


# Listeners -----------------------------------------------------------------------------------

_PROBES = st.sampled_from(
    [
        {"probe": "dns", "name": "example.com"},
        {"probe": "ntp"},
        {"probe": "echo", "mode": "http"},
        {"probe": "send", "send_hex": "0a0b", "expect": "^ok"},
        {"probe": "none", "interval": "10s", "drain": "0s"},
    ]
)


@st.composite
def nlb_listeners(
    draw: DrawFn, service: str, containers: dict[str, Params], edge: Params
) -> list[Any]:
    """Up to two listeners, on ports that no other service has."""
    first_port = 20_000 + 10 * SERVICE_NAMES.index(service)
    zonal_shift = edge.get("cross_zone") and edge.get("zonal_shift")
    protocols = draw(some_of(["tcp", "tls", *(() if zonal_shift else ("udp",))], 0, 2))
    return [
        {"via": "edge", "port": f"{first_port + index}/{protocol}"}
        | draw(_nlb_listener(protocol, containers, edge))
        for index, protocol in enumerate(protocols)
    ]


@st.composite
def _nlb_listener(
    draw: DrawFn, protocol: str, containers: dict[str, Params], edge: Params
) -> Params:
    """The target of a listener, and its settings."""
    container, port = draw(st.sampled_from(tcp_ports(containers))).values()
    internal = edge["security_group"] and edge["scheme"] == "internal"
    groups = resource_ids("sg", 9, 1) if internal else []
    clients = st.just(["10.0.0.0/8", "pl-0123456789abcdef0", *groups])
    fields: dict[str, SearchStrategy[Any]] = {
        "deregistration_delay": st.sampled_from(["0s", "1h"]),
        "connection_termination": st.booleans(),
        **({} if protocol == "udp" else {"proxy_protocol_v2": st.booleans()}),
        **({"clients": clients} if edge["security_group"] or protocol == "udp" else {}),
        **({} if protocol == "tls" else {"source_ip_stickiness": st.booleans()}),
        **({} if protocol == "udp" else {"preserve_client_ip": st.booleans()}),
    }
    target = {"container": container, "target_port": port}
    if internal and edge.get("ip_address_type") == "dualstack":
        target["clients"] = ["10.0.0.0/8", "::/0"]
    if protocol == "udp":
        udp = next(port for port in containers[container]["ports"] if isinstance(port, str))
        sidecar = {"image": "ecr:base/python:3.13.1", "port": 9100} | draw(_PROBES)
        target["target_port"] = int(udp.removesuffix("/udp"))
        target["health_check"] = {"interval": "10s", "sidecar": sidecar}
    else:
        checks = [{}, {"protocol": "HTTP", "path": "/healthz"}, {"protocol": "TCP"}]
        fields["health_check"] = st.sampled_from(checks)
    if protocol == "tls":
        target["certificate"] = CERTIFICATES[0]
        fields["alpn_policy"] = st.sampled_from(["HTTP2Only", "None"])
        fields["target_tls"] = st.booleans()
    if protocol == "tcp":
        fields["tcp_idle_timeout"] = st.sampled_from(["1m", "6000s"])
    return target | draw(optional_fields(**fields))
