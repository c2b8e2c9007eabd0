"""Container definitions: Amazon ECS API reference, ContainerDefinition (read on 2026-11-27)."""

from __future__ import annotations

CONTAINER_NAME = r"[A-Za-z0-9][A-Za-z0-9_-]{0,254}"
"""The name of a container: at most 255 characters."""

HEALTH_CHECK_INTERVAL = (5, 300)
HEALTH_CHECK_TIMEOUT = (2, 60)
HEALTH_CHECK_START_PERIOD = (0, 300)
"""Seconds. Amazon ECS API reference, HealthCheck."""
HEALTH_CHECK_RETRIES = (1, 10)
