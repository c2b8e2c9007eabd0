"""What an update does to what is deployed: two versions of an environment -> effects. Pure.

What is judged is what CloudFormation and the services behind it do with a change, so that a
reviewer reads it before the deployment does it: what is replaced and what that means, what is
refused, what is lost.
"""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn.changes import Comparison
from moorage.update.conflicts import taken
from moorage.update.effect import Effect
from moorage.update.exports import stacks
from moorage.update.load_balancers import balancers
from moorage.update.replacements import anew
from moorage.update.services import services

__all__ = ["Effect", "effects"]


def effects(change: Comparison) -> Iterator[Effect]:
    """Everything that a reviewer should know of an update before it runs."""
    yield from stacks(change)
    yield from anew(change)
    yield from taken(change)
    yield from balancers(change)
    yield from services(change)
