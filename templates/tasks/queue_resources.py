"""Resources and permissions of queues."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

from awacs import kms
from awacs import sqs as sqs_actions
from awacs.aws import Bool, Condition, Deny, Principal, SecureTransport, Statement
from troposphere import AWSObject, GetAtt, Ref, sqs

from moorage.model import Environment

from ..common.iam import allow, policy
from .queues import (
    DeadLetterQueue,
    Queue,
    QueueConsumerParams,
    QueueHandle,
    QueueSenderParams,
    queue_handle,
)

# What comes out ------------------------------------------------------------------------------

C = TypeVar("C")


def _queue_urls(name: str, params: Any, env: Environment) -> dict[str, Any]:
    """The variables that hold the URLs of queues: a stack's own one, and those it sends to."""
    mine = {params.queue.variable: name} if isinstance(params, QueueConsumerParams) else {}
    sent = params.queues if isinstance(params, QueueSenderParams) else {}
    return {key: _of(owner, name, env).url for key, owner in {**sent, **mine}.items()}


def _of(owner: str, stack: str, env: Environment) -> QueueHandle:
    params = env.params_of(owner, QueueConsumerParams)
    assert params is not None, "which is a finding of its own"
    return queue_handle(owner, stack, params, env)


def add_queue_urls(name: str, params: C, env: Environment) -> C:
    """The params of tasks whose containers know the queues by their variables."""
    urls = _queue_urls(name, params, env)
    before: Any = params
    containers = {
        key: one.model_copy(update={"environment": {**one.environment, **urls}})
        for key, one in before.containers.items()
    }
    changed: C = before.model_copy(update={"containers": containers})
    return changed


def queue_statements(name: str, params: Any, env: Environment) -> Iterator[Statement]:
    """What the tasks of a stack may do with queues.

    Amazon SQS developer guide, "Configure KMS permissions for AWS services" and "... producers" and
    "... consumers": a consumer decrypts; a producer also makes data keys.
    """
    if isinstance(params, QueueConsumerParams):
        mine = queue_handle(name, name, params, env)
        yield allow("WorkOnQueue", _CONSUMER, [mine.arn])
        if mine.kms_key:
            yield allow("DecryptMessages", [kms.Decrypt], [mine.kms_key])
    if isinstance(params, QueueSenderParams) and params.queues:
        its = [_of(owner, name, env) for owner in sorted(set(params.queues.values()))]
        yield allow("SendToQueues", _PRODUCER, [one.arn for one in its])
        if keys := sorted({one.kms_key for one in its if one.kms_key}):
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
