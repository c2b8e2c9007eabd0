"""Facts about Elastic Load Balancing. Attributes are in elb_attributes, the accounts and services
that write access logs in elb_log_delivery.

Ranges of health checks: Elastic Load Balancing API reference 2015-12-01, CreateTargetGroup
(botocore 1.44.5, read on 2026-11-27).
"""

from __future__ import annotations

HEALTH_CHECK_INTERVAL = (5, 300)
HEALTH_CHECK_TIMEOUT = (2, 120)
HEALTH_CHECK_THRESHOLD = (2, 10)
"""The least and the greatest value: seconds for interval and timeout, consecutive checks for the
thresholds."""

NLB_PROTOCOLS = ("TCP", "UDP", "TCP_UDP", "TLS", "QUIC", "TCP_QUIC")
"""The protocols of a listener and of a target group of a Network Load Balancer."""
UDP_PROTOCOLS = ("UDP", "TCP_UDP", "QUIC", "TCP_QUIC")
"""Those of NLB_PROTOCOLS that carry UDP datagrams."""

RESERVED_COOKIE_PREFIX = "AWSALB"
"""Of the cookies of an Application Load Balancer. Elastic Load Balancing API reference,
TargetGroupAttribute, stickiness.app_cookie.cookie_name."""

ALB_MATCHER_CODES = (200, 499)
NLB_MATCHER_CODES = (200, 599)
GRPC_MATCHER_CODES = (0, 99)
"""The least and the greatest status code that a health check can expect. The same reference,
Matcher; aws/aws-cdk#26031."""

DEFAULT_TCP_IDLE_TIMEOUT = 350
"""Seconds after which a Network Load Balancer forgets an idle TCP connection. Elastic Load
Balancing API reference, ListenerAttribute (botocore 1.44.5, read on 2026-11-27)."""

# User guides for Network and for Application Load Balancers, "Security policies".
_SECURITY_POLICIES = (
    *("2015-05", "2016-08", "TLS-1-0-2015-04", "TLS-1-1-2017-01", "TLS-1-2-2017-01"),
    *("TLS-1-2-Ext-2018-06", "FS-2018-06", "FS-1-1-2019-08", "FS-1-2-2019-08"),
    *("FS-1-2-Res-2019-08", "FS-1-2-Res-2020-10"),
    *(f"TLS13-1-{minor}-2021-06" for minor in (0, 1, 2, 3)),
    *(f"TLS13-1-2-{kind}-2021-06" for kind in ("Res", "Ext1", "Ext2")),
    *(f"TLS13-1-{minor}-FIPS-2023-04" for minor in (0, 1, 2, 3)),
    *(f"TLS13-1-2-{kind}-FIPS-2023-04" for kind in ("Res", "Ext0", "Ext1", "Ext2")),
    *(f"TLS13-1-{minor}{fips}-PQ-2025-09" for minor in (0, 2, 3) for fips in ("", "-FIPS")),
    *(f"TLS13-1-2-{kind}-PQ-2025-09" for kind in ("Res", "Ext1", "Ext2")),
    *(f"TLS13-1-2-{kind}-FIPS-PQ-2025-09" for kind in ("Res", "Ext0", "Ext1", "Ext2")),
)
SECURITY_POLICIES = tuple(f"ELBSecurityPolicy-{name}" for name in _SECURITY_POLICIES)
"""The names of the security policies of TLS listeners. The family `-RFC9151-` is missing: none
of the pages that were read lists its members."""

ALGORITHMS_WITHOUT_SLOW_START = ("least_outstanding_requests", "weighted_random")
"""Load balancing algorithms that exclude slow start (Application Load Balancers user guide, "Edit
target group attributes", routing algorithm)."""
ALGORITHM_WITHOUT_STICKINESS = "weighted_random"
"""The algorithm that excludes sticky sessions (the same page)."""

ALPN_POLICIES = ("HTTP1Only", "HTTP2Only", "HTTP2Optional", "HTTP2Preferred", "None")
"""The ALPN policies of a TLS listener. Elastic Load Balancing API reference, CreateListener
(botocore 1.44.5, read on 2026-11-27)."""
