"""M3200 to M3299: ECS services, their deployment and scaling."""

from __future__ import annotations

from moorage.findings.codes.code import Code
from moorage.findings.codes.code_deploy import CODE_DEPLOY
from moorage.findings.codes.in_templates import ALLOWED, INSIGHTS, PARAMS
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
        rules=("W9233",),
    ),
    Code(
        "M3202",
        "Scaling by requests or by response time needs an Application Load Balancer.",
        "The number of requests and the response time are metrics of the target group of an "
        "Application Load Balancer.",
        "Remove the key, or add a route to `expose:`.",
        """\
expose:
  - {via: public, paths: ["/*"]}  # a route
scaling: {max: 10, requests_per_target: 500}
""",
        ("Application Auto Scaling API reference, PredefinedMetricSpecification",),
        rules=("E9909",),
    ),
    Code(
        "M3203",
        "A service that has scaled in to no tasks would never start one again.",
        "The CPU and memory metrics of a service come from its tasks. With `min: 0` and no task "
        "there are none, and nothing scales the service out.",
        "Write `min: 1`, also in an action of `schedule:`. For a worker, `backlog_per_task:` works "
        "too: it is a metric of the queue.",
        """\
scaling: {min: 0, max: 10, backlog_per_task: 20}  # a metric of the queue
""",
        rules=("W9239",),
    ),
    Code(
        "M3204",
        "Scaling by a load per task needs Container Insights.",
        "The backlog per task (`backlog_per_task`) and a metric with `per_task: true` are divided "
        "by the number of running tasks, which is a metric of Container Insights.",
        "Write `container_insights: on` in the cluster.",
        """\
stacks:
  cluster: {container_insights: on}  # counts the running tasks
  mailer: {template: worker, scaling: {max: 10, backlog_per_task: 20}}
""",
        ('Amazon ECS developer guide, "Amazon ECS service utilization metrics"',),
        not_in_templates=INSIGHTS,
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
        rules=("E9903",),
    ),
    Code(
        "M3251",
        "`scaling` has no target.",
        "Without a target there is no scaling policy, and the number of tasks stays at `min`.",
        "Add a target: `cpu` or `memory`, for a `service` with a route also `requests_per_target` "
        "or `response_time`, for a `worker` also `backlog_per_task`; or `metrics:`, `steps:` or a "
        "`schedule:`.",
        """\
scaling: {max: 10, cpu: 60}  # 60 percent of the CPU on average
""",
        ('Application Auto Scaling user guide, "Target tracking scaling policies"',),
        not_in_templates=PARAMS,
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
        rules=("W9900",),
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
        rules=("E9252",),
    ),
)

