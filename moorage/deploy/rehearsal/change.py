"""A target with one image changed, so that a rehearsal has something to update. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from moorage.deploy.target import DeployStack, Target
from moorage.records import record

_TAGGED = re.compile(r".*[^/]:(?P<tag>[A-Za-z0-9_][\w.-]{0,100})", re.ASCII)


@record
class ChangedImage:
    """A target, and which image of it is another one now."""

    target: Target
    stack: str
    container: str
    tag: str


def change_image(target: Target) -> ChangedImage | None:
    """Gives the image of a service another tag, in the last stack that has one with a tag. None if
    no stack has."""
    for stack in reversed(target.stacks):
        for container, image in _images(stack):
            match = _TAGGED.fullmatch(image)
            if match is None or stack.text.count(image) == 0:
                continue
            tag = f"{match['tag']}-rehearsed"
            changed = replace(stack, text=stack.text.replace(image, f"{image}-rehearsed"))
            stacks = tuple(changed if item is stack else item for item in target.stacks)
            return ChangedImage(replace(target, stacks=stacks), stack.name, container, tag)
    return None


def _images(stack: DeployStack) -> Iterator[tuple[str, str]]:
    """The containers of a stack with a service, and their images as the template has them."""
    resources = stack.body.get("Resources", {}).values()
    if not any(resource["Type"] == "AWS::ECS::Service" for resource in resources):
        return
    for resource in resources:
        for container in resource.get("Properties", {}).get("ContainerDefinitions", ()):
            image = _image_text(container.get("Image"))
            if image is not None:
                yield str(container.get("Name", "")), image


def _image_text(image: Any) -> str | None:
    """The text of an image: literal, or with the variables of `Fn::Sub`."""
    if isinstance(image, Mapping):
        image = image.get("Fn::Sub")
        image = image[0] if isinstance(image, list) else image
    return image if isinstance(image, str) else None
