"""The rules that a template ignores, in its metadata or in that of a resource."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moorage.cfn.values import Path


def is_ignored(rule: str, path: Path, body: Mapping[str, Any]) -> bool:
    """Whether the template ignores the rule, by the beginning of its id, or the resource at the
    path does, by its whole id. That is how cfn-lint reads them."""
    if rule.startswith(tuple(_ignored_checks(body))):
        return True
    if path[:1] != ("Resources",) or len(path) < 2:
        return False
    return rule in _ignored_checks(body["Resources"][path[1]])


def _ignored_checks(owner: Any) -> list[str]:
    for key in ("Metadata", "cfn-lint", "config", "ignore_checks"):
        owner = owner.get(key) if isinstance(owner, Mapping) else None
    checks = owner if isinstance(owner, list) else []
    return [check for check in checks if isinstance(check, str) and check]
