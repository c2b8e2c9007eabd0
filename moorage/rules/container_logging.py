"""Log drivers of containers: FireLens and awslogs."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.view import View
from moorage.rules.fargate_tasks import fargate_task_definitions
from moorage.rules.message_parts import name_container
from moorage.rules.rule import Problem, problem, rule


@rule(
    "E9140",
    "A task has the log driver awsfirelens or a log router, but not both, or has two log routers.",
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
def incomplete_firelens(view: View) -> Iterator[Problem]:
    """The log driver awsfirelens sends logs to the log router of the same task: the container with
    a FirelensConfiguration. RegisterTaskDefinition rejects a task definition that has only one of
    the two, or two log routers."""
    for task in ecs.task_definitions(view):
        containers = ecs.containers(task)
        if not task["ContainerDefinitions"].all_known:
            continue
        drivers = [container.at("LogConfiguration", "LogDriver") for container in containers]
        configurations = [container["FirelensConfiguration"] for container in containers]
        users = [driver for driver in drivers if driver.text == "awsfirelens"]
        routers = [configuration for configuration in configurations if configuration.present]
        if users and not routers:
            yield problem(
                users[0],
                f"Containers of task definition `{task.id}` have the log driver awsfirelens, but "
                f"no container has a FirelensConfiguration",
                "Write `FirelensConfiguration: {Type: fluentbit}` in the container of the log "
                "router.",
            )
        elif len(routers) > 1 and not any(router.unknown for router in routers):
            yield problem(
                routers[1],
                f"Task definition `{task.id}` has {len(routers)} containers with a "
                f"FirelensConfiguration, and ECS accepts only one",
                "Keep one FirelensConfiguration.",
            )
        elif routers and not users and not any(node.unknown for node in (*drivers, *routers)):
            yield problem(
                routers[0],
                f"Task definition `{task.id}` has a FirelensConfiguration, but no container has "
                f"the log driver awsfirelens",
                "Write `LogDriver: awsfirelens` in the other containers, or remove "
                "FirelensConfiguration.",
            )


@rule(
    "E9143",
    "The log driver awslogs on Fargate has no stream prefix.",
    error_messages=("Log driver awslogs requires options: awslogs-stream-prefix",),
    fix="Add `awslogs-stream-prefix` to the Options of the log driver, such as the name of the "
    "container.",
    sources=(
        "aws-cloudformation/cfn-lint#1787",
        "AWS docs: Send Amazon ECS logs to CloudWatch",
    ),
    failure_ids=("td-awslogs-without-stream-prefix",),
)
def missing_stream_prefix(view: View) -> Iterator[Problem]:
    """On container instances the prefix is optional: without it a log stream has the container's id
    as its name. Fargate requires the prefix, and RegisterTaskDefinition rejects the container
    without it."""
    for task in fargate_task_definitions(view):
        for container in ecs.containers(task):
            log = container["LogConfiguration"]
            options = log["Options"]
            prefix = options["awslogs-stream-prefix"]
            if log["LogDriver"].text == "awslogs" and options.entries and prefix.absent:
                yield problem(
                    prefix,
                    f"In task definition `{task.id}`, {name_container(container)} logs with "
                    f"awslogs but without awslogs-stream-prefix, which Fargate requires",
                    f"Write `awslogs-stream-prefix: {container['Name'].text or 'app'}`.",
                )


RULES = (incomplete_firelens, missing_stream_prefix)
