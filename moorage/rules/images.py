"""Images of containers: platforms, programs in them, and tags."""

from __future__ import annotations

import re
from collections.abc import Iterator

from moorage.cfn import ecs, lifecycle
from moorage.cfn.nodes import Node
from moorage.cfn.values import Attr
from moorage.cfn.view import View
from moorage.rules.containers import _each, _label
from moorage.rules.rule import Problem, problem, rule

_SMALL = re.compile(r"(?:^|[-_./:])(?:alpine|slim|distroless|busybox|scratch|chiseled)")


_WITH_WGET = re.compile(r"alpine|busybox")


_ARM = re.compile(r"arm64|aarch64")


_INTEL = re.compile(r"amd64|x86[-_]64")


_CURL, _WGET = re.compile(r"\bcurl\b"), re.compile(r"\bwget\b")


@rule(
    "W9125",
    "An image that does not fit what is asked of it",
    error_messages=(
        "Task failed container health checks",
        "exec /docker-entrypoint.sh: exec format error",
        "CannotPullContainerError: image Manifest does not contain descriptor matching platform "
        "'linux/amd64'",
    ),
    fix="Check health with a program that the image has, and let CpuArchitecture be what it was "
    "built for.",
    sources=(
        "navapbc/template-infra#212",
        "parse-community/parse-server#5780",
        "aws/copilot-cli#6095",
        "terraform-aws-modules/terraform-aws-ecs#155",
    ),
    failure_ids=("td-health-check-tool-not-in-image", "td-cpu-architecture-mismatch"),
)
def image_does_not_fit(view: View) -> Iterator[Problem]:
    """A container's health check runs within the container, and images made small have no curl,
    and some no wget or shell either. An image for one architecture does not start on the other,
    and Fargate takes X86_64 where nothing is said. What an image holds can't be seen in a
    template: this goes by its name and tag alone."""
    for task, container in _each(view):
        image = _image(container)
        tool = _missing_tool(image, container.at("HealthCheck", "Command"))
        if tool:
            yield problem(
                container.at("HealthCheck", "Command"),
                f"{_label(container)} in {task.id} checks its health with {tool}, which an image "
                f"like {image} seldom has, and then it is replaced for ever",
                f"Make sure that the image has {tool}, or call a program that it does have.",
            )
        runtime = task["RuntimePlatform"]["CpuArchitecture"]
        runs_on = "X86_64" if runtime.absent and ecs.is_for_fargate(task) else runtime.text
        other = _ARM if runs_on == "X86_64" else _INTEL if runs_on == "ARM64" else None
        if other and other.search(image) and not (_ARM.search(image) and _INTEL.search(image)):
            yield problem(
                container["Image"],
                f"{image} is not built for {runs_on}, on which {task.id} runs it",
                "Set RuntimePlatform.CpuArchitecture to what the image is built for.",
            )


def _image(container: Node) -> str:
    """The image as far as it is known, defaults of parameters included."""
    node = container["Image"]
    whole = node.default
    return (whole or "".join(one for one in node.parts if isinstance(one, str))).lower()


def _missing_tool(image: str, command: Node) -> str | None:
    """What a health check calls and an image of that name is unlikely to have."""
    line = " ".join(part for one in command.items for part in one.parts if isinstance(part, str))
    if not _SMALL.search(image) or "curl" in image:
        return None
    if _WGET.search(line):
        return None if _WITH_WGET.search(image) else "wget"
    return "curl" if _CURL.search(line) else None


@rule(
    "W9128",
    "A new image under the same tag is not deployed",
    error_messages=("No changes to deploy. Stack ... is up to date",),
    fix="Name a version or a digest, or make the image a parameter.",
    sources=("aws/copilot-cli#3092",),
    failure_ids=("upd-mutable-image-tag",),
)
def mutable_tag(view: View) -> Iterator[Problem]:
    """CloudFormation compares texts. `latest`, or no tag, reads the same after a push, so an
    update deploys nothing, while a task that starts by itself gets the new image, and a rollback
    does not bring back the old one."""
    for task in ecs.task_definitions(view):
        if not ecs.services_of(task):
            continue
        for container in ecs.containers(task):
            if _is_latest(container["Image"]) and lifecycle.is_decided_by_template(
                container["Image"]
            ):
                yield problem(
                    container["Image"],
                    f"The image of {container['Name'].text or 'a container'} in {task.id} is "
                    f"always `latest`, so a new one changes nothing that CloudFormation sees",
                    "Write a tag of one version or a digest, or make the image a parameter.",
                )


def _is_latest(image: Node) -> bool:
    """Whether an image's tag is `latest`, or left out where the image is of the account's own
    registry: the examples of others, such as `nginx`, nobody pushes anew."""
    last = image.parts[-1] if image.parts else None
    if isinstance(last, Attr):
        return last.resource.type == lifecycle.REPOSITORY and last.name == "RepositoryUri"
    if not isinstance(last, str) or not last or "@" in last:
        return False
    _, slash, name = last.rpartition("/")
    _, colon, tag = name.partition(":")
    if colon:
        return tag == "latest"
    own = any(isinstance(part, str) and ".dkr.ecr." in part for part in image.parts)
    return bool(name and slash) and own


RULES = (
    image_does_not_fit,
    mutable_tag,
)
