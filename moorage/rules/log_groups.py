"""Log groups that containers log to with awslogs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.nodes import Node
from moorage.cfn.stack import Resource, Stack
from moorage.cfn.values import Attr, Text, Unknown, as_text
from moorage.cfn.view import View
from moorage.facts.regions import REGION_IN_TEXT
from moorage.rules.message_parts import name_container
from moorage.rules.rule import Problem, problem, rule

LOG_GROUP = "AWS::Logs::LogGroup"

_MAY_CREATE_LOG_GROUPS = ("Custom::", "AWS::CloudFormation::")
"""Prefixes of resource types that may create resources that are not in the template."""
_CREATED_BY_AWS = re.compile(r"/aws/(lambda|codebuild|apigateway|ecs/containerinsights)/")
_REGION = re.compile(REGION_IN_TEXT)
_REGIONAL_ID = re.compile(r"(?:vpc|subnet|sg)-(?:[0-9a-f]{8}|[0-9a-f]{17})")


@rule(
    "W9840",
    "The log group of a container might be missing, or in another region than awslogs-region.",
    error_messages=(
        "CannotStartContainerError: ... failed to initialize logging driver: failed to create "
        "Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist.",
    ),
    fix="Create an AWS::Logs::LogGroup, and write `awslogs-group: !Ref <log group>` and "
    "`awslogs-region: !Ref AWS::Region`.",
    sources=(
        "cn-terraform/terraform-aws-ecs-fargate-task-definition#1",
        "ryfeus/stepfunctions2processing#5",
        "prakhar1989/docker-curriculum#253",
        "muccg/rdrf#617",
        "Rayraegah/terraform-aws-hasura#25",
    ),
    failure_ids=("td-log-group-missing", "td-awslogs-region-literal"),
)
def missing_log_group(view: View) -> Iterator[Problem]:
    """The log driver awslogs creates log streams but no log groups. If the log group does not exist
    in awslogs-region, no container starts, and the service waits for hours until the stack is
    rolled back. It is a warning, as the log group may have been created before, and the stack may
    only be deployed to that region."""
    for task in ecs.task_definitions(view):
        for container in ecs.containers(task):
            log = container["LogConfiguration"]
            options = log["Options"]
            group, region = options["awslogs-group"], options["awslogs-region"]
            if log["LogDriver"].text != "awslogs":
                continue
            if _is_created_by_stack(task.stack, group):
                if _may_be_other_region(task.stack, region):
                    yield problem(
                        region,
                        f"In task definition `{task.id}`, {name_container(container)} looks for "
                        f"its log group in {region.text}, but the log group is in the region of "
                        f"the stack: in other regions the container does not start",
                        "Write `!Ref AWS::Region`.",
                    )
            elif not _creates_log_group(options):
                yield from _missing_log_group(view, task, container, group)


def _creates_log_group(options: Node) -> bool:
    create = options["awslogs-create-group"]
    return not (create.absent or create.flag is False)


def _missing_log_group(
    view: View, task: Resource, container: Node, group: Node
) -> Iterator[Problem]:
    names = [log_group["LogGroupName"] for log_group in view.resources_of_type(LOG_GROUP)]
    may_be_in_view = any(name.present and name.is_same_as(group) is not False for name in names)
    if may_be_in_view or not _belongs_to_template(task.stack, group):
        return
    if _may_be_created_otherwise(task.stack, group):
        return
    yield problem(
        group,
        f"No template here creates the log group{f' `{group.text}`' if group.text else ''} of "
        f"{name_container(container)} of task definition `{task.id}`, which does not start without "
        f"it",
        "Add an AWS::Logs::LogGroup and write `!Ref` of it. Or write "
        '`awslogs-create-group: "true"`, and allow logs:CreateLogGroup in the execution role.',
    )


def _is_created_by_stack(stack: Stack, group: Node) -> bool:
    """Whether the stack itself creates the log group."""
    if group.resource is not None:
        return group.resource.stack is stack and group.resource.type == LOG_GROUP
    return any(
        resource.type == LOG_GROUP
        and resource["LogGroupName"].present
        and resource["LogGroupName"].is_same_as(group)
        for resource in stack.resources.values()
    )


# Regions -------------------------------------------------------------------------------------


def _may_be_other_region(stack: Stack, region: Node) -> bool:
    """Whether a region is written that might differ from the region of the stack."""
    own_region = as_text(stack.resolve_ref("AWS::Region"))
    if region.text is None or region.text == own_region:
        return False
    return own_region is not None or not _is_for_region(stack.view, region.text)


def _is_for_region(view: View, region: str) -> bool:
    """Whether a template is for one region, as the CDK writes them for a known environment: it has
    that region in another ARN or Availability Zone, or it has ids or zones of one region and names
    no region."""
    named, has_regional_values = view.cached("regions", lambda: _named_regions(view))
    return region in named if named else has_regional_values


def _named_regions(view: View) -> tuple[set[str], bool]:
    """The regions in all values except those of awslogs-region, and whether a value exists in one
    region only."""
    named: set[str] = set()
    has_regional_values = False
    todo = [("", resource.props) for stack in view.stacks for resource in stack.resources.values()]
    while todo:
        key, node = todo.pop()
        todo += [(key, item) for item in node.items]
        todo += [entry for entry in node.entries if entry[0] != "awslogs-region"]
        texts = [part for part in node.parts if isinstance(part, str)]
        named.update(region for text in texts for region in _REGION.findall(text))
        is_zone = bool(texts and key == "AvailabilityZone")
        has_id = any(_REGIONAL_ID.fullmatch(text) for text in texts)
        has_regional_values = has_regional_values or is_zone or has_id
    return named, has_regional_values


# Log groups that are created otherwise -------------------------------------------------------


def _belongs_to_template(stack: Stack, group: Node) -> bool:
    """Whether a log group should be in the template: its name contains the stack's name or an
    attribute of its resources, or it is a fixed name and the template creates the cluster too. If
    the cluster existed before, the log group may have existed too."""
    if isinstance(group.value, Text):
        return all(_is_from_stack(part) for part in group.parts)
    has_cluster = any(resource.type == ecs.CLUSTER for resource in stack.resources.values())
    return group.text not in (None, "") and has_cluster


def _is_from_stack(part: object) -> bool:
    if isinstance(part, Unknown):
        return part.is_pseudo_parameter
    return isinstance(part, str | Attr)


def _may_be_created_otherwise(stack: Stack, group: Node) -> bool:
    """Whether AWS creates the log group, or a custom resource, nested stack or macro may, or a
    stack that is not in view and that this one imports from."""
    first = group.parts[0]
    if isinstance(first, str) and _CREATED_BY_AWS.match(first):
        return True
    has_creators = any(
        resource.type.startswith(_MAY_CREATE_LOG_GROUPS) for resource in stack.resources.values()
    )
    has_imports = any(isinstance(value, Unknown) for value in stack.imported_values)
    return has_creators or has_imports or stack.template.is_generated


RULES = (missing_log_group,)
