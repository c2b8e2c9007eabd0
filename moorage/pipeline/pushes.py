"""The images that must be pushed before the stack that runs them is deployed.

They are in repositories that the plan itself creates, so they cannot be checked at the start.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from moorage.cfn.needs import image_version
from moorage.facts.ecr_repositories import REPOSITORY_NAME
from moorage.plan import PlannedStack

_IMAGE = re.compile(r"\$\{(\w+)\}(?::(?P<tag>[\w.-]+))?(?:@(?P<digest>[\w.+:-]+))?", re.ASCII)
_NAME = re.compile(REPOSITORY_NAME)


@dataclass(frozen=True, order=True)
class Push:
    """An image that must be in its repository."""

    repository: str
    image: str
    """The image ID, in the form of the AWS CLI: `imageTag=1.4.2` or `imageDigest=sha256:...`."""


def find_pushes(stacks: Iterable[PlannedStack]) -> dict[str, list[Push]]:
    """By stack, the images that come from repositories of these stacks, without duplicates."""
    stacks = tuple(stacks)
    names = dict(pair for stack in stacks for pair in find_repositories(stack))
    found = {
        stack.name: (_push(image, names) for image in _images(stack.rendering.body))
        for stack in stacks
    }
    return {name: sorted({image for image in images if image}) for name, images in found.items()}


def _images(body: Mapping[str, Any]) -> Iterator[Any]:
    for resource in body.get("Resources", {}).values():
        containers = _get(resource, "Properties", "ContainerDefinitions")
        for container in containers if isinstance(containers, list) else ():
            yield _get(container, "Image")


def _push(image: Any, names: Mapping[str, str]) -> Push | None:
    """The push for an image of the form `${Repository}:tag` with an imported URI; None for
    others."""
    sub = _get(image, "Fn::Sub")
    text, variables = sub if isinstance(sub, list) and len(sub) == 2 else (None, None)
    match = _IMAGE.fullmatch(text) if isinstance(text, str) else None
    export = _get(variables, match[1], "Fn::ImportValue") if match else None
    if match is None or not isinstance(export, str) or export not in names:
        return None
    return Push(names[export], image_version(match))


def find_repositories(stack: PlannedStack) -> Iterator[tuple[str, str]]:
    """The exports that are URIs of repositories, with the repositories' names."""
    body = stack.rendering.body
    for output, export in stack.exports.items():
        attribute = _get(body, "Outputs", output, "Value", "Fn::GetAtt")
        if isinstance(attribute, list) and attribute[1:] == ["RepositoryUri"]:
            name = _get(body, "Resources", attribute[0], "Properties", "RepositoryName")
            if isinstance(name, str) and _NAME.fullmatch(name):
                yield export, name


def _get(value: Any, *keys: str) -> Any:
    """The value at this path; None if there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value
