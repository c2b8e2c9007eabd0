"""Constraints of log groups and their filters, subscriptions and destinations."""

from __future__ import annotations

from moorage.rules.constraints.combinations import All, Each, Either, IsReference, Not, Refers
from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.predicates import (
    Absent,
    Count,
    Is,
    Matches,
    NotEmpty,
    Predicate,
    Present,
    StartsWith,
)
from moorage.rules.constraints.relations import (
    Allows,
    CreatedAfter,
    HasReferrer,
    Trusts,
)

_GROUP = "AWS::Logs::LogGroup"
_METRIC_FILTER = "AWS::Logs::MetricFilter"
_SUBSCRIPTION = "AWS::Logs::SubscriptionFilter"
_FUNCTION = "AWS::Lambda::Function"
_PERMISSION = "AWS::Lambda::Permission"
_API = "Amazon CloudWatch Logs API reference"
_GUIDE = "Amazon CloudWatch Logs user guide"
_PREFLIGHT = "AWS's error message, reproduced by cdk-preflight"
_FOR_LOGS = StartsWith("Principal", ("logs.",))
_STANDARD = Is("LogGroupClass", "STANDARD", default="STANDARD")


def _sends_to(service: str, resource_type: str) -> Predicate:
    return Either(
        IsReference("DestinationArn", resource_type),
        Matches("DestinationArn", rf"arn:[^:]*:{service}:.*"),
    )


def _may_put(*actions: str) -> Predicate:
    return Either(*(Allows("RoleArn", action) for action in actions))


_TO_STREAM = _sends_to("kinesis", "AWS::Kinesis::Stream")
_TO_FIREHOSE = _sends_to("firehose", "AWS::KinesisFirehose::DeliveryStream")
_TO_FUNCTION = _sends_to("lambda", _FUNCTION)
_OTHER_DESTINATIONS = ("AWS::S3::Bucket", "AWS::SQS::Queue", "AWS::SNS::Topic", _GROUP)

