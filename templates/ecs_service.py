"""An ECS service that keeps tasks running: what the stack kinds `service` and `worker` share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from troposphere import GetAtt, Output, ecs

from moorage.findings.finding import Path, Problem
from moorage.records import record

from .alarms.alarms import Alarms, alarm_problems, alarm_resources
from .exposure.exposure import Exposure
from .exposure.exposure_resources import ExposureResources
from .exposure.release_problems import shift_problems
from .exposure.test_traffic_problems import test_header_problems
from .tasks.alarms import Watched, service_alarm_problems
from .tasks.containers import Containers
from .tasks.dashboard import DashboardParams, service_dashboard
from .tasks.deployments import (
    DeploymentParams,
    deployment_configuration,
    deployment_problems,
    minimum_healthy_count,
    rebalancing_setting,
)
from .tasks.held_task_definition import task_definition_reference
from .tasks.launch_type_problems import rebalancing_problems, spare_instance_problems
from .tasks.params import TaskParams
from .tasks.placement import capacity_properties
from .tasks.release import Release
from .tasks.release_problems import release_problems
from .tasks.rollback_alarms import rollback_problems
from .tasks.scaling_params import Scaling, desired_count_property
from .tasks.service_connect import (
    DiscoverableParams,
    discoverability_problems,
    discoverability_properties,
    discoverability_resources,
)
from .tasks.task import Task
from .tasks.task_problems import task_problems
from .tasks.task_resources import log_group_output, task_outputs
from .tasks.traffic_shift import hook_roles
from .tasks.volume_resources import volume_configurations

GRACE_PERIOD = 60
"""Seconds. Without a grace period, failed health checks of a load balancer stop tasks that are
still starting."""


class EcsServiceParams(DashboardParams, DiscoverableParams, DeploymentParams, TaskParams):
    """An ECS service."""


@record
class EcsService:
    """An ECS service, as its params and those of the stacks that it uses describe it."""

    params: EcsServiceParams
    task: Task
    containers: Containers
    """The containers that clients can connect to: those below `containers:`, and the proxy."""
    scaling: Scaling | None
    exposure: Exposure | None
    """How load balancers reach the tasks; None for a service that has no `expose:`."""
    health_check_grace_period: int | None
    minimum_count: tuple[int, Path]
    """The minimum number of tasks, and the path where it is set."""
    release: Release
    """How a deployment replaces the tasks."""
    alarms: Alarms | None
    rollback_alarms: tuple[Any, ...]
    """Names of the alarms that roll a deployment back."""
    watched: Watched


def ecs_service_problems(service: EcsService) -> Iterator[Problem]:
    params, task = service.params, service.task
    yield from task_problems(task)
    yield from discoverability_problems(task.name, params, service.containers, task.env)
    count, path = service.minimum_count
    yield from deployment_problems(params, count, path)
    yield from spare_instance_problems(task, minimum_healthy_count(params, count))
    if params.availability_zone_rebalancing:
        yield from rebalancing_problems(task)
    yield from alarm_problems(service.alarms, task.env)
    yield from service_alarm_problems(service.alarms, task)
    yield from rollback_problems(service.release, service.alarms, service.rollback_alarms)
    yield from release_problems(service.release, params, task.env)
    if service.release.code_deploy:
        from .exposure.code_deploy import code_deploy_problems

        yield from code_deploy_problems(service.release.code_deploy, service.exposure)
        yield from _code_deploy_setting_problems(params)
        return
    connect = params.service_connect
    protocols = [endpoint.protocol for endpoint in (connect.services if connect else [])]
    yield from shift_problems(service.release, service.exposure, bool(protocols))
    yield from test_header_problems(service.release.test, protocols)


def _code_deploy_setting_problems(params: EcsServiceParams) -> Iterator[Problem]:
    """Settings that CodeDeploy does not support (Amazon ECS developer guide, "Deployment circuit
    breaker" and "Service Connect")."""
    because: list[Path] = [("release",)]
    if params.service_connect:
        message = "Service Connect does not work with CodeDeploy"
        hint = "Remove `service_connect`, or write `strategy: blue_green`."
        yield Problem("M3227", ("service_connect",), message, hint, because=because)
    if "circuit_breaker" in params.model_fields_set and params.circuit_breaker:
        message = "`circuit_breaker` has no effect with `strategy: codedeploy`"
        hint = "Remove `circuit_breaker`: `rollback: [failure]` of `release` rolls a failed "
        hint += "deployment back."
        yield Problem("M3212", ("circuit_breaker",), message, hint, because=because)


def ecs_service_resources(service: EcsService, exposure: ExposureResources | None) -> list[Any]:
    """The service, what other services need to discover it, its alarms and its dashboard."""
    task = service.task
    namespace = task.placement.namespace
    return [
        *discoverability_resources(task.name, service.params, namespace, task.env),
        *hook_roles(service.release.shift, task.env),
        _ecs_service(service, exposure),
        *alarm_resources(service.alarms),
        *service_dashboard(service.params, task, service.watched, service.alarms),
    ]


def _ecs_service(service: EcsService, exposure: ExposureResources | None) -> ecs.Service:
    params, task = service.params, service.task
    optional: dict[str, Any] = {
        "DependsOn": _dependencies(service, exposure),
        "EnableExecuteCommand": params.enable_execute_command or None,
        "VolumeConfigurations": volume_configurations(params.volumes),
        "HealthCheckGracePeriodSeconds": _grace_period(service, exposure),
    }
    return ecs.Service(
        "Service",
        Cluster=task.placement.cluster_name,
        **_task_definition_properties(service, exposure),
        **capacity_properties(task.placement),
        **desired_count_property(service.scaling, params.desired_count),
        AvailabilityZoneRebalancing=rebalancing_setting(params),
        DeploymentConfiguration=deployment_configuration(
            params, service.release, service.rollback_alarms, GetAtt("HookRole", "Arn")
        ),
        # An empty list removes the last load balancer; without the property ECS would keep it
        # (CloudFormation template reference, AWS::ECS::Service, LoadBalancers).
        **({"LoadBalancers": list(exposure.load_balancers)} if exposure else {}),
        **discoverability_properties(
            task.name,
            params,
            service.containers,
            task.log_group_name,
            task.placement.namespace,
            service.release.shift,
        ),
        EnableECSManagedTags=True,
        PropagateTags="SERVICE",
        **{key: value for key, value in optional.items() if value not in (None, [])},
    )


def _task_definition_properties(
    service: EcsService, exposure: ExposureResources | None
) -> dict[str, Any]:
    """The task definition, and the deployment controller if it is CodeDeploy.

    With CodeDeploy, the task definition is named by its family only, so the property never changes:
    ECS refuses an update of the service with a new revision (aws/aws-cdk#22295).
    """
    if service.release.code_deploy:
        controller = ecs.DeploymentController(Type="CODE_DEPLOY")
        return {"TaskDefinition": service.task.family, "DeploymentController": controller}
    held = bool(exposure and exposure.alternates_groups)
    return {"TaskDefinition": task_definition_reference(held=held)}


def _dependencies(service: EcsService, exposure: ExposureResources | None) -> list[str]:
    titles = [*(exposure.dependencies if exposure else ()), *service.task.dependencies]
    if service.release.code_deploy:
        titles.append("TaskDefinition")
    return sorted(titles)


def _grace_period(service: EcsService, exposure: ExposureResources | None) -> int | None:
    if exposure is None or not exposure.load_balancers:
        return None
    grace = service.health_check_grace_period
    return GRACE_PERIOD if grace is None else grace


def ecs_service_outputs(service: EcsService) -> Iterator[Output]:
    yield from task_outputs(service.task, "Security group of the tasks")
    yield Output("ServiceName", Description="Name of the service", Value=GetAtt("Service", "Name"))
    yield from log_group_output(service.task)
