"""Problems of queues, and of the references to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from moorage.findings.finding import Path, Problem
from moorage.findings.wording import join_and, near, offer, shown
from moorage.model import Environment
from moorage.references import Reference

from ..common.fields import format_duration
from ..common.regions import key_region_problems, region_problems
from .containers import Container, Containers
from .queues import Queue, QueueConsumerParams, QueueSenderParams
from .topic_subscriptions import subscription_problems


def queue_problems(queue: Queue, env: Environment) -> Iterator[Problem]:
    """Problems of a worker's queue."""
    path: Path = ("queue",)
    unused = queue.model_fields_set - {"existing", "variable"}
    if queue.existing and unused:
        keys = join_and(f"`{key}`" for key in sorted(unused))
        message = f"Moorage does not change an existing queue: {keys} would have no effect"
        hint = f"Remove {keys}, or remove `existing` to create a queue."
        yield Problem("M3351", (*path, "existing"), message, hint)
        return
    if queue.existing:
        yield from queue_arn_problems(queue.existing.arn, (*path, "existing", "arn"), env)
        yield from key_region_problems(queue.existing.kms_key, (*path, "existing", "kms_key"), env)
    yield from key_region_problems(queue.kms_key, (*path, "kms_key"), env)
    if queue.content_based_deduplication and not queue.fifo:
        message = "Content-based deduplication is for FIFO queues only"
        hint = "Add `fifo: true`, or remove `content_based_deduplication`."
        at, because = (*path, "content_based_deduplication"), [(*path, "fifo")]
        yield Problem("M3352", at, message, hint, because=because)
    yield from _dead_letter_problems(queue, (*path, "dead_letter_queue"), env)
    dead_letters = queue.dead_letter_queue
    own_dead_letters = dead_letters is not None and dead_letters.existing is None
    yield from subscription_problems(
        queue, fifo=queue.fifo, own_dead_letters=own_dead_letters, env=env
    )


def _dead_letter_problems(queue: Queue, path: Path, env: Environment) -> Iterator[Problem]:
    """A dead-letter queue must be of the same kind as its source. It should keep messages for
    longer, since a message of a standard queue keeps its original time stamp (Amazon SQS developer
    guide, "Using dead-letter queues in Amazon SQS")."""
    dead_letters = queue.dead_letter_queue
    if dead_letters is None:
        return
    if dead_letters.existing:
        yield from queue_arn_problems(dead_letters.existing, (*path, "existing"), env)
        existing = dead_letters.existing
        if isinstance(existing, str) and existing.endswith(".fifo") != queue.fifo:
            kind = "FIFO" if queue.fifo else "standard"
            message = f"The dead-letter queue of a {kind} queue must be a {kind} queue"
            hint = f"Write the ARN of a {kind} queue."
            yield Problem("M3353", (*path, "existing"), message, hint)
        if "retention" in dead_letters.model_fields_set:
            message = "Moorage does not change an existing queue: `retention` would have no effect"
            hint = "Remove `retention`, or remove `existing` to create a queue."
            yield Problem("M3351", (*path, "retention"), message, hint)
    elif not queue.fifo and dead_letters.retention <= queue.retention:
        retention = format_duration(dead_letters.retention)
        message = f"The dead-letter queue keeps messages for {retention}, which is not longer than "
        message += f"{format_duration(queue.retention)} in the queue"
        hint = "Write a longer `retention` for the dead-letter queue, or a shorter one for the "
        hint += "queue: the age of a message counts from when it was first sent."
        because = [("queue", "retention"), ("queue", "fifo")]
        yield Problem("M3354", (*path, "retention"), message, hint, because=because)


def queue_arn_problems(arn: str | Reference, path: Path, env: Environment) -> Iterator[Problem]:
    """Reports a queue that is in another region than the stacks."""
    yield from region_problems(arn, path, env, "queue")


def queue_sender_problems(
    params: QueueSenderParams, containers: Containers, env: Environment
) -> Iterator[Problem]:
    """Problems of `queues`: stacks that are not workers, and variables that are already set."""
    own_variable = params.queue.variable if isinstance(params, QueueConsumerParams) else None
    if own_variable is not None and own_variable in params.queues:
        message = f"`{own_variable}` is already the variable for the URL of the worker's own queue"
        hint = "Use another variable here, or another one for the worker's queue with "
        hint += "`queue: {variable: ...}`."
        yield Problem("M2605", ("queues", own_variable), message, hint)
    paths: dict[str, Path] = {own_variable: ("queue",)} if own_variable else {}
    paths |= {variable: ("queues", variable) for variable in params.queues}
    yield from _variable_problems(paths, containers)
    for variable, stack in params.queues.items():
        is_known = env.params_of(stack, QueueConsumerParams) or stack in env.broken
        if not is_known:
            spec = env.stacks.get(stack)
            message = f"There is no stack {shown(stack)}"
            if spec:
                message = f"{shown(stack)} is a stack of template `{spec.template}`, not `worker`"
            workers = env.names_of(QueueConsumerParams)
            closest = near(stack, workers)
            names = [closest] if closest else workers
            hint = f"Write {offer(names)}." if names else "Add a stack with `template: worker`."
            yield Problem("M1201", ("queues", variable), message, hint)


def queue_endpoint_problems(
    params: QueueSenderParams, endpoints: Sequence[str], name: str
) -> Iterator[Problem]:
    """Queues that the tasks cannot reach: the network `name` has these VPC endpoints and no route
    to the internet."""
    paths: list[Path] = [("queue",)] if isinstance(params, QueueConsumerParams) else []
    paths += [("queues", variable) for variable in params.queues]
    if "sqs" not in {service.rpartition(".")[2] for service in endpoints}:
        for path in paths:
            message = f"The tasks cannot reach the queue: the network `{name}` has no VPC endpoint "
            message += "for `sqs`"
            hint = f"Write `endpoints: [{', '.join([*endpoints, 'sqs'])}]` in `{name}`."
            yield Problem("M2711", path, message, hint)


def _variable_problems(
    variables: Mapping[str, Path], containers: Mapping[str, Container]
) -> Iterator[Problem]:
    """Variables for URLs of queues, with their paths, that a container already sets."""
    for variable, path in variables.items():
        for name, container in containers.items():
            for key in ("environment", "secrets"):
                if variable in getattr(container, key):
                    message = f"`{variable}` is also the variable for the URL of a queue"
                    hint = "Remove it here, or use another variable for the queue."
                    variable_path = ("containers", name, key, variable)
                    yield Problem("M2605", variable_path, message, hint, because=[path])