CONSTRAINTS = (
    Constraint(
        "E9841",
        (_METRIC_FILTER, _SUBSCRIPTION, "AWS::Logs::LogAnomalyDetector", "AWS::Logs::Transformer"),
        "A log group of another class than STANDARD has a filter, transformer or detector.",
        must=All(
            Refers("LogGroupName", _GROUP, _STANDARD),
            Refers("LogGroupIdentifier", _GROUP, _STANDARD),
            Each("LogGroupArnList", Refers("", _GROUP, _STANDARD)),
        ),
        message="{id} belongs to a log group that does not have the class `STANDARD`",
        fix="Write `LogGroupClass: STANDARD` in the log group. The class of an existing one cannot "
        "be changed.",
        error_messages=("This operation is only supported on the Standard log class.",),
        sources=(f"{_GUIDE}: Log classes", _PREFLIGHT),
    ),
    Constraint(
        "E9869",
        "AWS::Logs::LogAnomalyDetector",
        "A log anomaly detector has more than one log group.",
        must=Count("LogGroupArnList", 1, 1),
        message="Anomaly detector {id} does not have exactly one log group",
        fix="Write a detector for each log group.",
        error_messages=("Only 1 log group arn is supported in the list.",),
        sources=(f"{_API}: CreateLogAnomalyDetector, logGroupArnList",),
    ),
    Constraint(
        "E9842",
        _SUBSCRIPTION,
        "The role of a subscription filter does not fit its destination.",
        must=All(
            Either(Present("RoleArn"), Not(Either(_TO_STREAM, _TO_FIREHOSE))),
            Either(Absent("RoleArn"), Not(_TO_FUNCTION)),
        ),
        message="Subscription filter {id} lacks the `RoleArn` that Kinesis and Firehose need, or "
        "has one for a function",
        fix="Write `RoleArn` for a Kinesis or Firehose stream. Remove it for a Lambda function, "
        "which has an `AWS::Lambda::Permission` instead.",
        error_messages=(
            "destinationArn for vendor kinesis cannot be used without roleArn",
            "destinationArn for vendor firehose cannot be used without roleArn",
            "destinationArn for vendor lambda cannot be used with roleArn",
        ),
        sources=(f"{_API}: PutSubscriptionFilter, roleArn", _PREFLIGHT),
    ),
    Constraint(
        "E9843",
        f"{_GROUP} DataProtectionPolicy",
        "A data protection policy is not one audit and one masking statement.",
        when=Present("Statement"),
        must=All(Is("Version", "2021-06-01"), Count("Statement", 2, 2)),
        message="The data protection policy of log group {id} does not have the version "
        "`2021-06-01` and two statements",
        fix="Write `Version: '2021-06-01'`, a statement with `Audit` and one with `Deidentify`.",
        error_messages=(
            "Policy Version must be 2021-06-01",
            "Policy can only have two statements. One for Audit Operation and one for Deidentify "
            "Operation",
        ),
        sources=(f"{_API}: PutDataProtectionPolicy", _PREFLIGHT),
    ),
    Constraint(
        "E9844",
        _SUBSCRIPTION,
        "A subscription filter sends to a service that cannot receive logs.",
        must=All(
            *(Not(IsReference("DestinationArn", kind)) for kind in _OTHER_DESTINATIONS),
            Not(Matches("DestinationArn", r"arn:[^:]*:(s3|sqs|sns|es|events):.*")),
        ),
        message="Subscription filter {id} sends to a service that cannot receive logs",
        fix="Write the ARN of a Lambda function, a Kinesis or Firehose stream, or a destination of "
        "CloudWatch Logs. Firehose can write to a bucket.",
        error_messages=(
            "PutSubscriptionFilter operation cannot work with destinationArn for vendor",
        ),
        sources=(f"{_API}: PutSubscriptionFilter, destinationArn", _PREFLIGHT),
    ),
    Constraint(
        "E9845",
        _SUBSCRIPTION,
        "A function may not be invoked by CloudWatch Logs when a subscription filter is created.",
        when=Refers("DestinationArn", _FUNCTION, Absent("FunctionName")),
        must=All(
            HasReferrer("DestinationArn", _PERMISSION, "FunctionName", where=_FOR_LOGS),
            CreatedAfter("DestinationArn", _PERMISSION, "FunctionName", where=_FOR_LOGS),
        ),
        message="The function of subscription filter {id} has no permission for CloudWatch Logs, "
        "or may get it too late",
        fix="Add an `AWS::Lambda::Permission` with `Principal: logs.amazonaws.com`, and write "
        "`DependsOn` with its name in the filter.",
        why="CloudWatch Logs sends the function a test message before it creates the filter.",
        error_messages=(
            "Could not execute the lambda function. Make sure you have given CloudWatch Logs "
            "permission to execute your function.",
        ),
        sources=(f"{_GUIDE}: Log group-level subscription filters",),
    ),
    Constraint(
        "E9846",
        _SUBSCRIPTION,
        "The role of a subscription filter does not let CloudWatch Logs write.",
        must=All(
            Trusts("RoleArn", "logs"),
            Either(_may_put("kinesis:PutRecord", "kinesis:PutRecords"), Not(_TO_STREAM)),
            Either(_may_put("firehose:PutRecord", "firehose:PutRecordBatch"), Not(_TO_FIREHOSE)),
        ),
        message="The role of subscription filter {id} does not trust logs.amazonaws.com, or does "
        "not allow it to write to the stream",
        fix="Write `Service: logs.amazonaws.com` in the trust policy, and allow "
        "`kinesis:PutRecord` or `firehose:PutRecord`.",
        why="CloudWatch Logs sends a test message before it creates the filter.",
        error_messages=(
            "Could not deliver test message to specified Kinesis stream. Check if the given "
            "kinesis stream is in ACTIVE state.",
        ),
        sources=(f"{_API}: PutSubscriptionFilter, roleArn", f"{_GUIDE}: Subscriptions"),
    ),
    Constraint(
        "E9847",
        f"{_METRIC_FILTER} MetricTransformations[]",
        "The dimensions of a metric filter are fixed, or are combined with a default value.",
        when=NotEmpty("Dimensions"),
        must=All(
            Absent("DefaultValue"),
            Each("Dimensions", StartsWith("Value", ("$",))),
        ),
        message="A dimension of metric filter {id} is not a field of the log event, or the metric "
        "also has a `DefaultValue`",
        fix="Write a field as `Value` of a dimension, such as `$.service` or `$status`, and remove "
        "`DefaultValue`.",
        error_messages=(
            "dimensions and default value are mutually exclusive properties",
            "dimension value must be valid selector",
        ),
        sources=(f"{_API}: MetricTransformation", _PREFLIGHT),
    ),
    Constraint(
        "E9848",
        f"{_METRIC_FILTER} MetricTransformations[]",
        "A metric filter writes to a namespace of AWS.",
        must=Not(StartsWith("MetricNamespace", ("AWS/",))),
        message="Metric filter {id} writes to the namespace {MetricNamespace}",
        fix="Write a namespace that does not begin with `AWS/`.",
        error_messages=("Metric namespaces starting with AWS/ are reserved for AWS.",),
        sources=(f"{_API}: PutMetricFilter", _PREFLIGHT),
    ),
    Constraint(
        "E9849",
        (_METRIC_FILTER, _SUBSCRIPTION),
        "A filter pattern has an opening bracket and no closing one.",
        must=All(
            Either(Matches("FilterPattern", r".*\]\s*"), Not(StartsWith("FilterPattern", ("[",)))),
            Either(Matches("FilterPattern", r".*\}\s*"), Not(StartsWith("FilterPattern", ("{",)))),
        ),
        message="The filter pattern of {id} begins with a bracket, but does not end with one",
        fix="Close the bracket, or quote the pattern's text.",
        error_messages=("If a filter pattern starts with '[' it must end with ']'",),
        sources=(f"{_GUIDE}: Filter pattern syntax", _PREFLIGHT),
    ),
    Constraint(
        "E9857",
        _GROUP,
        "The name of a log group begins with aws/.",
        must=Not(StartsWith("LogGroupName", ("aws/",))),
        message="Log group {id} has the name {LogGroupName}",
        fix="Write another beginning, such as `/ecs/` or `/aws/ecs/`.",
        sources=(f"{_API}: CreateLogGroup",),
    ),
)
