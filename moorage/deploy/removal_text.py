"""What a deletion does, as text or JSON. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from moorage.deploy.contents import content_text
from moorage.deploy.removal import Removal, RemovedResource
from moorage.facts.kept_costs import KEPT_COSTS, PRICES_REGION


def removals_text(removals: Sequence[Removal]) -> str:
    """What is deleted, what must be emptied first, and what stays and costs."""
    return "".join(f"{line}\n" for removal in removals for line in _lines(removal))


def _lines(removal: Removal) -> Iterator[str]:
    gone = [resource for resource in removal.resources if resource.deleted]
    noun = "resource" if len(gone) == 1 else "resources"
    yield f"{removal.name} ({removal.state.stack_name}) and {len(gone)} {noun} will be deleted"
    for resource in gone:
        if resource.in_the_way:
            yield f"  must be emptied: {resource_text(resource)}"
        elif resource.filled:
            yield f"  goes with its content: {resource_text(resource)}"
    for resource in removal.resources:
        if resource.kept:
            stays = "a snapshot stays" if resource.snapshot else "stays"
            yield f"  {stays}: {resource_text(resource)}; {cost_text(resource)}"


def resource_text(resource: RemovedResource) -> str:
    """A resource with its ID and what it holds."""
    held = f" ({content_text(resource.content)})" if resource.content else ""
    return f"{resource.logical_id}  {resource.type}  {resource.physical_id}{held}"


def cost_text(resource: RemovedResource) -> str:
    """What is charged for a resource that stays."""
    cost = KEPT_COSTS.get(resource.type)
    if cost is None:
        return "it may be charged"
    if not cost.unit:
        return "free of charge"
    price = f" ({cost.price} in {PRICES_REGION})" if cost.price else ""
    return f"charged by {cost.unit}{price}"


def removals_json(removals: Sequence[Removal]) -> str:
    """The same as JSON, a line for each stack."""
    return "".join(f"{json.dumps(_fields(removal))}\n" for removal in removals)


def _fields(removal: Removal) -> dict[str, Any]:
    kept = [resource for resource in removal.resources if resource.kept]
    return {
        "event": "removal",
        "stack": removal.name,
        "stack_name": removal.state.stack_name,
        "deleted": [item.logical_id for item in removal.resources if item.deleted],
        "must_be_emptied": [_resource(item) for item in removal.resources if item.in_the_way],
        "kept": [
            {**_resource(item), "snapshot": item.snapshot, "cost": cost_text(item)} for item in kept
        ],
    }


def _resource(resource: RemovedResource) -> Mapping[str, Any]:
    return {
        "logical_id": resource.logical_id,
        "id": resource.physical_id,
        "type": resource.type,
        "content": asdict(resource.content) if resource.content else None,
    }
