"""The bucket with the artifacts of a pipeline, and its key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from awacs import kms, s3
from awacs.aws import Allow, Principal, Statement
from troposphere import AWSObject, GetAtt, Ref, Sub, codepipeline
from troposphere import kms as kms_resources
from troposphere import s3 as s3_resources

from ..common.iam import allow, deny_without_tls, policy
from .params import Params

_DAY = 86_400


def artifact_resources(params: Params) -> Iterator[AWSObject]:
    """The bucket, its policy, and a key for it unless the params name one."""
    if params.artifact_key is None:
        yield _key()
    yield _bucket(params)
    both = [GetAtt("ArtifactBucket", "Arn"), Sub("${ArtifactBucket.Arn}/*")]
    yield s3_resources.BucketPolicy(
        "ArtifactBucketPolicy",
        Bucket=Ref("ArtifactBucket"),
        PolicyDocument=policy([deny_without_tls([s3.Action("*")], both)]),
    )


def key_arn(params: Params) -> Any:
    """The ARN of the key of the artifacts."""
    return params.artifact_key or GetAtt("ArtifactKey", "Arn")


def artifact_store(params: Params) -> codepipeline.ArtifactStore:
    """The artifact store of the pipeline."""
    return codepipeline.ArtifactStore(
        Type="S3",
        Location=Ref("ArtifactBucket"),
        EncryptionKey=codepipeline.EncryptionKey(Type="KMS", Id=key_arn(params)),
    )


def _key() -> kms_resources.Key:
    """A key that only roles of this account can use, as far as their policies allow it."""
    root = Sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root")
    return kms_resources.Key(
        "ArtifactKey",
        Description=Sub("Artifacts of ${AWS::StackName}"),
        EnableKeyRotation=True,
        KeyPolicy=policy(
            [
                Statement(
                    Sid="Administer",
                    Effect=Allow,
                    Principal=Principal("AWS", root),
                    Action=[kms.Action("*")],
                    Resource=["*"],
                )
            ]
        ),
    )


def _bucket(params: Params) -> s3_resources.Bucket:
    """S3 deletes artifacts by itself. The bucket is kept with its stack, because S3 does not delete
    a bucket with objects."""
    encryption = s3_resources.ServerSideEncryptionByDefault(
        SSEAlgorithm="aws:kms", KMSMasterKeyID=key_arn(params)
    )
    return s3_resources.Bucket(
        "ArtifactBucket",
        BucketEncryption=s3_resources.BucketEncryption(
            ServerSideEncryptionConfiguration=[
                s3_resources.ServerSideEncryptionRule(
                    ServerSideEncryptionByDefault=encryption, BucketKeyEnabled=True
                )
            ]
        ),
        LifecycleConfiguration=s3_resources.LifecycleConfiguration(
            Rules=[
                s3_resources.LifecycleRule(
                    Id="Expire",
                    Status="Enabled",
                    ExpirationInDays=params.expire_artifacts_after // _DAY,
                    AbortIncompleteMultipartUpload=s3_resources.AbortIncompleteMultipartUpload(
                        DaysAfterInitiation=1
                    ),
                )
            ]
        ),
        OwnershipControls=s3_resources.OwnershipControls(
            Rules=[s3_resources.OwnershipControlsRule(ObjectOwnership="BucketOwnerEnforced")]
        ),
        PublicAccessBlockConfiguration=s3_resources.PublicAccessBlockConfiguration(
            BlockPublicAcls=True,
            BlockPublicPolicy=True,
            IgnorePublicAcls=True,
            RestrictPublicBuckets=True,
        ),
        DeletionPolicy="Retain",
        UpdateReplacePolicy="Retain",
    )


# Permissions ---------------------------------------------------------------------------------


def read_artifacts(params: Params) -> list[Statement]:
    """What a build needs to download the source code of an execution."""
    return [
        allow("FindArtifacts", _LOCATE, [GetAtt("ArtifactBucket", "Arn")]),
        allow(
            "ReadArtifacts",
            [s3.GetObject, s3.GetObjectVersion],
            [Sub("${ArtifactBucket.Arn}/*")],
        ),
        allow("DecryptArtifacts", [kms.Decrypt], [key_arn(params)]),
    ]


def write_artifacts(params: Params) -> list[Statement]:
    """What the pipeline needs to store the source code: AWS CodePipeline user guide, "Manage the
    CodePipeline service role". A source action with a connection also sets tags and the ACL of
    what it stores (aws/aws-cdk, issue 33709, shows the policy of its role)."""
    return [
        allow(
            "FindArtifacts", [*_LOCATE, s3.GetBucketVersioning], [GetAtt("ArtifactBucket", "Arn")]
        ),
        allow(
            "StoreArtifacts",
            [
                s3.GetObject,
                s3.GetObjectVersion,
                s3.PutObject,
                s3.PutObjectAcl,
                s3.PutObjectTagging,
            ],
            [Sub("${ArtifactBucket.Arn}/*")],
        ),
        allow(
            "EncryptArtifacts",
            [
                kms.Decrypt,
                kms.DescribeKey,
                kms.Encrypt,
                kms.Action("GenerateDataKey*"),
                kms.Action("ReEncrypt*"),
            ],
            [key_arn(params)],
        ),
    ]


_LOCATE = [s3.GetBucketAcl, s3.GetBucketLocation]
