"""Facts about Elastic Load Balancing, apart from the attributes in elb_attributes.

Ranges of health checks: Elastic Load Balancing API reference 2015-12-01, CreateTargetGroup
(botocore 1.44.5, read on 2026-11-27).
"""

from __future__ import annotations

from moorage.facts.elb_attributes import APPLICATION, NETWORK

HEALTH_CHECK_INTERVAL = (5, 300)
HEALTH_CHECK_TIMEOUT = (2, 120)
HEALTH_CHECK_THRESHOLD = (2, 10)
"""The least and the greatest value: seconds for interval and timeout, consecutive checks for the
thresholds."""

NLB_PROTOCOLS = ("TCP", "UDP", "TCP_UDP", "TLS", "QUIC", "TCP_QUIC")
"""The protocols of a listener and of a target group of a Network Load Balancer."""
UDP_PROTOCOLS = ("UDP", "TCP_UDP", "QUIC", "TCP_QUIC")
"""Those of them that carry UDP datagrams."""

DEFAULT_TCP_IDLE_TIMEOUT = 350
"""Seconds after which a Network Load Balancer forgets an idle TCP connection. Elastic Load
Balancing API reference, ListenerAttribute (botocore 1.44.5, read on 2026-11-27)."""

# User guides for Application and for Network Load Balancers, "Access logs".
LOG_WRITERS = {
    # The second one writes for load balancers in Outposts.
    APPLICATION: (
        "logdelivery.elasticloadbalancing.amazonaws.com",
        "logdelivery.elb.amazonaws.com",
    ),
    NETWORK: ("delivery.logs.amazonaws.com",),
}
"""The service principals that write access logs into a bucket."""

LOG_ACCOUNTS = {
    "af-south-1": "098369216593",
    "ap-east-1": "754344448648",
    "ap-northeast-1": "582318560864",
    "ap-northeast-2": "600734575887",
    "ap-northeast-3": "383597477331",
    "ap-south-1": "718504428378",
    "ap-southeast-1": "114774131450",
    "ap-southeast-2": "783225319266",
    "ca-central-1": "985666609251",
    "cn-north-1": "638102146993",
    "cn-northwest-1": "037604701340",
    "eu-central-1": "054676820928",
    "eu-north-1": "897822967062",
    "eu-south-1": "635631232127",
    "eu-west-1": "156460612806",
    "eu-west-2": "652711504416",
    "eu-west-3": "009996457667",
    "me-south-1": "076674570225",
    "sa-east-1": "507241528517",
    "us-east-1": "127311923021",
    "us-east-2": "033677994240",
    "us-gov-east-1": "190560391635",
    "us-gov-west-1": "048591011584",
    "us-west-1": "027434742980",
    "us-west-2": "797873946194",
}
"""The accounts that Elastic Load Balancing writes access logs from, in the regions that have
them. User guide for Application Load Balancers, "Enable access logs"."""

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
"""The names of the security policies of TLS listeners. The family `-RFC9151-` is missing: its
members were in none of the pages that were read."""