_SCALING_KINDS = (
    Code(
        "M3254",
        "No scheduled action of `scaling` sets the number of tasks back.",
        "A scheduled action sets the minimum and the maximum number of tasks, and both stay until "
        "another action sets them. With one action, or with the same numbers in all of them, the "
        "`min` and `max` of `scaling` never apply again after the first time.",
        "Add an action that sets the previous numbers when that time is over.",
        """\
scaling:
  min: 2
  max: 10
  cpu: 60
  schedule:
    night: {cron: "0 20 * * ? *", time_zone: Europe/Berlin, min: 1, max: 2}
    day: {cron: "0 6 * * ? *", time_zone: Europe/Berlin, min: 2, max: 10}  # the way back
""",
        ('Application Auto Scaling user guide, "Scheduled scaling for Application Auto Scaling"',),
        not_in_templates=ALLOWED,
    ),
    Code(
        "M3255",
        "Predictive scaling alone never removes tasks.",
        "A predictive scaling policy raises the number of tasks ahead of the load that it expects. "
        "It removes none, and does not react to load that it did not expect.",
        "Add a target, such as `cpu`, in addition to `predictive:`.",
        """\
scaling:
  min: 2
  max: 20
  cpu: 60  # removes tasks, and reacts to unexpected load
  predictive: {metric: cpu, target: 60}
""",
        (
            'Application Auto Scaling user guide, "How Application Auto Scaling predictive scaling '
            'works"',
        ),
        not_in_templates=ALLOWED,
    ),
    Code(
        "M3256",
        "A metric that `steps` names does not exist.",
        "The keys below `steps:` are `cpu` and `memory`, which are the utilization of the service, "
        "and the names below `metrics:`.",
        "Write one of these names, or add the metric below `metrics:`, under another name than "
        "`cpu` and `memory`.",
        """\
scaling:
  max: 10
  metrics:
    connections: {namespace: Shop, metric: Connections}
  steps:
    connections: {adjustments: [{above: 500, add: 2}, {below: 100, remove: 1}]}
""",
        not_in_templates=PARAMS,
    ),
    Code(
        "M3257",
        "A metric of `scaling` is not used.",
        "A metric without a target is for `steps:`. If no step names it, it has no effect.",
        "Write a `target`, add the metric below `steps:`, or remove it.",
        """\
scaling:
  max: 10
  metrics:
    connections: {namespace: Shop, metric: Connections, target: 300}  # a target for each task
""",
        not_in_templates=PARAMS,
    ),
    Code(
        "M3258",
        "An adjustment of `steps` is incomplete, or contradicts itself.",
        "An adjustment says where it begins, `above` or `below` a value of the metric, and what it "
        "does: `add`, `remove` or `set`.",
        "Write one key of each kind.",
        """\
scaling:
  max: 10
  steps:
    cpu: {adjustments: [{above: 70, add: 1}, {above: 90, add: 3}, {below: 30, remove: 1}]}
""",
        ("Application Auto Scaling API reference, StepAdjustment",),
        rules=(
            "E9921",
            "E9917",
        ),
    ),
    Code(
        "M3259",
        "Adjustments for one direction mix different kinds of change.",
        "The adjustments above a value become one scaling policy, and those below a value another. "
        "A policy changes the number of tasks by numbers, by percentages, or sets it.",
        "Write the same kind of change in all adjustments with `above`, and in all with `below`.",
        """\
scaling:
  max: 40
  steps:
    cpu: {adjustments: [{above: 70, add: 10%}, {above: 90, add: 30%}]}  # percentages in both
""",
        ("Application Auto Scaling API reference, StepScalingPolicyConfiguration, AdjustmentType",),
        not_in_templates=PARAMS,
    ),
    Code(
        "M3260",
        "There are more policies, actions or steps than Application Auto Scaling allows.",
        "A service can have 50 scaling policies and 200 scheduled actions, and a step scaling "
        "policy 20 adjustments.",
        "Write fewer of them.",
        """\
scaling:
  max: 40
  steps:
    cpu: {adjustments: [{above: 70, add: 10%}, {above: 90, add: 30%}]}  # up to 20 adjustments
""",
        ('Application Auto Scaling user guide, "Quotas for Application Auto Scaling"',),
        rules=("E9920",),
    ),
    Code(
        "M3261",
        "`response_time` is the only target.",
        "A target group without requests has no response time, and without a value target tracking "
        "changes nothing: after the last request, the tasks that were added stay.",
        "Add a target that always has a value, such as `cpu`.",
        """\
scaling: {min: 2, max: 10, response_time: 300ms, cpu: 60}  # `cpu` has a value without requests too
""",
        (
            'Application Auto Scaling user guide, "How target tracking scaling for Application '
            'Auto Scaling works"',
        ),
        not_in_templates=ALLOWED,
    ),
    Code(
        "M3262",
        "Two adjustments of `steps` begin at the same value.",
        "An adjustment applies from its value to that of the next one. Of two that begin at the "
        "same value, one would never apply.",
        "Write another value, or remove one of the two.",
        """\
scaling:
  max: 10
  steps:
    cpu: {adjustments: [{above: 70, add: 1}, {above: 90, add: 3}]}  # 70 to 90, and above 90
""",
        ("Application Auto Scaling API reference, StepAdjustment",),
        rules=("E9906",),
    ),
)

CODES: tuple[Code, ...] = (
    *_SERVICES,
    *sorted((*RELEASES, *CODE_DEPLOY), key=lambda code: code.id),
    *_SCALING,
    *_SCALING_KINDS,
)
