"""Params of the alarms of services, workers and scheduled tasks."""

from __future__ import annotations

from pydantic import Field

from ..alarms.alarms import AlarmParams
from ..alarms.settings import AgeAlarm, Alarm, CountAlarm, LatencyAlarm, PercentageAlarm
from ..common.fields import Switch


class EcsAlarmParams(AlarmParams):
    """The alarms of an ECS service. `false` turns an alarm off."""

    cpu: Switch[PercentageAlarm] = Field(
        PercentageAlarm(), description="CPU utilization of the service; above 90% for 10m."
    )
    memory: Switch[PercentageAlarm] = Field(
        PercentageAlarm(), description="Memory utilization of the service; above 90% for 10m."
    )
    tasks_missing: Switch[Alarm] = Field(
        Alarm(),
        description="Fewer tasks run than desired; for 10m. It needs `container_insights` in the "
        "cluster, and is left out without.",
    )
    deployment_failed: bool = Field(
        True, description="A deployment has failed, and perhaps was rolled back."
    )
    task_stopped: bool = Field(
        True,
        description="A task could not start, or an essential container has exited: not what "
        "deployments, scaling or Spot stop.",
    )


class ServiceAlarms(EcsAlarmParams):
    """The alarms of a service. `false` turns an alarm off."""

    target_5xx: Switch[PercentageAlarm] = Field(
        PercentageAlarm(),
        description="ALB: responses of the tasks with a status of 500 and above; above 5% for 3m.",
    )
    connection_errors: Switch[PercentageAlarm] = Field(
        PercentageAlarm(),
        description="ALB: requests for which the load balancer could not connect to a task; above "
        "5% for 3m.",
    )
    latency: Switch[LatencyAlarm] = Field(
        LatencyAlarm(), description="ALB: time to the response, 95th percentile; above 1s for 5m."
    )
    unhealthy_hosts: Switch[CountAlarm] = Field(
        CountAlarm(), description="Tasks that fail the health check; above 0 for 5m."
    )
    no_healthy_host: Switch[Alarm] = Field(
        Alarm(), description="No task passes the health check; for 2m."
    )


class WorkerAlarms(EcsAlarmParams):
    """The alarms of a worker. `false` turns an alarm off."""

    dead_letters: Switch[CountAlarm] = Field(
        CountAlarm(), description="Messages in the dead-letter queue; above 0 for 1m."
    )
    oldest_message: Switch[AgeAlarm] = Field(
        AgeAlarm(), description="Age of the oldest message in the queue; above 15m for 5m."
    )


class JobAlarms(AlarmParams):
    """The alarms of a scheduled task. `false` turns an alarm off."""

    dead_letters: Switch[CountAlarm] = Field(
        CountAlarm(),
        description="Messages in the dead-letter queue: runs that could not be started; above 0 "
        "for 1m.",
    )
    run_failed: bool = Field(
        True, description="A run has failed: it did not exit with 0, or took longer than `timeout`."
    )
