"""Constraints of clusters and services."""

from __future__ import annotations

from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.predicates import (
    Absent,
    All,
    Count,
    Either,
    Is,
    IsReference,
    Matches,
    Not,
    Present,
    Refers,
    Some,
    Within,
)

_SERVICE = "AWS::ECS::Service"
_TASK = "AWS::ECS::TaskDefinition"
_API = "Amazon ECS API reference"
_FARGATE_PROVIDER = Is("CapacityProvider", "FARGATE", "FARGATE_SPOT")
_INSTANCE_PROVIDER = Either(
    IsReference("CapacityProvider", "AWS::ECS::CapacityProvider"),
    Matches("CapacityProvider", "(?!FARGATE(_SPOT)?$).*"),
)

CONSTRAINTS = (
    Constraint(
        "E9221",
        "AWS::ECS::Cluster Configuration.ExecuteCommandConfiguration",
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
        f"{_SERVICE} NetworkConfiguration.AwsvpcConfiguration",
        "A service has more than five security groups.",
        must=Count("SecurityGroups", 0, 5),
        message="Service {id} has more than 5 security groups",
        fix="Write 5 or fewer. Put rules of several groups into one.",
        sources=(f"{_API}: AwsVpcConfiguration, securityGroups",),
        failure_ids=("svc-six-security-groups",),
    ),
    Constraint(
        "E9223",
        f"{_SERVICE} PlacementConstraints[]",
        "A placement constraint of the type distinctInstance has an expression.",
        when=Is("Type", "distinctInstance"),
        must=Absent("Expression"),
        message="Service {id} has a placement constraint of the type `distinctInstance` with an "
        "expression",
        fix="Remove `Expression`, or write `Type: memberOf`.",
        error_messages=("distinctInstance expression should not be specified",),
        sources=(f"{_API}: PlacementConstraint, expression",),
        failure_ids=("svc-distinct-instance-with-expression",),
    ),
    Constraint(
        "E9224",
        _SERVICE,
        "A daemon service has a MaximumPercent above 100.",
        when=Is("SchedulingStrategy", "DAEMON"),
        must=Within("DeploymentConfiguration.MaximumPercent", None, 100),
        message="Service {id} is a daemon, whose `MaximumPercent` cannot be above 100",
        fix="Write `MaximumPercent: 100`.",
        error_messages=(
            "The daemon scheduling strategy does not support values above 100 for maximumPercent",
        ),
        sources=("badmintoncryer/cdk-preflight, pf-ecs-svc-daemon-max-percent",),
        failure_ids=("svc-daemon-above-100-percent",),
    ),
    Constraint(
        "E9226",
        f"{_SERVICE} ServiceRegistries[]",
        "A service registry has no container and port, which bridge and host networking need.",
        when=Refers(
            "/TaskDefinition", _TASK, Is("NetworkMode", "bridge", "host", default="bridge")
        ),
        must=All(Present("ContainerName"), Present("ContainerPort")),
        message="Service {id} has a service registry without `ContainerName` and `ContainerPort`, "
        "and its tasks use the network mode `bridge` or `host`",
        fix="Write `ContainerName` and `ContainerPort` of a port mapping.",
        error_messages=(
            "When specifying 'host' or 'bridge' for networkMode, values for "
            "'containerName' and 'containerPort' must be specified from the task "
            "definition.",
        ),
        sources=("techservicesillinois/terraform-aws-ecs-service#16",),
        failure_ids=("svc-registry-on-the-bridge-without-container",),
    ),
    Constraint(
        "E9227",
        f"{_SERVICE} VolumeConfigurations[].ManagedEBSVolume",
        "An EBS volume of the type io1 or io2 has no Iops.",
        when=Is("VolumeType", "io1", "io2"),
        must=Present("Iops"),
        message="An EBS volume of service {id} has the type {VolumeType}, but no `Iops`",
        fix="Write `Iops`, or the type `gp3`.",
        sources=(f"{_API}: ServiceManagedEBSVolumeConfiguration, iops",),
        failure_ids=("svc-ebs-io2-without-iops",),
    ),
    Constraint(
        "E9228",
        _SERVICE,
        "A service runs Windows tasks on Fargate Spot.",
        when=Refers(
            "TaskDefinition",
            _TASK,
            Matches("RuntimePlatform.OperatingSystemFamily", "WINDOWS.*"),
        ),
        must=Not(Some("CapacityProviderStrategy", Is("CapacityProvider", "FARGATE_SPOT"))),
        message="Service {id} runs Windows tasks on `FARGATE_SPOT`, which has no Windows",
        fix="Write `FARGATE`.",
        sources=("Amazon ECS developer guide: Windows containers on Fargate considerations",),
        failure_ids=("svc-windows-on-fargate-spot",),
    ),
    Constraint(
        "E9229",
        _SERVICE,
        "A capacity provider strategy has providers of Fargate and of instances.",
        when=Some("CapacityProviderStrategy", _FARGATE_PROVIDER),
        must=Not(Some("CapacityProviderStrategy", _INSTANCE_PROVIDER)),
        message="The capacity provider strategy of service {id} has providers of Fargate and of "
        "instances",
        fix="Keep one of the two. For both, write two services.",
        sources=(f"{_API}: CreateService, capacityProviderStrategy",),
        failure_ids=("svc-strategy-mixes-fargate-and-instances",),
    ),
    Constraint(
        "E9292",
        f"{_SERVICE} DeploymentConfiguration",
        "A deployment has settings of the strategy CANARY, but another strategy.",
        when=Present("CanaryConfiguration"),
        must=Is("Strategy", "CANARY", default="ROLLING"),
        message="Service {id} has a `CanaryConfiguration`, but not the strategy `CANARY`",
        fix="Write `Strategy: CANARY`, or remove `CanaryConfiguration`.",
        sources=(f"{_API}: DeploymentConfiguration, canaryConfiguration",),
        failure_ids=("svc-canary-settings-under-linear",),
    ),
    Constraint(
        "E9293",
        f"{_SERVICE} DeploymentConfiguration",
        "A deployment has settings of the strategy LINEAR, but another strategy.",
        when=Present("LinearConfiguration"),
        must=Is("Strategy", "LINEAR", default="ROLLING"),
        message="Service {id} has a `LinearConfiguration`, but not the strategy `LINEAR`",
        fix="Write `Strategy: LINEAR`, or remove `LinearConfiguration`.",
        sources=(f"{_API}: DeploymentConfiguration, linearConfiguration",),
    ),
)
