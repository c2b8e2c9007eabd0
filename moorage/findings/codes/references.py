"""M1200 to M1299: stacks, containers and ports that params name."""

from __future__ import annotations

from moorage.findings.codes.code import Code

CODES: tuple[Code, ...] = ()
