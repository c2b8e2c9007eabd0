"""A property of a template that is probably wrong -> the line of the params to look at. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from moorage.deploy.diagnosis.model import Diagnosis
from moorage.findings.finding import Path, Place
from moorage.model import logical_id
from moorage.pipeline.document import Document
from moorage.pipeline.template_places import find_override, find_property_overrides
from moorage.records import record

PARAMS: Mapping[str, tuple[str, ...]] = {
    "AlarmActions": ("alarms", ""),
    "CapacityProviderStrategy": ("capacity_providers", "launch", ""),
    "ContainerDefinitions": ("{container}",),
    "ContainerDefinitions.Command": (
        "{container}.command",
        "{container}.entry_point",
        "{container}",
    ),
    "ContainerDefinitions.Cpu": ("{container}.cpu", "cpu"),
    "ContainerDefinitions.HealthCheck": ("{container}.health_check",),
    "ContainerDefinitions.Image": ("{container}.image", "{container}"),
    "ContainerDefinitions.LogConfiguration": ("logs", "{container}"),
    "ContainerDefinitions.Memory": ("{container}.memory", "memory"),
    "ContainerDefinitions.PortMappings": ("{container}.ports",),
    "ContainerDefinitions.RepositoryCredentials": ("{container}.repository_credentials",),
    "ContainerDefinitions.Secrets": ("{container}.secrets",),
    "Cpu": ("cpu",),
    "DeletionProtection": ("deletion_protection", ""),
    "DeploymentConfiguration": ("minimum_healthy_percent", "maximum_percent", ""),
    "DeploymentConfiguration.Alarms": ("release.rollback_on", "release", "alarms", ""),
    "DeploymentConfiguration.DeploymentCircuitBreaker": ("circuit_breaker", ""),
    "DeploymentConfiguration.LifecycleHooks": ("release.hooks", "release", ""),
    "DeploymentConfigName": ("release.configuration", "release", ""),
    "DeploymentReadyOption": ("release.wait", "release", ""),
    "DesiredCount": ("scaling", "desired_count"),
    "ElasticIps": ("elastic_ips", "egress", ""),
    "EphemeralStorage": ("ephemeral_storage",),
    "ExecutionRoleArn": ("execution_role", ""),
    "ExecutionRoleArn.KmsKeys": ("kms_keys",),
    "HealthCheckGracePeriodSeconds": ("health_check_grace_period",),
    "HealthCheckPath": ("{expose}.health_check.path", "{expose}.health_check", "{expose}"),
    "ListenerRule": ("{expose}",),
    "LoadBalancers": ("release", "expose", ""),
    "Memory": ("memory",),
    "Name": ("name", ""),
    "NetworkConfiguration": ("subnets", "network", ""),
    "RetentionInDays": ("logs", ""),
    "RuntimePlatform": ("cpu_architecture",),
    "ScalableTarget": ("scaling", ""),
    "TaskRoleArn": ("task_role", ""),
    "Volumes": ("volumes", ""),
}
"""Keys of a stack's params by the property that is built from them, as paths below the stack. Of
several keys it is the first one that the params have. An empty path is the stack itself.
`{container}` is the key of the container, `{expose}` the entry of `expose:`."""

_OF_TYPES: Mapping[str, str] = {
    "AWS::ApplicationAutoScaling::ScalableTarget": "ScalableTarget",
    "AWS::ApplicationAutoScaling::ScalingPolicy": "ScalableTarget",
    "AWS::CloudWatch::Alarm": "AlarmActions",
    "AWS::EC2::EIP": "ElasticIps",
    "AWS::EFS::AccessPoint": "Volumes",
    "AWS::EFS::FileSystem": "Volumes",
    "AWS::EFS::MountTarget": "Volumes",
    "AWS::ElasticLoadBalancingV2::ListenerRule": "ListenerRule",
    "AWS::ElasticLoadBalancingV2::TargetGroup": "ListenerRule",
    "AWS::Logs::LogGroup": "RetentionInDays",
}
"""The key of PARAMS for a resource of which no property is known to be wrong."""


@record
class ParamsPlace:
    """A line of the params, and the key that is not there yet, if one should be written."""

    place: Place
    path: Path
    missing: str = ""


def find_value_place(document: Document, stack: str, words: Sequence[str]) -> ParamsPlace | None:
    """The line of a stack's params whose value has all these words; of several, the shortest one.
    Words are separated by what cannot be part of a name. None if there is no such value."""
    patterns = [re.compile(rf"(?<![\w./-]){re.escape(word)}(?![\w./-])") for word in words if word]
    found = [
        (len(value), path)
        for path, value in _values(document.data, ("stacks", stack))
        if path in document.places and all(pattern.search(value) for pattern in patterns)
    ]
    if not found:
        return None
    _, path = min(found, key=lambda item: item[0])
    return ParamsPlace(document.place(path), path)


def _values(data: Any, root: Path) -> Iterator[tuple[Path, str]]:
    """The texts below a path, with their own paths."""
    for step in root:
        data = _map(data).get(str(step))
    pending: list[tuple[Path, Any]] = [(root, data)]
    while pending:
        path, value = pending.pop(0)
        if isinstance(value, str):
            yield path, value
        elif isinstance(value, Mapping):
            pending += [((*path, key), item) for key, item in value.items()]
        elif isinstance(value, list):
            pending += [((*path, index), item) for index, item in enumerate(value)]


def find_type_place(document: Document, stack: str, resource: str, kind: str) -> ParamsPlace:
    """The line of the params that a resource of a type is built from."""
    of_type = _OF_TYPES.get(kind)
    return find_property_place(document, stack, resource, (of_type,) if of_type else ())


def find_params_place(diagnosis: Diagnosis, document: Document) -> ParamsPlace:
    """The line of the params that a diagnosis is about: the nearest one that is certain, which is
    the stack's at least."""
    of_type = _OF_TYPES.get(diagnosis.type)
    return find_property_place(
        document,
        diagnosis.stack,
        diagnosis.logical_id,
        diagnosis.properties or ((of_type,) if of_type else ()),
        container=diagnosis.container,
        message=diagnosis.message,
    )


