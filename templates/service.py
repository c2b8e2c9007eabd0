"""A stack that holds one ECS service on Fargate, with all that only it needs: task definition,
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

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from pydantic import Field
from troposphere import GetAtt, Output, Ref, Template, ec2, ecs

from moorage.model import Base, Environment, Path, Problem
from templates import cluster, network
from templates.parts.choice import chosen
from templates.parts.exports import exported
from templates.parts.exposed import Exposed, clash_problems, expose_problems, exposed, sidecars
from templates.parts.exposure import Exposing
from templates.parts.fields import Duration, Switch
from templates.parts.task import (
    TaskParams,
    cluster_of,
    log_group_name,
    network_configuration,
    network_of,
    task_problems,
    task_resources,
    task_subnets,
)
from templates.parts.zones import subnet_problems, zone_problems

GRACE_PERIOD = 60
"""Seconds; without any, a load balancer's first verdict ends tasks that are still starting."""


class CircuitBreaker(Base):
    """Ends a deployment whose tasks do not become healthy."""

    rollback: bool = Field(True, description="Go back to the last deployment that worked.")


class Params(Exposing, TaskParams):
    """An ECS service on Fargate."""

    desired_count: int = Field(1, ge=0, le=5000, description="Number of tasks.")
    minimum_healthy_percent: int = Field(
        100, ge=0, le=100, description="Tasks that a deployment leaves running, rounded up."
    )
    maximum_percent: int = Field(
        200, ge=100, le=400, description="Tasks that a deployment may reach, rounded down."
    )
    circuit_breaker: Switch[CircuitBreaker] = Field(
        CircuitBreaker(), description="Give up a deployment that fails; `false` to go on trying."
    )
    health_check_grace_period: Duration | None = Field(
        None,
        description="Time after a task's start in which a load balancer's verdict does not count; "
        "60s where the service is exposed.",
    )
    availability_zone_rebalancing: bool = Field(
        True, description="Even the tasks out over the zones again after one was away."
    )


def problems(name: str, params: Params, env: Environment) -> Iterator[Problem]:
    """What only the whole service, or the whole environment, can tell."""
    for problem in task_problems(_whole(params, env), env):
        path = _asked_at(problem.path, params, env)
        if path[2:] != ("health_check", "sidecar", "ports", 0):  # told at its `port`, and better
            yield replace(problem, path=path, hint=problem.hint + _shares(problem, params, env))
    yield from _deployment_problems(params)
    yield from expose_problems(params.expose, params.containers, params.network, env)
    services = {other: (its.expose, its.containers) for other, its in env.of(Params)}
    yield from clash_problems(name, services, env)
    if chosen(env, network.Params, params.network):
        subnets = len(task_subnets(params, network_of(params, env)))
        yield from zone_problems(params.expose, params.desired_count, subnets, env)
        yield from subnet_problems(params.expose, subnets, env)


def _whole(params: Params, env: Environment) -> Params:
    """The service with the sidecars that its ways ask for among its containers."""
    beside = sidecars(params.expose, params.containers, env)
    added = {name: container for name, (_, container) in beside.items()}
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
    return path


def _deployment_problems(params: Params) -> Iterator[Problem]:
    """Amazon ECS API reference, DeploymentConfiguration: the maximum is rounded down, the minimum
    up. AvailabilityZoneRebalancing: developer guide, "Balancing an Amazon ECS service across
    Availability Zones"."""
    count = params.desired_count
    most = math.floor(count * params.maximum_percent / 100)
    least = math.ceil(count * params.minimum_healthy_percent / 100)
    because = [("desired_count",), ("minimum_healthy_percent",), ("maximum_percent",)]
    if count and most <= count and least >= count:
        message = f"A deployment must leave {least} of {count} running, and may start no other"
        hint = "Raise `maximum_percent` (200 doubles them), or lower `minimum_healthy_percent`."
        yield Problem("M1213", ("maximum_percent",), message, hint, because=because)
    elif params.availability_zone_rebalancing and params.maximum_percent == 100:
        message = "Zones cannot be rebalanced where no more tasks may be started"
        hint = "Raise `maximum_percent`, or write `availability_zone_rebalancing: false`."
        yield Problem("M1220", ("maximum_percent",), message, hint, because=because)
    reached = any(way.forwards for way in params.expose)
    if params.health_check_grace_period is not None and not reached:
        message = "A grace period needs a load balancer"
        hint = "Remove it, or give a container a `health_check` with a `start_period`."
        path = ("health_check_grace_period",)
        yield Problem("M1220", path, message, hint, because=[("expose",)])


def compose(name: str, params: Params, env: Environment) -> Template:
    """The service and all that only it needs."""
    net = network_of(params, env)
    reached = exposed(name, params.expose, params.containers, net, env)
    template = Template(f"{env.app} {env.name}: the ECS service `{name}`")
    template.set_version()
    template.add_resource(
        [
            *task_resources(name, _whole(params, env), env),
            ec2.SecurityGroup(
                "SecurityGroup",
                GroupDescription=f"Tasks of {env.stack_name(name)}",
                VpcId=net.vpc_id,
            ),
            *reached.resources,
            _service(params, env, reached),
        ]
    )
    template.add_output(list(_outputs(name, params, env)))
    return template


def _service(params: Params, env: Environment, reached: Exposed) -> ecs.Service:
    home = cluster_of(params, env)
    breaker = params.circuit_breaker
    strategy = params.capacity_providers or home.default_strategy
    attached = list(reached.attachments)
    grace = params.health_check_grace_period
    optional: dict[str, Any] = {
        "DependsOn": list(reached.waits),
        "CapacityProviderStrategy": cluster.strategy_items(strategy),
        "LaunchType": None if strategy else "FARGATE",
        "EnableExecuteCommand": params.enable_execute_command or None,
    }
    if attached:
        optional["HealthCheckGracePeriodSeconds"] = GRACE_PERIOD if grace is None else grace
    rebalancing = "ENABLED" if params.availability_zone_rebalancing else "DISABLED"
    return ecs.Service(
        "Service",
        Cluster=home.name,
        TaskDefinition=Ref("TaskDefinition"),
        PlatformVersion=params.platform_version,
        DesiredCount=params.desired_count,
        AvailabilityZoneRebalancing=rebalancing,
        DeploymentConfiguration=ecs.DeploymentConfiguration(
            MinimumHealthyPercent=params.minimum_healthy_percent,
            MaximumPercent=params.maximum_percent,
            DeploymentCircuitBreaker=ecs.DeploymentCircuitBreaker(
                Enable=breaker is not None, Rollback=breaker is not None and breaker.rollback
            ),
        ),
        NetworkConfiguration=network_configuration(params, network_of(params, env)),
        # An empty list takes the last one away; without the key ECS would keep it (CloudFormation
        # template reference, AWS::ECS::Service, LoadBalancers).
        LoadBalancers=attached,
        EnableECSManagedTags=True,
        PropagateTags="SERVICE",
        **{key: value for key, value in optional.items() if value is not None and value != []},
    )


def _outputs(name: str, params: Params, env: Environment) -> Iterator[Output]:
    group = GetAtt("SecurityGroup", "GroupId")
    yield exported(env, name, "SecurityGroupId", group, "Security group of the tasks")
    if params.task_role.existing is None:
        arn = GetAtt("TaskRole", "Arn")
        yield exported(env, name, "TaskRoleArn", arn, "Role of the containers")
    yield Output("ServiceName", Description="Name of the service", Value=GetAtt("Service", "Name"))
    yield Output("LogGroupName", Description="Where output goes", Value=log_group_name(params))
