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
    "A service has a DesiredCount although auto scaling sets it",
    fix="Remove DesiredCount: the service then starts with one task, and auto scaling goes to "
    "MinCapacity at once.",
    sources=("aws/aws-cdk#3919", "aws/containers-roadmap#493", "aws/copilot-cli#4442"),
    failure_ids=("svc-desired-count-with-autoscaling",),
)
def desired_count_with_scaling(view: View) -> Iterator[Problem]:
    """CloudFormation sends DesiredCount with each update of a service. Auto scaling may have gone
    up to a hundred tasks: a deployment of a new image sets it back to the template's two."""
    for service, targets in ecs.scalable_targets_by_service(view).items():
        count = service["DesiredCount"]
        said = count.text if count.number is not None else _parameter(count)
        if said is not None:
            yield problem(
                count,
                f"Each update of {service.id} sets its tasks back to {said}, however many "
                f"{targets[0].id} has scaled it to",
                "Remove DesiredCount.",
            )


def _parameter(count: Node) -> str | None:
    """What a count is called that a parameter gives, whose value an update keeps. Where it has no
    default, whoever deploys may well ask first how many tasks there are."""
    value = count.value
    if not isinstance(value, Unknown | OneOf) or value.default is None:
        return None
    kind, _, name = value.token.partition(":")
    known = kind == count.stack.name and name in count.stack.template.parameters
    return f"the parameter {name}" if known else None


RULES = (desired_count_with_scaling,)
