"""How long CloudWatch Logs can keep events."""

from __future__ import annotations

RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557),
    *(2922, 3288, 3653),
)
"""The values of RetentionInDays in the schema of AWS::Logs::LogGroup (in cfn-lint 1.58.0, compared
on 2026-11-27)."""
