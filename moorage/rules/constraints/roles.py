"""Constraints of the roles that services assume: whom they trust, and what they allow."""

from __future__ import annotations

from moorage.rules.constraints.combinations import All, Each, Either, IsReference, Not, Refers, Some
from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.predicates import (
    Absent,
    Is,
    IsTrue,
    Matches,
    NotEmpty,
    Predicate,
    Present,
)
from moorage.rules.constraints.relations import Allows, Trusts

_FUNCTION = "AWS::Lambda::Function"
_PROFILE = "AWS::IAM::InstanceProfile"
_ROLE = "AWS::IAM::Role"
_SCHEDULE = "AWS::Scheduler::Schedule Target"


def _trust(
    number: int, about: str, path: str, service: str, what: str, source: str, error: str = ""
) -> Constraint:
    """The constraint that a service can assume the role of a resource. `what` is the resource, with
    its article."""
    return Constraint(
        f"E{number}",
        about,
        f"The role of {what} does not trust {service}.amazonaws.com.",
        must=Trusts(path, service),
        message=f"The role of {{id}} does not trust {service}.amazonaws.com",
        fix=f"Write `Service: {service}.amazonaws.com` in the role's trust policy.",
        error_messages=(error,) if error else (),
        sources=(source,),
    )


def _permission(
    number: int,
    about: str | tuple[str, ...],
    role: str,
    action: str,
    what: str,
    source: str,
    *,
    when: Predicate | None = None,
    why: str = "",
    error: str = "",
) -> Constraint:
    """The constraint that the role of a resource allows an action. `what` is the resource, with its
    article."""
    return Constraint(
        f"E{number}",
        about,
        f"The role of {what} does not allow {action}.",
        when=when,
        must=Allows(role, action),
        message=f"The role of {{id}} does not allow `{action}`",
        fix=f"Allow `{action}` in a policy of the role.",
        why=why,
        error_messages=(error,) if error else (),
        sources=(source,),
    )


_TRUSTS = (
    _trust(
        9775,
        "AWS::ECR::RepositoryCreationTemplate",
        "CustomRoleArn",
        "ecr",
        "a repository creation template",
        "Amazon ECR user guide: IAM permissions for creating repository creation templates",
    ),
    _trust(
        9776,
        "AWS::Backup::BackupSelection BackupSelection",
        "IamRoleArn",
        "backup",
        "a backup selection",
        "AWS Backup developer guide: IAM service roles",
    ),
    _trust(
        9777,
        "AWS::CloudFormation::StackSet",
        "AdministrationRoleARN",
        "cloudformation",
        "a stack set",
        "AWS CloudFormation user guide: Grant self-managed permissions",
    ),
    _trust(
        9778,
        "AWS::KinesisFirehose::DeliveryStream ExtendedS3DestinationConfiguration",
        "RoleARN",
        "firehose",
        "a delivery stream",
        "Amazon Data Firehose developer guide: Controlling access",
        "Firehose is unable to assume role",
    ),
    _trust(
        9783,
        "AWS::EC2::FlowLog",
        "DeliverLogsPermissionArn",
        "vpc-flow-logs",
        "a flow log",
        "Amazon VPC user guide: IAM role for publishing flow logs to CloudWatch Logs",
    ),
)

