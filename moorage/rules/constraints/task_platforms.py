"""Constraints of task definitions that depend on what the tasks run on: the network mode, Windows,
Managed Instances and external instances."""

from __future__ import annotations

from moorage.rules.constraints.combinations import All, Each, Either, Not, Some
from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.predicates import (
    Absent,
    Is,
    IsTrue,
    Matches,
    NotEmpty,
    Present,
)

_TASK = "AWS::ECS::TaskDefinition"
_CONTAINER = f"{_TASK} ContainerDefinitions[]"
_API = "Amazon ECS API reference"
_GUIDE = "Amazon ECS developer guide"
_REGISTER = f"{_API}: RegisterTaskDefinition"
_PREFLIGHT = "AWS's error message, reproduced by cdk-preflight"
_COMPATIBILITIES = "/RequiresCompatibilities"
_NOT_FOR_FARGATE = Each(_COMPATIBILITIES, Not(Is("", "FARGATE")))
_FOR_MANAGED_INSTANCES = Some(_COMPATIBILITIES, Is("", "MANAGED_INSTANCES"))
_FOR_EXTERNAL = Some(_COMPATIBILITIES, Is("", "EXTERNAL"))
_WINDOWS = Matches("/RuntimePlatform.OperatingSystemFamily", "WINDOWS.*")
_AWSVPC = Is("/NetworkMode", "awsvpc")

