"""What is wrong with queues."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from moorage.findings.finding import Path, Problem
from moorage.findings.wording import near, shown
from moorage.model import Environment

from ..common.regions import is_in_other_region, key_region_problems, region_of
from .containers import Container, Containers
from .queues import Queue, QueueConsumerParams, QueueSenderParams

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
        yield from queue_arn_problems(queue.existing.arn, (*path, "existing", "arn"), env)
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
        yield from queue_arn_problems(dead.existing, (*path, "existing"), env)
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


def queue_arn_problems(arn: str, path: Path, env: Environment) -> Iterator[Problem]:
    """A queue that is not where the environment is."""
    if is_in_other_region(arn, env):
        message = f"The queue is in {region_of(arn)}, and the stack in {env.region}"
        yield Problem("M1220", path, message, f"Name a queue in {env.region}.")


def queue_sender_problems(
    params: QueueSenderParams, containers: Containers, env: Environment
) -> Iterator[Problem]:
    """Queues that no stack has, and variables that are something else already."""
    mine = params.queue.variable if isinstance(params, QueueConsumerParams) else None
    if mine is not None and mine in params.queues:
        message = f"`{mine}` holds the URL of the worker's own queue"
        hint = "Give it another name, or the own queue with `queue: {variable: ...}`."
        yield Problem("M1108", ("queues", mine), message, hint)
    places: dict[str, Path] = {mine: ("queue",)} if mine else {}
    places |= {key: ("queues", key) for key in params.queues}
    yield from _variable_problems(places, containers)
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


def queue_endpoint_problems(
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
