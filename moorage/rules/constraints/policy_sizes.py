"""Constraints of the size of policies."""

from __future__ import annotations

from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.documents import DocumentSize, InlinePoliciesSize
from moorage.rules.constraints.predicates import NotEmpty

_QUOTAS = "IAM user guide: IAM and AWS STS quotas"

CONSTRAINTS = (
    Constraint(
        "E9994",
        "AWS::IAM::ManagedPolicy",
        "A managed policy has more than 6,144 characters.",
        must=DocumentSize("PolicyDocument", 6144),
        message="Managed policy {id} has more than 6,144 characters",
        fix="Write its statements in several policies.",
        error_messages=("Cannot exceed quota for PolicySize: 6144",),
        sources=(_QUOTAS,),
    ),
    Constraint(
        "E9995",
        "AWS::IAM::Role",
        "The policies of a role have more than 10,240 characters.",
        must=InlinePoliciesSize(10240),
        message="The inline policies of role {id} have more than 10,240 characters together",
        fix="Write some of their statements in managed policies.",
        error_messages=("Maximum policy size of 10240 bytes exceeded for role",),
        sources=(_QUOTAS,),
    ),
    Constraint(
        "W9996",
        "AWS::IAM::Role",
        "A trust policy needs a higher quota.",
        must=DocumentSize("AssumeRolePolicyDocument", 2048),
        message="The trust policy of role {id} has more than 2,048 characters",
        fix="Request a higher quota, or write fewer principals.",
        error_messages=("Cannot exceed quota for ACLSizePerRole: 2048",),
        sources=(_QUOTAS,),
    ),
    Constraint(
        "E9997",
        ("AWS::KMS::Key", "AWS::KMS::ReplicaKey"),
        "The policy of a key has more than 32,768 characters.",
        must=DocumentSize("KeyPolicy", 32768),
        message="The policy of key {id} has more than 32,768 characters",
        fix="Write fewer statements, or give roles permission for the key in their own policies.",
        sources=("AWS KMS API reference: PutKeyPolicy, Policy",),
    ),
    Constraint(
        "E9998",
        "AWS::ECR::Repository",
        "The policy of a repository has more than 10,240 characters.",
        must=DocumentSize("RepositoryPolicyText", 10240),
        message="The policy of repository {id} has more than 10,240 characters",
        fix="Write `aws:PrincipalOrgID` as a condition in place of single accounts.",
        sources=("Amazon ECR API reference: SetRepositoryPolicy, policyText",),
    ),
    Constraint(
        "E9999",
        "AWS::S3::BucketPolicy",
        "A bucket policy has more than 20,480 characters.",
        must=DocumentSize("PolicyDocument", 20480),
        message="Bucket policy {id} has more than 20,480 characters",
        fix="Write fewer statements, or `aws:PrincipalOrgID` in place of single accounts.",
        error_messages=("Policy document is too large",),
        sources=("Amazon S3 user guide: Bucket policies for Amazon S3",),
    ),
    Constraint(
        "E9979",
        "AWS::IAM::Policy",
        "The inline policy of a user has more than 2,048 characters.",
        when=NotEmpty("Users"),
        must=DocumentSize("PolicyDocument", 2048),
        message="Policy {id} of a user has more than 2,048 characters",
        fix="Make it an `AWS::IAM::ManagedPolicy`.",
        error_messages=("Maximum policy size of 2048 bytes exceeded for user",),
        sources=(_QUOTAS,),
    ),
)
