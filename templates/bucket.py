"""A bucket of Amazon S3 for files of an application, or an existing one.

    uploads:
      template: bucket
    web:
      template: service
      uses: {uploads: [read, write]}

The containers of `web` get the name of the bucket as `UPLOADS_BUCKET`, and its task role may read
and write the objects. The bucket is encrypted, has no public access, accepts requests over TLS
only, and keeps deleted and overwritten objects for 30 days. It stays when its stack is deleted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from awacs import kms
from awacs import s3 as s3_actions
from awacs.aws import Statement
from pydantic import Field
from troposphere import GetAtt, Ref, Sub, Template, s3

from moorage.findings.finding import Problem
from moorage.model import Base, Environment
from moorage.references import Reference

from .common.existing import existing_problems
from .common.expiry import Expiry
from .common.exports import export_output, import_value
from .common.fields import BucketName, KeyArn
from .common.iam import allow, deny_without_tls, policy
from .common.references import External, sub_values
from .common.regions import key_region_problems
from .common.usable import Usable, Usage

_DAY = 86_400
_ABORT_AFTER = 7
"""Days after which S3 deletes the parts of an upload that was not completed."""


class ExistingBucket(Base):
    """A bucket that already exists."""

    name: External[BucketName] = Field(description="Name of the bucket.")
    kms_key: External[KeyArn] | None = Field(
        None, description="ARN of the customer managed KMS key that encrypts it, if there is one."
    )


class Params(Usable):
    """An encrypted bucket without public access."""

    key_use: ClassVar[str | None] = "buckets"
    accesses: ClassVar[tuple[str, ...]] = ("read", "write")

    kms_key: External[KeyArn] | None = Field(
        None, description="ARN of a KMS key that encrypts the objects, instead of a key of S3."
    )
    versioning: bool = Field(
        True,
        description="Keep objects that are overwritten or deleted as noncurrent versions.",
    )
    expire_versions_after: Expiry = Field(
        30 * _DAY,
        description="With `versioning`, the time after which S3 deletes noncurrent versions.",
    )
    expire_after: Expiry | None = Field(
        None, description="Age at which S3 deletes objects; by default it keeps them."
    )
    keep: bool = Field(True, description="Keep the bucket when its stack is deleted.")
    existing: ExistingBucket | None = Field(None, description="Use a bucket that already exists.")

    def usage(self, stack: str, env: Environment, access: frozenset[str], user: str) -> Usage:
        """The name of the bucket, and permissions on the bucket and its objects."""
        if self.existing:
            name: Any = self.existing.name
            arn: Any = sub_values("arn:${AWS::Partition}:s3:::${Bucket}", Bucket=name)
            objects = sub_values("arn:${AWS::Partition}:s3:::${Bucket}/*", Bucket=name)
            key = self.existing.kms_key
        else:
            name = import_value(env, stack, "BucketName")
            arn = import_value(env, stack, "BucketArn")
            objects = Sub("${Bucket}/*", Bucket=arn)
            key = self.kms_key
        statements = [
            *(_read_statements(arn, objects, key) if "read" in access else ()),
            *(_write_statements(objects, key) if "write" in access else ()),
        ]
        return Usage(variables={"BUCKET": name}, statements=tuple(statements))


def _read_statements(bucket: Any, objects: Any, key: str | Reference | None) -> Iterator[Statement]:
    """Service Authorization Reference, Amazon S3. Without s3:ListBucket, a request for an object
    that does not exist fails with 403 instead of 404 (Amazon S3 API reference, GetObject)."""
    yield allow("ListObjects", [s3_actions.ListBucket], [bucket])
    yield allow("ReadObjects", [s3_actions.GetObject], [objects])
    if key:
        yield allow("DecryptObjects", [kms.Decrypt], [key])


def _write_statements(objects: Any, key: str | Reference | None) -> Iterator[Statement]:
    """Service Authorization Reference, Amazon S3. A multipart upload to a bucket with a KMS key
    decrypts as well (Amazon S3 user guide, "Uploading and copying objects using multipart upload",
    permissions)."""
    actions = [
        s3_actions.AbortMultipartUpload,
        s3_actions.DeleteObject,
        s3_actions.PutObject,
    ]
    yield allow("WriteObjects", actions, [objects])
    if key:
        yield allow("EncryptObjects", [kms.Decrypt, kms.GenerateDataKey], [key])


def problems(name: str, params: Params, env: Environment) -> Iterator[Problem]:
    """Problems of a bucket."""
    if params.existing:
        yield from existing_problems(params, "bucket")
        key = params.existing.kms_key
        yield from key_region_problems(key, ("existing", "kms_key"), env)
        return
    yield from key_region_problems(params.kms_key, ("kms_key",), env)
    if not params.versioning and "expire_versions_after" in params.model_fields_set:
        message = "Without versioning, the bucket has no noncurrent versions"
        hint = "Remove `expire_versions_after`, or remove `versioning: false`."
        because = [("versioning",)]
        yield Problem("M3606", ("expire_versions_after",), message, hint, because=because)


def compose(name: str, params: Params, env: Environment) -> Template | None:
    """The bucket and its policy; None for an existing bucket."""
    if params.existing:
        return None
    template = Template(f"{env.app} {env.name}: the bucket `{name}`")
    template.set_version()
    template.add_resource([_bucket(params), _bucket_policy()])
    arn = GetAtt("Bucket", "Arn")
    template.add_output(
        [
            export_output(env, name, "BucketName", Ref("Bucket"), "Name of the bucket"),
            export_output(env, name, "BucketArn", arn, "ARN of the bucket"),
        ]
    )
    return template


def _bucket(params: Params) -> s3.Bucket:
    """The bucket. With `keep`, it is deleted only when its own creation is rolled back, while it is
    still empty."""
    versioning = {"VersioningConfiguration": s3.VersioningConfiguration(Status="Enabled")}
    return s3.Bucket(
        "Bucket",
        DeletionPolicy="RetainExceptOnCreate" if params.keep else "Delete",
        UpdateReplacePolicy="Retain" if params.keep else "Delete",
        BucketEncryption=s3.BucketEncryption(
            ServerSideEncryptionConfiguration=[_encryption(params.kms_key)]
        ),
        LifecycleConfiguration=s3.LifecycleConfiguration(Rules=list(_lifecycle_rules(params))),
        OwnershipControls=s3.OwnershipControls(
            Rules=[s3.OwnershipControlsRule(ObjectOwnership="BucketOwnerEnforced")]
        ),
        PublicAccessBlockConfiguration=s3.PublicAccessBlockConfiguration(
            BlockPublicAcls=True,
            BlockPublicPolicy=True,
            IgnorePublicAcls=True,
            RestrictPublicBuckets=True,
        ),
        **(versioning if params.versioning else {}),
    )


def _encryption(key: str | Reference | None) -> s3.ServerSideEncryptionRule:
    """With a KMS key, a bucket key reduces the number of requests to KMS (Amazon S3 user guide,
    "Reducing the cost of SSE-KMS with Amazon S3 Bucket Keys")."""
    if key is None:
        default = s3.ServerSideEncryptionByDefault(SSEAlgorithm="AES256")
        return s3.ServerSideEncryptionRule(ServerSideEncryptionByDefault=default)
    default = s3.ServerSideEncryptionByDefault(SSEAlgorithm="aws:kms", KMSMasterKeyID=key)
    return s3.ServerSideEncryptionRule(ServerSideEncryptionByDefault=default, BucketKeyEnabled=True)


def _lifecycle_rules(params: Params) -> Iterator[s3.LifecycleRule]:
    """What S3 deletes: parts of uploads that were not completed, noncurrent versions with the
    delete markers that they leave behind, and old objects.

    A rule with an age of objects also removes their delete markers; S3 refuses both settings in one
    rule (Amazon S3 user guide, "Lifecycle configuration elements").
    """
    abort = s3.AbortIncompleteMultipartUpload(DaysAfterInitiation=_ABORT_AFTER)
    yield s3.LifecycleRule(
        Id="AbortUploads", Status="Enabled", AbortIncompleteMultipartUpload=abort
    )
    if params.versioning:
        days = params.expire_versions_after // _DAY
        markers = {} if params.expire_after else {"ExpiredObjectDeleteMarker": True}
        yield s3.LifecycleRule(
            Id="ExpireVersions",
            Status="Enabled",
            NoncurrentVersionExpiration=s3.NoncurrentVersionExpiration(NoncurrentDays=days),
            **markers,
        )
    if params.expire_after:
        days = params.expire_after // _DAY
        yield s3.LifecycleRule(Id="Expire", Status="Enabled", ExpirationInDays=days)


def _bucket_policy() -> s3.BucketPolicy:
    """Denies requests without TLS (Amazon S3 user guide, "Security best practices for Amazon
    S3")."""
    resources = [GetAtt("Bucket", "Arn"), Sub("${Bucket.Arn}/*")]
    tls_only = deny_without_tls([s3_actions.Action("*")], resources)
    return s3.BucketPolicy("BucketPolicy", Bucket=Ref("Bucket"), PolicyDocument=policy([tls_only]))