_PERMISSIONS = (
    _permission(
        9779,
        "AWS::EC2::FlowLog",
        "DeliverLogsPermissionArn",
        "logs:PutLogEvents",
        "a flow log",
        "Amazon VPC user guide: IAM role for publishing flow logs to CloudWatch Logs",
        why="The flow log is created, and its log group stays empty.",
    ),
    _permission(
        9784,
        _FUNCTION,
        "Role",
        "sqs:SendMessage",
        "a function with a dead-letter queue",
        "AWS Lambda developer guide: Capturing records of Lambda asynchronous invocations",
        when=Either(
            IsReference("DeadLetterConfig.TargetArn", "AWS::SQS::Queue"),
            Matches("DeadLetterConfig.TargetArn", "arn:[^:]*:sqs:.*", region="eu-west-1"),
        ),
        error="The provided execution role does not have permissions to call SendMessage on SQS",
    ),
    _permission(
        9788,
        _FUNCTION,
        "Role",
        "ec2:CreateNetworkInterface",
        "a function in a VPC",
        "AWS Lambda developer guide: Giving Lambda functions access to resources in a VPC",
        when=All(NotEmpty("VpcConfig.SubnetIds"), NotEmpty("VpcConfig.SecurityGroupIds")),
        error="The provided execution role does not have permissions to call "
        "CreateNetworkInterface on EC2",
    ),
    _permission(
        9785,
        _SCHEDULE,
        "RoleArn",
        "sqs:SendMessage",
        "a schedule with a dead-letter queue",
        "Amazon EventBridge Scheduler user guide: Configuring a dead-letter queue",
        when=Present("DeadLetterConfig.Arn"),
        why="The schedule is created, and events that fail are lost.",
    ),
)


def _exec_logs_to(key: str) -> Predicate:
    """That the cluster of a service writes the logs of ECS Exec to a place of its own."""
    return Refers(
        "Cluster",
        "AWS::ECS::Cluster",
        All(
            Is("Configuration.ExecuteCommandConfiguration.Logging", "OVERRIDE"),
            Present(f"Configuration.ExecuteCommandConfiguration.LogConfiguration.{key}"),
        ),
    )


_TASK_ROLE_WRITES_LOGS = Refers(
    "TaskDefinition", "AWS::ECS::TaskDefinition", Allows("TaskRoleArn", "logs:PutLogEvents")
)
_INSTANCES = "AutoScalingGroupProvider.AutoScalingGroupArn"

