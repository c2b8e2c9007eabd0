"""M3200 to M3299: ECS services, their deployment and scaling."""

from __future__ import annotations

from moorage.findings.codes.code import Code

CODES: tuple[Code, ...] = ()
