"""What `Ref` and `Fn::GetAtt` return for common resources, in the words with which fields of the
params say what they take.

CloudFormation template reference, the return values of each type. A type or an attribute that is
not listed can return anything.
"""

from __future__ import annotations

from collections.abc import Mapping

ANY_ARN = "the ARN of a resource"
"""What a field takes that takes the ARN of any resource."""

RETURNS: Mapping[str, Mapping[str, str]] = {
    "AWS::CertificateManager::Certificate": {
        "Ref": "the ARN of a certificate in ACM or IAM",
    },
    "AWS::Cognito::UserPool": {"Ref": "the ID of a user pool", "Arn": "the ARN of a user pool"},
    "AWS::DynamoDB::Table": {"Ref": "the name of a table", "Arn": "the ARN of a table"},
    "AWS::EC2::SecurityGroup": {
        "GroupId": "the ID of a security group",
        "VpcId": "the ID of a VPC",
    },
    "AWS::EC2::Subnet": {
        "Ref": "the ID of a subnet",
        "SubnetId": "the ID of a subnet",
        "VpcId": "the ID of a VPC",
        "CidrBlock": "a CIDR block",
    },
    "AWS::EC2::VPC": {
        "Ref": "the ID of a VPC",
        "VpcId": "the ID of a VPC",
        "CidrBlock": "a CIDR block",
        "DefaultSecurityGroup": "the ID of a security group",
    },
    "AWS::ECR::Repository": {
        "Ref": "the name of a repository",
        "Arn": "the ARN of a repository",
        "RepositoryUri": "the URI of a repository",
    },
    "AWS::ECS::Cluster": {"Ref": "the name of a cluster", "Arn": "the ARN of a cluster"},
    "AWS::EFS::AccessPoint": {
        "Ref": "the ID of an EFS access point",
        "AccessPointId": "the ID of an EFS access point",
        "Arn": "the ARN of an EFS access point",
    },
    "AWS::EFS::FileSystem": {
        "Ref": "the ID of an EFS file system",
        "FileSystemId": "the ID of an EFS file system",
        "Arn": "the ARN of an EFS file system",
    },
    "AWS::IAM::ManagedPolicy": {
        "Ref": "the ARN of an IAM policy",
        "PolicyArn": "the ARN of an IAM policy",
    },
    "AWS::IAM::Role": {"Ref": "the name of an IAM role", "Arn": "the ARN of an IAM role"},
    "AWS::KMS::Alias": {"Ref": "the name of an alias of a KMS key"},
    "AWS::KMS::Key": {
        "Ref": "the ID of a KMS key",
        "KeyId": "the ID of a KMS key",
        "Arn": "the ARN of a KMS key",
    },
    "AWS::Lambda::Function": {
        "Ref": "the name of a Lambda function",
        "Arn": "the ARN of a Lambda function",
    },
    "AWS::Logs::LogGroup": {"Ref": "the name of a log group", "Arn": "the ARN of a log group"},
    "AWS::Route53::HostedZone": {
        "Ref": "the ID of a hosted zone",
        "Id": "the ID of a hosted zone",
    },
    "AWS::S3::Bucket": {
        "Ref": "the name of a bucket",
        "Arn": "the ARN of a bucket",
        "DomainName": "the domain name of a bucket",
        "RegionalDomainName": "the domain name of a bucket",
    },
    "AWS::SNS::Topic": {
        "Ref": "the ARN of a standard topic",
        "TopicArn": "the ARN of a standard topic",
        "TopicName": "the name of a topic",
    },
    "AWS::SQS::Queue": {
        "Ref": "the URL of a queue",
        "QueueUrl": "the URL of a queue",
        "Arn": "the ARN of a queue",
        "QueueName": "the name of a queue",
    },
    "AWS::SSM::Parameter": {"Ref": "the name of a parameter"},
    "AWS::SecretsManager::Secret": {
        "Ref": "the ARN of a secret in Secrets Manager",
        "Id": "the ARN of a secret in Secrets Manager",
    },
    "AWS::WAFv2::WebACL": {"Arn": "the ARN of a regional WAFv2 web ACL"},
}


_WIDER: Mapping[str, tuple[str, ...]] = {
    "the ARN of a standard topic": ("the ARN of a topic",),
    "the domain name of a bucket": ("the DNS name of a host",),
}
"""What a return value of a kind is as well."""


def is_kind(kind: str, wanted: str) -> bool:
    """Whether a return value of a kind is what is wanted.

    >>> is_kind("the ARN of a queue", ANY_ARN), is_kind("the URL of a queue", ANY_ARN)
    (True, False)
    """
    if wanted == ANY_ARN:
        return kind.startswith("the ARN of ")
    return kind == wanted or wanted in _WIDER.get(kind, ())


def kind_of_return_value(resource_type: str, attribute: str) -> str:
    """What `Ref` or an attribute of a resource is; empty if it can be anything.

    >>> kind_of_return_value("AWS::SQS::Queue", "Ref")
    'the URL of a queue'
    """
    return RETURNS.get(resource_type, {}).get(attribute, "")
