"""Where the thing is that an ARN names."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.findings.finding import Path, Problem
from moorage.model import Environment


def region_of(arn: str) -> str:
    """The region of an ARN; empty where the thing has none, such as a certificate in IAM."""
    return arn.split(":")[3]


def is_in_other_region(arn: str, env: Environment) -> bool:
    """Whether the thing is in another region than the environment; False where nobody can tell."""
    return bool(env.region and region_of(arn)) and region_of(arn) != env.region


def key_region_problems(arn: str | None, path: Path, env: Environment) -> Iterator[Problem]:
    """A KMS key that is not where the thing is that it should encrypt."""
    if arn and is_in_other_region(arn, env):
        message = f"The key is in {region_of(arn)}, and what it is for in {env.region}"
        yield Problem("M1220", path, message, f"Name a key in {env.region}.")
