"""Regular expressions for ARNs.

AWS General Reference, "Amazon Resource Names (ARNs)"; the resource types and their ARNs are in the
Service Authorization Reference of each service.
"""

from __future__ import annotations

ACCOUNT_ID = "[0-9]{12}"
REGION = r"[a-z0-9-]+"


def arn_pattern(
    service: str, resource: str, *, region: str = REGION, account: str = ACCOUNT_ID
) -> str:
    """A pattern for ARNs in any partition; `resource` is the pattern of what follows the account.

    >>> arn_pattern("sqs", "[a-z]+")
    'arn:aws[a-z-]*:sqs:[a-z0-9-]+:[0-9]{12}:[a-z]+'
    """
    return f"arn:aws[a-z-]*:{service}:{region}:{account}:{resource}"


BUCKET_NAME = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
"""Amazon S3 user guide, "General purpose bucket naming rules"."""

_IAM_PATH_AND_NAME = "[a-zA-Z0-9_+=,.@/-]+"
"""IAM user guide, "IAM and AWS STS quotas", name requirements. cfn-lint's schemas of
AWS::IAM::Role (ManagedPolicyArns) and AWS::ECS::TaskDefinition accept the same characters."""
IAM_POLICY = arn_pattern(
    "iam", f"policy/{_IAM_PATH_AND_NAME}", region="", account=rf"({ACCOUNT_ID}|aws)"
)
IAM_ROLE = arn_pattern("iam", f"role/{_IAM_PATH_AND_NAME}", region="")
KMS_KEY = arn_pattern("kms", "key/[a-zA-Z0-9-]+")
"""The ARN of the key itself: an alias has no effect in an IAM policy (AWS KMS developer guide,
"Specifying KMS keys in IAM policy statements")."""
CONNECTION = arn_pattern("(codeconnections|codestar-connections)", "connection/[a-z0-9-]+")
"""A connection to a source provider. The older prefix is still valid (Service Authorization
Reference, AWS CodeConnections and AWS CodeStar Connections)."""
