"""The cloud assembly that `cdk synth` writes -> the templates of its stacks.

The format is that of the CDK's `cloud-assembly-schema`: manifest.json lists the stacks of an app or
of a stage with their account and region, and the assemblies of its stages.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any

from moorage.findings.finding import Finding, Place
from moorage.pipeline.limits import ASSEMBLY, LimitError, read_bytes
from moorage.pipeline.sources import Construct, Group, Source, read_source

MANIFEST = "manifest.json"
_STACK, _ASSEMBLY = "aws:cloudformation:stack", "cdk:cloud-assembly"
_LOGICAL_ID, _CREATION = "aws:cdk:logicalId", "aws:cdk:creationStack"
_ENVIRONMENT = re.compile(r"aws://([^/]+)/(.+)")
_UNKNOWN = "unknown-"
_FRAME = re.compile(r"[^(]*+\((?!node:)(.+):([0-9]{1,7}):[0-9]{1,7}\)")
_MAX_DEPTH = 8


def read_assembly(path: FilePath) -> tuple[list[Group], list[Finding]]:
    """The stacks of an assembly and its stages, in groups that are deployed to the same account and
    region."""
    return _read_folder(path if path.is_dir() else path.parent, 0)


def _read_folder(folder: FilePath, depth: int) -> tuple[list[Group], list[Finding]]:
    file = folder / MANIFEST
    manifest, findings = _read_json(file)
    artifacts = manifest.get("artifacts")
    if depth > _MAX_DEPTH:
        findings = [_unreadable(file, "it contains itself, or too many stages in each other")]
    elif not findings and not isinstance(artifacts, Mapping):
        findings = [_unreadable(file, "it has no map `artifacts`")]
    if findings or not isinstance(artifacts, Mapping):
        return [], findings
    stacks: dict[str, Source] = {}
    groups: list[Group] = []
    for name, artifact in artifacts.items():
        kind = artifact.get("type") if isinstance(artifact, Mapping) else None
        properties = _map(artifact, "properties")
        if kind == _STACK:
            source, problems = _read_stack(folder, name, artifact, properties)
            stacks |= {name: source} if source is not None else {}
            findings += problems
        elif kind == _ASSEMBLY and isinstance(directory := properties.get("directoryName"), str):
            inner, problems = _read_folder(folder / directory, depth + 1)
            groups += inner
            findings += problems
    return [*_group(stacks, artifacts), *groups], findings


def _read_stack(
    folder: FilePath, name: str, artifact: Mapping[str, Any], properties: Mapping[str, Any]
) -> tuple[Source | None, list[Finding]]:
    template = properties.get("templateFile")
    file = folder / str(template)
    if not isinstance(template, str) or not file.is_file():
        message = f"the template of stack `{name}` does not exist: `{file}`"
        return None, [_unreadable(folder / MANIFEST, message)]
    account, region = _environment(artifact)
    metadata, findings = _metadata(folder, artifact)
    source, problems = read_source(
        str(file),
        region=region,
        account=account,
        parameter_values=_parameter_values(properties),
        constructs=_constructs(metadata),
    )
    return source, [*findings, *problems]


def _parameter_values(properties: Mapping[str, Any]) -> dict[str, str]:
    given = properties.get("parameters")
    return (
        {str(key): value for key, value in given.items() if isinstance(value, str)}
        if isinstance(given, Mapping)
        else {}
    )


def _environment(artifact: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Account and region of a stack; None where the app leaves them open."""
    match = _ENVIRONMENT.fullmatch(str(artifact.get("environment")))
    account, region = match.groups() if match else (None, None)
    is_known = [value is not None and not value.startswith(_UNKNOWN) for value in (account, region)]
    return (account if is_known[0] else None), (region if is_known[1] else None)


def _group(stacks: Mapping[str, Source], artifacts: Mapping[str, Any]) -> list[Group]:
    """The stacks by account and region. If the app leaves these open, two stacks may be meant for
    different accounts, and only those that depend on each other are surely in the same one."""
    groups: list[list[str]] = []
    for name in stacks:
        related = [group for group in groups if _is_related(name, group, stacks, artifacts)]
        merged = [member for group in related for member in group]
        groups = [group for group in groups if group not in related] + [[*merged, name]]
    return [tuple(stacks[name] for name in stacks if name in group) for group in groups]


def _is_related(
    name: str, group: list[str], stacks: Mapping[str, Source], artifacts: Mapping[str, Any]
) -> bool:
    source, other = stacks[name], stacks[group[0]]
    if (source.account, source.region) != (other.account, other.region):
        return False
    if source.account is not None and source.region is not None:
        return True
    own = _dependencies(artifacts[name])
    return any(member in own or name in _dependencies(artifacts[member]) for member in group)


def _dependencies(artifact: Mapping[str, Any]) -> list[Any]:
    names = artifact.get("dependencies")
    return names if isinstance(names, list) else []


# Constructs ----------------------------------------------------------------------------------


def _metadata(
    folder: FilePath, artifact: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Finding]]:
    """The metadata of a stack's constructs: in the manifest, or in a file beside it."""
    inline = artifact.get("metadata")
    name = artifact.get("additionalMetadataFile")
    beside, findings = _read_json(folder / name) if isinstance(name, str) else ({}, [])
    return {**(inline if isinstance(inline, Mapping) else {}), **beside}, findings


def _constructs(metadata: Mapping[str, Any]) -> dict[str, Construct]:
    constructs: dict[str, Construct] = {}
    for path, entries in metadata.items():
        listed = entries if isinstance(entries, list) else []
        items = [entry for entry in listed if isinstance(entry, Mapping)]
        for entry in items:
            if entry.get("type") == _LOGICAL_ID and isinstance(entry.get("data"), str):
                constructs[entry["data"]] = Construct(path.strip("/"), _creation(items, entry))
    return constructs


def _creation(entries: list[Mapping[str, Any]], logical_id: Mapping[str, Any]) -> Place | None:
    """The innermost line of the app's own code that creates a construct."""
    traces = [entry.get("data") for entry in entries if entry.get("type") == _CREATION]
    for trace in (*traces, logical_id.get("trace")):
        for frame in trace if isinstance(trace, list) else ():
            match = _FRAME.fullmatch(str(frame))
            if match and "node_modules" not in match[1]:
                return Place(_relative(match[1].removeprefix("file://")), int(match[2]))
    return None


def _relative(file: str) -> str:
    """A path from the current folder, if it is below it."""
    here = os.getcwd() + os.sep
    return file.removeprefix(here)


# Files ---------------------------------------------------------------------------------------


def _read_json(file: FilePath) -> tuple[dict[str, Any], list[Finding]]:
    try:
        value = json.loads(read_bytes(file, ASSEMBLY))
    except LimitError as error:
        return {}, [error.finding(str(file))]
    except (OSError, ValueError, RecursionError) as error:
        return {}, [_unreadable(file, f"it is not JSON: {error}")]
    return (value, []) if isinstance(value, dict) else ({}, [_unreadable(file, "it is not a map")])


def _unreadable(file: FilePath, why: str) -> Finding:
    message = f"The cloud assembly cannot be read: {why}"
    hint = "Run `cdk synth` again, and check the folder that it writes."
    return Finding("M1024", "error", Place(str(file), 1), (), message, hint)


def _map(artifact: Any, key: str) -> Mapping[str, Any]:
    value = artifact.get(key) if isinstance(artifact, Mapping) else None
    return value if isinstance(value, Mapping) else {}
