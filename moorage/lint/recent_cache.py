"""Results that a process that builds again and again has read or made, in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from moorage.lint.findings_cache import FindingsCache


@dataclass
class RecentCache:
    """The latest results, in front of the cache in the user's folder, if there is one."""

    kept: FindingsCache | None
    most: int = 4096
    """Results: a template has about two."""
    _recent: dict[str, Any] = field(default_factory=dict)

    def read(self, key: str, *, not_before: int = 0) -> Any:
        """As the cache behind it, which alone knows the time of a result."""
        if key in self._recent and not not_before:
            self._recent[key] = self._recent.pop(key)  # now it is the latest
            return self._recent[key]
        value = self.kept.read(key, not_before=not_before) if self.kept is not None else None
        if value is not None:
            self._remember(key, value)
        return value

    def write(self, key: str, value: Any) -> None:
        """As the cache behind it."""
        self._remember(key, value)
        if self.kept is not None:
            self.kept.write(key, value)

    def _remember(self, key: str, value: Any) -> None:
        self._recent[key] = value
        if len(self._recent) > self.most:
            del self._recent[next(iter(self._recent))]
