"""Templates of all stacks of a small environment, for tests of what they contain."""

from __future__ import annotations

from typing import Any

from moorage.pipeline.compose import compose
from moorage.pipeline.load import Document
from moorage.pipeline.render import render
from moorage.pipeline.validate import validate
from templates import TEMPLATES

IMAGE = "ecr:shop/web:1"


def build_bodies(**stacks: Any) -> dict[str, Any]:
    """The rendered templates by stack, of an environment with a network, a cluster and these
    stacks, in which there are no findings."""
    data = {
        "app": "shop",
        "region": "eu-central-1",
        "stacks": {"network": {}, "cluster": {}, **stacks},
    }
    document = Document("dev", "params/dev.yaml", data, {})
    env, findings = validate(document, TEMPLATES)
    assert env is not None
    assert findings == []
    bodies = {}
    for stack in compose(env, TEMPLATES):
        rendering, problems = render(stack, document, "yaml")
        assert rendering is not None, problems
        bodies[stack.name] = rendering.body
    return bodies


def service(**params: Any) -> dict[str, Any]:
    """The params of a service with one container `web`, to which those in `container` belong."""
    container = {"image": IMAGE, **params.pop("container", {})}
    return {"template": "service", "containers": {"web": container}, **params}


def properties(resources: dict[str, Any], logical_id: str) -> Any:
    """The properties of a resource."""
    return resources[logical_id]["Properties"]
