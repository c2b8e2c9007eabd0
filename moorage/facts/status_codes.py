"""Status codes of responses that say that the server failed."""

from __future__ import annotations

GRPC_SERVER_FAILURES = {
    2: "UNKNOWN",
    4: "DEADLINE_EXCEEDED",
    8: "RESOURCE_EXHAUSTED",
    13: "INTERNAL",
    14: "UNAVAILABLE",
    15: "DATA_LOSS",
}
"""gRPC documentation, "Status Codes"."""
