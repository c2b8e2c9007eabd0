"""Limits of tables of Amazon DynamoDB.

Amazon DynamoDB API reference, CreateTable (botocore 1.44.5, read on 2026-11-27).
"""

from __future__ import annotations

TABLE_NAME = r"[a-zA-Z0-9_.-]{3,255}"
INDEX_NAME = r"[a-zA-Z0-9_.-]{3,255}"
ATTRIBUTE_NAME = r".{1,255}"
MAX_INDEXES = 20
"""Global secondary indexes of a table."""
MAX_PROJECTED_ATTRIBUTES = 20
"""Attributes that an index lists besides its keys."""
