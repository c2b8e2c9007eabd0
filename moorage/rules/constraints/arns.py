"""Predicates about ARNs."""

from __future__ import annotations

from moorage.cfn.arn_services import find_arn_service
from moorage.cfn.tristate import TriState
from moorage.records import entity
from moorage.rules.constraints.predicates import Context, ValuePredicate


@entity
class IsArnOf(ValuePredicate):
    """The value is the ARN of a resource of one of these services (`sqs`), or refers to one."""

    services: tuple[str, ...]

    def __init__(self, path: str, *services: str) -> None:
        object.__setattr__(self, "path", path)
        object.__setattr__(self, "services", services)

    def holds(self, context: Context) -> TriState:
        service = find_arn_service(context.at(self.path))
        return None if service is None else service in self.services
