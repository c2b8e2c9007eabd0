"""Events of CloudFormation stacks."""

from __future__ import annotations

CANCELLED = (
    "Resource creation cancelled",
    "Resource update cancelled",
    "Resource deletion cancelled",
    "Resource import cancelled",
)
"""How the reasons of resources begin that CloudFormation gave up, because another one had failed
(CloudFormation user guide, "Troubleshooting CloudFormation"; AWS re:Post, "How do I find the
resource that failed in a CloudFormation stack?")."""
