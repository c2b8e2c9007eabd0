"""Constraints of the grammar of policies: actions, resources, conditions and principals."""

from __future__ import annotations

from moorage.rules.constraints.combinations import All, Either, IsReference, Not, Refers, Some
from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.documents import ConditionValues
from moorage.rules.constraints.predicates import (
    Absent,
    Is,
    IsTrue,
    Matches,
    Present,
    StartsWith,
)

_ROLE = "AWS::IAM::Role"
_GUIDE = "IAM user guide: IAM JSON policy elements"
_PREFLIGHT = "AWS's error message, reproduced by cdk-preflight"

_IDENTITY = tuple(
    f"{document}.Statement[*]"
    for document in (
        "AWS::IAM::Role Policies[].PolicyDocument",
        "AWS::IAM::User Policies[].PolicyDocument",
        "AWS::IAM::Group Policies[].PolicyDocument",
        "AWS::IAM::Policy PolicyDocument",
        "AWS::IAM::ManagedPolicy PolicyDocument",
        "AWS::IAM::RolePolicy PolicyDocument",
        "AWS::IAM::UserPolicy PolicyDocument",
        "AWS::IAM::GroupPolicy PolicyDocument",
    )
)
_TRUST = ("AWS::IAM::Role AssumeRolePolicyDocument.Statement[*]",)
_RESOURCE = tuple(
    f"{document}.Statement[*]"
    for document in (
        "AWS::SQS::QueuePolicy PolicyDocument",
        "AWS::SQS::QueueInlinePolicy PolicyDocument",
        "AWS::SNS::TopicPolicy PolicyDocument",
        "AWS::SNS::TopicInlinePolicy PolicyDocument",
        "AWS::S3::BucketPolicy PolicyDocument",
        "AWS::KMS::Key KeyPolicy",
        "AWS::KMS::ReplicaKey KeyPolicy",
        "AWS::ECR::Repository RepositoryPolicyText",
        "AWS::ECR::Repository RepositoryPolicyText<json>",
        "AWS::ECR::RegistryPolicy PolicyText",
        "AWS::SecretsManager::ResourcePolicy ResourcePolicy",
        "AWS::EFS::FileSystem FileSystemPolicy",
    )
)


def _in_each(statements: tuple[str, ...], *elements: str) -> tuple[str, ...]:
    """The places of elements such as `Action[*]` in all statements."""
    return tuple(f"{statement}.{element}" for statement in statements for element in elements)


_ACTIONS = _in_each(_IDENTITY, "Action[*]", "NotAction[*]")
_RESOURCES = _in_each(_IDENTITY, "Resource[*]", "NotResource[*]")
_PRINCIPALS = _in_each((*_TRUST, *_RESOURCE), "Principal.AWS[*]", "NotPrincipal.AWS[*]")
_SERVICES = _in_each((*_TRUST, *_RESOURCE), "Principal.Service[*]", "NotPrincipal.Service[*]")

_NAMES = (
    "AWS::ECR::Repository",
    "AWS::ECS::Cluster",
    "AWS::IAM::Role",
    "AWS::KMS::Key",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::SQS::Queue",
    "AWS::SSM::Parameter",
    "AWS::DynamoDB::Table",
    "AWS::EFS::FileSystem",
    "AWS::Lambda::Function",
)
"""Types whose `Ref` is a name, an ID or a URL. Their pages in the CloudFormation template
reference, Return values."""

