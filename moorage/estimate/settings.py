"""The settings of a service that decide how long a release takes, read from a template."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

from moorage.cfn import ecs
from moorage.cfn.nodes import Node
from moorage.cfn.stack import Resource
from moorage.estimate.alarms import AlarmDelays, read_alarms
from moorage.estimate.numbers import decimal, number
from moorage.facts import deployment_timing as timing
from moorage.facts.codedeploy import SHIFTS
from moorage.facts.ecs_deployments import (
    DEFAULT_CANARY_MINUTES,
    LINEAR_DEFAULTS,
    TRAFFIC_SHIFTING,
)
from moorage.facts.load_balancing import NLB_PROTOCOLS
from moorage.records import record


@record
class Assumptions:
    """Times that a template does not contain, in seconds."""

    start: int = 30
    """From the moment when ECS starts a task until its containers run, without the pull of their
    images: placement and the network interface."""
    pull: int = 10
    """Pull of the images."""
    stop: int = 5
    """From SIGTERM until a container has ended."""
    metrics: int = 60
    """From an error until its metric reaches the alarm."""
    tasks: int | None = None
    """Number of tasks; None for the template's."""


@record
class Shift:
    """How traffic shifts to the new tasks."""

    percent: float
    """The share of the first step; with `repeated`, of each step."""
    wait: int
    """Seconds between two steps."""
    repeated: bool = False
    bake: int = 0
    """Seconds after the last step during which the old tasks keep running."""


@record
class Settings:
    """The settings of a service. Times are in seconds."""

    name: str
    source: str
    """The file or stack of the service."""
    strategy: str
    """ROLLING, BLUE_GREEN, LINEAR, CANARY or CODE_DEPLOY."""
    tasks: int
    minimum: int
    """Healthy tasks during a rolling deployment."""
    maximum: int
    """Running tasks during a rolling deployment."""
    interval: int | None
    """Interval of the load balancer's health checks; None without a load balancer."""
    unhealthy: int
    """Consecutive failed health checks after which a target is unhealthy."""
    grace: int
    drain: int
    """Deregistration delay; 0 without a load balancer."""
    container_interval: int | None
    """Interval of the container health checks; None without them."""
    container_fails: int
    """Seconds after which a container that never passes its checks is unhealthy."""
    stop_timeout: int
    through_nlb: bool
    tests: bool
    """Whether test traffic is shifted first."""
    breaker: int | None
    """Failed tasks that trip the circuit breaker; None without one."""
    rolls_back: bool
    """Whether a deployment that failed is rolled back."""
    alarms: AlarmDelays
    """The alarms that end a deployment."""
    alarm_rolls_back: bool
    shift: Shift | None

    @property
    def bake(self) -> int:
        return self.shift.bake if self.shift else 0


def read_settings(service: Resource, assumptions: Assumptions) -> Settings:
    """Reads the settings of a service. Values that only the deployment knows have their
    defaults."""
    configuration = service["DeploymentConfiguration"]
    tasks = assumptions.tasks or _task_count(service)
    low = number(configuration["MinimumHealthyPercent"], timing.DEFAULT_MINIMUM_PERCENT)
    high = number(configuration["MaximumPercent"], timing.DEFAULT_MAXIMUM_PERCENT)
    groups = _target_groups(service)
    attached = not service["LoadBalancers"].empty
    breaker, alarms = configuration["DeploymentCircuitBreaker"], configuration["Alarms"]
    task = ecs.task_definition_of(service)
    interval, fails = _container_check(task)
    common = Settings(
        name=service["ServiceName"].text or service.id,
        source=service.stack.name,
        strategy=_strategy(service),
        tasks=tasks,
        minimum=math.ceil(tasks * low / 100),
        maximum=math.floor(tasks * high / 100),
        interval=_largest(groups, "HealthCheckIntervalSeconds", timing.DEFAULT_INTERVAL)
        if attached
        else None,
        unhealthy=_largest(groups, "UnhealthyThresholdCount", timing.DEFAULT_UNHEALTHY_THRESHOLD),
        grace=number(service["HealthCheckGracePeriodSeconds"], 0),
        drain=_drain(groups) if attached else 0,
        container_interval=interval,
        container_fails=fails,
        stop_timeout=_stop_timeout(task),
        through_nlb=any(_is_behind_nlb(group) for group in groups),
        tests=any(
            entry.at("AdvancedConfiguration", "TestListenerRule").present
            for entry in service["LoadBalancers"].items
        ),
        breaker=_breaker(breaker, tasks) if breaker["Enable"].flag else None,
        rolls_back=bool(breaker["Rollback"].flag),
        alarms=read_alarms(alarms["AlarmNames"].items) if alarms["Enable"].flag else AlarmDelays(),
        alarm_rolls_back=bool(alarms["Rollback"].flag),
        shift=None,
    )
    return _with_shift(common, service)


def _with_shift(settings: Settings, service: Resource) -> Settings:
    configuration = service["DeploymentConfiguration"]
    bake = number(configuration["BakeTimeInMinutes"], 0) * 60
    if settings.strategy == "CODE_DEPLOY":
        return _with_codedeploy(settings, service)
    if settings.strategy == "ROLLING":
        wait = bake or min(settings.alarms.slowest or 0, 300)
        return replace(settings, shift=Shift(100, 0, bake=wait) if wait else None)
    shift = Shift(100, 0, bake=bake)
    if settings.strategy == "LINEAR":
        linear = configuration["LinearConfiguration"]
        default_percent, default_minutes = LINEAR_DEFAULTS
        percent = decimal(linear["StepPercent"], float(default_percent))
        minutes = number(linear["StepBakeTimeInMinutes"], default_minutes)
        shift = Shift(percent, minutes * 60, repeated=True, bake=bake)
    elif settings.strategy == "CANARY":
        canary = configuration["CanaryConfiguration"]
        percent = decimal(canary["CanaryPercent"], timing.DEFAULT_CANARY_PERCENT)
        minutes = number(canary["CanaryBakeTimeInMinutes"], DEFAULT_CANARY_MINUTES)
        shift = Shift(percent, minutes * 60, bake=bake)
    # A deployment whose tasks do not become healthy, or whose hook fails, is rolled back.
    return replace(settings, shift=shift, breaker=None, rolls_back=True)


