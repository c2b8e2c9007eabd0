"""M1100 to M1199: keys and values that do not have the right form."""

from __future__ import annotations

from moorage.findings.codes.code import Code

CODES: tuple[Code, ...] = ()
