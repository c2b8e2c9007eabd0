"""The lines of the params that problems of a deployment are about. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from moorage.cfn.needs import Need
from moorage.deploy.change_sets import Preview, Problem
from moorage.deploy.diagnosis.diagnose import properties_of
from moorage.deploy.diagnosis.matching import find_known
from moorage.deploy.diagnosis.params_place import (
    ParamsPlace,
    find_property_place,
    find_type_place,
    find_value_place,
)
from moorage.deploy.target import DeployStack

_PROPERTIES: Mapping[str, tuple[str, ...]] = {
    "image": ("ContainerDefinitions.Image",),
    "own-image": ("ContainerDefinitions.Image",),
    "parameter": ("ContainerDefinitions.Secrets",),
    "secret": ("ContainerDefinitions.Secrets",),
}
"""Keys of params_place.PARAMS for needs whose names the params do not have literally."""


def place_need(need: Need, stack: DeployStack) -> ParamsPlace | None:
    """The line of the params that names what a stack needs; None if the params are not known."""
    if stack.document is None:
        return None
    version = need.version.partition("=")[2]
    stacks = [stack.name]
    if need.kind in ("export", "value"):  # the params of a network can have it, for example
        stacks += [name for name in stack.document.data.get("stacks", {}) if name != stack.name]
    for name in stacks:
        named = find_value_place(stack.document, name, (need.name, version))
        if named is not None:
            return named
    properties = _PROPERTIES.get(need.kind, ())
    message = f"{need.name}:{version}"
    return find_property_place(
        stack.document, stack.name, need.logical_id, properties, message=message
    )


def place_problems(preview: Preview) -> Preview:
    """The preview with the line of the params for each problem that has none."""
    placed = (_place(problem, preview.stack) for problem in preview.problems)
    return replace(preview, problems=tuple(placed))


def _place(problem: Problem, stack: DeployStack) -> Problem:
    """What CloudFormation's validation found in a resource is placed by its path in the template,
    and by AWS's message if that is a known one."""
    if problem.at is not None or stack.document is None or not problem.logical_id:
        return problem
    known = find_known(problem.message)
    of_known: Sequence[str] = () if known is None else known.properties
    properties = (*properties_of(problem.path), *of_known)
    resource = stack.body.get("Resources", {}).get(problem.logical_id, {})
    if not properties:
        at = find_type_place(
            stack.document, stack.name, problem.logical_id, resource.get("Type", "")
        )
    else:
        at = find_property_place(
            stack.document,
            stack.name,
            problem.logical_id,
            properties,
            message=problem.message,
        )
    return replace(problem, at=at)
