"""Resources that are made anew, and data that goes with the old ones."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.changes import Comparison, ResourcePair
from moorage.cfn.value_comparison import differs
from moorage.update.effect import Effect

_ROUTINE = frozenset(
    {
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        "AWS::EC2::Route",
        "AWS::EC2::RouteTable",
        "AWS::EC2::SecurityGroupEgress",
        "AWS::EC2::SecurityGroupIngress",
        "AWS::EC2::SubnetRouteTableAssociation",
        "AWS::EC2::VPCGatewayAttachment",
        "AWS::ECS::TaskDefinition",
        "AWS::ElasticLoadBalancingV2::ListenerCertificate",
        "AWS::ElasticLoadBalancingV2::ListenerRule",
        "AWS::IAM::InstanceProfile",
    }
)
"""Types whose replacement nobody notices."""


_MEANS = {
    ecs.LOAD_BALANCER: "It gets another DNS name and other addresses: clients that know the old "
    "ones lose it",
    ecs.TARGET_GROUP: "Its listener leads to the new one at once, which is empty until the "
    "service's new tasks are there: nobody answers meanwhile",
    ecs.LISTENER: "The old one answers until the new load balancer's does",
    ecs.SERVICE: "A new service starts beside the old one, and the old one's tasks stop after it",
    ecs.CLUSTER: "Every service in it is made anew",
    "AWS::EC2::EIP": "The address changes: clients that know the old one lose it",
    "AWS::EC2::NatGateway": "Outgoing traffic comes from another address, unless its Elastic IP "
    "stays",
    "AWS::EC2::SecurityGroup": "Rules elsewhere that name the old one by its id stop to hold",
    "AWS::EC2::Subnet": "Everything that has an address in it must leave it first",
    "AWS::EC2::VPC": "Everything in it is made anew",
    "AWS::IAM::Role": "Policies elsewhere that name the old one's ARN stop to hold",
    "AWS::Route53::HostedZone": "It gets other name servers",
}


_STATEFUL = frozenset(
    {
        "AWS::DynamoDB::GlobalTable",
        "AWS::DynamoDB::Table",
        "AWS::EC2::Volume",
        "AWS::ECR::Repository",
        "AWS::EFS::FileSystem",
        "AWS::ElastiCache::ReplicationGroup",
        "AWS::ElastiCache::CacheCluster",
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
"""Types that hold what cannot be made again."""


_SNAPSHOT_BY_DEFAULT = frozenset({"AWS::RDS::DBCluster", "AWS::RDS::DBInstance"})
"""Types of which a snapshot is kept where no DeletionPolicy says otherwise, but for the instances
of a cluster."""

_FULL_MUST_STAY = frozenset({"AWS::S3::Bucket", "AWS::ECR::Repository"})
"""Types that cannot be deleted while they hold something."""


_KEEPS = frozenset({"Retain", "RetainExceptOnCreate", "Snapshot"})


def find_replacements(change: Comparison) -> Iterator[Effect]:
    """What is replaced or deleted, and what that means."""
    yield from _retyped(change)
    yield from _replacements(change)
    yield from _lost(change)


def _retyped(change: Comparison) -> Iterator[Effect]:
    for pair in change.pairs:
        if pair.old.type != pair.new.type:
            yield Effect(
                "M1402",
                "error",
                pair.new.body["Type"],
                f"{pair.new.id} was {pair.old.type}, and CloudFormation refuses to change a type",
                "Give the new resource a logical ID of its own.",
            )


def _replacements(change: Comparison) -> Iterator[Effect]:
    for new, (pair, reason) in change.replacements.items():
        means = _MEANS.get(new.type)
        follows = not differs(pair.old[reason], new[reason])
        if new.type in _ROUTINE or (means is None and (follows or _emptied(pair))):
            continue  # nobody notices, or it is told otherwise
        yield Effect(
            "M1401",
            "warning" if means else "info",
            new[reason],
            f"{new.id} ({new.type}) is made anew, because {reason} changes"
            + (f". {means}" if means else ""),
            "Keep the old value if that is not meant.",
        )


def _lost(change: Comparison) -> Iterator[Effect]:
    for old in change.removed:
        policy = old.body["DeletionPolicy"]
        kept = (
            policy.absent and old.type in _SNAPSHOT_BY_DEFAULT and old["DBClusterIdentifier"].absent
        )
        if old.type in _STATEFUL and policy.text not in _KEEPS and not kept:
            full = old.type in _FULL_MUST_STAY and not old["EmptyOnDelete"].flag
            yield Effect(
                "M1405",
                "warning",
                old.body,
                f"{old.id} ({old.type}) leaves the template "
                + (
                    "and cannot be deleted unless it is empty"
                    if full
                    else "and is deleted, with all that it holds"
                ),
                "Deploy it with `DeletionPolicy: Retain` first, if that is not meant.",
            )
    for new, (pair, reason) in change.replacements.items():
        if _emptied(pair):
            yield Effect(
                "M1405",
                "warning",
                new[reason],
                f"{new.id} ({new.type}) is made anew and empty, because {reason} changes, and the "
                "old one is deleted with all that it holds",
                "Write `UpdateReplacePolicy: Retain`, or keep the old value.",
            )


def _emptied(pair: ResourcePair) -> bool:
    """Whether what a resource holds goes when it is made anew."""
    policies = {one.body["UpdateReplacePolicy"].text for one in (pair.old, pair.new)}
    return pair.new.type in _STATEFUL and not policies & _KEEPS
