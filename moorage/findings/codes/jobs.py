"""M3300 to M3399: queues, scheduled tasks and tasks that run once."""

from __future__ import annotations

from moorage.findings.codes.code import Code

CODES: tuple[Code, ...] = (
    # M3350 to M3399: queues.
    Code(
        "M3351",
        "The setting has no effect on an existing queue.",
        "With `existing:` the stack creates no queue and changes none: the tasks use what exists. "
        "Settings of the queue are made where it is managed.",
        "Remove the setting, or remove `existing:` to have the stack create a queue.",
        """\
queue:
  variable: JOBS_URL  # the only key that can be added
  existing: {arn: "arn:aws:sqs:eu-central-1:123456789012:jobs"}
""",
    ),
    Code(
        "M3352",
        "Content-based deduplication needs a FIFO queue.",
        "The attribute ContentBasedDeduplication applies to FIFO queues only.",
        "Add `fifo: true`, or remove `content_based_deduplication:`.",
        """\
queue: {fifo: true, content_based_deduplication: true}
""",
        ("Amazon SQS API reference, SetQueueAttributes",),
    ),
    Code(
        "M3353",
        "The dead-letter queue is not of the same kind as the queue.",
        "The dead-letter queue of a FIFO queue must be a FIFO queue, that of a standard queue a "
        "standard queue. Names of FIFO queues end in `.fifo`.",
        "Write the ARN of a queue of the same kind, or change `fifo:`.",
        """\
queue:
  fifo: true
  dead_letter_queue: {existing: "arn:aws:sqs:eu-central-1:123456789012:dead.fifo"}
""",
        ('Amazon SQS developer guide, "Using dead-letter queues in Amazon SQS"',),
    ),
    Code(
        "M3354",
        "The dead-letter queue keeps messages no longer than the queue.",
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
    ),
    Code(
        "M3355",
        "The queue is in another region than the stack.",
        "Moorage uses queues of the environment's own region. The region is the fourth part of an "
        "ARN.",
        "Write the ARN of a queue in the environment's region.",
        """\
# of an environment with region: eu-central-1
queue: {existing: {arn: "arn:aws:sqs:eu-central-1:123456789012:jobs"}}
""",
    ),
)
