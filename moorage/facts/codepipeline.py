"""CodePipeline: limits of pipelines, triggers and variables.

AWS CodePipeline API reference (botocore 1.44.8, read on 2026-11-27), and AWS CodePipeline user
guide, "Quotas in AWS CodePipeline".
"""

from __future__ import annotations

from typing import Literal

ExecutionMode = Literal["SUPERSEDED", "QUEUED", "PARALLEL"]

MAX_PIPELINE_NAME = 100
MAX_STAGE_NAME = 100
MAX_ACTION_NAME = 100

MAX_PUSH_FILTERS = 3
"""GitPushFilterList."""
MAX_PATTERNS = 8
"""GitBranchPatternList, GitFilePathPatternList and GitTagPatternList."""
MAX_PATTERN = 255
"""Characters of a pattern. GitBranchNamePattern."""

MAX_CONFIGURATION_VALUE = 1000
"""Characters of a value in the configuration of an action. ActionConfigurationValue."""

APPROVAL_MINUTES = (5, 86_400)
"""ActionTimeout: how long an action for a manual approval waits."""
DEFAULT_APPROVAL_MINUTES = 7 * 24 * 60
MAX_BUILD_MINUTES = 8 * 60
"""After this time, an action that runs a build fails."""
