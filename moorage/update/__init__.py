"""What an update does to what is deployed: two versions of an environment -> effects. Pure.

What is judged is what CloudFormation and the services behind it do with a change, so that a
reviewer reads it before the deployment does it: what is replaced and what that means, what is
refused, what is lost.
"""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn.changes import Comparison
from moorage.update.conflicts import find_conflicts
from moorage.update.effect import Effect
from moorage.update.exports import find_export_effects
from moorage.update.load_balancers import find_load_balancer_effects
from moorage.update.replacements import find_replacements
from moorage.update.services import find_service_effects

__all__ = ["Effect", "effects"]


def find_effects(change: Comparison) -> Iterator[Effect]:
    """Everything that a reviewer should know of an update before it runs."""
    yield from find_export_effects(change)
    yield from find_replacements(change)
    yield from find_conflicts(change)
    yield from find_load_balancer_effects(change)
    yield from find_service_effects(change)