CONSTRAINTS = (
    *_TRUSTS,
    *_PERMISSIONS,
    Constraint(
        "E9786",
        "AWS::Lambda::EventSourceMapping",
        "The role of a function does not allow to read its queue.",
        when=Either(
            IsReference("EventSourceArn", "AWS::SQS::Queue"),
            Matches("EventSourceArn", "arn:[^:]*:sqs:.*", region="eu-west-1"),
        ),
        must=Refers("FunctionName", _FUNCTION, Allows("Role", "sqs:ReceiveMessage")),
        message="The role of the function of {id} does not allow `sqs:ReceiveMessage`",
        fix="Allow `sqs:ReceiveMessage`, `sqs:DeleteMessage` and `sqs:GetQueueAttributes` on the "
        "queue.",
        error_messages=(
            "The provided execution role does not have permissions to call ReceiveMessage on SQS",
        ),
        sources=("AWS Lambda developer guide: Using Lambda with Amazon SQS",),
    ),
    Constraint(
        "E9787",
        "AWS::ECS::Service",
        "A task role may not write the logs of ECS Exec.",
        when=All(
            IsTrue("EnableExecuteCommand"),
            _exec_logs_to("CloudWatchLogGroupName"),
        ),
        must=_TASK_ROLE_WRITES_LOGS,
        message="The task role of service {id} does not allow `logs:PutLogEvents` for the logs of "
        "ECS Exec",
        fix="Allow `logs:DescribeLogGroups` on `*`, and `logs:CreateLogStream`, "
        "`logs:DescribeLogStreams` and `logs:PutLogEvents` on the log group.",
        sources=("Amazon ECS developer guide: Using ECS Exec, Logging",),
    ),
    Constraint(
        "E9789",
        "AWS::ECS::Service",
        "A task role may not write the sessions of ECS Exec to their bucket.",
        when=All(IsTrue("EnableExecuteCommand"), _exec_logs_to("S3BucketName")),
        must=Refers(
            "TaskDefinition", "AWS::ECS::TaskDefinition", Allows("TaskRoleArn", "s3:PutObject")
        ),
        message="The task role of service {id} does not allow `s3:PutObject` for the logs of ECS "
        "Exec",
        fix="Allow `s3:PutObject` on the objects of the bucket, and "
        "`s3:GetEncryptionConfiguration` on the bucket.",
        sources=("Amazon ECS developer guide: Using ECS Exec, Logging",),
    ),
    Constraint(
        "E9790",
        "AWS::IAM::Role AssumeRolePolicyDocument.Statement[*]",
        "A trust policy for users of an identity provider allows only sts:AssumeRole.",
        when=All(
            Is("Effect", "Allow"),
            Present("Principal.Federated"),
            Absent("Principal.AWS"),
            Absent("Principal.Service"),
        ),
        must=Not(Each("Action[*]", Matches("", "(?i)sts:(AssumeRole|TagSession)"))),
        message="The trust policy of role {id} allows an identity provider only `sts:AssumeRole`",
        fix="Write `sts:AssumeRoleWithWebIdentity`, or `sts:AssumeRoleWithSAML` for SAML.",
        why="Users of an identity provider assume the role with another action. It can never be "
        "assumed.",
        error_messages=("Not authorized to perform sts:AssumeRoleWithWebIdentity",),
        sources=("IAM user guide: Create a role for OpenID Connect federation",),
    ),
    Constraint(
        "E9771",
        "AWS::ECS::CapacityProvider",
        "The role of container instances does not allow them to register.",
        must=Refers(
            _INSTANCES,
            "AWS::AutoScaling::AutoScalingGroup",
            Refers(
                "LaunchTemplate.LaunchTemplateId",
                "AWS::EC2::LaunchTemplate",
                All(
                    *(
                        Refers(
                            f"LaunchTemplateData.IamInstanceProfile.{key}",
                            "AWS::IAM::InstanceProfile",
                            Allows("Roles.0", "ecs:RegisterContainerInstance"),
                        )
                        for key in ("Arn", "Name")
                    )
                ),
            ),
        ),
        message="The role of the container instances of capacity provider {id} does not allow "
        "`ecs:RegisterContainerInstance`",
        fix="Attach `service-role/AmazonEC2ContainerServiceforEC2Role` to the role of the instance "
        "profile.",
        why="The agent of ECS registers its instance with the role of the instance. Without "
        "permission the cluster has no instances, and no task starts.",
        sources=("Amazon ECS developer guide: Amazon ECS container instance IAM role",),
    ),
    Constraint(
        "E9782",
        (
            "AWS::EC2::LaunchTemplate LaunchTemplateData.IamInstanceProfile.Arn",
            "AWS::EC2::LaunchTemplate LaunchTemplateData.IamInstanceProfile.Name",
            "AWS::EC2::Instance IamInstanceProfile",
            "AWS::AutoScaling::LaunchConfiguration IamInstanceProfile",
            "AWS::ECS::CapacityProvider ManagedInstancesProvider.InstanceLaunchTemplate"
            ".Ec2InstanceProfileArn",
        ),
        "The role of instances does not trust ec2.amazonaws.com.",
        must=Refers("", "AWS::IAM::InstanceProfile", Trusts("Roles.0", "ec2")),
        message="The role in the instance profile of {id} does not trust ec2.amazonaws.com",
        fix="Write `Service: ec2.amazonaws.com` in the role's trust policy.",
        why="The instances start without credentials. The agent of ECS cannot register them.",
        sources=(
            "IAM user guide: Use an IAM role to grant permissions to applications on EC2 instances",
        ),
    ),
    Constraint(
        "E9773",
        "AWS::S3::BucketPolicy PolicyDocument.Statement[*]",
        "A bucket policy allows actions on objects, but names only the bucket.",
        when=All(
            Some("Action[*]", Matches("", "(?i)s3:(get|put|delete)object(acl|tagging|version)?")),
            Some("Resource[*]", Present("")),
        ),
        must=Some(
            "Resource[*]",
            Not(
                Either(
                    IsReference("", "AWS::S3::Bucket", "Arn"),
                    Matches("", "arn:[^:]*:s3:::[^/*?]*"),
                )
            ),
        ),
        message="A statement of bucket policy {id} has actions on objects, but only the bucket as "
        "resource",
        fix="Add the objects to `Resource`: `!Sub ${<bucket>.Arn}/*`.",
        error_messages=("Action does not apply to any resource(s) in statement",),
        sources=(
            "Amazon S3 user guide: Policy resources for Amazon S3",
            "AWS's error message, reproduced by cdk-preflight",
        ),
    ),
    Constraint(
        "E9791",
        tuple(f"AWS::IAM::{kind} ManagedPolicyArns[]" for kind in ("Role", "User", "Group")),
        "A policy that is no managed policy is attached by its ARN.",
        must=Not(Either(IsReference("", "AWS::IAM::Policy"), IsReference("", _ROLE))),
        message="`ManagedPolicyArns` of {id} refers to something else than a managed policy",
        fix="Make it an `AWS::IAM::ManagedPolicy`, or write `Roles` in the `AWS::IAM::Policy`.",
        error_messages=("ARN ... is not valid.",),
        sources=("AWS CloudFormation template reference: AWS::IAM::Policy, Return values",),
    ),
    Constraint(
        "E9792",
        (
            "AWS::EC2::LaunchTemplate LaunchTemplateData.IamInstanceProfile",
            "AWS::EC2::Instance",
        ),
        "The name of an instance profile is where its ARN belongs, or the reverse.",
        must=All(
            Not(IsReference("Arn", _PROFILE, "Ref")),
            Not(IsReference("Name", _PROFILE, "Arn")),
            Not(IsReference("IamInstanceProfile", _PROFILE, "Arn")),
        ),
        message="{id} has the name of its instance profile in place of the ARN, or the reverse",
        fix="Write `Name: !Ref <profile>` or `Arn: !GetAtt <profile>.Arn`; an instance has the "
        "name.",
        error_messages=("Invalid IAM Instance Profile",),
        sources=(
            "AWS CloudFormation template reference: AWS::IAM::InstanceProfile, Return values",
        ),
    ),
    Constraint(
        "E9793",
        (
            "AWS::IAM::InstanceProfile Roles[]",
            "AWS::IAM::Policy Roles[]",
            "AWS::IAM::ManagedPolicy Roles[]",
            "AWS::IAM::RolePolicy RoleName",
        ),
        "A role is named by its ARN.",
        must=Not(Either(IsReference("", _ROLE, "Arn"), Matches("", "arn:.*"))),
        message="{id} names a role by its ARN",
        fix="Write the name: `!Ref <role>`.",
        error_messages=("The specified value for roleName is invalid.",),
        sources=("AWS CloudFormation template reference: AWS::IAM::Role, Return values",),
    ),
    Constraint(
        "E9794",
        (
            f"{_FUNCTION} Role",
            "AWS::StepFunctions::StateMachine RoleArn",
            "AWS::CodePipeline::Pipeline RoleArn",
            "AWS::Scheduler::Schedule Target.RoleArn",
            "AWS::Events::Rule Targets[].RoleArn",
            "AWS::CodeDeploy::DeploymentGroup ServiceRoleArn",
            "AWS::EC2::FlowLog DeliverLogsPermissionArn",
            "AWS::ECS::Service LoadBalancers[].AdvancedConfiguration.RoleArn",
            "AWS::ECS::Service VolumeConfigurations[].ManagedEBSVolume.RoleArn",
            "AWS::ECS::CapacityProvider ManagedInstancesProvider.InfrastructureRoleArn",
        ),
        "A role is named where its ARN belongs.",
        must=Not(IsReference("", _ROLE, "Ref")),
        message="{id} has the name of a role, not its ARN",
        fix="Write `!GetAtt <role>.Arn`.",
        sources=("AWS CloudFormation template reference: AWS::IAM::Role, Return values",),
    ),
)
