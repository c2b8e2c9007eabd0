"""Constraints of CloudWatch alarms and composite alarms."""

from __future__ import annotations

from moorage.facts.alarm_metrics import (
    ACTION_SERVICES,
    ANOMALY_OPERATORS,
    MAX_ALARM_QUERIES,
    STATISTIC,
    THRESHOLD_OPERATORS,
    WINDOW_PERIODS,
)
from moorage.rules.constraints.combinations import (
    All,
    AtMostItems,
    Each,
    Either,
    IsReference,
    Not,
    Some,
)
from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.predicates import (
    Absent,
    AtMost,
    Is,
    IsTrue,
    Matches,
    NotEmpty,
    Present,
    SameAs,
    Within,
)

_ALARM = "AWS::CloudWatch::Alarm"
_COMPOSITE = "AWS::CloudWatch::CompositeAlarm"
_API = "Amazon CloudWatch API reference"
_PUT = f"{_API}: PutMetricAlarm"
_ACTIONS = ("AlarmActions", "OKActions", "InsufficientDataActions")
_RETURNS_DATA = IsTrue("ReturnData", default=True)
_LB = "AWS::ElasticLoadBalancingV2::LoadBalancer"
_GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"
_METRIC = (
    _ALARM,
    f"{_ALARM} Metrics[].MetricStat.Metric",
    "AWS::ApplicationAutoScaling::ScalingPolicy TargetTrackingScalingPolicyConfiguration"
    ".CustomizedMetricSpecification",
)
_ELB = ("AWS/ApplicationELB", "AWS/NetworkELB")
_FULL_NAMES = {"LoadBalancer": _LB, "TargetGroup": _GROUP}
"""The dimensions of load balancers' metrics, and the resources whose full names are the values."""


def _has_dimension(name: str) -> Some:
    return Some("Dimensions", Is("Name", name))


