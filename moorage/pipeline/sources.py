"""Files given to `check` -> the templates in them, with what is known about their stacks.

A template may name others: nested stacks by the path of their template, as for `aws cloudformation
package`, and stack sets by a template in their TemplateBody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from pathlib import Path as FilePath
from typing import Any

from moorage.cfn import nested_stacks
from moorage.cfn.values import as_text
from moorage.findings.finding import Finding, Path, Place
from moorage.pipeline.limits import TEMPLATE, LimitError, check_template, read_bytes
from moorage.records import record

STACK_SET = "AWS::CloudFormation::StackSet"
_ASSET_PATH = "aws:asset:path"
_MAX_STACKS, _MAX_DEPTH = 200, 16
"""How many nested stacks are read, and how deep: a template can contain itself."""


@record
class Construct:
    """A construct of the CDK: its path, and where the app creates it, if that is known."""

    path: str
    place: Place | None = None


@record
class Source:
    """A template, and what is known about the stack that it becomes."""

    file: str
    text: str
    name: str = ""
    """Distinguishes stacks; the file, if a file is the template of one stack only."""
    region: str | None = None
    account: str | None = None
    parent: tuple[str, str] | None = None
    """For a nested stack: the name of the source that contains it, and its logical ID there."""
    parameter_values: Mapping[str, str] = field(default_factory=dict)
    constructs: Mapping[str, Construct] = field(default_factory=dict)
    """The constructs of the CDK by logical ID."""
    first_line: int = 1
    """The line of the file on which the template begins."""
    prefix: Path = ()
    """The path of the template in its file, if it is a value of another template."""
    body: Mapping[str, Any] | None = None
    """What the text says, if that is known without reading it."""
    is_linted: bool = True
    """Whether cfn-lint sees it; Moorage's rules see all templates."""

    @property
    def id(self) -> str:
        return self.name or self.file

    @property
    def has_lines(self) -> bool:
        """Whether the lines of the text are lines of the file: not in a text in quotes."""
        return not self.prefix or self.text.strip().count("\n") > 0


Group = tuple[Source, ...]
"""Templates that are judged together: their stacks are in the same account and region."""


def read_source(file: str, **known: Any) -> tuple[Source | None, list[Finding]]:
    """Reads a template; None with a finding, if it cannot be read."""
    try:
        text = read_bytes(FilePath(file), TEMPLATE, pipes=True).decode()
        check_template(text)
    except LimitError as error:
        return None, [error.finding(file)]
    except UnicodeDecodeError:
        message, hint = "The file is not UTF-8 text", "Save it as UTF-8."
        return None, [Finding("M1001", "error", Place(file, 1), (), message, hint)]
    return Source(file, text, **known), []


def read_included(group: Group) -> tuple[list[Group], list[Finding]]:
    """A group with the templates of its nested stacks, and a group for each stack set with a
    template of its own."""
    if not any(_may_include(source.text) for source in group):
        return [group], []
    from moorage.lint.decoding import decode_template

    sources, findings = list(group), list[Finding]()
    sets: list[Group] = []
    bodies: dict[str, Any] = {}
    for source in sources:  # grows while it is read
        if not _may_include(source.text):
            continue
        if source.text not in bodies:
            bodies[source.text] = decode_template(source.text)[0]
        for logical_id, resource in _resources(bodies[source.text]):
            if resource.get("Type") == nested_stacks.TYPE and len(sources) < _MAX_STACKS:
                nested, problems = _read_nested(source, logical_id, resource)
                sources += nested
                findings += problems
            elif resource.get("Type") == STACK_SET:
                sets += _read_stack_set(source, logical_id, resource)
    return [tuple(sources), *sets], findings


def _may_include(text: str) -> bool:
    return nested_stacks.TYPE in text or STACK_SET in text


