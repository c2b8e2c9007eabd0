"""Progress as lines of JSON, one for each event that changes something. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

from moorage.deploy.progress import Event, Happened, Progress, RolledOut


def event_json(before: Progress, event: Event, after: Progress) -> Iterator[str]:
    """The line for an event, without line feed; none if nothing changed."""
    if after is not before:
        yield json.dumps(_fields(event), default=_as_text)


def _fields(event: Event) -> dict[str, Any]:
    fields = asdict(event)
    inner: dict[str, Any] = {}
    match event:
        case Happened():
            inner = fields.pop("event")
        case RolledOut():
            inner = fields.pop("rollout")
    if "at" in fields:
        fields["at"] = round(fields["at"], 1)
    return {"event": type(event).__name__.lower(), **fields, **inner}


def _as_text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
