"""Container definitions, and the permissions that the execution role needs for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from awacs import s3
from awacs.aws import Statement
from troposphere import ecs

from ..common.iam import allow
from . import images, secrets
from .containers import Container, Containers, HealthCheck, RestartPolicy
from .linux_parameters import device, system_controls, tmpfs
from .mounts import mount_points
from .ports import Port


def container_definition(
    name: str,
    params: Container,
    log_configuration: ecs.LogConfiguration,
    mounts: Sequence[ecs.MountPoint] = (),
    repositories: Mapping[str, Any] | None = None,
    firelens: ecs.FirelensConfiguration | None = None,
    used_secrets: Mapping[str, Any] | None = None,
) -> ecs.ContainerDefinition:
    """The definition of a container, without properties that the params do not set.

    `mounts` are added to those of the params. `repositories` are the URIs of the repositories that
    the environment creates, by name. `firelens` makes the container the task's log router.
    `used_secrets` are ValueFrom by variable, in addition to the secrets of the params.
    """
    optional = {
        "Command": params.command,
        "EntryPoint": params.entry_point,
        "Environment": _environment(params.environment),
        "EnvironmentFiles": [
            ecs.EnvironmentFile(Type="s3", Value=arn) for arn in params.environment_files
        ],
        "Secrets": _secrets(params.secrets, used_secrets or {}),
        "PortMappings": [
            ecs.PortMapping(
                ContainerPort=port.number, Protocol=port.protocol, **_port_properties(port)
            )
            for port in params.ports
        ],
        "HealthCheck": _health_check(params.health_check),
        "DependsOn": [
            ecs.ContainerDependency(ContainerName=dependency, Condition=condition)
            for dependency, condition in sorted(params.depends_on.items())
        ],
        "User": params.user,
        "WorkingDirectory": params.working_directory,
        "ReadonlyRootFilesystem": params.readonly_root_filesystem or None,
        "Links": params.links,
        "Privileged": params.privileged or None,
        "ResourceRequirements": _gpus(params.gpus),
        "LinuxParameters": _linux_parameters(params),
        "Ulimits": [
            ecs.Ulimit(Name=limit, SoftLimit=value.soft, HardLimit=value.hard)
            for limit, value in sorted(params.ulimits.items())
        ],
        "Memory": params.memory,
        "MemoryReservation": params.memory_reservation,
        "StartTimeout": params.start_timeout,
        "StopTimeout": params.stop_timeout,
        "RestartPolicy": _restart_policy(params.restart_policy),
        "DockerLabels": params.docker_labels,
        "RepositoryCredentials": _credentials(params.repository_credentials),
        "Interactive": params.interactive or None,
        "PseudoTerminal": params.pseudo_terminal or None,
        "VersionConsistency": params.version_consistency,
        "MountPoints": [*mount_points(params.mounts), *mounts],
        "SystemControls": system_controls(params.system_controls),
        "FirelensConfiguration": firelens,
    }
    # A cpu of 0 differs from none (ECS passes on at least two CPU shares), so it is kept.
    cpu = {"Cpu": params.cpu} if params.cpu is not None else {}
    return ecs.ContainerDefinition(
        Name=name,
        Image=images.image_uri(params.image, repositories or {}),
        Essential=params.essential,
        LogConfiguration=log_configuration,
        **cpu,
        **{key: value for key, value in optional.items() if value},
    )


def _secrets(references: Mapping[str, str], used: Mapping[str, Any]) -> list[ecs.Secret]:
    values = {key: secrets.parse_secret(ref).value_from for key, ref in references.items()}
    values = {**values, **used}
    return [ecs.Secret(Name=key, ValueFrom=value) for key, value in sorted(values.items())]


def _port_properties(port: Port) -> dict[str, Any]:
    optional = {
        "HostPort": port.host,
        "Name": port.name or None,
        "AppProtocol": port.app_protocol,
    }
    return {key: value for key, value in optional.items() if value is not None}


def _gpus(count: int | None) -> list[ecs.ResourceRequirement]:
    return [ecs.ResourceRequirement(Type="GPU", Value=str(count))] if count else []


def _environment(variables: Mapping[str, str]) -> list[ecs.Environment]:
    return [ecs.Environment(Name=key, Value=value) for key, value in sorted(variables.items())]


def _health_check(check: HealthCheck | None) -> ecs.HealthCheck | None:
    if check is None:
        return None
    start = {"StartPeriod": check.start_period} if check.start_period is not None else {}
    return ecs.HealthCheck(
        Command=check.command,
        Interval=check.interval,
        Timeout=check.timeout,
        Retries=check.retries,
        **start,
    )


def _linux_parameters(params: Container) -> ecs.LinuxParameters | None:
    added, dropped = list(params.add_capabilities), list(params.drop_capabilities)
    capabilities = {key: value for key, value in (("Add", added), ("Drop", dropped)) if value}
    optional = {
        "InitProcessEnabled": params.init_process_enabled or None,
        "Capabilities": ecs.KernelCapabilities(**capabilities) if capabilities else None,
        "Tmpfs": tmpfs(params.tmpfs),
        "Devices": [device(paths) for paths in params.devices],
        "SharedMemorySize": params.shared_memory,
    }
    swap = {"MaxSwap": params.max_swap, "Swappiness": params.swappiness}
    properties = {key: value for key, value in optional.items() if value}
    properties |= {key: value for key, value in swap.items() if value is not None}
    return ecs.LinuxParameters(**properties) if properties else None


def _restart_policy(policy: RestartPolicy | None) -> ecs.RestartPolicy | None:
    if policy is None:
        return None
    optional = {
        "IgnoredExitCodes": policy.ignored_exit_codes,
        "RestartAttemptPeriod": policy.restart_attempt_period,
    }
    return ecs.RestartPolicy(
        Enabled=True, **{key: value for key, value in optional.items() if value}
    )


def _credentials(reference: str | None) -> ecs.RepositoryCredentials | None:
    if reference is None:
        return None
    return ecs.RepositoryCredentials(
        CredentialsParameter=secrets.parse_secret(reference).value_from
    )


# Permissions of the execution role -----------------------------------------------------------


def execution_role_statements(
    containers: Containers, kms_keys: list[str], more_secrets: Iterable[str] = ()
) -> Iterator[Statement]:
    """The permissions to start these containers, except those to pull their images: to read their
    secrets, `more_secrets`, registry credentials and environment files."""
    all_containers = list(containers.values())
    references = [
        reference for container in all_containers for reference in container.secrets.values()
    ]
    references += more_secrets
    references += [
        container.repository_credentials
        for container in all_containers
        if container.repository_credentials
    ]
    yield from secrets.read_statements(references, kms_keys)
    files = sorted({arn for container in all_containers for arn in container.environment_files})
    if files:
        # Amazon ECS developer guide, "Amazon ECS task execution IAM role", Amazon S3 file storage.
        buckets = sorted({arn.split("/")[0] for arn in files})
        yield allow("ReadEnvironmentFiles", [s3.GetObject], files)
        yield allow("LocateEnvironmentFiles", [s3.GetBucketLocation], buckets)
