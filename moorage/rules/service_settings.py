"""Services: limits and combinations of network settings, placement and volumes."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.view import View
from moorage.facts.ebs_volumes import TYPES_WITHOUT_DEFAULT_IOPS
from moorage.rules.rule import Problem, problem, rule


@rule(
    "E9236",
    "A placement constraint of the type distinctInstance has an expression.",
    error_messages=("distinctInstance expression should not be specified",),
    fix="Remove Expression, or write it in a second constraint of the type memberOf.",
    sources=("AWS docs: ECS API reference, PlacementConstraint (expression)",),
    failure_ids=("svc-distinct-instance-with-expression",),
)
def distinct_instance_with_expression(view: View) -> Iterator[Problem]:
    """The constraint distinctInstance only says that each task runs on its own instance. An
    expression that chooses instances belongs to a constraint of the type memberOf."""
    for service in ecs.services(view):
        for constraint in service["PlacementConstraints"].items:
            expression = constraint["Expression"]
            if constraint["Type"].text == "distinctInstance" and expression.certainly_present:
                yield problem(
                    expression,
                    f"A placement constraint of service `{service.id}` has the type "
                    f"distinctInstance and an Expression, which ECS refuses",
                    "Write the Expression in a second constraint with `Type: memberOf`.",
                )


@rule(
    "E9237",
    "An EBS volume of the type io1 or io2 has no Iops.",
    error_messages=("(in substance) The parameter iops must be specified for io1 and io2 volumes",),
    fix="Write Iops, or a VolumeType that has a default, such as gp3.",
    sources=("AWS docs: ECS API reference, ServiceManagedEBSVolumeConfiguration (iops)",),
    failure_ids=("svc-ebs-io2-without-iops",),
)
def volume_without_iops(view: View) -> Iterator[Problem]:
    """Volumes of the types io1 and io2 are sold by their operations per second and have no default.
    ECS creates a volume for each task, so without Iops no task starts."""
    for service in ecs.services(view):
        for configuration in service["VolumeConfigurations"].items:
            volume = configuration["ManagedEBSVolume"]
            kind = volume["VolumeType"].text
            if kind in TYPES_WITHOUT_DEFAULT_IOPS and volume["Iops"].absent:
                yield problem(
                    volume["VolumeType"],
                    f"A volume of service `{service.id}` has the type {kind} and no Iops, which "
                    f"ECS requires for it",
                    "Write Iops, such as `Iops: 3000`.",
                )


RULES = (distinct_instance_with_expression, volume_without_iops)
