"""A task that runs on a schedule.

    report:
      template: scheduled_task
      schedule: "cron(30 6 ? * MON-FRI *)"
      time_zone: Europe/Berlin
      containers:
        report: {image: "ecr:shop/report:1.4.2", command: [bin/report]}

EventBridge Scheduler does not know whether the last run has ended. So by default it starts a state
machine, which runs the task unless a task of the same family is running. Two runs that start within
a second or two can still overlap, since neither finds the other. With `overlap: allow` there is no
state machine.
"""

from __future__ import annotations

from collections.abc import Iterator

from troposphere import Output, Ref, Template

from moorage.findings.finding import Problem
from moorage.model import Environment
from moorage.plan import Deployment

from ..alarms.alarms import Alarms, alarm_problems, alarm_resources
from ..common.regions import key_region_problems
from ..common.schedules import time_zone_problems
from ..tasks import run_task
from ..tasks.alarms import resolve_job_alarms, service_alarm_problems
from ..tasks.image_builds import image_builds
from ..tasks.queue_problems import queue_arn_problems
from ..tasks.queues import queue_name
from ..tasks.task import Task, resolve_task
from ..tasks.task_resources import log_group_output, security_groups, task_outputs, task_resources
from .dead_letters import created_dead_letter_queue
from .params import Params
from .schedule import schedule, schedule_role
from .state_machine import state_machine

__all__ = ["Params", "compose", "deployment", "problems"]


def problems(name: str, params: Params, env: Environment) -> Iterator[Problem]:
    """Problems of a scheduled task, given the other stacks of the environment."""
    task = env.resolve(resolve_task, name, params)
    yield from run_task.run_problems(task)
    alarms = _alarms(task, params)
    yield from alarm_problems(alarms, env)
    yield from service_alarm_problems(alarms, task)
    yield from time_zone_problems(params.time_zone, ("time_zone",))
    if params.overlap == "allow":
        keys = ("timeout", "execution_logs", "tracing")
        for key in (key for key in keys if getattr(params, key)):
            message = f"`{key}` has no effect with `overlap: allow`"
            hint = "Remove it, or write `overlap: skip`."
            yield Problem("M3302", (key,), message, hint, because=[("overlap",)])
    if params.execution_logs:
        path = ("execution_logs", "kms_key")
        yield from key_region_problems(params.execution_logs.kms_key, path, env)
    queue = params.dead_letter_queue
    if queue:
        yield from key_region_problems(queue.kms_key, ("dead_letter_queue", "kms_key"), env)
    if queue and queue.existing:
        path = ("dead_letter_queue", "existing")
        yield from queue_arn_problems(queue.existing, path, env)
        if str(queue.existing).endswith(".fifo"):
            message = "EventBridge Scheduler sends to standard queues only, but this is a FIFO "
            message += "queue"
            yield Problem("M3303", path, message, "Write the ARN of a standard queue.")
        if "retention" in queue.model_fields_set:
            message = "`retention` has no effect on an existing queue"
            path = ("dead_letter_queue", "retention")
            yield Problem("M3351", path, message, "Remove it, or remove `existing:`.")


def compose(name: str, params: Params, env: Environment) -> Template:
    """The stack of a scheduled task."""
    task = env.resolve(resolve_task, name, params)
    template = Template(f"{env.app} {env.name}: the scheduled task `{name}`")
    template.set_version()
    template.add_resource(
        [
            *task_resources(task),
            *security_groups(task),
            *(state_machine(task, params) if params.overlap == "skip" else ()),
            *created_dead_letter_queue(params),
            schedule_role(task, params),
            schedule(task, params),
            *alarm_resources(_alarms(task, params)),
        ]
    )
    template.add_output(list(_outputs(task)))
    return template


def _alarms(task: Task, params: Params) -> Alarms | None:
    queue = params.dead_letter_queue
    return resolve_job_alarms(
        params.alarms,
        task,
        dead_letters=queue_name(queue.existing) if queue else None,
        state_machine=params.overlap == "skip",
    )


def deployment(name: str, params: Params, env: Environment) -> Deployment:
    return Deployment(after=tuple(params.after), builds=image_builds(params))


def _outputs(task: Task) -> Iterator[Output]:
    yield from task_outputs(task, "Security group of the task")
    yield Output("ScheduleName", Description="Name of the schedule", Value=Ref("Schedule"))
    yield from log_group_output(task)
