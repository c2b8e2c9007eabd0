"""Params of the alarms of services, workers and scheduled tasks."""

from __future__ import annotations

from pydantic import Field

from ..alarms.alarms import AlarmParams
from ..alarms.settings import AgeAlarm, Alarm, CountAlarm, LatencyAlarm, PercentageAlarm
from ..common.fields import Switch


class EcsAlarmParams(AlarmParams):
    """The alarms of an ECS service. `false` turns an alarm off."""

    cpu: Switch[PercentageAlarm] = Field(
        PercentageAlarm.unvalidated(),
        description="CPU utilization of the service. Default: above 90% for 10m.",
    )
    memory: Switch[PercentageAlarm] = Field(
        PercentageAlarm.unvalidated(),
        description="Memory utilization of the service. Default: above 90% for 10m.",
    )
    tasks_missing: Switch[Alarm] = Field(
        Alarm.unvalidated(),
        description="Fewer tasks run than desired. Default: for 10m. Needs `container_insights` in "
        "the cluster; without it, there is no such alarm.",
    )
    deployment_failed: bool = Field(
        True, description="A deployment has failed, whether or not it was rolled back."
    )
    task_stopped: bool = Field(
        True,
        description="A task could not start, or an essential container has exited. Tasks that "
        "deployments, scaling or Spot interruptions stop do not count.",
    )


class ServiceAlarms(EcsAlarmParams):
    """The alarms of a service. `false` turns an alarm off."""

    target_5xx: Switch[PercentageAlarm] = Field(
        PercentageAlarm.unvalidated(),
        description="ALB: 5xx responses of the tasks. Default: above 5% for 3m.",
    )
    connection_errors: Switch[PercentageAlarm] = Field(
        PercentageAlarm.unvalidated(),
        description="ALB: requests for which the load balancer could not connect to a task. "
        "Default: above 5% for 3m.",
    )
    latency: Switch[LatencyAlarm] = Field(
        LatencyAlarm.unvalidated(),
        description="ALB: response time, 95th percentile. Default: above 1s for 5m.",
    )
    unhealthy_hosts: Switch[CountAlarm] = Field(
        CountAlarm.unvalidated(),
        description="Tasks that fail the health check. Default: above 0 for 5m.",
    )
    no_healthy_host: Switch[Alarm] = Field(
        Alarm.unvalidated(), description="No task passes the health check. Default: for 2m."
    )


class WorkerAlarms(EcsAlarmParams):
    """The alarms of a worker. `false` turns an alarm off."""

    dead_letters: Switch[CountAlarm] = Field(
        CountAlarm.unvalidated(),
        description="Messages in the dead-letter queue. Default: above 0 for 1m.",
    )
    oldest_message: Switch[AgeAlarm] = Field(
        AgeAlarm.unvalidated(),
        description="Age of the oldest message in the queue. Default: above 15m for 5m.",
    )


class JobAlarms(AlarmParams):
    """The alarms of a scheduled task. `false` turns an alarm off."""

    dead_letters: Switch[CountAlarm] = Field(
        CountAlarm.unvalidated(),
        description="Messages in the dead-letter queue, about runs that could not be started. "
        "Default: above 0 for 1m.",
    )
    run_failed: bool = Field(
        True, description="A run has failed: it did not exit with 0, or took longer than `timeout`."
    )
