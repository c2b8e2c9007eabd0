"""CloudWatch log groups."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field
from troposphere import logs

from moorage.model import Base

from .fields import KeyArn, Retention, text
from .references import External

# CloudWatch Logs API reference, CreateLogGroup, logGroupName.
LogGroupName = Annotated[
    str, text(r"[A-Za-z0-9_/.#-]{1,512}", "the name of a log group", "/shop/web")
]


class Logs(Base):
    """A log group that this stack creates."""

    key_use: ClassVar[str | None] = "logs"

    retention: Retention = Field(
        30, description="How long CloudWatch Logs keeps the events, such as `14d`."
    )
    keep: bool = Field(
        False, description="Keep the log group and its events when the stack is deleted."
    )
    kms_key: External[KeyArn] | None = Field(
        None,
        description="ARN of a KMS key that encrypts the events. The key policy must allow "
        "CloudWatch Logs to use the key.",
    )


def log_group(title: str, params: Logs) -> logs.LogGroup:
    """A log group without a fixed name. With one, a stack that keeps its log group could not be
    created again after its deletion, because the name would be in use."""
    policy = "Retain" if params.keep else "Delete"
    optional = {"KmsKeyId": params.kms_key} if params.kms_key else {}
    return logs.LogGroup(
        title,
        RetentionInDays=params.retention,
        DeletionPolicy=policy,
        UpdateReplacePolicy=policy,
        **optional,
    )
