"""Auto scaling of services."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.nodes import Node
from moorage.cfn.values import OneOf, Unknown
from moorage.cfn.view import View
from moorage.rules.rule import Problem, problem, rule


@rule(
    "W9900",
    "A service with auto scaling has a DesiredCount.",
    fix="Remove DesiredCount. The service then starts with one task, and auto scaling immediately "
    "raises that to MinCapacity.",
    sources=("aws/aws-cdk#3919", "aws/containers-roadmap#493", "aws/copilot-cli#4442"),
    failure_ids=("svc-desired-count-with-autoscaling",),
)
def desired_count_with_auto_scaling(view: View) -> Iterator[Problem]:
    """CloudFormation sends DesiredCount with each update of a service. If auto scaling has raised
    the number of tasks to a hundred, the deployment of a new image sets it back to the two of the
    template."""
    for service, targets in ecs.scalable_targets_by_service(view).items():
        count = service["DesiredCount"]
        value = count.text if count.number is not None else _name_parameter(count)
        if value is not None:
            yield problem(
                count,
                f"Each update of service `{service.id}` sets its number of tasks to {value}, even "
                f"if scalable target `{targets[0].id}` has scaled it",
                "Remove DesiredCount.",
            )


def _name_parameter(count: Node) -> str | None:
    """The parameter with a default value that a count comes from. An update keeps the parameter's
    value. Without a default value, the deployment may look up the number of tasks first."""
    value = count.value
    if not isinstance(value, Unknown | OneOf) or value.default is None:
        return None
    owner, _, name = value.token.partition(":")
    is_parameter = owner == count.stack.name and name in count.stack.template.parameters
    return f"the parameter `{name}`" if is_parameter else None


RULES = (desired_count_with_auto_scaling,)
