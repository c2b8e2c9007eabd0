"""Where a finding about a template is: in which file, and in which construct of the CDK."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from moorage.findings.finding import Finding, Path, Place
from moorage.pipeline.sources import Construct, Source

_CONSTRUCT_PATH = "aws:cdk:path"


def locate(finding: Finding, source: Source, body: Any) -> Finding:
    """A finding about the text of a source, with its place in the source's file."""
    construct = _find_construct(finding.path, source, body)
    line = source.first_line + finding.place.line - 1
    return replace(
        finding,
        place=Place(source.file, line if source.has_lines else source.first_line),
        path=(*source.prefix, *finding.path),
        construct=construct.path,
        created_at=construct.place,
    )


def _find_construct(path: Path, source: Source, body: Any) -> Construct:
    """The construct of the resource or output that a path leads to; with an empty path if the CDK
    did not write the template."""
    logical_id = str(path[1]) if len(path) > 1 else ""
    known = source.constructs.get(logical_id)
    written = _written_path(body, logical_id) if path[:1] == ("Resources",) else ""
    if known is not None and written in ("", known.path):
        return known
    return Construct(written)


def _written_path(body: Any, logical_id: str) -> str:
    """The path in the metadata of a resource."""
    for key in ("Resources", logical_id, "Metadata", _CONSTRUCT_PATH):
        body = body.get(key) if isinstance(body, Mapping) else None
    return body if isinstance(body, str) else ""
