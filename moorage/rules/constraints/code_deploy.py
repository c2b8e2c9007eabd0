"""Constraints of CodeDeploy's deployment groups and deployment configurations."""

from __future__ import annotations

from moorage.facts.codedeploy import (
    MAX_ALARMS,
    MAX_TRIGGERS,
    RESERVED_PREFIX,
    SHIFT_MINUTES,
    SHIFT_PERCENT,
    TERMINATION_WAIT_MINUTES,
)
from moorage.rules.constraints.combinations import All, AtMostOne, Either, Not
from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.predicates import (
    Absent,
    Count,
    Is,
    IsTrue,
    NotEmpty,
    Predicate,
    Present,
    StartsWith,
    Unique,
    Within,
)
from moorage.rules.constraints.relations import Allows

_CONFIG = "AWS::CodeDeploy::DeploymentConfig"
_ROUTING = f"{_CONFIG} TrafficRoutingConfig"
_GROUP = "AWS::CodeDeploy::DeploymentGroup"
_BLUE_GREEN = f"{_GROUP} BlueGreenDeploymentConfiguration"
_API = "AWS CodeDeploy API reference"
_GUIDE = "AWS CodeDeploy user guide"
_FOR_TRAFFIC = Is("ComputePlatform", "ECS", "Lambda")
_BLOCKS = ("TimeBasedCanary", "TimeBasedLinear")
_INSTANCES = ("Ec2TagFilters", "Ec2TagSet", "OnPremisesInstanceTagFilters", "OnPremisesTagSet")


