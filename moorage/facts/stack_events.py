"""Events of CloudFormation stacks."""

from __future__ import annotations

CANCELLED = (
    "Resource creation cancelled",
    "Resource update cancelled",
    "Resource deletion cancelled",
    "Resource import cancelled",
)
"""Beginnings of the status reason of resources that CloudFormation cancelled because another one
had failed (CloudFormation user guide, "Troubleshooting CloudFormation"; AWS re:Post, "How do I find
the resource that failed in a CloudFormation stack?")."""
