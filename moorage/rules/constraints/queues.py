"""Constraints of SQS queues, SNS topics, and subscriptions."""

from __future__ import annotations

from moorage.facts.sns_filter_policies import MAX_KEYS
from moorage.facts.sns_protocols import ARN_PROTOCOLS, ENDPOINTS, PROTOCOLS_WITHOUT_RAW_MESSAGES
from moorage.facts.sqs import FIFO_NAME, MAX_RECEIVE_COUNT, SOURCE_QUEUES, STANDARD_NAME
from moorage.rules.constraints.arns import IsArnOf
from moorage.rules.constraints.combinations import (
    All,
    AtMostOne,
    Either,
    IsReference,
    Not,
    Refers,
)
from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.predicates import (
    Absent,
    Count,
    EndsWith,
    Is,
    IsMap,
    IsTrue,
    Matches,
    NotEmpty,
    Present,
    Within,
)
from moorage.rules.constraints.relations import KeyTrusts

_QUEUE = "AWS::SQS::Queue"
_TOPIC = "AWS::SNS::Topic"
_SUBSCRIPTION = "AWS::SNS::Subscription"
_SUBSCRIPTIONS = (_SUBSCRIPTION, f"{_TOPIC} Subscription[]")
_ALARM_TARGETS = tuple(
    f"AWS::CloudWatch::{kind} {state}Actions[]"
    for kind in ("Alarm", "CompositeAlarm")
    for state in ("Alarm", "OK", "InsufficientData")
)
_SQS_API = "Amazon SQS API reference"
_SNS_API = "Amazon SNS API reference"
_SNS_GUIDE = "Amazon SNS developer guide"
_REPRODUCED = "AWS's error message, reproduced by cdk-preflight"
_IS_FIFO = IsTrue("FifoQueue")
_IS_FIFO_TOPIC = IsTrue("FifoTopic")
_RULE_TARGET = "AWS::Events::Rule Targets[]"
"""With a role, EventBridge sends and uses the key as that role."""
_IS_SCALAR = Matches("", ".*")
_PATTERN_KEYS = ("AWS::Events::Rule EventPattern{}", "AWS::Events::Rule EventPattern.detail{}")
_TO_FIFO_TOPIC = Either(
    Refers("TopicArn", _TOPIC, _IS_FIFO_TOPIC), Matches("TopicArn", r"arn:.*\.fifo")
)

