"""Attributes of load balancers, listeners and target groups, and the values that they accept.

From the Elastic Load Balancing API reference 2015-12-01, LoadBalancerAttribute, ListenerAttribute
and TargetGroupAttribute (botocore 1.44.5, compared on 2026-11-27). For an attribute without
keywords and numbers, the reference states no values.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from moorage.records import record

APPLICATION, NETWORK, GATEWAY, LAMBDA = "application", "network", "gateway", "lambda"


@record
class Attribute:
    """An attribute: its values, and the kinds of load balancers that have it."""

    kinds: frozenset[str]
    """The kinds of load balancers that have it; `lambda` is an ALB with a function as target."""
    keywords: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None

    def accepts(self, value: str) -> bool:
        """Whether the attribute accepts a value; True if the reference does not say."""
        if not self.keywords and self.minimum is None:
            return True
        if value.lower() in self.keywords:
            return True
        if self.minimum is None or not value.isascii() or not value.isdigit() or len(value) > 9:
            return False
        return self.minimum <= int(value) and (self.maximum is None or int(value) <= self.maximum)

    @property
    def limits(self) -> tuple[int, int]:
        """The least and the greatest number that it accepts; only for attributes with both."""
        assert self.minimum is not None, "the attribute has no minimum"
        assert self.maximum is not None, "the attribute has no maximum"
        return self.minimum, self.maximum

    @property
    def allowed_values(self) -> str:
        """The accepted values, for messages."""
        numbers = []
        if self.minimum is not None:
            upper = "" if self.maximum is None else f" to {self.maximum}"
            numbers = [f"a number from {self.minimum}{upper}"]
        return " or ".join([*(f"`{word}`" for word in self.keywords), *numbers])


AttributeTable = dict[str, Attribute]

_ALB_AND_NLB = frozenset({APPLICATION, NETWORK})
_ALL_KINDS = frozenset({APPLICATION, LAMBDA, NETWORK, GATEWAY})
_SWITCH = ("true", "false")


def _table(*groups: tuple[Iterable[str], dict[str, Attribute]]) -> AttributeTable:
    return {
        key: replace(attribute, kinds=frozenset(kinds))
        for kinds, group in groups
        for key, attribute in group.items()
    }


def _values(*keywords: str, minimum: int | None = None, maximum: int | None = None) -> Attribute:
    return Attribute(frozenset(), keywords, minimum, maximum)


LOAD_BALANCER: AttributeTable = _table(
    (
        {APPLICATION, NETWORK, GATEWAY},
        {
            "deletion_protection.enabled": _values(*_SWITCH),
            "load_balancing.cross_zone.enabled": _values(*_SWITCH),
        },
    ),
    (
        _ALB_AND_NLB,
        {
            "access_logs.s3.enabled": _values(*_SWITCH),
            "access_logs.s3.bucket": _values(),
            "access_logs.s3.prefix": _values(),
            "ipv6.deny_all_igw_traffic": _values(*_SWITCH),
            "zonal_shift.config.enabled": _values(*_SWITCH),
        },
    ),
    (
        {APPLICATION},
        {
            "idle_timeout.timeout_seconds": _values(minimum=1, maximum=4000),
            "client_keep_alive.seconds": _values(minimum=60, maximum=604800),
            "connection_logs.s3.enabled": _values(*_SWITCH),
            "connection_logs.s3.bucket": _values(),
            "connection_logs.s3.prefix": _values(),
            "health_check_logs.s3.enabled": _values(*_SWITCH),
            "health_check_logs.s3.bucket": _values(),
            "health_check_logs.s3.prefix": _values(),
            "routing.http.desync_mitigation_mode": _values("monitor", "defensive", "strictest"),
            "routing.http.drop_invalid_header_fields.enabled": _values(*_SWITCH),
            "routing.http.preserve_host_header.enabled": _values(*_SWITCH),
            "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": _values(*_SWITCH),
            "routing.http.xff_client_port.enabled": _values(*_SWITCH),
            "routing.http.xff_header_processing.mode": _values("append", "preserve", "remove"),
            "routing.http2.enabled": _values(*_SWITCH),
            "waf.fail_open.enabled": _values(*_SWITCH),
        },
    ),
    (
        {NETWORK},
        {
            "dns_record.client_routing_policy": _values(
                "any_availability_zone",
                "partial_availability_zone_affinity",
                "availability_zone_affinity",
            ),
            "secondary_ips.auto_assigned.per_subnet": _values(minimum=0, maximum=7),
        },
    ),
)

_REQUEST = "routing.http.request.x_amzn_"
_RESPONSE = "routing.http.response."

LISTENER: AttributeTable = _table(
    ({NETWORK, GATEWAY}, {"tcp.idle_timeout.seconds": _values(minimum=60, maximum=6000)}),
    ({GATEWAY}, {"send_tcp_reset.on_idle_timeout.enabled": _values(*_SWITCH)}),
    (
        {APPLICATION},
        {
            **{
                f"{_REQUEST}{name}.header_name": _values()
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
            f"{_RESPONSE}server.enabled": _values(*_SWITCH),
            **{
                f"{_RESPONSE}{name}.header_value": _values()
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
_STATE_ROUTING = "target_group_health.unhealthy_state_routing"

TARGET_GROUP: AttributeTable = _table(
    (
        {APPLICATION, NETWORK, GATEWAY},
        {"deregistration_delay.timeout_seconds": _values(minimum=0, maximum=3600)},
    ),
    (
        _ALL_KINDS,
        {
            "stickiness.enabled": _values(*_SWITCH),
            # The values depend on the kind of load balancer: STICKINESS_TYPES.
            "stickiness.type": _values(),
            # AWS documents these for ALB and NLB, and does not say whether a GWLB has them.
            "load_balancing.cross_zone.enabled": _values(
                *_SWITCH, "use_load_balancer_configuration"
            ),
            "target_group_health.dns_failover.minimum_healthy_targets.count": _values(
                "off", minimum=1
            ),
            "target_group_health.dns_failover.minimum_healthy_targets.percentage": _values(
                "off", minimum=1, maximum=100
            ),
            f"{_STATE_ROUTING}.minimum_healthy_targets.count": _values(minimum=1),
            f"{_STATE_ROUTING}.minimum_healthy_targets.percentage": _values(
                "off", minimum=1, maximum=100
            ),
        },
    ),
    (
        {APPLICATION},
        {
            "load_balancing.algorithm.type": _values(
                "round_robin", "least_outstanding_requests", "weighted_random"
            ),
            "load_balancing.algorithm.anomaly_mitigation": _values("on", "off"),
            "slow_start.duration_seconds": _values("0", minimum=30, maximum=900),
            "waf.http2.traffic_inspection_behavior": _values(
                "inspect_immediately", "inspect_after_sufficient_data"
            ),
            "routing.http2.rst_stream_error_forwarding.enabled": _values(*_SWITCH),
        },
    ),
    (
        {APPLICATION, LAMBDA},
        {
            "stickiness.app_cookie.cookie_name": _values(),
            "stickiness.app_cookie.duration_seconds": _values(minimum=1, maximum=_WEEK),
            "stickiness.lb_cookie.duration_seconds": _values(minimum=1, maximum=_WEEK),
        },
    ),
    ({LAMBDA}, {"lambda.multi_value_headers.enabled": _values(*_SWITCH)}),
    (
        {NETWORK},
        {
            "deregistration_delay.connection_termination.enabled": _values(*_SWITCH),
            "preserve_client_ip.enabled": _values(*_SWITCH),
            "proxy_protocol_v2.enabled": _values(*_SWITCH),
            "target_health_state.unhealthy.connection_termination.enabled": _values(*_SWITCH),
            "target_health_state.unhealthy.draining_interval_seconds": _values(
                minimum=0, maximum=360000
            ),
        },
    ),
    (
        {GATEWAY},
        {
            "target_failover.on_deregistration": _values("rebalance", "no_rebalance"),
            "target_failover.on_unhealthy": _values("rebalance", "no_rebalance"),
            "send_tcp_reset.on_unhealthy.enabled": _values(*_SWITCH),
            "send_tcp_reset.on_deregistration.enabled": _values(*_SWITCH),
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
"""The tables by the CloudFormation property that has the attributes."""