CONSTRAINTS = (
    Constraint(
        "E9065",
        _ALARM,
        "An alarm has no threshold.",
        when=Is("ComparisonOperator", *THRESHOLD_OPERATORS),
        must=Either(Present("Threshold"), Present("EvaluationCriteria")),
        message="Alarm {id} has the operator {ComparisonOperator}, but no `Threshold`",
        fix="Write `Threshold`.",
        error_messages=("PutMetricAlarm request should have valid Threshold parameter",),
        sources=(f"{_PUT}, Threshold",),
    ),
    Constraint(
        "E9066",
        _ALARM,
        "An alarm for a band of values has no band.",
        when=Is("ComparisonOperator", *ANOMALY_OPERATORS),
        must=Present("ThresholdMetricId"),
        message="Alarm {id} has the operator {ComparisonOperator}, but no `ThresholdMetricId`",
        fix="Write `ThresholdMetricId` with the `Id` of the query with `ANOMALY_DETECTION_BAND`, "
        "or an operator such as `GreaterThanThreshold`.",
        error_messages=("ComparisonOperators for ranges require ThresholdMetricId to be set",),
        sources=(f"{_PUT}, ComparisonOperator",),
    ),
    Constraint(
        "E9067",
        _ALARM,
        "An alarm needs more breaching data points than it looks at.",
        must=AtMost("DatapointsToAlarm", "EvaluationPeriods"),
        message="Alarm {id} has a `DatapointsToAlarm` of {DatapointsToAlarm}, above its "
        "`EvaluationPeriods` of {EvaluationPeriods}",
        fix="Write a `DatapointsToAlarm` of at most `EvaluationPeriods`.",
        error_messages=("DatapointsToAlarm must be less than or equal to EvaluationPeriods",),
        sources=(f"{_PUT}, DatapointsToAlarm",),
    ),
    Constraint(
        "E9068",
        _ALARM,
        "An alarm looks back further than it can.",
        must=All(
            *(
                Either(Within("EvaluationPeriods", None, count), Not(Is("Period", period)))
                for period, count in WINDOW_PERIODS.items()
            )
        ),
        message="Alarm {id} looks at {EvaluationPeriods} periods of {Period} seconds",
        fix="Write `EvaluationPeriods` so that all of them are at most a day, or a week if the "
        "`Period` is an hour or longer.",
        error_messages=("EvaluationPeriods * Period must be <= 86400",),
        sources=(f"{_PUT}, Period",),
    ),
    Constraint(
        "E9069",
        _ALARM,
        "A metric of an alarm has no namespace, period or statistic.",
        when=Present("MetricName"),
        must=All(
            Present("Namespace"),
            Present("Period"),
            Either(Present("Statistic"), Present("ExtendedStatistic")),
        ),
        message=("Alarm {id} has no {key} for the metric {MetricName}",) * 3,
        fix="Write `Namespace`, `Period`, and `Statistic` or `ExtendedStatistic`.",
        sources=(f"{_PUT}, Statistic and Period",),
    ),
    Constraint(
        "E9070",
        _ALARM,
        "A setting for percentiles is used with another statistic.",
        when=Present("Statistic"),
        must=Absent("EvaluateLowSampleCountPercentile"),
        message="Alarm {id} has `EvaluateLowSampleCountPercentile` and the statistic {Statistic}",
        fix="Remove it, or write `ExtendedStatistic: p99` instead of `Statistic`.",
        error_messages=(
            "Option evaluateLowSampleCountPercentile can not be applied with statistic",
        ),
        sources=(f"{_PUT}, EvaluateLowSampleCountPercentile",),
    ),
    Constraint(
        "E9071",
        (
            f"{_ALARM} Metrics[].MetricStat",
            _ALARM,
            "AWS::ApplicationAutoScaling::ScalingPolicy TargetTrackingScalingPolicyConfiguration"
            ".CustomizedMetricSpecification.Metrics[].MetricStat",
        ),
        "A statistic does not exist.",
        must=All(Matches("Stat", STATISTIC), Matches("ExtendedStatistic", STATISTIC)),
        message=("{id} has the statistic {actual}, which does not exist",) * 2,
        fix="Write `Average`, `Sum`, `Minimum`, `Maximum`, `SampleCount`, or a percentile such as "
        "`p99`.",
        error_messages=("The value p101 for parameter ExtendedStatistic is not supported",),
        sources=(f"{_API}: SingleMetricAnomalyDetector, Stat",),
    ),
    Constraint(
        "E9072",
        (_ALARM, _COMPOSITE),
        "An alarm has an action of a service that alarms do not call.",
        must=All(
            *(
                Each(
                    path,
                    All(
                        Either(
                            Not(Matches("", "arn:.*")),
                            Matches("", f"arn:[^:]*:({'|'.join(ACTION_SERVICES)}):.*"),
                        ),
                        Not(IsReference("", "AWS::SQS::Queue")),
                    ),
                )
                for path in _ACTIONS
            )
        ),
        message="Alarm {id} has an action of a service that alarms do not call",
        fix="Write the ARN of an SNS topic, a Lambda function or a scaling policy. A queue can "
        "subscribe to the topic.",
        error_messages=("Unsupported AWS vendor ...",),
        sources=(f"{_PUT}, AlarmActions",),
    ),
    Constraint(
        "E9073",
        _ALARM,
        "An alarm for a band of values scales.",
        when=Present("ThresholdMetricId"),
        must=All(
            *(
                Each(
                    path,
                    All(
                        Not(IsReference("", "AWS::ApplicationAutoScaling::ScalingPolicy")),
                        Not(IsReference("", "AWS::AutoScaling::ScalingPolicy")),
                        Not(Matches("", "arn:[^:]*:autoscaling:.*")),
                    ),
                )
                for path in _ACTIONS
            )
        ),
        message="Alarm {id} has a `ThresholdMetricId` and a scaling policy as an action",
        fix="Let another alarm with a `Threshold` scale.",
        error_messages=("autoscaling actions not supported when ThresholdMetricId is set",),
        sources=(f"{_PUT}, ThresholdMetricId",),
    ),
    Constraint(
        "E9074",
        f"{_ALARM} Metrics[]",
        "An alarm searches for metrics.",
        must=Not(Matches("Expression", r"(?i:(.*[^A-Z])?SEARCH\s*\(.*)")),
        message="Query {Id} of alarm {id} has the expression {Expression}",
        fix="Write a query with `MetricStat` for each metric.",
        error_messages=("SEARCH is not supported on Metric Alarms",),
        sources=(f"{_API}: MetricDataQuery",),
    ),
    Constraint(
        "E9075",
        _ALARM,
        "Not exactly one query of an alarm returns data.",
        when=All(NotEmpty("Metrics"), Absent("ThresholdMetricId")),
        must=All(AtMostItems("Metrics", 1, _RETURNS_DATA), Some("Metrics", _RETURNS_DATA)),
        message="Not exactly one of the queries of alarm {id} returns data",
        fix="Write `ReturnData: false` in all queries but the one with the result.",
        why="`ReturnData` is true by default.",
        error_messages=("Exactly one element of the metrics list should return data",),
        sources=(f"{_API}: MetricDataQuery, ReturnData",),
    ),
    Constraint(
        "E9076",
        _ALARM,
        "The band of an alarm is not one of its queries.",
        when=NotEmpty("Metrics"),
        must=Either(
            Absent("ThresholdMetricId"), Some("Metrics", SameAs("Id", "/ThresholdMetricId"))
        ),
        message="Alarm {id} has the `ThresholdMetricId` {ThresholdMetricId}, which is not the `Id` "
        "of a query",
        fix="Write the `Id` of the query with `ANOMALY_DETECTION_BAND`.",
        error_messages=(
            "Metrics list must contain exactly one metric matching the ThresholdMetricId parameter",
        ),
        sources=(f"{_PUT}, ThresholdMetricId",),
    ),
    Constraint(
        "E9077",
        _ALARM,
        "An alarm has more than ten metrics, or more than ten expressions.",
        must=All(
            AtMostItems("Metrics", MAX_ALARM_QUERIES, Present("MetricStat")),
            AtMostItems("Metrics", MAX_ALARM_QUERIES, Present("Expression")),
        ),
        message=(
            f"Alarm {{id}} has more than {MAX_ALARM_QUERIES} metrics",
            f"Alarm {{id}} has more than {MAX_ALARM_QUERIES} expressions",
        ),
        fix="Write up to 10 of each.",
        error_messages=(
            "Too many metrics in alarm, maximum is 10",
            "Too many expressions in alarm, maximum is 10",
        ),
        sources=("AWS's error message, reproduced by badmintoncryer/cdk-preflight",),
    ),
    # Dimensions -------------------------------------------------------------------------------
    Constraint(
        "E9078",
        _METRIC,
        "A metric has the ARN of a load balancer or target group as dimension.",
        must=All(
            *(
                Each(
                    "Dimensions",
                    Either(
                        IsReference("Value", kind, f"{name}FullName"),
                        Not(IsReference("Value", kind)),
                        Not(Is("Name", name)),
                    ),
                )
                for name, kind in _FULL_NAMES.items()
            ),
        ),
        message=tuple(
            f"The dimension `{name}` of {{id}} is not the full name, so the metric has no data"
            for name in _FULL_NAMES
        ),
        when=Is("Namespace", *_ELB),
        fix="Write `!GetAtt <load balancer>.LoadBalancerFullName` or `!GetAtt "
        "<target group>.TargetGroupFullName`.",
        sources=(
            "Elastic Load Balancing user guide: CloudWatch metrics for your Application Load "
            "Balancer, Metric dimensions",
        ),
    ),
    Constraint(
        "E9716",
        _METRIC,
        "A metric of a service has no cluster as dimension.",
        when=All(
            Is("Namespace", "AWS/ECS", "ECS/ContainerInsights"), _has_dimension("ServiceName")
        ),
        must=_has_dimension("ClusterName"),
        message="The metric {MetricName} of {id} has the dimension `ServiceName`, but not "
        "`ClusterName`, so it has no data",
        fix="Add the dimension `ClusterName`.",
        sources=("Amazon ECS developer guide: Amazon ECS CloudWatch metrics",),
    ),
    Constraint(
        "E9717",
        _METRIC,
        "A number of healthy targets has no load balancer or target group as dimension.",
        when=All(
            Is("Namespace", *_ELB),
            Is("MetricName", "HealthyHostCount", "UnHealthyHostCount"),
        ),
        must=All(_has_dimension("LoadBalancer"), _has_dimension("TargetGroup")),
        message=(
            "The metric {MetricName} of {id} has no dimension `LoadBalancer`, so it has no data",
            "The metric {MetricName} of {id} has no dimension `TargetGroup`, so it has no data",
        ),
        fix="Write both dimensions.",
        sources=(
            "Elastic Load Balancing user guide: CloudWatch metrics for your Application Load "
            "Balancer",
        ),
    ),
    # Actions and composite alarms ------------------------------------------------------------
    Constraint(
        "E9719",
        _COMPOSITE,
        "The rule of a composite alarm does not say in which state its alarms are.",
        must=Matches(
            "AlarmRule",
            r"(?is:\s*(\(|NOT\b|AT_LEAST\b|TRUE\b|FALSE\b|ALARM\s*\(|OK\s*\(|INSUFFICIENT_DATA\s*\().*)",
        ),
        message="Composite alarm {id} has the `AlarmRule` {AlarmRule}",
        fix="Write each alarm as `ALARM(<name>)`.",
        error_messages=("Error in AlarmRule [Unsupported token ...]",),
        sources=(f"{_API}: PutCompositeAlarm, AlarmRule",),
    ),
    Constraint(
        "E9720",
        _COMPOSITE,
        "A suppressor of actions has no periods, or the periods have no suppressor.",
        must=Either(
            All(
                Present("ActionsSuppressor"),
                Present("ActionsSuppressorWaitPeriod"),
                Present("ActionsSuppressorExtensionPeriod"),
            ),
            All(
                Absent("ActionsSuppressor"),
                Absent("ActionsSuppressorWaitPeriod"),
                Absent("ActionsSuppressorExtensionPeriod"),
            ),
        ),
        message="Composite alarm {id} has only some of `ActionsSuppressor`, "
        "`ActionsSuppressorWaitPeriod` and `ActionsSuppressorExtensionPeriod`",
        fix="Write all three, or none.",
        error_messages=(
            "ActionsSuppressorWaitPeriod must not be null",
            "ActionsSuppressorWaitPeriod requires an ActionSuppressor",
        ),
        sources=(f"{_API}: PutCompositeAlarm, ActionsSuppressorWaitPeriod",),
    ),
    Constraint(
        "E9721",
        "AWS::CloudWatch::Dashboard",
        "The name of a dashboard has characters that are not allowed.",
        must=Matches("DashboardName", "[A-Za-z0-9_-]{1,255}"),
        message="Dashboard {id} has the name {DashboardName}",
        fix="Write letters, digits, `-` and `_`.",
        sources=(f"{_API}: PutDashboard, DashboardName",),
    ),
)
