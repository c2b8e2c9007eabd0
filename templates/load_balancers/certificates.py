"""Certificates and security policies of listeners that end TLS."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated

from moorage.findings.finding import Path, Problem
from moorage.findings.wording import near, shown
from moorage.model import Environment, logical_id

from ..common.duplicates import describe_conflict, find_repeats
from ..common.fields import text
from ..common.regions import is_in_other_region, region_of

CertificateArn = Annotated[
    str,
    text(
        r"arn:aws[a-z-]*:(acm:[a-z0-9-]+:\d{12}:certificate/[\w-]+"
        r"|iam::\d{12}:server-certificate/[\w+=,.@/-]*[\w+=,.@-])",
        "the ARN of a certificate in ACM or IAM",
        "arn:aws:acm:eu-central-1:123456789012:certificate/0a1b2c3d-0000-4000-8000-000000000000",
    ),
]
SslPolicy = Annotated[
    str,
    text(
        r"ELBSecurityPolicy-[A-Za-z0-9-]+",
        "the name of a security policy",
        "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09",
    ),
]

# Network Load Balancers user guide, "Security policies for your Network Load Balancer", and the
# page of the same name for Application Load Balancers.
_POLICIES = (
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
SECURITY_POLICIES = tuple(f"ELBSecurityPolicy-{one}" for one in _POLICIES)
_NEWER = re.compile(r"-RFC9151-")
"""A family of which the documentation that was read has no whole list."""


def policy_problems(name: str, path: Path) -> Iterator[Problem]:
    """A security policy that Elastic Load Balancing is not known to have. It may be a newer one."""
    if name not in SECURITY_POLICIES and not _NEWER.search(name):
        meant = near(name, SECURITY_POLICIES)
        hint = f"Did you mean `{meant}`?" if meant else "Leave it out for the usual one."
        message = f"{shown(name)} is not a security policy that Moorage knows"
        yield Problem("M1104", path, message, hint, level="warning")


def certificate_problems(arns: Sequence[str], path: Path, env: Environment) -> Iterator[Problem]:
    """Certificates of other regions, and two that would be one resource."""
    for index, arn in enumerate(arns):
        if is_in_other_region(arn, env):
            message = f"The certificate is in {region_of(arn)}, the load balancer in {env.region}"
            hint = f"Request or import one in {env.region}; only CloudFront uses us-east-1's."
            yield Problem("M1210", (*path, index), message, hint)
    for index, first in find_repeats([certificate_id(arn) for arn in arns]):
        message = describe_conflict(arns[index], arns[first])
        yield Problem("M1302", (*path, index), message, "Keep one of them.")


def certificate_id(arn: str) -> str:
    """The logical ID of a further certificate: by its id in ACM or its name in IAM."""
    return logical_id(arn.rsplit("/", 1)[-1], "ListenerCertificate")
