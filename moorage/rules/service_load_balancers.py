"""LoadBalancers of services: containers, ports, target groups and grace periods."""

from __future__ import annotations

import re
from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.nodes import Node
from moorage.cfn.view import View
from moorage.facts.quotas import MAX_TARGET_GROUPS_PER_SERVICE
from moorage.rules.message_parts import join_or, name_container, quote
from moorage.rules.rule import Problem, problem, rule

_TASK_SET = "AWS::ECS::TaskSet"
_PORT_RANGE = re.compile(r"([0-9]{1,5})-([0-9]{1,5})")


# Containers and ports ------------------------------------------------------------------------


@rule(
    "E9220",
    "LoadBalancers of a service names a container or port that its task definition does not have.",
    error_messages=(
        "The container app did not have a container port 8080 defined.",
        "The container web does not exist in the task definition.",
    ),
    fix="Write a ContainerName of the task definition and a ContainerPort of that container's "
    "PortMappings.",
    sources=("pulumi/pulumi-awsx#1172", "pulumi/pulumi-aws#3095", "aws/amazon-ecs-agent#1276"),
    failure_ids=("svc-container-port-not-in-task", "svc-container-name-not-in-task"),
)
def unknown_container_or_port(view: View) -> Iterator[Problem]:
    """When a service is created, ECS looks up ContainerName and ContainerPort in the task
    definition, and refuses to create the service if they are not there. ContainerPort is the port
    of the container, not that of the listener or of the target group."""
    for service in view.resources_of_type(ecs.SERVICE, _TASK_SET):
        task = ecs.task_definition_of(service)
        if task is None or not task["ContainerDefinitions"].all_known:
            continue
        for entry in service["LoadBalancers"].items:
            name, port = entry["ContainerName"], entry["ContainerPort"]
            candidates = [
                (container, container["Name"].is_same_as(name))
                for container in ecs.containers(task)
            ]
            has_none = candidates and all(is_same is False for _, is_same in candidates)
            if name.certainly_present and has_none:
                names = (container["Name"].text for container, _ in candidates)
                yield problem(
                    name,
                    f"Task definition `{task.id}` has no container "
                    f"{f'`{name.text}`' if name.text else 'of this name'}, and ECS refuses to "
                    f"create `{service.id}`",
                    f"Write {join_or(quote(name or '?' for name in names))}.",
                )
            matching = [container for container, is_same in candidates if is_same]
            for container in matching if len(matching) == 1 else ():
                if port.certainly_present and _lacks_port(container, port):
                    yield problem(
                        port,
                        f"In task definition `{task.id}`, {name_container(container)} has no port "
                        f"mapping for {f'port {port.text}' if port.text else 'this port'}, and ECS "
                        f"refuses to create `{service.id}`",
                        _hint_for_port(container),
                    )


def _lacks_port(container: Node, port: Node) -> bool:
    """Whether certainly none of a container's port mappings is for a port."""
    mappings = container["PortMappings"]
    return mappings.all_known and not any(_may_map(mapping, port) for mapping in mappings.items)


def _may_map(mapping: Node, port: Node) -> bool:
    if mapping["ContainerPort"].present:
        return mapping["ContainerPort"].is_same_as(port) is not False
    ports = mapping["ContainerPortRange"]
    match = _PORT_RANGE.fullmatch(ports.text or "")
    if match is None or port.number is None:
        return ports.present
    return int(match[1]) <= port.number <= int(match[2])


def _hint_for_port(container: Node) -> str:
    ports = [
        text
        for mapping in container["PortMappings"].items
        for text in [mapping["ContainerPort"].text or mapping["ContainerPortRange"].text]
        if text
    ]
    if not ports:
        return "Add the port to PortMappings of the container."
    return f"Write {join_or(ports)}, or add the port to PortMappings of the container."


# Target groups -------------------------------------------------------------------------------


@rule(
    "E9225",
    "A service has the wrong number of target groups.",
    fix="Use at most five target groups; with the deployment controller CODE_DEPLOY exactly one.",
    sources=(
        "AWS docs: Registering multiple target groups with a service",
        "AWS docs: Blue/green deployment with CodeDeploy",
    ),
    failure_ids=("svc-more-than-five-target-groups", "cd-several-target-groups-on-service"),
)
def wrong_number_of_target_groups(view: View) -> Iterator[Problem]:
    """A service can have at most five target groups, and with the deployment controller CODE_DEPLOY
    it must have exactly one: the deployment group names the second one."""
    for service in ecs.services(view):
        entries = service["LoadBalancers"]
        count = sum(bool(entry.entries) for entry in entries.items)
        controller = ecs.deployment_controller(service)
        if controller == "CODE_DEPLOY" and (count > 1 or entries.empty):
            target_group = "the target group that the production listener forwards to"
            yield problem(
                entries,
                f"Service `{service.id}` is deployed by CodeDeploy and has {count or 'no'} target "
                f"groups, and ECS requires exactly one",
                f"Keep only {target_group}."
                if count
                else f"Write one entry of LoadBalancers, with {target_group}.",
            )
        elif count > MAX_TARGET_GROUPS_PER_SERVICE:
            yield problem(
                entries,
                f"Service `{service.id}` has {count} target groups, and ECS accepts at most five",
                "Let several listeners forward to the same target group, or split the service.",
            )


# Grace periods -------------------------------------------------------------------------------

_SLOW_START = 60
"""Seconds that an application may need to start. A service whose tasks are stopped earlier is
reported."""
_MIN_GRACE_PERIOD = 30
"""Seconds of a grace period that is not reported, whatever the health check is."""


@rule(
    "W9250",
    "A service stops tasks that are not healthy within a minute of their start.",
    error_messages=("(service web) (task ...) failed ELB health checks in (target-group ...)",),
    fix="Write a HealthCheckGracePeriodSeconds that is longer than the slowest start of the "
    "application.",
    sources=(
        "https://repost.aws/knowledge-center/ecs-fargate-health-check-failures",
        "aws-cloudformation/cfn-lint#3612 (the default is 0)",
    ),
    failure_ids=("svc-no-grace-period",),
)
def short_grace_period(view: View) -> Iterator[Problem]:
    """Without a grace period, ECS reacts to the load balancer's health checks as soon as a task
    starts. If they fail within a minute, an application that starts more slowly, for example under
    load or with a cold cache, is stopped and started again and again. Health checks with the
    default interval and threshold take longer than a minute and are not reported."""
    for service in ecs.services(view):
        grace_period = service["HealthCheckGracePeriodSeconds"]
        grace = 0 if grace_period.absent else grace_period.number
        if grace is None or grace >= _MIN_GRACE_PERIOD:
            continue
        times = [
            interval * count
            for entry in service["LoadBalancers"].items
            for group in [ecs.resource_of_type(entry["TargetGroupArn"], ecs.TARGET_GROUP)]
            if group is not None
            for interval in [group["HealthCheckIntervalSeconds"].number]
            for count in [group["UnhealthyThresholdCount"].number]
            if interval is not None and count is not None
        ]
        if times and max(grace, min(times)) < _SLOW_START:
            yield problem(
                grace_period,
                f"Service `{service.id}` stops a task that is not healthy within "
                f"{max(grace, min(times))} seconds of its start: its health checks fail after "
                f"{min(times)} seconds, and "
                + (f"its grace period is {grace} seconds" if grace else "it has no grace period"),
                f"Write `HealthCheckGracePeriodSeconds: {_SLOW_START}`, or more if the application "
                f"starts more slowly.",
            )


RULES = (unknown_container_or_port, wrong_number_of_target_groups, short_grace_period)
