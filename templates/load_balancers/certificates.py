"""Certificates and security policies of listeners that terminate TLS."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated

from moorage.facts.load_balancing import SECURITY_POLICIES
from moorage.findings.finding import Path, Problem
from moorage.findings.wording import near, shown
from moorage.model import Environment, logical_id
from moorage.references import Reference

from ..common.duplicates import describe_conflict, find_repeats
from ..common.fields import text
from ..common.regions import is_in_other_region, region_of

CertificateArn = Annotated[
    str,
    text(
        r"arn:aws[a-z-]*:(acm:[a-z0-9-]+:[0-9]{12}:certificate/[A-Za-z0-9_-]+"
        r"|iam::[0-9]{12}:server-certificate/[A-Za-z0-9_+=,.@/-]*[A-Za-z0-9_+=,.@-])",
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

_UNLISTED_POLICIES = re.compile(r"-RFC9151-")
"""A family of policies that SECURITY_POLICIES does not list completely."""


def security_policy_problems(name: str, path: Path) -> Iterator[Problem]:
    """A security policy that is not in SECURITY_POLICIES. It may be newer than that list."""
    if name not in SECURITY_POLICIES and not _UNLISTED_POLICIES.search(name):
        hint = "Remove `ssl_policy:` to use the default."
        if closest := near(name, SECURITY_POLICIES):
            hint = f"Did you mean `{closest}`?"
        message = f"{shown(name)} is not a security policy that Moorage knows"
        yield Problem("M2304", path, message, hint, level="warning")


def certificate_problems(
    arns: Sequence[str | Reference], path: Path, env: Environment
) -> Iterator[Problem]:
    """Certificates of other regions, and certificates that would have the same logical ID."""
    for index, arn in enumerate(arns):
        if is_in_other_region(arn, env):
            message = f"The certificate is in {region_of(arn)}, the load balancer in {env.region}"
            hint = f"Write the ARN of a certificate in {env.region}."
            if region_of(arn) == "us-east-1":
                hint += " Certificates in us-east-1 are for CloudFront, not for load balancers."
            yield Problem("M1210", (*path, index), message, hint)
    for index, first in find_repeats([certificate_logical_id(arn) for arn in arns]):
        message = describe_conflict(arns[index], arns[first])
        code = "M2305" if arns[index] == arns[first] else "M1302"
        yield Problem(code, (*path, index), message, "Keep one of them.")


def certificate_logical_id(arn: str | Reference) -> str:
    """The logical ID of an additional certificate: from its ID in ACM or its name in IAM, or from
    the reference to it."""
    if not isinstance(arn, str):
        return logical_id(*arn.words, "ListenerCertificate")
    return logical_id(arn.rsplit("/", 1)[-1], "ListenerCertificate")
