"""Constraints of containers and volumes of task definitions."""

from __future__ import annotations

from moorage.rules.constraints.combinations import (
    All,
    Among,
    Each,
    Either,
    Not,
    Some,
)
from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.predicates import (
    Absent,
    Count,
    Is,
    IsTrue,
    Matches,
    Present,
    Within,
)

_TASK = "AWS::ECS::TaskDefinition"
_DAEMON_TASK = "AWS::ECS::DaemonTaskDefinition"
_CONTAINERS = (f"{_TASK} ContainerDefinitions[]", f"{_DAEMON_TASK} ContainerDefinitions[]")
_API = "Amazon ECS API reference"
_PREFLIGHT = "AWS's error message, reproduced by cdk-preflight"
_IPC_CONTROLS = (
    r"kernel\.(msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)|fs\.mqueue\..+"
)
_LOG_DRIVERS = (
    "awslogs",
    "awsfirelens",
    "fluentd",
    "gelf",
    "journald",
    "json-file",
    "splunk",
    "syslog",
)
_ABSOLUTE = r"(/|\\|[A-Za-z]:).*"
_UPPERCASE_REPOSITORY = All(
    Matches("Image", r".*[a-z/:].*"),
    Matches("Image", r"([A-Za-z0-9._:-]+/)*[A-Za-z0-9][A-Za-z0-9._-]*([:@][^/]*)?"),
    Matches("Image", r"(.*/)?[^/:@]*[A-Z][^/:@]*([:@][^/]*)?"),
)
"""The last part of the path has an uppercase letter. Leaves out placeholders such as `IMAGE`,
`<image>` and `__IMAGE__`, which another tool replaces. The name of the registry may be in
uppercase."""
_PROXY_PROPERTIES = ("ProxyIngressPort", "ProxyEgressPort", "AppPorts", "EgressIgnoredIPs")

