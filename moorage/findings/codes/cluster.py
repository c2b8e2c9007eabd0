"""M2100 to M2199: clusters and the instances of their capacity."""

from __future__ import annotations

from moorage.findings.codes.code import Code

CODES: tuple[Code, ...] = ()
