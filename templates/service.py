"""An ECS service, with its task definition, roles, log group, security group, target groups and
listener rules.

    web:
      template: service
      cpu: 512
      memory: 1024
      containers:
        web: {image: "ecr:shop/web:1.4.2", ports: [8080]}
      expose:
        - {via: public, paths: ["/*"], health_check: {path: /healthz}}
"""

# What composes a part that few services have, such as a proxy, is imported by the function that
# finds the part in the params: imports are much of the work of a build that changes one service.

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field
from troposphere import Template

from moorage.facts.api_types import MAX_INTEGER
from moorage.findings.finding import Path, Problem
from moorage.model import Environment
from moorage.plan import Deployment, TrafficPair
from moorage.records import record

from .common.fields import Switch, duration
from .ecs_service import (
    EcsService,
    EcsServiceParams,
    ecs_service_outputs,
    ecs_service_problems,
    ecs_service_resources,
)
from .exposure.alarm_targets import alarm_targets
from .exposure.exposure import Exposure, health_sidecars, instance_openings, resolve_exposure
from .exposure.exposure_conflicts import AllExposures, exposure_conflicts, gather_exposures
from .exposure.exposure_problems import exposure_problems
from .exposure.exposure_resources import exposure_resources
from .exposure.instance_problems import instance_problems
from .exposure.params import ExposeParams
from .exposure.target_pairs import group_titles, pair_conditions, pair_parameters
from .exposure.zone_coverage import subnet_problems, zone_problems
from .proxy.proxy import (
    PROXY,
    ProxyParams,
    ServiceProxy,
    assign_to_proxy,
    proxy_container,
    resolve_proxy,
)
from .tasks import scaling_params
from .tasks.alarm_params import ServiceAlarms
from .tasks.alarms import Watched, resolve_service_alarms
from .tasks.deployments import has_circuit_breaker
from .tasks.held_task_definition import held_condition, held_parameter
from .tasks.image_builds import image_builds
from .tasks.launch_types import InstanceOpening
from .tasks.placement import resolve_placement
from .tasks.ports import Port
from .tasks.release import Release
from .tasks.rollback_alarms import resolve_rollback_alarms
from .tasks.scaling_params import Milliseconds, minimum_task_count
from .tasks.scaling_problems import scaling_problems
from .tasks.service_connect import add_port_names
from .tasks.task import declared_containers, resolve_task
from .tasks.task_container import TaskContainer
from .tasks.task_resources import security_groups, task_resources


class Scaling(scaling_params.Scaling):
    __doc__ = scaling_params.Scaling.__doc__

    requests_per_target: int | None = Field(
        None,
        ge=1,
        description="Requests per minute for each task, in each target group of an Application "
        "Load Balancer.",
    )
    response_time: Milliseconds | None = Field(
        None,
        description="Target for the average response time of each target group of an Application "
        "Load Balancer. Use it only if more tasks make the responses faster.",
    )


TARGETS = ("cpu", "memory", "requests_per_target", "response_time")


class Params(ExposeParams, ProxyParams, EcsServiceParams):
    """An ECS service."""

    health_check_grace_period: Annotated[int, duration(0, MAX_INTEGER)] | None = Field(
        None,
        description="Time after the start of a task in which ECS ignores failed health checks of "
        "load balancers; 60s if a load balancer forwards requests to the service.",
    )
    scaling: Scaling | None = Field(
        None,
        examples=[{"min": 1, "max": 4, "cpu": 60}],
        description="Scale the number of tasks with the load, instead of `desired_count`.",
    )
    alarms: Switch[ServiceAlarms] = Field(
        None,
        description="Alarms that notify a stack of template `notifications`: `true` for all, or a "
        "map of those that differ from the defaults.",
    )

    @property
    def listened_ports(self) -> set[Port]:
        return super().listened_ports | ({Port(self.proxy.port)} if self.proxy else set())

    def instance_openings(self, name: str, env: Environment) -> Collection[InstanceOpening]:
        return instance_openings(env.resolve(resolve_service, name, self).exposure)


