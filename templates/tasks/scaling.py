"""Scaling of an ECS service with Application Auto Scaling: by load, by schedule, by forecast.

If a service has the property DesiredCount, every update resets the number of tasks to it. So a
scaled service does not have it: only Application Auto Scaling sets its number of tasks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from troposphere import GetAtt, Join, Ref, Sub, cloudwatch
from troposphere import applicationautoscaling as aas

from moorage.facts.scaling import CPU_UTILIZATION, MEMORY_UTILIZATION
from moorage.model import logical_id

from ..common.numbers import round_number
from .scaling_metrics import (
    Source,
    load_balancer_label,
    metric_source,
    query_in_alarm,
    query_in_policy,
    requests_per_target,
    response_time,
    task_count,
    tracking_maximum,
    tracking_metric,
    tracking_sum,
)
from .scaling_params import Predictive, Scaling
from .scaling_steps import step_resources


def scaling_resources(scaling: Scaling, cluster: Any) -> Iterator[Any]:
    """The scalable target with its schedule, and the policies that need neither a load balancer nor
    a queue.

    Without a RoleARN Application Auto Scaling uses its service-linked role, which it creates itself
    (its user guide, "Service-linked roles for Application Auto Scaling").
    """
    actions = list(_scheduled_actions(scaling))
    yield aas.ScalableTarget(
        "ScalableTarget",
        ServiceNamespace="ecs",
        ScalableDimension="ecs:service:DesiredCount",
        ResourceId=Sub("service/${Cluster}/${Service.Name}", Cluster=cluster),
        MinCapacity=scaling.min,
        MaxCapacity=scaling.max,
        **({"ScheduledActions": actions} if actions else {}),
    )
    if scaling.cpu is not None:
        metric = CPU_UTILIZATION
        yield tracking_policy("Cpu", scaling, scaling.cpu, predefined_metric(metric))
    if scaling.memory is not None:
        metric = MEMORY_UTILIZATION
        yield tracking_policy("Memory", scaling, scaling.memory, predefined_metric(metric))
    for key, custom in scaling.metrics.items():
        if custom.target is not None:
            source = metric_source(custom, cluster)
            title, target = logical_id(key, "Metric"), round_number(custom.target)
            yield tracking_policy(title, scaling, target, tracking_metric(source, cluster))
    yield from step_resources(scaling, cluster)
    if scaling.predictive is not None:
        yield _predictive_policy(scaling.predictive)


def _scheduled_actions(scaling: Scaling) -> Iterator[aas.ScheduledAction]:
    for name, action in scaling.schedule.items():
        yield aas.ScheduledAction(
            ScheduledActionName=name,
            Schedule=f"cron({action.cron})",
            Timezone=action.time_zone,
            ScalableTargetAction=aas.ScalableTargetAction(
                MinCapacity=action.min, MaxCapacity=action.max
            ),
        )


def _predictive_policy(predictive: Predictive) -> aas.ScalingPolicy:
    """The predictive scaling policy. Its metric pairs are those of the Application Auto Scaling
    user guide, "Create a predictive scaling policy for Application Auto Scaling"."""
    pairs = {"cpu": "ECSServiceCPUUtilization", "memory": "ECSServiceMemoryUtilization"}
    maximum: dict[str, Any] = {"MaxCapacityBreachBehavior": "HonorMaxCapacity"}
    if predictive.above_max is not None:
        maximum = {
            "MaxCapacityBreachBehavior": "IncreaseMaxCapacity",
            "MaxCapacityBuffer": predictive.above_max,
        }
    return aas.ScalingPolicy(
        "PredictiveScalingPolicy",
        PolicyName="Predictive",
        PolicyType="PredictiveScaling",
        ScalingTargetId=Ref("ScalableTarget"),
        PredictiveScalingPolicyConfiguration=aas.PredictiveScalingPolicyConfiguration(
            MetricSpecifications=[
                aas.PredictiveScalingMetricSpecification(
                    TargetValue=predictive.target,
                    PredefinedMetricPairSpecification=aas.PredictiveScalingPredefinedMetricPair(
                        PredefinedMetricType=pairs[predictive.metric]
                    ),
                )
            ],
            Mode=logical_id(predictive.mode),
            SchedulingBufferTime=predictive.start_before,
            **maximum,
        ),
    )


def requests_policy(
    groups: Sequence[str], listener: Any, scaling: Scaling, target: int
) -> aas.ScalingPolicy:
    """A policy for the requests per task and minute to the target group with the logical ID
    `groups[0]`, or to the two of a pair, behind the listener with the ARN `listener`.

    The label of the predefined metric consists of the last parts of the load balancer's and the
    target group's ARNs (Application Auto Scaling API reference, PredefinedMetricSpecification,
    ResourceLabel).

    For a pair, AWS does not support the predefined metric (Amazon ECS developer guide, "Use a
    target metric to scale Amazon ECS services"): half of the time it would be that of the group
    that is not in production. The sum of both groups' requests per task is right even while traffic
    shifts, because each group then has tasks for all of the traffic.
    """
    name = logical_id(groups[0].removesuffix("TargetGroup"), "Requests")
    if len(groups) > 1:
        metric = tracking_sum("requests", [requests_per_target(each, listener) for each in groups])
        return tracking_policy(name, scaling, target, metric)
    group = GetAtt(groups[0], "TargetGroupFullName")
    label = Join("/", [*load_balancer_label(listener), group])
    metric = predefined_metric("ALBRequestCountPerTarget", ResourceLabel=label)
    return tracking_policy(name, scaling, target, metric)


def response_time_policy(
    groups: Sequence[str], listener: Any, scaling: Scaling, milliseconds: int, cluster: Any
) -> aas.ScalingPolicy:
    """A policy for the average response time of the target group with the logical ID `groups[0]`,
    or for the slower one of a pair, behind the listener with the ARN `listener`. The metric is in
    seconds."""
    name = logical_id(groups[0].removesuffix("TargetGroup"), "ResponseTime")
    sources = [response_time(each, listener) for each in groups]
    metric = (
        tracking_maximum("seconds", sources)
        if len(sources) > 1
        else tracking_metric(sources[0], cluster)
    )
    return tracking_policy(name, scaling, round_number(milliseconds / 1000), metric)


def predefined_metric(metric: str, **more: Any) -> dict[str, aas.PredefinedMetricSpecification]:
    """A predefined metric of Application Auto Scaling, as properties of a scaling policy."""
    return {
        "PredefinedMetricSpecification": aas.PredefinedMetricSpecification(
            PredefinedMetricType=metric, **more
        )
    }


def tracking_policy(
    name: str, scaling: Scaling, target: float, metric: Mapping[str, Any]
) -> aas.ScalingPolicy:
    """A target tracking policy. `metric` is what `predefined_metric` or one of the `tracking_...`
    functions of scaling_metrics returns."""
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
# developer guide, "Available CloudWatch metrics"), and Container Insights reports task counts only
# while tasks run. FILL replaces such gaps by 0; without it the result is missing if a metric is.
_MESSAGES = "SUM([FILL(visible, 0), FILL(in_flight, 0)])"
# FILL also fills the latest minutes of a metric that arrives late, so an alarm must evaluate more
# minutes (CloudWatch user guide, "Using math expressions with CloudWatch metrics", FILL).
_ALARM_MINUTES = 3
_MESSAGES_WITHOUT_TASKS = "IF(FILL(desired, 0) < 1, FILL(visible, 0), 0)"


def backlog_policies(
    scaling: Scaling, target: int, queue: Any, cluster: Any
) -> Iterator[aas.ScalingPolicy | cloudwatch.Alarm]:
    """Policies that keep `target` messages for each task. `queue` and `cluster` are names.

    The metric is that of the Application Auto Scaling user guide, "Create a target tracking scaling
    policy using metric math", with one change: it also counts messages that are being processed.
    Without them, the last tasks would be stopped while they still process messages, because the
    queue looks empty (aws/aws-cdk#9242); KEDA counts them for the same reason
    (kedacore/keda-docs#773).

    A division by zero tasks has no result, and without a result a policy does nothing. So with a
    minimum of no tasks, the metric divides by at least one, and a step scaling policy starts the
    first task when there is a message. Target tracking alone would wait until there are more
    messages than the target (aws/copilot-cli#3376). The alarm stays in ALARM until that task is
    counted; meanwhile, the cooldown prevents more tasks.
    """
    running = "running" if scaling.min else "IF(FILL(running, 0) < 1, 1, running)"
    yield tracking_policy(
        "Backlog",
        scaling,
        target,
        {
            "CustomizedMetricSpecification": aas.CustomizedMetricSpecification(
                Metrics=[
                    query_in_policy("visible", _visible_messages(queue)),
                    query_in_policy("in_flight", _messages_in_flight(queue)),
                    query_in_policy("running", task_count("RunningTaskCount", cluster)),
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
            query_in_alarm("visible", _visible_messages(queue)),
            query_in_alarm("desired", task_count("DesiredTaskCount", cluster)),
            cloudwatch.MetricDataQuery(
                Id="messages_without_tasks", Expression=_MESSAGES_WITHOUT_TASKS, ReturnData=True
            ),
        ],
    )


def _visible_messages(queue: Any) -> Source:
    return Source("AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": queue})


def _messages_in_flight(queue: Any) -> Source:
    return Source("AWS/SQS", "ApproximateNumberOfMessagesNotVisible", {"QueueName": queue})
