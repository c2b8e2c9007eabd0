"""Codes of AWS regions.

From the regions of all partitions in botocore's partitions.json (1.44.5, compared on 2026-11-27).
"""

from __future__ import annotations

from functools import lru_cache

REGION_CODE = r"[a-z]{2,4}(?:-[a-z]+)+-[0-9]"
"""A pattern of all codes, such as `eu-central-1`, `us-isob-east-1` or `eusc-de-east-1`, and of
regions that AWS may add."""

ZONE_NAME = f"{REGION_CODE}[a-z]"
"""The name of an Availability Zone. Amazon EC2 user guide, "Regions and Zones"."""

REGION_IN_TEXT = (
    r"\b[a-z]{2,4}(?:-[a-z]+)?-(?:north|south|east|west|central)[a-z]*-[0-9](?=\b|[a-z]\b)"
)
"""A code within a longer text. It contains a direction, so that `my-app-1` is not taken for a
region. The letter of an Availability Zone may follow."""

_PARTITIONS = {
    "cn-": ("aws-cn", "amazonaws.com.cn"),
    "eusc-": ("aws-eusc", "amazonaws.eu"),
    "us-iso-": ("aws-iso", "c2s.ic.gov"),
    "us-isob-": ("aws-iso-b", "sc2s.sgov.gov"),
    "eu-isoe-": ("aws-iso-e", "cloud.adc-e.uk"),
    "us-isof-": ("aws-iso-f", "csp.hci.ic.gov"),
    "us-gov-": ("aws-us-gov", "amazonaws.com"),
}
"""The partition and the DNS suffix by the prefix of the region code."""


def partition(region: str) -> str:
    """The partition of a region.

    >>> partition("eu-central-1"), partition("cn-north-1")
    ('aws', 'aws-cn')
    """
    return _find_partition(region)[0]


def dns_suffix(region: str) -> str:
    """The end of the domain names of a region, as `AWS::URLSuffix` has it.

    >>> dns_suffix("eu-central-1"), dns_suffix("cn-north-1")
    ('amazonaws.com', 'amazonaws.com.cn')
    """
    return _find_partition(region)[1]


@lru_cache
def _find_partition(region: str) -> tuple[str, str]:
    partitions = (value for prefix, value in _PARTITIONS.items() if region.startswith(prefix))
    return next(partitions, ("aws", "amazonaws.com"))
