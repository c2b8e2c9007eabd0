"""What buckets, repositories and other stores hold, and how they are emptied."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from moorage.deploy.aws import AwsError, aws_errors
from moorage.records import record

if TYPE_CHECKING:
    from moorage.deploy.aws import Aws

BUCKET, REPOSITORY = "AWS::S3::Bucket", "AWS::ECR::Repository"
EMPTIED = (BUCKET, REPOSITORY)
"""The types that CloudFormation does not delete unless they are empty."""
_IMAGES_PER_REQUEST = 100
"""Amazon ECR API reference, BatchDeleteImage."""
_OBJECTS_PER_REQUEST = 1000
"""Amazon S3 API reference, DeleteObjects."""
_LOOKED_AT = 1000
"""How many images or objects are counted: a bucket can have millions."""


@record
class Content:
    """What a resource holds."""

    items: int | None = None
    """How many images, or versions of objects and delete markers; None if these are not counted."""
    bytes: int = 0
    more: bool = False
    """Whether it holds more than was counted."""
    noun: str = "item"

    @property
    def empty(self) -> bool:
        return not self.items and not self.bytes and not self.more


def read_content(aws: Aws, kind: str, physical_id: str) -> Content | None:
    """What the resource of that type holds, with one request; None if it is of another type, does
    not exist, or may not be looked at."""
    read = _READERS.get(kind)
    if read is None or not physical_id:
        return None
    try:
        with aws_errors():
            return read(aws, physical_id)
    except AwsError as error:
        if error.connection or error.wrong_usage:
            raise
        return None


def _read_bucket(aws: Aws, bucket: str) -> Content:
    page = aws.s3.list_object_versions(Bucket=bucket, MaxKeys=_LOOKED_AT)
    versions, markers = page.get("Versions", []), page.get("DeleteMarkers", [])
    size = sum(version.get("Size", 0) for version in versions)
    more = page.get("IsTruncated", False)
    return Content(len(versions) + len(markers), size, more, "version")


def _read_repository(aws: Aws, repository: str) -> Content:
    answer = aws.ecr.describe_images(
        repositoryName=repository, maxResults=_LOOKED_AT, filter={"imageStatus": "ANY"}
    )
    images = answer["imageDetails"]
    size = sum(image.get("imageSizeInBytes", 0) for image in images)
    return Content(len(images), size, "nextToken" in answer, "image")


def _read_log_group(aws: Aws, name: str) -> Content | None:
    groups = aws.logs.describe_log_groups(logGroupNamePrefix=name, limit=1)["logGroups"]
    sizes = [item.get("storedBytes", 0) for item in groups if item.get("logGroupName") == name]
    return Content(bytes=sizes[0]) if sizes else None


def _read_file_system(aws: Aws, identity: str) -> Content | None:
    systems = aws.efs.describe_file_systems(FileSystemId=identity)["FileSystems"]
    return Content(bytes=systems[0]["SizeInBytes"]["Value"]) if systems else None


_READERS: Mapping[str, Callable[[Aws, str], Content | None]] = {
    BUCKET: _read_bucket,
    REPOSITORY: _read_repository,
    "AWS::Logs::LogGroup": _read_log_group,
    "AWS::EFS::FileSystem": _read_file_system,
}


def content_text(content: Content) -> str:
    """What is there in a few words.

    >>> content_text(Content(1000, 2_500_000, True, "image")), content_text(Content(bytes=0))
    ('more than 1000 images, 2.5 MB', 'empty')
    """
    if content.empty:
        return "empty"
    parts = [size_text(content.bytes)]
    if content.items is not None:
        noun = content.noun if content.items == 1 else f"{content.noun}s"
        parts.insert(0, f"{content.items} {noun}")
    return f"{'more than ' if content.more else ''}{', '.join(parts)}"


def size_text(size: float) -> str:
    """A number of bytes in decimal units.

    >>> size_text(999), size_text(1_500), size_text(3_200_000_000_000)
    ('999 bytes', '1.5 kB', '3200.0 GB')
    """
    if size < 1000:
        return f"{size} bytes"
    for unit in ("kB", "MB"):
        size /= 1000
        if size < 1000:
            return f"{size:.1f} {unit}"
    return f"{size / 1000:.1f} GB"


# Emptying --------------------------------------------------------------------------------------


def empty_resource(aws: Aws, kind: str, physical_id: str) -> int:
    """Deletes everything in a bucket or repository. Returns how many images, or versions of objects
    and delete markers were deleted. Raises AwsError if something cannot be deleted."""
    with aws_errors():
        if kind == BUCKET:
            return _empty_bucket(aws, physical_id)
        return _empty_repository(aws, physical_id)


def _empty_bucket(aws: Aws, bucket: str) -> int:
    deleted = 0
    pages = aws.s3.get_paginator("list_object_versions").paginate(Bucket=bucket)
    for page in pages:
        found = [
            {"Key": item["Key"], "VersionId": item["VersionId"]}
            for item in (*page.get("Versions", []), *page.get("DeleteMarkers", []))
        ]
        for objects in _parts(found, _OBJECTS_PER_REQUEST):
            answer = aws.s3.delete_objects(
                Bucket=bucket, Delete={"Objects": [*objects], "Quiet": True}
            )
            for error in answer.get("Errors", []):
                reason = error.get("Message") or error.get("Code")
                raise AwsError(f"{error.get('Key')} in the bucket {bucket} stays: {reason}")
            deleted += len(objects)
    return deleted


def _empty_repository(aws: Aws, repository: str) -> int:
    """Deletes images by their digests. An image that others list (a platform of a multi-platform
    image) can be deleted only after those, so this goes on as long as some can be."""
    pages = aws.ecr.get_paginator("list_images").paginate(
        repositoryName=repository, filter={"imageStatus": "ANY"}
    )
    left = sorted({item["imageDigest"] for page in pages for item in page["imageIds"]})
    total = len(left)
    while left:
        failures: dict[str, str] = {}
        for digests in _parts(left, _IMAGES_PER_REQUEST):
            answer = aws.ecr.batch_delete_image(
                repositoryName=repository, imageIds=[{"imageDigest": digest} for digest in digests]
            )
            for failure in answer.get("failures", ()):
                digest = failure.get("imageId", {}).get("imageDigest", "")
                failures[digest] = failure.get("failureReason", "")
        if len(failures) == len(left):
            digest, reason = next(iter(failures.items()))
            raise AwsError(f"the image {digest} in the repository {repository} stays: {reason}")
        left = sorted(failures)
    return total


def _parts(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