def _linear_takes_at_most(minutes: int) -> Predicate:
    """From the first to the last shift, steps of p percent need ceil(100 / p) - 1 intervals."""
    low, high = SHIFT_PERCENT
    intervals = {-(-100 // percent) - 1 for percent in range(low, high + 1)}
    return All(
        *(
            Either(
                Not(Within("LinearPercentage", -(-100 // (count + 1)), 99 // count)),
                Within("LinearInterval", None, minutes // count),
            )
            for count in sorted(intervals)
        )
    )


CONSTRAINTS = (
    Constraint(
        "E9334",
        _CONFIG,
        "A deployment configuration for ECS or Lambda does not say how to shift traffic.",
        when=_FOR_TRAFFIC,
        must=Present("TrafficRoutingConfig"),
        message="Deployment configuration {id} for {ComputePlatform} has no `TrafficRoutingConfig`",
        fix="Write `TrafficRoutingConfig` with `Type: AllAtOnce`, or a canary or linear shift.",
        error_messages=(
            "Traffic routing configuration cannot be null nor empty for deployment configurations "
            "on this platform.",
        ),
        sources=(f"{_API}: CreateDeploymentConfig, trafficRoutingConfig",),
    ),
    Constraint(
        "E9335",
        _CONFIG,
        "A deployment configuration for ECS or Lambda has settings for servers.",
        when=_FOR_TRAFFIC,
        must=All(Absent("MinimumHealthyHosts"), Absent("ZonalConfig")),
        message="Deployment configuration {id} for {ComputePlatform} has `MinimumHealthyHosts` or "
        "`ZonalConfig`, which are for servers",
        fix="Remove `MinimumHealthyHosts` and `ZonalConfig`.",
        error_messages=(
            "minimum healthy hosts should be null for ... deployment configuration",
            "Zonal deployments are only supported with EC2 deployments.",
        ),
        sources=(f"{_API}: CreateDeploymentConfig, minimumHealthyHosts and zonalConfig",),
    ),
    Constraint(
        "E9336",
        _CONFIG,
        "A deployment configuration for servers shifts traffic, or has no healthy hosts.",
        when=Is("ComputePlatform", "Server", default="Server"),
        must=All(Absent("TrafficRoutingConfig"), Present("MinimumHealthyHosts")),
        message="Deployment configuration {id} is for servers, for which CodeDeploy requires "
        "`MinimumHealthyHosts` and no `TrafficRoutingConfig`",
        fix="Write `ComputePlatform: ECS` if the configuration is for ECS; otherwise "
        "`MinimumHealthyHosts`, and no `TrafficRoutingConfig`.",
        why="A configuration without ComputePlatform is for servers.",
        error_messages=(
            "Traffic routing configuration should be null for Server deployment configuration",
            "minimum healthy hosts argument is missing",
        ),
        sources=(f"{_API}: CreateDeploymentConfig, computePlatform",),
    ),
    Constraint(
        "E9337",
        _ROUTING,
        "The settings of a traffic shift are not those of its type.",
        must=Either(
            All(Is("Type", "AllAtOnce"), *(Absent(block) for block in _BLOCKS)),
            All(Is("Type", _BLOCKS[0]), Present(_BLOCKS[0]), Absent(_BLOCKS[1])),
            All(Is("Type", _BLOCKS[1]), Present(_BLOCKS[1]), Absent(_BLOCKS[0])),
        ),
        message="Deployment configuration {id} shifts traffic with `Type` {Type}, but its settings "
        "are those of another type",
        fix="Write `TimeBasedCanary` for the type `TimeBasedCanary`, `TimeBasedLinear` for "
        "`TimeBasedLinear`, and neither for `AllAtOnce`.",
        error_messages=(
            "TimeBasedLinear Configuration should be null for TimeBasedCanary type",
            "TimeBasedCanary Configuration should not be null for TimeBasedCanary type",
        ),
        sources=(f"{_API}: TrafficRoutingConfig",),
    ),
    Constraint(
        "E9338",
        _ROUTING,
        "A step of a traffic shift is not from 1 to 99 percent.",
        must=All(
            Within("TimeBasedCanary.CanaryPercentage", *SHIFT_PERCENT),
            Within("TimeBasedLinear.LinearPercentage", *SHIFT_PERCENT),
        ),
        message="Deployment configuration {id} has a step that is not from 1 to 99 percent",
        fix="Write a number from 1 to 99, or `Type: AllAtOnce`.",
        error_messages=("Valid traffic routing percentage is from 1 to 99",),
        sources=(f"{_GUIDE}: CodeDeploy quotas",),
    ),
    Constraint(
        "E9339",
        _ROUTING,
        "The steps of a traffic shift are not from 1 to 2880 minutes apart.",
        must=All(
            Within("TimeBasedCanary.CanaryInterval", 1, SHIFT_MINUTES),
            Within("TimeBasedLinear.LinearInterval", 1, SHIFT_MINUTES),
        ),
        message="Deployment configuration {id} has an interval that is not from 1 to "
        f"{SHIFT_MINUTES} minutes",
        fix=f"Write from 1 to {SHIFT_MINUTES} minutes, which are two days.",
        error_messages=("Canary interval must be between 1 and 2880 minutes (2 days)",),
        sources=(f"{_GUIDE}: CodeDeploy quotas",),
    ),
    Constraint(
        "E9341",
        f"{_ROUTING}.TimeBasedLinear",
        "A linear shift of traffic takes longer than two days.",
        when=Within("LinearInterval", 1, SHIFT_MINUTES),
        must=_linear_takes_at_most(SHIFT_MINUTES),
        message="Deployment configuration {id} shifts {LinearPercentage} percent every "
        "{LinearInterval} minutes, which takes longer than two days",
        fix=f"Write a shorter `LinearInterval`: the last shift is at most {SHIFT_MINUTES} minutes "
        f"after the first.",
        error_messages=(
            "Total Traffic shifting intervals must be positive integers up to 2880 minutes (2 "
            "days)",
        ),
        sources=(f"{_GUIDE}: CodeDeploy quotas",),
    ),
    Constraint(
        "E9342",
        _CONFIG,
        "The name of a deployment configuration begins with CodeDeployDefault.",
        must=Not(StartsWith("DeploymentConfigName", (RESERVED_PREFIX,))),
        message="Deployment configuration {id} has the name {DeploymentConfigName}, whose "
        "beginning is reserved for the configurations of AWS",
        fix="Write another name, or use the predefined configuration and remove this one.",
        error_messages=(
            "The prefix CodeDeployDefault. is reserved for predefined configuration names",
        ),
        sources=(f"{_GUIDE}: Working with deployment configurations in CodeDeploy",),
    ),
    Constraint(
        "E9343",
        f"{_GROUP} AlarmConfiguration",
        "A deployment group monitors no alarm, or more than ten.",
        when=IsTrue("Enabled"),
        must=All(NotEmpty("Alarms"), Count("Alarms", 1, MAX_ALARMS)),
        message="Deployment group {id} monitors alarms, but has none or more than ten",
        fix=f"List from 1 to {MAX_ALARMS} alarms, or write `Enabled: false`.",
        error_messages=(
            "Deployment Groups need to have at least one alarms attached if they are monitored.",
        ),
        sources=(f"{_API}: AlarmConfiguration",),
    ),
    Constraint(
        "E9344",
        f"{_GROUP} AutoRollbackConfiguration",
        "A deployment group rolls back on no event.",
        when=IsTrue("Enabled"),
        must=NotEmpty("Events"),
        message="Deployment group {id} has `AutoRollbackConfiguration` without `Events`",
        fix="List `DEPLOYMENT_FAILURE`, and `DEPLOYMENT_STOP_ON_ALARM` if it has alarms.",
        error_messages=(
            "Deployment Groups need to have at least one event specified when auto rollback is "
            "enabled",
        ),
        sources=(f"{_API}: AutoRollbackConfiguration",),
    ),
    Constraint(
        "E9345",
        f"{_BLUE_GREEN}.DeploymentReadyOption",
        "The wait before the shift of traffic does not fit what follows it.",
        when=Present("ActionOnTimeout"),
        must=Either(
            All(
                Is("ActionOnTimeout", "CONTINUE_DEPLOYMENT"),
                Either(Absent("WaitTimeInMinutes"), Is("WaitTimeInMinutes", "0")),
            ),
            All(Is("ActionOnTimeout", "STOP_DEPLOYMENT"), Not(Is("WaitTimeInMinutes", "0"))),
        ),
        message="Deployment group {id} has `ActionOnTimeout` {ActionOnTimeout} with "
        "`WaitTimeInMinutes` {WaitTimeInMinutes}",
        fix="To wait, write `STOP_DEPLOYMENT` and one minute or more; otherwise "
        "`CONTINUE_DEPLOYMENT` without `WaitTimeInMinutes`.",
        error_messages=(
            "Deployment ready action cannot be set to 'CONTINUE_DEPLOYMENT' when timeout is "
            "specified",
            "Deployment ready action cannot be set to STOP_DEPLOYMENT when timeout is set to 0 "
            "minutes.",
        ),
        sources=(f"{_API}: DeploymentReadyOption, waitTimeInMinutes",),
    ),
    Constraint(
        "E9346",
        f"{_BLUE_GREEN}.TerminateBlueInstancesOnDeploymentSuccess",
        "The old tasks are kept for longer than two days after a deployment.",
        must=Within("TerminationWaitTimeInMinutes", *TERMINATION_WAIT_MINUTES),
        message="Deployment group {id} waits for {TerminationWaitTimeInMinutes} minutes before it "
        "terminates the old tasks",
        fix=f"Write at most {TERMINATION_WAIT_MINUTES[1]}.",
        error_messages=("Timeout for instance termination cannot be more than 2 days",),
        sources=(f"{_API}: BlueInstanceTerminationOption, terminationWaitTimeInMinutes",),
    ),
    Constraint(
        "E9347",
        _GROUP,
        "Two triggers of a deployment group have the same name or topic, or there are more than "
        "ten.",
        must=All(
            Unique("TriggerConfigurations", ("TriggerName",), Present("TriggerName")),
            Unique("TriggerConfigurations", ("TriggerTargetArn",), Present("TriggerTargetArn")),
            Count("TriggerConfigurations", 0, MAX_TRIGGERS),
        ),
        message="Deployment group {id} has two triggers with the same name or topic, or more than "
        "ten",
        fix="List all events of a topic in one trigger, each trigger with a name of its own.",
        error_messages=(
            "Duplicate Trigger target name detected",
            "Duplicate Trigger target arn detected",
            "Deployment Groups cannot contain more than 10 TriggerTargets.",
        ),
        sources=("AWS's error message, reproduced by cdk-preflight",),
    ),
    Constraint(
        "E9348",
        _GROUP,
        "A deployment group selects instances for ECS, or in two ways.",
        must=All(
            Either(Not(NotEmpty("ECSServices")), All(*(Absent(key) for key in _INSTANCES))),
            AtMostOne(NotEmpty("Ec2TagFilters"), Present("Ec2TagSet")),
            AtMostOne(NotEmpty("OnPremisesInstanceTagFilters"), Present("OnPremisesTagSet")),
        ),
        message="Deployment group {id} is for ECS and selects instances by their tags, or has tag "
        "filters and tag sets",
        fix="Remove both for ECS. For servers, keep the filters if any of the tags suffices, or "
        "the sets if all are required.",
        error_messages=(
            "For ECS deployment group, ... can not be specified",
            "The request specified both Ec2TagFilters and Ec2TagSet, but only one of these data "
            "types can be used in a single call.",
        ),
        sources=(f"{_API}: CreateDeploymentGroup, ec2TagSet and onPremisesTagSet",),
    ),
    Constraint(
        "E9349",
        _GROUP,
        "The role of a deployment group for ECS may not deploy to ECS.",
        when=NotEmpty("ECSServices"),
        must=All(
            Allows("ServiceRoleArn", "ecs:CreateTaskSet"),
            Allows("ServiceRoleArn", "elasticloadbalancing:ModifyListener"),
        ),
        message="The role of deployment group {id}, which is for ECS, does not allow "
        "`ecs:CreateTaskSet`, `elasticloadbalancing:ModifyListener` or both",
        fix="Attach the managed policy `AWSCodeDeployRoleForECS`; `AWSCodeDeployRole` is for "
        "servers.",
        error_messages=(
            "The IAM role ... does not give you permission to perform operations in the following "
            "AWS service: ...",
        ),
        sources=("Amazon ECS developer guide: Amazon ECS CodeDeploy IAM Role",),
    ),
)
