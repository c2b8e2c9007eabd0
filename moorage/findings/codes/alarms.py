"""M3400 to M3449: alarms, dashboards and the topics that alarms notify."""

from __future__ import annotations

from moorage.findings.codes.code import Code
from moorage.findings.codes.in_templates import INSIGHTS, NO_EFFECT, PARAMS, UNITS

CODES: tuple[Code, ...] = (
    Code(
        "M3401",
        "The value is not a percentage.",
        "A percentage is written with its unit, so that it cannot be taken for a number of "
        "requests or for a fraction.",
        "Write a number from 0 to 100, with at most two decimals, and `%`.",
        """\
alarms:
  target_5xx: {above: 2.5%}  # of the responses
""",
        not_in_templates=UNITS,
    ),
    Code(
        "M3402",
        "The time is not a number of whole minutes.",
        "The metrics of ECS, Elastic Load Balancing and SQS have one value for each minute, and an "
        "alarm counts such values.",
        "Write whole minutes.",
        """\
alarms:
  latency: {above: 500ms, for: 5m}  # five values
""",
        ("CloudWatch API reference, PutMetricAlarm, Period and EvaluationPeriods",),
        not_in_templates=UNITS,
    ),
    Code(
        "M3403",
        "The setting has no effect on an existing topic.",
        "With `existing:` the stack creates no topic, so there is nothing that the setting could "
        "be applied to. Only `thresholds:` also applies to the alarms of an existing topic.",
        "Remove the setting, or remove `existing:` to create a topic.",
        """\
template: notifications
existing: {arn: "arn:aws:sns:eu-central-1:123456789012:operations"}
thresholds: {latency: {above: 2s}}  # the only other setting
""",
        not_in_templates=NO_EFFECT,
    ),
    Code(
        "M3404",
        "Nobody receives the messages of a topic.",
        "Alarms publish to the topic, and SNS discards messages of a topic without subscriptions.",
        "Write at least one subscription. If the subscriptions are made elsewhere, ignore the "
        "warning.",
        """\
template: notifications
subscriptions:
  email: [operations@example.com]  # whoever has this address must confirm once
""",
        ('Amazon SNS developer guide, "Subscribing an endpoint to an Amazon SNS topic"',),
        not_in_templates="Subscriptions can be in another stack, or be added by hand.",
    ),
    Code(
        "M3405",
        "A FIFO queue cannot subscribe to a standard topic.",
        "SNS refuses the subscription of a FIFO queue to a standard topic. Topics of alarms are "
        "standard topics, and so is a stack of template `topic` without `fifo: true`. Names of "
        "FIFO queues end in `.fifo`.",
        "Write the ARN of a standard queue, or use a FIFO topic.",
        """\
template: notifications
subscriptions:
  sqs: ["arn:aws:sqs:eu-central-1:123456789012:tickets"]  # a standard queue
""",
        ('Amazon SNS developer guide, "Fanout Amazon SNS notifications to Amazon SQS queues"',),
        rules=("E9042",),
    ),
    Code(
        "M3406",
        "A composite alarm names an alarm that the stack does not have.",
        "A composite alarm is made of the stack's own alarms for metrics. Those for events "
        "(`deployment_failed`, `task_stopped`, `run_failed`) are EventBridge rules, which have no "
        "state, and so cannot be parts of it.",
        "Write the keys of alarms for metrics that are on.",
        """\
alarms:
  page: {when: [no_healthy_host, target_5xx]}  # keys of alarms
""",
        ("CloudWatch API reference, PutCompositeAlarm, AlarmRule",),
        not_in_templates="An alarm rule can name alarms of other stacks.",
    ),
    Code(
        "M3407",
        "`tasks_missing` needs Container Insights.",
        "The numbers of desired and running tasks are metrics of Container Insights. Without "
        "`tasks_missing` in the params, the alarm is left out where the cluster has none.",
        "Write `container_insights: on` in the cluster, or remove `tasks_missing:`.",
        """\
stacks:
  cluster: {container_insights: on}  # counts the tasks
  web: {template: service, alarms: {tasks_missing: {for: 5m}}}
""",
        ('CloudWatch user guide, "Amazon ECS Container Insights metrics"',),
        not_in_templates=INSIGHTS,
    ),
    Code(
        "M3408",
        "The stack has nothing that the alarm could watch.",
        "Alarms for requests need a target group of an Application Load Balancer, those for health "
        "checks one of any load balancer, those for dead letters a dead-letter queue.",
        "Remove the alarm, or add what it watches.",
        """\
expose:
  - {via: public, paths: ["/*"]}  # has response times
alarms:
  latency: {above: 2s}
""",
        not_in_templates=PARAMS,
    ),
    Code(
        "M3409",
        "The dashboard would be empty.",
        "A stack of template `dashboard` shows the clusters, load balancers and queues of the "
        "environment, and there are none.",
        "Add a cluster or a load balancer, or remove the dashboard.",
        """\
stacks:
  cluster: {}  # its services are shown
  overview: {template: dashboard}
""",
        not_in_templates=PARAMS,
    ),
)
