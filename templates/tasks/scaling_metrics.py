"""CloudWatch metrics for scaling a service, as properties of policies and alarms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from troposphere import GetAtt, Join, Select, Split, cloudwatch
from troposphere import applicationautoscaling as aas

from moorage.model import logical_id
from moorage.records import record

from .scaling_params import Metric, Scaling


@record
class Source:
    """A metric in CloudWatch, with the statistic of a minute."""

    namespace: str
    name: str
    dimensions: Mapping[str, Any]
    statistic: str = "Maximum"
    per_task: bool = False
    """Whether it is divided by the number of running tasks."""


def service_dimensions(cluster: Any) -> dict[str, Any]:
    """The dimensions of the metrics of this service, in the cluster of that name."""
    return {"ClusterName": cluster, "ServiceName": GetAtt("Service", "Name")}


def task_count(name: str, cluster: Any) -> Source:
    """A metric of Container Insights: `RunningTaskCount` or `DesiredTaskCount`."""
    return Source("ECS/ContainerInsights", name, service_dimensions(cluster))


def utilization(key: str, cluster: Any) -> Source:
    """The average utilization of `cpu` or `memory` in percent (Amazon ECS developer guide, "Amazon
    ECS service utilization metrics")."""
    name = {"cpu": "CPUUtilization", "memory": "MemoryUtilization"}[key]
    return Source("AWS/ECS", name, service_dimensions(cluster), "Average")


def response_time(title: str, listener: Any) -> Source:
    """The average response time in seconds of the target group with the logical ID `title`, behind
    the listener with that ARN (user guide for Application Load Balancers, "CloudWatch metrics for
    your Application Load Balancer")."""
    dimensions = _target_group_dimensions(title, listener)
    return Source("AWS/ApplicationELB", "TargetResponseTime", dimensions, "Average")


def requests_per_target(title: str, listener: Any) -> Source:
    """The average number of requests for each target of a group, with the arguments of
    `response_time`. Its only useful statistic is the sum (the same user guide)."""
    dimensions = _target_group_dimensions(title, listener)
    return Source("AWS/ApplicationELB", "RequestCountPerTarget", dimensions, "Sum")


def _target_group_dimensions(title: str, listener: Any) -> dict[str, Any]:
    return {
        "LoadBalancer": Join("/", load_balancer_label(listener)),
        "TargetGroup": GetAtt(title, "TargetGroupFullName"),
    }


def load_balancer_label(listener: Any) -> list[Select]:
    """The last parts of the ARN of the listener's load balancer, which are also in the ARN of the
    listener."""
    parts = Split("/", listener)
    return [Select(index, parts) for index in (1, 2, 3)]


def metric_source(metric: Metric, cluster: Any) -> Source:
    """A metric of the params."""
    own = service_dimensions(cluster) if metric.of_service else {}
    statistic = logical_id(metric.statistic)
    dimensions = {**metric.dimensions, **own}
    return Source(metric.namespace, metric.metric, dimensions, statistic, metric.per_task)


def find_source(scaling: Scaling, key: str, cluster: Any) -> Source:
    """The metric that a key of `steps` names."""
    if key in scaling.metrics:
        return metric_source(scaling.metrics[key], cluster)
    return utilization(key, cluster)


def tracking_metric(source: Source, cluster: Any) -> dict[str, aas.CustomizedMetricSpecification]:
    """The metric of a target tracking policy."""
    if source.per_task:
        metrics = [
            query_in_policy("load", source),
            query_in_policy("running", task_count("RunningTaskCount", cluster)),
            aas.TargetTrackingMetricDataQuery(
                Id="load_per_task", Expression="load / running", ReturnData=True
            ),
        ]
        specification = aas.CustomizedMetricSpecification(Metrics=metrics)
    else:
        specification = aas.CustomizedMetricSpecification(
            Namespace=source.namespace,
            MetricName=source.name,
            **_dimensions(aas.MetricDimension, source),
            Statistic=source.statistic,
        )
    return {"CustomizedMetricSpecification": specification}


def tracking_sum(key: str, sources: Sequence[Source]) -> dict[str, Any]:
    """The metric of a target tracking policy: a sum, in which a missing value is 0."""
    return _tracking_aggregate("SUM", key, sources)


def tracking_maximum(key: str, sources: Sequence[Source]) -> dict[str, Any]:
    """The metric of a target tracking policy: the largest one, in which a missing value is 0."""
    return _tracking_aggregate("MAX", key, sources)


def _tracking_aggregate(function: str, key: str, sources: Sequence[Source]) -> dict[str, Any]:
    queries = {f"{key}_{position}": source for position, source in enumerate(sources, 1)}
    filled = ", ".join(f"FILL({each}, 0)" for each in queries)
    metrics = [query_in_policy(each, source) for each, source in queries.items()]
    result = aas.TargetTrackingMetricDataQuery(
        Id=key, Expression=f"{function}([{filled}])", ReturnData=True
    )
    return {
        "CustomizedMetricSpecification": aas.CustomizedMetricSpecification(
            Metrics=[*metrics, result]
        )
    }


def alarm_metric(source: Source, cluster: Any) -> dict[str, Any]:
    """The properties of an alarm for its metric."""
    if source.per_task:
        return {
            "Metrics": [
                query_in_alarm("load", source),
                query_in_alarm("running", task_count("RunningTaskCount", cluster)),
                cloudwatch.MetricDataQuery(
                    Id="load_per_task", Expression="load / running", ReturnData=True
                ),
            ]
        }
    return {
        "Namespace": source.namespace,
        "MetricName": source.name,
        **_dimensions(cloudwatch.MetricDimension, source),
        "Statistic": source.statistic,
        "Period": 60,
    }


def query_in_policy(key: str, source: Source) -> aas.TargetTrackingMetricDataQuery:
    """A metric in the expression of a target tracking policy."""
    return aas.TargetTrackingMetricDataQuery(
        Id=key,
        MetricStat=aas.TargetTrackingMetricStat(
            Metric=aas.TargetTrackingMetric(
                Namespace=source.namespace,
                MetricName=source.name,
                **_dimensions(aas.TargetTrackingMetricDimension, source),
            ),
            Stat=source.statistic,
        ),
        ReturnData=False,
    )


def query_in_alarm(key: str, source: Source) -> cloudwatch.MetricDataQuery:
    """A metric in the expression of an alarm."""
    return cloudwatch.MetricDataQuery(
        Id=key,
        MetricStat=cloudwatch.MetricStat(
            Metric=cloudwatch.Metric(
                Namespace=source.namespace,
                MetricName=source.name,
                **_dimensions(cloudwatch.MetricDimension, source),
            ),
            Period=60,
            Stat=source.statistic,
        ),
        ReturnData=False,
    )


def _dimensions(kind: type[Any], source: Source) -> dict[str, list[Any]]:
    """The property Dimensions, if the metric has any; `kind` is the type of an entry."""
    dimensions = [kind(Name=name, Value=value) for name, value in source.dimensions.items()]
    return {"Dimensions": dimensions} if dimensions else {}
