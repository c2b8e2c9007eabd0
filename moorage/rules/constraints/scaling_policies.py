"""Constraints of the scaling policies and scheduled actions of services and of groups."""

from __future__ import annotations

from moorage.facts.scaling import SERVICE_METRICS
from moorage.rules.constraints.combinations import (
    All,
    AtMostItems,
    AtMostOne,
    Either,
    Refers,
    Some,
)
from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.predicates import (
    Absent,
    Is,
    IsTrue,
    Matches,
    NotEmpty,
    Predicate,
    Present,
    Unique,
)
from moorage.rules.constraints.relations import NoOther

_TARGET = "AWS::ApplicationAutoScaling::ScalableTarget"
_POLICY = "AWS::ApplicationAutoScaling::ScalingPolicy"
_GROUP_POLICY = "AWS::AutoScaling::ScalingPolicy"
_API = "Application Auto Scaling API reference"
_ACTION = f"{_TARGET} ScheduledActions[]"

_TRACKING = (
    f"{_POLICY} TargetTrackingScalingPolicyConfiguration",
    f"{_GROUP_POLICY} TargetTrackingConfiguration",
)
_TYPE = "PredefinedMetricType"
_PREDEFINED = "TargetTrackingScalingPolicyConfiguration.PredefinedMetricSpecification"
_CUSTOMIZED = tuple(f"{path}.CustomizedMetricSpecification" for path in _TRACKING)
_PREDICTIVE = (
    f"{_POLICY} PredictiveScalingPolicyConfiguration.MetricSpecifications[]",
    f"{_GROUP_POLICY} PredictiveScalingConfiguration.MetricSpecifications[]",
)
_KINDS = ("Load", "Scaling", "Capacity")
_PREDICTIVE_CUSTOMIZED = tuple(
    f"{path}.Customized{kind}MetricSpecification" for path in _PREDICTIVE for kind in _KINDS
)
_QUERIES = "MetricDataQueries"

_ECS = Either(
    Is("/ServiceNamespace", "ecs"),
    Refers("/ScalingTargetId", _TARGET, Is("ServiceNamespace", "ecs")),
)
_RETURNS_DATA = IsTrue("ReturnData", default=True)


def _one_query_returns_data(path: str) -> Predicate:
    return All(AtMostItems(path, 1, _RETURNS_DATA), Some(path, _RETURNS_DATA))


