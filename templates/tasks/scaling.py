"""Scaling of an ECS service by its load, with Application Auto Scaling.

CloudFormation sets a service's DesiredCount with every update that has the property, so a service
that is scaled does not have it: only Application Auto Scaling sets its number of tasks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field
from troposphere import GetAtt, Join, Ref, Select, Split, Sub, cloudwatch
from troposphere import applicationautoscaling as aas

from moorage.facts.api_types import MAX_INTEGER
from moorage.findings.finding import Path, Problem
from moorage.model import Base, logical_id

from ..common.fields import duration

Cooldown = Annotated[int, duration(0, MAX_INTEGER)]


class Scaling(Base):
    """Target tracking: the number of tasks follows the load, so that the average over all tasks
    stays at the targets. With several targets, the one that needs the most tasks decides."""

    min: int = Field(1, ge=1, le=5000, description="Minimum number of tasks.")
    max: int = Field(ge=1, le=5000, description="Maximum number of tasks.")
    cpu: int | None = Field(
        None, ge=1, le=100, description="Target for the average CPU utilization, in percent."
    )
    memory: int | None = Field(
        None, ge=1, le=100, description="Target for the average memory utilization, in percent."
    )
    scale_out_cooldown: Cooldown | None = Field(
        None, description="Time after tasks were added before more are added; 5m by default."
    )
    scale_in_cooldown: Cooldown | None = Field(
        None, description="Time after tasks were removed before more are removed; 5m by default."
    )


def scaling_problems(
    scaling: Scaling | None, targets: Sequence[str], desired: bool
) -> Iterator[Problem]:
    """Problems of a stack's `scaling:`. `targets` are the keys of the targets that it can have;
    `desired` says whether `desired_count` is written as well.
    """
    if scaling is None:
        return
    path: Path = ("scaling",)
    if scaling.max < scaling.min:
        message = f"`max: {scaling.max}` is below `min: {scaling.min}`"
        hint = f"Write a `max` of at least {scaling.min}, or a lower `min`."
        yield Problem("M3250", (*path, "max"), message, hint)
    if all(getattr(scaling, key) is None for key in targets):
        example = {"cpu": "60", "backlog_per_task": "10"}[targets[0]]
        keys = " or ".join(f"`{key}`" for key in targets)
        hint = f"Add {keys}, for example `{targets[0]}: {example}`."
        yield Problem("M3251", path, "`scaling` has no target to scale by", hint)
    if desired:
        message = "`scaling` sets the number of tasks; with `desired_count` every update would "
        message += "reset it"
        hint = "Remove `desired_count`: the service has at least `min` tasks."
        yield Problem("M3252", ("desired_count",), message, hint, because=[path])


def minimum_task_count(scaling: Scaling | None, count: int) -> tuple[int, Path]:
    """The smallest number of tasks that the service has, and the path where it is set."""
    return (scaling.min, ("scaling", "min")) if scaling else (count, ("desired_count",))


def desired_count_property(scaling: Scaling | None, count: int) -> dict[str, int]:
    """The DesiredCount property of an ECS service, which a scaled service does not have."""
    return {} if scaling else {"DesiredCount": count}


# Resources -----------------------------------------------------------------------------------


def scaling_resources(scaling: Scaling, cluster: Any) -> Iterator[Any]:
    """The scalable target, and the scaling policies for CPU and memory.

    Without a RoleARN Application Auto Scaling uses its service-linked role, which it creates itself
    (its user guide, "Service-linked roles for Application Auto Scaling").
    """
    yield aas.ScalableTarget(
        "ScalableTarget",
        ServiceNamespace="ecs",
        ScalableDimension="ecs:service:DesiredCount",
        ResourceId=Sub("service/${Cluster}/${Service.Name}", Cluster=cluster),
        MinCapacity=scaling.min,
        MaxCapacity=scaling.max,
    )
    if scaling.cpu is not None:
        metric = "ECSServiceAverageCPUUtilization"
        yield tracking_policy("Cpu", scaling, scaling.cpu, predefined_metric(metric))
    if scaling.memory is not None:
        metric = "ECSServiceAverageMemoryUtilization"
        yield tracking_policy("Memory", scaling, scaling.memory, predefined_metric(metric))


def requests_policy(title: str, listener: Any, scaling: Scaling, target: int) -> aas.ScalingPolicy:
    """A policy for the requests per task and minute to the target group with the logical ID
    `title`, behind the listener with the ARN `listener`.

    The metric's label consists of the last parts of the load balancer's and the target group's ARNs
    (Application Auto Scaling API reference, PredefinedMetricSpecification, ResourceLabel); the ARN
    of a listener contains that of its load balancer.
    """
    parts = Split("/", listener)
    label = Join("/", [*(Select(index, parts) for index in (1, 2, 3)), GetAtt(title, _FULL_NAME)])
    metric = predefined_metric("ALBRequestCountPerTarget", ResourceLabel=label)
    name = title.removesuffix("TargetGroup")
    return tracking_policy(logical_id(name, "Requests"), scaling, target, metric)


_FULL_NAME = "TargetGroupFullName"


def predefined_metric(metric: str, **more: Any) -> dict[str, aas.PredefinedMetricSpecification]:
    """A predefined metric of Application Auto Scaling, as properties of a scaling policy."""
    return {
        "PredefinedMetricSpecification": aas.PredefinedMetricSpecification(
            PredefinedMetricType=metric, **more
        )
    }


def tracking_policy(
    name: str, scaling: Scaling, target: int, metric: Mapping[str, Any]
) -> aas.ScalingPolicy:
    """A target tracking policy for a metric, which `predefined_metric` or a similar function
    returns."""
    cooldowns = {
        "ScaleOutCooldown": scaling.scale_out_cooldown,
        "ScaleInCooldown": scaling.scale_in_cooldown,
    }
    return aas.ScalingPolicy(
        f"{name}ScalingPolicy",
        PolicyName=name,
        PolicyType="TargetTrackingScaling",
        ScalingTargetId=Ref("ScalableTarget"),
        TargetTrackingScalingPolicyConfiguration=aas.TargetTrackingScalingPolicyConfiguration(
            TargetValue=target,
            **metric,
            **{key: value for key, value in cooldowns.items() if value is not None},
        ),
    )


# Scaling by the backlog of a queue -----------------------------------------------------------

# Expressions for CloudWatch. SQS reports messages in flight only while there are some (its
# developer guide, "Available CloudWatch metrics"), and Container Insights no task counts while no
# task runs. FILL replaces such gaps by 0; without it the result is missing whenever a metric is.
_MESSAGES = "SUM([FILL(visible, 0), FILL(in_flight, 0)])"
# CloudWatch user guide, "Using math expressions with CloudWatch metrics", FILL: the latest minutes
# of a metric that arrives late are filled as well, so an alarm must evaluate more minutes than
# those.
_ALARM_MINUTES = 3
_MESSAGES_WITHOUT_TASKS = "IF(FILL(desired, 0) < 1, FILL(visible, 0), 0)"


def backlog_policies(
    scaling: Scaling, target: int, queue: Any, cluster: Any
) -> Iterator[aas.ScalingPolicy | cloudwatch.Alarm]:
    """Policies that keep `target` messages for each task. `queue` and `cluster` are names.

    The metric is that of the Application Auto Scaling user guide, "Create a target tracking scaling
    policy using metric math", with one change: it also counts messages that are being processed.
    Otherwise the last tasks are stopped while they still process messages, as soon as the queue
    looks empty (aws/aws-cdk#9242); KEDA counts them for the same reason (kedacore/keda-docs#773).

    A division by zero tasks has no result, and without a result a policy does nothing. So with a
    minimum of no tasks, the metric divides by at least one, and a step scaling policy starts the
    first task when there is a message. Target tracking alone would wait until there are more
    messages than the target (aws/copilot-cli#3376). The alarm stays on until that task is counted;
    the cooldown keeps it from adding more.
    """
    running = "running" if scaling.min else "IF(FILL(running, 0) < 1, 1, running)"
    yield tracking_policy(
        "Backlog",
        scaling,
        target,
        {
            "CustomizedMetricSpecification": aas.CustomizedMetricSpecification(
                Metrics=[
                    _scaling_metric("visible", *_visible_messages(queue)),
                    _scaling_metric("in_flight", *_messages_in_flight(queue)),
                    _scaling_metric("running", *_task_count("RunningTaskCount", cluster)),
                    aas.TargetTrackingMetricDataQuery(
                        Id="backlog_per_task",
                        Expression=f"{_MESSAGES} / {running}",
                        ReturnData=True,
                    ),
                ]
            )
        },
    )
    if not scaling.min:
        yield from _first_task_resources(queue, cluster)


def _first_task_resources(
    queue: Any, cluster: Any
) -> Iterator[aas.ScalingPolicy | cloudwatch.Alarm]:
    """The step scaling policy that starts the first task, and the alarm that triggers it."""
    yield aas.ScalingPolicy(
        "WakeScalingPolicy",
        PolicyName="Wake",
        PolicyType="StepScaling",
        ScalingTargetId=Ref("ScalableTarget"),
        StepScalingPolicyConfiguration=aas.StepScalingPolicyConfiguration(
            AdjustmentType="ChangeInCapacity",
            Cooldown=300,
            StepAdjustments=[aas.StepAdjustment(MetricIntervalLowerBound=0, ScalingAdjustment=1)],
        ),
    )
    yield cloudwatch.Alarm(
        "WakeAlarm",
        AlarmDescription="The queue has messages and the service has no tasks",
        AlarmActions=[Ref("WakeScalingPolicy")],
        ComparisonOperator="GreaterThanThreshold",
        Threshold=0,
        EvaluationPeriods=_ALARM_MINUTES,
        DatapointsToAlarm=_ALARM_MINUTES,
        TreatMissingData="notBreaching",
        Metrics=[
            _alarm_metric("visible", *_visible_messages(queue)),
            _alarm_metric("desired", *_task_count("DesiredTaskCount", cluster)),
            cloudwatch.MetricDataQuery(
                Id="messages_without_tasks", Expression=_MESSAGES_WITHOUT_TASKS, ReturnData=True
            ),
        ],
    )


_Metric = tuple[str, str, Mapping[str, Any]]
"""A metric's namespace, name and dimensions."""


def _visible_messages(queue: Any) -> _Metric:
    return "AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": queue}


def _messages_in_flight(queue: Any) -> _Metric:
    return "AWS/SQS", "ApproximateNumberOfMessagesNotVisible", {"QueueName": queue}


def _task_count(name: str, cluster: Any) -> _Metric:
    dimensions = {"ClusterName": cluster, "ServiceName": GetAtt("Service", "Name")}
    return "ECS/ContainerInsights", name, dimensions


def _scaling_metric(
    key: str, namespace: str, name: str, dimensions: Mapping[str, Any]
) -> aas.TargetTrackingMetricDataQuery:
    """A metric for a target tracking policy."""
    return aas.TargetTrackingMetricDataQuery(
        Id=key,
        MetricStat=aas.TargetTrackingMetricStat(
            Metric=aas.TargetTrackingMetric(
                Namespace=namespace,
                MetricName=name,
                Dimensions=[
                    aas.TargetTrackingMetricDimension(Name=dimension, Value=value)
                    for dimension, value in dimensions.items()
                ],
            ),
            Stat="Maximum",
        ),
        ReturnData=False,
    )


def _alarm_metric(
    key: str, namespace: str, name: str, dimensions: Mapping[str, Any]
) -> cloudwatch.MetricDataQuery:
    """A metric for an alarm."""
    return cloudwatch.MetricDataQuery(
        Id=key,
        MetricStat=cloudwatch.MetricStat(
            Metric=cloudwatch.Metric(
                Namespace=namespace,
                MetricName=name,
                Dimensions=[
                    cloudwatch.MetricDimension(Name=dimension, Value=value)
                    for dimension, value in dimensions.items()
                ],
            ),
            Period=60,
            Stat="Maximum",
        ),
        ReturnData=False,
    )