def _with_codedeploy(settings: Settings, service: Resource) -> Settings:
    group = _deployment_group(service)
    shift, events, seen = Shift(100, 0), set[str](), AlarmDelays()
    if group is not None:
        wait = group.props.at(
            "BlueGreenDeploymentConfiguration",
            "TerminateBlueInstancesOnDeploymentSuccess",
            "TerminationWaitTimeInMinutes",
        )
        shift = _codedeploy_shift(group["DeploymentConfigName"], number(wait, 0) * 60)
        rollback = group["AutoRollbackConfiguration"]
        if rollback["Enabled"].flag:
            events = {event.text or "" for event in rollback["Events"].items}
        alarms = group["AlarmConfiguration"]
        if alarms["Enabled"].flag:
            seen = read_alarms(item["Name"] for item in alarms["Alarms"].items)
    return replace(
        settings,
        shift=shift,
        breaker=None,
        rolls_back="DEPLOYMENT_FAILURE" in events,
        alarms=seen,
        alarm_rolls_back="DEPLOYMENT_STOP_ON_ALARM" in events,
    )


def _codedeploy_shift(name: Node, bake: int) -> Shift:
    own = name.resource
    if own is not None:
        routing = own["TrafficRoutingConfig"]
        for key, word, repeated in (
            ("TimeBasedCanary", "Canary", False),
            ("TimeBasedLinear", "Linear", True),
        ):
            if routing[key].present:
                percent = decimal(routing[key][f"{word}Percentage"], 100)
                minutes = number(routing[key][f"{word}Interval"], 0)
                return Shift(percent, minutes * 60, repeated, bake)
    percent, minutes = SHIFTS.get(name.text or "", (100.0, 0))
    return Shift(percent, minutes * 60, "Linear" in (name.text or ""), bake)


def _deployment_group(service: Resource) -> Resource | None:
    for group in service.view.resources_of_type("AWS::CodeDeploy::DeploymentGroup"):
        for entry in group["ECSServices"].items:
            if entry["ServiceName"].resource is service:
                return group
    return None


def _strategy(service: Resource) -> str:
    if ecs.deployment_controller(service) == "CODE_DEPLOY":
        return "CODE_DEPLOY"
    strategy = service["DeploymentConfiguration"]["Strategy"].text
    return strategy if strategy in TRAFFIC_SHIFTING else "ROLLING"


def _task_count(service: Resource) -> int:
    targets = ecs.scalable_targets_by_service(service.view).get(service, [])
    counts = [number(target["MinCapacity"], 1) for target in targets]
    return max(1, min(counts) if counts else number(service["DesiredCount"], 1))


def _target_groups(service: Resource) -> list[Resource]:
    return [
        group
        for entry in service["LoadBalancers"].items
        if (group := ecs.resource_of_type(entry["TargetGroupArn"], ecs.TARGET_GROUP)) is not None
    ]


def _is_behind_nlb(group: Resource) -> bool:
    return group["Protocol"].text in NLB_PROTOCOLS


def _drain(groups: Iterable[Resource]) -> int:
    key = "deregistration_delay.timeout_seconds"
    default = timing.DEFAULT_DEREGISTRATION_DELAY
    delays = [
        number(attributes[key], default) if key in attributes else default
        for group in groups
        for attributes in [ecs.attributes(group, "TargetGroupAttributes")]
    ]
    return max(delays, default=default)


def _largest(groups: Iterable[Resource], key: str, default: int) -> int:
    return max((number(group[key], default) for group in groups), default=default)


def _container_check(task: Resource | None) -> tuple[int | None, int]:
    """The longest interval of the essential containers, and the longest time until one of them is
    found to be unhealthy."""
    intervals, fails = [], [0]
    for container in ecs.containers(task) if task else ():
        check = container["HealthCheck"]
        if check.present and container["Essential"].flag is not False:
            interval = number(check["Interval"], timing.DEFAULT_CONTAINER_INTERVAL)
            retries = number(check["Retries"], timing.DEFAULT_CONTAINER_RETRIES)
            intervals.append(interval)
            fails.append(number(check["StartPeriod"], 0) + interval * retries)
    return max(intervals, default=None), max(fails)


def _stop_timeout(task: Resource | None) -> int:
    return max(
        (
            number(container["StopTimeout"], timing.DEFAULT_STOP_TIMEOUT)
            for container in (ecs.containers(task) if task else ())
        ),
        default=timing.DEFAULT_STOP_TIMEOUT,
    )


def _breaker(breaker: Node, tasks: int) -> int:
    threshold = breaker["ThresholdConfiguration"]
    value = number(threshold["Value"], timing.BREAKER_PERCENT)
    kind = threshold["Type"].text or "BOUNDED_PERCENT"
    if kind == "COUNT":
        return value
    count = math.ceil(tasks * value / 100)
    low, high = timing.BREAKER_RANGE
    return max(1, count) if kind == "UNBOUNDED_PERCENT" else min(max(count, low), high)
