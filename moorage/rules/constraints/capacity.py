"""Constraints of capacity providers, default strategies, and settings of clusters."""

from __future__ import annotations

from moorage.rules.constraints.combinations import (
    All,
    Among,
    AtMostOne,
    Each,
    Either,
    Not,
    Refers,
)
from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.predicates import (
    Absent,
    AtMost,
    Is,
    IsTrue,
    Matches,
    Present,
)
from moorage.rules.constraints.relations import NoOther

_CLUSTER = "AWS::ECS::Cluster"
_PROVIDER = "AWS::ECS::CapacityProvider"
_ASSOCIATIONS = "AWS::ECS::ClusterCapacityProviderAssociations"
_GROUP = "AWS::AutoScaling::AutoScalingGroup"
_API = "Amazon ECS API reference"
_PREFLIGHT = "AWS's error message, reproduced by cdk-preflight"
_GROUP_ARN = "AutoScalingGroupProvider.AutoScalingGroupArn"
_REQUIREMENTS = (
    "AcceleratorCount",
    "AcceleratorTotalMemoryMiB",
    "BaselineEbsBandwidthMbps",
    "MemoryGiBPerVCpu",
    "MemoryMiB",
    "NetworkBandwidthGbps",
    "NetworkInterfaceCount",
    "TotalLocalStorageGB",
    "VCpuCount",
)
_IS_FARGATE = Is("CapacityProvider", "FARGATE", "FARGATE_SPOT")
_IS_GROUP = Refers("", _PROVIDER, Present("AutoScalingGroupProvider"))
"""A reference to a capacity provider of instances, whose name is never FARGATE."""

