"""Access logs of a load balancer in S3: the bucket, its policy, and the attributes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any

from awacs.aws import Statement
from awacs.s3 import Action
from pydantic import Field
from troposphere import AWSObject, GetAtt, Ref, Sub, s3

from moorage.findings.finding import Problem
from moorage.model import Base

from ..common.expiry import Expiry
from ..common.fields import BucketName, text
from ..common.iam import deny_without_tls, policy

_DAY = 86_400

# "If you specify a prefix, it must not include the string AWSLogs": ELB adds it (ELB user guides,
# "Enable access logs").
Prefix = Annotated[
    str,
    text(
        r"(?!.*AWSLogs)[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*",
        "a prefix of S3 keys without `AWSLogs`",
        "alb/public",
    ),
]


class AccessLogs(Base):
    """Access logs in S3. The subclass for each kind of load balancer describes what an existing
    bucket must allow."""

    bucket: BucketName | None = None
    prefix: Prefix | None = Field(None, description="Prefix of the S3 keys of the log files.")
    expire_after: Expiry = Field(
        90 * _DAY,
        description="Age at which S3 deletes the log files, in a bucket that the stack creates.",
    )


def access_log_problems(logs: AccessLogs | None) -> Iterator[Problem]:
    """Reports `expire_after` for a bucket that the stack does not create."""
    if logs and {"bucket", "expire_after"} <= logs.model_fields_set:
        hint = "Remove it and add a lifecycle rule to that bucket, or remove `bucket:`."
        message = "`expire_after` has no effect on an existing bucket"
        yield Problem("M2320", ("access_logs", "expire_after"), message, hint)


def access_log_attributes(logs: AccessLogs | None) -> dict[str, Any]:
    """The attributes of the load balancer for access logs. An empty prefix is ELB's default."""
    if logs is None:
        return {"access_logs.s3.enabled": "false"}
    return {
        "access_logs.s3.enabled": "true",
        "access_logs.s3.bucket": logs.bucket or Ref("AccessLogsBucket"),
        "access_logs.s3.prefix": logs.prefix or "",
    }


def access_log_dependency(logs: AccessLogs | None) -> dict[str, str]:
    """The `DependsOn` of the load balancer.

    ELB writes a test file when access logs are enabled, so the bucket policy must exist by then.
    """
    return {"DependsOn": "AccessLogsBucketPolicy"} if logs and not logs.bucket else {}


def access_log_objects(logs: AccessLogs) -> Sub:
    """ARN of the objects that ELB writes to the bucket created by the stack."""
    folder = f"{logs.prefix}/AWSLogs" if logs.prefix else "AWSLogs"
    return Sub(f"${{AccessLogsBucket.Arn}}/{folder}/${{AWS::AccountId}}/*")


def access_log_bucket(logs: AccessLogs, delivery: Iterable[Statement]) -> Iterator[AWSObject]:
    """The bucket created by the stack, and its policy: log delivery is allowed, and requests
    without TLS are denied.

    Every kind of load balancer can write to a bucket with SSE-S3. With a KMS key, an Application
    Load Balancer cannot, and a Network Load Balancer needs a key policy (ELB user guides, "Enable
    access logs").
    """
    yield s3.Bucket(
        "AccessLogsBucket",
        BucketEncryption=s3.BucketEncryption(
            ServerSideEncryptionConfiguration=[
                s3.ServerSideEncryptionRule(
                    ServerSideEncryptionByDefault=s3.ServerSideEncryptionByDefault(
                        SSEAlgorithm="AES256"
                    )
                )
            ]
        ),
        LifecycleConfiguration=s3.LifecycleConfiguration(
            Rules=[
                s3.LifecycleRule(
                    Id="Expire", Status="Enabled", ExpirationInDays=logs.expire_after // _DAY
                )
            ]
        ),
        OwnershipControls=s3.OwnershipControls(
            Rules=[s3.OwnershipControlsRule(ObjectOwnership="BucketOwnerEnforced")]
        ),
        PublicAccessBlockConfiguration=s3.PublicAccessBlockConfiguration(
            BlockPublicAcls=True,
            BlockPublicPolicy=True,
            IgnorePublicAcls=True,
            RestrictPublicBuckets=True,
        ),
        DeletionPolicy="Retain",
        UpdateReplacePolicy="Retain",
    )
    bucket_and_objects = [GetAtt("AccessLogsBucket", "Arn"), Sub("${AccessLogsBucket.Arn}/*")]
    tls_only = deny_without_tls([Action("*")], bucket_and_objects)
    yield s3.BucketPolicy(
        "AccessLogsBucketPolicy",
        Bucket=Ref("AccessLogsBucket"),
        PolicyDocument=policy([*delivery, tls_only]),
    )
