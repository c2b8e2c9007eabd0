"""The webhook that starts builds of a project."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from troposphere import codebuild

from moorage.facts.codebuild import APPROVERS

from .filters import Trigger, filter_group
from .source import Source


def project_triggers(triggers: Sequence[Trigger], source: Source) -> codebuild.ProjectTriggers:
    """The webhook of a project. Pull requests of forks wait for somebody who can write to the
    repository."""
    optional: dict[str, Any] = {}
    if any(trigger.pull_requests for trigger in triggers):
        optional["PullRequestBuildPolicy"] = codebuild.PullRequestBuildPolicy(
            RequiresCommentApproval="FORK_PULL_REQUESTS",
            ApproverRoles=list(APPROVERS[source.type]),
        )
    groups = [filter_group(trigger, source.branch, source.type) for trigger in triggers]
    return codebuild.ProjectTriggers(Webhook=True, FilterGroups=groups, **optional)
