"""The regions of ARNs."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.findings.finding import Path, Problem
from moorage.model import Environment
from moorage.references import Reference


def region_of(arn: str | Reference) -> str:
    """The region of an ARN; empty if the resource has none, such as a certificate in IAM, or if it
    is not known before the deployment."""
    return arn.split(":")[3] if isinstance(arn, str) else ""


def is_in_other_region(arn: str | Reference, env: Environment) -> bool:
    """Whether the region of an ARN differs from the environment's; False if either is unknown."""
    return bool(env.region and region_of(arn)) and region_of(arn) != env.region


def region_problems(
    arn: str | Reference | None, path: Path, env: Environment, noun: str
) -> Iterator[Problem]:
    """Reports an ARN of another region than the environment's. `noun` is the kind of resource."""
    if arn and is_in_other_region(arn, env):
        message = f"The {noun} is in {region_of(arn)}, but the environment is in {env.region}"
        yield Problem("M1510", path, message, f"Write the ARN of a {noun} in {env.region}.")


def key_region_problems(
    arn: str | Reference | None, path: Path, env: Environment
) -> Iterator[Problem]:
    """Reports a KMS key in another region than the resources that it encrypts."""
    yield from region_problems(arn, path, env, "KMS key")
