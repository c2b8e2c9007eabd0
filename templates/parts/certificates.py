"""Certificates and security policies of listeners that end TLS."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from moorage.model import Environment, Path, Problem, logical_id
from templates.parts.fields import text
from templates.parts.regions import elsewhere, region
from templates.parts.repeats import clash, repeats

CertificateArn: Any = text(
    r"arn:aws[a-z-]*:(acm:[a-z0-9-]+:\d{12}:certificate/[\w-]+"
    r"|iam::\d{12}:server-certificate/[\w+=,.@/-]*[\w+=,.@-])",
    "the ARN of a certificate in ACM or IAM",
    "arn:aws:acm:eu-central-1:123456789012:certificate/0a1b2c3d-0000-4000-8000-000000000000",
)
SslPolicy: Any = text(
    r"ELBSecurityPolicy-[A-Za-z0-9-]+",
    "the name of a security policy",
    "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09",
)


def certificate_problems(arns: Sequence[str], path: Path, env: Environment) -> Iterator[Problem]:
    """Certificates of other regions, and two that would be one resource."""
    for index, arn in enumerate(arns):
        if elsewhere(arn, env):
            message = f"The certificate is in {region(arn)}, the load balancer in {env.region}"
            hint = f"Request or import one in {env.region}; only CloudFront uses us-east-1's."
            yield Problem("M1210", (*path, index), message, hint)
    for index, first in repeats([certificate_id(arn) for arn in arns]):
        message = clash(arns[index], arns[first])
        yield Problem("M1302", (*path, index), message, "Keep one of them.")


def certificate_id(arn: str) -> str:
    """The logical ID of a further certificate: by its id in ACM or its name in IAM."""
    return logical_id(arn.rsplit("/", 1)[-1], "ListenerCertificate")
