"""Names of capacity providers.

Amazon ECS API reference, CreateCapacityProvider, name (botocore 1.44.5, read on 2026-11-27).
"""

from __future__ import annotations

RESERVED_PREFIXES = ("aws", "ecs", "fargate")
"""ECS refuses names that begin with one of them."""

NAME = rf"(?!{'|'.join(RESERVED_PREFIXES)})[A-Za-z0-9_-]{{1,255}}"