@record
class Service(EcsService):
    """A service that load balancers can reach, and its proxy."""

    params: Params
    scaling: Scaling | None
    exposure: Exposure
    proxy: ServiceProxy | None


def resolve_service(name: str, params: Params, env: Environment) -> Service:
    """The service that the params describe, without the values that `problems` reports as wrong.

    Call it through `env.resolve`, which caches the result.
    """
    placement = resolve_placement(params, env)
    entries = assign_to_proxy(params.proxy, params.expose)
    proxy = resolve_proxy(params.proxy, params.containers, entries, placement, env)
    containers = _resolve_containers(name, params, proxy)
    definitions = {key: container.params for key, container in containers.items()}
    release = Release(params.release)
    exposure = resolve_exposure(
        name,
        entries,
        definitions,
        placement,
        env,
        lambda: env.resolve_all(_gather_all_exposures).priorities,
        paired=release.paired,
        by_code_deploy=release.code_deploy is not None,
        test=release.test,
    )
    containers |= health_sidecars(exposure)
    task = resolve_task(
        name,
        params,
        env,
        placement=placement,
        containers=containers,
        security_group_users=[("expose",)] if entries else [],
    )
    watched = _watched_resources(params, release, exposure)
    minimum = minimum_task_count(params.scaling, params.desired_count)
    alarms = resolve_service_alarms(params.alarms, task, watched, minimum[0])
    return Service(
        params=params,
        task=task,
        containers=definitions,
        scaling=params.scaling,
        exposure=exposure,
        health_check_grace_period=params.health_check_grace_period,
        release=release,
        proxy=proxy,
        minimum_count=minimum,
        alarms=alarms,
        rollback_alarms=resolve_rollback_alarms(release, alarms),
        watched=watched,
    )


def _watched_resources(params: Params, release: Release, exposure: Exposure) -> Watched:
    return Watched(
        targets=alarm_targets(exposure),
        code_deploy=release.code_deploy is not None,
        circuit_breaker=has_circuit_breaker(params, release),
    )


def _resolve_containers(
    name: str, params: Params, proxy: ServiceProxy | None
) -> dict[str, TaskContainer]:
    """The containers of the params and the proxy's, with the port names of Service Connect."""
    containers = declared_containers(params.containers)
    if proxy:
        containers[PROXY] = proxy_container(proxy)
    definitions = {key: container.params for key, container in containers.items()}
    named = add_port_names(name, params, definitions)
    return {key: replace(container, params=named[key]) for key, container in containers.items()}


# Problems ------------------------------------------------------------------------------------


def problems(name: str, params: Params, env: Environment) -> Iterator[Problem]:
    """Problems of a service, given the other stacks of the environment."""
    service = env.resolve(resolve_service, name, params)
    exposure = service.exposure
    if service.proxy:
        from .proxy.proxy_problems import proxy_problems

        yield from proxy_problems(service.proxy)
    entry_problems = list(exposure_problems(exposure))
    yield from entry_problems
    paths = {problem.path for problem in entry_problems}
    for problem in ecs_service_problems(service):
        if problem.path not in paths:  # both report the port of a health sidecar
            yield problem
    yield from _grace_period_problems(service)
    has_count = "desired_count" in params.model_fields_set
    yield from scaling_problems(params.scaling, TARGETS, has_count, service.task.placement)
    yield from _request_scaling_problems(service)
    yield from instance_problems(exposure)
    yield from exposure_conflicts(exposure, env.resolve_all(_gather_all_exposures))
    yield from zone_problems(exposure, *service.minimum_count)
    yield from subnet_problems(exposure)


def _gather_all_exposures(env: Environment) -> AllExposures:
    services = [env.resolve(resolve_service, *stack) for stack in env.of(Params)]
    return gather_exposures([service.exposure for service in services], env.priorities)


def _grace_period_problems(service: Service) -> Iterator[Problem]:
    forwards = any(entry.forwards for entry in service.exposure.entries)
    if service.health_check_grace_period is not None and not forwards:
        message = "A grace period has no effect on a service without a load balancer"
        hint = "Remove `health_check_grace_period`, or write `start_period` in the `health_check` "
        hint += "of a container."
        path = ("health_check_grace_period",)
        yield Problem("M3201", path, message, hint, because=[("expose",)])


