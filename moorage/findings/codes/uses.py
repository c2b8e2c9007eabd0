"""M3600 to M3699: what tasks use, and the stacks of buckets, tables and topics."""

from __future__ import annotations

from moorage.findings.codes.code import Code
from moorage.findings.codes.in_templates import ALLOWED, NO_EFFECT, PARAMS

_USES = (
    Code(
        "M3601",
        "The stack in `uses` does not have that access.",
        "Each stack kind has its own accesses: a `bucket` and a `table` have `read` and `write`, a "
        "`topic` has `send`, and the queue of a `worker` has `send` and `consume`.",
        "Write an access that the stack has.",
        """\
uses:
  uploads: [read, write]  # a bucket
  events: send  # a topic
""",
        not_in_templates=PARAMS,
    ),
    Code(
        "M3602",
        "`variables` renames a value that the stack does not have.",
        "The keys of `variables` are the names of what the stack gives to the containers: `bucket` "
        "for a bucket, `table` for a table, `topic_arn` for a topic, `queue_url` for a queue.",
        "Write the name of such a value, or remove the entry.",
        """\
uses:
  uploads: {access: read, variables: {bucket: S3_BUCKET}}
""",
        not_in_templates=PARAMS,
    ),
    Code(
        "M3603",
        "A worker uses its own queue to receive messages.",
        "The tasks of a worker may receive the messages of its queue anyway, and have its URL as "
        "`QUEUE_URL`.",
        "Remove the entry.",
        """\
template: worker
uses: {uploads: read}  # not the worker itself
""",
        not_in_templates=NO_EFFECT,
    ),
    Code(
        "M3604",
        "What the tasks use is in another network.",
        "Security groups allow traffic inside one VPC. Moorage does not connect the networks of an "
        "environment.",
        "Write the network of the other stack, or move that stack.",
        """\
network: network  # the same as that of `shop-db`
uses: {shop-db: connect}
""",
        not_in_templates=PARAMS,
    ),
    Code(
        "M3605",
        "Settings of a resource that already exists have no effect.",
        "With `existing:`, Moorage creates and changes nothing.",
        "Remove the other keys, or remove `existing`.",
        """\
template: bucket
existing: {name: shop-uploads}  # alone
""",
        not_in_templates=NO_EFFECT,
    ),
)

_STORES = (
    Code(
        "M3606",
        "A bucket without versioning has no noncurrent versions.",
        "S3 keeps overwritten and deleted objects as noncurrent versions only with versioning.",
        "Remove `expire_versions_after`, or remove `versioning: false`.",
        """\
template: bucket
versioning: false
expire_after: 90d  # of the objects themselves
""",
        not_in_templates=ALLOWED,
    ),
    Code(
        "M3608",
        "A table has no partition key.",
        "DynamoDB finds each item by its partition key.",
        "Write the attribute as `partition_key`, or name an existing table.",
        """\
template: table
partition_key: id
""",
        rules=("E3002",),
    ),
    Code(
        "M3609",
        "Keys of a table contradict each other.",
        "An attribute has one type in all keys of a table and its indexes, and the sort key of a "
        "key is another attribute than its partition key.",
        "Write the same type everywhere, or use another attribute.",
        """\
template: table
partition_key: customer
sort_key: {name: created, type: number}
indexes:
  by-state: {partition_key: state, sort_key: {name: created, type: number}}
""",
        ("Amazon DynamoDB API reference, AttributeDefinition and KeySchemaElement",),
        rules=("E3039",),
    ),
)

_SUBSCRIPTIONS = (
    Code(
        "M3610",
        "SNS cannot use the dead-letter queue of the worker.",
        "With `dead_letters: true`, SNS sends what it cannot deliver to the dead-letter queue of "
        "the worker. The policy of an existing queue is not changed, so it would refuse that. The "
        "dead-letter queue of a FIFO topic's subscription must be a FIFO queue.",
        "Remove `dead_letters`, or let the stack create a dead-letter queue of the topic's kind.",
        """\
queue:
  topics: {events: {dead_letters: true}}
  dead_letter_queue: {retention: 14d}  # without `existing`
""",
        ('Amazon SNS developer guide, "Amazon SNS dead-letter queues"',),
        rules=("E9800",),
    ),
    Code(
        "M3611",
        "`filter_on` has no effect without a filter.",
        "It says whether the filter applies to the attributes or to the body of a message.",
        "Add `filter:`, or remove `filter_on`.",
        """\
queue:
  topics: {events: {filter: {kind: [order]}, filter_on: body}}
""",
        not_in_templates=NO_EFFECT,
    ),
    Code(
        "M3612",
        "The filter of a subscription is larger than SNS allows.",
        "A filter has at most 5 keys, and at most 150 combinations of their values.",
        "Remove keys or values, or filter in the application.",
        """\
queue:
  topics: {events: {filter: {kind: [order, refund], country: [de, fr]}}}  # 4 combinations
""",
        ('Amazon SNS developer guide, "Filter policy constraints in Amazon SNS"',),
        rules=("E9044",),
    ),
    Code(
        "M3613",
        "The filter of a subscription has another form than SNS expects.",
        "Each key has a list of values and patterns. Only a filter on the body can have keys below "
        "a key.",
        "Write a list for each key, or `filter_on: body` for nested keys.",
        """\
queue:
  topics: {events: {filter: {kind: [order, {prefix: refund-}]}}}
""",
        ('Amazon SNS developer guide, "Filter policy constraints in Amazon SNS"',),
        rules=("E9045",),
    ),
)

CODES = (*_USES, *_STORES, *_SUBSCRIPTIONS)
