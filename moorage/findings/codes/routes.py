"""M2400 to M2499: routes through an Application Load Balancer, and target groups."""

from __future__ import annotations

from moorage.findings.codes.code import Code

CODES: tuple[Code, ...] = ()
