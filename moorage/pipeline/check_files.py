"""Files that are given to `check` -> findings: a template with what it includes, or the cloud
assembly of a CDK app."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path as FilePath

from moorage.findings.finding import Finding
from moorage.lint.linter import Linter
from moorage.lint.settings import LintSettings
from moorage.pipeline.check import HERE, check_sources
from moorage.pipeline.cloud_assembly import read_assembly
from moorage.pipeline.sources import Group, Source, read_included, read_source


def check_template_file(
    file: str, settings: LintSettings, linter: Linter = HERE
) -> tuple[Source | None, list[Finding]]:
    """The findings about a template, its nested stacks and stack sets; and the template, None if it
    cannot be read."""
    source, findings = read_source(file)
    return source, [*findings, *_check_groups([(source,)] if source else [], settings, linter)]


def check_assembly(path: FilePath, settings: LintSettings, linter: Linter = HERE) -> list[Finding]:
    """The findings about the stacks of a CDK app and their nested stacks."""
    groups, findings = read_assembly(path)
    return [*findings, *_check_groups(groups, settings, linter)]


def _check_groups(groups: Iterable[Group], settings: LintSettings, linter: Linter) -> list[Finding]:
    findings: list[Finding] = []
    for group in groups:
        related, problems = read_included(group)
        findings += problems
        for sources in related:
            findings += check_sources(sources, settings, linter)
    return list(dict.fromkeys(findings))
