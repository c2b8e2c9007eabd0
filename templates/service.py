"""A stack that holds one ECS service, with all that only it needs: task definition,
roles, log group, security group, and its target groups and listener rules.

    web:
      template: service
      cpu: 512
      memory: 1024
      containers:
        web: {image: "ecr:shop/web:1.4.2", ports: [8080]}
      expose:
        - {via: public, paths: ["/*"], health_check: {path: /healthz}}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import Field
from troposphere import GetAtt, Output, Ref, Template, ecs

from moorage.findings.finding import Path, Problem
from moorage.model import Environment

from . import network
from .common.exports import export_output
from .common.fields import Duration
from .common.stack_lookup import find_stack
from .exposure.alb.targets import Target, targets
from .exposure.exposure import Exposed, clash_problems, expose_problems, exposed, sidecars, through
from .exposure.params import ExposeParams
from .exposure.zones import subnet_problems, zone_problems
from .load_balancers import alb
from .proxy.proxy import (
    PROXY,
    Fronted,
    ProxyParams,
    led_through,
    outline,
    proxy_container,
    proxy_problems,
    said_at,
)
from .proxy.real_nginx import configuration_problems
from .tasks import scaling
from .tasks.deployments import (
    DeploymentParams,
    deployment_configuration,
    deployment_problems,
    left_running,
    rebalancing,
)
from .tasks.launch_type_problems import (
    instance_reach_problems,
    rebalancing_problems,
    spare_problems,
)
from .tasks.launch_types import shares_instance
from .tasks.queues import with_queue_urls
from .tasks.scaling import (
    desired_count,
    least,
    requests_policy,
    scaling_problems,
    scaling_resources,
)
from .tasks.service_connect import (
    DiscoverableParams,
    offering_problems,
    offering_properties,
    offering_resources,
    with_port_names,
)
from .tasks.task import (
    TaskParams,
    cluster_of,
    log_group_name,
    network_of,
    run_on,
    security_groups,
    task_problems,
    task_resources,
    task_subnets,
    task_waits,
)
from .tasks.volumes import volume_configurations

GRACE_PERIOD = 60
"""Seconds; without any, a load balancer's first verdict ends tasks that are still starting."""


class Scaling(scaling.Scaling):
    __doc__ = scaling.Scaling.__doc__

    requests_per_target: int | None = Field(
        None,
        ge=1,
        description="Requests for each task and minute, through each Application Load Balancer's "
        "target group.",
    )


TARGETS = ("cpu", "memory", "requests_per_target")


class Params(ExposeParams, ProxyParams, DiscoverableParams, DeploymentParams, TaskParams):
    """An ECS service."""

    health_check_grace_period: Duration | None = Field(
        None,
        description="Time after a task's start in which a load balancer's verdict does not count; "
        "60s where the service is exposed.",
    )
    scaling: Scaling | None = Field(
        None, description="Let the number of tasks follow the load, in place of `desired_count`."
    )

    def fronted(self) -> Params:
        return _fronted(self)


def problems(name: str, params: Params, env: Environment) -> Iterator[Problem]:
    """What only the whole service, or the whole environment, can tell."""
    yield from proxy_problems(params.proxy, _behind(params), env)
    params = _fronted(params)
    for problem in task_problems(_whole(params, env), env):
        path = _asked_at(problem.path, params, env)
        if path[2:] != ("health_check", "sidecar", "ports", 0):  # told at its `port`, and better
            yield replace(problem, path=path, hint=problem.hint + _shares(problem, params, env))
    yield from offering_problems(name, params, env)
    yield from _grace_problems(params)
    count, path = least(params.scaling, params.desired_count)
    yield from deployment_problems(params, count, path)
    yield from spare_problems(params, left_running(params, count), env)
    yield from scaling_problems(params.scaling, TARGETS, "desired_count" in params.model_fields_set)
    yield from rebalancing_problems(params, rebalanced=params.availability_zone_rebalancing)
    yield from _request_problems(params, env)
    yield from expose_problems(params.expose, params.containers, params.network, env)
    yield from instance_reach_problems(params, params.expose, env)
    every = ((other, _fronted(its)) for other, its in env.of(Params))
    services = {other: (its.expose, its.containers) for other, its in every}
    yield from clash_problems(name, services, env)
    if find_stack(env, network.Params, params.network):
        subnets = len(task_subnets(params, network_of(params, env)))
        for problem in zone_problems(params.expose, count, subnets, env):
            hint = problem.hint.replace("desired_count", str(path[-1]))
            yield replace(problem, path=path, hint=hint)
        yield from subnet_problems(params.expose, subnets, env)


def inspect(name: str, params: Params, body: Mapping[str, Any]) -> Iterator[Problem]:
    """What the installed nginx says of the proxy's configuration, if there are both."""
    if params.proxy:
        yield from configuration_problems(params.proxy, body)


def _fronted(params: Params) -> Params:
    """The service as others see it: what leads to its proxy, and an outline of that."""
    return params.model_copy(
        update={
            "containers": {**params.containers, **outline(params.proxy)},
            "expose": led_through(params.proxy, params.expose),
        }
    )


def _behind(params: Params) -> Fronted:
    return Fronted(params.containers, params.expose, params.network, params.network_mode)


