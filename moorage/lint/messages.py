"""Messages of other checkers."""

from __future__ import annotations

from moorage.facts.secret_values import hide

_MAX_LENGTH = 300


def shorten(message: str) -> str:
    """Cuts long messages: some list thousands of possible values."""
    message = hide(message)
    return message if len(message) <= _MAX_LENGTH else f"{message[:_MAX_LENGTH]}..."