def _resources(body: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    resources = body.get("Resources") if isinstance(body, Mapping) else None
    for logical_id, resource in resources.items() if isinstance(resources, Mapping) else ():
        if isinstance(resource, Mapping):
            yield str(logical_id), resource


def _properties(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    properties = resource.get("Properties")
    return properties if isinstance(properties, Mapping) else {}


# Nested stacks -------------------------------------------------------------------------------


def _read_nested(
    source: Source, logical_id: str, resource: Mapping[str, Any]
) -> tuple[list[Source], list[Finding]]:
    path = _template_path(resource)
    if path is None:
        return [], []
    file = FilePath(source.file).parent / path
    if not _may_be_read(file, source) or not file.is_file():
        return [], [_missing_template(source, logical_id, resource, file)]
    if source.id.count("/") - source.file.count("/") > _MAX_DEPTH:
        return [], []
    nested, findings = read_source(
        str(file),
        name=f"{source.id}/{logical_id}",
        region=source.region,
        account=source.account,
        parent=(source.id, logical_id),
        constructs=source.constructs,
    )
    return ([] if nested is None else [nested]), findings


def _template_path(resource: Mapping[str, Any]) -> str | None:
    """The path of a nested stack's template; None if its template is not on this machine."""
    metadata = resource.get("Metadata")
    asset = metadata.get(_ASSET_PATH) if isinstance(metadata, Mapping) else None
    if isinstance(asset, str):
        return asset
    url = _properties(resource).get("TemplateURL")
    is_path = isinstance(url, str) and url and "://" not in url and "{{" not in url
    return str(url) if is_path else None


def _may_be_read(file: FilePath, source: Source) -> bool:
    """Whether a template that a template names is below its folder, or below the current folder.
    Other files of this machine may be none of its author's business, and findings quote texts."""
    resolved = file.resolve()
    return any(
        resolved.is_relative_to(folder.resolve())
        for folder in (FilePath(source.file).parent, FilePath.cwd())
    )


def _missing_template(
    source: Source, logical_id: str, resource: Mapping[str, Any], file: FilePath
) -> Finding:
    url: Any = _properties(resource).get("TemplateURL")
    line = source.first_line + (url.start_mark.line if hasattr(url, "start_mark") else 0)
    path = (*source.prefix, "Resources", logical_id, "Properties", "TemplateURL")
    message = f"There is no template `{file}` for nested stack `{logical_id}`"
    hint = (
        "Write its path from the folder of this template, for `aws cloudformation package`, or the "
        "https:// URL of a template in S3."
    )
    return Finding("M1023", "error", Place(source.file, line), path, message, hint)


# Stack sets ----------------------------------------------------------------------------------


def _read_stack_set(
    source: Source, logical_id: str, resource: Mapping[str, Any]
) -> Iterator[Group]:
    """The template of a stack set. Its stacks are in other accounts or regions, so it is judged
    alone, with the parameters of the stack set."""
    body = _properties(resource).get("TemplateBody")
    if not isinstance(body, str):
        return
    yield (
        Source(
            source.file,
            str(body),
            name=f"{source.id}/{logical_id}",
            parameter_values=_stack_set_parameters(resource),
            first_line=_first_line(source, body),
            prefix=(*source.prefix, "Resources", logical_id, "Properties", "TemplateBody"),
        ),
    )


def _stack_set_parameters(resource: Mapping[str, Any]) -> dict[str, str]:
    entries = _properties(resource).get("Parameters")
    values: dict[str, str] = {}
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, Mapping):
            key, value = entry.get("ParameterKey"), as_text(entry.get("ParameterValue"))
            if isinstance(key, str) and value is not None:
                values[key] = value
    return values


def _first_line(source: Source, body: Any) -> int:
    """The line on which a template in a value begins: for a block of YAML, that after its `|`."""
    line = body.start_mark.line if hasattr(body, "start_mark") else 0
    lines = source.text.splitlines()
    is_block = line < len(lines) and lines[line].rstrip().endswith(("|", "|-", "|+", ">", ">-"))
    return source.first_line + line + is_block
