"""M3200 to M3299: ECS services, their deployment and scaling."""

from __future__ import annotations

from moorage.findings.codes.code import Code
from moorage.findings.codes.code_deploy import CODE_DEPLOY
from moorage.findings.codes.releases import RELEASES

_SERVICES = (
    Code(
        "M3201",
        "`health_check_grace_period` has no effect without a load balancer.",
        "The grace period is the time in which ECS ignores failed health checks of load balancers "
        "after a task has started.",
        "Remove it. For a container with a `health_check:`, write `start_period` there.",
        """\
containers:
  web:
    image: ecr:shop/web:1.4.2
    # in place of `health_check_grace_period`
    health_check: {command: "curl -fsS localhost:8080/healthz", start_period: 60s}
""",
        ("Amazon ECS API reference, CreateService",),
    ),
    Code(
        "M3202",
        "`requests_per_target` needs a route through an Application Load Balancer.",
        "The number of requests is a metric of the target group of an Application Load Balancer.",
        "Remove `requests_per_target`, or add a route to `expose:`.",
        """\
expose:
  - {via: public, paths: ["/*"]}  # a route
scaling: {max: 10, requests_per_target: 500}
""",
        ("Application Auto Scaling API reference, PredefinedMetricSpecification",),
    ),
    Code(
        "M3203",
        "A worker that has scaled in to no tasks would never start one again.",
        "The CPU and memory metrics of a service come from its tasks. With `min: 0` and no task "
        "there are none, and nothing scales the worker out.",
        "Write `backlog_per_task:`, which is a metric of the queue, or `min: 1`.",
        """\
scaling: {min: 0, max: 10, backlog_per_task: 20}  # a metric of the queue
""",
    ),
    Code(
        "M3204",
        "`backlog_per_task` needs Container Insights.",
        "The backlog per task is the number of messages divided by the number of running tasks, "
        "which is a metric of Container Insights.",
        "Write `container_insights: on` in the cluster.",
        """\
stacks:
  cluster: {container_insights: on}  # counts the running tasks
  mailer: {template: worker, scaling: {max: 10, backlog_per_task: 20}}
""",
        ('Amazon ECS developer guide, "Amazon ECS service utilization metrics"',),
    ),
)

_SCALING = (
    # M3250 to M3299: scaling and deployment.
    Code(
        "M3250",
        "The maximum number of tasks is below the minimum.",
        "Application Auto Scaling keeps the number of tasks between `min` and `max`.",
        "Write a `max` that is at least `min`.",
        """\
scaling: {min: 2, max: 10, cpu: 60}  # max >= min
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
        "`desired_count` conflicts with `scaling`.",
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
availability_zone_rebalancing: false  # or a higher `maximum_percent`
""",
        (
            'Amazon ECS developer guide, "Balancing an Amazon ECS service across Availability '
            'Zones"',
        ),
    ),
)

CODES: tuple[Code, ...] = (*_SERVICES, *RELEASES, *CODE_DEPLOY, *_SCALING)
