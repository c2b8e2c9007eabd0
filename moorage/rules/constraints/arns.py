"""Predicates about ARNs."""

from __future__ import annotations

import re
from dataclasses import dataclass

from moorage.cfn.tristate import TriState
from moorage.facts.arn_services import ARN_SERVICES
from moorage.rules.constraints.predicates import Context, ValuePredicate


@dataclass(frozen=True, init=False)
class IsArnOf(ValuePredicate):
    """The value is the ARN of a resource of one of these services (`sqs`), or refers to one."""

    services: tuple[str, ...]

    def __init__(self, path: str, *services: str) -> None:
        object.__setattr__(self, "path", path)
        object.__setattr__(self, "services", services)

    def holds(self, context: Context) -> TriState:
        node = context.at(self.path)
        if node.resource is not None:
            service = ARN_SERVICES.get(node.resource.type)
        else:
            parts = (part if isinstance(part, str) else "?" for part in node.parts)
            match = re.match(r"arn:[^:]+:([a-z0-9-]+):", "".join(parts))
            service = match[1] if match else None
        return None if service is None else service in self.services
