"""Sizes and speeds of EBS volumes, by volume type.

Amazon ECS API reference, ServiceManagedEBSVolumeConfiguration, sizeInGiB and iops (botocore 1.44.5,
read on 2026-11-27).
"""

from __future__ import annotations

GP3_BASELINE_IOPS = 3_000
"""The operations per second of a gp3 volume, of any size, without provisioned IOPS."""

IOPS_PER_GIB = {"gp3": 500, "io1": 50, "io2": 1_000}
"""The greatest number of operations per second for each GiB."""

TYPES_WITHOUT_DEFAULT_IOPS = ("io1", "io2")
"""The types for which the operations per second are required."""
TYPES_WITHOUT_IOPS = ("gp2", "st1", "sc1", "standard")
"""The types that take none."""
MAX_GP3_SIZE = 65_536
"""The greatest size in GiB of a gp3 volume that is not managed by ECS. Amazon EC2 API reference,
CreateVolume, Size (botocore 1.44.5, read on 2026-11-27). For volumes that it manages, ECS documents
16,384."""

MAX_SIZE = 16_384
"""The greatest size in GiB of a volume that ECS manages, of any type."""

MIN_SIZES = {"io1": 4, "io2": 4, "st1": 125, "sc1": 125}
"""The least size in GiB, for the types for which it is not 1."""

IOPS = {"gp3": (3_000, 16_000), "io1": (100, 64_000), "io2": (100, 256_000)}
"""The least and the greatest number of operations per second."""

VOLUME_TYPES = ("gp2", "gp3", "io1", "io2", "sc1", "st1", "standard")

MAX_STANDARD_SIZE = 1_024
"""The greatest size in GiB of a volume of the type standard."""

EC2_MAX_IOPS = {"gp3": 80_000, "io1": 64_000, "io2": 256_000}
"""The greatest number of operations per second that EC2 accepts. Amazon EC2 API reference,
CreateVolume, Iops (botocore 1.44.5, read on 2026-11-27)."""

EC2_THROUGHPUT = (125, 2_000)
"""The least and the greatest throughput in MiB/s of a gp3 volume that EC2 accepts. For volumes that
it manages, ECS documents at most 1,000. Amazon EC2 API reference, CreateVolume, Throughput."""
