"""Access logs of a load balancer in S3: the bucket, who may write there, and the attributes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any

from awacs.aws import Bool, Condition, Deny, Principal, SecureTransport, Statement
from awacs.s3 import Action
from pydantic import AfterValidator, Field
from troposphere import AWSObject, GetAtt, Ref, Sub, s3

from moorage.findings.finding import Problem
from moorage.model import Base, wrong

from ..common.fields import BucketName, Duration, format_duration, text
from ..common.iam import policy

_DAY = 86_400

# "If you specify a prefix, it must not include the string AWSLogs": ELB adds that itself.
Prefix = Annotated[
    str,
    text(
        r"(?!.*AWSLogs)[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*",
        "a prefix of S3 keys without `AWSLogs`",
        "alb/public",
    ),
]


def _whole_days(seconds: int) -> int:
    if not seconds or seconds % _DAY:
        message = f"S3 cannot keep objects for `{format_duration(seconds)}`"
        raise wrong("M1107", message, "Write whole days, such as `90d`.")
    return seconds


Expiry = Annotated[Duration, AfterValidator(_whole_days)]
"""Seconds that make whole days, written as `90d`."""


class AccessLogs(Base):
    """Where access logs go. A template says in a model of its own what its bucket must allow."""

    bucket: BucketName | None = None
    prefix: Prefix | None = Field(None, description="What the keys of the log files begin with.")
    expire_after: Expiry = Field(
        90 * _DAY, description="Age at which log files in the stack's own bucket are deleted."
    )


def access_log_problems(logs: AccessLogs | None) -> Iterator[Problem]:
    """What would change nothing."""
    if logs and {"bucket", "expire_after"} <= logs.model_fields_set:
        hint = "Remove it and give that bucket a lifecycle rule, or remove `bucket:`."
        message = "`expire_after` would change nothing in a bucket that is there already"
        yield Problem("M1108", ("access_logs", "expire_after"), message, hint)


def access_log_attributes(logs: AccessLogs | None) -> dict[str, Any]:
    """The attributes of the load balancer. An empty prefix is ELB's default."""
    if logs is None:
        return {"access_logs.s3.enabled": "false"}
    return {
        "access_logs.s3.enabled": "true",
        "access_logs.s3.bucket": logs.bucket or Ref("AccessLogsBucket"),
        "access_logs.s3.prefix": logs.prefix or "",
    }


def access_log_order(logs: AccessLogs | None) -> dict[str, str]:
    """What the load balancer waits for.

    ELB writes a test file when logs are switched on, so the bucket must admit it by then.
    """
    return {"DependsOn": "AccessLogsBucketPolicy"} if logs and not logs.bucket else {}


def access_log_keys(logs: AccessLogs) -> Sub:
    """ARN of what ELB writes in the stack's own bucket."""
    folder = f"{logs.prefix}/AWSLogs" if logs.prefix else "AWSLogs"
    return Sub(f"${{AccessLogsBucket.Arn}}/{folder}/${{AWS::AccountId}}/*")


def access_log_bucket(logs: AccessLogs, delivery: Iterable[Statement]) -> Iterator[AWSObject]:
    """The stack's own bucket and its policy: what ELB needs to write, and TLS for everybody.

    SSE-S3 is an encryption that every kind of load balancer can write with; with KMS, an
    Application Load Balancer can't, and a Network Load Balancer needs a key policy (ELB user
    guides, "Enable access logs").
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
    yield s3.BucketPolicy(
        "AccessLogsBucketPolicy",
        Bucket=Ref("AccessLogsBucket"),
        PolicyDocument=policy([*delivery, _tls_only()]),
    )


def _tls_only() -> Statement:
    return Statement(
        Sid="TlsOnly",
        Effect=Deny,
        Principal=Principal("*"),
        Action=[Action("*")],
        Resource=[GetAtt("AccessLogsBucket", "Arn"), Sub("${AccessLogsBucket.Arn}/*")],
        Condition=Condition(Bool({SecureTransport: "false"})),
    )
