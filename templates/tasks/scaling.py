"""How many tasks a service has, by its load: Application Auto Scaling.

CloudFormation sends a service's DesiredCount with every update, so a service that is scaled has
none: its number of tasks belongs to the scaling alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import Field
from troposphere import GetAtt, Join, Ref, Select, Split, Sub, cloudwatch
from troposphere import applicationautoscaling as aas

from moorage.findings.finding import Path, Problem
from moorage.model import Base, logical_id

from ..common.fields import Duration


class Scaling(Base):
    """The number of tasks follows the load: targets that hold on average over all tasks. Where
    several are given, the one that asks for most tasks has its way."""

    min: int = Field(1, ge=1, le=5000, description="Least number of tasks.")
    max: int = Field(ge=1, le=5000, description="Greatest number of tasks.")
    cpu: int | None = Field(None, ge=1, le=100, description="CPU in use, in percent.")
    memory: int | None = Field(None, ge=1, le=100, description="Memory in use, in percent.")
    scale_out_cooldown: Duration | None = Field(
        None, description="Time after tasks were added before more are; 5m if not said."
    )
    scale_in_cooldown: Duration | None = Field(
        None, description="Time after tasks were removed before more are; 5m if not said."
    )


def scaling_problems(
    scaling: Scaling | None, targets: Sequence[str], desired: bool
) -> Iterator[Problem]:
    """What is wrong with a stack's `scaling:`, whose targets have these keys.

    `desired` says whether the stack has a `desired_count:` as well.
    """
    if scaling is None:
        return
    path: Path = ("scaling",)
    if scaling.max < scaling.min:
        message = f"At least {scaling.min} tasks and at most {scaling.max} cannot both be"
        yield Problem("M1108", (*path, "max"), message, f"Write {scaling.min} or more.")
    if all(getattr(scaling, key) is None for key in targets):
        hint = f"Write one of {', '.join(f'`{key}`' for key in targets)}, such as `{targets[0]}: "
        example = {"cpu": "60", "backlog_per_task": "10"}[targets[0]]
        yield Problem("M1108", path, "Nothing says when to scale", f"{hint}{example}`.")
    if desired:
        message = "Scaling sets the number of tasks, and an update would set it back"
        hint = "Remove `desired_count:`; `scaling: {min: ...}` is what a service starts with."
        yield Problem("M1108", ("desired_count",), message, hint, because=[path])


def minimum_task_count(scaling: Scaling | None, count: int) -> tuple[int, Path]:
    """The number of tasks that there are at least, and where the params say so."""
    return (scaling.min, ("scaling", "min")) if scaling else (count, ("desired_count",))


def desired_count_property(scaling: Scaling | None, count: int) -> dict[str, int]:
    """The service's DesiredCount, where nothing else sets it."""
    return {} if scaling else {"DesiredCount": count}


# What comes out ------------------------------------------------------------------------------