CONSTRAINTS = (
    # Scalable targets and scheduled actions ---------------------------------------------------
    Constraint(
        "E9902",
        _ACTION,
        "The schedule of a scheduled action has the wrong form.",
        must=Matches(
            "Schedule",
            r"at\([0-9]{4}-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9](:[0-9][0-9])?\)"
            r"|rate\(\s*[1-9][0-9]*\s+(minute|hour|day)s?\s*\)"
            r"|cron\(\s*(\S+\s+){5}\S+\s*\)",
        ),
        message="A scheduled action of {id} has the `Schedule` {Schedule}",
        fix="Write `at(yyyy-mm-ddThh:mm:ss)`, `rate(1 hour)`, or `cron(...)` with six fields: "
        "minutes, hours, day of month, month, day of week and year.",
        sources=(f"{_API}: PutScheduledAction, Schedule",),
    ),
    Constraint(
        "E9904",
        _ACTION,
        "A scheduled action changes no capacity.",
        must=Either(
            Present("ScalableTargetAction.MinCapacity"), Present("ScalableTargetAction.MaxCapacity")
        ),
        message="A scheduled action of {id} has neither `MinCapacity` nor `MaxCapacity`",
        fix="Write `ScalableTargetAction` with one of them, or with both.",
        sources=(f"{_API}: PutScheduledAction, ScalableTargetAction",),
    ),
    Constraint(
        "E9905",
        _TARGET,
        "Two scheduled actions of a scalable target have the same name.",
        must=Unique("ScheduledActions", ("ScheduledActionName",)),
        message="Two scheduled actions of {id} have the same name",
        fix="Write another `ScheduledActionName`.",
        sources=(f"{_API}: PutScheduledAction, ScheduledActionName",),
    ),
    # Policies ---------------------------------------------------------------------------------
    Constraint(
        "E9907",
        _POLICY,
        "Two policies of a scalable target have the same name.",
        when=Present("ScalingTargetId"),
        must=NoOther(("ScalingTargetId", "PolicyName")),
        message="Scaling policy {id} has the name of another policy of its scalable target",
        fix="Write another `PolicyName`.",
        why="PutScalingPolicy replaces a policy of the same name, so only one of them remains.",
        sources=(f"{_API}: PutScalingPolicy, PolicyName",),
    ),
    Constraint(
        "E9908",
        _POLICY,
        "Two target tracking policies of a scalable target follow the same metric.",
        when=All(Present("ScalingTargetId"), Present(_PREDEFINED)),
        must=NoOther(("ScalingTargetId", f"{_PREDEFINED}.ResourceLabel", f"{_PREDEFINED}.{_TYPE}")),
        message="Scaling policy {id} follows the same metric as another policy of its scalable "
        "target",
        fix="Remove one of the policies.",
        error_messages=(
            "Only one TargetTrackingScaling policy for a given metric specification is allowed",
        ),
        sources=("cdklabs/cdk-ecs-service-extensions#35",),
    ),
    Constraint(
        "E9911",
        f"{_POLICY} {_PREDEFINED}",
        "A policy of a service follows a metric of another AWS service.",
        when=_ECS,
        must=Is("PredefinedMetricType", *SERVICE_METRICS),
        message="Scaling policy {id} of a service follows {PredefinedMetricType}",
        fix="Write `ECSServiceAverageCPUUtilization`, `ECSServiceAverageMemoryUtilization` or "
        "`ALBRequestCountPerTarget`.",
        sources=(f"{_API}: PredefinedMetricSpecification, PredefinedMetricType",),
    ),
    Constraint(
        "E9912",
        _CUSTOMIZED,
        "A customized metric has no name, or a name and queries.",
        must=All(
            Either(Present("MetricName"), Present("Metrics")),
            *(
                AtMostOne(Present(key), Present("Metrics"))
                for key in ("MetricName", "Namespace", "Statistic", "Dimensions", "Unit")
            ),
        ),
        message="The customized metric of {id} needs either `MetricName`, `Namespace` and "
        "`Statistic`, or `Metrics`",
        fix="Keep `MetricName`, `Namespace` and `Statistic`, or `Metrics`.",
        error_messages=(
            "A customized metric specification with 'Metrics' specified cannot have any of "
            "['Dimensions', 'MetricName', ...] specified as well",
        ),
        sources=(f"{_API}: CustomizedMetricSpecification",),
    ),
    Constraint(
        "E9913",
        _CUSTOMIZED,
        "A customized metric has no namespace or statistic.",
        when=Present("MetricName"),
        must=All(Present("Namespace"), Present("Statistic")),
        message=("The customized metric {MetricName} of {id} has no {key}",) * 2,
        fix="Write `Namespace` and `Statistic`.",
        error_messages=(
            "customizedMetricSpecification.statistic' failed to satisfy constraint: Member must "
            "not be null",
        ),
        sources=(f"{_API}: CustomizedMetricSpecification",),
    ),
    *(
        Constraint(
            number,
            about,
            "Not exactly one query of a metric returns data.",
            when=Present(path),
            must=_one_query_returns_data(path),
            message="Not exactly one of the queries of a metric of {id} returns data",
            fix="Write `ReturnData: false` in all queries but the one with the result.",
            why="`ReturnData` is true by default. The result must be a single time series.",
            error_messages=("Exactly one element of the metrics list should return data",),
            sources=(f"{_API}: TargetTrackingMetricDataQuery, ReturnData",),
        )
        for number, about, path in (
            ("E9918", _CUSTOMIZED, "Metrics"),
            ("E9922", _PREDICTIVE_CUSTOMIZED, _QUERIES),
        )
    ),
    Constraint(
        "E9923",
        (
            *(f"{path}.Metrics[]" for path in _CUSTOMIZED),
            *(f"{path}.{_QUERIES}[]" for path in _PREDICTIVE_CUSTOMIZED),
            "AWS::CloudWatch::Alarm Metrics[]",
        ),
        "A metric query has no expression and no metric, or both.",
        must=All(
            Either(Present("Expression"), Present("MetricStat")),
            AtMostOne(Present("Expression"), Present("MetricStat")),
        ),
        message="Query {Id} of {id} needs either an `Expression` or a `MetricStat`",
        fix="Keep `Expression` or `MetricStat`.",
        error_messages=(
            "The parameters MetricDataQuery Expression and MetricStat are mutually exclusive",
        ),
        sources=("Amazon CloudWatch API reference: MetricDataQuery",),
    ),
    Constraint(
        "E9924",
        (*_CUSTOMIZED, *_PREDICTIVE_CUSTOMIZED, "AWS::CloudWatch::Alarm"),
        "Two metric queries have the same ID.",
        must=All(Unique("Metrics", ("Id",)), Unique(_QUERIES, ("Id",))),
        message="Two metric queries of {id} have the same `Id`",
        fix="Write another `Id`.",
        sources=("Amazon CloudWatch API reference: MetricDataQuery, Id",),
    ),
    Constraint(
        "E9929",
        (f"{_POLICY} StepScalingPolicyConfiguration", _GROUP_POLICY),
        "A smallest change is set, but changes are not in percent.",
        when=Is("AdjustmentType", "ChangeInCapacity", "ExactCapacity"),
        must=Absent("MinAdjustmentMagnitude"),
        message="Scaling policy {id} has a `MinAdjustmentMagnitude` and the `AdjustmentType` "
        "{AdjustmentType}",
        fix="Remove `MinAdjustmentMagnitude`, or write `AdjustmentType: PercentChangeInCapacity`.",
        error_messages=(
            "MinAdjustmentMagnitude is not supported by the specified adjustment type",
        ),
        sources=(f"{_API}: StepScalingPolicyConfiguration, MinAdjustmentMagnitude",),
    ),
    Constraint(
        "E9060",
        (f"{_POLICY} StepScalingPolicyConfiguration", _GROUP_POLICY),
        "A step scaling policy has no adjustment type.",
        when=All(
            NotEmpty("StepAdjustments"), Is("/PolicyType", "StepScaling", default="StepScaling")
        ),
        must=Present("AdjustmentType"),
        message="Scaling policy {id} has steps, but no `AdjustmentType`",
        fix="Write `AdjustmentType: ChangeInCapacity`, `ExactCapacity` or "
        "`PercentChangeInCapacity`.",
        error_messages=("You must specify an AdjustmentType for policy type: StepScaling",),
        sources=(f"{_API}: StepScalingPolicyConfiguration, AdjustmentType",),
    ),
    # Predictive scaling -----------------------------------------------------------------------
    Constraint(
        "E9061",
        _POLICY,
        "A predictive scaling policy is not for a service.",
        when=Is("PolicyType", "PredictiveScaling"),
        must=Either(
            Is("ServiceNamespace", "ecs"),
            Refers("ScalingTargetId", _TARGET, Is("ServiceNamespace", "ecs")),
        ),
        message="Scaling policy {id} is predictive, and does not scale a service",
        fix="Write `PolicyType: TargetTrackingScaling`.",
        sources=(f"{_API}: PutScalingPolicy, PolicyType",),
    ),
    Constraint(
        "E9062",
        _PREDICTIVE,
        "A predictive scaling policy has a pair of metrics and single ones, or only one.",
        must=Either(
            All(
                Present("PredefinedMetricPairSpecification"),
                *(
                    Absent(f"{origin}{kind}MetricSpecification")
                    for origin in ("Predefined", "Customized")
                    for kind in ("Load", "Scaling")
                ),
            ),
            All(
                Absent("PredefinedMetricPairSpecification"),
                *(
                    Either(
                        Present(f"Predefined{kind}MetricSpecification"),
                        Present(f"Customized{kind}MetricSpecification"),
                    )
                    for kind in ("Load", "Scaling")
                ),
            ),
        ),
        message="Scaling policy {id} needs either a pair of metrics, or a load metric and a "
        "scaling metric",
        fix="Keep `PredefinedMetricPairSpecification`, or write a load metric and a scaling "
        "metric.",
        error_messages=(
            "A policy must have either one scaling metric and one load metric or one metric pair",
        ),
        sources=(f"{_API}: PredictiveScalingMetricSpecification",),
    ),
    Constraint(
        "E9063",
        _PREDICTIVE,
        "A capacity metric is set, but the load metric is a predefined one.",
        when=Present("CustomizedCapacityMetricSpecification"),
        must=Present("CustomizedLoadMetricSpecification"),
        message="Scaling policy {id} has a capacity metric without a customized load metric",
        fix="Write `CustomizedLoadMetricSpecification`, or remove the capacity metric.",
        error_messages=("Capacity metric can only be used when you use customized load metric",),
        sources=("badmintoncryer/cdk-preflight, pf-asg-predictive-capacity-metric-requires-load",),
    ),
    Constraint(
        "E9064",
        tuple(
            f"{path}.Predefined{kind}Specification"
            for path in _PREDICTIVE
            for kind in ("MetricPair", "LoadMetric", "ScalingMetric")
        ),
        "A predicted number of requests has no target group.",
        when=Is(
            "PredefinedMetricType",
            *("ALBRequestCount", "ALBRequestCountPerTarget"),
            *("ALBTargetGroupRequestCount", "TotalALBRequestCount"),
        ),
        must=Present("ResourceLabel"),
        message="Scaling policy {id} predicts {PredefinedMetricType} without a `ResourceLabel`",
        fix="Write `ResourceLabel: app/<load balancer>/<id>/targetgroup/<target group>/<id>`.",
        error_messages=("A resource label is required",),
        sources=(
            "Amazon EC2 Auto Scaling API reference: PredictiveScalingMetricSpecification",
            f"{_API}: PredictiveScalingPredefinedMetricPairSpecification, ResourceLabel",
        ),
    ),
)
