"""Resources that an update replaces, and data that is deleted with the old ones."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn.changes import Comparison, ResourcePair
from moorage.cfn.stack import Resource
from moorage.cfn.value_comparison import differs
from moorage.facts.deletion_policies import KEEPING
from moorage.facts.replacements import REPLACEMENT_CONSEQUENCES, ROUTINE_REPLACEMENTS
from moorage.update.effect import Effect
from moorage.update.traffic_shifting import shifted_target_groups

_STATEFUL = frozenset(
    {
        "AWS::DynamoDB::GlobalTable",
        "AWS::DynamoDB::Table",
        "AWS::EC2::Volume",
        "AWS::ECR::Repository",
        "AWS::EFS::FileSystem",
        "AWS::ElastiCache::ReplicationGroup",
        "AWS::ElastiCache::CacheCluster",
        "AWS::ElastiCache::ServerlessCache",
        "AWS::Kinesis::Stream",
        "AWS::KMS::Key",
        "AWS::Logs::LogGroup",
        "AWS::OpenSearchService::Domain",
        "AWS::RDS::DBCluster",
        "AWS::RDS::DBInstance",
        "AWS::S3::Bucket",
        "AWS::SecretsManager::Secret",
        "AWS::SQS::Queue",
    }
)
"""Types with data that cannot be restored."""


_SNAPSHOT_BY_DEFAULT = frozenset({"AWS::RDS::DBCluster", "AWS::RDS::DBInstance"})
"""Types of which CloudFormation keeps a snapshot by default."""

_UNDELETABLE_UNLESS_EMPTY = frozenset({"AWS::S3::Bucket", "AWS::ECR::Repository"})
"""Types that cannot be deleted unless they are empty."""


def find_replacements(change: Comparison) -> Iterator[Effect]:
    """Yields resources that are replaced or deleted, and what that means."""
    yield from _changed_types(change)
    yield from _replacements(change)
    yield from _deleted_data(change)


def _changed_types(change: Comparison) -> Iterator[Effect]:
    for pair in change.pairs:
        if pair.old.type != pair.new.type:
            yield Effect(
                "M1402",
                "error",
                pair.new.body["Type"],
                f"{pair.new.id} was of type {pair.old.type}, and CloudFormation refuses to change "
                "the type of a resource",
                "Give the new resource another logical ID.",
            )


def _replacements(change: Comparison) -> Iterator[Effect]:
    reported_elsewhere = shifted_target_groups(change)
    for new, (pair, reason) in change.replacements.items():
        if new in reported_elsewhere:
            continue
        consequence = REPLACEMENT_CONSEQUENCES.get(new.type)
        follows = not differs(pair.old[reason], new[reason])
        if new.type in ROUTINE_REPLACEMENTS or (
            consequence is None and (follows or _loses_data(pair))
        ):
            continue  # no visible effect, or reported with the resource that causes it
        yield Effect(
            "M1401",
            "warning" if consequence else "info",
            new[reason],
            f"{new.id} ({new.type}) is replaced, because {reason} changes"
            + (f". {consequence}" if consequence else ""),
            f"Keep the old value of {reason} unless the replacement is intended.",
        )


def _deleted_data(change: Comparison) -> Iterator[Effect]:
    for old in change.removed:
        policy = old.body["DeletionPolicy"]
        kept = policy.absent and old.type in _SNAPSHOT_BY_DEFAULT
        if _has_data(old) and policy.text not in KEEPING and not kept:
            undeletable = old.type in _UNDELETABLE_UNLESS_EMPTY and not old["EmptyOnDelete"].flag
            yield Effect(
                "M1405",
                "warning",
                old.body,
                f"{old.id} ({old.type}) is removed from the template "
                + (
                    "and cannot be deleted unless it is empty"
                    if undeletable
                    else "and is deleted with all its data"
                ),
                "To keep it, first deploy it with `DeletionPolicy: Retain`.",
            )
    for new, (pair, reason) in change.replacements.items():
        if _loses_data(pair):
            yield Effect(
                "M1405",
                "warning",
                new[reason],
                f"{new.id} ({new.type}) is replaced by an empty one, because {reason} changes, "
                "and the old one is deleted with all its data",
                f"Add `UpdateReplacePolicy: Retain`, or keep the old value of {reason}.",
            )


def _loses_data(pair: ResourcePair) -> bool:
    """Whether the data of a resource is deleted when it is replaced."""
    policies = {resource.body["UpdateReplacePolicy"].text for resource in (pair.old, pair.new)}
    return _has_data(pair.new) and not policies.intersection(KEEPING)


def _has_data(resource: Resource) -> bool:
    """Whether a resource has data that cannot be restored. The data of a database cluster is not in
    its instances."""
    return resource.type in _STATEFUL and resource["DBClusterIdentifier"].absent
