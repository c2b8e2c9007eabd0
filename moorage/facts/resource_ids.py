"""Regular expressions for the IDs of resources of Amazon EC2.

Amazon EC2 user guide, "Resource IDs": 8 hexadecimal digits until 2018, 17 since then. cfn-lint has
the same patterns for VPCs, subnets, security groups and images.
"""

from __future__ import annotations


def id_pattern(prefix: str) -> str:
    """The pattern of the IDs with a prefix.

    >>> id_pattern("vpc")
    'vpc-([0-9a-f]{8}|[0-9a-f]{17})'
    """
    return f"{prefix}-([0-9a-f]{{8}}|[0-9a-f]{{17}})"


AMI = id_pattern("ami")
ELASTIC_IP = id_pattern("eipalloc")
PREFIX_LIST = id_pattern("pl")
SECURITY_GROUP = id_pattern("sg")
SNAPSHOT = id_pattern("snap")
SUBNET = id_pattern("subnet")
VPC = id_pattern("vpc")

EFS_FILE_SYSTEM = "fs-[0-9a-f]{8,40}"
EFS_ACCESS_POINT = "fsap-[0-9a-f]{8,40}"
"""Amazon EFS API reference, FileSystemDescription and AccessPointDescription."""
