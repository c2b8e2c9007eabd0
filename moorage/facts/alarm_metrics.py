"""The metrics of CloudWatch alarms and dashboards: namespaces, dimensions, statistics, and how
alarms treat missing data.

Sources, read on 2026-11-27:
[ALB] Application Load Balancers user guide, "CloudWatch metrics for your Application Load Balancer"
[NLB] Network Load Balancers user guide, "CloudWatch metrics for your Network Load Balancer"
[ECS] Amazon ECS developer guide, "Amazon ECS CloudWatch metrics"
[INS] Amazon CloudWatch user guide, "Amazon ECS Container Insights metrics"
[SQS] Amazon SQS developer guide, "Available CloudWatch metrics for Amazon SQS"
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from moorage.records import record

Missing = Literal["breaching", "notBreaching"]

PERIOD = 60
"""Seconds between two data points: all of these services report once a minute."""

_ALB, _NLB, _SQS = "AWS/ApplicationELB", "AWS/NetworkELB", "AWS/SQS"
_BALANCER: tuple[str, ...] = ("LoadBalancer",)
_TARGET_GROUP: tuple[str, ...] = ("LoadBalancer", "TargetGroup")
_SERVICE: tuple[str, ...] = ("ClusterName", "ServiceName")
_QUEUE: tuple[str, ...] = ("QueueName",)


@record
class Metric:
    """A metric of CloudWatch."""

    namespace: str
    name: str
    dimensions: tuple[str, ...]
    statistic: str
    missing: Missing
    """How an alarm treats a minute without a value: TreatMissingData."""
    why: str
    """When the service reports no value, with the source: the reason for `missing`."""


_ERRORS_ONLY = "[ALB] reported if there is a nonzero value: without one, nothing failed"
_CHECKS = "[{}] reported for registered targets: without one, no target is left"

METRICS: Mapping[str, Metric] = {
    # The target groups of an Application Load Balancer.
    "target_requests": Metric(
        *(_ALB, "RequestCount", _TARGET_GROUP, "Sum", "notBreaching"),
        "[ALB] reported if there are requests",
    ),
    "target_5xx": Metric(
        *(_ALB, "HTTPCode_Target_5XX_Count", _TARGET_GROUP, "Sum", "notBreaching"), _ERRORS_ONLY
    ),
    "connection_errors": Metric(
        *(_ALB, "TargetConnectionErrorCount", _TARGET_GROUP, "Sum", "notBreaching"), _ERRORS_ONLY
    ),
    "latency": Metric(
        *(_ALB, "TargetResponseTime", _TARGET_GROUP, "p95", "notBreaching"),
        "[ALB] reported only if there are requests: no data means no requests",
    ),
    "alb_healthy_hosts": Metric(
        *(_ALB, "HealthyHostCount", _TARGET_GROUP, "Maximum", "breaching"), _CHECKS.format("ALB")
    ),
    "alb_unhealthy_hosts": Metric(
        *(_ALB, "UnHealthyHostCount", _TARGET_GROUP, "Maximum", "notBreaching"),
        _CHECKS.format("ALB") + ", so none is unhealthy",
    ),
    # The target groups of a Network Load Balancer.
    "nlb_healthy_hosts": Metric(
        *(_NLB, "HealthyHostCount", _TARGET_GROUP, "Maximum", "breaching"), _CHECKS.format("NLB")
    ),
    "nlb_unhealthy_hosts": Metric(
        *(_NLB, "UnHealthyHostCount", _TARGET_GROUP, "Maximum", "notBreaching"),
        _CHECKS.format("NLB") + ", so none is unhealthy",
    ),
    # Load balancers.
    "load_balancer_requests": Metric(
        *(_ALB, "RequestCount", _BALANCER, "Sum", "notBreaching"),
        "[ALB] counts only requests for which a target was chosen",
    ),
    "load_balancer_5xx": Metric(
        *(_ALB, "HTTPCode_ELB_5XX_Count", _BALANCER, "Sum", "notBreaching"), _ERRORS_ONLY
    ),
    "rejected_connections": Metric(
        *(_ALB, "RejectedConnectionCount", _BALANCER, "Sum", "notBreaching"), _ERRORS_ONLY
    ),
    "port_allocation_errors": Metric(
        *(_NLB, "PortAllocationErrorCount", _BALANCER, "Sum", "notBreaching"),
        "[NLB] without traffic nothing is reported, and nothing failed",
    ),
    "active_flows": Metric(
        *(_NLB, "ActiveFlowCount", _BALANCER, "Average", "notBreaching"),
        "[NLB] without traffic nothing is reported",
    ),
    # ECS services.
    "cpu": Metric(
        *("AWS/ECS", "CPUUtilization", _SERVICE, "Average", "notBreaching"),
        "[ECS] reported while tasks run: without tasks nothing is used",
    ),
    "memory": Metric(
        *("AWS/ECS", "MemoryUtilization", _SERVICE, "Average", "notBreaching"),
        "[ECS] reported while tasks run: without tasks nothing is used",
    ),
    "desired_tasks": Metric(
        *("ECS/ContainerInsights", "DesiredTaskCount", _SERVICE, "Maximum", "notBreaching"),
        "[INS] reported with Container Insights only",
    ),
    "running_tasks": Metric(
        *("ECS/ContainerInsights", "RunningTaskCount", _SERVICE, "Maximum", "notBreaching"),
        "[INS] not reported while no task runs: counts as 0",
    ),
    # Queues.
    "dead_letters": Metric(
        *(_SQS, "ApproximateNumberOfMessagesVisible", _QUEUE, "Maximum", "notBreaching"),
        "[SQS] not reported for a queue that was empty and unused for six hours",
    ),
    "waiting_messages": Metric(
        *(_SQS, "ApproximateNumberOfMessagesVisible", _QUEUE, "Maximum", "notBreaching"),
        "[SQS] not reported for a queue that was empty and unused for six hours",
    ),
    "oldest_message": Metric(
        *(_SQS, "ApproximateAgeOfOldestMessage", _QUEUE, "Maximum", "notBreaching"),
        "[SQS] not reported for a queue that was empty and unused for six hours",
    ),
}
"""The metrics by the names that alarms and dashboards use for them."""

ALARM_NAME = r"(?!arn:)(?=.*\S)[^\x00-\x1f\x7f]{1,255}"
"""The name of an alarm; its ARN is not one. Amazon CloudWatch API reference, PutMetricAlarm,
AlarmName."""

STOP_CODES = ("TaskFailedToStart", "EssentialContainerExited")
"""Stop codes of tasks that failed by themselves. Other codes mean deployments, scaling, users or
the infrastructure. Amazon ECS API reference, Task, stopCode."""

DEPLOYMENT_EVENT = "ECS Deployment State Change"
"""Sent for a failed deployment if the circuit breaker is on. Amazon ECS developer guide, "Amazon
ECS service deployment state change events"."""
SERVICE_EVENT = "ECS Service Action"
"""Sent for a failed deployment that an alarm or the circuit breaker has ended. Amazon ECS developer
guide, "Amazon ECS service action events", SERVICE_DEPLOYMENT_FAILED."""
CODE_DEPLOYMENT_EVENT = "CodeDeploy Deployment State-change Notification"
TASK_EVENT = "ECS Task State Change"
EXECUTION_EVENT = "Step Functions Execution Status Change"
"""Types of events. Amazon ECS developer guide, "Amazon ECS task state change events"; AWS Step
Functions developer guide, "Automating Step Functions event delivery with EventBridge"; CodeDeploy
user guide, "Monitoring deployments with Amazon CloudWatch Events"."""

