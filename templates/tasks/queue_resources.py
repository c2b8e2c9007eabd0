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


def queue_resources(params: Queue) -> Iterator[AWSObject]:
    """The queue and its dead-letter queue, unless they already exist."""
    if params.existing:
        return
    dead_letters = params.dead_letter_queue
    if dead_letters is not None and dead_letters.existing is None:
        yield from dead_letter_queue(
            dead_letters.retention, fifo=params.fifo, kms_key=params.kms_key
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
    yield _tls_only_policy("Queue")


def dead_letter_queue(
    retention: int, *, fifo: bool = False, kms_key: str | None = None
) -> Iterator[AWSObject]:
    """A dead-letter queue of the stack that keeps messages for `retention` seconds."""
    properties = _common_properties(fifo, kms_key)
    yield sqs.Queue("DeadLetterQueue", MessageRetentionPeriod=retention, **properties)
    yield _tls_only_policy("DeadLetterQueue")


def _tls_only_policy(queue: str) -> sqs.QueuePolicy:
    """Denies requests without TLS (Amazon SQS developer guide, "Amazon SQS security best
    practices")."""
    tls_only = deny_without_tls([sqs_actions.Action("*")], [GetAtt(queue, "Arn")])
    return sqs.QueuePolicy(f"{queue}Policy", Queues=[Ref(queue)], PolicyDocument=policy([tls_only]))


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
