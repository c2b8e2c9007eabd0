"""Volumes of tasks and mount points of containers."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.view import View
from moorage.rules.message_parts import join_or, name_container, quote
from moorage.rules.rule import Problem, problem, rule


@rule(
    "E9165",
    "A container mounts a volume that the task definition does not have.",
    error_messages=("Unknown volume 'cache'.",),
    fix="Write the Name of one of the task's Volumes as SourceVolume.",
    sources=("AWS docs: AWS::ECS::TaskDefinition MountPoint",),
    failure_ids=("td-mount-point-unknown-volume",),
)
def unknown_volume(view: View) -> Iterator[Problem]:
    """A container mounts a volume by its name. RegisterTaskDefinition rejects a name that is not
    among the Volumes of the task definition."""
    for task in ecs.task_definitions(view):
        volumes = task["Volumes"]
        names = {volume["Name"].text for volume in volumes.items}
        if not volumes.all_known or None in names:
            continue
        for container in ecs.containers(task):
            for mount_point in container["MountPoints"].items:
                source = mount_point["SourceVolume"]
                if source.text is not None and source.text not in names:
                    known = quote(sorted(filter(None, names)))
                    add = f"add a volume `{source.text}` to Volumes."
                    yield problem(
                        source,
                        f"Task definition `{task.id}` has no volume `{source.text}`, which "
                        f"{name_container(container)} mounts",
                        f"Write {join_or(known)}, or {add}" if known else f"A{add[1:]}",
                    )


RULES = (unknown_volume,)
