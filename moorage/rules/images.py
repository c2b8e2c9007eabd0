"""Container images: architectures, the programs they contain, and mutable tags."""

from __future__ import annotations

import re
from collections.abc import Iterator

from moorage.cfn import ecs, fixed_values, lifecycle
from moorage.cfn.nodes import Node
from moorage.cfn.task_startup import image_registry
from moorage.cfn.values import Attr
from moorage.cfn.view import View
from moorage.rules.containers import containers_of_all_tasks
from moorage.rules.message_parts import name_container
from moorage.rules.rule import Problem, problem, rule

_SMALL_IMAGE = re.compile(r"(?:^|[-_./:])(?:alpine|slim|distroless|busybox|scratch|chiseled)")
_IMAGE_WITH_WGET = re.compile(r"alpine|busybox")
_ARM_IMAGE = re.compile(r"arm64|aarch64")
_INTEL_IMAGE = re.compile(r"amd64|x86[-_]64")
_CURL, _WGET = re.compile(r"\bcurl\b"), re.compile(r"\bwget\b")


@rule(
    "W9125",
    "An image probably lacks the program of its health check, or is for another CPU architecture.",
    error_messages=(
        "Task failed container health checks",
        "exec /docker-entrypoint.sh: exec format error",
        "CannotPullContainerError: image Manifest does not contain descriptor matching platform "
        "'linux/amd64'",
    ),
    fix="Use a program in the health check that the image contains. Set CpuArchitecture to the "
    "architecture that the image is built for.",
    sources=(
        "navapbc/template-infra#212",
        "parse-community/parse-server#5780",
        "aws/copilot-cli#6095",
        "terraform-aws-modules/terraform-aws-ecs#155",
    ),
    failure_ids=("td-health-check-tool-not-in-image", "td-cpu-architecture-mismatch"),
)
def unsuitable_image(view: View) -> Iterator[Problem]:
    """The health check of a container runs inside the container. Small images have no curl, and
    some have no wget and no shell either. An image for one CPU architecture does not start on the
    other; Fargate runs X86_64 if CpuArchitecture is not set. A template does not show what an image
    contains: this rule goes by the image's name and tag only."""
    for task, container in containers_of_all_tasks(view):
        image = _image_text(container)
        command = container.at("HealthCheck", "Command")
        program = _missing_program(image, command)
        if program:
            yield problem(
                command,
                f"In task definition `{task.id}`, the health check of {name_container(container)} "
                f"calls {program}, which images like `{image}` usually do not contain; without it "
                f"the health check always fails",
                f"Call a program that the image contains, or add {program} to the image.",
            )
        architecture = task["RuntimePlatform"]["CpuArchitecture"]
        runs_on = (
            "X86_64" if architecture.absent and ecs.is_for_fargate(task) else architecture.text
        )
        other_image = {"X86_64": _ARM_IMAGE, "ARM64": _INTEL_IMAGE}.get(runs_on or "")
        is_for_both = _ARM_IMAGE.search(image) and _INTEL_IMAGE.search(image)
        if other_image and other_image.search(image) and not is_for_both:
            built_for = "ARM64" if other_image is _ARM_IMAGE else "X86_64"
            yield problem(
                container["Image"],
                f"Image `{image}` has the name of an image for {built_for}, but task definition "
                f"`{task.id}` runs it on {runs_on}",
                f"Write `RuntimePlatform: {{CpuArchitecture: {built_for}}}`, or use an image for "
                f"{runs_on}.",
            )


def _image_text(container: Node) -> str:
    """The known parts of an image, with the default values of parameters."""
    node = container["Image"]
    text = node.default or "".join(part for part in node.parts if isinstance(part, str))
    return text.lower()


def _missing_program(image: str, command: Node) -> str | None:
    """The program that a health check calls and that an image of this name usually lacks."""
    line = " ".join(part for item in command.items for part in item.parts if isinstance(part, str))
    if not _SMALL_IMAGE.search(image) or "curl" in image:
        return None
    if _WGET.search(line):
        return None if _IMAGE_WITH_WGET.search(image) else "wget"
    return "curl" if _CURL.search(line) else None


@rule(
    "W9128",
    "An image has the tag latest, so an update does not deploy a new image.",
    error_messages=("No changes to deploy. Stack ... is up to date",),
    fix="Write a tag of one version or a digest, or make the image a parameter.",
    sources=("aws/copilot-cli#3092",),
    failure_ids=("upd-mutable-image-tag",),
)
def mutable_image_tag(view: View) -> Iterator[Problem]:
    """CloudFormation compares the text of the template. With the tag `latest`, or without a tag,
    the text is the same after a push, so an update deploys nothing. But a task that ECS starts
    later gets the new image, and a rollback does not bring back the old one."""
    for task in ecs.task_definitions(view):
        if not ecs.services_of(task):
            continue
        for container in ecs.containers(task):
            image = container["Image"]
            if _is_latest(image) and fixed_values.is_decided_by_template(image):
                yield problem(
                    image,
                    f"In task definition `{task.id}`, the image of {name_container(container)} "
                    f"always has the tag `latest`, so CloudFormation does not notice a new image",
                    "Write a tag of one version or a digest, or make the image a parameter.",
                )


def _is_latest(image: Node) -> bool:
    """Whether an image's tag is `latest`, or is missing for an image in ECR. Public images such as
    `nginx` are not the user's, who does not push new versions of them."""
    last = image.parts[-1] if image.parts else None
    if isinstance(last, Attr):
        return last.resource.type == lifecycle.REPOSITORY and last.name == "RepositoryUri"
    if not isinstance(last, str) or not last or "@" in last:
        return False
    _, slash, name = last.rpartition("/")
    _, colon, tag = name.partition(":")
    if colon:
        return tag == "latest"
    return bool(name and slash) and image_registry(image) == "ecr"


RULES = (unsuitable_image, mutable_image_tag)
