"""Params of SQS queues: the queue of a worker, and the queues that tasks send messages to."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Self

from pydantic import Field
from troposphere import GetAtt, Ref, Sub

from moorage.model import Base, Environment
from moorage.records import record
from moorage.references import Reference

from ..common.exports import import_value
from ..common.fields import KeyArn, QueueArn, StackName, Switch, duration
from ..common.references import External, Importable, arn_field, output_of
from .topic_subscriptions import SubscriberParams
from .variables import VariableName

_DAY = 86_400


class DeadLetterQueue(Base):
    """The queue for messages that the tasks could not process."""

    max_receive_count: int = Field(
        5,
        ge=1,
        le=1000,
        description="Number of times a message is received before SQS moves it to this queue.",
    )
    retention: Annotated[int, duration(60, 14 * _DAY)] = Field(
        14 * _DAY, description="Time for which the queue keeps messages."
    )
    existing: Importable[QueueArn] | None = Field(
        None,
        description="ARN of an existing queue to use, of the same kind (FIFO or standard) and in "
        "the same region.",
    )


class ExistingQueue(Base):
    """A queue that already exists."""

    arn: Importable[QueueArn] = Field(description="ARN of the queue.")
    kms_key: External[KeyArn] | None = Field(
        None,
        description="ARN of the customer managed KMS key that encrypts the queue, if there is one.",
    )


class Queue(SubscriberParams):
    """An encrypted SQS queue that accepts requests over TLS only."""

    key_use: ClassVar[str | None] = "queues"

    variable: VariableName = Field(
        "QUEUE_URL",
        description="Environment variable of the containers for the queue's URL.",
    )
    visibility_timeout: Annotated[int, duration(0, _DAY // 2)] = Field(
        30, description="Time that a task has to process a message before SQS delivers it again."
    )
    retention: Annotated[int, duration(60, 14 * _DAY)] = Field(
        4 * _DAY, description="Time for which the queue keeps messages."
    )
    delay: Annotated[int, duration(0, 900)] = Field(
        0, description="Time before a new message can be received."
    )
    fifo: bool = Field(
        False,
        description="Deliver the messages of a group in order, and each message once. Changing it "
        "replaces the queue.",
    )
    content_based_deduplication: bool = Field(
        False,
        description="With `fifo`: treat messages with the same content within 5 minutes as one.",
    )
    kms_key: External[KeyArn] | None = Field(
        None,
        description="ARN of a KMS key that encrypts the queue, instead of a key that SQS manages.",
    )
    dead_letter_queue: Switch[DeadLetterQueue] = Field(
        DeadLetterQueue.unvalidated(),
        description="Queue for messages that the tasks could not process.",
    )
    existing: ExistingQueue | None = Field(None, description="Use a queue that already exists.")


class QueueSenderParams(Base):
    """The queues that a stack's tasks send messages to."""

    queues: dict[VariableName, StackName] = Field(
        {},
        examples=[{"JOBS_URL": "jobs"}],
        description="Queues that the tasks are allowed to send messages to: each entry is an "
        "environment variable for the queue's URL, and the `worker` stack of the queue.",
    )


class QueueConsumerParams(Base):
    """The queue from which a stack's tasks receive messages."""

    queue: Queue = Field(
        Queue.unvalidated(), description="The queue from which the tasks receive messages."
    )

    @classmethod
    def from_exports(cls, stack: str, outputs: frozenset[str], env: Environment) -> Self | None:
        if "QueueArn" not in outputs:
            return None
        return cls(queue=Queue(existing=ExistingQueue(arn=output_of(env, stack, "QueueArn"))))


@record
class QueueHandle:
    """References to a queue, for resources and permissions."""

    url: Any
    arn: Any
    name: Any
    kms_key: Any | None


def queue_handle(
    owner: str, stack: str, params: QueueConsumerParams, env: Environment
) -> QueueHandle:
    """The queue of the worker `owner`, as the stack `stack` refers to it."""
    queue = params.queue
    if queue.existing:
        arn = queue.existing.arn
        return QueueHandle(queue_url(arn), arn, arn_field(arn, 5), queue.existing.kms_key)
    if owner == stack:
        url, arn, name = Ref("Queue"), GetAtt("Queue", "Arn"), GetAtt("Queue", "QueueName")
        return QueueHandle(url, arn, name, queue.kms_key)
    outputs = ("QueueUrl", "QueueArn", "QueueName")
    url, arn, name = (import_value(env, owner, output) for output in outputs)
    return QueueHandle(url, arn, name, queue.kms_key)


def dead_letter_name(queue: Queue) -> Any | None:
    """Name of the dead-letter queue of a worker's queue; None if it has none, or if that is
    unknown."""
    params = queue.dead_letter_queue
    if params is None or queue.existing:
        return None
    return queue_name(params.existing)


def queue_name(existing: str | Reference | None) -> Any:
    """Name of a dead-letter queue: of the existing one with that ARN, or that of the stack."""
    return arn_field(existing, 5) if existing else GetAtt("DeadLetterQueue", "QueueName")


@record
class QueueUse:
    """A queue that the tasks of a stack use, and the variable for its URL."""

    variable: str
    owner: str
    """The stack that has the queue."""
    queue: QueueHandle
    receives: bool
    """Whether the tasks receive its messages; otherwise they send to it."""


def resolve_queues(stack: str, params: QueueSenderParams, env: Environment) -> tuple[QueueUse, ...]:
    """The queues that a stack's tasks use, without those that do not exist, which
    `queue_sender_problems` reports."""
    uses = [
        QueueUse(variable, owner, queue_handle(owner, stack, worker, env), receives=False)
        for variable, owner in params.queues.items()
        if (worker := env.params_of(owner, QueueConsumerParams))
    ]
    if isinstance(params, QueueConsumerParams):
        own = queue_handle(stack, stack, params, env)
        uses.append(QueueUse(params.queue.variable, stack, own, receives=True))
    return tuple(uses)


def queue_url(arn: str | Reference) -> Sub:
    """The URL of the queue with that ARN."""
    if isinstance(arn, str):
        *_, region, account, name = arn.split(":")
        return Sub(f"https://sqs.{region}.${{AWS::URLSuffix}}/{account}/{name}")
    parts = {word: arn_field(arn, at) for word, at in (("Region", 3), ("Account", 4), ("Name", 5))}
    return Sub("https://sqs.${Region}.${AWS::URLSuffix}/${Account}/${Name}", **parts)
