"""SQS: names and dead-letter queues.

Amazon SQS API reference, CreateQueue.
"""

from __future__ import annotations

STANDARD_NAME = "[A-Za-z0-9_-]{1,80}"
FIFO_NAME = r"[A-Za-z0-9_-]{1,75}\.fifo"
"""80 characters with the suffix."""
MAX_RECEIVE_COUNT = (1, 1000)
"""RedrivePolicy, maxReceiveCount (AWS's error message, reproduced by cdk-preflight)."""
SOURCE_QUEUES = (1, 10)
"""RedriveAllowPolicy, sourceQueueArns."""
