"""Queues: whose they are, who works on them, who sends to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from awacs import kms
from awacs import sqs as sqs_actions
from awacs.aws import Bool, Condition, Deny, Principal, SecureTransport, Statement
from pydantic import Field
from troposphere import AWSObject, GetAtt, Ref, Sub, sqs

from moorage.findings.finding import Path, Problem
from moorage.findings.wording import near, shown
from moorage.model import Base, Environment

from ..common.exports import import_value
from ..common.fields import KeyArn, StackName, Switch, duration, text
from ..common.iam import allow, policy
from ..common.regions import is_in_other_region, key_region_problems, region_of
from .containers import Container, VariableName

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
class Handle:
    """A queue as other resources refer to it."""

    url: Any
    arn: Any
    name: Any
    kms_key: str | None


def handle(owner: str, stack: str, params: QueueConsumerParams, env: Environment) -> Handle:
    """How a stack refers to the queue of a worker, which may be itself."""
    queue = params.queue
    if queue.existing:
        arn = queue.existing.arn
        return Handle(queue_url(arn), arn, arn.split(":")[-1], queue.existing.kms_key)
    if owner == stack:
        mine = (Ref("Queue"), GetAtt("Queue", "Arn"), GetAtt("Queue", "QueueName"))
        return Handle(*mine, queue.kms_key)
    url, arn, name = (import_value(env, owner, f"Queue{one}") for one in ("Url", "Arn", "Name"))
    return Handle(url, arn, name, queue.kms_key)


def queue_url(arn: str) -> Sub:
    """The URL of a queue that is known by its ARN."""
    *_, place, account, name = arn.split(":")
    return Sub(f"https://sqs.{place}.${{AWS::URLSuffix}}/{account}/{name}")


# What can be wrong ---------------------------------------------------------------------------


def queue_problems(queue: Queue, env: Environment) -> Iterator[Problem]:
    """What is wrong with a worker's queue."""
    path: Path = ("queue",)
    beside = queue.model_fields_set - {"existing", "variable"}
    if queue.existing and beside:
        message = (
            f"`existing` stands beside {', '.join(sorted(beside))}, which would change nothing"
        )
        hint = "Remove what stands beside it, or remove `existing:`."
        yield Problem("M1108", (*path, "existing"), message, hint)
        return
    if queue.existing:
        yield from arn_problems(queue.existing.arn, (*path, "existing", "arn"), env)
        yield from key_region_problems(queue.existing.kms_key, (*path, "existing", "kms_key"), env)
    yield from key_region_problems(queue.kms_key, (*path, "kms_key"), env)
    if queue.content_based_deduplication and not queue.fifo:
        message = "Only a `fifo` queue leaves out what it had already"
        yield Problem(
            "M1108", (*path, "content_based_deduplication"), message, "Write `fifo: true`."
        )
    yield from _dead_letter_problems(queue, (*path, "dead_letter_queue"), env)


def _dead_letter_problems(queue: Queue, path: Path, env: Environment) -> Iterator[Problem]:
    """Amazon SQS developer guide, "Using dead-letter queues in Amazon SQS": of the same kind, and
    kept for longer, because a message of a standard queue keeps the time at which it was sent."""
    dead = queue.dead_letter_queue
    if dead is None:
        return
    if dead.existing:
        yield from arn_problems(dead.existing, (*path, "existing"), env)
        if str(dead.existing).endswith(".fifo") != queue.fifo:
            kind = "FIFO" if queue.fifo else "standard"
            message = f"The dead-letter queue of a {kind} queue must be a {kind} queue"
            yield Problem("M1108", (*path, "existing"), message, "Name another one.")
        if "retention" in dead.model_fields_set:
            message = "A queue that exists is not changed"
            yield Problem("M1108", (*path, "retention"), message, "Remove it, or `existing:`.")
    elif not queue.fifo and dead.retention <= queue.retention:
        message = "A message's age counts from when it was first sent: it may be too old there"
        hint = "Keep messages longer there than in the queue, such as `14d` and `4d`."
        because = [("queue", "retention")]
        yield Problem("M1108", (*path, "retention"), message, hint, because=because)


