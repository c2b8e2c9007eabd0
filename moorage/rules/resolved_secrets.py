"""Secrets whose value a dynamic reference puts into a task definition."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from moorage.cfn import ecs
from moorage.cfn.nodes import Node
from moorage.cfn.view import View
from moorage.rules.message_parts import name_container
from moorage.rules.rule import Problem, problem, rule

_REFERENCE = "{{resolve:secretsmanager:"
"""cfn-lint finds `ssm-secure`, which CloudFormation refuses here."""


@rule(
    "W9839",
    "A variable contains the value of a secret.",
    fix="Move the variable to Secrets, with the ARN of the secret as ValueFrom.",
    sources=("AWS CloudFormation user guide: Get a secret or secret value from Secrets Manager",),
)
def secret_in_variable(view: View) -> Iterator[Problem]:
    """CloudFormation puts the secret itself into the task definition. Everybody who is allowed to
    describe the task definition can read it, and it stays the same when the secret changes."""
    for task in ecs.task_definitions(view):
        for container in ecs.containers(task):
            for variable in container["Environment"].items:
                value = variable["Value"]
                if _REFERENCE in _written(value):
                    name = variable["Name"].text
                    which = f"Variable `{name}`" if name else "A variable"
                    yield problem(
                        value,
                        f"{which} of {name_container(container)} in task definition `{task.id}` "
                        f"contains the value of a secret",
                        "Move it to `Secrets`, with the ARN of the secret as `ValueFrom`.",
                    )


def _written(node: Node) -> str:
    """A value as it is written, or the default of the parameter that it refers to."""
    name = node.raw.get("Ref") if isinstance(node.raw, Mapping) else None
    parameter = node.stack.template.parameters.get(name) if isinstance(name, str) else None
    return json.dumps(parameter.default if parameter else node.raw, default=str)


RULES = (secret_in_variable,)
