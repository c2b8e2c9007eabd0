"""Constraints of clusters, capacity providers and services."""

from __future__ import annotations

from moorage.rules.constraints.combinations import All, AtMostItems, Either, Not, Some
from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.predicates import (
    Absent,
    AtMost,
    Count,
    Is,
    Length,
    Matches,
    NotEmpty,
    Present,
    Within,
)

_SERVICE = "AWS::ECS::Service"
_CLUSTER = "AWS::ECS::Cluster"
_PROVIDER = "AWS::ECS::CapacityProvider"
_ASSOCIATIONS = "AWS::ECS::ClusterCapacityProviderAssociations"
_API = "Amazon ECS API reference"
_STRATEGIES = (
    (_SERVICE, "CapacityProviderStrategy"),
    ("AWS::ECS::TaskSet", "CapacityProviderStrategy"),
    (_CLUSTER, "DefaultCapacityProviderStrategy"),
    (_ASSOCIATIONS, "DefaultCapacityProviderStrategy"),
)
_IN_STRATEGIES = tuple(f"{kind} {key}[]" for kind, key in _STRATEGIES)
_PATH = ("CapacityProviderStrategy", "DefaultCapacityProviderStrategy")

CONSTRAINTS = (
    Constraint(
        "E9221",
        f"{_CLUSTER} Configuration.ExecuteCommandConfiguration",
        "A log configuration of ECS Exec is not used, because Logging is not OVERRIDE.",
        when=Present("LogConfiguration"),
        must=Is("Logging", "OVERRIDE"),
        message="Cluster {id} has a `LogConfiguration` for ECS Exec, but `Logging` is not "
        "`OVERRIDE`",
        fix="Write `Logging: OVERRIDE`, or remove `LogConfiguration`.",
        error_messages=("You must set logging to 'OVERRIDE' when you supply a log configuration",),
        sources=("terraform-aws-modules/terraform-aws-ecs#84",),
        failure_ids=("cluster-exec-log-configuration-without-override",),
    ),
    Constraint(
        "E9222",
        f"{_CLUSTER} Configuration.ExecuteCommandConfiguration",
        "The logging of ECS Exec is OVERRIDE, but there is no log configuration.",
        when=Is("Logging", "OVERRIDE"),
        must=Present("LogConfiguration"),
        message="Cluster {id} has `Logging: OVERRIDE` for ECS Exec, but no `LogConfiguration`",
        fix="Write `LogConfiguration`, or `Logging: DEFAULT`.",
        sources=(f"{_API}: ExecuteCommandConfiguration, logging",),
    ),
    Constraint(
        "E9223",
        f"{_CLUSTER} ServiceConnectDefaults",
        "The namespace of a cluster has a name that is not valid.",
        must=Matches("Namespace", r'[^<>"/]{1,1024}|arn:.*'),
        message="Cluster {id} has the namespace {Namespace}",
        fix='Write a name without `<`, `>`, `"` and `/`, or the ARN of a namespace.',
        sources=(f"{_API}: ClusterServiceConnectDefaultsRequest, namespace",),
    ),
    Constraint(
        "E9204",
        _PROVIDER,
        "The name of a capacity provider has a reserved prefix.",
        must=Not(Matches("Name", "(?i:aws|ecs|fargate).*")),
        message="Capacity provider {id} has the name {Name}",
        fix="Write a name that does not begin with `aws`, `ecs` or `fargate`.",
        sources=(f"{_API}: CreateCapacityProvider, name",),
    ),
    Constraint(
        "E9206",
        f"{_PROVIDER} AutoScalingGroupProvider.ManagedScaling",
        "The smallest scaling step is above the largest.",
        must=AtMost("MinimumScalingStepSize", "MaximumScalingStepSize"),
        message="Capacity provider {id} has the `MinimumScalingStepSize` "
        "{MinimumScalingStepSize}, which is above the `MaximumScalingStepSize` "
        "{MaximumScalingStepSize}",
        fix="Lower `MinimumScalingStepSize`.",
        sources=(f"{_API}: ManagedScaling",),
    ),
    Constraint(
        "E9207",
        f"{_PROVIDER} AutoScalingGroupProvider",
        "Managed termination protection is on, but managed scaling is not.",
        when=Is("ManagedTerminationProtection", "ENABLED"),
        must=Is("ManagedScaling.Status", "ENABLED"),
        message="Capacity provider {id} has managed termination protection without managed scaling",
        fix="Write `ManagedScaling: {Status: ENABLED}`.",
        sources=(f"{_API}: AutoScalingGroupProvider, managedTerminationProtection",),
    ),
    Constraint(
        "E9211",
        tuple(kind for kind, _ in _STRATEGIES),
        "Two capacity providers of a strategy have a base.",
        must=All(
            *(Count(path, 0, 20) for path in _PATH),
            *(AtMostItems(path, 1, Within("Base", 1, None)) for path in _PATH),
        ),
        message="The capacity provider strategy of {id} has more than one base, or more than 20 "
        "capacity providers",
        fix="Write `Base` for one capacity provider only.",
        sources=(f"{_API}: CapacityProviderStrategyItem, base",),
    ),
    Constraint(
        "E9212",
        tuple(kind for kind, _ in _STRATEGIES),
        "All capacity providers of a strategy have the weight 0.",
        must=All(
            *(
                Either(
                    Not(NotEmpty(path)),
                    Some(path, Within("Weight", 1, None)),
                    Some(path, Absent("Weight")),
                )
                for path in _PATH
            )
        ),
        message="All capacity providers in the strategy of {id} have the weight 0",
        fix="Write a `Weight` of at least 1 for one of them.",
        sources=(f"{_API}: CapacityProviderStrategyItem, weight",),
    ),
    Constraint(
        "E9224",
        (_SERVICE, "AWS::ECS::ExpressGatewayService"),
        "The name of a service is not valid.",
        must=Matches("ServiceName", "[A-Za-z0-9_-]{1,255}"),
        message="Service {id} has the name {ServiceName}",
        fix="Write up to 255 letters, digits, hyphens and underscores.",
        sources=(f"{_API}: CreateService, serviceName",),
    ),
    Constraint(
        "E9226",
        _SERVICE,
        "A service has more than five placement strategies.",
        must=Count("PlacementStrategies", 0, 5),
        message="Service {id} has more than 5 placement strategies",
        fix="Write up to 5.",
        sources=(f"{_API}: CreateService, placementStrategy",),
    ),
    Constraint(
        "E9227",
        _SERVICE,
        "A service has more than ten placement constraints.",
        must=Count("PlacementConstraints", 0, 10),
        message="Service {id} has more than 10 placement constraints",
        fix="Write up to 10.",
        sources=(f"{_API}: CreateService, placementConstraints",),
    ),
    Constraint(
        "E9228",
        f"{_SERVICE} PlacementConstraints[]",
        "The expression of a placement constraint has more than 2,000 characters.",
        must=Length("Expression", 1, 2000),
        message="A placement constraint of service {id} has more than 2,000 characters",
        fix="Write up to 2,000 characters.",
        sources=(f"{_API}: PlacementConstraint, expression",),
    ),
    Constraint(
        "E9229",
        f"{_SERVICE} VolumeConfigurations[].ManagedEBSVolume",
        "An EBS volume has neither a size nor a snapshot.",
        must=Either(Present("SizeInGiB"), Present("SnapshotId")),
        message="An EBS volume of service {id} has neither `SizeInGiB` nor `SnapshotId`",
        fix="Write `SizeInGiB`.",
        sources=(f"{_API}: ServiceManagedEBSVolumeConfiguration, sizeInGiB",),
    ),
    Constraint(
        "E9231",
        f"{_SERVICE} VolumeConfigurations[].ManagedEBSVolume.TagSpecifications[].Tags[]",
        "A tag of an EBS volume is reserved.",
        must=Not(Is("Key", "AmazonECSCreated", "AmazonECSManaged")),
        message="An EBS volume of service {id} has the reserved tag {Key}",
        fix="Remove the tag.",
        sources=(f"{_API}: EBSTagSpecification, tags",),
    ),
    Constraint(
        "E9355",
        f"{_SERVICE} ServiceConnectConfiguration.Services[]",
        "A service of Service Connect has more than one client alias.",
        must=Count("ClientAliases", 0, 1),
        message="A service of the Service Connect configuration of {id} has more than one client "
        "alias",
        fix="Keep one of them.",
        sources=(f"{_API}: ServiceConnectService, clientAliases",),
    ),
    Constraint(
        "E9356",
        f"{_SERVICE} ServiceConnectConfiguration.Services[]",
        "The discovery name of a service is not valid.",
        must=Matches("DiscoveryName", "[a-z0-9_][a-z0-9_-]{0,63}"),
        message="Service {id} has the discovery name {DiscoveryName}",
        fix="Write up to 64 lowercase letters, digits, underscores and hyphens, not beginning with "
        "a hyphen.",
        sources=(f"{_API}: ServiceConnectService, discoveryName",),
    ),
    Constraint(
        "E9357",
        f"{_SERVICE} ServiceConnectConfiguration.Services[].ClientAliases[]",
        "The DNS name of a client alias has more than 127 characters.",
        must=Length("DnsName", 1, 127),
        message="A client alias of service {id} has more than 127 characters",
        fix="Write up to 127 characters.",
        sources=(f"{_API}: ServiceConnectClientAlias, dnsName",),
    ),
)