CONSTRAINTS = (
    Constraint(
        "E9033",
        _QUEUE,
        "The name of a queue is not allowed, or is that of a FIFO queue.",
        must=Either(
            Matches("QueueName", STANDARD_NAME), All(Matches("QueueName", FIFO_NAME), _IS_FIFO)
        ),
        message="Queue {id} has the name {QueueName}, which SQS does not accept for its type",
        fix="Write up to 80 letters, digits, `-` and `_`; for a FIFO queue, also "
        "`FifoQueue: true` and `.fifo` at the end of the name.",
        error_messages=(
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
        ),
        sources=(f"{_SQS_API}: CreateQueue, QueueName",),
    ),
    Constraint(
        "E9034",
        _QUEUE,
        "A queue is encrypted in two ways.",
        must=AtMostOne(IsTrue("SqsManagedSseEnabled"), Present("KmsMasterKeyId")),
        message="Queue {id} has `SqsManagedSseEnabled: true` and `KmsMasterKeyId`",
        fix="Remove one of them.",
        error_messages=(
            "You can use one type of server-side encryption (SSE) at one time. You can either "
            "enable KMS SSE or SQS SSE.",
        ),
        sources=(f"{_SQS_API}: CreateQueue, Attributes",),
    ),
    Constraint(
        "E9035",
        f"{_QUEUE} RedrivePolicy",
        "The redrive policy of a queue is incomplete, or its dead-letter queue does not fit.",
        when=IsMap(""),
        must=All(
            Present("deadLetterTargetArn"),
            Present("maxReceiveCount"),
            Within("maxReceiveCount", *MAX_RECEIVE_COUNT),
            IsArnOf("deadLetterTargetArn", "sqs"),
            Either(
                Not(Matches("deadLetterTargetArn", "arn:.*")),
                All(IsTrue("/FifoQueue"), EndsWith("deadLetterTargetArn", (".fifo",))),
                All(
                    Not(IsTrue("/FifoQueue")),
                    Not(EndsWith("deadLetterTargetArn", (".fifo",))),
                ),
            ),
        ),
        message="The `RedrivePolicy` of queue {id} is not complete, or names a queue of the other "
        "type",
        fix="Write `deadLetterTargetArn` with the ARN of a queue of the same type, and "
        f"`maxReceiveCount` from {MAX_RECEIVE_COUNT[0]} to {MAX_RECEIVE_COUNT[1]}.",
        error_messages=(
            "Redrive policy does not contain mandatory attribute: ...",
            "Invalid value for maxReceiveCount: ..., valid values are from 1 to 1000 both "
            "inclusive.",
            "Dead-letter queue must be same type of queue as the source.",
            "Only SQS queues are valid resources for deadLetterTargetArn",
        ),
        sources=(f"{_SQS_API}: CreateQueue, RedrivePolicy", _REPRODUCED),
    ),
    Constraint(
        "E9036",
        f"{_QUEUE} RedriveAllowPolicy",
        "The redrive allow policy of a queue and its source queues do not fit.",
        when=IsMap(""),
        must=Either(
            All(
                Is("redrivePermission", "byQueue"),
                NotEmpty("sourceQueueArns"),
                Count("sourceQueueArns", *SOURCE_QUEUES),
            ),
            All(Is("redrivePermission", "allowAll", "denyAll"), Absent("sourceQueueArns")),
        ),
        message="The `RedriveAllowPolicy` of queue {id} has `redrivePermission` "
        "{redrivePermission}, which does not fit `sourceQueueArns`",
        fix="Write `byQueue` with from 1 to 10 `sourceQueueArns`, or `allowAll` or `denyAll` "
        "without.",
        error_messages=(
            "When you specify the byQueue permission type, you must also specify between 1 and 10 "
            "source queue ARNs.",
            "You can specify source queue ARNs only when the permission type is byQueue.",
        ),
        sources=(f"{_SQS_API}: CreateQueue, RedriveAllowPolicy", _REPRODUCED),
    ),
    Constraint(
        "E9037",
        (
            "AWS::SQS::QueuePolicy Queues[]",
            "AWS::SQS::QueueInlinePolicy Queue",
            "AWS::SNS::TopicPolicy Topics[]",
            "AWS::SNS::TopicInlinePolicy TopicArn",
        ),
        "A policy names its queue by the ARN, or its topic by the name.",
        must=All(
            Not(IsReference("", _QUEUE, "Arn")),
            Not(IsReference("", _TOPIC, "TopicName")),
            Not(Matches("", r"arn:[^:]+:sqs:.*")),
            Either(
                All(Absent("/Topics"), Absent("/TopicArn")),
                Not(Matches("", "[A-Za-z0-9_.-]+")),
            ),
        ),
        message="Policy {id} names a queue by its ARN in place of its URL, or a topic by its name "
        "in place of its ARN",
        fix="Write `!Ref <queue>`, which is the URL, or `!Ref <topic>`, which is the ARN.",
        error_messages=(
            "The address arn:aws:sqs:... is not valid for this endpoint.",
            "An ARN must have at least 6 elements, not 1",
        ),
        sources=(
            "AWS CloudFormation template reference: AWS::SQS::QueuePolicy, Queues, and "
            "AWS::SNS::TopicPolicy, Topics",
        ),
    ),
    Constraint(
        "E9039",
        _QUEUE,
        "A FIFO queue has a high throughput without message groups.",
        when=Is("FifoThroughputLimit", "perMessageGroupId"),
        must=Is("DeduplicationScope", "messageGroup"),
        message="Queue {id} has `FifoThroughputLimit: perMessageGroupId` without "
        "`DeduplicationScope: messageGroup`",
        fix="Write `DeduplicationScope: messageGroup`.",
        error_messages=(
            "To set FifoThroughputLimit to perMessageGroupId, the DeduplicationScope must be "
            "messageGroup.",
        ),
        sources=(f"{_SQS_API}: CreateQueue, FifoThroughputLimit",),
    ),
    Constraint(
        "E9040",
        _TOPIC,
        "The name or an attribute of a topic is not one of its type.",
        must=All(
            Either(
                All(_IS_FIFO_TOPIC, Matches("TopicName", r"[A-Za-z0-9_-]+\.fifo")),
                All(Not(_IS_FIFO_TOPIC), Matches("TopicName", "[A-Za-z0-9_-]+")),
            ),
            Either(
                _IS_FIFO_TOPIC,
                All(
                    Not(IsTrue("ContentBasedDeduplication")),
                    Absent("ArchivePolicy"),
                    Absent("FifoThroughputScope"),
                ),
            ),
        ),
        message="Topic {id} has a name or an attribute that SNS does not accept for its type",
        fix="For a FIFO topic write `FifoTopic: true` and a name that ends with `.fifo`; otherwise "
        "remove the suffix, `ContentBasedDeduplication`, `ArchivePolicy` and "
        "`FifoThroughputScope`.",
        error_messages=(
            "Invalid parameter: Topic Name",
            "Invalid parameter: Attributes Reason: Unknown attribute ...",
        ),
        sources=(f"{_SNS_API}: CreateTopic, Name and Attributes",),
    ),
    Constraint(
        "E9041",
        _SUBSCRIPTIONS,
        "The endpoint of a subscription is not that of its protocol.",
        must=All(
            Is("Protocol", *ENDPOINTS),
            *(
                Either(Not(Is("Protocol", protocol)), Matches("Endpoint", form))
                for protocol, form in ENDPOINTS.items()
            ),
            *(
                Either(Not(Is("Protocol", protocol)), IsArnOf("Endpoint", service))
                for protocol, service in ARN_PROTOCOLS.items()
            ),
            Not(IsReference("Endpoint", _QUEUE, "Ref")),
            Not(IsReference("Endpoint", "AWS::Lambda::Function", "Ref")),
        ),
        message="{id} has a subscription with the protocol {Protocol}, for which its endpoint is "
        "not correct",
        fix="Write a URL, an address, or the ARN of the resource (`!GetAtt <queue>.Arn`), as the "
        "protocol requires.",
        error_messages=(
            "Invalid parameter: Endpoint must match the specified protocol",
            "Invalid parameter: SQS endpoint ARN",
            "Amazon SNS does not support this protocol string",
        ),
        sources=(f"{_SNS_API}: Subscribe, Protocol and Endpoint",),
    ),
    Constraint(
        "E9042",
        _SUBSCRIPTION,
        "A FIFO topic or FIFO queue has a subscription that is not for it.",
        must=All(
            Either(Not(_TO_FIFO_TOPIC), Is("Protocol", "sqs")),
            Either(
                Not(Refers("Endpoint", _QUEUE, _IS_FIFO)),
                Refers("TopicArn", _TOPIC, _IS_FIFO_TOPIC),
            ),
        ),
        message="Subscription {id} is for a FIFO topic with another protocol than `sqs`, or for a "
        "FIFO queue with a standard topic",
        fix="Subscribe queues to a FIFO topic, and FIFO queues only to a FIFO topic.",
        error_messages=(
            "Invalid parameter: Invalid protocol type: ...",
            "FIFO SQS Queues can not be subscribed to standard SNS topics",
        ),
        sources=(f"{_SNS_GUIDE}: Amazon SNS FIFO topics, Message delivery",),
    ),
    Constraint(
        "E9043",
        _SUBSCRIPTION,
        "A subscription has or lacks a setting of its protocol.",
        must=All(
            Not(
                All(
                    IsTrue("RawMessageDelivery"),
                    Is("Protocol", *PROTOCOLS_WITHOUT_RAW_MESSAGES),
                )
            ),
            Either(Not(Is("Protocol", "firehose")), Present("SubscriptionRoleArn")),
            Either(
                Not(IsMap("RedrivePolicy")),
                All(
                    Present("RedrivePolicy.deadLetterTargetArn"),
                    IsArnOf("RedrivePolicy.deadLetterTargetArn", "sqs"),
                ),
            ),
        ),
        message="The settings of subscription {id} do not fit its protocol {Protocol}, or its "
        "`RedrivePolicy` names no queue",
        fix="Write `RawMessageDelivery` only for queues, streams and URLs, `SubscriptionRoleArn` "
        "for `firehose`, and the ARN of a queue as `deadLetterTargetArn`.",
        error_messages=(
            "Delivery protocol [...] does not support raw message delivery.",
            "Delivery protocol firehose can only be subscribed with subscription role arn",
            "RedrivePolicy: deadLetterTargetArn must be a SQS queue",
        ),
        sources=(f"{_SNS_API}: Subscribe, Attributes", _REPRODUCED),
    ),
    Constraint(
        "E9044",
        _SUBSCRIPTION,
        "The filter policy of a subscription has more than five keys.",
        must=Count("FilterPolicy", 0, MAX_KEYS),
        message=f"Subscription {{id}} has a filter policy with more than {MAX_KEYS} keys",
        fix=f"Filter by at most {MAX_KEYS} keys.",
        error_messages=("Filter policy can not have more than 5 keys",),
        sources=(f"{_SNS_GUIDE}: Filter policy constraints in Amazon SNS",),
    ),
    Constraint(
        "E9045",
        (f"{_SUBSCRIPTION} FilterPolicy{{}}", *_PATTERN_KEYS),
        "A filter or an event pattern has a value that is no list, or an empty list.",
        must=All(Not(_IS_SCALAR), NotEmpty("")),
        message="{id} filters by a value that is not in a list, or by an empty list",
        fix="Write a list of values, such as `[value]`.",
        error_messages=(
            'Event pattern is not valid. Reason: "..." must be an object or an array',
            "Event pattern is not valid. Reason: Empty arrays are not allowed",
        ),
        sources=(
            f"{_SNS_GUIDE}: Filter policy constraints in Amazon SNS",
            "Amazon EventBridge user guide: Creating Amazon EventBridge event patterns",
        ),
    ),
    Constraint(
        "E9046",
        _RULE_TARGET,
        "Events go to a topic that is encrypted with the AWS managed key.",
        when=Absent("RoleArn"),
        must=Refers("Arn", _TOPIC, Not(EndsWith("KmsMasterKeyId", ("alias/aws/sns",)))),
        message="Rule {id} sends to a topic with the key `alias/aws/sns`, which EventBridge may "
        "not use",
        fix="Encrypt the topic with a key whose policy allows events.amazonaws.com `kms:Decrypt` "
        "and `kms:GenerateDataKey*`.",
        why="The key policy of `alias/aws/sns` does not allow services and cannot be changed, so "
        "no message arrives.",
        sources=(f"{_SNS_GUIDE}: Managing Amazon SNS encryption keys and costs",),
    ),
    Constraint(
        "E9718",
        _ALARM_TARGETS,
        "An alarm sends to a topic that is encrypted with the AWS managed key.",
        must=Refers("", _TOPIC, Not(EndsWith("KmsMasterKeyId", ("alias/aws/sns",)))),
        message="Alarm {id} sends to a topic with the key `alias/aws/sns`, which CloudWatch may "
        "not use",
        fix="Encrypt the topic with a key whose policy allows cloudwatch.amazonaws.com "
        "`kms:Decrypt` and `kms:GenerateDataKey*`.",
        why="The key policy of `alias/aws/sns` does not allow services and cannot be changed, so "
        "no message arrives.",
        sources=(f"{_SNS_GUIDE}: Managing Amazon SNS encryption keys and costs",),
    ),
    Constraint(
        "E9047",
        _ALARM_TARGETS,
        "The key of a topic does not allow CloudWatch to send alarms.",
        must=Refers("", _TOPIC, KeyTrusts("KmsMasterKeyId", "cloudwatch")),
        message="Alarm {id} sends to a topic whose key has no statement for CloudWatch",
        fix="Allow `Service: cloudwatch.amazonaws.com` the actions `kms:Decrypt` and "
        "`kms:GenerateDataKey*` in the key's policy.",
        sources=(f"{_SNS_GUIDE}: Managing Amazon SNS encryption keys and costs",),
    ),
    Constraint(
        "E9048",
        _RULE_TARGET,
        "The key of a topic or queue does not allow EventBridge to send events.",
        when=Absent("RoleArn"),
        must=All(
            Refers("Arn", _TOPIC, KeyTrusts("KmsMasterKeyId", "events")),
            Refers("Arn", _QUEUE, KeyTrusts("KmsMasterKeyId", "events")),
        ),
        message="Rule {id} sends to a topic or queue whose key has no statement for EventBridge",
        fix="Allow `Service: events.amazonaws.com` the actions `kms:Decrypt` and "
        "`kms:GenerateDataKey*` in the key's policy.",
        sources=(
            f"{_SNS_GUIDE}: Managing Amazon SNS encryption keys and costs",
            "Amazon SQS developer guide: Key management",
        ),
    ),
)
