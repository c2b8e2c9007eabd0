"""An effect of an update."""

from __future__ import annotations

from moorage.cfn.nodes import Node
from moorage.findings.finding import Level
from moorage.records import record


@record
class Effect:
    """An effect of an update, at a node of the new templates; for deleted resources, of the old
    ones."""

    code: str
    level: Level
    node: Node
    message: str
    hint: str
