"""How long the updates of stacks usually take: as long as the releases of their services."""

from __future__ import annotations

from collections.abc import Iterable

from moorage.deploy.target import DeployStack
from moorage.estimate import estimate_texts
from moorage.estimate.settings import Assumptions


def expected_seconds(stacks: Iterable[DeployStack], region: str) -> dict[str, int]:
    """The seconds by the names of stacks; without those that have no service."""
    texts = {stack.name: stack.text for stack in stacks}
    expected: dict[str, int] = {}
    for estimate in estimate_texts(texts, Assumptions(), region):
        source, end = estimate.settings.source, estimate.usual.end
        if end is not None:
            expected[source] = max(end, expected.get(source, 0))
    return expected
