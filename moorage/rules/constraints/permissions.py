"""Constraints of roles and keys that services use."""

from __future__ import annotations

from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.predicates import Matches
from moorage.rules.constraints.relations import Allows, KeyTrusts, Trusts

CONSTRAINTS = (
    Constraint(
        "E9731",
        "AWS::Scheduler::Schedule Target",
        "The role of a schedule does not trust EventBridge Scheduler.",
        must=Trusts("RoleArn", "scheduler"),
        message="The role of schedule {id} does not trust scheduler.amazonaws.com",
        fix="Write `Service: scheduler.amazonaws.com` in the trust policy.",
        error_messages=(
            "The execution role you provide must allow AWS EventBridge Scheduler to assume the "
            "role.",
        ),
        sources=(
            "ministryofjustice/modernisation-platform#6060",
            "Amazon EventBridge Scheduler user guide: Setting up the execution role",
        ),
        failure_ids=("sched-role-trusts-events",),
    ),
    Constraint(
        "E9811",
        "AWS::Logs::LogGroup",
        "The key of a log group does not allow CloudWatch Logs to use it.",
        must=KeyTrusts("KmsKeyId", "logs"),
        message="The policy of the key of log group {id} has no statement for CloudWatch Logs",
        fix="Allow `Service: !Sub logs.${AWS::Region}.amazonaws.com` to encrypt and decrypt in the "
        "key's policy.",
        why="The statement for the account's root user does not include services. Without one for "
        "CloudWatch Logs, the log group is not created.",
        error_messages=(
            "The specified KMS key does not exist or is not allowed to be used with Arn "
            "'arn:aws:logs:...:log-group:...'",
        ),
        sources=("aws/aws-cdk#28304", "hashicorp/terraform-provider-aws#29282"),
        failure_ids=("logs-key-not-for-cloudwatch-logs",),
    ),
    Constraint(
        "E9812",
        "AWS::ECS::Cluster Configuration.ManagedStorageConfiguration",
        "The key for the ephemeral storage of Fargate does not allow Fargate to use it.",
        must=KeyTrusts(
            "FargateEphemeralStorageKmsKeyId", "fargate", "kms:GenerateDataKeyWithoutPlaintext"
        ),
        message="The policy of the key for ephemeral storage of cluster {id} does not allow "
        "Fargate `kms:GenerateDataKeyWithoutPlaintext`",
        fix="Allow `Service: fargate.amazonaws.com` the actions "
        "`kms:GenerateDataKeyWithoutPlaintext` and `kms:CreateGrant` in the key's policy.",
        why="The statement for the account's root user does not include services. Without "
        "statements for Fargate no task starts.",
        sources=(
            "Amazon ECS developer guide: Customer managed keys for Fargate ephemeral storage",
        ),
        failure_ids=("cluster-ephemeral-storage-key-not-for-fargate",),
    ),
    Constraint(
        "E9741",
        "AWS::StepFunctions::StateMachine Definition.States{}",
        "The role of a state machine that waits for a task lacks a permission for EventBridge.",
        when=Matches("Resource", r"arn:[^:]*:states:::ecs:runTask\.sync"),
        must=Allows("/RoleArn", "events:PutRule"),
        message="State machine {id} waits for a task, but its role does not allow `events:PutRule`",
        fix="Allow `events:PutTargets`, `events:PutRule` and `events:DescribeRule` on the rule "
        "`StepFunctionsGetEventsForECSTaskRule`.",
        why="Step Functions learns from a rule of EventBridge that the task ended. Without "
        "permission to create it, the state machine is refused.",
        error_messages=("'arn:aws:iam::...:role/...' is not authorized to create managed-rule.",),
        sources=("terraform-aws-modules/terraform-aws-step-functions#11",),
        failure_ids=("sfn-run-task-sync-without-events",),
    ),
    Constraint(
        "E9766",
        "AWS::ECS::TaskDefinition ContainerDefinitions[].EnvironmentFiles[]",
        "The execution role may not read an environment file.",
        must=Allows("/ExecutionRoleArn", "s3:GetObject"),
        message="The execution role of task definition {id} does not allow `s3:GetObject`, which "
        "its environment files need",
        fix="Allow `s3:GetObject` on the file, and `s3:GetBucketLocation` on its bucket.",
        sources=(
            "Amazon ECS developer guide: Pass environment variables, Required IAM permissions",
        ),
        failure_ids=("envfile-no-permission",),
    ),
)
