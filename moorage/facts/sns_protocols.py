"""Protocols of SNS subscriptions.

Amazon SNS API reference, Subscribe, Protocol and Endpoint; RawMessageDelivery: AWS's error message,
reproduced by cdk-preflight.
"""

from __future__ import annotations

from collections.abc import Mapping

ENDPOINTS: Mapping[str, str] = {
    "http": r"http://.+",
    "https": r"https://.+",
    "email": r"[^@]+@[^@]+",
    "email-json": r"[^@]+@[^@]+",
    "sms": r"\+?[0-9-]+",
    "sqs": r"arn:[^:]+:sqs:[^:]+:[0-9]+:.+",
    "application": r"arn:[^:]+:sns:.+",
    "lambda": r"arn:[^:]+:lambda:.+",
    "firehose": r"arn:[^:]+:firehose:.+",
}
"""The form of the endpoint of each protocol."""
PROTOCOLS_WITHOUT_RAW_MESSAGES = ("email", "email-json", "sms", "lambda", "application")
ARN_PROTOCOLS: Mapping[str, str] = {"sqs": "sqs", "lambda": "lambda", "firehose": "firehose"}
"""The service whose resources are the endpoints of a protocol."""