CONSTRAINTS = (
    Constraint(
        "E9280",
        _CLUSTER,
        "The name of a cluster is not valid.",
        must=Matches("ClusterName", "[A-Za-z0-9_-]{1,255}"),
        message="Cluster {id} has the name {ClusterName}",
        fix="Write up to 255 letters, digits, hyphens and underscores.",
        sources=(f"{_API}: CreateCluster, clusterName",),
    ),
    Constraint(
        "E9281",
        f"{_CLUSTER} ClusterSettings[]",
        "A cluster has a setting that does not exist.",
        must=All(
            Is("Name", "containerInsights"),
            Either(Absent("Value"), Is("Value", "enhanced", "enabled", "disabled")),
        ),
        message="Cluster {id} has the setting {Name} with the value {Value}",
        fix="Write `Name: containerInsights`, and `enhanced`, `enabled` or `disabled` as `Value`.",
        sources=(f"{_API}: ClusterSetting",),
    ),
    Constraint(
        "E9282",
        f"{_CLUSTER} Configuration.ExecuteCommandConfiguration",
        "The log configuration of ECS Exec names neither a log group nor a bucket.",
        when=All(Is("Logging", "OVERRIDE"), Present("LogConfiguration")),
        must=Either(
            Present("LogConfiguration.CloudWatchLogGroupName"),
            Present("LogConfiguration.S3BucketName"),
        ),
        message="The `LogConfiguration` for ECS Exec of cluster {id} names neither a log group nor "
        "a bucket",
        fix="Write `CloudWatchLogGroupName` or `S3BucketName`.",
        error_messages=(
            "A CloudWatch log group name or S3 bucket name must be specified when overriding the "
            "default log configuration",
        ),
        sources=(f"{_API}: ExecuteCommandLogConfiguration", _PREFLIGHT),
    ),
    Constraint(
        "E9283",
        tuple(f"{kind} DefaultCapacityProviderStrategy[]" for kind in (_CLUSTER, _ASSOCIATIONS)),
        "A default strategy has a capacity provider that the cluster does not have.",
        when=Either(
            _IS_FARGATE,
            Refers("CapacityProvider", _PROVIDER, Present("AutoScalingGroupProvider")),
        ),
        must=Either(
            All(
                _IS_FARGATE,
                Among("CapacityProvider", "/CapacityProviders", where=Not(_IS_GROUP)),
            ),
            All(Not(_IS_FARGATE), Among("CapacityProvider", "/CapacityProviders")),
        ),
        message="The default strategy of {id} has a capacity provider that is not in its "
        "`CapacityProviders`",
        fix="Add it to `CapacityProviders`.",
        error_messages=(
            "The specified capacity provider strategy cannot contain a capacity provider that is "
            "not associated with the cluster",
        ),
        sources=(f"{_API}: CreateCluster, defaultCapacityProviderStrategy", _PREFLIGHT),
    ),
    Constraint(
        "E9284",
        _PROVIDER,
        "Managed termination protection is on for a group that does not protect its instances.",
        when=Is("AutoScalingGroupProvider.ManagedTerminationProtection", "ENABLED"),
        must=Refers(_GROUP_ARN, _GROUP, IsTrue("NewInstancesProtectedFromScaleIn")),
        message="Capacity provider {id} has managed termination protection, but its Auto Scaling "
        "group does not protect new instances from scale-in",
        fix="Write `NewInstancesProtectedFromScaleIn: true` in the Auto Scaling group.",
        error_messages=(
            "To enable managed termination protection for a capacity provider, the Auto Scaling "
            "group must have instance protection from scale-in enabled",
        ),
        sources=(f"{_API}: AutoScalingGroupProvider, managedTerminationProtection", _PREFLIGHT),
    ),
    Constraint(
        "E9285",
        _PROVIDER,
        "Two capacity providers have the same Auto Scaling group.",
        when=Present(_GROUP_ARN),
        must=NoOther((_GROUP_ARN,)),
        message="Capacity provider {id} has the Auto Scaling group of another capacity provider",
        fix="Use one capacity provider, or another group.",
        error_messages=(
            "The specified Auto Scaling group ARN is already being used by another capacity "
            "provider.",
        ),
        sources=("aws/containers-roadmap#632",),
    ),
    Constraint(
        "E9286",
        _PROVIDER,
        "A capacity provider is for neither or both kinds of instances, or has no cluster.",
        must=All(
            AtMostOne(Present("AutoScalingGroupProvider"), Present("ManagedInstancesProvider")),
            Either(Present("AutoScalingGroupProvider"), Present("ManagedInstancesProvider")),
            Either(Present("ClusterName"), Absent("ManagedInstancesProvider")),
        ),
        message="Capacity provider {id} does not have exactly one of `AutoScalingGroupProvider` "
        "and `ManagedInstancesProvider`, or lacks the `ClusterName` of Managed Instances",
        fix="Write `AutoScalingGroupProvider`, or `ManagedInstancesProvider` and `ClusterName`.",
        sources=(f"{_API}: CreateCapacityProvider", f"{_API}: CapacityProvider, cluster"),
    ),
    Constraint(
        "E9287",
        f"{_PROVIDER} ManagedInstancesProvider.InstanceLaunchTemplate.InstanceRequirements",
        "A requirement for managed instances has a minimum above its maximum.",
        must=All(*(AtMost(f"{key}.Min", f"{key}.Max") for key in _REQUIREMENTS)),
        message="Capacity provider {id} has an instance requirement with a `Min` above its `Max`",
        fix="Lower `Min`, or raise `Max`.",
        sources=(f"{_API}: InstanceRequirementsRequest",),
    ),
    Constraint(
        "E9332",
        "AWS::ECS::Daemon",
        "A daemon is to run on instances that are not managed by ECS.",
        must=Each(
            "CapacityProviderArns", Refers("", _PROVIDER, Present("ManagedInstancesProvider"))
        ),
        message="Daemon {id} has a capacity provider that is not for Managed Instances",
        fix="Write the ARN of a capacity provider with `ManagedInstancesProvider`. For other "
        "instances, use a service with `SchedulingStrategy: DAEMON`.",
        sources=(f"{_API}: CreateDaemon",),
    ),
)