def arn_problems(arn: str, path: Path, env: Environment) -> Iterator[Problem]:
    """A queue that is not where the environment is."""
    if is_in_other_region(arn, env):
        message = f"The queue is in {region_of(arn)}, and the stack in {env.region}"
        yield Problem("M1220", path, message, f"Name a queue in {env.region}.")


def sending_problems(params: Any, env: Environment) -> Iterator[Problem]:
    """Queues that no stack has, and variables that are something else already."""
    mine = params.queue.variable if isinstance(params, QueueConsumerParams) else None
    if mine is not None and mine in params.queues:
        message = f"`{mine}` holds the URL of the worker's own queue"
        hint = "Give it another name, or the own queue with `queue: {variable: ...}`."
        yield Problem("M1108", ("queues", mine), message, hint)
    places: dict[str, Path] = {mine: ("queue",)} if mine else {}
    places |= {key: ("queues", key) for key in params.queues}
    yield from _variable_problems(places, params.containers)
    owners = [name for name, _ in env.of(QueueConsumerParams)]
    for variable, stack in params.queues.items():
        if stack in owners or stack in env.broken:
            continue
        meant = [one] if (one := near(stack, owners)) else owners
        hint = f"Write {' or '.join(f'`{one}`' for one in meant)}." if meant else ""
        spec = env.stacks.get(stack)
        what = f"is a stack of template `{spec.template}`" if spec else "is not a stack"
        message = f"{shown(stack)} {what}; one of template `worker` is wanted here"
        hint = hint or "Add a stack with `template: worker`."
        yield Problem("M1201", ("queues", variable), message, hint)


def queue_reach_problems(
    params: QueueSenderParams, endpoints: Sequence[str], name: str
) -> Iterator[Problem]:
    """Queues that could not be reached from the network of that name, which has endpoints only."""
    paths: list[Path] = [("queue",)] if isinstance(params, QueueConsumerParams) else []
    paths += [("queues", variable) for variable in params.queues]
    if "sqs" not in {service.rpartition(".")[2] for service in endpoints}:
        for path in paths:
            message = f"`{name}` has no endpoint for `sqs`, where the queue is"
            hint = f"Write `endpoints: [{', '.join([*endpoints, 'sqs'])}]` at `{name}`."
            yield Problem("M1211", path, message, hint)


def _variable_problems(
    variables: Mapping[str, Path], containers: Mapping[str, Container]
) -> Iterator[Problem]:
    """Variables that a container has already, each with the place that asks for it."""
    for variable, path in variables.items():
        for name, container in containers.items():
            for key in ("environment", "secrets"):
                if variable in getattr(container, key):
                    message = f"`{variable}` gets the URL of a queue"
                    hint = "Remove it, or give the queue another variable."
                    here = ("containers", name, key, variable)
                    yield Problem("M1108", here, message, hint, because=[path])


# What comes out ------------------------------------------------------------------------------

C = TypeVar("C")


def _queue_urls(name: str, params: Any, env: Environment) -> dict[str, Any]:
    """The variables that hold the URLs of queues: a stack's own one, and those it sends to."""
    mine = {params.queue.variable: name} if isinstance(params, QueueConsumerParams) else {}
    sent = params.queues if isinstance(params, QueueSenderParams) else {}
    return {key: _of(owner, name, env).url for key, owner in {**sent, **mine}.items()}


def _of(owner: str, stack: str, env: Environment) -> Handle:
    params = env.params_of(owner, QueueConsumerParams)
    assert params is not None, "which is a finding of its own"
    return handle(owner, stack, params, env)


def with_queue_urls(name: str, params: C, env: Environment) -> C:
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
        mine = handle(name, name, params, env)
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
