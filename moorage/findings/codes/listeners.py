"""M2500 to M2599: listeners of a Network Load Balancer, and health sidecars."""

from __future__ import annotations

from moorage.findings.codes.code import Code

CODES: tuple[Code, ...] = ()
