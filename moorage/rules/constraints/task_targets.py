"""Constraints of schedules, event rules and pipes that run tasks."""

from __future__ import annotations

from moorage.facts.event_targets import (
    MAX_GROUP,
    MAX_SECURITY_GROUPS,
    MAX_SUBNETS,
    MAX_TASKS,
    ROLE_SERVICES,
    RULE_PARAMETERS,
    SCHEDULE_PARAMETERS,
)
from moorage.rules.constraints.arns import IsArnOf
from moorage.rules.constraints.combinations import (
    All,
    AtMostItems,
    AtMostOne,
    Either,
    IsReference,
    Not,
    Refers,
)
from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.predicates import (
    Absent,
    Count,
    Is,
    IsTrue,
    Length,
    Matches,
    NotEmpty,
    Present,
    Within,
)

_RULE_TARGET = "AWS::Events::Rule Targets[]"
_SCHEDULE_TARGET = "AWS::Scheduler::Schedule Target"
_PIPE = "AWS::Pipes::Pipe"
_PARAMETERS = (
    f"{_SCHEDULE_TARGET}.EcsParameters",
    f"{_RULE_TARGET}.EcsParameters",
    f"{_PIPE} TargetParameters.EcsTaskParameters",
)
_PIPE_TASK = "TargetParameters.EcsTaskParameters"
_TASK = "AWS::ECS::TaskDefinition"
_RULES = "Amazon EventBridge API reference"
_SCHEDULER = "Amazon EventBridge Scheduler API reference"
_REPRODUCED = "AWS's error message, reproduced by cdk-preflight"
_NOT_FARGATE = Is("LaunchType", "EC2", "EXTERNAL")
_IS_AWSVPC = Is("NetworkMode", "awsvpc")
_NETWORKS = tuple(f"NetworkConfiguration.{key}Configuration" for key in ("Awsvpc", "AwsVpc"))
"""The key of schedules and pipes, and that of rules."""
_IS_WITHIN_LIMITS = All(
    Within("TaskCount", 1, MAX_TASKS),
    Length("Group", 1, MAX_GROUP),
    Count("NetworkConfiguration.AwsVpcConfiguration.Subnets", 1, MAX_SUBNETS),
    Count("NetworkConfiguration.AwsVpcConfiguration.SecurityGroups", 0, MAX_SECURITY_GROUPS),
)
"""For rules: the schemas of schedules and pipes have these limits."""

