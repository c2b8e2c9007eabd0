"""Where the thing is that an ARN names."""

from __future__ import annotations

from moorage.model import Environment


def region(arn: str) -> str:
    """The region of an ARN; empty where the thing has none, such as a certificate in IAM."""
    return arn.split(":")[3]


def elsewhere(arn: str, env: Environment) -> bool:
    """Whether the thing is in another region than the environment; False where nobody can tell."""
    return bool(env.region and region(arn)) and region(arn) != env.region
