"""The images that an environment runs, of the containers whose images are built.

The params name a version of such an image only for deployments that give none. A preview of other
changes compares with what runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from cfnlint.decode.decode import decode_str

from moorage.deploy.aws import aws_errors
from moorage.deploy.stack_state import StackState
from moorage.deploy.target import DeployStack, Target
from moorage.facts.ecr_repositories import IMAGE_VERSION

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient

_IMAGE = re.compile(rf"(?:.*[/}}])?[^/}}:@]*{IMAGE_VERSION}")
"""An image in a template: its repository, a tag and a digest."""


def read_deployed_images(
    client: CloudFormationClient, target: Target, states: Mapping[str, StackState]
) -> dict[str, str]:
    """The tag or digest of each built image that is deployed, by stack/container: one request for
    each stack that has one."""
    return {
        f"{stack.name}/{container}": version
        for stack in target.stacks
        for container, version in _read_stack(client, stack, states.get(stack.stack_name))
    }


def _read_stack(
    client: CloudFormationClient, stack: DeployStack, state: StackState | None
) -> Iterator[tuple[str, str]]:
    built = {build.container for build in stack.builds}
    if not built or state is None or not state.exists:
        return
    with aws_errors():
        body: Any = client.get_template(StackName=state.id)["TemplateBody"]
    template = decode_str(body)[0] if isinstance(body, str) else body
    for container in _containers(template):
        name, version = container.get("Name"), _read_version(container.get("Image"))
        if name in built and version:
            yield name, version


def _containers(template: Any) -> Iterator[Mapping[str, Any]]:
    resources = template.get("Resources", {}) if isinstance(template, Mapping) else {}
    for resource in resources.values():
        properties = resource.get("Properties") if isinstance(resource, Mapping) else None
        found = (properties or {}).get("ContainerDefinitions")
        yield from (item for item in found or () if isinstance(item, Mapping))


def _read_version(image: Any) -> str | None:
    """The digest of an image in a template, or its tag; None where it has neither.

    >>> _read_version({"Fn::Sub": ["${Repository}:1.4.2", {"Repository": "x"}]})
    '1.4.2'
    """
    text = image.get("Fn::Sub") if isinstance(image, Mapping) else image
    text = text[0] if isinstance(text, list) and text else text
    match = _IMAGE.fullmatch(text) if isinstance(text, str) else None
    return (match["digest"] or match["tag"]) if match else None
