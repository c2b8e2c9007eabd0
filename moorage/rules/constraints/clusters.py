"""Constraints of clusters."""

from __future__ import annotations

from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.predicates import Is, Present

CONSTRAINTS = (
    Constraint(
        "E9221",
        "AWS::ECS::Cluster Configuration.ExecuteCommandConfiguration",
        "A log configuration of ECS Exec is not used, because Logging is not OVERRIDE.",
        when=Present("LogConfiguration"),
        must=Is("Logging", "OVERRIDE"),
        message="Cluster {id} has a `LogConfiguration` for ECS Exec, but `Logging` is not "
        "`OVERRIDE`",
        fix="Write `Logging: OVERRIDE`, or remove `LogConfiguration`.",
        error_messages=("You must set logging to 'OVERRIDE' when you supply a log configuration",),
        sources=("terraform-aws-modules/terraform-aws-ecs#84",),
        failure_ids=("cluster-exec-log-configuration-without-override",),
    ),
)
