"""Numbers of a template."""

from __future__ import annotations

import math

from moorage.cfn.nodes import Node
from moorage.cfn.values import Attr


def number(node: Node, default: int) -> int:
    """As `decimal`, without its fraction."""
    return int(decimal(node, default))


def decimal(node: Node, default: float) -> float:
    """A number, or the default value of the parameter that it comes from."""
    if isinstance(node.value, Attr):
        return default
    try:
        value = float(node.default or "")
    except ValueError:
        return default
    return value if math.isfinite(value) and 0 <= value < 1e9 else default
