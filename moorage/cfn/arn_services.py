"""The service that an ARN is of."""

from __future__ import annotations

import re

from moorage.cfn.nodes import Node
from moorage.facts.arn_services import ARN_SERVICES


def find_arn_service(node: Node) -> str | None:
    """The service (`sqs`) in an ARN, or in the ARN of the resource that a value refers to; None if
    only the deployment knows, or for any other value."""
    if node.resource is not None:
        return ARN_SERVICES.get(node.resource.type)
    parts = (part if isinstance(part, str) else "?" for part in node.parts)
    match = re.match(r"arn:[^:]+:([a-z0-9-]+):", "".join(parts))
    return match[1] if match else None
