"""The parameter with which an update keeps the revision that a service runs.

An update that rewrites a rule for production traffic must not deploy a revision at the same time:
docs/decisions/0025-releases.md.
"""

from __future__ import annotations

from typing import Any

from troposphere import Equals, If, Not, Parameter, Ref

_PARAMETER = "HeldTaskDefinition"
_CONDITION = "HoldsTaskDefinition"


def held_parameter() -> Parameter:
    return Parameter(
        _PARAMETER,
        Type="String",
        Default="",
        Description="The task definition that the service keeps; empty for that of the template",
    )


def held_condition() -> dict[str, Any]:
    return {_CONDITION: Not(Equals(Ref(_PARAMETER), ""))}


def task_definition_reference(*, held: bool) -> Any:
    """The TaskDefinition property of an ECS service; `held` if the stack has the parameter."""
    reference = Ref("TaskDefinition")
    return If(_CONDITION, Ref(_PARAMETER), reference) if held else reference
