"""Constraints of task definitions."""

from __future__ import annotations

from moorage.facts.container_definitions import (
    HEALTH_CHECK_INTERVAL,
    HEALTH_CHECK_RETRIES,
    HEALTH_CHECK_START_PERIOD,
    HEALTH_CHECK_TIMEOUT,
)
from moorage.rules.constraints.combinations import (
    All,
    AtMostItems,
    AtMostOne,
    Each,
    Either,
    Not,
    Some,
)
from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.predicates import (
    Absent,
    AtMost,
    Count,
    EndsWith,
    Is,
    IsTrue,
    Length,
    Matches,
    NotEmpty,
    Present,
    SameAs,
    StartsWith,
    Unique,
    Within,
)

_TASK = "AWS::ECS::TaskDefinition"
_CONTAINER = f"{_TASK} ContainerDefinitions[]"
_CONTAINERS = (_CONTAINER, "AWS::ECS::DaemonTaskDefinition ContainerDefinitions[]")
"""Of tasks and of daemons, which have the same settings."""
_API = "Amazon ECS API reference"
_FOR_FARGATE = Some("/RequiresCompatibilities", Is("", "FARGATE"))
_NOT_FOR_FARGATE = Each("/RequiresCompatibilities", Not(Is("", "FARGATE")))
_WINDOWS = Matches("/RuntimePlatform.OperatingSystemFamily", "WINDOWS.*")

