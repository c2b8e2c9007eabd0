"""A stack that holds one ECS service which works on the messages of a queue, with all that only it
needs: the queue and its dead-letter queue, task definition, roles, log group, security group.

    mailer:
      template: worker
      containers:
        mailer: {image: "ecr:shop/mailer:1.4.2"}
      scaling: {min: 1, max: 20, backlog_per_task: 50}

Its containers find the queue's URL in `QUEUE_URL`. Other stacks send to it by
`queues: {MAIL_QUEUE_URL: mailer}`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field
from troposphere import GetAtt, Output, Ref, Template, ecs

from moorage.findings.finding import Problem
from moorage.model import Environment

from . import cluster
from .common.exports import export_output
from .common.stack_lookup import find_stack
from .tasks import scaling
from .tasks.deployments import (
    DeploymentParams,
    deployment_configuration,
    deployment_problems,
    minimum_healthy_count,
    rebalancing_setting,
)
from .tasks.launch_type_problems import rebalancing_problems, spare_problems
from .tasks.launch_types import uses_instance_address
from .tasks.queue_problems import queue_problems
from .tasks.queue_resources import add_queue_urls, queue_resources
from .tasks.queues import QueueConsumerParams, queue_handle
from .tasks.scaling import backlog_policies, scaling_problems, scaling_resources
from .tasks.service_connect import (
    DiscoverableParams,
    add_port_names,
    discoverable_service_problems,
    discoverable_service_properties,
    discoverable_service_resources,
)
from .tasks.task import (
    TaskParams,
    cluster_of,
    log_group_name,
    run_on,
    security_groups,
    task_problems,
    task_resources,
    task_waits,
)
from .tasks.volume_resources import volume_configurations


class Scaling(scaling.Scaling):
    """The number of tasks follows the queue, or the load."""

    min: int = Field(
        1,
        ge=0,
        le=5000,
        description="Least number of tasks. 0 needs `backlog_per_task`: the first message wakes a "
        "task, within some minutes, or a quarter of an hour where the queue lay still for six.",
    )
    backlog_per_task: int | None = Field(
        None,
        ge=1,
        le=1_000_000,
        description="Messages for each task, with those that it is working on: how long a message "
        "may wait, divided by how long a task works on one. Needs `container_insights` at the "
        "cluster, which counts the tasks.",
    )


class Params(QueueConsumerParams, DiscoverableParams, DeploymentParams, TaskParams):
    """An ECS service without a load balancer, which works on the messages of an SQS queue."""

    scaling: Scaling | None = Field(
        None,
        description="Let the number of tasks follow the queue or the load, not `desired_count`.",
    )


TARGETS = ("backlog_per_task", "cpu", "memory")


def problems(name: str, params: Params, env: Environment) -> Iterator[Problem]:
    """What only the whole can tell."""
    yield from task_problems(params, env)
    yield from discoverable_service_problems(name, params, env)
    yield from queue_problems(params.queue, env)
    yield from scaling_problems(params.scaling, TARGETS, "desired_count" in params.model_fields_set)
    count, path = scaling.minimum_task_count(params.scaling, params.desired_count)
    yield from deployment_problems(params, count, path)
    yield from spare_problems(params, minimum_healthy_count(params, count), env)
    yield from rebalancing_problems(params, rebalanced=params.availability_zone_rebalancing)
    if params.scaling:
        yield from _scaling_problems(params.scaling, params, env)


def _scaling_problems(asked: Scaling, params: Params, env: Environment) -> Iterator[Problem]:
    """Amazon ECS developer guide, "Amazon ECS service utilization metrics": the number of running
    tasks is a metric of Container Insights."""
    if asked.min == 0 and asked.backlog_per_task is None:
        message = "Where there is no task there is no load, and so there would never be one"
        hint = "Write `backlog_per_task:`, or `min: 1`."
        yield Problem("M1108", ("scaling", "min"), message, hint)
    found = find_stack(env, cluster.Params, params.cluster)
    if asked.backlog_per_task and found and not found[1].existing:
        name, its = found
        if its.container_insights == "off":
            message = f"Nobody counts the tasks: `{name}` has no Container Insights"
            hint = f"Write `container_insights: on` at `{name}`."
            yield Problem("M1108", ("scaling", "backlog_per_task"), message, hint)


def compose(name: str, params: Params, env: Environment) -> Template:
    """The service, its queue, and all that only it needs."""
    home = cluster_of(params, env)
    template = Template(f"{env.app} {env.name}: the worker `{name}`")
    template.set_version()
    template.add_resource(
        [
            *queue_resources(params.queue),
            *task_resources(name, add_port_names(name, add_queue_urls(name, params, env)), env),
            *security_groups(name, params, env),
            *discoverable_service_resources(name, params, env),
            _service(name, params, env),
        ]
    )
    if params.scaling:
        template.add_resource(list(scaling_resources(params.scaling, home.name)))
        if target := params.scaling.backlog_per_task:
            queue = queue_handle(name, name, params, env).name
            template.add_resource(list(backlog_policies(params.scaling, target, queue, home.name)))
    template.add_output(list(_outputs(name, params, env)))
    return template


def _service(name: str, params: Params, env: Environment) -> ecs.Service:
    home = cluster_of(params, env)
    optional: dict[str, Any] = {
        "EnableExecuteCommand": params.enable_execute_command or None,
        "DependsOn": task_waits(params, env),
        "VolumeConfigurations": volume_configurations(params.volumes),
    }
    return ecs.Service(
        "Service",
        Cluster=home.name,
        TaskDefinition=Ref("TaskDefinition"),
        **run_on(params, env),
        **scaling.desired_count_property(params.scaling, params.desired_count),
        AvailabilityZoneRebalancing=rebalancing_setting(params),
        DeploymentConfiguration=deployment_configuration(params),
        **discoverable_service_properties(name, params, log_group_name(params), env),
        EnableECSManagedTags=True,
        PropagateTags="SERVICE",
        **{key: value for key, value in optional.items() if value},
    )


def _outputs(name: str, params: Params, env: Environment) -> Iterator[Output]:
    queue = queue_handle(name, name, params, env)
    if params.queue.existing is None:
        yield export_output(env, name, "QueueUrl", queue.url, "URL of the queue")
        yield export_output(env, name, "QueueArn", queue.arn, "ARN of the queue")
        yield export_output(env, name, "QueueName", queue.name, "Name of the queue")
        dead = params.queue.dead_letter_queue
        if dead and dead.existing is None:
            url = Ref("DeadLetterQueue")
            what = "URL of the queue for what nobody could work on"
            yield Output("DeadLetterQueueUrl", Description=what, Value=url)
    if not uses_instance_address(params.network_mode):
        group = GetAtt("SecurityGroup", "GroupId")
        yield export_output(env, name, "SecurityGroupId", group, "Security group of the tasks")
    if params.task_role.existing is None:
        arn = GetAtt("TaskRole", "Arn")
        yield export_output(env, name, "TaskRoleArn", arn, "Role of the containers")
    yield Output("ServiceName", Description="Name of the service", Value=GetAtt("Service", "Name"))
    yield Output("LogGroupName", Description="Where output goes", Value=log_group_name(params))
