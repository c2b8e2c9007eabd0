"""M1400 to M1499: what an update does to deployed stacks."""

from __future__ import annotations

from moorage.findings.codes.code import Code

CODES: tuple[Code, ...] = ()
