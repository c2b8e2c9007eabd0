"""Amazon EFS: user guide, "Creating security groups" and "Mount targets" (read on 2026-11-27)."""

from __future__ import annotations

NFS_PORT = 2049
"""The TCP port of mount targets."""
