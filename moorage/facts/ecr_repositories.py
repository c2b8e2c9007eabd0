"""Names of ECR repositories and images, and the values in lifecycle policies."""

from __future__ import annotations

from typing import Literal, get_args

_PART = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
REPOSITORY_NAME = rf"(?:{_PART}/)*{_PART}"
"""Amazon ECR API reference, CreateRepository, repositoryName (botocore 1.44.5, read on
2026-11-27); it has 2 to 256 characters."""

IMAGE_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
"""OCI distribution specification, "Pulling manifests", reference as a tag."""

IMAGE_VERSION = rf"(?::(?P<tag>{IMAGE_TAG}))?(?:@(?P<digest>sha256:[0-9a-f]{{64}}))?"
"""The tag and the digest of an image, which follow the name of its repository."""

REGISTRY_HOST = (
    r"(?P<account>[0-9]{12})\.dkr(?:\.ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.amazonaws\."
    r"(?:com(?:\.cn)?|eu)"
    r"|-ecr(?:-fips)?\.(?P<dual_region>[a-z0-9-]+)\.on\.(?:aws|amazonwebservices\.com\.cn))"
)
"""The host of a private registry, dual-stack hosts included. Amazon ECR user guide, "Making
requests to Amazon ECR registries"; AWS General Reference, "Amazon ECR endpoints and quotas"; the
domains are those of the partitions in botocore's partitions.json (1.44.5, read on 2026-11-27)."""

REGISTRY_HOST_PART = ".dkr.ecr."
"""The part between account and region in the IPv4 hosts of private registries."""

ANY_REGISTRY_HOST_PART = r"\.dkr[.-]ecr(?:-fips)?\."
"""The same part of any host. It identifies an image of ECR even if account and region are
parameters of a template."""

DUAL_STACK_HOST_PART = ".dkr-ecr"
"""The part of dual-stack hosts that others lack. VPC endpoints do not serve these hosts (Amazon ECR
user guide, "Making requests to Amazon ECR registries")."""

# Amazon ECR user guide, "Lifecycle policy properties in Amazon ECR".
TagStatus = Literal["tagged", "untagged", "any"]
CountType = Literal[
    "imageCountMoreThan", "sinceImagePushed", "sinceImagePulled", "sinceImageTransitioned"
]
ActionType = Literal["expire", "transition"]
TAG_STATUSES: tuple[str, ...] = get_args(TagStatus)
COUNT_TYPES: tuple[str, ...] = get_args(CountType)
COUNT_TYPES_BY_AGE = COUNT_TYPES[1:]
"""The count types that count days, and take `countUnit`."""
ACTION_TYPES: tuple[str, ...] = get_args(ActionType)
MAX_LIFECYCLE_RULES = 50
MAX_WILDCARDS_OF_TAG_PATTERN = 4
MIN_DAYS_IN_ARCHIVE = 90
"""Minimum number of days for which an archived image is kept. Amazon ECR user guide, "Archiving an
image in Amazon ECR"."""

MAX_WILDCARDS_OF_TAG_EXCLUSION = 2
""""Image tag mutability exclusion filter can contain a maximum of 2 wildcards" (ECR's message, in
hashicorp/terraform-provider-aws, aws_ecr_repository)."""