CONSTRAINTS = (
    Constraint(
        "E9167",
        f"{_TASK} ProxyConfiguration",
        "The App Mesh proxy of a task is not configured completely.",
        must=All(
            Is("/NetworkMode", "awsvpc"),
            Among("ContainerName", "/ContainerDefinitions", "Name"),
            *(Some("ProxyConfigurationProperties", Is("Name", name)) for name in _PROXY_PROPERTIES),
        ),
        message="The proxy configuration of task definition {id} does not name one of its "
        "containers, lacks one of its properties, or is not in the network mode `awsvpc`",
        fix="Write `NetworkMode: awsvpc`, the name of the proxy's container as `ContainerName`, "
        "and the properties `ProxyIngressPort`, `ProxyEgressPort`, `AppPorts` and "
        "`EgressIgnoredIPs`.",
        error_messages=(
            "APPMESH proxy configuration is only supported in networkMode=awsvpc",
            "Ingress port not found",
        ),
        sources=(f"{_API}: ProxyConfiguration", _PREFLIGHT),
    ),
    Constraint(
        "E9169",
        f"{_CONTAINERS[0]}.VolumesFrom[]",
        "A container takes the volumes of one that the task does not have.",
        must=Among("SourceContainer", "/ContainerDefinitions", "Name"),
        message="In task definition {id}, a container takes the volumes of {SourceContainer}, "
        "which the task does not have",
        fix="Write the `Name` of another container of the task.",
        error_messages=("Invalid 'volumesFrom' setting. Unknown container",),
        sources=(f"{_API}: VolumeFrom, sourceContainer",),
    ),
    Constraint(
        "E9170",
        tuple(f"{path}.RestartPolicy" for path in _CONTAINERS),
        "The restart policy of a container is out of range.",
        must=All(Within("RestartAttemptPeriod", 60, 1800), Count("IgnoredExitCodes", 0, 50)),
        message="In task definition {id}, the restart policy of a container has a period that is "
        "not 60 to 1800 seconds, or more than 50 exit codes",
        fix="Write 60 to 1800 as `RestartAttemptPeriod`, and up to 50 `IgnoredExitCodes`.",
        error_messages=("must be between 60 and 1800",),
        sources=(f"{_API}: ContainerRestartPolicy",),
    ),
    Constraint(
        "E9171",
        tuple(f"{path}.EnvironmentFiles[]" for path in _CONTAINERS),
        "An environment file is not named by the ARN of an object in S3.",
        must=Matches("Value", r"arn:[^:]+:s3:::[^/]+/.+"),
        message="An environment file of task definition {id} has the value {Value}, which is not "
        "the ARN of an object in S3",
        fix="Write the ARN of the object: `arn:aws:s3:::<bucket>/<file>.env`.",
        error_messages=("Invalid arn syntax",),
        sources=(f"{_API}: EnvironmentFile, value",),
    ),
    Constraint(
        "E9172",
        tuple(f"{path}.SystemControls[]" for path in _CONTAINERS),
        "A system control is not one of the container's own.",
        must=Matches("Namespace", rf"{_IPC_CONTROLS}|net\..+"),
        message="In task definition {id}, a container sets the system control {Namespace}, which "
        "is the same for all containers of an instance",
        fix="Remove it. On EC2, set it on the instance, such as in its user data. A container can "
        "set `net.*`, `fs.mqueue.*` and the `kernel.*` parameters of IPC.",
        sources=(f"{_API}: SystemControl, value",),
    ),
    Constraint(
        "E9173",
        f"{_CONTAINERS[0]}.SystemControls[]",
        "A system control is set in a namespace that the task shares with the host.",
        must=All(
            Not(All(Matches("Namespace", r"net\..+"), Is("/NetworkMode", "host"))),
            Not(All(Matches("Namespace", _IPC_CONTROLS), Is("/IpcMode", "host"))),
        ),
        message="In task definition {id}, a container sets the system control {Namespace}, in a "
        "namespace that the task shares with the host",
        fix="Remove it, or write another `NetworkMode` (for `net.*`) or `IpcMode` (for others).",
        sources=(f"{_API}: SystemControl",),
    ),
    Constraint(
        "E9174",
        f"{_CONTAINERS[0]}.LogConfiguration",
        "The log driver of a container does not exist.",
        when=All(
            Present("LogDriver"),
            Each("/RequiresCompatibilities", Not(Is("", "FARGATE", "MANAGED_INSTANCES"))),
        ),
        must=Is("LogDriver", *_LOG_DRIVERS),
        message="In task definition {id}, a container has the log driver {LogDriver}",
        fix=f"Write one of `{'`, `'.join(_LOG_DRIVERS)}`.",
        sources=(f"{_API}: LogConfiguration, logDriver",),
    ),
    Constraint(
        "E9175",
        tuple(f"{path}.LogConfiguration" for path in _CONTAINERS),
        "The log driver splunk has no URL or no token.",
        when=Is("LogDriver", "splunk"),
        must=All(
            *(
                Either(Present(f"Options.{name}"), Some("SecretOptions", Is("Name", name)))
                for name in ("splunk-url", "splunk-token")
            )
        ),
        message="In task definition {id}, a container has the log driver `splunk` without "
        "`splunk-url` or `splunk-token`",
        fix="Write `splunk-url` in `Options`, and `splunk-token` in `SecretOptions`.",
        sources=(f"{_API}: LogConfiguration, options",),
    ),
    Constraint(
        "E9176",
        tuple(f"{path}.FirelensConfiguration" for path in _CONTAINERS),
        "The configuration file of FireLens has no valid type or no place.",
        must=Either(
            Absent("Options.config-file-type"),
            All(
                Is("Options.config-file-type", "file", "s3"),
                Present("Options.config-file-value"),
            ),
        ),
        when=Either(Present("Options.config-file-type"), Present("Options.config-file-value")),
        message="In task definition {id}, FireLens has a configuration file of a type other than "
        "`file` and `s3`, or one without `config-file-value`",
        fix="Write `config-file-type: file` and the path in the image, or `s3` and the ARN of the "
        "object.",
        sources=(f"{_API}: FirelensConfiguration, options",),
    ),
    Constraint(
        "E9177",
        f"{_TASK} Volumes[]",
        "A volume has no name.",
        when=Either(
            Present("EFSVolumeConfiguration"),
            Present("S3FilesVolumeConfiguration"),
            IsTrue("ConfiguredAtLaunch"),
        ),
        must=Present("Name"),
        message="A volume of task definition {id} has no `Name`",
        fix="Write `Name`, and the same as `SourceVolume` of the mount points.",
        sources=(f"{_API}: Volume, name",),
    ),
    Constraint(
        "E9178",
        _CONTAINERS[0],
        "A path in a container is not absolute.",
        must=All(
            Matches("WorkingDirectory", rf"({_ABSOLUTE})?"),
            Either(
                Each("MountPoints", Matches("ContainerPath", _ABSOLUTE)),
                Some("/RequiresCompatibilities", Is("", "FARGATE", "MANAGED_INSTANCES")),
            ),
        ),
        message="In task definition {id}, a path of container {Name} is not absolute",
        fix="Write `WorkingDirectory` and `ContainerPath` with `/` at the beginning.",
        why="The container runtime refuses to create the container, so no task starts.",
        error_messages=(
            "invalid mount path: 'data' mount path must be absolute",
            "the working directory 'app' is invalid, it needs to be an absolute path",
        ),
        sources=(
            "moby/moby, volume/mounts/linux_parser.go and daemon/container.go",
            "opencontainers/runtime-spec, config.md: process, cwd",
        ),
    ),
    Constraint(
        "E9179",
        _CONTAINERS,
        "The name of an image is not valid.",
        must=All(
            Not(Matches("Image", r"[A-Za-z]+://.*|.*\S\s+\S.*")),
            Not(_UPPERCASE_REPOSITORY),
        ),
        message="In task definition {id}, container {Name} has the image {Image}, which is not a "
        "valid name",
        fix="Write it as `docker pull` takes it: no `https://`, no spaces, and the name of the "
        "repository in lowercase.",
        error_messages=("invalid reference format: repository name must be lowercase",),
        sources=("distribution/reference, reference.go and normalize.go",),
    ),
    Constraint(
        "E9160",
        _CONTAINERS[0],
        "A reference to an image has a digest that is not valid.",
        when=Matches("Image", ".*@.*"),
        must=Matches("Image", ".*@sha256:[0-9A-Fa-f]{64}"),
        message="In task definition {id}, container {Name} has an image with a digest that is not "
        "`sha256:` and 64 hexadecimal digits",
        fix="Write the digest that `docker push` prints.",
        sources=(f"{_API}: ContainerDefinition, image",),
    ),
)
