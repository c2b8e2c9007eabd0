"""M1500 to M1599: texts that must have a certain form, such as durations and ARNs."""

from __future__ import annotations

from moorage.findings.codes.code import Code

CODES: tuple[Code, ...] = ()
