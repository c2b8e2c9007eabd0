"""Buckets, repositories and task definitions in memory: the part of the fake AWS that deletions
need. Lists come in small pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

PAGE = 3
"""Items on a page."""


@dataclass
class FakeContents:
    """What stores hold."""

    resources: dict[str, list[tuple[str, str, str]]] = field(default_factory=dict)
    """Logical ID, type and physical ID of resources, by the name of their stack."""
    buckets: dict[str, list[tuple[str, str, bool]]] = field(default_factory=dict)
    """Key, version and whether it is a delete marker."""
    locked: set[str] = field(default_factory=set)
    """Keys of objects that cannot be deleted."""
    repositories: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)
    """Digests of images by digest of the images that list them, by repository."""
    revisions: dict[str, str] = field(default_factory=dict)
    """The status of task definitions by ARN."""
    running_tasks: Callable[[float], int] = lambda time: 0
    """The tasks in every cluster, some seconds after the start."""
    time: float = 0

    # S3 --------------------------------------------------------------------------------------

    def ListObjectVersions(  # noqa: N802
        self,
        Bucket: str,  # noqa: N803
        MaxKeys: int = PAGE,  # noqa: N803
        KeyMarker: str = "",  # noqa: N803
        VersionIdMarker: str = "",  # noqa: N803
        **_: Any,
    ) -> Any:
        found = sorted(self.buckets[Bucket])
        after = [item for item in found if item[:2] > (KeyMarker, VersionIdMarker)]
        page, rest = after[: min(MaxKeys, PAGE)], after[min(MaxKeys, PAGE) :]
        answer: dict[str, Any] = {"IsTruncated": bool(rest), "Versions": [], "DeleteMarkers": []}
        for key, version, marker in page:
            item = {"Key": key, "VersionId": version, **({} if marker else {"Size": 1000})}
            answer["DeleteMarkers" if marker else "Versions"].append(item)
        if rest:
            answer |= {"NextKeyMarker": page[-1][0], "NextVersionIdMarker": page[-1][1]}
        return answer

    def DeleteObjects(self, Bucket: str, Delete: Any, **_: Any) -> Any:  # noqa: N802, N803
        assert 0 < len(Delete["Objects"]) <= 1000, "as S3 has it"
        given = {(item["Key"], item["VersionId"]) for item in Delete["Objects"]}
        kept = [item for item in self.buckets[Bucket] if item[:2] not in given]
        refused = [item for item in self.buckets[Bucket] if item[0] in self.locked]
        self.buckets[Bucket] = [*kept, *[item for item in refused if item not in kept]]
        return {
            "Errors": [
                {"Key": key, "VersionId": version, "Code": "AccessDenied", "Message": "WORM"}
                for key, version, _ in refused
                if (key, version) in given
            ]
        }

    # ECR -------------------------------------------------------------------------------------

    def describe_all_images(self, repository: str) -> Any:
        images = sorted(self.repositories[repository])
        details = [{"imageDigest": digest, "imageSizeInBytes": 1_000_000} for digest in images]
        more = {"nextToken": "more"} if len(details) > PAGE else {}
        return {"imageDetails": details[:PAGE], **more}

    def ListImages(self, repositoryName: str, nextToken: str = "0", **_: Any) -> Any:  # noqa: N802, N803
        images, start = sorted(self.repositories[repositoryName]), int(nextToken)
        page = [{"imageDigest": digest} for digest in images[start : start + PAGE]]
        more = start + PAGE < len(images)
        return {"imageIds": page, **({"nextToken": str(start + PAGE)} if more else {})}

    def BatchDeleteImage(self, repositoryName: str, imageIds: Any, **_: Any) -> Any:  # noqa: N802, N803
        assert 0 < len(imageIds) <= 100, "as ECR has it"
        images, failures = self.repositories[repositoryName], []
        for image in imageIds:
            digest = image["imageDigest"]
            if lists := [name for name, listed in sorted(images.items()) if digest in listed]:
                reason = f"Requested image referenced by manifest list: [{lists[0]}]"
                code = "ImageReferencedByManifestList"
                failures.append({"imageId": image, "failureCode": code, "failureReason": reason})
            else:
                del images[digest]
        return {"failures": failures}

    # ECS, CloudWatch Logs and EFS --------------------------------------------------------------

    def DescribeClusters(self, clusters: list[str], **_: Any) -> Any:  # noqa: N802
        running = self.running_tasks(self.time)
        return {
            "clusters": [{"clusterName": name, "runningTasksCount": running} for name in clusters]
        }

    def ListTaskDefinitions(  # noqa: N802
        self,
        familyPrefix: str,  # noqa: N803
        status: str,
        nextToken: str = "0",  # noqa: N803
        **_: Any,
    ) -> Any:
        start = int(nextToken)
        found = [
            arn
            for arn, each in self.revisions.items()
            if each == status and arn.split("/")[1].startswith(familyPrefix)
        ]
        more = {"nextToken": str(start + PAGE)} if start + PAGE < len(found) else {}
        return {"taskDefinitionArns": found[start : start + PAGE], **more}

    def DeregisterTaskDefinition(self, taskDefinition: str) -> Any:  # noqa: N802, N803
        self.revisions[taskDefinition] = "INACTIVE"

    def DeleteTaskDefinitions(self, taskDefinitions: list[str]) -> Any:  # noqa: N802, N803
        assert 0 < len(taskDefinitions) <= 10, "as ECS has it"
        for arn in taskDefinitions:
            assert self.revisions[arn] == "INACTIVE", "as ECS has it"
            self.revisions[arn] = "DELETE_IN_PROGRESS"
        return {"failures": []}

    def DescribeLogGroups(self, logGroupNamePrefix: str, **_: Any) -> Any:  # noqa: N802, N803
        return {"logGroups": [{"logGroupName": logGroupNamePrefix, "storedBytes": 5_000_000_000}]}

    def ModifyLoadBalancerAttributes(self, **request: Any) -> Mapping[str, Any]:  # noqa: N802
        return {"Attributes": request["Attributes"]}
