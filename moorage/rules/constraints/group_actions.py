"""Constraints of the hooks, warm pools, policies and schedules of Auto Scaling groups."""

from __future__ import annotations

from moorage.facts.auto_scaling_groups import (
    HEARTBEAT_TIMEOUT,
    MAX_HOOKS_OF_NEW_GROUP,
    RECURRENCE,
    SETTINGS_OF_OTHER_TYPES,
)
from moorage.rules.constraints.combinations import (
    All,
    Either,
    IsReference,
    Not,
    Refers,
    Some,
)
from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.predicates import (
    Absent,
    Count,
    Is,
    IsTrue,
    Matches,
    Present,
    Unique,
    Within,
)
from moorage.rules.constraints.relations import Allows, Trusts

_GROUP = "AWS::AutoScaling::AutoScalingGroup"
_HOOK = "AWS::AutoScaling::LifecycleHook"
_POLICY = "AWS::AutoScaling::ScalingPolicy"
_SCHEDULE = "AWS::AutoScaling::ScheduledAction"
_API = "Amazon EC2 Auto Scaling API reference"
_HOOKS = (_HOOK, f"{_GROUP} LifecycleHookSpecificationList[]")
_OVERRIDES = "LaunchTemplate.Overrides"
_IS_TOPIC = Either(
    IsReference("NotificationTargetARN", "AWS::SNS::Topic"),
    Matches("NotificationTargetARN", "arn:[^:]*:sns:.*"),
)
_IS_QUEUE = Either(
    IsReference("NotificationTargetARN", "AWS::SQS::Queue"),
    Matches("NotificationTargetARN", "arn:[^:]*:sqs:.*"),
)
_IS_FUNCTION = Either(
    IsReference("NotificationTargetARN", "AWS::Lambda::Function"),
    Matches("NotificationTargetARN", "arn:[^:]*:lambda:.*"),
)