CONSTRAINTS = (
    Constraint(
        "E9129",
        _PARAMETERS,
        "The platform version of a schedule, rule or pipe has the wrong form.",
        must=Matches("PlatformVersion", r"LATEST|[0-9]+\.[0-9]+\.[0-9]+"),
        message="{id} runs tasks with the platform version {PlatformVersion}",
        fix="Write only the numbers, such as `1.4.0`.",
        sources=(f"{_SCHEDULER}: EcsParameters, PlatformVersion",),
    ),
    Constraint(
        "E9150",
        _PARAMETERS,
        "A schedule, rule or pipe has settings of Fargate for tasks that are not on Fargate.",
        when=_NOT_FARGATE,
        must=All(
            *(Not(Is(f"{network}.AssignPublicIp", "ENABLED")) for network in _NETWORKS),
            Absent("PlatformVersion"),
        ),
        message="{id} runs tasks with `AssignPublicIp: ENABLED` or a `PlatformVersion`, but not "
        "with the launch type `FARGATE`",
        fix="Write `DISABLED`, and no `PlatformVersion`.",
        error_messages=(
            "Parameter AssignPublicIp for target ... is not supported when launch type is EC2",
            "Parameter PlatformVersion for target ... is not supported when launch type is EC2",
        ),
        sources=(f"{_SCHEDULER}: AwsVpcConfiguration, AssignPublicIp", _REPRODUCED),
    ),
    Constraint(
        "E9151",
        _PARAMETERS,
        "A schedule, rule or pipe has a launch type and a capacity provider strategy.",
        must=AtMostOne(Present("LaunchType"), NotEmpty("CapacityProviderStrategy")),
        message="{id} runs tasks with a `LaunchType` and a `CapacityProviderStrategy`",
        fix="Keep one of them.",
        sources=(f"{_SCHEDULER}: EcsParameters, CapacityProviderStrategy",),
    ),
    Constraint(
        "E9152",
        tuple(f"{about}.PlacementConstraints[]" for about in _PARAMETERS),
        "A placement constraint of the type distinctInstance has an expression.",
        when=Is("Type", "distinctInstance"),
        must=Absent("Expression"),
        message="{id} has a placement constraint of the type `distinctInstance` with an expression",
        fix="Remove `Expression`.",
        sources=(f"{_SCHEDULER}: PlacementConstraint, Expression",),
    ),
    Constraint(
        "E9049",
        _PARAMETERS,
        "A schedule, rule or pipe runs tasks in a VPC without subnets.",
        when=Either(Is("LaunchType", "FARGATE"), Refers("TaskDefinitionArn", _TASK, _IS_AWSVPC)),
        must=Present("NetworkConfiguration"),
        message="{id} runs tasks that have a network interface, but has no `NetworkConfiguration`",
        fix="Write `NetworkConfiguration` with the subnets and security groups of the tasks.",
        error_messages=(
            "Parameter NetworkConfiguration must be specified for target ... when launch type is "
            "FARGATE",
            "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
        ),
        sources=(f"{_RULES}: EcsParameters, NetworkConfiguration", "Songmu/ecschedule#22"),
    ),
    Constraint(
        "E9050",
        _PARAMETERS,
        "The network mode of a task does not fit the schedule, rule or pipe that runs it.",
        when=Present("NetworkConfiguration"),
        must=Refers("TaskDefinitionArn", _TASK, _IS_AWSVPC),
        message="{id} has a `NetworkConfiguration`, but its task definition has another network "
        "mode than `awsvpc`",
        fix="Write `NetworkMode: awsvpc` in the task definition, or remove `NetworkConfiguration`.",
        error_messages=(
            "Network Configuration is not valid for the given networkMode of this task definition.",
        ),
        sources=(
            "aws-actions/amazon-ecs-deploy-task-definition#616",
            "Amazon ECS API reference: RunTask, networkConfiguration",
        ),
    ),
    Constraint(
        "E9051",
        _PARAMETERS,
        "A schedule, rule or pipe exceeds a limit for the tasks that it runs.",
        must=All(
            AtMostItems("CapacityProviderStrategy", 1, Within("Base", 1, None)),
            Either(_IS_WITHIN_LIMITS, Absent("/Targets")),
        ),
        message="{key} of the tasks that {id} runs is not within the limits of ECS or EventBridge",
        fix=f"Write a `Base` for one capacity provider, at most {MAX_TASKS} tasks, from 1 to "
        f"{MAX_SUBNETS} subnets and at most {MAX_SECURITY_GROUPS} security groups.",
        error_messages=(
            "Parameter Subnets is not valid. Reason: size must be in between 1 and 16",
            "Parameter SecurityGroups is not valid. Reason: size must be in between 0 and 5",
        ),
        sources=(f"{_SCHEDULER}: CapacityProviderStrategyItem, base", _REPRODUCED),
    ),
    Constraint(
        "E9052",
        (_RULE_TARGET, _SCHEDULE_TARGET, _PIPE),
        "A schedule, rule or pipe does not run its tasks in a cluster.",
        must=All(
            Either(Absent(_PIPE_TASK), IsArnOf("Target", "ecs")),
            Either(Present(_PIPE_TASK), Not(IsArnOf("Target", "ecs"))),
            Not(IsReference("Target", _TASK)),
            Either(Absent("EcsParameters"), IsArnOf("Arn", "ecs")),
            Either(Present("EcsParameters"), Not(IsArnOf("Arn", "ecs"))),
            Not(IsReference("Arn", _TASK)),
            Not(IsReference("Arn", "AWS::ECS::Service")),
            Not(IsReference("Arn", "AWS::ECS::Cluster", "Ref")),
            Not(Matches("Arn", "arn:[^:]+:ecs:[^:]+:[0-9]+:(service|task-definition)/.*")),
        ),
        message="{id} has a target whose ARN and parameters do not run tasks in a cluster",
        fix="Write `!GetAtt <cluster>.Arn`, and `TaskDefinitionArn` in `EcsParameters`, or of a "
        "pipe in `EcsTaskParameters`.",
        error_messages=(
            "Parameter(s) EcsParameters must be specified for target: ...",
            "Parameter(s) EcsParameters not supported for target: ...",
        ),
        sources=(f"{_RULES}: Target, EcsParameters", _REPRODUCED),
    ),
    Constraint(
        "E9053",
        _RULE_TARGET,
        "A target of an event rule has no role.",
        when=IsArnOf("Arn", *ROLE_SERVICES),
        must=Present("RoleArn"),
        message="Rule {id} has a target that EventBridge calls with a role, but no `RoleArn`",
        fix="Write `RoleArn` with a role that trusts events.amazonaws.com and may call the target.",
        error_messages=("RoleArn is required for target ...",),
        sources=("Amazon EventBridge user guide: Using resource-based policies", _REPRODUCED),
    ),
    Constraint(
        "E9055",
        (_RULE_TARGET, _SCHEDULE_TARGET),
        "The parameters of a target are those of another service.",
        must=All(
            *(
                Either(Absent(key), IsArnOf("Arn", *services))
                for key, services in {**RULE_PARAMETERS, **SCHEDULE_PARAMETERS}.items()
                if key != "EcsParameters"
            ),
            Either(
                Not(Refers("Arn", "AWS::SQS::Queue", IsTrue("FifoQueue"))),
                Present("SqsParameters.MessageGroupId"),
            ),
            Refers(
                "Arn",
                "AWS::SQS::Queue",
                Either(Not(IsTrue("FifoQueue")), IsTrue("ContentBasedDeduplication")),
            ),
        ),
        message="{id} has a target whose parameters do not fit it",
        fix="Write the parameters of the service that the ARN is of: `SqsParameters` with "
        "`MessageGroupId` for a FIFO queue, which needs `ContentBasedDeduplication: true`.",
        error_messages=(
            "Parameter(s) ... not supported for target: ...",
            "Parameter(s) SqsParameters must be specified for target: ...",
        ),
        sources=(f"{_RULES}: Target, SqsParameters", f"{_SCHEDULER}: Target", _REPRODUCED),
    ),
)
