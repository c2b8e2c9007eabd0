"""What an update does, as one line of it."""

from __future__ import annotations

from dataclasses import dataclass

from moorage.cfn.nodes import Node
from moorage.findings.finding import Level


@dataclass(frozen=True)
class Effect:
    """What the update does at a place of the new templates (or of the old, for what goes)."""

    code: str
    level: Level
    node: Node
    message: str
    hint: str