def _whole(params: Params, env: Environment) -> Params:
    """The service with its proxy, and the sidecars that its ways ask for, among its containers."""
    beside = sidecars(params.expose, params.containers, env)
    added = {name: container for name, (_, container) in beside.items()}
    if params.proxy:
        added[PROXY] = proxy_container(params.proxy, _behind(params), env)
    return params.model_copy(update={"containers": {**params.containers, **added}})


def _shares(problem: Problem, params: Params, env: Environment) -> str:
    """What the user cannot see among the containers that do not fit: the sidecars' shares."""
    beside = [
        container for _, container in sidecars(params.expose, params.containers, env).values()
    ]
    if not beside or (problem.code, problem.path) != ("M1212", ("containers",)):
        return ""
    cpu = f"{sum(one.cpu or 0 for one in beside)} CPU units are"
    memory = f"{sum(one.memory or 0 for one in beside)} MiB are"
    shares: dict[Path, str] = {("cpu",): cpu, ("memory",): memory}
    return "".join(f" Of these, {shares[key]} for health sidecars." for key in problem.because)


def _asked_at(path: Path, params: Params, env: Environment) -> Path:
    """A place in a sidecar is where it was asked for."""
    beside = sidecars(params.expose, params.containers, env)
    if len(path) > 1 and path[0] == "containers" and path[1] in beside:
        index, _ = beside[str(path[1])]
        return ("expose", index, "health_check", "sidecar", *path[2:])
    return said_at(path) if params.proxy else path


def _grace_problems(params: Params) -> Iterator[Problem]:
    reached = any(way.forwards for way in params.expose)
    if params.health_check_grace_period is not None and not reached:
        message = "A grace period needs a load balancer"
        hint = "Remove it, or give a container a `health_check` with a `start_period`."
        path = ("health_check_grace_period",)
        yield Problem("M1220", path, message, hint, because=[("expose",)])


def _request_problems(params: Params, env: Environment) -> Iterator[Problem]:
    asked = params.scaling and params.scaling.requests_per_target
    if asked and not _request_targets(params, env):
        message = "Only an Application Load Balancer counts requests"
        hint = "Remove it, or lead a route of `expose:` to the service."
        path = ("scaling", "requests_per_target")
        yield Problem("M1220", path, message, hint, because=[("expose",)])


def compose(name: str, params: Params, env: Environment) -> Template:
    """The service and all that only it needs."""
    params = _fronted(params)
    net = network_of(params, env)
    mode = params.network_mode
    reached = exposed(name, params.expose, params.containers, net, env, mode)
    template = Template(f"{env.app} {env.name}: the ECS service `{name}`")
    template.set_version()
    whole = _whole(with_queue_urls(name, params, env), env)
    template.add_resource(
        [
            *task_resources(name, with_port_names(name, whole), env),
            *security_groups(name, params, env),
            *reached.resources,
            *offering_resources(name, params, env),
            _service(name, params, env, reached),
            *_scaling(params, env),
        ]
    )
    template.add_output(list(_outputs(name, params, env)))
    return template


def _scaling(params: Params, env: Environment) -> Iterator[Any]:
    if params.scaling is None:
        return
    yield from scaling_resources(params.scaling, cluster_of(params, env).name)
    if target := params.scaling.requests_per_target:
        for one in _request_targets(params, env):
            balancer = env.params_of(one.via, alb.Params)
            assert balancer is not None
            listener = alb.handle(one.via, balancer, env).listener
            yield requests_policy(one.title, listener, params.scaling, target)


def _request_targets(params: Params, env: Environment) -> Sequence[Target]:
    """The target groups behind Application Load Balancers."""
    routes = [one for _, one in through(alb.Params, params.expose, env)]
    return targets(routes, params.containers)


def _service(name: str, params: Params, env: Environment, reached: Exposed) -> ecs.Service:
    home = cluster_of(params, env)
    attached = list(reached.attachments)
    grace = params.health_check_grace_period
    optional: dict[str, Any] = {
        "DependsOn": sorted([*reached.waits, *task_waits(params, env)]),
        "EnableExecuteCommand": params.enable_execute_command or None,
        "VolumeConfigurations": volume_configurations(params.volumes),
    }
    if attached:
        optional["HealthCheckGracePeriodSeconds"] = GRACE_PERIOD if grace is None else grace
    return ecs.Service(
        "Service",
        Cluster=home.name,
        TaskDefinition=Ref("TaskDefinition"),
        **run_on(params, env),
        **desired_count(params.scaling, params.desired_count),
        AvailabilityZoneRebalancing=rebalancing(params),
        DeploymentConfiguration=deployment_configuration(params),
        # An empty list takes the last one away; without the key ECS would keep it (CloudFormation
        # template reference, AWS::ECS::Service, LoadBalancers).
        LoadBalancers=attached,
        **offering_properties(name, params, log_group_name(params), env),
        EnableECSManagedTags=True,
        PropagateTags="SERVICE",
        **{key: value for key, value in optional.items() if value is not None and value != []},
    )


def _outputs(name: str, params: Params, env: Environment) -> Iterator[Output]:
    if not shares_instance(params.network_mode):
        group = GetAtt("SecurityGroup", "GroupId")
        yield export_output(env, name, "SecurityGroupId", group, "Security group of the tasks")
    if params.task_role.existing is None:
        arn = GetAtt("TaskRole", "Arn")
        yield export_output(env, name, "TaskRoleArn", arn, "Role of the containers")
    yield Output("ServiceName", Description="Name of the service", Value=GetAtt("Service", "Name"))
    yield Output("LogGroupName", Description="Where output goes", Value=log_group_name(params))
