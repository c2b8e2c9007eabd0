"""Which images of a plan must be pushed before the stack that runs them is deployed.

Those from repositories that the plan itself makes: no earlier deployment can have brought them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from moorage.facts.ecr_repositories import REPOSITORY_NAME
from moorage.model import PlannedStack

_IMAGE = re.compile(r"\$\{(\w+)\}(?::(?P<tag>[\w.-]+))?(?:@(?P<digest>[\w.+:-]+))?", re.ASCII)
_NAME = re.compile(REPOSITORY_NAME)


@dataclass(frozen=True, order=True)
class Push:
    """An image that must be in its repository."""

    repository: str
    image: str
    """As the AWS CLI takes it for an image id: `imageTag=1.4.2` or `imageDigest=sha256:...`."""


def pushes(stack: PlannedStack, stacks: Iterable[PlannedStack]) -> list[Push]:
    """The images of a stack that come from repositories of other stacks, without duplicates."""
    names = dict(pair for exporter in stacks for pair in _repositories(exporter))
    images = (_push(image, names) for image in _images(stack.rendering.body))
    return sorted({image for image in images if image})


def _images(body: Mapping[str, Any]) -> Iterator[Any]:
    for resource in body.get("Resources", {}).values():
        containers = _get(resource, "Properties", "ContainerDefinitions")
        for container in containers if isinstance(containers, list) else ():
            yield _get(container, "Image")


def _push(image: Any, names: Mapping[str, str]) -> Push | None:
    """Where an image is `${Repository}:tag` of an imported URI; None for every other one."""
    sub = _get(image, "Fn::Sub")
    text, variables = sub if isinstance(sub, list) and len(sub) == 2 else (None, None)
    match = _IMAGE.fullmatch(text) if isinstance(text, str) else None
    export = _get(variables, match[1], "Fn::ImportValue") if match else None
    if match is None or not isinstance(export, str) or export not in names:
        return None
    digest, tag = match["digest"], match["tag"] or "latest"
    return Push(names[export], f"imageDigest={digest}" if digest else f"imageTag={tag}")


def _repositories(stack: PlannedStack) -> Iterator[tuple[str, str]]:
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
