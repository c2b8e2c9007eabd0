"""Resources and permissions of queues."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from awacs import kms
from awacs import sqs as sqs_actions
from awacs.aws import Bool, Condition, Deny, Principal, SecureTransport, Statement
from troposphere import AWSObject, GetAtt, Ref, sqs

from ..common.iam import allow, policy
from .queues import DeadLetterQueue, Queue, QueueUse


def queue_statements(queues: Sequence[QueueUse]) -> Iterator[Statement]:
    """The permissions of tasks on the queues that they use.

    Amazon SQS developer guide, "Configure KMS permissions for AWS services" and "... producers" and
    "... consumers": a consumer decrypts; a producer also creates data keys.
    """
    for use in queues:
        if use.receives:
            yield allow("WorkOnQueue", _CONSUMER, [use.queue.arn])
            if use.queue.kms_key:
                yield allow("DecryptMessages", [kms.Decrypt], [use.queue.kms_key])
    sent = {use.owner: use.queue for use in queues if not use.receives}
    if sent:
        yield allow("SendToQueues", _PRODUCER, [sent[owner].arn for owner in sorted(sent)])
        if keys := sorted({queue.kms_key for queue in sent.values() if queue.kms_key}):
            yield allow("EncryptMessages", [kms.Decrypt, kms.GenerateDataKey], keys)


_CONSUMER = [
    sqs_actions.ChangeMessageVisibility,
    sqs_actions.DeleteMessage,
    sqs_actions.GetQueueAttributes,
    sqs_actions.GetQueueUrl,
    sqs_actions.ReceiveMessage,
]

_PRODUCER = [
    sqs_actions.GetQueueAttributes,
    sqs_actions.GetQueueUrl,
    sqs_actions.SendMessage,
]


def queue_resources(params: Queue) -> Iterator[AWSObject]:
    """The queue and its dead-letter queue, as far as they do not exist already."""
    if params.existing:
        return
    dead = params.dead_letter_queue
    own = dead is not None and dead.existing is None
    if dead is not None and own:
        yield from dead_letter_queue(dead.retention, fifo=params.fifo, kms_key=params.kms_key)
    yield sqs.Queue(
        "Queue",
        VisibilityTimeout=params.visibility_timeout,
        MessageRetentionPeriod=params.retention,
        DelaySeconds=params.delay,
        ReceiveMessageWaitTimeSeconds=20,
        **_kind(params.fifo, params.kms_key),
        **({"ContentBasedDeduplication": True} if params.content_based_deduplication else {}),
        **({"RedrivePolicy": _redrive(dead)} if dead else {}),
    )
    yield _tls_only("Queue")


def dead_letter_queue(
    retention: int, *, fifo: bool = False, kms_key: str | None = None
) -> Iterator[AWSObject]:
    """A dead-letter queue of the stack's own."""
    yield sqs.Queue("DeadLetterQueue", MessageRetentionPeriod=retention, **_kind(fifo, kms_key))
    yield _tls_only("DeadLetterQueue")


def _tls_only(queue: str) -> sqs.QueuePolicy:
    """Nobody comes to the queue without TLS (Amazon SQS developer guide, "Amazon SQS security best
    practices")."""
    return sqs.QueuePolicy(
        f"{queue}Policy",
        Queues=[Ref(queue)],
        PolicyDocument=policy(
            [
                Statement(
                    Sid="TlsOnly",
                    Effect=Deny,
                    Principal=Principal("*"),
                    Action=[sqs_actions.Action("*")],
                    Resource=[GetAtt(queue, "Arn")],
                    Condition=Condition(Bool({SecureTransport: "false"})),
                )
            ]
        ),
    )


def _kind(fifo: bool, kms_key: str | None) -> dict[str, Any]:
    """Order and encryption, which a queue and its dead-letter queue have in common."""
    encrypted: dict[str, Any] = (
        {"KmsMasterKeyId": kms_key} if kms_key else {"SqsManagedSseEnabled": True}
    )
    return {**({"FifoQueue": True} if fifo else {}), **encrypted}


def _redrive(dead: DeadLetterQueue) -> sqs.RedrivePolicy:
    return sqs.RedrivePolicy(
        deadLetterTargetArn=dead.existing or GetAtt("DeadLetterQueue", "Arn"),
        maxReceiveCount=dead.max_receive_count,
    )
