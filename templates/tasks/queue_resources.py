"""Queues, their policies, the variables with their URLs, and permissions to use them."""

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

C = TypeVar("C")


def _queue_urls(name: str, params: Any, env: Environment) -> dict[str, Any]:
    """URLs by environment variable, of the stack's own queue and of those it sends messages to."""
    consumed = {params.queue.variable: name} if isinstance(params, QueueConsumerParams) else {}
    sent_to = params.queues if isinstance(params, QueueSenderParams) else {}
    return {
        variable: _find_queue(owner, name, env).url
        for variable, owner in {**sent_to, **consumed}.items()
    }


def _find_queue(owner: str, stack: str, env: Environment) -> QueueHandle:
    params = env.params_of(owner, QueueConsumerParams)
    assert params is not None, "queue_sender_problems has found no problem"
    return queue_handle(owner, stack, params, env)


def add_queue_urls(name: str, params: C, env: Environment) -> C:
    """The params of the stack `name`, with the URLs of queues in the environment of every
    container."""
    urls = _queue_urls(name, params, env)
    task: Any = params
    containers = {
        key: container.model_copy(update={"environment": {**container.environment, **urls}})
        for key, container in task.containers.items()
    }
    with_urls: C = task.model_copy(update={"containers": containers})
    return with_urls


def queue_statements(name: str, params: Any, env: Environment) -> Iterator[Statement]:
    """The permissions that the task role of the stack `name` needs for queues.

    Amazon SQS developer guide, "Configure KMS permissions for AWS services" and "... producers" and
    "... consumers": a consumer decrypts; a producer also generates data keys.
    """
    if isinstance(params, QueueConsumerParams):
        queue = queue_handle(name, name, params, env)
        yield allow("WorkOnQueue", _CONSUMER_ACTIONS, [queue.arn])
        if queue.kms_key:
            yield allow("DecryptMessages", [kms.Decrypt], [queue.kms_key])
    if isinstance(params, QueueSenderParams) and params.queues:
        owners = sorted(set(params.queues.values()))
        queues = [_find_queue(owner, name, env) for owner in owners]
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
    dead = params.dead_letter_queue
    if dead is not None and dead.existing is None:
        yield from dead_letter_queue(dead.retention, fifo=params.fifo, kms_key=params.kms_key)
    yield sqs.Queue(
        "Queue",
        VisibilityTimeout=params.visibility_timeout,
        MessageRetentionPeriod=params.retention,
        DelaySeconds=params.delay,
        ReceiveMessageWaitTimeSeconds=20,
        **_common_properties(params.fifo, params.kms_key),
        **({"ContentBasedDeduplication": True} if params.content_based_deduplication else {}),
        **({"RedrivePolicy": _redrive_policy(dead)} if dead else {}),
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


def _common_properties(fifo: bool, kms_key: str | None) -> dict[str, Any]:
    """Properties that a queue and its dead-letter queue have in common."""
    encryption: dict[str, Any] = (
        {"KmsMasterKeyId": kms_key} if kms_key else {"SqsManagedSseEnabled": True}
    )
    return {**({"FifoQueue": True} if fifo else {}), **encryption}


def _redrive_policy(dead: DeadLetterQueue) -> sqs.RedrivePolicy:
    return sqs.RedrivePolicy(
        deadLetterTargetArn=dead.existing or GetAtt("DeadLetterQueue", "Arn"),
        maxReceiveCount=dead.max_receive_count,
    )
