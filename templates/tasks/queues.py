"""Queues: whose they are, who works on them, who sends to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field
from troposphere import GetAtt, Ref, Sub

from moorage.model import Base, Environment

from ..common.exports import import_value
from ..common.fields import KeyArn, StackName, Switch, duration, text
from .variables import VariableName

_DAY = 86_400

QueueArn = Annotated[
    str,
    text(
        r"arn:aws[a-z-]*:sqs:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,80}(\.fifo)?",
        "the ARN of a queue",
        "arn:aws:sqs:eu-central-1:123456789012:jobs",
    ),
]


class DeadLetterQueue(Base):
    """Where messages go that nobody could work on."""

    max_receive_count: int = Field(
        5, ge=1, le=1000, description="How often a message is received before it goes there."
    )
    retention: Annotated[int, duration(60, 14 * _DAY)] = Field(
        14 * _DAY, description="How long the stack's own keeps messages."
    )
    existing: QueueArn | None = Field(
        None, description="ARN of a queue that is there already, of the same kind and region."
    )


class ExistingQueue(Base):
    """A queue that is there already."""

    arn: QueueArn = Field(description="ARN of the queue.")
    kms_key: KeyArn | None = Field(
        None, description="ARN of the account's own KMS key that encrypts it, where there is one."
    )


class Queue(Base):
    """An SQS queue, encrypted, for callers by TLS only."""

    variable: VariableName = Field(
        "QUEUE_URL", description="Variable of the containers that holds the queue's URL."
    )
    visibility_timeout: Annotated[int, duration(0, _DAY // 2)] = Field(
        30, description="How long a task has for a message before another task gets it too."
    )
    retention: Annotated[int, duration(60, 14 * _DAY)] = Field(
        4 * _DAY, description="How long messages are kept."
    )
    delay: Annotated[int, duration(0, 900)] = Field(
        0, description="How long each message waits before a task gets it."
    )
    fifo: bool = Field(
        False, description="Keep messages of a group in order, each once. It cannot be changed."
    )
    content_based_deduplication: bool = Field(
        False, description="With `fifo`: messages of the same content within 5 minutes are one."
    )
    kms_key: KeyArn | None = Field(
        None, description="ARN of a KMS key that encrypts it, in place of SQS's own."
    )
    dead_letter_queue: Switch[DeadLetterQueue] = Field(
        DeadLetterQueue(), description="Where messages go that nobody could work on."
    )
    existing: ExistingQueue | None = Field(None, description="Use a queue that is there already.")


class QueueSenderParams(Base):
    """What a stack says of the queues that its tasks send to."""

    queues: dict[VariableName, StackName] = Field(
        {},
        description="Queues that the tasks may send messages to: the variable that holds the "
        "queue's URL, and the stack of the `worker` that works on it.",
    )


class QueueConsumerParams(Base):
    """What a stack says of the queue that its tasks work on."""

    queue: Queue = Field(Queue(), description="The queue that the tasks work on.")


@dataclass(frozen=True)
class QueueHandle:
    """A queue as other resources refer to it."""

    url: Any
    arn: Any
    name: Any
    kms_key: str | None


def queue_handle(
    owner: str, stack: str, params: QueueConsumerParams, env: Environment
) -> QueueHandle:
    """How a stack refers to the queue of a worker, which may be itself."""
    queue = params.queue
    if queue.existing:
        arn = queue.existing.arn
        return QueueHandle(queue_url(arn), arn, arn.split(":")[-1], queue.existing.kms_key)
    if owner == stack:
        mine = (Ref("Queue"), GetAtt("Queue", "Arn"), GetAtt("Queue", "QueueName"))
        return QueueHandle(*mine, queue.kms_key)
    url, arn, name = (import_value(env, owner, f"Queue{one}") for one in ("Url", "Arn", "Name"))
    return QueueHandle(url, arn, name, queue.kms_key)


def queue_url(arn: str) -> Sub:
    """The URL of a queue that is known by its ARN."""
    *_, place, account, name = arn.split(":")
    return Sub(f"https://sqs.{place}.${{AWS::URLSuffix}}/{account}/{name}")
