"""Topics to which the queue of a worker subscribes: `topics:` of the queue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from awacs import sqs as sqs_actions
from awacs.aws import Allow, ArnEquals, Condition, Principal, Statement
from pydantic import Field
from troposphere import GetAtt, sns

from moorage.facts.sns_filter_policies import MAX_COMBINATIONS, MAX_KEYS
from moorage.findings.finding import Path, Problem
from moorage.findings.wording import shown
from moorage.model import Base, Environment, logical_id
from moorage.records import record

from .. import topic
from ..common.duplicates import logical_id_problems
from ..common.fields import StackName, Switch
from ..common.stack_lookup import find_stack_problems


class TopicSubscription(Base):
    """Which messages of a topic the queue gets, and in which form."""

    filter: dict[str, Any] = Field(
        {},
        examples=[{"kind": ["order", "refund"]}],
        description="Filter policy of SNS: each key with the values or patterns, one of which a "
        "message must have. By default the queue gets all messages.",
    )
    filter_on: Literal["attributes", "body"] = Field(
        "attributes",
        description="Whether the filter applies to the attributes of a message, or to its body, "
        "which is JSON then.",
    )
    raw: bool = Field(
        True,
        description="Deliver the messages as they were published. With `false`, each is text in a "
        "JSON document of SNS. With `true`, SNS discards messages that have more than 10 "
        "attributes.",
    )
    dead_letters: bool = Field(
        False,
        description="Send messages that SNS cannot deliver to the dead-letter queue of the queue.",
    )


class SubscriberParams(Base):
    """The topics whose messages a queue gets."""

    topics: dict[StackName, Switch[TopicSubscription]] = Field(
        {},
        examples=[{"events": {"filter": {"kind": ["order"]}}}],
        description="Stacks of template `topic` whose messages the queue gets: `true`, or a map "
        "with a filter. If the queue has a `kms_key`, the key policy must allow "
        "`sns.amazonaws.com` the actions `kms:Decrypt` and `kms:GenerateDataKey*`.",
    )


@record
class Subscription:
    """A subscription of the stack's queue."""

    stack: str
    """The stack of the topic."""
    topic_arn: Any
    settings: TopicSubscription


def resolve_subscriptions(params: SubscriberParams, env: Environment) -> tuple[Subscription, ...]:
    """The subscriptions of a queue, without those that `subscription_problems` reports."""
    return tuple(
        Subscription(name, found.arn(name, env), settings)
        for name, settings in sorted(params.topics.items())
        if settings is not None and (found := env.params_of(name, topic.Params))
    )


# Problems ------------------------------------------------------------------------------------


def subscription_problems(
    params: SubscriberParams, *, fifo: bool, own_dead_letters: bool, env: Environment
) -> Iterator[Problem]:
    """Problems of `topics` of a worker's queue. `own_dead_letters` is whether the stack creates the
    dead-letter queue of the queue."""
    subscribed = {name: settings for name, settings in params.topics.items() if settings}
    yield from logical_id_problems([*subscribed], ("queue", "topics"))
    for name, settings in subscribed.items():
        path: Path = ("queue", "topics", name)
        yield from find_stack_problems(env, topic.Params, name, path, "topic")
        found = env.params_of(name, topic.Params)
        if found and fifo and not found.is_fifo:
            message = f"The topic `{name}` is a standard topic, which cannot deliver to a FIFO "
            message += "queue"
            hint = f"Write `fifo: true` in `{name}`, or remove `fifo` from the queue."
            yield Problem("M3405", path, message, hint, because=[("queue", "fifo")])
        if settings.dead_letters:
            yield from _dead_letter_problems(
                found, path, fifo=fifo, own_dead_letters=own_dead_letters
            )
        yield from _filter_problems(settings, path)


def _dead_letter_problems(
    found: topic.Params | None, path: Path, *, fifo: bool, own_dead_letters: bool
) -> Iterator[Problem]:
    """Amazon SNS developer guide, "Amazon SNS dead-letter queues": the queue is of the kind of the
    topic."""
    if not own_dead_letters:
        message = "The stack creates no dead-letter queue, to which SNS could send messages"
        hint = "Remove `dead_letters`, or remove `dead_letter_queue` from the queue."
        because: list[Path] = [("queue", "dead_letter_queue")]
        yield Problem("M3610", (*path, "dead_letters"), message, hint, because=because)
    elif found and found.is_fifo and not fifo:
        message = f"`{path[-1]}` is a FIFO topic, and the dead-letter queue is a standard queue"
        hint = "Remove `dead_letters`, or write `fifo: true` in the queue."
        yield Problem("M3610", (*path, "dead_letters"), message, hint, because=[("queue", "fifo")])


