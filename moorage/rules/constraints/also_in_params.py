"""Constraints of tasks, services and instances whose numbers and lists the params use, too."""

from __future__ import annotations

from moorage.facts.host_ports import RESERVED_HOST_PORTS
from moorage.facts.load_balancing import UDP_PROTOCOLS
from moorage.facts.task_sizes import INSTANCE_TASK_CPU, MIN_INSTANCE_TASK_MEMORY
from moorage.rules.constraints.combinations import All, Attribute, Each, Either, Not, Refers, Some
from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.predicates import (
    Absent,
    AtMost,
    Is,
    IsTrue,
    Matches,
    Present,
    Unique,
    Within,
)

_TASK = "AWS::ECS::TaskDefinition"
_CONTAINER = f"{_TASK} ContainerDefinitions[]"
_SERVICE = "AWS::ECS::Service"
_GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"
_LB = "AWS::ElasticLoadBalancingV2::LoadBalancer"
_API = "Amazon ECS API reference"
_ON_INSTANCES = Each("/RequiresCompatibilities", Not(Is("", "FARGATE")))
_ATTRIBUTES = "LoadBalancerAttributes"

CONSTRAINTS = (
    Constraint(
        "E9141",
        f"{_CONTAINER}.RepositoryCredentials",
        "The credentials of a private registry are not in Secrets Manager.",
        must=Not(Matches("CredentialsParameter", "arn:[^:]*:(?!secretsmanager:).*")),
        message="In task definition {id}, {CredentialsParameter} is not a secret of Secrets "
        "Manager, and the image cannot be pulled",
        fix="Write the ARN of a secret with `username` and `password`.",
        sources=(f"{_API}: RepositoryCredentials",),
    ),
    Constraint(
        "E9161",
        f"{_CONTAINER}.PortMappings[]",
        "A port mapping uses a port of the instance that is reserved.",
        when=All(_ON_INSTANCES, Is("/NetworkMode", "bridge", "host", default="bridge")),
        must=Not(Is("HostPort", *map(str, RESERVED_HOST_PORTS))),
        message="In task definition {id}, a container uses port {HostPort} of the instance, which "
        "SSH, Docker or the ECS agent uses, and no task can be placed",
        fix="Write another `HostPort`, or 0: Docker then chooses a free port.",
        sources=(f"{_API}: PortMapping, hostPort",),
    ),
    Constraint(
        "E9162",
        _CONTAINER,
        "Two volumes are mounted at the same path of a container.",
        must=Unique("MountPoints", ("ContainerPath",)),
        message="Container {Name} of task definition {id} mounts two volumes at the same path, "
        "and Docker does not start it",
        fix="Write another `ContainerPath`.",
        error_messages=("Duplicate mount point",),
        sources=("moby/moby, daemon/volumes.go", f"{_API}: MountPoint"),
    ),
    Constraint(
        "E9163",
        f"{_CONTAINER}.MountPoints[]",
        "A volume is mounted at the root directory of a container.",
        must=Not(Is("ContainerPath", "/")),
        message="In task definition {id}, a volume is mounted at `/`, and Docker does not start "
        "the container",
        fix="Write a directory below `/` as `ContainerPath`.",
        error_messages=("invalid mount config: destination can't be '/'",),
        sources=("moby/moby, volume/mounts/linux_parser.go", f"{_API}: MountPoint"),
    ),
    Constraint(
        "W9164",
        f"{_CONTAINER}.LinuxParameters",
        "Swappiness is set without a limit for swap.",
        when=Present("Swappiness"),
        must=Present("MaxSwap"),
        message="In task definition {id}, a container has `Swappiness` without `MaxSwap`, so ECS "
        "ignores it",
        fix="Write `MaxSwap`, or remove `Swappiness`.",
        sources=(f"{_API}: LinuxParameters, swappiness",),
    ),
    Constraint(
        "E9181",
        _TASK,
        "A task on instances has too few or too many CPU units, or too little memory.",
        when=All(Some("RequiresCompatibilities", Is("", "EC2")), _ON_INSTANCES),
        must=All(
            Either(Absent("Cpu"), Within("Cpu", *INSTANCE_TASK_CPU)),
            Either(Absent("Memory"), Within("Memory", MIN_INSTANCE_TASK_MEMORY, None)),
        ),
        message="Task definition {id} has a size that ECS does not have on instances",
        fix=f"Write {INSTANCE_TASK_CPU[0]} to {INSTANCE_TASK_CPU[1]} CPU units, and at least "
        f"{MIN_INSTANCE_TASK_MEMORY} MiB of memory.",
        sources=(f"{_API}: RegisterTaskDefinition, cpu and memory",),
    ),
    Constraint(
        "W9218",
        "AWS::AutoScaling::AutoScalingGroup",
        "Instances that are protected from scale-in have a maximum lifetime.",
        when=Present("MaxInstanceLifetime"),
        must=Not(IsTrue("NewInstancesProtectedFromScaleIn")),
        message="Auto Scaling group {id} protects its instances from scale-in, so they are not "
        "replaced at their maximum lifetime",
        fix="Remove `MaxInstanceLifetime`, or `NewInstancesProtectedFromScaleIn` and the managed "
        "termination protection of the capacity provider.",
        sources=(
            "Amazon EC2 Auto Scaling user guide: Replace Auto Scaling instances based on maximum "
            "instance lifetime",
        ),
    ),
    Constraint(
        "E9234",
        f"{_SERVICE} LoadBalancers[]",
        "A service is behind a QUIC listener.",
        must=Refers("TargetGroupArn", _GROUP, Not(Is("Protocol", "QUIC", "TCP_QUIC"))),
        message="Service {id} registers its tasks in a QUIC target group, whose targets need a "
        "server ID that ECS does not give them",
        fix="Write `Protocol: UDP` for the target group and its listener.",
        sources=(
            "Elastic Load Balancing API reference, version 2015-12-01: TargetDescription, "
            "QuicServerId",
        ),
    ),
    Constraint(
        "E9311",
        f"{_SERVICE} DeploymentConfiguration",
        "A deployment is complete with fewer healthy tasks than it has to keep.",
        when=All(
            Is("Strategy", "ROLLING", default="ROLLING"),
            IsTrue("EarlySuccessCriteria.Enable"),
        ),
        must=AtMost("MinimumHealthyPercent", "EarlySuccessCriteria.HealthyPercent"),
        message="Service {id} has a deployment that is complete with "
        "{EarlySuccessCriteria.HealthyPercent} percent of the tasks, but keeps at least "
        "{MinimumHealthyPercent} percent",
        fix="Raise `HealthyPercent`, or lower `MinimumHealthyPercent`.",
        sources=(f"{_API}: DeploymentEarlySuccessCriteria",),
    ),
    Constraint(
        "W9389",
        "AWS::ElasticLoadBalancingV2::Listener",
        "A UDP listener belongs to a load balancer with cross-zone load balancing and zonal shift.",
        when=Is("Protocol", *UDP_PROTOCOLS),
        must=Refers(
            "LoadBalancerArn",
            _LB,
            Not(
                All(
                    Attribute(_ATTRIBUTES, "zonal_shift.config.enabled", Is("Value", "true")),
                    Attribute(
                        _ATTRIBUTES, "load_balancing.cross_zone.enabled", Is("Value", "true")
                    ),
                )
            ),
        ),
        message="Listener {id} has the protocol {Protocol}, and its load balancer has both "
        "cross-zone load balancing and zonal shift, which then works for TCP and TLS only",
        fix="Remove one of the two attributes, or use another load balancer for UDP.",
        sources=("ARC developer guide: Network Load Balancers",),
    ),
)
