"""The queue for messages about runs that did not start or failed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from awacs import kms, sqs
from awacs.aws import Statement
from troposphere import AWSObject, GetAtt, Ref

from ..common.iam import allow
from ..tasks.queue_resources import dead_letter_queue
from ..tasks.queues import queue_url
from .params import Params


def created_dead_letter_queue(params: Params) -> Iterator[AWSObject]:
    """The queue, if the stack creates one."""
    queue = params.dead_letter_queue
    if queue and queue.existing is None:
        yield from dead_letter_queue(queue.retention, kms_key=queue.kms_key)


def dead_letter_arn(params: Params) -> Any:
    """The ARN of the queue; None without one."""
    queue = params.dead_letter_queue
    return queue and (queue.existing or GetAtt("DeadLetterQueue", "Arn"))


def dead_letter_url(params: Params) -> Any:
    """The URL of the queue. Only for params with a queue."""
    queue = params.dead_letter_queue
    return queue_url(queue.existing) if queue and queue.existing else Ref("DeadLetterQueue")


def report_statements(params: Params) -> Iterator[Statement]:
    """The permissions to send to the queue. Amazon SQS developer guide, "Configure KMS permissions
    for producers": a producer of an encrypted queue creates data keys and decrypts them."""
    if arn := dead_letter_arn(params):
        yield allow("SendToDeadLetterQueue", [sqs.SendMessage], [arn])
    queue = params.dead_letter_queue
    if queue and queue.kms_key:
        yield allow("EncryptMessages", [kms.Decrypt, kms.GenerateDataKey], [queue.kms_key])
