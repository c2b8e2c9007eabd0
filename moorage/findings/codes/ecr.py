"""M2200 to M2299: repositories."""

from __future__ import annotations

from moorage.findings.codes.code import Code

CODES: tuple[Code, ...] = ()