def find_property_place(
    document: Document,
    stack: str,
    resource: str,
    properties: Sequence[str],
    *,
    container: str = "",
    message: str = "",
) -> ParamsPlace:
    """The line of the first of the properties that the params set, for a resource of a stack.

    `properties` are keys of PARAMS, or names of other properties, which only overrides can set.
    `container` is the name of a container, and `message` AWS's words, which can name an image, a
    secret or a target group.
    """
    search = _Search(document, stack, resource, container, message)
    keys = {name: tuple(search.candidates(name)) for name in properties}
    for name in properties:
        for path in (*search.overrides(name), *keys[name]):
            if path in document.places:
                return ParamsPlace(document.place(path), path)
    unwritten = next((paths[-1] for paths in keys.values() if paths), search.root)
    known = unwritten
    while known not in document.places and len(known) > 1:
        known = known[:-1]
    key = ".".join(str(step) for step in unwritten[len(known) :] if len(known) > 1)
    return ParamsPlace(document.place(known), known, key)


@record
class _Search:
    """The params of a stack, and what is known about the failure."""

    document: Document
    stack: str
    resource: str
    container: str
    message: str

    @property
    def root(self) -> Path:
        return ("stacks", self.stack)

    @property
    def params(self) -> Mapping[str, Any]:
        stacks = self.document.data.get("stacks")
        params = stacks.get(self.stack) if isinstance(stacks, Mapping) else None
        return params if isinstance(params, Mapping) else {}

    def overrides(self, name: str) -> Iterator[Path]:
        """The overrides of the property: that of the resource, or that of another resource, since a
        service fails because of its task definition, too."""
        head = name.split(".")[0]
        path: Path = ("Resources", self.resource, "Properties", head)
        own = find_override(self.stack, path, self.document)
        if own is not None and own[-1] == head:
            yield own
        yield from find_property_overrides(self.stack, head, self.document)

    def candidates(self, name: str) -> Iterator[Path]:
        """The keys from which the property is built, the most special one first."""
        if name == "ContainerDefinitions.Secrets":
            yield from self._secrets()
        for text in PARAMS.get(name, ()):
            yield from self._expand(text)

    def _expand(self, text: str) -> Iterator[Path]:
        head, _, rest = text.partition(".")
        steps = tuple(filter(None, rest.split(".")))
        if head == "{container}":
            path = self._container()
            yield from () if path is None else [(*path, *steps)]
        elif head == "{expose}":
            entry = self._expose()
            if entry is not None:
                yield (*self.root, "expose", entry, *steps)
            elif "expose" in self.params:
                yield (*self.root, "expose")
        else:
            yield (*self.root, *filter(None, (head, *steps)))

    def _container(self) -> Path | None:
        """The key of the container: the one that failed, the one whose image AWS names, or the only
        one."""
        containers = _map(self.params.get("containers"))
        if self.container in containers:
            return (*self.root, "containers", self.container)
        if self.container == "proxy" and "proxy" in self.params:
            return (*self.root, "proxy")
        if self.container:
            return (*self.root, "sidecars") if "sidecars" in self.params else None
        named = [name for name, each in containers.items() if self._names_image(each)]
        names = named if len(named) == 1 else [*containers]
        return (*self.root, "containers", names[0]) if len(names) == 1 else None

    def _names_image(self, container: Any) -> bool:
        image = str(_map(container).get("image", "")).removeprefix("ecr:")
        return bool(image) and (image in self.message or image.rsplit(":", 1)[0] in self.message)

    def _secrets(self) -> Iterator[Path]:
        """The secret that AWS names, if it is only one."""
        found = [
            (*self.root, "containers", name, "secrets", key)
            for name, container in _map(self.params.get("containers")).items()
            if self.container in ("", name)
            for key, value in _map(_map(container).get("secrets")).items()
            if _names_secret(self.message, str(value))
        ]
        yield from found if len(found) == 1 else ()

    def _expose(self) -> int | None:
        """The entry whose load balancer is in the name of the resource or in AWS's message, or the
        only entry that forwards to the service."""
        entries = self.params.get("expose")
        if not isinstance(entries, list):
            return None
        forwarding = [
            index
            for index, entry in enumerate(entries)
            if not {"redirect", "fixed_response"} & _map(entry).keys()
        ]
        named = [index for index in forwarding if self._names_entry(_map(entries[index]))]
        chosen = named if named else forwarding
        return chosen[0] if len(chosen) == 1 else None

    def _names_entry(self, entry: Mapping[str, Any]) -> bool:
        words = [str(entry.get("via", "")), str(entry.get("container", ""))]
        title = logical_id(*filter(None, words))
        return bool(title) and (self.resource.startswith(title) or title in self.message)


def _names_secret(message: str, reference: str) -> bool:
    """Whether a message names a secret, or the JSON key of it that is missing."""
    name, _, key = reference.removeprefix("ssm:").removeprefix("secretsmanager:").partition(":")
    return (bool(name) and name in message) or (
        bool(key) and message.rstrip(". ").endswith(f"json key {key}")
    )


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
