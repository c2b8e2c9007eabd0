"""Codes of AWS regions.

From the regions of all partitions in botocore's partitions.json (1.44.5, compared on 2026-11-27).
"""

from __future__ import annotations

REGION_CODE = r"[a-z]{2,4}(?:-[a-z]+)+-[0-9]"
"""What every code looks like, such as `eu-central-1`, `us-isob-east-1` or `eusc-de-east-1`. It also
fits regions that AWS may add."""

ZONE_NAME = f"{REGION_CODE}[a-z]"
"""The name of an Availability Zone. Amazon EC2 user guide, "Regions and Zones"."""

REGION_IN_TEXT = (
    r"\b[a-z]{2,4}(?:-[a-z]+)?-(?:north|south|east|west|central)[a-z]*-[0-9](?=\b|[a-z]\b)"
)
"""A code within a longer text, in which `my-app-1` is no region: the code names a direction. The
letter of an Availability Zone may follow."""
