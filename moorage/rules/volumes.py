"""Volumes of tasks and the mount points of containers."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.view import View
from moorage.rules.rule import Problem, problem, rule


@rule(
    "E9165",
    "A mount point of a volume that the task does not have",
    error_messages=("Unknown volume 'cache'.",),
    fix="Let SourceVolume be the Name of one of the task's Volumes.",
    sources=("AWS docs: AWS::ECS::TaskDefinition MountPoint",),
    failure_ids=("td-mount-point-unknown-volume",),
)
def unknown_volume(view: View) -> Iterator[Problem]:
    """A container mounts a volume by its name. RegisterTaskDefinition refuses a name that the
    task's Volumes do not have."""
    for task in ecs.task_definitions(view):
        volumes = task["Volumes"]
        names = {one["Name"].text for one in volumes.items}
        if not volumes.all_known or None in names:
            continue
        for container in ecs.containers(task):
            for mount in container["MountPoints"].items:
                source = mount["SourceVolume"]
                if source.text is not None and source.text not in names:
                    known = ", ".join(sorted(filter(None, names)))
                    yield problem(
                        source,
                        f"{container['Name'].text or 'A container'} mounts {source.text}, and "
                        f"{task.id} has no volume of that name",
                        f"Name one of {known}." if known else f"Add {source.text} to Volumes.",
                    )


RULES = (unknown_volume,)
