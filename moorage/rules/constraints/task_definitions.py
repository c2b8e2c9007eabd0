"""Constraints of task definitions."""

from __future__ import annotations

from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.predicates import (
    Absent,
    All,
    AtMost,
    AtMostOne,
    Each,
    Either,
    Is,
    Matches,
    Not,
    NotEmpty,
    Present,
    Some,
    Unique,
    Within,
)

_TASK = "AWS::ECS::TaskDefinition"
_CONTAINER = f"{_TASK} ContainerDefinitions[]"
_API = "Amazon ECS API reference"
_FOR_FARGATE = Some("/RequiresCompatibilities", Is("", "FARGATE"))
_NOT_FOR_FARGATE = Each("/RequiresCompatibilities", Not(Is("", "FARGATE")))
_WINDOWS = Matches("/RuntimePlatform.OperatingSystemFamily", "WINDOWS.*")

CONSTRAINTS = (
    Constraint(
        "E9101",
        f"{_CONTAINER}.Ulimits[]",
        "The soft limit of a ulimit is above its hard limit.",
        when=All(Within("SoftLimit", 0, None), Within("HardLimit", 0, None)),
        must=AtMost("SoftLimit", "HardLimit"),
        message="In task definition {id}, the soft limit {SoftLimit} of the ulimit {Name} is above "
        "the hard limit {HardLimit}",
        fix="Raise `HardLimit`, or lower `SoftLimit`.",
        why="The kernel refuses the limits, so the container is not created and no task starts.",
        error_messages=("Soft limit exceeds hard limit for ulimit nofile",),
        sources=("docker/go-units, ulimit.go", f"{_API}: Ulimit"),
        failure_ids=("td-ulimit-soft-above-hard",),
    ),
    Constraint(
        "E9102",
        f"{_CONTAINER}.LogConfiguration",
        "The option awslogs-create-group is false.",
        when=Is("LogDriver", "awslogs"),
        must=Not(Is("Options.awslogs-create-group", "false")),
        message="In task definition {id}, the log option `awslogs-create-group` is `false`, which "
        "ECS refuses",
        fix='Remove the option, or write `"true"`.',
        sources=(f"{_API}: LogConfiguration, options",),
        failure_ids=("td-awslogs-create-group-false",),
    ),
    Constraint(
        "E9104",
        _TASK,
        "Two port mappings use the same port of the instance.",
        when=Is("NetworkMode", "bridge", default="bridge"),
        must=Unique(
            "ContainerDefinitions[].PortMappings[]",
            ("HostPort", "Protocol"),
            where=All(Present("HostPort"), Not(Is("HostPort", "0"))),
            defaults={"Protocol": "tcp"},
        ),
        message="In task definition {id}, two port mappings use the same `HostPort`",
        fix="Write another `HostPort`, or `0` for a port that Docker selects.",
        why="The second container cannot be started, because the port of the instance is in use.",
        sources=(f"{_API}: PortMapping, hostPort",),
        failure_ids=("td-host-port-mapped-twice",),
    ),
    Constraint(
        "E9105",
        f"{_TASK} Volumes[]",
        "A volume has two types.",
        must=AtMostOne(
            Present("Host"),
            Present("DockerVolumeConfiguration"),
            Present("EFSVolumeConfiguration"),
            Present("FSxWindowsFileServerVolumeConfiguration"),
            Is("ConfiguredAtLaunch", "true"),
        ),
        message="In task definition {id}, the volume {Name} has two types",
        fix="Keep one of `Host`, `DockerVolumeConfiguration`, `EFSVolumeConfiguration`, "
        "`FSxWindowsFileServerVolumeConfiguration` and `ConfiguredAtLaunch`.",
        sources=(f"{_API}: Volume",),
        failure_ids=("td-volume-of-two-kinds",),
    ),
    Constraint(
        "E9107",
        _TASK,
        "A task on Fargate shares the process namespace of the host.",
        when=_FOR_FARGATE,
        must=Either(Absent("PidMode"), Is("PidMode", "task")),
        message="Task definition {id} is for Fargate and has the `PidMode` {PidMode}",
        fix="Write `PidMode: task`, or remove it.",
        sources=(f"{_API}: RegisterTaskDefinition, pidMode",),
        failure_ids=("td-pid-host-on-fargate",),
    ),
    Constraint(
        "E9108",
        _CONTAINER,
        "A container has no memory, nor has its task.",
        when=All(Absent("/Memory"), NotEmpty("/RequiresCompatibilities"), _NOT_FOR_FARGATE),
        must=Either(Present("Memory"), Present("MemoryReservation")),
        message="In task definition {id}, container {Name} has no memory, nor has the task",
        fix="Write `Memory` or `MemoryReservation` of the container, or `Memory` of the task.",
        error_messages=(
            "Invalid setting for container '...'. At least one of 'memory' or "
            "'memoryReservation' must be specified.",
        ),
        sources=(f"{_API}: ContainerDefinition, memory",),
        failure_ids=("td-ec2-container-without-memory",),
    ),
    Constraint(
        "E9110",
        f"{_CONTAINER}.FirelensConfiguration",
        "FireLens reads its configuration from S3 on Fargate.",
        when=_FOR_FARGATE,
        must=Not(Is("Options.config-file-type", "s3")),
        message="Task definition {id} is for Fargate, where FireLens does not read a configuration "
        "file from S3",
        fix="Put the file into the image, and write `config-file-type: file` and its path.",
        sources=("Amazon ECS developer guide: Using a custom FireLens configuration",),
        failure_ids=("td-firelens-s3-config-on-fargate",),
    ),
    Constraint(
        "E9111",
        _TASK,
        "A task on ECS Managed Instances uses the network mode bridge.",
        when=Some("RequiresCompatibilities", Is("", "MANAGED_INSTANCES")),
        must=Is("NetworkMode", "awsvpc", "host", "none", default="bridge"),
        message="Task definition {id} is for Managed Instances, which do not support the network "
        "mode `bridge`",
        fix="Write `NetworkMode: awsvpc`, or `host`. Without `NetworkMode` it is `bridge`.",
        sources=(f"{_API}: RegisterTaskDefinition, networkMode",),
        failure_ids=("td-managed-instances-on-the-bridge",),
    ),
    Constraint(
        "E9113",
        _TASK,
        "Two port mappings have the same name.",
        must=Unique("ContainerDefinitions[].PortMappings[]", ("Name",), where=Present("Name")),
        message="In task definition {id}, two port mappings have the same name",
        fix="Give each port mapping its own `Name`.",
        why="Names of port mappings are unique in a task definition, over all its containers.",
        sources=(f"{_API}: PortMapping, name",),
        failure_ids=("td-port-name-used-twice",),
    ),
    Constraint(
        "E9114",
        _CONTAINER,
        "A Windows container has a read-only root file system.",
        when=_WINDOWS,
        must=Not(Is("ReadonlyRootFilesystem", "true")),
        message="Task definition {id} is for Windows, where container {Name} cannot have a "
        "read-only root file system",
        fix="Remove `ReadonlyRootFilesystem`.",
        sources=(f"{_API}: ContainerDefinition, readonlyRootFilesystem",),
        failure_ids=("td-windows-read-only-root",),
    ),
)
