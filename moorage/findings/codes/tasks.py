"""M2700 to M2799: tasks as a whole, and their launch types."""

from __future__ import annotations

from moorage.findings.codes.code import Code

CODES: tuple[Code, ...] = ()
