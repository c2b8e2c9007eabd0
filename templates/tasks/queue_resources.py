"""Queues, their policies, the variables with their URLs, and permissions to use them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from awacs import kms
from awacs import sqs as sqs_actions
from awacs.aws import Statement
from troposphere import AWSObject, GetAtt, Ref, sqs

from ..common.iam import allow, deny_without_tls, policy
from .queues import DeadLetterQueue, Queue, QueueHandle, QueueUse
from .topic_subscriptions import Subscription, delivery_statements, subscription_resources


def queue_statements(queues: Sequence[QueueUse]) -> Iterator[Statement]:
    """The permissions of tasks on the queues that they use."""
    for use in queues:
        if use.receives:
            yield from consumer_statements(use.queue)
    targets = {use.owner: use.queue for use in queues if not use.receives}
    yield from producer_statements([targets[owner] for owner in sorted(targets)])


def consumer_statements(queue: QueueHandle) -> Iterator[Statement]:
    """The permissions to receive the messages of a queue, and to decrypt them.

    Amazon SQS developer guide, "Configure KMS permissions for AWS services" and "... producers" and
    "... consumers": a consumer decrypts; a producer also creates data keys.
    """
    yield allow("ReceiveMessages", _CONSUMER_ACTIONS, [queue.arn])
    if queue.kms_key:
        yield allow("DecryptMessages", [kms.Decrypt], [queue.kms_key])


def producer_statements(queues: Sequence[QueueHandle]) -> Iterator[Statement]:
    """The permissions to send messages to queues, and to encrypt them; none without queues."""
    if queues:
        yield allow("SendToQueues", _PRODUCER_ACTIONS, [queue.arn for queue in queues])
    if keys := sorted({queue.kms_key for queue in queues if queue.kms_key}):
        yield allow("EncryptMessages", [kms.Decrypt, kms.GenerateDataKey], keys)


_CONSUMER_ACTIONS = [
    sqs_actions.ChangeMessageVisibility,
    sqs_actions.DeleteMessage,
    sqs_actions.GetQueueAttributes,
    sqs_actions.GetQueueUrl,
    sqs_actions.ReceiveMessage,
]

_PRODUCER_ACTIONS = [
    sqs_actions.GetQueueAttributes,
    sqs_actions.GetQueueUrl,
    sqs_actions.SendMessage,
]


def queue_resources(
    params: Queue, subscriptions: Sequence[Subscription] = ()
) -> Iterator[AWSObject]:
    """The queue, its dead-letter queue and its subscriptions to topics, unless the queue exists."""
    if params.existing:
        return
    topics = [item.topic_arn for item in subscriptions]
    undelivered = [item.topic_arn for item in subscriptions if item.settings.dead_letters]
    dead_letters = params.dead_letter_queue
    if dead_letters is not None and dead_letters.existing is None:
        yield from dead_letter_queue(
            dead_letters.retention, undelivered, fifo=params.fifo, kms_key=params.kms_key
        )
    yield sqs.Queue(
        "Queue",
        VisibilityTimeout=params.visibility_timeout,
        MessageRetentionPeriod=params.retention,
        DelaySeconds=params.delay,
        ReceiveMessageWaitTimeSeconds=20,
        **_common_properties(params.fifo, params.kms_key),
        **({"ContentBasedDeduplication": True} if params.content_based_deduplication else {}),
        **({"RedrivePolicy": _redrive_policy(dead_letters)} if dead_letters else {}),
    )
    yield _queue_policy("Queue", topics)
    yield from subscription_resources(subscriptions)


def dead_letter_queue(
    retention: int,
    topics: Sequence[Any] = (),
    *,
    fifo: bool = False,
    kms_key: str | None = None,
) -> Iterator[AWSObject]:
    """A dead-letter queue of the stack that keeps messages for `retention` seconds. `topics` are
    the ARNs of topics that send what they cannot deliver."""
    properties = _common_properties(fifo, kms_key)
    yield sqs.Queue("DeadLetterQueue", MessageRetentionPeriod=retention, **properties)
    yield _queue_policy("DeadLetterQueue", topics)


def _queue_policy(queue: str, topics: Sequence[Any]) -> sqs.QueuePolicy:
    """Lets topics send messages, and denies requests without TLS (Amazon SQS developer guide,
    "Amazon SQS security best practices"). A queue has only one policy."""
    tls_only = deny_without_tls([sqs_actions.Action("*")], [GetAtt(queue, "Arn")])
    document = policy([*delivery_statements(queue, topics), tls_only])
    return sqs.QueuePolicy(f"{queue}Policy", Queues=[Ref(queue)], PolicyDocument=document)


def _common_properties(fifo: bool, kms_key: str | None) -> dict[str, Any]:
    """Properties that a queue and its dead-letter queue have in common."""
    encryption: dict[str, Any] = (
        {"KmsMasterKeyId": kms_key} if kms_key else {"SqsManagedSseEnabled": True}
    )
    return {**({"FifoQueue": True} if fifo else {}), **encryption}


def _redrive_policy(params: DeadLetterQueue) -> sqs.RedrivePolicy:
    return sqs.RedrivePolicy(
        deadLetterTargetArn=params.existing or GetAtt("DeadLetterQueue", "Arn"),
        maxReceiveCount=params.max_receive_count,
    )
