"""Where containers log to."""

from __future__ import annotations

import re
from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.nodes import Node
from moorage.cfn.values import Attr, Text, Unknown, as_text
from moorage.cfn.view import Resource, Stack, View
from moorage.rules.rule import Problem, problem, rule

LOG_GROUP = "AWS::Logs::LogGroup"

_MAKERS = ("Custom::", "AWS::CloudFormation::")
_MADE_BY_AWS = re.compile(r"/aws/(lambda|codebuild|apigateway|ecs/containerinsights)/")
_OWN = re.compile(r"(?:^|:)AWS::\w+$")
_REGION = re.compile(
    r"\b[a-z]{2}(?:-[a-z]+)?-(?:north|south|east|west|central)[a-z]*-\d(?=\b|[a-z]\b)"
)
_OF_ONE_REGION = re.compile(r"(?:vpc|subnet|sg)-(?:[0-9a-f]{8}|[0-9a-f]{17})")


@rule(
    "E9363",
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


@rule(
    "W9371",
    "A log group that is not where the log driver looks for it",
    error_messages=(
        "CannotStartContainerError: ... failed to initialize logging driver: failed to create "
        "Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist.",
    ),
    fix="Make an AWS::Logs::LogGroup and `!Ref` it in `awslogs-group`, and let `awslogs-region` be "
    "`!Ref AWS::Region`.",
    sources=(
        "cn-terraform/terraform-aws-ecs-fargate-task-definition#1",
        "ryfeus/stepfunctions2processing#5",
        "prakhar1989/docker-curriculum#253",
        "muccg/rdrf#617",
        "Rayraegah/terraform-aws-hasura#25",
    ),
    failure_ids=("td-log-group-missing", "td-awslogs-region-literal"),
)
def log_group_elsewhere(view: View) -> Iterator[Problem]:
    """The driver awslogs makes streams and no groups. A group that nobody has made, or that is
    looked for in another region than the stack's, keeps each container from starting, and the
    service waits for hours until the stack is rolled back. A group of that name may have been made
    beforehand, and the stack may always be deployed to that one region: hence a warning."""
    for task in ecs.task_definitions(view):
        for container in ecs.containers(task):
            log = container["LogConfiguration"]
            options = log["Options"]
            group, region = options["awslogs-group"], options["awslogs-region"]
            if log["LogDriver"].text != "awslogs":
                continue
            if _made_in(task.stack, group):
                if _is_fixed_elsewhere(task.stack, region):
                    yield problem(
                        region,
                        f"The log group of {container['Name'].text or task.id} is made where the "
                        f"stack is, and looked for in {region.text}: anywhere else no container "
                        f"starts",
                        "Write `!Ref AWS::Region`.",
                    )
            elif options["awslogs-create-group"].flag is False or (
                options["awslogs-create-group"].absent
            ):
                yield from _missing(view, task, group)


def _missing(view: View, task: Resource, group: Node) -> Iterator[Problem]:
    groups = [one["LogGroupName"] for one in view.resources_of_type(LOG_GROUP)]
    may_be_here = any(one.present and one.is_same_as(group) is not False for one in groups)
    if may_be_here or not _is_expected(task.stack, group) or _may_be_made(task.stack, group):
        return
    yield problem(
        group,
        f"Nothing here makes the log group {group.text or 'of that name'}, and the log driver "
        f"makes none: containers of {task.id} do not start without it",
        'Add an AWS::Logs::LogGroup and `!Ref` it, or write `awslogs-create-group: "true"` and '
        "allow logs:CreateLogGroup.",
    )


def _made_in(stack: Stack, group: Node) -> bool:
    """Whether the stack itself makes the log group."""
    if group.resource is not None:
        return group.resource.stack is stack and group.resource.type == LOG_GROUP
    return any(
        one.type == LOG_GROUP
        and one["LogGroupName"].present
        and one["LogGroupName"].is_same_as(group)
        for one in stack.resources.values()
    )


def _is_fixed_elsewhere(stack: Stack, region: Node) -> bool:
    """Whether a region is written out that may not be the stack's own."""
    own = as_text(stack.resolve_ref("AWS::Region"))
    return region.text is not None and own != region.text and not _is_for(stack.view, region.text)


def _is_for(view: View, region: str) -> bool:
    """Whether a template is made for one region: it names that one elsewhere too, in an ARN or a
    zone, or it names what exists in one region only and no other region. Such are the templates
    that a CDK application makes for a known environment."""
    if "regions" not in view.cache:
        view.cache["regions"] = _regions(view)
    named, fixed = view.cache["regions"]
    return region in named if named else bool(fixed)


def _regions(view: View) -> tuple[set[str], bool]:
    """The regions that are named but for logs, and whether anything of one region is."""
    named: set[str] = set()
    fixed = False
    todo = [("", one.props) for stack in view.stacks for one in stack.resources.values()]
    while todo:
        key, node = todo.pop()
        todo += [(key, one) for one in node.items]
        todo += [pair for pair in node.entries if pair[0] != "awslogs-region"]
        texts = [one for one in node.parts if isinstance(one, str)]
        named.update(region for text in texts for region in _REGION.findall(text))
        fixed = fixed or bool(texts and key == "AvailabilityZone")
        fixed = fixed or any(_OF_ONE_REGION.fullmatch(one) for one in texts)
    return named, fixed


def _is_expected(stack: Stack, group: Node) -> bool:
    """Whether a log group of that name can be expected here: it is called after the stack or what
    the stack holds, or it is written out in the template that makes the cluster as well. Where the
    cluster was there before, so may be the group."""
    if isinstance(group.value, Text):
        return all(_is_own(part) for part in group.parts)
    return group.text not in (None, "") and any(
        one.type == ecs.CLUSTER for one in stack.resources.values()
    )


def _is_own(part: object) -> bool:
    if isinstance(part, Unknown):
        return bool(_OWN.search(part.token))
    return isinstance(part, str | Attr)


def _may_be_made(stack: Stack, group: Node) -> bool:
    """Whether AWS makes the group, or something in the stack of which no one here knows what it
    makes, or a stack that is not here and from which this one imports."""
    first = group.parts[0]
    if isinstance(first, str) and _MADE_BY_AWS.match(first):
        return True
    unseen = any(one.type.startswith(_MAKERS) for one in stack.resources.values())
    elsewhere = any(isinstance(one, Unknown) for one in stack.imported_values)
    return unseen or elsewhere or stack.template.is_generated


RULES = (half_of_firelens, log_group_elsewhere)
