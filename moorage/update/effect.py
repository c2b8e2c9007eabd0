"""One effect of an update."""

from __future__ import annotations

from dataclasses import dataclass

from moorage.cfn.nodes import Node
from moorage.findings.finding import Level


@dataclass(frozen=True)
class Effect:
    """One effect, at a node of the new templates; for deleted resources, of the old templates."""

    code: str
    level: Level
    node: Node
    message: str
    hint: str
