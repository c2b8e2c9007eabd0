"""Volumes of task definitions that no container mounts."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.tristate import any_of
from moorage.cfn.view import View
from moorage.rules.rule import Problem, problem, rule


@rule(
    "E9166",
    "A volume that is configured at launch is not mounted.",
    error_messages=("Volumes [...] are not referenced by any of the containers",),
    fix="Mount the volume in a container with `MountPoints`, or remove it.",
    sources=("Amazon ECS developer guide: Specify Amazon EBS volume configuration at deployment",),
    failure_ids=("td-disk-that-nobody-mounts",),
)
def volume_is_not_mounted(view: View) -> Iterator[Problem]:
    """ECS creates a volume that is configured at launch for each task, so it refuses a task
    definition in which no container mounts the volume."""
    for task in ecs.task_definitions(view):
        containers = task["ContainerDefinitions"]
        lists = [container["MountPoints"] for container in containers.items]
        if not containers.all_known or not all(node.absent or node.all_known for node in lists):
            continue
        mounts = [mount["SourceVolume"] for node in lists for mount in node.items]
        for volume in task["Volumes"].items:
            if volume["ConfiguredAtLaunch"].flag is not True:
                continue
            if any_of(volume["Name"].is_same_as(mount) for mount in mounts) is False:
                yield problem(
                    volume,
                    f"In task definition `{task.id}`, no container mounts the volume "
                    f"`{volume['Name'].text or '?'}`",
                    "Write `MountPoints` of a container, or remove the volume.",
                )


RULES = (volume_is_not_mounted,)
