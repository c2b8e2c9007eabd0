"""Container definitions: Amazon ECS API reference, ContainerDefinition (read on 2026-11-27)."""

from __future__ import annotations

CONTAINER_NAME = r"[A-Za-z0-9][A-Za-z0-9_-]{0,254}"
"""The name of a container: at most 255 characters."""
