"""An ECS service that processes the messages of a queue, with the queue and its dead-letter queue,
task definition, roles, log group and security group.

    mailer:
      template: worker
      containers:
        mailer: {image: "ecr:shop/mailer:1.4.2"}
      scaling: {min: 1, max: 20, backlog_per_task: 50}

The variable `QUEUE_URL` of its containers is the URL of the queue. Other stacks send to the queue
with `queues: {MAIL_QUEUE_URL: mailer}`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from pydantic import Field
from troposphere import Output, Ref, Template

from moorage.findings.finding import Problem
from moorage.model import Environment
from moorage.plan import Deployment
from moorage.records import record

from .common.exports import export_output
from .common.fields import Switch
from .common.usable import Usable, Usage
from .ecs_service import (
    EcsService,
    EcsServiceParams,
    ecs_service_outputs,
    ecs_service_problems,
    ecs_service_resources,
)
from .tasks import queues, scaling_params
from .tasks.alarm_params import WorkerAlarms
from .tasks.alarms import AlarmQueues, Watched, resolve_service_alarms
from .tasks.deployments import has_circuit_breaker
from .tasks.image_builds import image_builds
from .tasks.queue_problems import queue_problems
from .tasks.queue_resources import consumer_statements, producer_statements, queue_resources
from .tasks.queues import QueueConsumerParams
from .tasks.release import Release
from .tasks.rollback_alarms import resolve_rollback_alarms
from .tasks.scaling import backlog_policies, scaling_resources
from .tasks.scaling_params import minimum_task_count
from .tasks.scaling_problems import container_insights_problems, scaling_problems
from .tasks.service_connect import add_port_names
from .tasks.task import declared_containers, resolve_task
from .tasks.task_resources import security_groups, task_resources
from .tasks.topic_subscriptions import resolve_subscriptions


class Scaling(scaling_params.Scaling):
    """Scales the number of tasks with the queue, or with the load."""

    min: int = Field(
        1,
        ge=0,
        le=5000,
        description="Lowest number of tasks. 0 needs `backlog_per_task`: the first message then "
        "starts a task, within a few minutes, or within 15 minutes if the queue was idle for six "
        "hours.",
    )
    backlog_per_task: int | None = Field(
        None,
        ge=1,
        le=1_000_000,
        description="Target number of messages for each task, including messages in flight: the "
        "acceptable waiting time of a message divided by the time that a task needs to process "
        "it. Needs `container_insights` in the cluster, which counts the tasks.",
    )


class Params(QueueConsumerParams, EcsServiceParams, Usable):
    """An ECS service without a load balancer, which processes the messages of an SQS queue."""

    accesses: ClassVar[tuple[str, ...]] = ("send", "consume")
    endpoints: ClassVar[tuple[str, ...]] = ("sqs",)

    scaling: Scaling | None = Field(
        None,
        examples=[{"min": 1, "max": 4, "cpu": 60}],
        description="Scale the number of tasks with the queue or the load, instead of "
        "`desired_count`.",
    )
    alarms: Switch[WorkerAlarms] = Field(
        None,
        description="Alarms that notify a stack of template `notifications`: `true` for all, or a "
        "map of those that differ from the defaults.",
    )

    def usage(self, stack: str, env: Environment, access: frozenset[str], user: str) -> Usage:
        """The URL of the queue, and the permissions to send to it or to receive from it."""
        queue = queues.queue_handle(stack, user, self, env)
        statements = [
            *(consumer_statements(queue) if "consume" in access else ()),
            *(producer_statements([queue]) if "send" in access else ()),
        ]
        return Usage(variables={"QUEUE_URL": queue.url}, statements=tuple(statements))


TARGETS = ("backlog_per_task", "cpu", "memory")


@record
class Worker(EcsService):
    """A service that processes the messages of a queue."""

    params: Params
    scaling: Scaling | None
    queue: queues.QueueHandle


def resolve_worker(name: str, params: Params, env: Environment) -> Worker:
    """The worker that the params describe. Call it through `env.resolve`, which caches the
    result."""
    containers = add_port_names(name, params, params.containers)
    task = resolve_task(name, params, env, containers=declared_containers(containers))
    queue = queues.queue_handle(name, name, params, env)
    dead_letters = queues.dead_letter_name(params.queue)
    release = Release(params.release)
    minimum = minimum_task_count(params.scaling, params.desired_count)
    breaker = has_circuit_breaker(params, release)
    watched = Watched(queues=AlarmQueues(queue.name, dead_letters), circuit_breaker=breaker)
    alarms = resolve_service_alarms(params.alarms, task, watched, minimum[0])
    return Worker(
        params=params,
        task=task,
        containers=containers,
        scaling=params.scaling,
        exposure=None,
        health_check_grace_period=None,
        release=release,
        queue=queue,
        minimum_count=minimum,
        alarms=alarms,
        rollback_alarms=resolve_rollback_alarms(release, alarms),
        watched=watched,
    )


# Problems ------------------------------------------------------------------------------------


def problems(name: str, params: Params, env: Environment) -> Iterator[Problem]:
    """Problems of a worker, given the other stacks of the environment."""
    worker = env.resolve(resolve_worker, name, params)
    yield from ecs_service_problems(worker)
    yield from queue_problems(params.queue, env)
    has_count = "desired_count" in params.model_fields_set
    yield from scaling_problems(params.scaling, TARGETS, has_count, worker.task.placement)
    if params.scaling:
        yield from _scaling_problems(params.scaling, worker)


def _scaling_problems(scaling: Scaling, worker: Worker) -> Iterator[Problem]:
    if scaling.min == 0 and scaling.backlog_per_task is None:
        message = "Without tasks there is no load, so the service would never start a task again"
        hint = "Write `backlog_per_task:`, or `min: 1`."
        because = [("scaling", "backlog_per_task")]
        yield Problem("M3203", ("scaling", "min"), message, hint, because=because)
    if scaling.backlog_per_task:
        path = ("scaling", "backlog_per_task")
        yield from container_insights_problems("backlog_per_task", path, worker.task.placement)


# Resources -----------------------------------------------------------------------------------


def compose(name: str, params: Params, env: Environment) -> Template:
    """The stack of a worker."""
    worker = env.resolve(resolve_worker, name, params)
    template = Template(f"{env.app} {env.name}: the worker `{name}`")
    template.set_version()
    template.add_resource(
        [
            *queue_resources(params.queue, resolve_subscriptions(params.queue, env)),
            *task_resources(worker.task),
            *security_groups(worker.task),
            *ecs_service_resources(worker, None),
            *_scaling(worker),
        ]
    )
    template.add_output(list(_queue_outputs(worker)))
    template.add_output(list(ecs_service_outputs(worker)))
    return template


def deployment(name: str, params: Params, env: Environment) -> Deployment:
    return Deployment(after=tuple(params.after), builds=image_builds(params))


def _scaling(worker: Worker) -> Iterator[Any]:
    if worker.scaling is None:
        return
    cluster = worker.task.placement.cluster_name
    yield from scaling_resources(worker.scaling, cluster)
    if backlog := worker.scaling.backlog_per_task:
        yield from backlog_policies(worker.scaling, backlog, worker.queue.name, cluster)


def _queue_outputs(worker: Worker) -> Iterator[Output]:
    if worker.params.queue.existing:
        return
    queue, name, env = worker.queue, worker.task.name, worker.task.env
    yield export_output(env, name, "QueueUrl", queue.url, "URL of the queue")
    yield export_output(env, name, "QueueArn", queue.arn, "ARN of the queue")
    yield export_output(env, name, "QueueName", queue.name, "Name of the queue")
    dead_letters = worker.params.queue.dead_letter_queue
    if dead_letters and dead_letters.existing is None:
        url = Ref("DeadLetterQueue")
        description = "URL of the dead-letter queue"
        yield Output("DeadLetterQueueUrl", Description=description, Value=url)