CONSTRAINTS = (
    Constraint(
        "E9101",
        tuple(f"{path}.Ulimits[]" for path in _CONTAINERS),
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
        tuple(f"{path}.LogConfiguration" for path in _CONTAINERS),
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
            IsTrue("ConfiguredAtLaunch"),
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
        must=Not(IsTrue("ReadonlyRootFilesystem")),
        message="Task definition {id} is for Windows, where container {Name} cannot have a "
        "read-only root file system",
        fix="Remove `ReadonlyRootFilesystem`.",
        sources=(f"{_API}: ContainerDefinition, readonlyRootFilesystem",),
        failure_ids=("td-windows-read-only-root",),
    ),
    Constraint(
        "E9116",
        _CONTAINERS,
        "The name of a container is not valid.",
        must=Matches("Name", "[A-Za-z0-9_-]{1,255}"),
        message="In task definition {id}, the container has the name {Name}",
        fix="Write up to 255 letters, digits, hyphens and underscores.",
        sources=(f"{_API}: ContainerDefinition, name",),
    ),
    Constraint(
        "E9117",
        _CONTAINERS,
        "A container reserves more memory than its limit.",
        must=AtMost("MemoryReservation", "Memory"),
        message="In task definition {id}, container {Name} has the `MemoryReservation` "
        "{MemoryReservation}, which is above its `Memory` {Memory}",
        fix="Lower `MemoryReservation`, or raise `Memory`.",
        sources=(f"{_API}: ContainerDefinition, memoryReservation",),
    ),
    Constraint(
        "E9119",
        _CONTAINER,
        "A container without a network has port mappings.",
        when=Is("/NetworkMode", "none"),
        must=Not(NotEmpty("PortMappings")),
        message="Task definition {id} has the network mode `none`, but container {Name} has port "
        "mappings",
        fix="Remove `PortMappings`, or write another `NetworkMode`.",
        sources=(f"{_API}: RegisterTaskDefinition, networkMode",),
    ),
    Constraint(
        "E9120",
        f"{_CONTAINER}.PortMappings[]",
        "In the network mode host, the port of the host differs from the container's.",
        when=All(Is("/NetworkMode", "host"), Present("HostPort")),
        must=SameAs("HostPort", "ContainerPort"),
        message="Task definition {id} has the network mode `host`, but maps port {ContainerPort} "
        "to {HostPort}",
        fix="Remove `HostPort`, or write the container port.",
        sources=(f"{_API}: PortMapping, hostPort",),
    ),
    Constraint(
        "E9121",
        _CONTAINERS,
        "A container has more than ten environment files.",
        must=Count("EnvironmentFiles", 0, 10),
        message="In task definition {id}, container {Name} has more than 10 environment files",
        fix="Write up to 10.",
        sources=(f"{_API}: ContainerDefinition, environmentFiles",),
    ),
    Constraint(
        "E9122",
        tuple(f"{path}.EnvironmentFiles[]" for path in _CONTAINERS),
        "An environment file does not have the extension .env.",
        must=EndsWith("Value", (".env",)),
        message="An environment file of task definition {id} does not have the extension `.env`",
        fix="Rename the file.",
        sources=(f"{_API}: ContainerDefinition, environmentFiles",),
    ),
    *(
        Constraint(
            rule_id,
            tuple(f"{path}.HealthCheck" for path in _CONTAINERS),
            f"The {words} of a container health check is out of range.",
            must=Within(key, low, high),
            message=f"In task definition {{id}}, the `{key}` of a health check is {{{key}}}",
            fix=f"Write {low} to {high}.",
            sources=(f"{_API}: HealthCheck, {key[0].lower()}{key[1:]}",),
        )
        for rule_id, key, words, low, high in (
            ("E9123", "Interval", "interval", *HEALTH_CHECK_INTERVAL),
            ("E9124", "Timeout", "timeout", *HEALTH_CHECK_TIMEOUT),
            ("E9126", "Retries", "number of retries", *HEALTH_CHECK_RETRIES),
            ("E9127", "StartPeriod", "start period", *HEALTH_CHECK_START_PERIOD),
        )
    ),
    Constraint(
        "E9130",
        _TASK,
        "A task definition has two volumes that are configured at launch.",
        must=AtMostItems("Volumes", 1, IsTrue("ConfiguredAtLaunch")),
        message="Task definition {id} has two volumes that are configured at launch",
        fix="Keep one of them.",
        sources=(f"{_API}: Volume, configuredAtLaunch",),
    ),
    Constraint(
        "E9131",
        f"{_TASK} Volumes[].DockerVolumeConfiguration",
        "A Docker volume of one task is created automatically.",
        when=IsTrue("Autoprovision"),
        must=Is("Scope", "shared", default="task"),
        message="In task definition {id}, a Docker volume has `Autoprovision`, but not the scope "
        "`shared`",
        fix="Write `Scope: shared`, or remove `Autoprovision`.",
        sources=(f"{_API}: DockerVolumeConfiguration, autoprovision",),
    ),
    Constraint(
        "E9132",
        f"{_CONTAINER}.PortMappings[]",
        "The name of a port mapping is not valid.",
        must=Matches("Name", "[a-z0-9_][a-z0-9_-]{0,63}"),
        message="In task definition {id}, a port mapping has the name {Name}",
        fix="Write up to 64 lowercase letters, digits, hyphens and underscores, not beginning with "
        "a hyphen.",
        sources=(f"{_API}: PortMapping, name",),
    ),
    Constraint(
        "E9133",
        f"{_CONTAINER}.PortMappings[]",
        "A range of ports is mapped in the network mode host.",
        when=Present("ContainerPortRange"),
        must=Not(Is("/NetworkMode", "host", "none")),
        message="Task definition {id} has the network mode {/NetworkMode}, in which a range of "
        "ports cannot be mapped",
        fix="Write the network mode `awsvpc` or `bridge`, or a mapping for each port.",
        sources=(f"{_API}: PortMapping, containerPortRange",),
    ),
    Constraint(
        "E9134",
        f"{_CONTAINER}.PortMappings[]",
        "A port mapping has a port and a range of ports.",
        when=Present("ContainerPortRange"),
        must=All(Absent("ContainerPort"), Absent("HostPort")),
        message="In task definition {id}, a port mapping has `ContainerPortRange` and a single "
        "port",
        fix="Keep one of `ContainerPort` and `ContainerPortRange`. ECS selects the ports of the "
        "host for a range.",
        sources=(f"{_API}: PortMapping, containerPortRange",),
    ),
    Constraint(
        "E9144",
        tuple(f"{path}.LogConfiguration" for path in _CONTAINERS),
        "Two log options for multiline messages exclude each other.",
        when=Is("LogDriver", "awslogs"),
        must=AtMostOne(
            Present("Options.awslogs-datetime-format"),
            Present("Options.awslogs-multiline-pattern"),
        ),
        message="In task definition {id}, a log configuration has `awslogs-datetime-format` and "
        "`awslogs-multiline-pattern`",
        fix="Keep one of them.",
        sources=(f"{_API}: LogConfiguration, options",),
    ),
    Constraint(
        "E9145",
        tuple(f"{path}.LogConfiguration" for path in _CONTAINERS),
        "The mode of a log driver is not valid.",
        when=Present("Options.mode"),
        must=Is("Options.mode", "blocking", "non-blocking"),
        message="In task definition {id}, a log configuration has the mode {Options.mode}",
        fix="Write `blocking` or `non-blocking`.",
        sources=(f"{_API}: LogConfiguration, options",),
    ),
    Constraint(
        "E9146",
        _CONTAINER,
        "A container has two credential specifications, or one of an unknown kind.",
        must=All(
            Count("CredentialSpecs", 0, 1),
            Each(
                "CredentialSpecs", StartsWith("", ("credentialspec:", "credentialspecdomainless:"))
            ),
        ),
        message="In task definition {id}, container {Name} has more than one credential "
        "specification, or one of an unknown kind",
        fix="Write one item: `credentialspec:<ARN>` or `credentialspecdomainless:<ARN>`.",
        sources=(f"{_API}: ContainerDefinition, credentialSpecs",),
    ),
    Constraint(
        "E9147",
        _TASK,
        "A Windows task on Fargate has less than one vCPU.",
        when=All(_FOR_FARGATE, _WINDOWS),
        must=Within("Cpu", 1024, None),
        message="Task definition {id} is for Windows on Fargate and has {Cpu} CPU units",
        fix="Write at least `1024`.",
        sources=(f"{_API}: RegisterTaskDefinition, memory",),
    ),
    Constraint(
        "E9148",
        f"{_TASK} Volumes[].DockerVolumeConfiguration",
        "A Windows task has a Docker volume of another driver than local.",
        when=_WINDOWS,
        must=Is("Driver", "local", default="local"),
        message="Task definition {id} is for Windows, and has a Docker volume of the driver "
        "{Driver}",
        fix="Write `Driver: local`.",
        sources=(f"{_API}: Volume, dockerVolumeConfiguration",),
    ),
    Constraint(
        "E9149",
        f"{_CONTAINER}.ResourceRequirements[]",
        "A container requires a number of Neuron devices.",
        when=Is("Type", "NeuronDevice"),
        must=Is("Value", "ALL"),
        message="A container of task definition {id} requires {Value} Neuron devices",
        fix="Write `Value: ALL`.",
        sources=(f"{_API}: ResourceRequirement, value",),
    ),
    Constraint(
        "E9157",
        f"{_TASK} PlacementConstraints[]",
        "The expression of a placement constraint has more than 2,000 characters.",
        must=Length("Expression", 1, 2000),
        message="A placement constraint of task definition {id} has more than 2,000 characters",
        fix="Write up to 2,000 characters.",
        sources=(f"{_API}: TaskDefinitionPlacementConstraint, expression",),
    ),
    Constraint(
        "E9158",
        _TASK,
        "A task definition has more than ten placement constraints.",
        must=Count("PlacementConstraints", 0, 10),
        message="Task definition {id} has more than 10 placement constraints",
        fix="Write up to 10.",
        sources=(f"{_API}: RegisterTaskDefinition, placementConstraints",),
    ),
    Constraint(
        "E9159",
        (_TASK, "AWS::ECS::DaemonTaskDefinition"),
        "The family of a task definition is not valid.",
        must=Matches("Family", "[A-Za-z0-9_-]{1,255}"),
        message="Task definition {id} has the family {Family}",
        fix="Write up to 255 letters, digits, hyphens and underscores.",
        sources=(f"{_API}: RegisterTaskDefinition, family",),
    ),
)
