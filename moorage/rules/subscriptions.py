"""Subscriptions of queues to topics: what the policies of the queue and of its key allow."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn.nodes import Node
from moorage.cfn.permissions import Statement, parse_document
from moorage.cfn.stack import Resource
from moorage.cfn.trust_policies import includes_service
from moorage.cfn.view import View
from moorage.records import entity
from moorage.rules.message_parts import join_and
from moorage.rules.rule import Problem, problem, rule

_SUBSCRIPTION, _TOPIC = "AWS::SNS::Subscription", "AWS::SNS::Topic"
_QUEUE, _QUEUE_POLICY = "AWS::SQS::Queue", "AWS::SQS::QueuePolicy"
_KEY_ACTIONS = ("kms:Decrypt", "kms:GenerateDataKey")


@rule(
    "E9800",
    "The policy of a queue does not let the topic send to which the queue subscribes.",
    error_messages=(),
    fix="Allow `sns.amazonaws.com` the action `sqs:SendMessage` in a policy of the queue, with the "
    "ARN of the topic as `aws:SourceArn`.",
    sources=("AWS docs: Subscribing an Amazon SQS queue to an Amazon SNS topic",),
)
def queue_refuses_topic(view: View) -> Iterator[Problem]:
    """SNS discards messages that the queue refuses, and does not try again. The deployment
    succeeds, and no message arrives."""
    for subscription, queue in _queue_subscriptions(view):
        senders = _find_senders(queue)
        topic = subscription["TopicArn"].resource
        if senders is not None and not senders.may_include(topic):
            name = f"topic `{topic.id}`" if topic else "the topic"
            yield problem(
                senders.policy["PolicyDocument"],
                f"The policy of queue `{queue.id}` does not let {name} send, so SNS discards the "
                f"messages of subscription `{subscription.id}`",
                "Allow sns.amazonaws.com sqs:SendMessage, with the ARN of the topic as "
                "aws:SourceArn.",
            )


@rule(
    "E9805",
    "SNS may not use the key of a queue that subscribes to a topic.",
    error_messages=(),
    fix="Encrypt the queue with a key whose policy allows `sns.amazonaws.com` the actions "
    "`kms:Decrypt` and `kms:GenerateDataKey*`, or with `SqsManagedSseEnabled`.",
    sources=("AWS docs: Managing Amazon SNS encryption keys and costs",),
)
def key_refuses_sns(view: View) -> Iterator[Problem]:
    """SNS encrypts what it sends to a queue with the key of the queue. It may not use the AWS
    managed key `alias/aws/sqs`, and any other key only if the key policy allows it. Otherwise SNS
    discards the messages."""
    for subscription, queue in _queue_subscriptions(view):
        key = queue["KmsMasterKeyId"]
        consequence = f"so SNS discards the messages of subscription `{subscription.id}`"
        if key.text is not None and key.text.endswith("alias/aws/sqs"):
            yield problem(
                key,
                f"The policy of the AWS managed key of queue `{queue.id}` does not allow SNS to "
                f"use it, {consequence}",
                "Write `SqsManagedSseEnabled: true` instead, or the ARN of a key whose policy "
                "allows it.",
            )
        elif key.resource is not None and key.resource.type == "AWS::KMS::Key":
            document = parse_document(key.resource["KeyPolicy"])
            missing = [
                action
                for action in _KEY_ACTIONS
                if not any(_may_allow(item, action) for item in document.statements)
            ]
            if missing and document.complete:
                yield problem(
                    key.resource["KeyPolicy"],
                    f"The policy of key `{key.resource.id}` does not allow sns.amazonaws.com "
                    f"{join_and(missing)}, {consequence}",
                    "Allow sns.amazonaws.com kms:Decrypt and kms:GenerateDataKey*.",
                )


def _queue_subscriptions(view: View) -> Iterator[tuple[Resource, Resource]]:
    """Subscriptions with their queues, of queues that are in the view."""
    for subscription in view.resources_of_type(_SUBSCRIPTION):
        queue = subscription["Endpoint"].resource
        if subscription["Protocol"].text == "sqs" and queue is not None and queue.type == _QUEUE:
            yield subscription, queue


@entity
class _Senders:
    """The topics that the policies of a queue may let send."""

    policy: Resource
    are_some: bool
    are_any: bool
    topics: frozenset[Resource | None]

    def may_include(self, topic: Resource | None) -> bool:
        """Whether a topic may send messages. `topic` is None if it is not in the view."""
        return self.are_some if topic is None else self.are_any or topic in self.topics


def _find_senders(queue: Resource) -> _Senders | None:
    """None if they are not known."""
    return queue.view.cached(("senders", queue), lambda: _read_senders(queue))


def _read_senders(queue: Resource) -> _Senders | None:
    policies = _policies_of_queue(queue)
    documents = [parse_document(policy["PolicyDocument"]) for policy in policies or ()]
    if not policies or not all(document.complete for document in documents):
        return None
    topics = [
        _only_topics(statement.node["Condition"])
        for document in documents
        for statement in document.statements
        if _may_allow(statement, "sqs:SendMessage")
    ]
    known = frozenset(topic for found in topics if found is not None for topic in found)
    return _Senders(policies[0], bool(topics), None in topics, known)


def _policies_of_queue(queue: Resource) -> list[Resource] | None:
    """The policies of a queue; None if there is none in the view, or if there may be others."""
    view = queue.view
    policies = view.cached("policies of queues", lambda: _group_policies(view))
    found = policies.get(queue, [])
    others = any(policy not in found for policy in policies.get(None, ()))
    return None if others else found or None


def _group_policies(view: View) -> dict[Resource | None, list[Resource]]:
    """The policies of queues by the queue; by None if they are or may be for others than those in
    the view."""
    policies: dict[Resource | None, list[Resource]] = {}
    for policy in view.resources_of_type(_QUEUE_POLICY):
        for queue in dict.fromkeys(node.resource for node in policy["Queues"].items) or (None,):
            policies.setdefault(queue, []).append(policy)
    return policies


def _may_allow(statement: Statement, action: str) -> bool:
    """Whether a statement allows SNS the action, or may, perhaps on a condition."""
    return (
        statement.allows is not False
        and statement.covers_action(action) is not False
        and includes_service(statement.node["Principal"], "sns") is not False
    )


def _only_topics(condition: Node) -> set[Resource | None] | None:
    """The topics of which a condition certainly requires the ARN; None if it requires none."""
    required: set[Resource | None] | None = None
    for operator, keys in condition.entries:
        if operator not in ("ArnEquals", "ArnLike", "StringEquals", "StringLike"):
            continue
        for key, values in keys.entries:
            topics = {value.resource for value in values.as_list}
            if key.lower() == "aws:sourcearn" and all(
                item is not None and item.type == _TOPIC for item in topics
            ):
                required = topics if required is None else required & topics
    return required


RULES = (queue_refuses_topic, key_refuses_sns)