def _filter_problems(settings: TopicSubscription, path: Path) -> Iterator[Problem]:
    """What SNS refuses in a filter policy."""
    filter_path = (*path, "filter")
    if not settings.filter:
        if "filter_on" in settings.model_fields_set:
            message = "`filter_on` has no effect without a filter"
            hint = "Add `filter:`, or remove it."
            yield Problem("M3611", (*path, "filter_on"), message, hint, because=[filter_path])
        return
    if len(settings.filter) > MAX_KEYS:
        message = f"The filter has {len(settings.filter)} keys, but SNS allows {MAX_KEYS}"
        yield Problem("M3612", filter_path, message, "Remove a key, or filter in the application.")
    shape = list(_shape_problems(settings.filter, filter_path, settings.filter_on))
    yield from shape
    if not shape and (count := _count_combinations(settings.filter)) > MAX_COMBINATIONS:
        message = f"The filter has {count} combinations of values, but SNS allows "
        message += f"{MAX_COMBINATIONS}"
        hint = "Remove values: the numbers of values of all keys are multiplied."
        yield Problem("M3612", filter_path, message, hint)


def _shape_problems(values: Mapping[str, Any], path: Path, filter_on: str) -> Iterator[Problem]:
    for key, value in values.items():
        key_path = (*path, key)
        if isinstance(value, dict):
            if filter_on == "body" and value:
                yield from _shape_problems(value, key_path, filter_on)
                continue
            message = f"The values of `{key}` are not a list, and an attribute has no keys of its "
            message += "own"
            hint = f"Write a list, such as `{key}: [order]`, or add `filter_on: body`."
            if filter_on == "body":
                message, hint = "The map is empty", "Write the keys with lists of their values."
            yield Problem("M3613", key_path, message, hint)
        elif not isinstance(value, list) or not value:
            message = f"The values of `{key}` are not a list with at least one value"
            example = value if isinstance(value, str | int) else "order"
            hint = f"Write a list, such as `{key}: [{_written(example)}]`."
            yield Problem("M3613", key_path, message, hint)
        elif key != "$or":  # its members are filters themselves
            yield from _item_problems(key, value, key_path)


def _item_problems(key: str, items: Sequence[Any], path: Path) -> Iterator[Problem]:
    """Members of a list that are neither a value nor a pattern, such as `{prefix: order-}`."""
    for index, item in enumerate(items):
        if isinstance(item, list) or (isinstance(item, dict) and len(item) != 1):
            message = f"A list or map in the values of `{key}` is neither a value nor a pattern"
            hint = "Write text, a number, true or false, or a pattern, such as `{prefix: order}`."
            yield Problem("M3613", (*path, index), message, hint)


def _written(value: Any) -> str:
    """A value of the params as it is written in a list."""
    return str(value).lower() if isinstance(value, bool) else shown(value).strip("`")


def _count_combinations(values: Mapping[str, Any], depth: int = 1) -> int:
    count = 1
    for value in values.values():
        if isinstance(value, dict):
            count *= _count_combinations(value, depth + 1)
        else:
            count *= len(value) * depth
    return count


# Resources -----------------------------------------------------------------------------------


def subscription_resources(subscriptions: Sequence[Subscription]) -> Iterator[Any]:
    """The subscriptions. They are created after the policy of the queue: SNS does not try again if
    the queue refuses a message (Amazon SNS developer guide, "Amazon SNS dead-letter queues")."""
    for subscription in subscriptions:
        settings = subscription.settings
        optional: dict[str, Any] = {"FilterPolicy": settings.filter or None}
        if settings.filter and settings.filter_on == "body":
            optional["FilterPolicyScope"] = "MessageBody"
        dependencies = ["QueuePolicy"]
        if settings.dead_letters:
            dead_letters = {"deadLetterTargetArn": GetAtt("DeadLetterQueue", "Arn")}
            optional["RedrivePolicy"] = dead_letters
            dependencies.insert(0, "DeadLetterQueuePolicy")
        yield sns.SubscriptionResource(
            logical_id(subscription.stack, "Subscription"),
            DependsOn=dependencies,
            TopicArn=subscription.topic_arn,
            Protocol="sqs",
            Endpoint=GetAtt("Queue", "Arn"),
            RawMessageDelivery=settings.raw,
            **{key: value for key, value in optional.items() if value},
        )


def delivery_statements(queue: str, topics: Sequence[Any]) -> Iterator[Statement]:
    """The statement of a queue's policy that lets SNS deliver the messages of these topics; none
    without topics. `queue` is the logical ID.

    Amazon SNS developer guide, "Subscribing an Amazon SQS queue to an Amazon SNS topic".
    """
    if topics:
        yield Statement(
            Sid="Topics",
            Effect=Allow,
            Principal=Principal("Service", "sns.amazonaws.com"),
            Action=[sqs_actions.SendMessage],
            Resource=[GetAtt(queue, "Arn")],
            Condition=Condition(ArnEquals({"aws:SourceArn": list(topics)})),
        )
