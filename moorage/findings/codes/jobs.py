"""M3300 to M3399: queues, scheduled tasks and tasks that run once."""

from __future__ import annotations

from moorage.findings.codes.code import Code
from moorage.findings.codes.in_templates import ALLOWED, NO_EFFECT, PARAMS

_TASKS = (
    Code(
        "M3301",
        "Scheduled tasks and one-off tasks cannot have an EBS volume.",
        "Moorage configures EBS volumes for the tasks of services only.",
        "Write `efs:`, or `ephemeral_storage:` for up to 200 GiB on Fargate.",
        """\
ephemeral_storage: 100  # GiB, in place of `ebs:`
""",
        not_in_templates=PARAMS,
    ),
    Code(
        "M3302",
        "`timeout`, `execution_logs` and `tracing` have no effect with `overlap: allow`.",
        "With `overlap: allow`, EventBridge Scheduler starts each run itself and does not stop it. "
        "With `overlap: skip`, a state machine runs the task and stops it after the timeout. Its "
        "executions can be logged and traced.",
        "Remove the key, or write `overlap: skip`.",
        """\
schedule: rate(1 hour)
overlap: skip  # not allow
timeout: 30m
""",
        not_in_templates=NO_EFFECT,
    ),
    Code(
        "M3303",
        "The dead-letter queue of a schedule must be a standard queue.",
        "EventBridge Scheduler does not send to FIFO queues.",
        "Write the ARN of a standard queue.",
        """\
dead_letter_queue:
  existing: arn:aws:sqs:eu-central-1:123456789012:failed-runs  # not .fifo
""",
        (
            'EventBridge Scheduler user guide, "Configuring a dead-letter queue for EventBridge '
            'Scheduler"',
        ),
        rules=("E9025",),
    ),
    Code(
        "M3305",
        "The params do not say which container's exit code is the result of the run.",
        "The run of a `one_off` has succeeded if a certain container exits with code 0. The task "
        "has several essential containers.",
        "Write the name of the container in `container:`.",
        """\
container: migrate  # its exit code decides
containers:
  migrate: {image: "ecr:shop/api:1.4.2", command: [bin/migrate]}
  agent: {image: "ecr:shop/agent:1.0.0"}
""",
        not_in_templates=PARAMS,
    ),
    Code(
        "M3306",
        "The container whose exit code is the result of the run is not essential.",
        "A task ends when an essential container ends, which can be before this container ends.",
        "Write the name of an essential container in `container:`, or remove `essential: false` "
        "from this one.",
        """\
container: migrate
containers:
  migrate:  # without `essential: false`
    image: ecr:shop/api:1.4.2
    command: [bin/migrate]
""",
        ("Amazon ECS API reference, ContainerDefinition",),
        not_in_templates=PARAMS,
    ),
)

_QUEUES = (
    # M3350 to M3399: queues.
    Code(
        "M3351",
        "The setting has no effect on an existing queue.",
        "With `existing:` the stack creates no queue and changes none. This is true of a worker's "
        "queue and of dead-letter queues.",
        "Remove the setting, or remove `existing:` to create a queue.",
        """\
queue:
  variable: JOBS_URL  # the only key that can be added
  existing: {arn: "arn:aws:sqs:eu-central-1:123456789012:jobs"}
""",
        not_in_templates=NO_EFFECT,
    ),
    Code(
        "M3352",
        "Content-based deduplication needs a FIFO queue or a FIFO topic.",
        "The attribute ContentBasedDeduplication applies to FIFO queues and FIFO topics only.",
        "Add `fifo: true`, or remove `content_based_deduplication:`.",
        """\
queue: {fifo: true, content_based_deduplication: true}  # a FIFO queue
""",
        ("Amazon SQS API reference, SetQueueAttributes", "Amazon SNS API reference, CreateTopic"),
        rules=("E3501",),
    ),
    Code(
        "M3353",
        "The dead-letter queue is not of the same type as the queue.",
        "The dead-letter queue of a FIFO queue must be a FIFO queue, that of a standard queue a "
        "standard queue. Names of FIFO queues end in `.fifo`.",
        "Write the ARN of a queue of the same type, or change `fifo:`.",
        """\
queue:
  fifo: true
  dead_letter_queue:
    existing: arn:aws:sqs:eu-central-1:123456789012:dead.fifo  # a FIFO queue too
""",
        ('Amazon SQS developer guide, "Using dead-letter queues in Amazon SQS"',),
        rules=("E3502",),
    ),
    Code(
        "M3354",
        "The dead-letter queue does not keep messages for longer than the queue.",
        "When SQS moves a message of a standard queue to its dead-letter queue, the message keeps "
        "its original time stamp. If the retention of the dead-letter queue is not longer, a "
        "message can expire there at once.",
        "Write a longer `retention` for the dead-letter queue than for the queue.",
        """\
queue:
  retention: 4d
  dead_letter_queue: {retention: 14d}  # longer than the queue's
""",
        ('Amazon SQS developer guide, "Using dead-letter queues in Amazon SQS"',),
        not_in_templates=ALLOWED,
    ),
)

CODES: tuple[Code, ...] = (*_TASKS, *_QUEUES)
