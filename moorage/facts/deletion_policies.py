"""What CloudFormation keeps of a resource that is deleted or replaced.

Source: AWS CloudFormation User Guide, "DeletionPolicy attribute" and "UpdateReplacePolicy
attribute".
"""

from __future__ import annotations

KEEPING = ("Retain", "RetainExceptOnCreate", "Snapshot")
"""The values with which the resource stays, or a snapshot of it. `RetainExceptOnCreate` is only for
DeletionPolicy."""