FAILED_CODE_DEPLOYMENTS = ("FAILURE", "STOP")
"""States of a CodeDeploy deployment that failed, or that was stopped by an alarm or by a user. The
same source."""

FAILED_EXECUTIONS = ("FAILED", "TIMED_OUT", "ABORTED")
"""The statuses of executions that did not succeed. AWS Step Functions API reference,
DescribeExecution, status."""

THRESHOLD_OPERATORS = (
    *("GreaterThanOrEqualToThreshold", "GreaterThanThreshold"),
    *("LessThanThreshold", "LessThanOrEqualToThreshold"),
)
ANOMALY_OPERATORS = (
    *("LessThanLowerOrGreaterThanUpperThreshold", "LessThanLowerThreshold"),
    "GreaterThanUpperThreshold",
)
"""Comparisons with a threshold, and with a band of values. Amazon CloudWatch API reference,
PutMetricAlarm, ComparisonOperator (botocore 1.44.5, read on 2026-11-27)."""

_DAY = 86_400
WINDOW_PERIODS: Mapping[str, int] = {
    str(period): (_DAY if period < 3_600 else 7 * _DAY) // period
    for period in (10, 20, 30, 60, 120, 180, 240, 300, 600, 900, 1_800, 3_600, 21_600, 43_200, _DAY)
}
"""The greatest number of periods of an alarm by the length of a period in seconds. The same source,
Period: together at most a day if the period is below an hour, else a week."""

MAX_ALARM_QUERIES = 10
"""Metrics, and also expressions, of an alarm. AWS's error message, reproduced by
badmintoncryer/cdk-preflight."""

_PERCENT = r"([0-9]{1,2}(\.[0-9]{0,10})?|100)"
STATISTIC = (
    r"(?i:(SampleCount|Average|Sum|Minimum|Maximum|IQM|(p|tc|tm|ts|wm)"
    rf"{_PERCENT}|[ou][0-9]+(\.[0-9]*)?)(_E|_L|_H)?|(TM|TC|TS|WM|PR)\(.*\))"
)
"""A statistic, simplified. Amazon CloudWatch API reference, AnomalyDetectorMetricStat."""

ACTION_SERVICES = (
    *("sns", "autoscaling", "automate", "ssm", "ssm-incidents", "lambda", "swf", "aiops"),
)
"""The services of the actions of alarms. The same reference, PutMetricAlarm, AlarmActions."""