def scaling_resources(scaling: Scaling, cluster: Any) -> Iterator[Any]:
    """What is scaled, and the policies for CPU and memory.

    Without a RoleARN Application Auto Scaling uses its service-linked role, which it makes itself
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
    """A policy for the requests per task and minute to the target group of that logical ID.

    Its metric is named by the last parts of two ARNs (Application Auto Scaling API reference,
    PredefinedMetricSpecification, ResourceLabel); the listener's holds the load balancer's.
    """
    parts = Split("/", listener)
    label = Join("/", [*(Select(at, parts) for at in (1, 2, 3)), GetAtt(title, _FULL_NAME)])
    metric = predefined_metric("ALBRequestCountPerTarget", ResourceLabel=label)
    name = title.removesuffix("TargetGroup")
    return tracking_policy(logical_id(name, "Requests"), scaling, target, metric)


_FULL_NAME = "TargetGroupFullName"


def predefined_metric(metric: str, **more: Any) -> dict[str, aas.PredefinedMetricSpecification]:
    """A metric that Application Auto Scaling knows by name."""
    return {
        "PredefinedMetricSpecification": aas.PredefinedMetricSpecification(
            PredefinedMetricType=metric, **more
        )
    }


def tracking_policy(
    name: str, scaling: Scaling, target: int, metric: Mapping[str, Any]
) -> aas.ScalingPolicy:
    """A policy that adds and removes tasks to hold a metric at a target."""
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


# By the backlog of a queue -------------------------------------------------------------------

# What CloudWatch calculates. SQS reports messages in flight only while there are any (its developer
# guide, "Available CloudWatch metrics"), and Container Insights no tasks where none run: FILL and
# SUM take that for nothing, where a sum of two would be missing with either.
_MESSAGES = "SUM([FILL(visible, 0), FILL(in_flight, 0)])"
# CloudWatch user guide, "Using math expressions with CloudWatch metrics", FILL: the newest minutes
# of a metric that comes a little late are always filled, so an alarm must not trust them alone.
_MINUTES = 3
_NOBODY = "IF(FILL(desired, 0) < 1, FILL(visible, 0), 0)"


def backlog_policies(
    scaling: Scaling, target: int, queue: Any, cluster: Any
) -> Iterator[aas.ScalingPolicy | cloudwatch.Alarm]:
    """Policies for the messages per task of a queue, whose name and cluster's name are given.

    The metric is that of the Application Auto Scaling user guide, "Create a target tracking scaling
    policy using metric math", with one change: messages that are being worked on count too. Without
    them the last tasks are stopped in the middle of their work as soon as the queue looks empty
    (aws/aws-cdk#9242); KEDA counts them for the same reason (kedacore/keda-docs#773).

    What is divided by no task is no number, and a policy without a number does nothing: so where
    there may be no task, one is taken for the least, and a policy of its own wakes the first task
    for the first message. Target tracking alone would wait for more messages than the target
    (aws/copilot-cli#3376). Until that task is counted the alarm stays, and what was added within
    the cooldown is not added again.
    """
    running = "running" if scaling.min else "IF(FILL(running, 0) < 1, 1, running)"
    yield tracking_policy(
        "Backlog",
        scaling,
        target,
        {
            "CustomizedMetricSpecification": aas.CustomizedMetricSpecification(
                Metrics=[
                    _tracked("visible", *_visible(queue)),
                    _tracked("in_flight", *_in_flight(queue)),
                    _tracked("running", *_tasks("RunningTaskCount", cluster)),
                    aas.TargetTrackingMetricDataQuery(
                        Id="backlog_per_task",
                        Expression=f"{_MESSAGES} / {running}",
                        ReturnData=True,
                    ),
                ]
            )
        },
    )
    if scaling.min:
        return
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
        AlarmDescription="There are messages and no task",
        AlarmActions=[Ref("WakeScalingPolicy")],
        ComparisonOperator="GreaterThanThreshold",
        Threshold=0,
        EvaluationPeriods=_MINUTES,
        DatapointsToAlarm=_MINUTES,
        TreatMissingData="notBreaching",
        Metrics=[
            _watched("visible", *_visible(queue)),
            _watched("desired", *_tasks("DesiredTaskCount", cluster)),
            cloudwatch.MetricDataQuery(Id="nobody", Expression=_NOBODY, ReturnData=True),
        ],
    )


_Metric = tuple[str, str, Mapping[str, Any]]
"""A metric's namespace, name and dimensions."""


def _visible(queue: Any) -> _Metric:
    return "AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": queue}


def _in_flight(queue: Any) -> _Metric:
    return "AWS/SQS", "ApproximateNumberOfMessagesNotVisible", {"QueueName": queue}


def _tasks(name: str, cluster: Any) -> _Metric:
    dimensions = {"ClusterName": cluster, "ServiceName": GetAtt("Service", "Name")}
    return "ECS/ContainerInsights", name, dimensions


def _tracked(
    key: str, namespace: str, name: str, dimensions: Mapping[str, Any]
) -> aas.TargetTrackingMetricDataQuery:
    """A metric as a scaling policy takes it."""
    return aas.TargetTrackingMetricDataQuery(
        Id=key,
        MetricStat=aas.TargetTrackingMetricStat(
            Metric=aas.TargetTrackingMetric(
                Namespace=namespace,
                MetricName=name,
                Dimensions=[
                    aas.TargetTrackingMetricDimension(Name=one, Value=value)
                    for one, value in dimensions.items()
                ],
            ),
            Stat="Maximum",
        ),
        ReturnData=False,
    )


def _watched(
    key: str, namespace: str, name: str, dimensions: Mapping[str, Any]
) -> cloudwatch.MetricDataQuery:
    """A metric as an alarm takes it."""
    return cloudwatch.MetricDataQuery(
        Id=key,
        MetricStat=cloudwatch.MetricStat(
            Metric=cloudwatch.Metric(
                Namespace=namespace,
                MetricName=name,
                Dimensions=[
                    cloudwatch.MetricDimension(Name=one, Value=value)
                    for one, value in dimensions.items()
                ],
            ),
            Period=60,
            Stat="Maximum",
        ),
        ReturnData=False,
    )
