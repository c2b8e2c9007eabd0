"""M3300 to M3399: queues, scheduled tasks and tasks that run once."""

from __future__ import annotations

from moorage.findings.codes.code import Code

CODES: tuple[Code, ...] = ()
