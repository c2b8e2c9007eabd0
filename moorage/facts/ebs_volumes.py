"""Sizes and speeds of EBS volumes, by volume type.

Amazon ECS API reference, ServiceManagedEBSVolumeConfiguration, sizeInGiB and iops (botocore 1.44.5,
read on 2026-11-27).
"""

from __future__ import annotations

GP3_BASELINE_IOPS = 3_000
"""What a gp3 volume has of any size, without provisioned operations per second."""

IOPS_PER_GIB = {"gp3": 500, "io1": 50, "io2": 1_000}
"""The most operations per second for each GiB."""

SIZES = {"io1": (4, 16_384), "io2": (4, 16_384), "st1": (125, 16_384), "sc1": (125, 16_384)}
"""The least and the most GiB, of the types for which these are not 1 and 16,384."""

IOPS = {"gp3": (3_000, 16_000), "io1": (100, 64_000), "io2": (100, 256_000)}
"""The least and the most operations per second."""
