"""Types of the AWS APIs."""

from __future__ import annotations

MAX_INTEGER = 2**31 - 1
"""The greatest value of an integer (32 bits with a sign), for properties for which AWS documents no
other limit. Amazon ECS developer guide, "Service definition parameters",
healthCheckGracePeriodSeconds."""
