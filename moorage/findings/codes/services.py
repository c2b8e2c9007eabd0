"""M3200 to M3299: ECS services, their deployment and scaling."""

from __future__ import annotations

from moorage.findings.codes.code import Code

CODES: tuple[Code, ...] = (
    # M3250 to M3299: scaling and deployment.
    Code(
        "M3250",
        "The maximum number of tasks is below the minimum.",
        "Application Auto Scaling keeps the number of tasks between `min` and `max`.",
        "Write a `max` that is at least `min`.",
        """\
scaling: {min: 2, max: 10, cpu: 60}
""",
        ("Application Auto Scaling API reference, RegisterScalableTarget",),
    ),
    Code(
        "M3251",
        "`scaling` has no target.",
        "Without a target there is no scaling policy, and the number of tasks stays at `min`.",
        "Add a target: `cpu` or `memory`, for a `service` with a route also `requests_per_target`, "
        "for a `worker` also `backlog_per_task`.",
        """\
scaling: {max: 10, cpu: 60}  # 60 percent of the CPU on average
""",
        ('Application Auto Scaling user guide, "Target tracking scaling policies"',),
    ),
    Code(
        "M3252",
        "`desired_count` and `scaling` are both written.",
        "With `scaling`, Application Auto Scaling sets the number of tasks. CloudFormation would "
        "set it back to `desired_count` with every update of the service.",
        "Remove `desired_count:`. The service has at least the `min` tasks of `scaling`.",
        """\
scaling: {min: 2, max: 10, cpu: 60}  # without desired_count
""",
    ),
    Code(
        "M3253",
        "Availability Zone rebalancing needs a `maximum_percent` above 100.",
        "To move a task to another Availability Zone, ECS starts a new task before it stops the "
        "old one. With `maximum_percent: 100` it cannot start one.",
        "Raise `maximum_percent:`, or write `availability_zone_rebalancing: false`.",
        """\
desired_count: 2
minimum_healthy_percent: 50
maximum_percent: 100
availability_zone_rebalancing: false
""",
        (
            'Amazon ECS developer guide, "Balancing an Amazon ECS service across Availability '
            'Zones"',
        ),
    ),
)