CONSTRAINTS = (
    # Lifecycle hooks --------------------------------------------------------------------------
    Constraint(
        "E9659",
        _HOOKS,
        "The timeout of a lifecycle hook is out of range.",
        must=Within("HeartbeatTimeout", *HEARTBEAT_TIMEOUT),
        message="A lifecycle hook of {id} has the `HeartbeatTimeout` {HeartbeatTimeout}",
        fix="Write 30 to 7200 seconds.",
        error_messages=("HeartbeatTimeout must be between 30 and 7200 seconds",),
        sources=(f"{_API}: PutLifecycleHook, HeartbeatTimeout",),
    ),
    Constraint(
        "E9660",
        _HOOKS,
        "A lifecycle hook has a target without a role, or a role without a target.",
        must=All(
            Either(Absent("RoleARN"), Present("NotificationTargetARN")),
            Either(Present("RoleARN"), Not(Either(_IS_TOPIC, _IS_QUEUE))),
        ),
        message=(
            "A lifecycle hook of {id} has a `RoleARN`, but no `NotificationTargetARN`",
            "A lifecycle hook of {id} has a topic or queue, but no `RoleARN`",
        ),
        fix="Write both, or neither.",
        error_messages=(
            "'RoleARN' parameter required when 'NotificationTargetARN' parameter is specified",
            "'NotificationTargetARN' parameter required when 'RoleARN' parameter is specified",
        ),
        sources=(f"{_API}: PutLifecycleHook, RoleARN",),
    ),
    Constraint(
        "E9661",
        _HOOKS,
        "A lifecycle hook has a role for a Lambda function.",
        when=_IS_FUNCTION,
        must=Absent("RoleARN"),
        message="A lifecycle hook of {id} has a Lambda function and a `RoleARN`",
        fix="Remove `RoleARN`, and add an `AWS::Lambda::Permission`.",
        error_messages=(
            "'RoleARN' parameter should not be specified when 'NotificationTargetARN' is a Lambda "
            "function",
        ),
        sources=(f"{_API}: PutLifecycleHook, RoleARN",),
    ),
    Constraint(
        "E9662",
        _HOOKS,
        "A lifecycle hook sends messages to a FIFO queue.",
        must=All(
            Refers("NotificationTargetARN", "AWS::SQS::Queue", Not(IsTrue("FifoQueue"))),
            Not(Matches("NotificationTargetARN", r"arn:[^:]*:sqs:.*\.fifo")),
        ),
        message="A lifecycle hook of {id} has a FIFO queue",
        fix="Write the ARN of a standard queue.",
        error_messages=("Unable to publish test message to notification target",),
        sources=("Amazon EC2 Auto Scaling user guide: Prepare to add a lifecycle hook",),
    ),
    Constraint(
        "E9663",
        _HOOKS,
        "The role of a lifecycle hook does not trust Auto Scaling.",
        must=Trusts("RoleARN", "autoscaling"),
        message="The role of a lifecycle hook of {id} does not trust `autoscaling.amazonaws.com`",
        fix="Add `autoscaling.amazonaws.com` to the role's `AssumeRolePolicyDocument`.",
        error_messages=("Unable to publish test message to notification target",),
        sources=("Amazon EC2 Auto Scaling user guide: Prepare to add a lifecycle hook",),
    ),
    Constraint(
        "E9664",
        _HOOKS,
        "The role of a lifecycle hook has no permission to send the message.",
        must=All(
            Either(Allows("RoleARN", "sns:Publish"), Not(_IS_TOPIC)),
            Either(Allows("RoleARN", "sqs:SendMessage"), Not(_IS_QUEUE)),
        ),
        message=(
            "The role of a lifecycle hook of {id} does not allow `sns:Publish`",
            "The role of a lifecycle hook of {id} does not allow `sqs:SendMessage`",
        ),
        fix="Allow `sns:Publish` for a topic, or `sqs:SendMessage` for a queue.",
        error_messages=("Unable to publish test message to notification target",),
        sources=("Amazon EC2 Auto Scaling user guide: Prepare to add a lifecycle hook",),
    ),
    Constraint(
        "E9665",
        _GROUP,
        "A new group has more than five lifecycle hooks.",
        must=Count("LifecycleHookSpecificationList", 0, MAX_HOOKS_OF_NEW_GROUP),
        message="Group {id} has more than 5 lifecycle hooks",
        fix="Write the others as `AWS::AutoScaling::LifecycleHook`.",
        error_messages=("You cannot specify more than 5 hooks",),
        sources=("AWS's error message, reproduced by badmintoncryer/cdk-preflight",),
    ),
    Constraint(
        "E9632",
        _GROUP,
        "Two lifecycle hooks of a group have the same name.",
        must=Unique("LifecycleHookSpecificationList", ("LifecycleHookName",)),
        message="Two lifecycle hooks of group {id} have the same name",
        fix="Write another `LifecycleHookName`.",
        error_messages=("Multiple lifecycle hooks found for name '...'",),
        sources=("AWS's error message, reproduced by badmintoncryer/cdk-preflight",),
    ),
    # Warm pools -------------------------------------------------------------------------------
    Constraint(
        "E9666",
        "AWS::AutoScaling::WarmPool",
        "A group with Spot Instances or weights has a warm pool.",
        must=All(
            Refers(
                "AutoScalingGroupName",
                _GROUP,
                Not(Some(f"MixedInstancesPolicy.{_OVERRIDES}", Present("WeightedCapacity"))),
            ),
            Refers(
                "AutoScalingGroupName",
                _GROUP,
                Refers(
                    "LaunchTemplate.LaunchTemplateId",
                    "AWS::EC2::LaunchTemplate",
                    Not(Is("LaunchTemplateData.InstanceMarketOptions.MarketType", "spot")),
                ),
            ),
        ),
        message=(
            "Warm pool {id} belongs to a group with weights of instance types",
            "Warm pool {id} belongs to a group with Spot Instances",
        ),
        fix="Remove the warm pool, or use On-Demand Instances without weights.",
        error_messages=(
            "You can't add a warm pool to an Auto Scaling group that requests Spot Instances",
        ),
        sources=(f"{_API}: PutWarmPool",),
    ),
    # Policies and schedules -------------------------------------------------------------------
    Constraint(
        "E9667",
        _POLICY,
        "A scaling policy of a group lacks what its type needs.",
        must=All(
            *(
                Either(
                    Not(Is("PolicyType", "SimpleScaling", default="SimpleScaling")), Present(key)
                )
                for key in ("AdjustmentType", "ScalingAdjustment")
            ),
            *(
                Either(Not(Is("PolicyType", kind)), Present(key))
                for kind, key in (
                    ("StepScaling", "StepAdjustments"),
                    ("TargetTrackingScaling", "TargetTrackingConfiguration"),
                    ("PredictiveScaling", "PredictiveScalingConfiguration"),
                )
            ),
        ),
        message=("Scaling policy {id} has no {key}, which its `PolicyType` needs",) * 5,
        fix="Write `AdjustmentType` and `ScalingAdjustment` for `SimpleScaling`, "
        "`StepAdjustments` for `StepScaling`, `TargetTrackingConfiguration` for "
        "`TargetTrackingScaling`, or `PredictiveScalingConfiguration` for `PredictiveScaling`.",
        error_messages=(
            "Scaling increment must be specified for a SimpleScaling policy",
            "You should provide a TargetTrackingConfiguration",
        ),
        sources=(f"{_API}: PutScalingPolicy",),
    ),
    Constraint(
        "E9668",
        _POLICY,
        "A scaling policy of a group has settings of another type.",
        must=All(
            *(
                Either(Absent(key), Not(Is("PolicyType", kind)))
                for kind, keys in SETTINGS_OF_OTHER_TYPES.items()
                for key in keys
            ),
        ),
        message=("Scaling policy {id} has {key}, which {PolicyType} does not have",)
        * sum(map(len, SETTINGS_OF_OTHER_TYPES.values())),
        fix="Remove the settings of the other types.",
        error_messages=("ScalingAdjustment is not supported for a StepScaling policy",),
        sources=(f"{_API}: PutScalingPolicy",),
    ),
    Constraint(
        "E9079",
        f"{_POLICY} TargetTrackingConfiguration",
        "The target value of a group is not above 0.",
        must=Not(Within("TargetValue", None, 0)),
        message="Scaling policy {id} has the `TargetValue` {TargetValue}",
        fix="Write a value above 0.",
        error_messages=("(in substance) Target value must be between 8.51592E-12 and 1.174271E17",),
        sources=("AWS's error message, reproduced by badmintoncryer/cdk-preflight",),
    ),
    Constraint(
        "E9901",
        f"{_POLICY} TargetTrackingConfiguration.CustomizedMetricSpecification",
        "A group follows a metric with a period of more than a minute.",
        must=Within("Period", None, 60),
        message="Scaling policy {id} follows a metric with a period of {Period} seconds",
        fix="Write 60 seconds or less.",
        error_messages=("A metric period greater than 60 isn't supported",),
        sources=("AWS's error message, reproduced by badmintoncryer/cdk-preflight",),
    ),
    Constraint(
        "E9669",
        _SCHEDULE,
        "A scheduled action of a group changes no size.",
        must=Either(Present("MinSize"), Present("MaxSize"), Present("DesiredCapacity")),
        message="Scheduled action {id} has no `MinSize`, `MaxSize` or `DesiredCapacity`",
        fix="Write at least one of them.",
        error_messages=(
            "At least one of max size, min size, or desired capacity must be specified",
        ),
        sources=(f"{_API}: PutScheduledUpdateGroupAction, DesiredCapacity",),
    ),
    Constraint(
        "E9670",
        _SCHEDULE,
        "The recurrence of a scheduled action has the wrong form.",
        must=Matches("Recurrence", RECURRENCE),
        message="Scheduled action {id} has the `Recurrence` {Recurrence}",
        fix="Write five fields without `cron()` and without `?`: minute, hour, day of month, month "
        "and day of week.",
        error_messages=("Given recurrence string: ... is invalid",),
        sources=(f"{_API}: PutScheduledUpdateGroupAction, Recurrence",),
    ),
    Constraint(
        "E9671",
        _SCHEDULE,
        "A scheduled action of a group has an end, but no start.",
        when=Present("EndTime"),
        must=Either(Present("StartTime"), Present("Recurrence")),
        message="Scheduled action {id} has an `EndTime`, but neither a `StartTime` nor a "
        "`Recurrence`",
        fix="Write `Recurrence`, or `StartTime`.",
        error_messages=(
            "Scheduled start time must be specified for non-recurrent future group action",
        ),
        sources=("AWS's error message, reproduced by badmintoncryer/cdk-preflight",),
    ),
)