CONSTRAINTS = (
    Constraint(
        "E9746",
        _ACTIONS,
        "An action of a policy has no service prefix.",
        must=Matches("", r"\*+|[^:]*:.*"),
        message="A policy of {id} has the action {value}, which names no service",
        fix="Write the service before it, such as `ecs:RunTask`.",
        error_messages=("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2",),
        sources=(f"{_GUIDE}, Action",),
    ),
    Constraint(
        "E9747",
        _ACTIONS,
        "An action of a policy has two colons.",
        must=Not(Matches("", ".*:.*:.*")),
        message="A policy of {id} has the action {value}, which has more than one colon",
        fix="Write one colon, between the service and the name of the action.",
        error_messages=("Actions/Condition can contain only one colon.",),
        sources=(f"{_GUIDE}, Action",),
    ),
    Constraint(
        "E9748",
        _ACTIONS,
        "The service of an action has a wildcard.",
        must=Not(Matches("", r"(?!\*:\*$)[^:]*[*?][^:]*:.*")),
        message="A policy of {id} has the action {value}, whose service has a wildcard",
        fix="Write the service in full; only the name of the action can have wildcards.",
        error_messages=("Action vendors (e.g., aws, ec2, etc.) must not contain wildcards.",),
        sources=(f"{_GUIDE}, Action",),
    ),
    Constraint(
        "E9749",
        _in_each(_TRUST, "Action[*]"),
        "A trust policy allows another action than to assume the role.",
        must=Matches("", r"(?i)sts:(assume.*|tagsession|setsourceidentity|setcontext)"),
        message="The trust policy of role {id} has the action {value}",
        fix="Write `sts:AssumeRole`; permissions of the role belong into its policies.",
        error_messages=("AssumeRole policy may only specify STS AssumeRole actions.",),
        sources=("IAM API reference: CreateRole, AssumeRolePolicyDocument", _PREFLIGHT),
    ),
    Constraint(
        "E9750",
        _RESOURCES,
        "An ARN in a policy has fewer than six parts.",
        must=Not(Matches("", r"arn(:[^:*?$]*){1,4}", region="eu-west-1")),
        message="A policy of {id} has the resource {value}, which has fewer than the six parts of "
        "an ARN",
        fix="Write `arn:<partition>:<service>:<region>:<account>:<resource>`; region and account "
        "of a bucket are empty: `arn:aws:s3:::my-bucket`.",
        error_messages=("The policy failed legacy parsing",),
        sources=("IAM user guide: Amazon Resource Names (ARNs)", _PREFLIGHT),
    ),
    Constraint(
        "E9751",
        _RESOURCES,
        "The service in an ARN of a policy has a wildcard.",
        must=Not(Matches("", r"arn:[^:]*:[^:]*[*?][^:]*:[^:]*:[^:]*:.*", region="eu-west-1")),
        message="A policy of {id} has the resource {value}, whose service has a wildcard",
        fix="Write the service in full, or only `*` for all resources.",
        error_messages=("Resource vendor must be fully qualified and cannot contain regexes.",),
        sources=(f"{_GUIDE}, Resource", _PREFLIGHT),
    ),
    Constraint(
        "E9752",
        _RESOURCES,
        "The ARN of a bucket in a policy has a region or an account.",
        must=Not(
            Matches(
                "",
                r"arn:[^:]*:s3:([a-z]{2}-[a-z0-9-]+:[0-9]*|[0-9]{0}:[0-9]{12}):"
                r"(?!accesspoint|job|storage-lens|access-grants|async-request|\*).*",
                region="eu-west-1",
            )
        ),
        message="A policy of {id} has the resource {value}, but the ARN of a bucket has neither "
        "region nor account",
        fix="Write `arn:aws:s3:::<bucket>`, or `!GetAtt <bucket>.Arn`.",
        sources=("Service authorization reference: Amazon S3, bucket and object", _PREFLIGHT),
    ),
    Constraint(
        "E9753",
        _RESOURCES,
        "The ARN of a role, user or policy in a policy has a region.",
        must=Not(Matches("", r"arn:[^:]*:iam:[a-z]{2}-[a-z0-9-]+:.*", region="eu-west-1")),
        message="A policy of {id} has the resource {value}, but ARNs of IAM have no region",
        fix="Write `arn:aws:iam::<account>:role/<name>`, with two colons before the account.",
        sources=("IAM user guide: IAM identifiers, IAM ARNs", _PREFLIGHT),
    ),
    Constraint(
        "E9754",
        (*_IDENTITY, *_TRUST),
        "A policy compares a number or a date with a text.",
        must=All(
            ConditionValues("Numeric[A-Za-z]+?", Matches("", r"-?[0-9.]+|.*[$].*")),
            ConditionValues(
                "Date[A-Za-z]+?",
                Matches("", r"[0-9]+|[0-9]{4}(-[0-9]{2}(-[0-9]{2}(T.*)?)?)?|.*[$].*"),
            ),
        ),
        message="A policy of {id} compares a number or a date with a text",
        fix="Write a number, or a date such as `2030-01-01T00:00:00Z`.",
        error_messages=("The policy failed legacy parsing",),
        sources=(
            f"{_GUIDE}, Numeric condition operators",
            f"{_GUIDE}, Date condition operators",
            _PREFLIGHT,
        ),
    ),
    Constraint(
        "E9757",
        (*_IDENTITY, *_TRUST),
        "A policy compares an IP address with a text.",
        must=ConditionValues(
            "(Not)?IpAddress", Matches("", r"[0-9A-Fa-f:.]+(/[0-9]{1,3})?|.*[$].*")
        ),
        message="A policy of {id} compares an IP address with something else",
        fix="Write an address or a block such as `203.0.113.0/24`.",
        error_messages=("The policy failed legacy parsing",),
        sources=(f"{_GUIDE}, IP address condition operators", _PREFLIGHT),
    ),
    Constraint(
        "E9758",
        (*_IDENTITY, *_TRUST),
        "A policy compares an ARN with a text.",
        must=ConditionValues(
            "Arn(Not)?(Equals|Like)", Matches("", r"arn:.*|.*[$*?].*", region="eu-west-1")
        ),
        message="A policy of {id} compares an ARN with something else",
        fix="Write an ARN, or use `StringEquals` or `StringLike`.",
        error_messages=("The policy failed legacy parsing",),
        sources=(f"{_GUIDE}, Amazon Resource Name (ARN) condition operators", _PREFLIGHT),
    ),
    Constraint(
        "E9759",
        _TRUST,
        "A trust policy has the principal `*`.",
        must=Not(Is("Principal", "*")),
        message="The trust policy of role {id} has the principal `*`",
        fix="Write `Service: <service>.amazonaws.com` or `AWS: <account>`.",
        error_messages=("AssumeRolepolicy contained an invalid principal",),
        sources=(f"{_GUIDE}, Principal", _PREFLIGHT),
    ),
    Constraint(
        "E9760",
        (*_SERVICES, *_in_each(_IDENTITY, "Condition.StringEquals.iam:PassedToService[*]")),
        "A service principal has no domain.",
        must=Matches("", r".*[.*:/].*"),
        message="A policy of {id} has the service principal {value}",
        fix="Write `<service>.amazonaws.com`.",
        error_messages=("Invalid principal in policy",),
        sources=(f"{_GUIDE}, Principal, AWS service principals",),
    ),
    Constraint(
        "E9761",
        _SERVICES,
        "A service principal has a wildcard.",
        must=Not(Matches("", r".*[*?].*")),
        message="A policy of {id} has the service principal {value}, which has a wildcard",
        fix="Write the names of the services in full.",
        error_messages=("Invalid principal in policy",),
        sources=(f"{_GUIDE}, Principal, AWS service principals", _PREFLIGHT),
    ),
    Constraint(
        "E9762",
        _PRINCIPALS,
        "The ARN of a principal has a wildcard.",
        must=Not(Matches("", r"arn:.*[*?].*")),
        message="A policy of {id} has the principal {value}, which has a wildcard",
        fix="Write the account as principal, and `ArnLike` with `aws:PrincipalArn` as condition.",
        error_messages=("Invalid principal in policy",),
        sources=(f"{_GUIDE}, Principal, IAM role principals",),
    ),
    Constraint(
        "E9763",
        _PRINCIPALS,
        "A principal is a group.",
        must=Not(
            Either(
                Matches("", r"arn:[^:]*:iam::[^:]*:group/.*"), IsReference("", "AWS::IAM::Group")
            )
        ),
        message="A policy of {id} has a group as principal",
        fix="Write roles, users or the account.",
        error_messages=("Invalid principal in policy",),
        sources=(f"{_GUIDE}, Principal",),
    ),
    Constraint(
        "E9764",
        _PRINCIPALS,
        "A principal is the name of a role.",
        must=Not(
            Either(
                IsReference("", _ROLE, "Ref"),
                IsReference("", "AWS::IAM::User", "Ref"),
            )
        ),
        message="A policy of {id} has the name of a role or user as principal",
        fix="Write its ARN: `!GetAtt <role>.Arn`.",
        error_messages=("Invalid principal in policy",),
        sources=(
            f"{_GUIDE}, Principal, IAM role principals",
            "AWS CloudFormation template reference: AWS::IAM::Role, Return values",
        ),
    ),
    Constraint(
        "E9767",
        (_ROLE, "AWS::IAM::User"),
        "A permissions boundary is no managed policy.",
        must=Matches("PermissionsBoundary", r"arn:[^:]*:iam::[^:]*:policy/.*"),
        message="The `PermissionsBoundary` of {id} is not the ARN of a managed policy",
        fix="Write `arn:aws:iam::<account>:policy/<name>`, or `!Ref <managed policy>`.",
        sources=("IAM user guide: Permissions boundaries for IAM entities", _PREFLIGHT),
    ),
    Constraint(
        "E9769",
        tuple(f"AWS::IAM::{kind}" for kind in ("Role", "User", "InstanceProfile", "ManagedPolicy")),
        "A path is reserved for service-linked roles.",
        must=Not(StartsWith("Path", ("/aws-service-role",))),
        message="The path of {id} begins with `/aws-service-role`",
        fix="Write another path, such as `/service-role/`.",
        error_messages=("Paths beginning with '/aws-service-role' are reserved",),
        sources=("IAM user guide: Create a service-linked role", _PREFLIGHT),
    ),
    Constraint(
        "E9772",
        _RESOURCES,
        "The resource of a policy is a name, not an ARN.",
        must=Not(Either(*(IsReference("", kind, "Ref") for kind in _NAMES))),
        message="A policy of {id} has the `Ref` of a resource that is no ARN",
        fix="Write `!GetAtt <resource>.Arn`, or an ARN that contains the name.",
        error_messages=('Resource ... must be in ARN format or "*".',),
        sources=(f"{_GUIDE}, Resource",),
    ),
    Constraint(
        "E9770",
        tuple(
            f"AWS::SNS::{kind} PolicyDocument.Statement[*].Action[*]"
            for kind in ("TopicPolicy", "TopicInlinePolicy")
        ),
        "A topic policy has an action that is not one on a topic.",
        must=Not(
            Matches(
                "",
                r"(?i)sns:(create(topic|platform.*)|list(topics|subscriptions)|unsubscribe"
                r"|(get|set)subscriptionattributes)|(?!sns:)[a-z-]+:.*",
            )
        ),
        message="Topic policy {id} has the action {value}, which is not one on a topic",
        fix="Write actions on the topic, such as `sns:Publish` and `sns:Subscribe`.",
        error_messages=("Policy statement action out of service scope!",),
        sources=("hashicorp/terraform#12740", "aws/aws-cli#3143"),
    ),
    Constraint(
        "E9774",
        "AWS::S3::BucketPolicy PolicyDocument.Statement[*]",
        "A bucket policy is public, but the bucket blocks public policies.",
        when=All(
            Is("Effect", "Allow"),
            Absent("Condition"),
            Either(Is("Principal", "*"), Some("Principal.AWS[*]", Is("", "*"))),
        ),
        must=Refers(
            "/Bucket",
            "AWS::S3::Bucket",
            Either(
                Not(IsTrue("PublicAccessBlockConfiguration.BlockPublicPolicy", default=True)),
                All(
                    Present("PublicAccessBlockConfiguration"),
                    Absent("PublicAccessBlockConfiguration.BlockPublicPolicy"),
                ),
            ),
        ),
        message="Bucket policy {id} allows everybody, but its bucket blocks public policies",
        fix="Write the principals that need the bucket, or a condition such as `aws:SourceArn`.",
        why="A new bucket blocks public policies unless its PublicAccessBlockConfiguration says "
        "otherwise.",
        error_messages=(
            "because public policies are prevented by the BlockPublicPolicy setting in S3 Block "
            "Public Access",
        ),
        sources=("Amazon S3 user guide: Blocking public access to your Amazon S3 storage",),
    ),
)
