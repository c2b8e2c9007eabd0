"""Log drivers of containers."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.view import Resource, View
from moorage.rules.rule import Problem, problem, rule


@rule(
    "E9140",
    "Half of FireLens is missing",
    error_messages=(
        "When awsfirelens log driver is specified in log configuration, a firelens configuration "
        "object must be configured in one of the containers.",
        "When a firelensConfiguration object is specified, at least one container has to be "
        "configured with the awsfirelens log driver.",
    ),
    fix="Give one container a FirelensConfiguration, and the others the log driver awsfirelens.",
    sources=(
        "OctopusDeploy/Issues#7821",
        "fabfuel/ecs-deploy#164",
        "turnerlabs/fargate#60",
        "aws/amazon-cloudwatch-logs-for-fluent-bit#20",
        "cloudposse/terraform-aws-ecs-container-definition#47",
    ),
    failure_ids=("td-firelens-without-router", "td-firelens-router-unused"),
)
def half_of_firelens(view: View) -> Iterator[Problem]:
    """The driver awsfirelens hands logs to a router in the same task, and that is the container
    with a FirelensConfiguration. One without the other, or two routers, and RegisterTaskDefinition
    refuses the task definition."""
    for task in ecs.task_definitions(view):
        containers = ecs.containers(task)
        if not task["ContainerDefinitions"].all_known:
            continue
        drivers = [one.at("LogConfiguration", "LogDriver") for one in containers]
        halves = [one["FirelensConfiguration"] for one in containers]
        users = [one for one in drivers if one.text == "awsfirelens"]
        routers = [one for one in halves if one.present]
        if users and not routers:
            yield problem(
                users[0],
                f"Containers of {task.id} log by awsfirelens, and none of them is the log router",
                "Give the router's container `FirelensConfiguration: {Type: fluentbit}`.",
            )
        elif len(routers) > 1 and not any(one.unknown for one in routers):
            yield problem(
                routers[1],
                f"{task.id} has {len(routers)} log routers, and ECS takes one",
                "Keep one FirelensConfiguration.",
            )
        elif routers and not users and not any(one.unknown for one in (*drivers, *routers)):
            yield problem(
                routers[0],
                f"{task.id} has a log router, and none of its containers logs by awsfirelens",
                "Give the other containers the log driver awsfirelens, or leave "
                "FirelensConfiguration out.",
            )


def fargate_task_definitions(view: View) -> Iterator[Resource]:
    return (one for one in ecs.task_definitions(view) if ecs.is_for_fargate(one))


@rule(
    "E9143",
    "awslogs on Fargate without a prefix for its streams",
    error_messages=("Log driver awslogs requires options: awslogs-stream-prefix",),
    fix="Give the log driver's Options an `awslogs-stream-prefix`, such as the container's name.",
    sources=(
        "aws-cloudformation/cfn-lint#1787",
        "AWS docs: Send Amazon ECS logs to CloudWatch",
    ),
    failure_ids=("td-awslogs-without-stream-prefix",),
)
def no_stream_prefix(view: View) -> Iterator[Problem]:
    """On container instances a log stream may be named after the container's id alone. On Fargate
    the prefix is required, and RegisterTaskDefinition refuses the container without it."""
    for task in fargate_task_definitions(view):
        for container in ecs.containers(task):
            log = container["LogConfiguration"]
            options = log["Options"]
            prefix = options["awslogs-stream-prefix"]
            if log["LogDriver"].text == "awslogs" and options.entries and prefix.absent:
                yield problem(
                    prefix,
                    f"The log of {container['Name'].text or 'a container'} in {task.id} has no "
                    f"awslogs-stream-prefix, which Fargate requires",
                    f"Write `awslogs-stream-prefix: {container['Name'].text or 'app'}`.",
                )


RULES = (
    half_of_firelens,
    no_stream_prefix,
)
