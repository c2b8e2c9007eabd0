"""Attributes of load balancers, listeners and target groups: which kind takes which, and with what.

Elastic Load Balancing API reference 2015-12-01: LoadBalancerAttribute, ListenerAttribute and
TargetGroupAttribute; ranges and words are theirs. What they leave open is left open here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

APPLICATION, NETWORK, GATEWAY, LAMBDA = "application", "network", "gateway", "lambda"


@dataclass(frozen=True)
class Attribute:
    """What is known of one attribute."""

    kinds: frozenset[str]
    """The kinds of load balancer that take it (`lambda`: an ALB with a function as target)."""
    keywords: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None

    def accepts(self, value: str) -> bool:
        """Whether it takes a value, as far as is known."""
        if not self.keywords and self.minimum is None:
            return True
        if value.lower() in self.keywords:
            return True
        if self.minimum is None or not value.isascii() or not value.isdigit() or len(value) > 9:
            return False
        return self.minimum <= int(value) and (self.maximum is None or int(value) <= self.maximum)

    @property
    def allowed_values(self) -> str:
        """What it takes, in words."""
        numbers = []
        if self.minimum is not None:
            most = "" if self.maximum is None else f" to {self.maximum}"
            numbers = [f"a number from {self.minimum}{most}"]
        return " or ".join([*(f"`{word}`" for word in self.keywords), *numbers])


AttributeTable = dict[str, Attribute]

_BALANCERS = frozenset({APPLICATION, NETWORK})
_TARGETS = frozenset({APPLICATION, LAMBDA, NETWORK, GATEWAY})
_SWITCH = ("true", "false")


def _table(*groups: tuple[Iterable[str], dict[str, Attribute]]) -> AttributeTable:
    return {
        key: Attribute(frozenset(kinds), one.keywords, one.minimum, one.maximum)
        for kinds, group in groups
        for key, one in group.items()
    }


def _one(*words: str, least: int | None = None, most: int | None = None) -> Attribute:
    return Attribute(frozenset(), words, least, most)


LOAD_BALANCER: AttributeTable = _table(
    (
        {APPLICATION, NETWORK, GATEWAY},
        {
            "deletion_protection.enabled": _one(*_SWITCH),
            "load_balancing.cross_zone.enabled": _one(*_SWITCH),
        },
    ),
    (
        _BALANCERS,
        {
            "access_logs.s3.enabled": _one(*_SWITCH),
            "access_logs.s3.bucket": _one(),
            "access_logs.s3.prefix": _one(),
            "ipv6.deny_all_igw_traffic": _one(*_SWITCH),
            "zonal_shift.config.enabled": _one(*_SWITCH),
        },
    ),
    (
        {APPLICATION},
        {
            "idle_timeout.timeout_seconds": _one(least=1, most=4000),
            "client_keep_alive.seconds": _one(least=60, most=604800),
            "connection_logs.s3.enabled": _one(*_SWITCH),
            "connection_logs.s3.bucket": _one(),
            "connection_logs.s3.prefix": _one(),
            "health_check_logs.s3.enabled": _one(*_SWITCH),
            "health_check_logs.s3.bucket": _one(),
            "health_check_logs.s3.prefix": _one(),
            "routing.http.desync_mitigation_mode": _one("monitor", "defensive", "strictest"),
            "routing.http.drop_invalid_header_fields.enabled": _one(*_SWITCH),
            "routing.http.preserve_host_header.enabled": _one(*_SWITCH),
            "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": _one(*_SWITCH),
            "routing.http.xff_client_port.enabled": _one(*_SWITCH),
            "routing.http.xff_header_processing.mode": _one("append", "preserve", "remove"),
            "routing.http2.enabled": _one(*_SWITCH),
            "waf.fail_open.enabled": _one(*_SWITCH),
        },
    ),
    (
        {NETWORK},
        {
            "dns_record.client_routing_policy": _one(
                "any_availability_zone",
                "partial_availability_zone_affinity",
                "availability_zone_affinity",
            ),
            "secondary_ips.auto_assigned.per_subnet": _one(least=0, most=7),
        },
    ),
)

_HEADER = "routing.http.request.x_amzn_"
_ANSWER = "routing.http.response."

LISTENER: AttributeTable = _table(
    ({NETWORK, GATEWAY}, {"tcp.idle_timeout.seconds": _one(least=60, most=6000)}),
    ({GATEWAY}, {"send_tcp_reset.on_idle_timeout.enabled": _one(*_SWITCH)}),
    (
        {APPLICATION},
        {
            **{
                f"{_HEADER}{name}.header_name": _one()
                for name in (
                    "mtls_clientcert_serial_number",
                    "mtls_clientcert_issuer",
                    "mtls_clientcert_subject",
                    "mtls_clientcert_validity",
                    "mtls_clientcert_leaf",
                    "mtls_clientcert",
                    "tls_version",
                    "tls_cipher_suite",
                )
            },
            f"{_ANSWER}server.enabled": _one(*_SWITCH),
            **{
                f"{_ANSWER}{name}.header_value": _one()
                for name in (
                    "strict_transport_security",
                    "access_control_allow_origin",
                    "access_control_allow_methods",
                    "access_control_allow_headers",
                    "access_control_allow_credentials",
                    "access_control_expose_headers",
                    "access_control_max_age",
                    "content_security_policy",
                    "x_content_type_options",
                    "x_frame_options",
                )
            },
        },
    ),
)

_WEEK = 604800

TARGET_GROUP: AttributeTable = _table(
    (
        {APPLICATION, NETWORK, GATEWAY},
        {"deregistration_delay.timeout_seconds": _one(least=0, most=3600)},
    ),
    (
        _TARGETS,
        {
            "stickiness.enabled": _one(*_SWITCH),
            # Which of these depends on the kind: STICKINESS.
            "stickiness.type": _one(),
            # AWS documents these for ALB and NLB, and does not say what a GWLB does with them.
            "load_balancing.cross_zone.enabled": _one(*_SWITCH, "use_load_balancer_configuration"),
            "target_group_health.dns_failover.minimum_healthy_targets.count": _one("off", least=1),
            "target_group_health.dns_failover.minimum_healthy_targets.percentage": _one(
                "off", least=1, most=100
            ),
            "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": _one(
                least=1
            ),
            "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage": _one(
                "off", least=1, most=100
            ),
        },
    ),
    (
        {APPLICATION},
        {
            "load_balancing.algorithm.type": _one(
                "round_robin", "least_outstanding_requests", "weighted_random"
            ),
            "load_balancing.algorithm.anomaly_mitigation": _one("on", "off"),
            "slow_start.duration_seconds": _one("0", least=30, most=900),
        },
    ),
    (
        {APPLICATION, LAMBDA},
        {
            "stickiness.app_cookie.cookie_name": _one(),
            "stickiness.app_cookie.duration_seconds": _one(least=1, most=_WEEK),
            "stickiness.lb_cookie.duration_seconds": _one(least=1, most=_WEEK),
        },
    ),
    ({LAMBDA}, {"lambda.multi_value_headers.enabled": _one(*_SWITCH)}),
    (
        {NETWORK},
        {
            "deregistration_delay.connection_termination.enabled": _one(*_SWITCH),
            "preserve_client_ip.enabled": _one(*_SWITCH),
            "proxy_protocol_v2.enabled": _one(*_SWITCH),
            "target_health_state.unhealthy.connection_termination.enabled": _one(*_SWITCH),
            "target_health_state.unhealthy.draining_interval_seconds": _one(least=0, most=360000),
        },
    ),
    (
        {GATEWAY},
        {
            "target_failover.on_deregistration": _one("rebalance", "no_rebalance"),
            "target_failover.on_unhealthy": _one("rebalance", "no_rebalance"),
        },
    ),
)

STICKINESS_TYPES: dict[str, tuple[str, ...]] = {
    APPLICATION: ("lb_cookie", "app_cookie"),
    LAMBDA: ("lb_cookie", "app_cookie"),
    NETWORK: ("source_ip",),
    GATEWAY: ("source_ip_dest_ip", "source_ip_dest_ip_proto"),
}
"""The types of stickiness by the kind of load balancer."""

TABLES_BY_PROPERTY: tuple[tuple[str, AttributeTable], ...] = (
    ("LoadBalancerAttributes", LOAD_BALANCER),
    ("ListenerAttributes", LISTENER),
    ("TargetGroupAttributes", TARGET_GROUP),
)
"""The tables by the property that takes their keys."""
