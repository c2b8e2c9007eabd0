"""The revisions of task definitions, which stay registered when their stacks are deleted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from moorage.deploy.aws import AwsError, aws_errors
from moorage.deploy.stack_resources import TASK_DEFINITION
from moorage.deploy.target import DeployStack

if TYPE_CHECKING:
    from moorage.deploy.aws import Aws

_REVISIONS_PER_REQUEST = 10
"""Amazon ECS API reference, DeleteTaskDefinitions."""


def family_of(arn: str) -> str:
    """The family of a task definition.

    >>> family_of("arn:aws:ecs:eu-central-1:111122223333:task-definition/shop-dev-web:7")
    'shop-dev-web'
    """
    return arn.rsplit("/", 1)[-1].rsplit(":", 1)[0]


def find_families(stacks: Iterable[DeployStack]) -> Iterator[tuple[str, str]]:
    """The stacks' names and the families that their templates name."""
    for stack in stacks:
        for resource in stack.body.get("Resources", {}).values():
            family = resource.get("Properties", {}).get("Family")
            if resource.get("Type") == TASK_DEFINITION and isinstance(family, str):
                yield stack.name, family


def count_revisions(aws: Aws, family: str) -> int:
    """How many revisions of a family are registered."""
    with aws_errors():
        return len(_list_revisions(aws, family, "ACTIVE"))


def delete_family(aws: Aws, family: str) -> int:
    """Deregisters and deletes all revisions of a family, and returns how many. Those that tasks
    still use go when the tasks have ended. Raises AwsError if ECS refuses one."""
    with aws_errors():
        for arn in _list_revisions(aws, family, "ACTIVE"):
            aws.ecs.deregister_task_definition(taskDefinition=arn)
        inactive = _list_revisions(aws, family, "INACTIVE")
        for start in range(0, len(inactive), _REVISIONS_PER_REQUEST):
            part = inactive[start : start + _REVISIONS_PER_REQUEST]
            answer = aws.ecs.delete_task_definitions(taskDefinitions=part)
            for failure in answer.get("failures", ()):
                raise AwsError(f"{failure.get('arn')} stays registered: {failure.get('reason')}")
        return len(inactive)


def _list_revisions(aws: Aws, family: str, status: str) -> list[str]:
    pages = aws.ecs.get_paginator("list_task_definitions").paginate(
        familyPrefix=family,
        status=status,  # type: ignore[arg-type]
    )
    arns = [arn for page in pages for arn in page["taskDefinitionArns"]]
    return [arn for arn in arns if family_of(arn) == family]