CONSTRAINTS = (
    Constraint(
        "E9135",
        _CONTAINER,
        "A container in the network mode awsvpc has a host name.",
        when=Either(_AWSVPC, Some(_COMPATIBILITIES, Is("", "FARGATE"))),
        must=Absent("Hostname"),
        message="Task definition {id} has the network mode `awsvpc`, in which container {Name} "
        "cannot have the `Hostname` {Hostname}",
        fix="Remove `Hostname`.",
        error_messages=("hostname is not supported on container when networkMode=awsvpc",),
        sources=(f"{_API}: ContainerDefinition, hostname",),
    ),
    Constraint(
        "E9136",
        _CONTAINER,
        "A container in the network mode awsvpc has its own DNS servers, hosts or no network.",
        when=All(_AWSVPC, _NOT_FOR_FARGATE),
        must=All(
            Not(NotEmpty("ExtraHosts")),
            Not(NotEmpty("DnsServers")),
            Not(IsTrue("DisableNetworking")),
        ),
        message="Task definition {id} has the network mode `awsvpc`, in which container {Name} "
        "cannot have {key}",
        fix="Remove it, or write `NetworkMode: bridge`.",
        why="In the network mode awsvpc, ECS sets up the network interface that the containers of "
        "a task share, and refuses settings of one container for it.",
        error_messages=(
            "Extra hosts are not supported on container when networkMode=awsvpc",
            "DNS servers are not supported on container when networkMode=awsvpc",
        ),
        sources=(f"{_API}: ContainerDefinition, extraHosts", _PREFLIGHT),
    ),
    Constraint(
        "E9138",
        _CONTAINER,
        "A Windows container has a parameter that only Linux containers have.",
        when=_WINDOWS,
        must=All(
            Not(IsTrue("Privileged")),
            Not(IsTrue("DisableNetworking")),
            Absent("LinuxParameters"),
            *(
                Not(NotEmpty(key))
                for key in (
                    "DnsServers",
                    "DnsSearchDomains",
                    "ExtraHosts",
                    "Links",
                    "SystemControls",
                    "Ulimits",
                )
            ),
        ),
        message="Task definition {id} is for Windows, where container {Name} cannot have {key}",
        fix="Remove the parameter.",
        sources=(f"{_API}: ContainerDefinition, linuxParameters, privileged, ulimits and others",),
    ),
    Constraint(
        "E9139",
        _TASK,
        "A Windows task has a network, process or IPC mode of Linux.",
        when=_WINDOWS,
        must=All(
            Not(Is("NetworkMode", "bridge", "host")),
            Absent("PidMode"),
            Absent("IpcMode"),
        ),
        message="Task definition {id} is for Windows, and has a {key} that only Linux tasks have",
        fix="Write `NetworkMode: awsvpc`, or remove it, and remove `PidMode` and `IpcMode`.",
        sources=(
            f"{_REGISTER}, networkMode, pidMode and ipcMode",
            f"{_GUIDE}: Amazon ECS task networking options for EC2",
        ),
    ),
    Constraint(
        "E9168",
        f"{_TASK} RuntimePlatform",
        "A Windows task is for the CPU architecture ARM64.",
        when=Matches("OperatingSystemFamily", "WINDOWS.*"),
        must=Not(Is("CpuArchitecture", "ARM64")),
        message="Task definition {id} has the family {OperatingSystemFamily} and the CPU "
        "architecture `ARM64`",
        fix="Write `CpuArchitecture: X86_64`.",
        sources=(f"{_API}: RuntimePlatform, cpuArchitecture",),
    ),
    Constraint(
        "E9193",
        f"{_CONTAINER}.LogConfiguration",
        "A task on ECS Managed Instances has a log driver that they do not have.",
        when=_FOR_MANAGED_INSTANCES,
        must=Either(
            Absent("LogDriver"), Is("LogDriver", "awslogs", "splunk", "awsfirelens", "json-file")
        ),
        message="Task definition {id} is for Managed Instances, which do not have the log driver "
        "{LogDriver}",
        fix="Write `awslogs`, `awsfirelens`, `splunk` or `json-file`.",
        sources=(f"{_API}: LogConfiguration, logDriver",),
    ),
    Constraint(
        "E9194",
        f"{_TASK} EphemeralStorage",
        "A task that does not run on Fargate has ephemeral storage.",
        when=Present("SizeInGiB"),
        must=Either(
            Each(_COMPATIBILITIES, Not(Is("", "EC2", "EXTERNAL"))),
            Some(_COMPATIBILITIES, Is("", "FARGATE")),
        ),
        message="Task definition {id} has `EphemeralStorage`, and `EC2` or `EXTERNAL` in "
        "`RequiresCompatibilities`",
        fix="Remove `EphemeralStorage`, or require only `FARGATE`.",
        error_messages=("Tasks using the EC2 launch type do not support EphemeralStorage",),
        sources=(f"{_API}: EphemeralStorage", _PREFLIGHT),
    ),
    Constraint(
        "E9195",
        _CONTAINER,
        "A container has secrets, but the task has no execution role.",
        when=All(NotEmpty("Secrets"), _NOT_FOR_FARGATE),
        must=Present("/ExecutionRoleArn"),
        message="In task definition {id}, container {Name} has secrets, but there is no "
        "`ExecutionRoleArn`",
        fix="Write `ExecutionRoleArn` with a role that can read the secrets. The task role is not "
        "used for them.",
        error_messages=(
            "When you are specifying container secrets, you must also specify a value for "
            "'executionRoleArn'",
        ),
        sources=(f"{_API}: RegisterTaskDefinition, executionRoleArn", _PREFLIGHT),
    ),
    Constraint(
        "E9196",
        _TASK,
        "A task on external instances uses a network interface or a file system of AWS.",
        when=_FOR_EXTERNAL,
        must=All(
            Not(Is("NetworkMode", "awsvpc")),
            Not(Some("Volumes", Present("EFSVolumeConfiguration"))),
        ),
        message="Task definition {id} is for external instances, which do not support this {key}",
        fix="Write `NetworkMode: bridge`, `host` or `none`, and a volume of the host. For Windows, "
        "remove `NetworkMode`.",
        sources=(f"{_GUIDE}: Amazon ECS clusters for external instances, Considerations",),
    ),
    Constraint(
        "E9197",
        _TASK,
        "A task has a volume that its operating system or Fargate cannot mount.",
        must=All(
            Either(
                Not(Some("Volumes", Present("EFSVolumeConfiguration"))),
                Not(_WINDOWS),
                Absent("RuntimePlatform.OperatingSystemFamily"),
            ),
            Not(
                All(
                    Some("Volumes", Present("FSxWindowsFileServerVolumeConfiguration")),
                    Either(
                        Some("RequiresCompatibilities", Is("", "FARGATE")),
                        Is("RuntimePlatform.OperatingSystemFamily", "LINUX"),
                    ),
                )
            ),
        ),
        message="Task definition {id} has a volume with {key}, which its operating system, or "
        "Fargate, cannot mount",
        fix="Use EFS for Linux tasks, and FSx for Windows File Server for Windows tasks on EC2.",
        sources=(
            f"{_GUIDE}: Use Amazon EFS volumes with Amazon ECS",
            f"{_GUIDE}: Use FSx for Windows File Server volumes with Amazon ECS",
        ),
    ),
    Constraint(
        "E9198",
        f"{_CONTAINER}.ResourceRequirements[]",
        "A container requires Neuron devices, but the task is not for ECS Managed Instances.",
        when=All(Is("Type", "NeuronDevice"), NotEmpty(_COMPATIBILITIES)),
        must=_FOR_MANAGED_INSTANCES,
        message="A container of task definition {id} requires Neuron devices, but the task is not "
        "for Managed Instances",
        fix="Write `RequiresCompatibilities: [MANAGED_INSTANCES]`.",
        sources=(f"{_API}: ResourceRequirement, value",),
    ),
    Constraint(
        "E9199",
        _TASK,
        "A task uses Elastic Inference, which AWS has shut down.",
        must=All(
            Not(NotEmpty("InferenceAccelerators")),
            Not(
                Some(
                    "ContainerDefinitions[].ResourceRequirements[]",
                    Is("Type", "InferenceAccelerator"),
                )
            ),
        ),
        message="Task definition {id} has an accelerator of Elastic Inference, which no longer "
        "exists",
        fix="Remove `InferenceAccelerators` and the resource requirements of the type "
        "`InferenceAccelerator`.",
        error_messages=("Unsupported field 'inferenceAccelerators'",),
        sources=(f"{_API}: InferenceAccelerator", _PREFLIGHT),
    ),
)
