"""M3100 to M3199: Service Connect and service discovery."""

from __future__ import annotations

from moorage.findings.codes.code import Code

CODES: tuple[Code, ...] = ()
