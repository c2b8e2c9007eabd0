"""Constraints of the roles that services assume: whom they trust, and what they allow."""

from __future__ import annotations

from moorage.rules.constraints.combinations import All, Either, IsReference, Not, Refers, Some
from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.predicates import (
    Absent,
    Is,
    Matches,
    NotEmpty,
    Predicate,
    Present,
)
from moorage.rules.constraints.relations import Allows, Trusts

_MACHINE = "AWS::StepFunctions::StateMachine"
_STATE = f"{_MACHINE} Definition.States{{}}"
_PROJECT = "AWS::CodeBuild::Project"
_FUNCTION = "AWS::Lambda::Function"
_ACTION = "AWS::CodePipeline::Pipeline Stages[].Actions[]"
_SCHEDULE = "AWS::Scheduler::Schedule Target"
_TARGET = "AWS::Events::Rule Targets[]"
_RUN_TASK = r"arn:[^:]*:states:::ecs:runTask(\..*)?"


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
        _MACHINE,
        "RoleArn",
        "states",
        "a state machine",
        "AWS Step Functions developer guide: Creating an IAM role for your state machine",
        "Neither the global service principal states.amazonaws.com, nor the regional one is "
        "authorized to assume the provided role.",
    ),
    _trust(
        9776,
        _PROJECT,
        "ServiceRole",
        "codebuild",
        "a build project",
        "AWS CodeBuild user guide: Allow CodeBuild to interact with other AWS services",
        "CodeBuild is not authorized to perform: sts:AssumeRole",
    ),
    _trust(
        9777,
        "AWS::CodePipeline::Pipeline",
        "RoleArn",
        "codepipeline",
        "a pipeline",
        "AWS CodePipeline user guide: CodePipeline service role",
        "CodePipeline is not authorized to perform AssumeRole on role",
    ),
    _trust(
        9778,
        _TARGET,
        "RoleArn",
        "events",
        "a target of an event rule",
        "Amazon EventBridge user guide: Using identity-based policies",
    ),
    _trust(
        9779,
        _FUNCTION,
        "Role",
        "lambda",
        "a function",
        "AWS Lambda developer guide: Defining Lambda function permissions with an execution role",
        "The role defined for the function cannot be assumed by Lambda.",
    ),
    _trust(
        9783,
        "AWS::EC2::FlowLog",
        "DeliverLogsPermissionArn",
        "vpc-flow-logs",
        "a flow log",
        "Amazon VPC user guide: IAM role for publishing flow logs to CloudWatch Logs",
    ),
    _trust(
        9784,
        "AWS::AutoScaling::LifecycleHook",
        "RoleARN",
        "autoscaling",
        "a lifecycle hook of an Auto Scaling group",
        "Amazon EC2 Auto Scaling user guide: Prepare to add a lifecycle hook",
        "Unable to publish test message to notification target",
    ),
)

_PERMISSIONS = (
    _permission(
        9786,
        _PROJECT,
        "ServiceRole",
        "ec2:CreateNetworkInterface",
        "a build project in a VPC",
        "AWS CodeBuild user guide: Allow access to VPC network interfaces",
        when=Present("VpcConfig"),
        why="CodeBuild creates a network interface in the VPC for each build, with the role of the "
        "project. Every build fails.",
        error="UnauthorizedOperation: You are not authorized to perform this operation.",
    ),
    _permission(
        9787,
        _PROJECT,
        "ServiceRole",
        "logs:PutLogEvents",
        "a build project",
        "AWS CodeBuild user guide: Allow CodeBuild to interact with other AWS services",
        when=All(
            Is("LogsConfig.CloudWatchLogs.Status", "ENABLED", default="ENABLED"),
            Not(Is("LogsConfig.S3Logs.Status", "ENABLED")),
        ),
        error="is not authorized to perform: logs:CreateLogStream",
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
        9789,
        _STATE,
        "/RoleArn",
        "ecs:RunTask",
        "a state machine that runs a task",
        "AWS Step Functions developer guide: Run Amazon ECS or Fargate tasks, IAM policies",
        when=Matches("Resource", _RUN_TASK),
        error="is not authorized to perform: ecs:RunTask on resource",
    ),
    _permission(
        9790,
        _STATE,
        "/RoleArn",
        "iam:PassRole",
        "a state machine that runs a task",
        "AWS Step Functions developer guide: Run Amazon ECS or Fargate tasks, IAM policies",
        when=All(
            Matches("Resource", _RUN_TASK),
            Either(
                *(
                    Refers(f"{parameters}.TaskDefinition", "AWS::ECS::TaskDefinition", role)
                    for parameters in ("Parameters", "Arguments")
                    for role in (Present("ExecutionRoleArn"), Present("TaskRoleArn"))
                )
            ),
        ),
        why="To run a task the role must be allowed to pass the execution role and the task role.",
        error="is not authorized to perform: iam:PassRole on resource",
    ),
    _permission(
        9791,
        (_SCHEDULE, _TARGET),
        "RoleArn",
        "ecs:RunTask",
        "a schedule or event rule that runs a task",
        "Amazon EventBridge user guide: Using identity-based policies, ECS targets",
        when=Present("EcsParameters"),
        why="The schedule or rule is created, and never starts a task.",
    ),
    _permission(
        9792,
        (_SCHEDULE, _TARGET),
        "RoleArn",
        "iam:PassRole",
        "a schedule or event rule that runs a task",
        "Amazon EventBridge user guide: Using identity-based policies, ECS targets",
        when=Either(
            *(
                Refers("EcsParameters.TaskDefinitionArn", "AWS::ECS::TaskDefinition", role)
                for role in (Present("ExecutionRoleArn"), Present("TaskRoleArn"))
            )
        ),
        why="To run a task the role must be allowed to pass the execution role and the task role. "
        "The schedule or rule is created, and never starts a task.",
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
    _permission(
        9793,
        _ACTION,
        "/RoleArn",
        "codebuild:StartBuild",
        "a pipeline with a build",
        "AWS CodePipeline user guide: Add permissions to the CodePipeline service role",
        when=All(
            Is("ActionTypeId.Provider", "CodeBuild"),
            Is("ActionTypeId.Owner", "AWS"),
            Absent("RoleArn"),
        ),
        why="The pipeline is created, and stops at its build.",
    ),
    _permission(
        9794,
        _ACTION,
        "/RoleArn",
        "ecs:UpdateService",
        "a pipeline that deploys to ECS",
        "AWS CodePipeline user guide: Add permissions to the CodePipeline service role",
        when=All(
            Is("ActionTypeId.Provider", "ECS"),
            Is("ActionTypeId.Owner", "AWS"),
            Absent("RoleArn"),
        ),
        why="The pipeline is created, and stops at its deployment.",
    ),
)

_INSTANCES = "AutoScalingGroupProvider.AutoScalingGroupArn"

CONSTRAINTS = (
    *_TRUSTS,
    *_PERMISSIONS,
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
)
