"""What an update does to deployed stacks: compares two versions of an environment. Pure.

It predicts what CloudFormation and the services behind it do, so that a reviewer sees before the
deployment what is replaced and what that means, what is refused, and what is deleted.
"""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn.changes import Comparison
from moorage.update.conflicts import find_conflicts
from moorage.update.effect import Effect
from moorage.update.load_balancers import find_load_balancer_effects
from moorage.update.removed_exports import find_export_effects
from moorage.update.replacements import find_replacements
from moorage.update.services import find_service_effects
from moorage.update.target_groups import find_target_group_effects
from moorage.update.traffic_shifting import find_traffic_shifting_effects

__all__ = ["Effect", "find_effects"]


def find_effects(change: Comparison) -> Iterator[Effect]:
    """Yields everything that a reviewer should know about an update before it runs."""
    yield from find_export_effects(change)
    yield from find_replacements(change)
    yield from find_conflicts(change)
    yield from find_load_balancer_effects(change)
    yield from find_service_effects(change)
    yield from find_target_group_effects(change)
    yield from find_traffic_shifting_effects(change)
