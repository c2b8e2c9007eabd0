"""What CloudFormation keeps of a resource that is deleted or replaced.

Source: AWS CloudFormation User Guide, "DeletionPolicy attribute" and "UpdateReplacePolicy
attribute".
"""

from __future__ import annotations

SNAPSHOT = "Snapshot"
"""The value with which the resource is deleted, and a snapshot of it stays."""

KEEPING = ("Retain", "RetainExceptOnCreate", SNAPSHOT)
"""The values with which the resource stays, or a snapshot of it. `RetainExceptOnCreate` is only for
DeletionPolicy."""