def _request_scaling_problems(service: Service) -> Iterator[Problem]:
    if service.scaling is None or service.exposure.targets:
        return
    for key in ("requests_per_target", "response_time"):
        if getattr(service.scaling, key) is not None:
            message = "No Application Load Balancer sends requests to the service"
            hint = f"Remove `{key}`, or add a route to `expose:`."
            because: list[Path] = [("expose",)]
            because += [("containers",)] if service.exposure.rules else []
            yield Problem("M3202", ("scaling", key), message, hint, because=because)


def inspect(name: str, params: Params, body: Mapping[str, Any]) -> Iterator[Problem]:
    """Problems that the installed nginx finds in the configuration of the proxy; none without nginx
    or without a proxy."""
    if params.proxy:
        from .proxy.real_nginx import configuration_problems

        yield from configuration_problems(params.proxy, body)


# Resources -----------------------------------------------------------------------------------


def compose(name: str, params: Params, env: Environment) -> Template:
    """The stack of a service."""
    service = env.resolve(resolve_service, name, params)
    exposure = exposure_resources(service.exposure)
    template = Template(f"{env.app} {env.name}: the ECS service `{name}`")
    template.set_version()
    template.add_resource(
        [
            *task_resources(service.task),
            *security_groups(service.task),
            *exposure.resources,
            *ecs_service_resources(service, exposure),
            *_scaling(service),
            *_code_deploy(service),
        ]
    )
    template.add_output(list(ecs_service_outputs(service)))
    _add_traffic_parameters(template, service.exposure)
    if service.release.code_deploy:
        from .tasks.code_deploy_resources import code_deploy_outputs

        template.add_output(list(code_deploy_outputs()))
    return template


def _add_traffic_parameters(template: Template, exposure: Exposure) -> None:
    """The parameters with which deploy.sh sets which target groups are in production, and which
    task definition a service keeps that ECS deploys."""
    pairs = exposure.pairs.values()
    if pairs:
        template.add_parameter(list(pair_parameters(pairs)))
        for name, condition in pair_conditions(pairs).items():
            template.add_condition(name, condition)
    if exposure.ecs_pairs:
        template.add_parameter(held_parameter())
        for name, condition in held_condition().items():
            template.add_condition(name, condition)


def deployment(name: str, params: Params, env: Environment) -> Deployment:
    service = env.resolve(resolve_service, name, params)
    exposure, code_deploy = service.exposure, service.release.code_deploy
    return Deployment(
        after=tuple(params.after),
        pairs=tuple(
            TrafficPair(pair.parameter, pair.forwarder, pair.group, pair.alternate)
            for pair in exposure.pairs.values()
        ),
        code_deploy=code_deploy.maximum_duration if code_deploy else None,
        builds=image_builds(params),
        priorities={rule.title: exposure.priorities[rule.key] for rule in exposure.all_rules},
    )


def _code_deploy(service: Service) -> Iterator[Any]:
    """What CodeDeploy needs to deploy the service; nothing unless the service has exactly one
    target."""
    code_deploy = service.release.code_deploy
    if code_deploy is None:
        return
    from .exposure.code_deploy import traffic_route
    from .tasks.code_deploy_resources import code_deploy_resources

    if route := traffic_route(service.exposure):
        yield from code_deploy_resources(code_deploy, service.task, route, service.rollback_alarms)


def _scaling(service: Service) -> Iterator[Any]:
    scaling, cluster = service.scaling, service.task.placement.cluster_name
    if scaling is None:
        return
    from .tasks.scaling import requests_policy, response_time_policy, scaling_resources

    yield from scaling_resources(scaling, cluster)
    for target in service.exposure.targets:
        groups = group_titles(target.title, service.exposure.pairs)
        listener = target.load_balancer.handle.listener
        if requests := scaling.requests_per_target:
            yield requests_policy(groups, listener, scaling, requests)
        if time := scaling.response_time:
            yield response_time_policy(groups, listener, scaling, time, cluster)
